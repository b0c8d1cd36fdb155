"""Entries about stages: declared, begun, ended, gone on from."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from msgspec.structs import replace

from footpath.channels import NextEvent, StageEndEvent, StageExecutedEvent, StageStartEvent
from footpath.journal.entries import LINK_NEXT, LINK_PARALLEL
from footpath.replay._commits import commit_frame
from footpath.replay._declared import Declared

if TYPE_CHECKING:
    from footpath.replay._cursor import Cursor
    from footpath.replay._mirror import MirrorFrame


def node(cursor: Cursor, entry: Any) -> None:
    size = len(entry)
    if size == 3:
        cursor.decls.add(Declared(entry[1], entry[2]))
        return
    description = entry[3]
    cursor.decls.add(
        Declared(
            entry[1],
            entry[2],
            UNSET if description is None else description,
            entry[4] if size > 4 else None,
        )
    )


def chart(cursor: Cursor, entry: Any) -> None:
    assert cursor.header is not None
    cursor.decls.add_chart(cursor.header, entry[1], entry[2] if len(entry) > 2 else "")


def open_frame(cursor: Cursor, entry: Any) -> None:
    if len(entry) == 3:
        frame = cursor.begin(entry[1], entry[2], LINK_NEXT, cursor.current)
    else:
        origin = entry[4]
        frame = cursor.begin(entry[1], entry[2], entry[3], None if origin < 0 else cursor.frame(origin))
    if cursor.on_stage_start:
        start_event(cursor, frame)


def switch(cursor: Cursor, entry: Any) -> None:
    cursor.current = cursor.frame(entry[1])


def done(cursor: Cursor, entry: Any) -> None:
    size = len(entry)
    complete(cursor, cursor.current, entry[1], entry[3] if size > 3 else None)
    if size > 2 and entry[2] is not None:
        next_to(cursor, cursor.current, entry[2])


def advance(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    t, ordinal = entry[1], entry[2]
    complete(cursor, frame, t, entry[3] if len(entry) > 3 else None)
    next_to(cursor, frame, ordinal)
    frame = cursor.begin(t, ordinal, LINK_NEXT, frame)
    if cursor.on_stage_start:
        start_event(cursor, frame)


def complete(cursor: Cursor, frame: MirrorFrame, t: int, dropped: Any) -> None:
    """A linear stage ended, committed and was executed."""
    frame.bag_time = cursor.started_ms + t / 1000
    if cursor.on_stage_end:
        end_event(cursor, frame)
    commit_frame(cursor, frame, dropped)
    if cursor.story is not None:
        cursor.story.stage(frame.decl.name, frame.decl.description, frame.place, frame.steps)
        frame.steps = []
    if cursor.on_stage_executed:
        executed_as(cursor, frame, "linear", frame.decl.name, frame.decl.description)


def start_event(cursor: Cursor, frame: MirrorFrame) -> None:
    decl = frame.decl
    cursor.dispatcher.fire_scope(
        "on_stage_start",
        cursor.on_stage_start,
        StageStartEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp),
    )


def end(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    frame.bag_time = cursor.started_ms + entry[1] / 1000
    if cursor.on_stage_end:
        end_event(cursor, frame)


def end_event(cursor: Cursor, frame: MirrorFrame) -> None:
    decl = frame.decl
    cursor.dispatcher.fire_scope(
        "on_stage_end",
        cursor.on_stage_end,
        StageEndEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.bag_time),
    )


def executed(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    if cursor.story is not None and entry[1] == "linear":
        name, steps = frame.decl.name, frame.steps
        if len(entry) > 2 and entry[2] != name:
            name = entry[2]
            steps = [each if type(each) is str else replace(each, stage_name=name) for each in steps]
        cursor.story.stage(name, frame.decl.description, frame.place, steps)
        frame.steps = []
    if cursor.on_stage_executed:
        decl = frame.decl
        cursor.dispatcher.fire(
            cursor.on_stage_executed,
            StageExecutedEvent(
                traversal_context=frame.context or cursor.context(frame),
                stage_name=entry[2] if len(entry) > 2 else decl.name,
                description=decl.description,
                stage_type=entry[1],
            ),
        )


def executed_as(cursor: Cursor, frame: MirrorFrame, stage_type: str, name: str, description: Any) -> None:
    if cursor.on_stage_executed:
        cursor.dispatcher.fire(
            cursor.on_stage_executed,
            StageExecutedEvent(
                traversal_context=cursor.context(frame),
                stage_name=name,
                description=description,
                stage_type=stage_type,
            ),
        )


def next_node(cursor: Cursor, entry: Any) -> None:
    next_to(cursor, cursor.current, entry[1])


def next_to(cursor: Cursor, frame: MirrorFrame, ordinal: int) -> None:
    to = cursor.decls[ordinal]
    if cursor.on_next:
        cursor.dispatcher.fire(
            cursor.on_next,
            NextEvent(
                traversal_context=frame.context or cursor.context(frame),
                from_=frame.decl.name,
                to=to.name,
                description=to.description,
            ),
        )
    if cursor.views is not None and not frame.decided:
        cursor.views.tree.moved_on(frame, to.name)


def proceed(cursor: Cursor, entry: Any) -> None:
    next_to(cursor, cursor.current, entry[2])
    open_frame(cursor, entry)


def halt(cursor: Cursor, entry: Any) -> None:
    _, t, ordinal, link, origin, *subflow = entry
    frame = cursor.begin(t, ordinal, link, None if origin < 0 else cursor.frame(origin))
    frame.has_scope = False
    if subflow and frame.node is not None:
        frame.node["subflowId"] = subflow[0]


def refuse(cursor: Cursor, entry: Any) -> None:
    _, ordinal, link, origin = entry
    decl, parent = cursor.decls[ordinal], None if origin < 0 else cursor.frame(origin)
    node = None if cursor.views is None else cursor.views.tree.refused(decl, link, parent)
    if link == LINK_PARALLEL:
        cursor.refusals.append((decl, cursor.top if parent is None else parent.region, node))
