"""What the archive keeps beside a trace's document, for a reader without our software."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct

from footpath.channels import (
    BreakEvent,
    CommitEvent,
    DecisionEvent,
    EmitEvent,
    FlowErrorEvent,
    FlowPauseEvent,
    FlowResumeEvent,
    LoopEvent,
    RunEndEvent,
    RunFailedEvent,
    RunStartEvent,
    SelectedEvent,
    StageRetryEvent,
    SubflowEntryEvent,
    SubflowExitEvent,
)
from footpath.recorders._audit import AuditRecorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.recorders._lifecycle import ReplayedTrace

MAX_VIEWS_BYTES = 8 << 20
"""Above this a line goes without views, as it does over `footpath.archive.MAX_LINE_BYTES` in all."""

_encode = msgspec.json.Encoder().encode


class TraceViews(Struct, frozen=True, kw_only=True):
    """A trace as a person reads it, or the reason why not.

    Attributes:
        narrative: the lines of text.
        state: the final shared state, as JSON.
        audit: the audit rows, as a JSON array; the hashes are over these bytes.
        omitted: why the three are None; None when they are there.
    """

    narrative: list[str] | None = None
    state: Raw | None = None
    audit: Raw | None = None
    omitted: str | None = None


class ArchiveRecorder:
    """Renders each trace's views when the trace ends.

    The audit trail is made of the events; narrative and final state are the trace's own, which it has ready once it has
    been replayed. While events come in they are only kept, which cannot fail; all rendering happens in one place, so
    that a failure costs the views as a whole and never leaves half of them standing as if they were all.

    Attributes:
        views: of the trace that ended last; None before the first and while a trace is being replayed.

    Example:
        >>> archive = ArchiveRecorder()
        >>> archive.begin_trace(trace)
        >>> replay(trace, archive)
        >>> archive.end_trace(trace)
        >>> archive.views.narrative[0], bytes(archive.views.state)
        ('Stage 1: The process began with Assess.', b'{"risk":"low","approved":true}')
    """

    def __init__(self, id: str = "archive", max_bytes: int = MAX_VIEWS_BYTES) -> None:  # recorder contract
        self.id = id
        self.views: TraceViews | None = None
        self._max_bytes = max_bytes
        self._audit = audit = AuditRecorder()
        self._audited: list[Any] = []
        hear: Callable[[Any], None] = self._audited.append
        # Bound once and for good: whoever calls us may look hooks up only once for a whole batch.
        self.on_run_start = self.on_run_end = self.on_run_failed = self.on_commit = hear
        self.on_decision = self.on_selected = self.on_emit = self.on_stage_retry = hear
        self.on_subflow_entry = self.on_subflow_exit = self.on_loop = self.on_break = hear
        self.on_error = self.on_pause = self.on_resume = hear
        self._write: dict[type, Callable[[Any], None]] = {
            CommitEvent: audit.on_commit,
            RunStartEvent: audit.on_run_start,
            RunEndEvent: audit.on_run_end,
            RunFailedEvent: audit.on_run_failed,
            DecisionEvent: audit.on_decision,
            SelectedEvent: audit.on_selected,
            EmitEvent: audit.on_emit,
            StageRetryEvent: audit.on_stage_retry,
            SubflowEntryEvent: audit.on_subflow_entry,
            SubflowExitEvent: audit.on_subflow_exit,
            LoopEvent: audit.on_loop,
            BreakEvent: audit.on_break,
            FlowErrorEvent: audit.on_error,
            FlowPauseEvent: audit.on_pause,
            FlowResumeEvent: audit.on_resume,
        }

    def begin_trace(self, _trace: ReplayedTrace) -> None:
        """Forget the trace before."""
        self.views = None
        self._audited.clear()
        self._audit.clear()

    def end_trace(self, trace: ReplayedTrace) -> None:
        """Render the views."""
        try:
            self.views = self._rendered(trace)
        except Exception as error:  # noqa: BLE001  # whatever it is, the document is kept and says so
            # Only the type: a message may quote a value.
            self.views = TraceViews(omitted=f"rendering failed: {type(error).__name__}")
        self._audited.clear()

    def _rendered(self, trace: ReplayedTrace) -> TraceViews:
        write = self._write
        for event in self._audited:
            row = write.get(type(event))  # pyright: ignore[reportUnknownArgumentType]
            if row is not None:
                row(event)
        audit = self._audit.encoded()
        narrative = trace.narrative_lines()
        state = trace.final_state()
        if type(state) is not Raw:
            state = Raw(_encode(state))
        characters = sum([len(line) for line in narrative])
        if characters + len(audit) + len(memoryview(state)) > self._max_bytes:
            return TraceViews(omitted=f"over {self._max_bytes} bytes")
        return TraceViews(narrative=narrative, state=state, audit=Raw(audit))
