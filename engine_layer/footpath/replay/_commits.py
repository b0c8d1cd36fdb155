"""Entries about commits."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from footpath.channels import CommitEvent, Mutation
from footpath.replay._grown import Grown, extended
from footpath.replay._mirror import LOG_MARK, RUNS, items_after, log_marked, marks_of
from footpath.state import LastWritten
from footpath.values import MARK, in_js_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from footpath.replay._cursor import Cursor
    from footpath.replay._mirror import Around, MirrorFrame, Way

_MANY_WRITES = 256


def mutations(cursor: Cursor, frame: MirrorFrame) -> tuple[Mutation, ...]:
    tracking = cursor.write_tracking
    if tracking == "off":
        return ()
    held = frame.writes or {}
    writes: Iterable[tuple[str, tuple[Any, str]]] = held.items()
    keys = in_js_order(held)
    if keys is not held:
        writes = [(key, held[key]) for key in keys]
    marked = cursor.marked
    if marked:
        # Hidden by now, though it may have been written before it was.
        writes = [(key, (MARK, write[1]) if key in marked else write) for key, write in writes]
    if tracking == "full":
        return tuple(
            [
                Mutation(key, value.packed() if type(value) is Grown else value, operation)
                for key, (value, operation) in writes
            ]
        )
    from footpath.replay._summaries import summary_marker

    return tuple(
        [
            Mutation(
                key,
                MARK
                if key in marked or (value == MARK and key in frame.secret_writes)
                else summary_marker(value, "__writeSummary"),
                operation,
            )
            for key, (value, operation) in writes
        ]
    )


def commit_event(cursor: Cursor, frame: MirrorFrame) -> None:
    if cursor.on_commit and frame.has_scope:
        if frame.writes is not None and len(frame.writes) > _MANY_WRITES:
            cursor.spend(64 * len(frame.writes))
        decl = frame.decl
        cursor.dispatcher.fire_scope(
            "on_commit",
            cursor.on_commit,
            CommitEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp, mutations(cursor, frame)),
        )


def commit(cursor: Cursor, entry: Any) -> None:
    commit_frame(cursor, cursor.current, entry[1] if len(entry) > 1 else None)


def commit_frame(cursor: Cursor, frame: MirrorFrame, dropped: Any) -> None:
    region = frame.region
    staged = frame.staged
    if dropped is not None:
        dropped = frozenset(dropped)
    region.commits += 1
    hidden, fields, nothing, whole, grew = frame.redacted, frame.fields, frame.nothing, frame.whole, frame.grew
    bases = {key: region.in_state((frame.branch, key)) for key in grew or ()}
    around: Around | None = None
    if cursor.views is not None:
        cursor.views.log.commit(frame, dropped)
    if frame.hidden is not None or frame.whole is not None or grew is not None:
        frame.redacted = frame.hidden = frame.fields = frame.nothing = frame.whole = frame.grew = None
    if staged:
        values = region.values
        gone = staged.deleted if type(staged) is LastWritten else ()
        if frame.branch:
            runs = values.get(RUNS)
            cursor.spend(8 * len(staged) * (len(values) + (len(runs) if type(runs) is dict else 0)))
            around = region.shown_around((RUNS, frame.branch))
            for key, value in staged.items():
                if dropped is None or key not in dropped:
                    region.put((RUNS, frame.branch, key), value)
                    if key in gone:
                        del values[RUNS][frame.branch][key]
        elif dropped is None and not cursor.delta_commits:
            values.update(staged)
        else:
            for key, value in staged.items():
                if dropped is not None and key in dropped:
                    continue
                region.hung.discard(("", key))
                if key in gone:
                    values.pop(key, None)
                else:
                    values[key] = value
        if hidden or fields or region.masked or region.shown or around is not None:
            for key, value in staged.items():
                if dropped is not None and key in dropped:
                    continue
                marks = marks_of([*(fields or {}).get(key, ()), *(nothing or {}).get(key, ())], value)
                if hidden is not None and key in hidden:
                    # As in the reference, fields may be looked for in the mark, a text, where the whole was hidden
                    # before them.
                    marks = {(): LOG_MARK if hidden[key] else log_marked(LOG_MARK, marks)}
                if key == RUNS and not frame.branch and key not in frame.patched and key not in (whole or ()):
                    region.unmask((RUNS,))  # what parallel children wrote is gone
                _mask(frame, key, value, marks, None if grew is None else grew.get(key), bases.get(key))
                if around is not None:
                    around = region.show_in(around, (RUNS, frame.branch, key), value)
            frame.patched = {}
        frame.staged = type(staged)()
        frame.ops = []
    frame.base = region.values
    if cursor.on_commit:
        commit_event(cursor, frame)


def _mask(frame: MirrorFrame, key: str, value: Any, marks: dict[Way, Any], grew: int | None, base: Any) -> None:
    """Hide what the log of a commit hides of a key, in the state, too. It may have been hidden first, then deleted and written openly.

    Where a patch was laid over what the state shows, that may have come to something else. Where a list only grew, the
    log holds what it has gained as a list of its own, whose items are hidden by their place: in the reference the state
    shows that at the end of what it showed before.
    """
    region, owner = frame.region, (frame.branch, key)
    before, seen = region.masked.pop(owner, {}), region.shown.pop(owner, UNSET)
    if value is UNSET:
        return
    if marks:
        region.masked[owner] = marks
    patched = frame.patched.get(key)
    if patched is not None and patched[0] is value and marks.get(()) != LOG_MARK:
        region.shown[owner] = patched[1]
    elif grew is not None and () not in marks and (marks or before or seen is not UNSET):
        region.shown[owner] = extended(base, log_marked(items_after(value, grew), marks))


def settle(cursor: Cursor, entry: Any) -> None:
    if cursor.parallel:
        cursor.parallel -= 1
    if len(entry) > 1:
        if cursor.refusals:
            decl, region, node = cursor.refusals.pop(0)
            region.commits += 1
            if cursor.views is not None:
                cursor.views.log.refused_commit(decl, region)
                if node is not None and len(entry) > 2:
                    cursor.views.tree.marked(node, entry[2])
        return
    frame = cursor.current
    frame.region.commits += 1
    if cursor.views is not None:
        cursor.views.log.empty_commit(frame)
    commit_event(cursor, frame)
