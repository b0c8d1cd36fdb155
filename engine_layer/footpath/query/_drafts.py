"""Steps of an explanation while they are put together, and decisions in its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec import UNSET, UnsetType

from footpath.query._explanation import (
    Because,
    ExplainedDecision,
    ExplainedStep,
    ExplainedWrite,
    Source,
    TriedCondition,
    TriedRule,
)
from footpath.query._log import PATH_SEPARATOR, Bundle, rows_of
from footpath.query._scopes import FORK_KEY, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from footpath.query._control import Decision
    from footpath.query._record import RunRecord


class Draft:
    """A step in the making."""

    def __init__(self, number: int, scope: Scope, step: str, depth: int, record: RunRecord) -> None:
        self.number = number
        self.scope = scope
        self.step = step
        self.depth = depth
        self.position = scope.first_commit(step)
        self.bundle: Bundle = {} if self.position is None else scope.index.log[self.position]
        self.is_mount = scope.is_mount(step)
        self.stage_id: str = (
            self.bundle.get("stageId") or scope.nodes.get(step, {}).get("id") or step.rpartition("#")[0]
        )
        self.stage_name = scope.name_of(step)
        self.untracked: tuple[str, ...] = () if self.is_mount else tuple(self.bundle.get("untrackedSources") or ())
        self.branch = record.branch_paths.get(step) or _branch_of(self.bundle, self.stage_id)
        self.writes: dict[tuple[int, str], ExplainedWrite] = {}
        self.sources: dict[tuple[Any, ...], Source] = {}
        self.decision: ExplainedDecision | UnsetType = UNSET
        self.because: Because | UnsetType = UNSET

    def reads_at(self) -> int:
        """What this step read, it read from the commits before this position."""
        return len(self.scope.index) if self.position is None else self.position

    def branch_path(self, key: str) -> str | None:
        """Where the step itself would have written `key`, being a parallel child; None when it is none."""
        return PATH_SEPARATOR.join((FORK_KEY, self.branch, key)) if self.branch else None

    def local(self, path: str) -> str:
        """The state key that a path has for the step itself."""
        prefix = self.branch_path("")
        return (path.removeprefix(prefix) if prefix else path).partition(PATH_SEPARATOR)[0]

    def add(self, source: Source) -> None:
        """Add a source unless it is known."""
        known = (source.key, source.how, source.origin, source.step, source.path, source.mount)
        self.sources.setdefault(known, source)

    def finished(self, record: RunRecord) -> ExplainedStep:
        """The step as it stands."""
        step = self.step
        return ExplainedStep(
            number=self.number,
            kind="subflow" if self.is_mount else "stage",
            runtime_stage_id=step,
            stage_id=self.stage_id,
            stage_name=self.stage_name,
            depth=self.depth,
            writes=tuple(self.writes.values()),
            sources=tuple(self.sources.values()),
            decision=self.decision,
            because=self.because,
            error=record.errors.get(step, UNSET),
            paused=record.paused == step,
            resumed=step in record.resumed,
            attempts=record.attempts.get(step, 1),
            stopped=record.stops.get(step, UNSET),
        )


def _branch_of(bundle: Bundle, stage_id: str) -> str:
    """The parallel child a stage is, judged by where it wrote, for want of events."""
    prefix = PATH_SEPARATOR.join((FORK_KEY, stage_id, ""))
    return stage_id if any(row["path"].startswith(prefix) for row in rows_of(bundle)) else ""


def explained(decision: Decision, rationale: str | None = None) -> ExplainedDecision:
    """A decision with its evidence; evidence of another shape counts as none."""
    given: object = decision.evidence
    evidence = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    rules = tuple(_tried(at, rule) for at, rule in enumerate(_objects(evidence.get("rules"))))
    selector = not isinstance(decision.chosen, str)
    return ExplainedDecision(
        chosen=(decision.chosen,) if isinstance(decision.chosen, str) else decision.chosen,
        rules=rules,
        fell_back=bool(evidence) and not selector and not any(rule.matched for rule in rules),
        default=_text(evidence.get("default")),
        default_label=_text(evidence.get("defaultLabel")),
        selector=selector,
        rationale=UNSET if rationale is None else rationale,
    )


def _tried(at: int, rule: Mapping[str, Any]) -> TriedRule:
    conditions = tuple(
        TriedCondition(
            key=str(condition.get("key", "")),
            op=str(condition.get("op", "")),
            threshold=condition.get("threshold"),
            actual=str(condition.get("actualSummary", "")),
            result=bool(condition.get("result")),
            redacted=bool(condition.get("redacted")),
        )
        for condition in _objects(rule.get("conditions"))
    )
    inputs = ((str(each.get("key", "")), str(each.get("valueSummary", ""))) for each in _objects(rule.get("inputs")))
    index = rule.get("ruleIndex")
    return TriedRule(
        index=index if isinstance(index, int) else at,
        branch=str(rule.get("branch", "")),
        matched=bool(rule.get("matched")),
        label=_text(rule.get("label")),
        conditions=conditions,
        inputs=tuple(dict.fromkeys(inputs)),
        error=_text(rule.get("matchError")),
    )


def _objects(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; evidence is data that anyone may have written."""
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]


def _text(value: object) -> str | UnsetType:
    return value if isinstance(value, str) else UNSET
