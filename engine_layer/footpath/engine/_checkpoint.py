"""What a paused run needs to go on; `_resume` goes on from it."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from footpath.engine import _stage
from footpath.scope import NO_PAYLOAD
from footpath.values import ABSENT, ABSENT_RAW, plain, record, texts_by_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from footpath.engine._executor import Phase
    from footpath.replay import Cursor, Views
    from footpath.scope import Redaction


def checkpoint_of(phase: Phase, cursor: Cursor, views: Views) -> dict[str, Any]:
    """The checkpoint of a paused phase, whose journal cursor and views have followed; plain JSON."""
    pause = phase.pause
    assert pause is not None
    assert pause.frame is not None
    frame = pause.frame
    snapshot = views.snapshot(cursor.top, phase.run_id)
    checkpoint: dict[str, Any] = {
        "sharedState": _portable(phase.run.top.plain_view()),
        "executionTree": snapshot["executionTree"],
        "pausedStageId": _stage.full_id(frame.region, frame.node),
        "subflowPath": list(pause.path),
        "subflowStates": {path: _portable(state) for path, state in pause.states.items()},
        "executionCount": phase.run.frame_count,
        "visitCounts": dict(cursor.visits),
        "pausedAt": (phase.started_us + phase.duration_us) / 1000,
    }
    finished = _finished_subflows(snapshot)
    if finished:
        checkpoint["subflowResults"] = finished
    if pause.invoker is not None:
        checkpoint["invokerStageId"], following = pause.invoker
        if following is not None:
            checkpoint["continuationStageId"] = following
    if pause.data is not NO_PAYLOAD and pause.data is not ABSENT:
        checkpoint["pauseData"] = _portable({"data": pause.data})["data"]
    if pause.by_interrupt:
        checkpoint["pausedBy"] = "interrupt"
    redaction = phase.run.redaction
    if redaction is not None and redaction.marked:
        # Whoever goes on from here has to hide them too; footprintjs forgets them.
        checkpoint["redactedKeys"] = list(redaction.marked)
    if redaction is not None:
        texts = _hidden_texts(redaction, checkpoint)
        if texts:
            checkpoint["redactedTexts"] = texts
    return checkpoint


def texts_in_states(checkpoint: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], bool, str]]:
    """Every text in the states that a run goes on with, as `footpath.values.texts_by_place` finds it; the names of their keys, too."""
    inner: Mapping[str, Mapping[str, Any]] = checkpoint.get("subflowStates") or {}
    states: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [(("sharedState",), checkpoint.get("sharedState") or {})]
    states += [(("subflowStates", path), state) for path, state in inner.items()]
    for lead, state in states:
        for key, value in state.items():  # a state is no form itself, whatever its keys are called
            yield (*lead, key), True, key
            for way, is_name, text in texts_by_place(value):
                yield (*lead, key, *way), is_name, text


def _hidden_texts(redaction: Redaction, checkpoint: dict[str, Any]) -> list[dict[str, Any]]:
    """Where the states show what is hidden for another reason than its key: a copy of an event's payload, say, or of a value that is there no more.

    What stands nowhere in them is not told: a checkpoint has nothing hidden that its states do not have.
    """
    forgotten = redaction.forgotten((checkpoint["sharedState"], *checkpoint["subflowStates"].values()))
    if not forgotten:
        return []
    found: dict[str, dict[str, Any]] = {}
    for way, is_name, text in texts_in_states(checkpoint):
        for start, end in forgotten.found_in(text):
            place = {"nameOf" if is_name else "at": list(way), "from": start, "to": end}
            found.setdefault(text[start:end], place)
    return list(found.values())


def as_json(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state as plain JSON values; what JSON cannot hold stands in its tagged form."""
    return msgspec.json.decode(msgspec.json.encode({key: record(value) for key, value in state.items()}))


def _portable(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state as a checkpoint takes it to another process: an absent member is left out, an absent item is None."""
    top = as_json(state)
    absent = plain(ABSENT_RAW)
    todo: list[Any] = [top]
    while todo:
        holder = todo.pop()
        parts: list[tuple[Any, Any]] = list(holder.items() if isinstance(holder, dict) else enumerate(holder))
        for key, part in parts:
            if part == absent and isinstance(holder, dict):
                del holder[key]
            elif part == absent:
                holder[key] = None
            elif isinstance(part, (dict, list)):
                todo.append(part)
    return top


def _finished_subflows(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Results of the subflows that ended before a pause, without their histories: a checkpoint is for going on."""
    finished: dict[str, Any] = {}
    for key, result in snapshot.get("subflowResults", {}).items():
        if key == result["subflowId"]:
            context = {name: held for name, held in result["treeContext"].items() if name != "history"}
            finished[key] = {**result, "treeContext": context}
    return finished
