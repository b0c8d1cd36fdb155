"""Entries about the run as a whole: its ends, pauses, errors and attempts."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from footpath.channels import (
    FlowErrorEvent,
    FlowPauseEvent,
    FlowResumeEvent,
    RunEndEvent,
    RunFailedEvent,
    RunStartEvent,
    ScopePauseEvent,
    ScopeResumeEvent,
    StageRetryEvent,
    StructuredError,
    TraversalContext,
)
from footpath.journal.entries import PAUSED_LINE, PAUSED_SCOPE
from footpath.replay import _wording as wording
from footpath.replay._data import mask_all
from footpath.replay._declared import Declarations, Declared
from footpath.replay._mirror import LOG_MARK, MirrorFrame, recorded
from footpath.replay._stages import start_event
from footpath.replay._story import RETRIED
from footpath.values import js_error

if TYPE_CHECKING:
    from footpath.replay._cursor import Cursor


def run_start(cursor: Cursor, entry: Any) -> None:
    payload = UNSET
    if len(entry) > 1:
        payload = recorded(cursor.header.input if cursor.header is not None and len(entry) > 2 else entry[1])
    cursor.fire("flow", "on_run_start", lambda: RunStartEvent(traversal_context=cursor.root, raw_payload=payload))


def run_end(cursor: Cursor, entry: Any) -> None:
    payload = UNSET
    if len(entry) > 1:
        payload = recorded(cursor.header.result if cursor.header is not None and len(entry) > 2 else entry[1])
    cursor.fire("flow", "on_run_end", lambda: RunEndEvent(traversal_context=cursor.root, raw_payload=payload))


def run_failed(cursor: Cursor, entry: Any) -> None:
    error = structured(entry[1])
    cursor.fire("flow", "on_run_failed", lambda: RunFailedEvent(traversal_context=cursor.root, structured_error=error))


def fail(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    error = structured(entry[1])
    text = js_error(str(error.name), error.message)
    if cursor.views is not None:
        cursor.views.tree.bag(frame, "errors", "stageExecutionError", text)
    if cursor.story is not None:
        cursor.story.failed(frame.decl.name, text, frame.place)
    cursor.fire(
        "flow",
        "on_error",
        lambda: FlowErrorEvent(
            traversal_context=cursor.context(frame),
            stage_name=frame.decl.name,
            message=text,
            structured_error=error,
            channel="flow",
        ),
    )


def retry(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    _, attempt, most, delay_ms, details = entry
    error = structured(details)
    frame.staged = type(frame.staged)()
    frame.ops = []
    frame.writes = None
    frame.wrote = {}
    frame.redacted = frame.fields = frame.nothing = frame.hidden = None  # of what the attempt did nothing is left
    frame.secret_writes, frame.patched = frozenset(), {}
    frame.reads, frame.sources = {}, None
    if cursor.story is not None:
        sentence = wording.retried(frame.decl.name, attempt, most, delay_ms, error.message)
        cursor.step(frame, sentence, RETRIED, UNSET)
    cursor.fire(
        "flow",
        "on_stage_retry",
        lambda: StageRetryEvent(
            traversal_context=cursor.context(frame),
            stage_name=frame.decl.name,
            stage_id=frame.decl.id,
            attempt=attempt,
            max_attempts=most,
            delay_ms=delay_ms,
            message=error.message,
            structured_error=error,
            channel="flow",
        ),
    )


def again(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    frame.timestamp = cursor.ms(entry[1])
    if cursor.on_stage_start:
        start_event(cursor, frame)


def pause(cursor: Cursor, entry: Any) -> None:
    _, half, data, subflow_path, *more = entry
    frame = _paused(cursor, *more[0]) if more else cursor.current
    decl = frame.decl
    data = UNSET if data is None else recorded(data[0])
    if half != PAUSED_LINE:
        cursor.fire(
            "scope",
            "on_pause",
            lambda: ScopePauseEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp, data, "scope"),
        )
    if half == PAUSED_SCOPE or len(more) > 1:
        return
    if cursor.story is not None:
        cursor.story.paused(decl.name, frame.place)
    cursor.fire(
        "flow",
        "on_pause",
        lambda: FlowPauseEvent(
            traversal_context=cursor.context(frame),
            stage_name=decl.name,
            stage_id=decl.id,
            raw_pause_data=data,
            subflow_path=tuple(subflow_path),
            channel="flow",
        ),
    )


def _paused(cursor: Cursor, name: str, stage_id: str, number: int, branch: str) -> MirrorFrame:
    """The frame of the stage that pauses; one that stands for it where its beginning was cut out of the journal."""
    frame = cursor.current
    if frame is not None and frame.number == number:
        return frame
    if cursor.has_frame(number):
        return cursor.frame(number)
    decl, rsid = Declared(stage_id, name), f"{stage_id}#{number}"
    started = cursor.started_ms
    return MirrorFrame(number, decl, cursor.top, branch, None, rsid, cursor.top.values, started, started)


def resume(cursor: Cursor, entry: Any) -> None:
    _, name, stage_id, rsid, has_input, base = entry
    cursor.decls = Declarations(cursor.spend)
    if cursor.views is not None:
        cursor.top.results.clear()
    if cursor.first_frame + len(cursor.frames) < base["executionCount"]:
        cursor.frames = []  # the journal before was cut: what it has not told was counted all the same
    if not cursor.frames:
        # Nothing of the phase before is known here but what the base says.
        cursor.first_frame = base["executionCount"]
        cursor.visits = dict(base["visitCounts"])
        for key, value in base["state"].items():
            cursor.top.values[key] = recorded(value)
        cursor.hides = True  # in an old trace, all marks in it are what was hidden
        mask_all(cursor, cursor.top, base.get("hidden"))
        cursor.top.initial = cursor.top.recorded_state(LOG_MARK)
    tail = base["tail"]
    if tail is not None and (not cursor.frames or tail[0] < cursor.first_frame):
        decl = Declared(tail[1], tail[2])
        cursor.ghost = MirrorFrame(tail[0], decl, cursor.top, "", None, f"{tail[1]}#{tail[0]}", cursor.top.values)
        cursor.ghost.depth = tail[3]
    elif tail is not None and cursor.views is not None:
        cursor.views.tree.paused_behind = cursor.frame(tail[0])
    if cursor.story is not None:
        cursor.story.resumed(name, with_input=has_input, place=(stage_id, rsid, UNSET))
    cursor.fire(
        "flow",
        "on_resume",
        lambda: FlowResumeEvent(
            traversal_context=TraversalContext(cursor.run_id, stage_id, rsid, name, depth=0),
            stage_name=name,
            stage_id=stage_id,
            has_input=has_input,
            channel="flow",
        ),
    )
    cursor.fire(
        "scope",
        "on_resume",
        lambda: ScopeResumeEvent(name, stage_id, rsid, "", cursor.started_ms, has_input, "scope"),
    )


def structured(details: Any) -> StructuredError:
    """An error entry as data."""
    size = len(details)
    code = details[2] if size > 2 and details[2] is not None else UNSET
    return StructuredError(details[1], details[0], code, recorded(details[3]) if size > 3 else UNSET)
