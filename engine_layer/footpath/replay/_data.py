"""Entries about reads and writes of state."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw

from footpath.channels import ReadEvent, WriteEvent
from footpath.journal.entries import MEMBERS
from footpath.replay._grown import Grown, extended
from footpath.replay._merge import merged
from footpath.replay._mirror import LOG_MARK, log_marked, marks_in, marks_of, packed, recorded
from footpath.state import LastWritten
from footpath.values import ABSENT_FORM, ABSENT_RAW, MARK, TAG, plain
from footpath.values import hide_fields as hide_ways

if TYPE_CHECKING:
    from footpath.replay._cursor import Cursor
    from footpath.replay._mirror import MirrorFrame, MirrorRegion


def read_redacted(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    key = entry[1]
    held = frame.lookup(key)
    value = MARK if len(entry) == 2 else held if len(entry) == 3 else entry[3]
    if cursor.views is not None:
        frame.reads[key] = UNSET if held is UNSET else value
        frame.saw_scalars = False
        _saw(frame, key, hidden=len(entry) == 2)
    cursor.step(frame, key, "read", value)
    if cursor.on_read:
        decl = frame.decl
        cursor.dispatcher.fire_scope(
            "on_read",
            cursor.on_read,
            ReadEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp, key, packed(value), True),
        )


def has(cursor: Cursor, entry: Any) -> None:
    if cursor.views is not None:
        frame = cursor.current
        held = frame.lookup(entry[1])
        frame.reads[entry[1]] = MARK if len(entry) > 2 and held is not UNSET else held
        frame.saw_scalars = False
        _saw(frame, entry[1], hidden=len(entry) > 2)


def _saw(frame: MirrorFrame, key: str, *, hidden: bool) -> None:
    """Whether what the tree shows as read is the mark of a hidden value; a stage may have written the same text."""
    if hidden:
        frame.secret_reads |= {key}
    elif frame.secret_reads:
        frame.secret_reads -= {key}


def source(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    if frame.sources is None:
        frame.sources = []
    frame.sources.append(entry[1])


def stage(cursor: Cursor, frame: MirrorFrame, key: str, value: Any) -> None:
    if not frame.staged and cursor.parallel:
        frame.base = dict(frame.region.values)
        cursor.spend(8 * len(frame.base))
    frame.staged[key] = value
    frame.scalars = False


def note_write(cursor: Cursor, frame: MirrorFrame, key: str, value: Any, operation: str) -> None:
    """Keep a write for the event of the commit, if anybody hears those."""
    if cursor.keeps_writes:
        frame.writes = frame.writes or {}
        frame.writes[key] = (value, operation)


def write_event(
    cursor: Cursor,
    frame: MirrorFrame,
    key: str,
    value: Any,
    operation: str,
    redacted: Any = UNSET,
    in_place: Any = UNSET,
) -> None:
    """Tell of a write that is no plain one."""
    cursor.step(frame, key, operation, value)
    if cursor.on_write:
        decl = frame.decl
        cursor.dispatcher.fire_scope(
            "on_write",
            cursor.on_write,
            WriteEvent(
                decl.name,
                decl.id,
                frame.rsid,
                frame.branch,
                frame.timestamp,
                key,
                packed(value),
                operation,
                redacted,
                in_place=in_place,
            ),
        )


def hide(cursor: Cursor, frame: MirrorFrame, key: str) -> None:
    if frame.redacted is None:
        frame.redacted = {}
    frame.redacted.setdefault(key, frame.fields is not None and key in frame.fields)
    _hidden(frame, key, "whole")
    frame.secret_writes |= {key}
    cursor.marked.add(key)
    cursor.commits_with_care = True
    cursor.hides = True


def _hidden(frame: MirrorFrame, key: str, what: str) -> None:
    if frame.hidden is None:
        frame.hidden = {}
    frame.hidden.setdefault((key, what))


def hide_fields(cursor: Cursor, frame: MirrorFrame, key: str, paths: Any) -> None:
    if frame.fields is None:
        frame.fields = {}
    _hidden(frame, key, "fields")
    frame.fields.setdefault(key, {}).update(dict.fromkeys([path for path in paths if type(path) is str]))
    nothing = [tuple(way) for way in paths if type(way) is not str]
    if nothing or frame.nothing:
        frame.nothing = {**(frame.nothing or {}), key: nothing}
    cursor.commits_with_care = True
    cursor.hides = True


def set_with(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    key, flags = entry[1], entry[3]
    value: Any = MARK if flags & 1 else UNSET if flags & 2 else recorded(entry[2])
    stage(cursor, frame, key, UNSET if flags & 2 else value)
    frame.ops.append((key, "set", UNSET if flags & 2 else value, tuple(frame.reads) if cursor.provenance else ()))
    note_write(cursor, frame, key, value, "set")
    frame.wrote[key] = value
    redacted: Any = UNSET
    if flags & 1:
        hide(cursor, frame, key)
        redacted = True
    if flags & 4:
        hide_fields(cursor, frame, key, entry[5])
        redacted = True
    write_event(cursor, frame, key, value, "set", redacted)
    if len(entry) > 4 and entry[4] is not None and cursor.views is not None:
        text = entry[4]
        cursor.views.tree.bag(frame, "logs", "message", text if text.startswith("[") else f"[WRITE] {text}")


def update(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    key = entry[1]
    redacted: Any = UNSET
    flags = entry[3] if len(entry) > 3 else 0
    held = frame.staged.get(key)
    if flags & 1:
        patch: Any = MARK
        after: Any = UNSET if flags & 2 else MARK
        hide(cursor, frame, key)
        redacted = True
    else:
        patch = UNSET if flags & 2 else recorded(entry[2])
        if flags & 8:
            frame.whole = {**(frame.whole or {}), key: _present(entry[6]) if len(entry) > 6 else None}
            after = UNSET if entry[5] is None and patch is UNSET else recorded(entry[5])
        else:
            if frame.whole is not None and frame.whole.get(key) is not None:
                frame.whole = {**frame.whole, key: merged(frame.whole[key], patch)}
            before = packed(frame.staged[key] if key in frame.staged else frame.own(key))
            if flags & MEMBERS and before == MARK and () in frame.region.masked.get((frame.branch, key), ()):
                before = recorded(entry[7])
            after = merged(before, patch)
            if type(after) is Raw:
                cursor.spend(4 * len(memoryview(after)))
        if flags & 4:
            hide_fields(cursor, frame, key, [*entry[4], *_still_absent(frame, key, patch)])
            redacted = True
    if (flags & 4 or frame.region.masked or frame.region.shown) and not flags & 9:
        _patch_shown(frame, key, log_marked(patch, marks_of(entry[4], patch)) if flags & 4 else patch, held, after)
    stage(cursor, frame, key, after)
    said = UNSET if after is UNSET and flags & 1 else patch  # the log does not say that nothing is hidden
    frame.ops.append((key, "merge", said, tuple(frame.reads) if cursor.provenance else ()))
    note_write(cursor, frame, key, patch, "update")
    frame.wrote[key] = patch
    write_event(cursor, frame, key, patch, "update", redacted)


def _still_absent(frame: MirrorFrame, key: str, patch: Any) -> list[list[str | None]]:
    """Ways to hidden fields that were absent before a patch, and are not in it, and into the text that it is laid over."""
    into: list[list[str | None]] = []
    absent: list[tuple[str, ...]] = []
    if key in frame.staged:
        for first, *rest in (frame.nothing or {}).get(key, ()):
            if first is None:
                into.append([None, *rest])
            else:
                absent.append((first, *[str(step) for step in rest]))
    else:
        marks = frame.region.masked.get((frame.branch, key), {})
        absent = [way for way, mark in marks.items() if mark == ABSENT_FORM]
    still = [way for way in absent if not hide_ways(plain(packed(patch)), [way], MARK)[1]]
    return [*into, *[[*way] for way in still]]


def _patch_shown(frame: MirrorFrame, key: str, patch: Any, held: Any, after: Any) -> None:
    """Lay a patch over what the state shows of a key, too: where something is hidden, that need not come to the same."""
    known = frame.patched.get(key)
    if known is not None and known[0] is held:
        base = known[1]
    elif key in frame.staged:
        # Over what the stage has written; of a text, a character of which is hidden, the state shows the way to it.
        base = marks_of((frame.nothing or {}).get(key, ()), held).get(())
        if base is None:
            return
    else:
        base = frame.region.in_state((frame.branch, key))
    if base is not UNSET:
        frame.patched = {**frame.patched, key: (after, merged(base, patch))}


def _present(value: Any) -> Any:
    """What patches come to, UNSET where that is nothing."""
    value = recorded(value)
    return UNSET if value == ABSENT_RAW else value


def remerge(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    key = entry[1]
    value = _present(entry[2])
    dict.__setitem__(frame.staged, key, value)  # where it is, as in the run
    frame.scalars = False
    if type(value) is Raw and TAG.encode() in bytes(value):
        frame.whole = {key: None, **(frame.whole or {})}


def grew(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    if (frame.branch, entry[1]) in frame.region.hung:
        return
    frame.grew = {**(frame.grew or {}), entry[1]: entry[2]}


def append(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    key = entry[1]
    value = extended(frame.lookup(key), entry[2])
    if type(value) is not Grown:
        cursor.spend(len(memoryview(value)))
    elif cursor.views is not None or cursor.on_commit or cursor.on_write or cursor.on_read:
        cursor.spend(value.size_bytes)  # each of its versions will be shown as a whole
    stage(cursor, frame, key, value)
    frame.ops.append((key, "set", value, tuple(frame.reads) if cursor.provenance else ()))
    note_write(cursor, frame, key, value, "set")
    frame.wrote[key] = value
    write_event(cursor, frame, key, value, "set")


def delete(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    key = entry[1]
    stage(cursor, frame, key, UNSET)
    if type(frame.staged) is LastWritten:
        frame.staged.deleted.add(key)
    frame.ops.append((key, "delete", UNSET, tuple(frame.reads) if cursor.provenance else ()))
    hidden = len(entry) > 2 and bool(entry[2])
    if len(entry) > 3:
        hide_fields(cursor, frame, key, entry[3])
    if hidden:
        hide(cursor, frame, key)
    cursor.marked.discard(key)
    gone = MARK if hidden else UNSET
    note_write(cursor, frame, key, gone, "delete")
    frame.wrote[key] = gone
    write_event(cursor, frame, key, UNSET, "delete")
    if cursor.views is not None:
        cursor.views.tree.bag(frame, "logs", "message", f"[WRITE] deleted {key}")


def changed(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    key, value = entry[1], recorded(entry[2])
    flags = entry[3] if len(entry) > 3 else 0
    if flags & 1:
        hide(cursor, frame, key)
    if flags & 4:
        hide_fields(cursor, frame, key, entry[4])
    stage(cursor, frame, key, value)
    frame.ops.append((key, "set", value, tuple(frame.reads) if cursor.provenance else ()))
    note_write(cursor, frame, key, value, "set")
    frame.wrote[key] = value
    write_event(cursor, frame, key, value, "set", in_place=True)


def hidden_fields(cursor: Cursor, entry: Any) -> None:
    cursor.hidden_fields = plain(entry[1])  # encoded, in a trace that was sealed and never decoded


def seed(cursor: Cursor, entry: Any) -> None:
    inner = len(entry) > 2 and bool(entry[2])
    region = cursor.regions[cursor.current.number] if inner else cursor.top
    for path, value in entry[1]:
        region.put(tuple(path), recorded(value))
    mask_all(cursor, region, entry[3] if len(entry) > 3 else None)
    if not inner:
        region.initial = region.recorded_state(LOG_MARK)
    elif cursor.views is not None:
        cursor.views.seeded(region, cursor.hidden_fields)


def mask_all(cursor: Cursor, region: MirrorRegion, hidden: Any) -> None:
    """Hide what is to be hidden of what a state begins with: as its entry says, or where that is an old one, the marks in it."""
    if hidden is None and cursor.hides:
        hidden = [(key, *way) for key, value in region.values.items() for way in marks_in(value)]
    for path in hidden or ():
        region.mask(path if path[0] is not None else path[1:])
        cursor.hides = cursor.commits_with_care = True
