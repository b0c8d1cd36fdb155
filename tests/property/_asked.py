"""All that readers of a trace ask of it."""

from __future__ import annotations

from footpath import Trace, decode_trace, replay
from footpath.channels import EMIT_HOOKS, FLOW_HOOKS, SCOPE_HOOKS, STRUCTURE_HOOKS
from footpath.errors import NestingTooDeepError, ReplayError, TraceDecodeError
from footpath.recorders import ArchiveRecorder, AuditRecorder, ChartMetricsRecorder
from footpath_service.recorders import ReplayedTrace


class Listener:
    """Has every hook, and keeps nothing."""

    id = "listener"

    def __init__(self) -> None:
        for hook in (*STRUCTURE_HOOKS, *SCOPE_HOOKS, *FLOW_HOOKS, *EMIT_HOOKS):
            setattr(self, hook, lambda event: None)


def everything_asked_of(trace: Trace) -> None:
    """All that readers of a trace do."""
    replay(trace, Listener(), AuditRecorder(), ChartMetricsRecorder())
    trace.final_state()
    archive = ArchiveRecorder()
    archive.begin_trace(ReplayedTrace(trace, ""))
    replay(trace, archive)
    archive.end_trace(ReplayedTrace(trace, ""))
    assert archive.views is not None
    for entry in trace.narrative:
        entry.as_json()
    snapshot = trace.snapshot
    trace.state_at(len(snapshot["commitLog"]))
    _ = trace.trace_id, trace.run_id, trace.chart_id, trace.error, trace.result, trace.input, repr(trace)


def read_or_refused(data: bytes) -> str:
    """How a document ended: "read", or the name of the error that says why not."""
    try:
        trace = decode_trace(data)
    except TraceDecodeError as error:
        return type(error).__name__
    try:
        everything_asked_of(trace)
    except (TraceDecodeError, ReplayError, NestingTooDeepError) as error:
        return type(error).__name__
    return "read"
