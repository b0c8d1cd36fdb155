"""Entries about what a stage says, and what the engine remarks on it."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw
from msgspec.json import encode

from footpath.channels import EmitEvent
from footpath.journal.entries import NOTE_ABSENT, NOTE_HIDDEN, NOTE_PREFIXES, TRUNCATED
from footpath.replay._data import note_write
from footpath.replay._mirror import recorded
from footpath.replay._results import keep_returned
from footpath.replay._story import EMITTED
from footpath.values import ABSENT_RAW, MARK, plain

if TYPE_CHECKING:
    from footpath.replay._cursor import Cursor


def emit(cursor: Cursor, entry: Any) -> None:
    if cursor.on_emit or cursor.story is not None:
        emit_event(cursor, entry[1], entry[2], recorded(entry[3]) if len(entry) > 3 else UNSET)


def emit_event(cursor: Cursor, t: int, name: str, payload: Any) -> None:
    frame = cursor.current
    if cursor.story is not None:
        if name == TRUNCATED:
            cursor.story.cut(payload)
        else:
            cursor.step(frame, name, EMITTED, payload)
    if not cursor.on_emit:
        return
    time = cursor.started_ms + t / 1000
    if frame is None:  # the mark of a cut that left no stage
        root = cursor.root
        event = EmitEvent(name, payload, root.stage_name, root.runtime_stage_id, (), "", time)
    else:
        path = tuple(frame.decl.id.split("/")[:-1])
        event = EmitEvent(name, payload, frame.decl.name, frame.rsid, path, frame.branch, time)
    cursor.dispatcher.fire_scope("on_emit", cursor.on_emit, event)


def note(cursor: Cursor, entry: Any) -> None:
    _, t, kind, key, value = entry[:5]
    flags = entry[5] if len(entry) > 5 else 0
    absent = bool(flags & NOTE_ABSENT)
    value = recorded(value)
    if kind == "debug" and key == "deciderRationale":
        cursor.current.rationale = UNSET if absent else plain(value)
    if cursor.views is not None:
        cursor.views.tree.note(cursor.current, kind, key, value, absent=absent)
    if not cursor.on_emit and cursor.story is None:
        return
    name = NOTE_PREFIXES[kind] + key
    if flags & NOTE_HIDDEN:
        payload: Any = MARK
    else:
        said = ABSENT_RAW if absent else value
        if kind == "log":
            payload = Raw(encode({"value": said, "level": "debug"}))
        elif kind in ("metric", "eval"):
            payload = Raw(encode({"name": key, "value": said}))
        else:
            payload = Raw(encode({"key": key, "value": said, "level": kind}))
    emit_event(cursor, t, name, payload)


def bag(cursor: Cursor, entry: Any) -> None:
    if entry[1] == "writes":
        frame, value = cursor.current, recorded(entry[3])
        note_write(cursor, frame, entry[2], value, "update")
        frame.wrote[entry[2]] = value
        if value == MARK:  # the engine's remarks are no texts of a stage's
            frame.secret_writes |= {entry[2]}
        frame.scalars = False
    elif cursor.views is None:
        return
    elif entry[1] == "results":
        keep_returned(cursor.current)
    else:
        cursor.views.tree.bag(cursor.current, entry[1], entry[2], recorded(entry[3]))


def message(cursor: Cursor, entry: Any) -> None:
    if cursor.views is not None:
        more = {"count": entry[4]} if len(entry) > 4 else {}
        cursor.views.tree.message(cursor.current, entry[1], entry[2], entry[3] if len(entry) > 3 else None, **more)


def token(cursor: Cursor, entry: Any) -> None:
    """Tokens are heard by stream handlers, live; a replay has none."""
