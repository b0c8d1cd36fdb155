"""Replaying a trace: the same calls as the live run's, in the same order, with the same payloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from footpath.channels import Dispatcher
from footpath.errors import ReplayError
from footpath.replay._cursor import Cursor
from footpath.replay._views import Views

if TYPE_CHECKING:
    from footpath.trace import Trace

_MALFORMED = (TypeError, IndexError, KeyError, ValueError, AttributeError, AssertionError, msgspec.MsgspecError)


def cursor_for(trace: Trace, dispatcher: Dispatcher, views: Views | None = None) -> Cursor:
    """A cursor at the beginning of a trace."""
    options = trace.document.options
    return Cursor(
        dispatcher,
        trace.run_id,
        trace.started_ms,
        views,
        write_tracking=str(options.get("writeTracking", "full")),
    )


def run_through(trace: Trace, cursor: Cursor) -> None:
    """Feed a trace's journal to a cursor.

    Raises:
        ReplayError: the journal is malformed.
    """
    try:
        cursor.feed_all(trace.document.journal)
    except _MALFORMED as error:
        message = f"trace {trace.trace_id}: the journal is malformed: {type(error).__name__}: {error}"
        raise ReplayError(message) from error


def replay(trace: Trace, *recorders: Any) -> None:
    """Replay a trace to recorders: structure first, from the spec, then the run.

    A recorder that fails is isolated, as it is in a live run.

    Raises:
        ReplayError: the journal is malformed; recorders have seen the events up to there.
        SpecDocumentError: the spec is malformed; recorders have seen nothing of the run.
        TypeError: a recorder has no id or no hook.

    Example:
        >>> replay(trace, recorder)
    """
    dispatcher = Dispatcher()
    for recorder in recorders:
        dispatcher.attach(recorder, "structure", "scope", "flow", "emit")
    if any(dispatcher.table("structure", hook) for hook in STRUCTURE):
        for hook, event in trace.structure():
            dispatcher.fire(dispatcher.table("structure", hook), event)
    run_through(trace, cursor_for(trace, dispatcher))


def follow(trace: Trace, recorder: Any) -> None:
    """Replay the run, without the structure, to one recorder."""
    dispatcher = Dispatcher()
    dispatcher.attach(recorder, "scope", "flow", "emit")
    run_through(trace, cursor_for(trace, dispatcher))


def build_views(trace: Trace) -> dict[str, Any]:
    """The snapshot of a trace."""
    options = trace.document.options
    views = Views(
        commit_values=str(options.get("commitValues", "full")),
        write_provenance=str(options.get("writeProvenance", "off")),
        read_tracking=str(options.get("readTracking", "full")),
        write_tracking=str(options.get("writeTracking", "full")),
    )
    cursor = cursor_for(trace, Dispatcher(), views)
    run_through(trace, cursor)
    return views.snapshot(cursor.top, trace.run_id)


def state_after(snapshot: dict[str, Any], count: int) -> dict[str, Any]:
    """The fold of a snapshot's first `count` commits over its initial state."""
    from footpath.replay._fold import fold  # noqa: PLC0415

    return fold(snapshot["initialState"], snapshot["commitLog"][:count])


STRUCTURE = (
    "on_stage_added",
    "on_stage_tagged",
    "on_edge_added",
    "on_loop_edge_added",
    "on_decider_complete",
    "on_subflow_mounted",
)
