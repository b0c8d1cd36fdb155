"""Entries about commits."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.channels import CommitEvent, Mutation
from footpath.replay._grown import Grown
from footpath.state import LastWritten
from footpath.values import MARK, in_js_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from footpath.replay._cursor import Cursor
    from footpath.replay._mirror import MirrorFrame

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
        [Mutation(key, summary_marker(value, "__writeSummary"), operation) for key, (value, operation) in writes]
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
    hidden = frame.redacted
    if cursor.views is not None:
        cursor.views.log.commit(frame, dropped)
    if staged:
        values = region.values
        gone = staged.deleted if type(staged) is LastWritten else ()
        if frame.branch:
            runs = values.get("runs")
            cursor.spend(8 * len(staged) * (len(values) + (len(runs) if type(runs) is dict else 0)))
            for key, value in staged.items():
                if dropped is None or key not in dropped:
                    region.put(("runs", frame.branch, key), value)
                    if key in gone:
                        del values["runs"][frame.branch][key]
        elif dropped is None and not cursor.delta_commits:
            values.update(staged)
        else:
            for key, value in staged.items():
                if dropped is not None and key in dropped:
                    continue
                if key in gone:
                    values.pop(key, None)
                else:
                    values[key] = value
        if hidden or region.masked:
            kept = staged if dropped is None else {key: staged[key] for key in staged if key not in dropped}
            region.mask(frame.branch, kept, hidden or {})
            frame.redacted = None
        frame.staged = type(staged)()
        frame.ops = []
    frame.base = region.values
    if cursor.on_commit:
        commit_event(cursor, frame)


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
