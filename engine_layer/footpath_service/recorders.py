"""The recorders of the trace processor: the default ones, and what every one of them is told.

How to add your own is written in one place, `docs/settings.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from footpath.recorders import ArchiveRecorder, ChartMetricsRecorder
from footpath.trace import STATUSES
from footpath_service.emf import EmfMetrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from footpath.trace import Trace

__all__ = ["ArchivedTrace", "BatchMetrics", "ReplayedTrace", "default_recorders"]


class ReplayedTrace:
    """A trace as recorders see it around its events.

    Attributes:
        trace: the trace itself.
        trace_id, revision, chart_id, status, duration_ms, narrative_options: of the trace.
        group: names what will be archived, or not, as a whole with it.
    """

    def __init__(self, trace: Trace, group: str) -> None:
        self.trace = trace
        self.trace_id = trace.trace_id
        self.revision = trace.revision
        self.chart_id = trace.chart_id
        self.status = trace.status
        self.duration_ms: float | None = trace.duration_ms
        self.narrative_options = trace.narrative_options
        self.group = group

    def narrative_lines(self) -> list[str]:
        """The story as lines of text; asked for once the events are all told."""
        return self.trace.narrative_lines()

    def final_state(self) -> Any:
        """The shared state after the last commit, in recorded form; asked for once the events are all told."""
        return self.trace.final_state()


class ArchivedTrace(NamedTuple):
    """What is kept in mind of a trace once it lies in the archive.

    Attributes:
        sha256: of its document.
        key: the segment that holds it.
        group: as in `ReplayedTrace`.
    """

    trace_id: str
    revision: int
    sha256: str
    chart_id: str
    status: str
    duration_ms: float | None
    key: str
    group: str


class BatchMetrics(ChartMetricsRecorder):
    """Counts a batch's runs, and sends the numbers of those that were archived to CloudWatch.

    Numbers are kept apart by what is archived together, so that a segment that could not be put counts for nothing: its
    messages come again.
    """

    def __init__(self, id: str = "metrics") -> None:  # the recorder contract's name
        super().__init__(id)

    def begin_trace(self, trace: Any) -> None:
        """What follows counts for this trace's chart, within its group."""
        named: Any = _Named(f"{trace.group}\n{trace.chart_id}")  # all that the base class asks for here
        super().begin_trace(named)

    def flush(self, archived: Iterable[ArchivedTrace]) -> None:
        """Send what the archived groups counted, and begin at zero."""
        groups = {trace.group for trace in archived}
        metrics = EmfMetrics()
        for name, counted in self.summary()["charts"].items():
            group, _, chart = name.partition("\n")
            if group in groups:
                _count_chart(metrics, chart, counted)
        self.reset()
        metrics.flush()


class _Named(NamedTuple):
    chart_id: str


def _count_chart(metrics: EmfMetrics, chart: str, counted: Mapping[str, Any]) -> None:
    metrics.count("Runs", counted["runs"], chart=chart)
    for status in STATUSES:
        metrics.count(f"Runs{status.capitalize()}", counted["outcomes"].get(status, 0), chart=chart)
    metrics.count("StageErrors", sum(stage["errors"] for stage in counted["stages"].values()), chart=chart)
    metrics.count("StageRetries", sum(stage["retries"] for stage in counted["stages"].values()), chart=chart)
    metrics.count("RunMsTotal", counted["durationMs"]["total"], chart=chart)


def default_recorders() -> list[Any]:
    """Metrics, and the archive's views with the audit trail among them."""
    return [BatchMetrics(), ArchiveRecorder()]
