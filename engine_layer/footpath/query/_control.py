"""Which decision let a stage run: a recorder of the flow channel, and the lookup it gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from msgspec import UNSET, Struct, UnsetType


class ControlParent(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The decider or selector execution that a stage execution hangs on; `label` is that of the rule that matched."""

    decider_id: str
    label: str | UnsetType = UNSET


ControlLookup = Callable[[str], ControlParent | None]
"""Runtime stage id to the nearest decision above it."""


class Decision(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One decision: `chosen` is a branch name, or the names of a selector; `evidence` as the event carried it."""

    decider_runtime_stage_id: str
    chosen: str | tuple[str, ...]
    evidence: Any = UNSET
    rule_label: str | UnsetType = UNSET


class ControlDependencies:
    """Recorder that learns, from the flow channel, which decision each stage execution depends on.

    Attach it before a run, or replay a trace into it; then `lookup` is the `control` argument of `causal_chain` and the
    slices. It holds one run: the first event of another run id, as after a resume, starts it anew, unless it is made to
    reach `across_resumes`.

    Example:
        >>> control = ControlDependencies()
        >>> replay(trace, control)
        >>> control.lookup("approve#2")
        ControlParent(decider_id='route#1', label='low risk')
    """

    def __init__(
        self, id: str = "control-dependencies", *, across_resumes: bool = False
    ) -> None:  # the name every recorder has
        self.id = id
        self._across_resumes = across_resumes
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._run_id: str | None = None
        self._parents: dict[str, str] = {}
        self._decisions: dict[str, Decision] = {}
        self._entries: dict[str, str] = {}
        self._awaited: dict[str, int] = {}
        self._nearest: dict[str, str | None] = {}
        self._resumed: set[str] = set()

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Decisions in order; of one execution the last."""
        return tuple(self._decisions.values())

    def decision_of(self, runtime_stage_id: str) -> Decision | None:
        """What this decider or selector execution chose; None where it is none, or a selector that chose nothing."""
        return self._decisions.get(runtime_stage_id)

    def parent_of(self, runtime_stage_id: str) -> str | None:
        """The stage execution before this one in its line, or the one it branched from."""
        return self._parents.get(runtime_stage_id)

    def lookup(self, runtime_stage_id: str) -> ControlParent | None:
        """The nearest decision that this execution was a branch of, or follows inside a branch of."""
        decider = self._decider_above(runtime_stage_id)
        if decider is None:
            return None
        decision = self._decisions.get(decider)
        return ControlParent(decider, UNSET if decision is None else decision.rule_label)

    def next_after(self, runtime_stage_id: str) -> ControlParent | None:
        """What a stage would depend on that ran right after this one, or as a branch of it."""
        waits = self._awaited.get(runtime_stage_id, 0) > 0
        decision = self._decisions.get(runtime_stage_id) if waits else None
        if decision is None:
            return self.lookup(runtime_stage_id)
        return ControlParent(runtime_stage_id, decision.rule_label)

    def _decider_above(self, runtime_stage_id: str) -> str | None:
        # What a walk finds holds for every step on its way; asking for all steps of a run is then linear in the run.
        at: str | None = runtime_stage_id
        walked: list[str] = []
        found: str | None = None
        while at is not None:
            if at in self._nearest:
                found = self._nearest[at]
                break
            self._nearest[at] = None  # and so a ring of parents, in a damaged trace, ends the walk
            walked.append(at)
            found = self._entries.get(at)
            if found is not None:
                break
            at = self._parents.get(at)
        for step in walked:
            self._nearest[step] = found
        return found

    # ── flow channel ─────────────────────────────────────────────────────────────────────────────────────────────
    def on_decision(self, event: Any) -> None:
        """A decider chose."""
        step = self._step(event)
        if step is not None:
            evidence = _given(event, "evidence")
            self._decided(Decision(step, event.chosen, UNSET if evidence is None else evidence, _label(evidence)), 1)

    def on_selected(self, event: Any) -> None:
        """A selector chose; with nothing selected there is nothing to depend on."""
        step = self._step(event)
        selected: tuple[str, ...] = tuple(event.selected)
        if step is not None and selected:
            evidence = _given(event, "evidence")
            self._decided(Decision(step, selected, UNSET if evidence is None else evidence), len(selected))

    def on_stage_executed(self, event: Any) -> None:
        """A stage ran: if a decision above still waits for a branch, this is one."""
        self._ran(event)

    def on_error(self, event: Any) -> None:
        """A stage failed; it took its branch all the same. Errors of scope recorders carry no context and say nothing."""
        self._ran(event)

    def on_resume(self, event: Any) -> None:
        """A paused stage goes on."""
        step = self._step(event)
        if step is not None:
            self._resumed.add(step)

    def _decided(self, decision: Decision, branches: int) -> None:
        step = decision.decider_runtime_stage_id
        self._decisions[step] = decision
        self._awaited[step] = self._awaited.get(step, 0) + branches

    def _ran(self, event: Any) -> None:
        step = self._step(event)
        if step is None:
            return
        above: str | None = _given(event.traversal_context, "parent_runtime_stage_id")
        if above is None:
            return
        parent = above
        if self._across_resumes and above in self._resumed:
            # A resumed run goes on with what follows the decision, as if the resumed branch were the line.
            parent = self._entries.get(above, above)
        self._parents[step] = parent
        if parent != step and step not in self._entries and self._awaited.get(parent, 0) > 0:
            self._awaited[parent] -= 1
            self._entries[step] = parent

    def _step(self, event: Any) -> str | None:
        context = _given(event, "traversal_context")
        if context is None:
            return None
        if context.run_id != self._run_id:
            if not self._across_resumes:
                self.clear()
            self._run_id = context.run_id
        if self._nearest:
            self._nearest.clear()
        step: str = context.runtime_stage_id
        return step


def _given(record: object, name: str) -> Any:
    value = getattr(record, name, None)
    return None if value is UNSET else value


def _label(evidence: Any) -> str | UnsetType:
    """The label of the first rule that matched, if it has one."""
    rules: Any = cast("dict[str, Any]", evidence).get("rules") if isinstance(evidence, dict) else None
    for rule in cast("list[Any]", rules) if isinstance(rules, list) else []:
        if isinstance(rule, dict) and cast("dict[str, Any]", rule).get("matched"):
            label = cast("dict[str, Any]", rule).get("label")
            return label if isinstance(label, str) else UNSET
    return UNSET
