"""What a recorder may be told beyond the events, when it follows many traces one after the other.

A recorder is any object with an `id` and any of the channels' hooks; nothing here is required. The processor calls
`begin_trace` before a trace's first event, `end_trace` after its last, and `flush` once the batch's segments are put. In
a live run none of the three is called: a recorder must make the same of a trace's events with them and without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Known(Protocol):
    """What is known of a trace wherever it is."""

    @property
    def trace_id(self) -> str:
        """The trace's id."""
        ...

    @property
    def revision(self) -> int:
        """0 for a partial trace, 1 for a final one."""
        ...

    @property
    def chart_id(self) -> str:
        """The chart that ran."""
        ...

    @property
    def status(self) -> str:
        """How the run ended: "completed", "failed", "paused" or "deadline"; other words pass through unread."""
        ...

    @property
    def duration_ms(self) -> float | None:
        """How long the run took; None when the trace does not say."""
        ...


class ReplayedTrace(_Known, Protocol):
    """As much of a trace as recorders ask for."""

    @property
    def narrative_options(self) -> dict[str, Any]:
        """How the run asked for its narrative: arguments of `NarrativeBuilder`."""
        ...

    def narrative_lines(self) -> list[str]:
        """The story, told as the run asked for it; asked for once the events are all told."""
        ...

    def final_state(self) -> Any:
        """The shared state after the last commit, in recorded form."""
        ...


class ArchivedTrace(_Known, Protocol):
    """What is known of a trace that lies in the archive."""

    @property
    def sha256(self) -> str:
        """Of its document, in lower-case hex."""
        ...

    @property
    def key(self) -> str:
        """The segment that holds it."""
        ...


@runtime_checkable
class BeginsTraces(Protocol):
    """Wants to know when a trace begins."""

    def begin_trace(self, trace: ReplayedTrace) -> None:
        """The next events are this trace's."""
        ...


@runtime_checkable
class EndsTraces(Protocol):
    """Wants to know when a trace ends."""

    def end_trace(self, trace: ReplayedTrace) -> None:
        """This trace's events are all told."""
        ...


@runtime_checkable
class FlushesBatches(Protocol):
    """Has something to do once a batch is safely archived."""

    def flush(self, archived: Sequence[ArchivedTrace]) -> None:
        """These traces are archived. Not called for a batch of which none is.

        They may come again in another batch, to other recorders: an effect had twice must do no harm.
        """
        ...
