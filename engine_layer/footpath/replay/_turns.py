"""Entries about which way a run goes: decisions, selections, forks, loops, breaks."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from footpath.channels import BreakEvent, DecisionEvent, ForkEvent, LoopEvent, SelectedEvent
from footpath.journal import told_decision, told_selection
from footpath.journal.entries import LINK_BRANCH
from footpath.replay._commits import commit_frame
from footpath.replay._mirror import recorded
from footpath.replay._stages import done, end, executed_as, open_frame

if TYPE_CHECKING:
    from footpath.replay._cursor import Cursor


def decide(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    decl = frame.decl
    chosen = cursor.decls[entry[1]]
    returned = entry[2]
    fallback = len(entry) > 4
    frame.decided = True
    evidence: Any = UNSET
    if len(entry) > 3 and (cursor.story is not None or cursor.dispatcher.table("flow", "on_decision")):
        evidence = told_decision(entry[3])
    if cursor.views is not None:
        cursor.views.tree.decided(frame, chosen.name, returned, fallback)
    if cursor.story is not None:
        place, steps, frame.steps = frame.place, frame.steps, []
        cursor.story.decision(decl.name, decl.description, chosen.name, frame.rationale, evidence, place, steps)
    cursor.fire(
        "flow",
        "on_decision",
        lambda: DecisionEvent(
            traversal_context=cursor.context(frame),
            decider=decl.name,
            chosen=chosen.name,
            rationale=frame.rationale,
            description=decl.description,
            raw_evidence=evidence,
        ),
    )
    executed_as(cursor, frame, "decider", decl.name, decl.description)


def take(cursor: Cursor, entry: Any) -> None:
    end(cursor, entry)
    frame = cursor.current
    commit_frame(cursor, frame, entry[5] if len(entry) > 5 else None)
    decide(cursor, (0, entry[2], entry[3], entry[4]) if len(entry) > 4 else (0, entry[2], entry[3]))
    open_frame(cursor, (0, entry[1], entry[2], LINK_BRANCH, frame.number))


def select(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    decl = frame.decl
    names = tuple(cursor.decls[ordinal].name for ordinal in entry[1])
    evidence: Any = UNSET
    if len(entry) > 5 and names and (cursor.story is not None or cursor.dispatcher.table("flow", "on_selected")):
        evidence = told_selection(entry[5])
    if cursor.views is not None:
        cursor.views.tree.selected(frame, names, recorded(entry[2]), entry[3], entry[4])
    if cursor.story is not None:
        cursor.story.selected(names, entry[3], evidence, frame.place)
    cursor.fire(
        "flow",
        "on_selected",
        lambda: SelectedEvent(
            traversal_context=cursor.context(frame),
            parent=decl.name,
            selected=names,
            total=entry[3],
            raw_evidence=evidence,
        ),
    )
    executed_as(cursor, frame, "selector", decl.name, decl.description)


def fork(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    kind = entry[1]
    names = tuple(cursor.decls[ordinal].name for ordinal in entry[2])
    cursor.parallel += len(names)
    if cursor.views is not None and kind == 0:
        cursor.views.tree.forked(frame, names)
    if cursor.story is not None:
        cursor.story.forked(names, frame.place)
    name = "selector-temp" if kind == 1 else frame.decl.name
    cursor.fire(
        "flow",
        "on_fork",
        lambda: ForkEvent(traversal_context=cursor.context(frame), parent=name, children=names),
    )
    executed_as(cursor, frame, "fork", name, UNSET if kind == 1 else frame.decl.description)


def loop(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    target = cursor.decls[entry[1]]
    iteration = entry[2]
    bare = len(entry) > 3
    if cursor.views is not None:
        cursor.views.tree.looped(frame, target, iteration)
        if iteration > 1:
            cursor.loop_suffixes[frame.number] = f".{iteration - 1}"
    if cursor.story is not None:
        cursor.story.passed(target.name, target.description, iteration, None if bare else frame.place)
    cursor.fire(
        "flow",
        "on_loop",
        lambda: LoopEvent(
            traversal_context=UNSET if bare else cursor.context(frame),
            target=target.name,
            iteration=iteration,
            description=target.description,
        ),
    )


def cycle(cursor: Cursor, entry: Any) -> None:
    done(cursor, (0, entry[1], None, entry[4]) if len(entry) > 4 else (0, entry[1]))
    loop(cursor, (0, entry[2], entry[3]))
    open_frame(cursor, (0, entry[1], entry[2]))


def break_line(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    reason = UNSET if len(entry) < 2 or entry[1] is None else recorded(entry[1])
    origin = entry[2] if len(entry) > 2 else UNSET
    name = frame.decl.name if origin is UNSET else frame.path[0]
    if cursor.story is not None:
        cursor.story.stopped(name, frame.place)
    cursor.fire(
        "flow",
        "on_break",
        lambda: BreakEvent(
            traversal_context=cursor.context(frame),
            stage_name=name,
            reason=reason,
            propagated_from_subflow=origin,
        ),
    )
