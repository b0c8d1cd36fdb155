"""How good each step was, by a measure of the caller's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from msgspec import UNSET, Struct, UnsetType, field

from footpath.recorders._bundle import RecorderBundle, RecorderOperation, as_json, numbered
from footpath.recorders._keyed_store import KeyedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from footpath.channels import ReadEvent, StageEndEvent, StageStartEvent, WriteEvent

R = TypeVar("R")
_next_id = numbered("quality")


class StepContext(Struct, frozen=True, kw_only=True):
    """What a scoring function is told of a step; keys repeat as often as they were read or written.

    `duration` is in milliseconds, and UNSET when the event does not say.
    """

    stage_name: str
    stage_id: str
    keys_read: list[str]
    keys_written: list[str]
    duration: float | UnsetType = UNSET


class Score(NamedTuple):
    """What a scoring function answers: 0.0 is worst, 1.0 best; beyond that it is cut off. `factors` say why."""

    score: float
    factors: Sequence[str] = ()


class QualityEntry(Struct, rename="camel", kw_only=True):
    """One step's score, and which keys it read and wrote, so that one can ask what the score came from."""

    stage_name: str
    stage_id: str
    score: float
    factors: list[str] = field(default_factory=list[str])
    keys_read: list[str] = field(default_factory=list[str])
    keys_written: list[str] = field(default_factory=list[str])


class LowestStep(NamedTuple):
    """The step with the least score, the first of them."""

    runtime_stage_id: str
    entry: QualityEntry


class QualityRecorder:
    """Scores each step when it ends; a scope recorder. `footpath.query.quality_trace` says where quality was lost.

    As in footprintjs it scores the step that started last: of parallel children that wait for each other only the last
    one has a score, for what all of them read and wrote since. A scoring function that fails is a recorder that fails:
    counted, told to `on_error`, and the step has no score. `clear` begins anew; an executor calls it before each run,
    and not before a resume.

    Args:
        scoring_fn: `scoring_fn(runtime_stage_id, context)` gives a `Score`, or a plain number.
        id: `quality-1`, `quality-2`, ... unless given.
        preferred_operation: what `to_snapshot` recommends.

    Example:
        >>> quality = QualityRecorder(lambda step, context: 1.0 if context.keys_written else 0.5)
        >>> executor.attach_scope_recorder(quality)
        >>> _ = executor.run(input={"amount": 100})
        >>> quality.get_lowest().runtime_stage_id, quality.get_overall_score()
        ('route#1', 0.8333333333333334)
    """

    def __init__(
        self,
        scoring_fn: Callable[[str, StepContext], Score | tuple[float, Sequence[str]] | float],
        id: str | None = None,  # the recorder contract's name
        *,
        preferred_operation: RecorderOperation = "accumulate",
    ) -> None:
        self.id = id or _next_id()
        self.preferred_operation: RecorderOperation = preferred_operation
        self._score = scoring_fn
        self._store = KeyedStore[QualityEntry]()
        self._begin("", "", "")

    def _begin(self, step: str, stage_id: str, name: str) -> None:
        self._step = step
        self._stage_id = stage_id
        self._name = name
        self._read: list[str] = []
        self._written: list[str] = []

    # ── the events ───────────────────────────────────────────────────────────────────────────────────────────────────
    def on_stage_start(self, event: StageStartEvent) -> None:
        """A stage's function, or one attempt of it, is about to run."""
        self._begin(event.runtime_stage_id, event.stage_id, event.stage_name)

    def on_read(self, event: ReadEvent) -> None:
        """A tracked read."""
        if event.key:  # footprintjs takes the empty key for none
            self._read.append(event.key)

    def on_write(self, event: WriteEvent) -> None:
        """A tracked write."""
        self._written.append(event.key)

    def on_stage_end(self, event: StageEndEvent) -> None:
        """A stage's function returned: score the step."""
        if not self._step:
            return
        step = self._step
        context = StepContext(
            stage_name=self._name,
            stage_id=self._stage_id,
            keys_read=list(self._read),
            keys_written=list(self._written),
            duration=event.duration,
        )
        entry = QualityEntry(
            stage_name=self._name,
            stage_id=self._stage_id,
            score=0.0,
            keys_read=list(self._read),
            keys_written=list(self._written),
        )
        scored = self._score(step, context)
        if isinstance(scored, tuple):
            score, factors = scored
            entry.factors = [str(factor) for factor in factors]
        else:
            score = scored
        entry.score = max(0.0, min(1.0, float(score)))
        self._store.set(step, entry)

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def get_by_key(self, runtime_stage_id: str) -> QualityEntry | None:
        """One step's score; None when it has none."""
        return self._store.get(runtime_stage_id)

    def get_map(self) -> Mapping[str, QualityEntry]:
        """All scores by runtime stage id, in the order the steps ended; a read-only view."""
        return self._store.get_map()

    def values(self) -> list[QualityEntry]:
        """All scores, in the order the steps ended."""
        return self._store.values()

    @property
    def size(self) -> int:
        """How many steps have a score."""
        return self._store.size

    def aggregate(self, fold: Callable[[R, QualityEntry, str], R], initial: R) -> R:
        """Fold all scores: `fold(so_far, entry, runtime_stage_id)`."""
        return self._store.aggregate(fold, initial)

    def accumulate(
        self, fold: Callable[[R, QualityEntry, str], R], initial: R, keys: Collection[str] | None = None
    ) -> R:
        """Fold the scores of some runtime stage ids; without keys, all."""
        return self._store.accumulate(fold, initial, keys)

    def get_overall_score(self) -> float:
        """The mean of all scores; 1.0 when there is none."""
        return _mean([entry.score for entry in self._store.get_map().values()])

    def get_score_up_to(self, visible_keys: Collection[str]) -> float:
        """The mean of some steps' scores; 1.0 when none of them has one."""
        return _mean([entry.score for entry in self._store.filter_by_keys(visible_keys)])

    def get_lowest(self) -> LowestStep | None:
        """The step with the least score, the first of them; None when no step has one."""
        lowest: LowestStep | None = None
        for step, entry in self._store.get_map().items():
            if lowest is None or entry.score < lowest.entry.score:
                lowest = LowestStep(step, entry)
        return lowest

    def to_snapshot(self) -> RecorderBundle:
        """The scores as `get_snapshot()["recorders"]` shows them."""
        lowest = self.get_lowest()
        data: dict[str, Any] = {"numericField": "score", "overallScore": self.get_overall_score()}
        if lowest is not None:
            data["lowestStep"] = lowest.runtime_stage_id
        data["steps"] = as_json(dict(self._store.get_map()))
        return {
            "name": "Quality",
            "description": "Quality scores per execution step with backtracking support",
            "preferredOperation": self.preferred_operation,
            "data": data,
        }

    def clear(self) -> None:
        """Forget the run before."""
        self._store.clear()
        self._begin("", "", "")


def _mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores) if scores else 1.0
