"""Numbers: how often, how long, which way, what went wrong. Added up over as many runs as it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from footpath.channels import FlowErrorEvent, FlowPauseEvent

if TYPE_CHECKING:
    from footpath.channels import (
        BreakEvent,
        DecisionEvent,
        EmitEvent,
        LoopEvent,
        RunEndEvent,
        RunFailedEvent,
        RunStartEvent,
        ScopeErrorEvent,
        ScopePauseEvent,
        SelectedEvent,
        StageEndEvent,
        StageRetryEvent,
        StageStartEvent,
        SubflowEntryEvent,
    )
    from footpath.recorders._lifecycle import ReplayedTrace


_LONGEST_NAME = 250


class Durations:
    """Milliseconds: how many, their sum, the least and the greatest."""

    __slots__ = ("count", "greatest", "least", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.least = float("inf")
        self.greatest = 0.0

    def add(self, duration_ms: float) -> None:
        """One more."""
        self.count += 1
        self.total += duration_ms
        self.least = min(self.least, duration_ms)
        self.greatest = max(self.greatest, duration_ms)

    def summary(self) -> dict[str, float]:
        """Plain data; `min` is 0 when there are none."""
        return {
            "count": self.count,
            "total": self.total,
            "min": self.least if self.count else 0.0,
            "max": self.greatest,
        }


class _Stage:
    __slots__ = ("durations", "ended", "errors", "name", "retries")

    def __init__(self, name: str) -> None:
        self.name = name
        self.ended = 0
        self.errors = 0
        self.retries = 0
        self.durations = Durations()


class _Chart:
    __slots__ = (
        "breaks",
        "decisions",
        "durations",
        "emits",
        "errors",
        "loops",
        "outcomes",
        "runs",
        "selections",
        "stages",
        "subflows",
    )

    def __init__(self) -> None:
        self.runs = 0
        self.outcomes: dict[str, int] = {}
        self.durations = Durations()
        self.stages: dict[str, _Stage] = {}
        self.decisions: dict[str, dict[str, int]] = {}
        self.selections: dict[str, dict[str, int]] = {}
        self.errors: dict[str, int] = {}
        self.emits: dict[str, int] = {}
        self.subflows: dict[str, int] = {}
        self.loops: dict[str, int] = {}
        self.breaks = 0

    def stage(self, stage_id: str, name: str) -> _Stage:
        found = self.stages.get(stage_id)
        if found is None:
            found = self.stages[stage_id] = _Stage(name)
        return found

    def summary(self) -> dict[str, Any]:
        return {
            "runs": self.runs,
            "outcomes": dict(self.outcomes),
            "durationMs": self.durations.summary(),
            "stages": {
                stage_id: {
                    "name": stage.name,
                    "ended": stage.ended,
                    "errors": stage.errors,
                    "retries": stage.retries,
                    "durationMs": stage.durations.summary(),
                }
                for stage_id, stage in self.stages.items()
            },
            "decisions": {stage_id: dict(mix) for stage_id, mix in self.decisions.items()},
            "selections": {stage_id: dict(mix) for stage_id, mix in self.selections.items()},
            "errors": dict(self.errors),
            "emits": dict(self.emits),
            "subflows": dict(self.subflows),
            "loops": dict(self.loops),
            "breaks": self.breaks,
        }


class ChartMetricsRecorder:
    """Counts what runs do, by chart, stage, choice and error type.

    A run that is shown twice counts twice: CloudWatch and the like get a fast, approximate view from here; the exact
    numbers come from the archive. Reads and writes of state are not counted: that is what the trace itself is for.

    Args:
        chart: the chart that live runs count for; `begin_trace` names it for replayed ones.

    Example:
        >>> metrics = ChartMetricsRecorder(chart="loan")
        >>> for _ in range(3):
        ...     replay(trace, metrics)
        >>> metrics.summary()["charts"]["loan"]["outcomes"], metrics.summary()["charts"]["loan"]["decisions"]
        ({'completed': 3}, {'route': {'Approve': 3}})
    """

    def __init__(self, id: str = "metrics", chart: str = "") -> None:  # the recorder contract's name
        self.id = id
        self._live = chart
        self._charts: dict[str, _Chart] = {}
        # What events count for now; none until a trace or a live run says so.
        self._chart: _Chart | None = None
        # When the current attempt of each open execution began, by runtime stage id.
        self._began: dict[str, float] = {}

    # ── the numbers ──────────────────────────────────────────────────────────────────────────────────────────────────
    def summary(self) -> dict[str, Any]:
        """Everything counted so far, as plain data.

        By chart id: `runs` (phases: a resume counts again), `outcomes` by status, `durationMs` of runs (replayed ones
        only: live events carry no time for it), `stages` by id (`ended` without an error, `errors`, `retries`,
        `durationMs` of the attempt that ended), `decisions` and `selections` by stage id and branch name, `errors` by
        type, `emits` by name, `subflows` by id, `loops` by target, `breaks`.
        """
        return {"charts": {chart: counts.summary() for chart, counts in self._charts.items()}}

    def reset(self) -> None:
        """Begin at zero again."""
        self._charts.clear()
        self._chart = None

    # ── one trace after the other ────────────────────────────────────────────────────────────────────────────────────
    def begin_trace(self, trace: ReplayedTrace) -> None:
        """What follows counts for this trace's chart."""
        self._began.clear()
        self._count_for(trace.chart_id)

    def end_trace(self, trace: ReplayedTrace) -> None:
        """Take what only the trace knows: its duration, and an end by deadline."""
        chart = self._here()
        if trace.duration_ms is not None:
            chart.durations.add(trace.duration_ms)
        if trace.status == "deadline":
            _count(chart.outcomes, "deadline")
        self._chart = None

    def _count_for(self, chart: str) -> _Chart:
        found = self._charts.get(chart)
        if found is None:
            found = self._charts[chart] = _Chart()
        self._chart = found
        return found

    def _here(self) -> _Chart:
        return self._chart or self._count_for(self._live)

    # ── the events ───────────────────────────────────────────────────────────────────────────────────────────────────
    def on_run_start(self, _event: RunStartEvent) -> None:
        """A run, or its next phase, begins."""
        self._here().runs += 1

    def on_run_end(self, _event: RunEndEvent) -> None:
        """A run completed."""
        _count(self._here().outcomes, "completed")

    def on_run_failed(self, _event: RunFailedEvent) -> None:
        """A run failed."""
        _count(self._here().outcomes, "failed")

    def on_pause(self, event: FlowPauseEvent | ScopePauseEvent) -> None:
        """A run waits."""
        if type(event) is FlowPauseEvent:
            _count(self._here().outcomes, "paused")

    def on_stage_start(self, event: StageStartEvent) -> None:
        """A stage's function, or one attempt of it, is about to run."""
        self._began[event.runtime_stage_id] = event.timestamp

    def on_stage_end(self, event: StageEndEvent) -> None:
        """A stage's function returned."""
        chart = self._chart or self._here()
        stage = chart.stages.get(event.stage_id)
        if stage is None:
            stage = chart.stage(event.stage_id, event.stage_name)
        stage.ended += 1
        began = self._began.pop(event.runtime_stage_id, None)
        if event.duration is not UNSET:
            stage.durations.add(event.duration)
        elif began is not None:
            stage.durations.add(max(0.0, event.timestamp - began))

    def on_stage_retry(self, event: StageRetryEvent) -> None:
        """An attempt failed and another follows."""
        self._here().stage(_place(event), event.stage_name).retries += 1

    def on_error(self, event: FlowErrorEvent | ScopeErrorEvent) -> None:
        """A stage raised."""
        if type(event) is FlowErrorEvent:
            chart = self._here()
            chart.stage(_place(event), event.stage_name).errors += 1
            _count(chart.errors, event.structured_error.name or "Error")

    def on_decision(self, event: DecisionEvent) -> None:
        """A decider chose."""
        _count(self._here().decisions.setdefault(_place(event), {}), event.chosen)

    def on_selected(self, event: SelectedEvent) -> None:
        """A selector chose."""
        mix = self._here().selections.setdefault(_place(event), {})
        for name in event.selected:
            _count(mix, name)

    def on_emit(self, event: EmitEvent) -> None:
        """The application said something."""
        _count(self._here().emits, event.name)

    def on_subflow_entry(self, event: SubflowEntryEvent) -> None:
        """A mounted chart begins."""
        _count(self._here().subflows, event.subflow_id)

    def on_loop(self, event: LoopEvent) -> None:
        """A loop edge was taken."""
        _count(self._here().loops, event.target)

    def on_break(self, _event: BreakEvent) -> None:
        """A stage stopped its line."""
        self._here().breaks += 1


def _count(counts: dict[str, int], what: str) -> None:
    if type(what) is not str:
        # A forged journal names things by anything; a sender must not be able to ring the alarm for failing recorders.
        what = str(what)[:_LONGEST_NAME]
    counts[what] = counts.get(what, 0) + 1


def _place(event: Any) -> str:
    context = event.traversal_context
    return "" if context is UNSET else context.stage_id
