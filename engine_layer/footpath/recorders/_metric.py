"""How often and how long, by execution step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import UNSET, Struct

from footpath.recorders._bundle import RecorderBundle, RecorderOperation, as_json, numbered
from footpath.recorders._keyed_store import KeyedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from footpath.channels import (
        CommitEvent,
        FlowPauseEvent,
        ReadEvent,
        ScopePauseEvent,
        StageEndEvent,
        StageStartEvent,
        WriteEvent,
    )

R = TypeVar("R")
_next_id = numbered("metrics")


class StepMetrics(Struct, rename="camel", kw_only=True):
    """One execution of a stage; `duration` in milliseconds, of the attempt that ended."""

    stage_name: str
    read_count: int = 0
    write_count: int = 0
    commit_count: int = 0
    pause_count: int = 0
    duration: float = 0


class StageMetrics(Struct, rename="camel", kw_only=True):
    """All executions of the stages of one name, added up."""

    stage_name: str
    read_count: int = 0
    write_count: int = 0
    commit_count: int = 0
    pause_count: int = 0
    total_duration: float = 0
    invocation_count: int = 0


class AggregatedMetrics(Struct, rename="camel", kw_only=True):
    """The whole run; `stage_metrics` by stage name, in the order of the first execution."""

    total_duration: float
    total_reads: int
    total_writes: int
    total_commits: int
    total_pauses: int
    stage_metrics: dict[str, StageMetrics]


class MetricRecorder:
    """Counts reads, writes, commits and pauses of each execution step, and takes its duration; a scope recorder.

    As in footprintjs, what happens counts for the step that *started last*: a subflow's mount, which starts no function
    of its own, counts for the step before it, and of parallel children that wait for each other the last one started
    gets what follows. Attached to all channels (`attach_combined_recorder`) it hears of a pause on two of them and
    counts both. `clear` begins anew; an executor calls it before each run, and not before a resume.

    Args:
        id: `metrics-1`, `metrics-2`, ... unless given.
        stage_filter: says by name which stages count; without it, all do.
        preferred_operation: what `to_snapshot` recommends.

    Example:
        >>> metric = MetricRecorder()
        >>> executor.attach_scope_recorder(metric)
        >>> _ = executor.run(input={"amount": 100})
        >>> metric.get_metrics().total_writes, metric.get_stage_metrics("Assess").read_count
        (2, 0)
    """

    def __init__(
        self,
        id: str | None = None,  # the recorder contract's name
        *,
        stage_filter: Callable[[str], bool] | None = None,
        preferred_operation: RecorderOperation = "aggregate",
    ) -> None:
        self.id = id or _next_id()
        self.preferred_operation: RecorderOperation = preferred_operation
        self._filter = stage_filter
        self._store = KeyedStore[StepMetrics]()
        self._began: dict[str, float] = {}
        self._step = ""

    # ── the events ───────────────────────────────────────────────────────────────────────────────────────────────────
    def on_stage_start(self, event: StageStartEvent) -> None:
        """A stage's function, or one attempt of it, is about to run."""
        if not self._counts(event.stage_name):
            return
        self._step = event.runtime_stage_id
        self._began[event.runtime_stage_id] = event.timestamp
        if not self._store.has(event.runtime_stage_id):
            self._store.set(event.runtime_stage_id, StepMetrics(stage_name=event.stage_name))

    def on_read(self, event: ReadEvent) -> None:
        """A tracked read."""
        if self._counts(event.stage_name):
            self._current().read_count += 1

    def on_write(self, event: WriteEvent) -> None:
        """A tracked write."""
        if self._counts(event.stage_name):
            self._current().write_count += 1

    def on_commit(self, event: CommitEvent) -> None:
        """Writes reached the state."""
        if self._counts(event.stage_name):
            self._current().commit_count += 1

    def on_pause(self, event: ScopePauseEvent | FlowPauseEvent) -> None:
        """The run waits at a stage."""
        if self._counts(event.stage_name):
            self._current().pause_count += 1

    def on_stage_end(self, event: StageEndEvent) -> None:
        """A stage's function returned."""
        if not self._counts(event.stage_name):
            return
        began = self._began.pop(event.runtime_stage_id, event.timestamp)
        took = event.timestamp - began if event.duration is UNSET else event.duration
        step = self._store.get(event.runtime_stage_id)
        if step is not None:
            step.duration += took

    # ── the numbers ──────────────────────────────────────────────────────────────────────────────────────────────────
    def get_by_key(self, runtime_stage_id: str) -> StepMetrics | None:
        """One execution step's numbers; None when it is not known."""
        return self._store.get(runtime_stage_id)

    def get_map(self) -> Mapping[str, StepMetrics]:
        """All steps by runtime stage id, in the order they began; a read-only view."""
        return self._store.get_map()

    def values(self) -> list[StepMetrics]:
        """All steps, in the order they began."""
        return self._store.values()

    @property
    def size(self) -> int:
        """How many steps there are."""
        return self._store.size

    def aggregate(self, fold: Callable[[R, StepMetrics, str], R], initial: R) -> R:
        """Fold all steps: `fold(so_far, step, runtime_stage_id)`."""
        return self._store.aggregate(fold, initial)

    def accumulate(
        self, fold: Callable[[R, StepMetrics, str], R], initial: R, keys: Collection[str] | None = None
    ) -> R:
        """Fold the steps of some runtime stage ids; without keys, all."""
        return self._store.accumulate(fold, initial, keys)

    def get_metrics(self) -> AggregatedMetrics:
        """The whole run's numbers, added up now."""
        stages: dict[str, StageMetrics] = {}
        for step in self._store.get_map().values():
            stage = stages.get(step.stage_name)
            if stage is None:
                stage = stages[step.stage_name] = StageMetrics(stage_name=step.stage_name)
            stage.read_count += step.read_count
            stage.write_count += step.write_count
            stage.commit_count += step.commit_count
            stage.pause_count += step.pause_count
            stage.total_duration += step.duration
            stage.invocation_count += 1
        of_all = stages.values()
        return AggregatedMetrics(
            total_duration=sum([stage.total_duration for stage in of_all]),
            total_reads=sum([stage.read_count for stage in of_all]),
            total_writes=sum([stage.write_count for stage in of_all]),
            total_commits=sum([stage.commit_count for stage in of_all]),
            total_pauses=sum([stage.pause_count for stage in of_all]),
            stage_metrics=stages,
        )

    def get_stage_metrics(self, stage_name: str) -> StageMetrics | None:
        """The numbers of the stages of one name; None when none ran."""
        return self.get_metrics().stage_metrics.get(stage_name)

    def to_snapshot(self) -> RecorderBundle:
        """The numbers as `get_snapshot()["recorders"]` shows them."""
        totals = self.get_metrics()
        data: dict[str, Any] = {
            "numericField": "readCount",
            "grandTotal": totals.total_reads,
            "totalDuration": totals.total_duration,
            "totalReads": totals.total_reads,
            "totalWrites": totals.total_writes,
            "totalCommits": totals.total_commits,
            "totalPauses": totals.total_pauses,
            "steps": as_json(dict(self._store.get_map())),
        }
        return {
            "name": "Metrics",
            "description": "Aggregator (KeyedStore) — per-step timing and I/O counts",
            "preferredOperation": self.preferred_operation,
            "data": data,
        }

    def clear(self) -> None:
        """Begin at zero."""
        self._store.clear()
        self._began.clear()
        self._step = ""

    def reset(self) -> None:
        """The same as `clear`."""
        self.clear()

    def _counts(self, stage_name: str) -> bool:
        return self._filter is None or self._filter(stage_name)

    def _current(self) -> StepMetrics:
        step = self._store.get(self._step)
        if step is None:
            # Before the first start: footprintjs keeps these under no name.
            step = StepMetrics(stage_name="")
            self._store.set(self._step, step)
        return step
