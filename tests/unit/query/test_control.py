from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from footpath.query import ControlDependencies, ControlParent


def executed(step: str, parent: str | None = None, run_id: str = "r") -> Any:
    context = SimpleNamespace(run_id=run_id, runtime_stage_id=step)
    if parent is not None:
        context.parent_runtime_stage_id = parent
    return SimpleNamespace(traversal_context=context)


def decided(step: str, *rules: dict[str, Any], chosen: Any = "B", run_id: str = "r") -> Any:
    event = executed(step, run_id=run_id)
    event.chosen = event.selected = chosen
    event.evidence = {"rules": list(rules)}
    return event


def test_a_stage_depends_on_the_nearest_decision_above_it() -> None:
    """Branch, what follows inside it, and not what follows the decision."""
    control = ControlDependencies()
    control.on_decision(decided("pick#1", {"matched": False, "label": "no"}, {"matched": True, "label": "yes"}))
    control.on_stage_executed(executed("pick#1", "a#0"))
    control.on_stage_executed(executed("branch#2", "pick#1"))
    control.on_stage_executed(executed("inside#3", "branch#2"))
    control.on_stage_executed(executed("after#4", "pick#1"))
    assert control.lookup("branch#2") == ControlParent("pick#1", "yes")
    assert control.lookup("inside#3") == ControlParent("pick#1", "yes")
    assert control.lookup("after#4") is None
    assert control.lookup("unknown#9") is None
    assert control.decision_of("pick#1") is control.decisions[0]


def test_a_selector_awaits_as_many_branches_as_it_chose() -> None:
    """A failing branch takes its place; the stage after them does not; none chosen means nothing to depend on."""
    control = ControlDependencies()
    control.on_selected(decided("none#0", chosen=()))
    control.on_stage_executed(executed("next#1", "none#0"))
    control.on_selected(decided("pick#2", chosen=("A", "B")))
    control.on_stage_executed(executed("a#3", "pick#2"))
    control.on_error(executed("b#4", "pick#2"))
    control.on_stage_executed(executed("after#5", "pick#2"))
    assert control.lookup("next#1") is None
    assert control.lookup("a#3") == control.lookup("b#4") == ControlParent("pick#2")
    assert control.lookup("after#5") is None
    assert control.decision_of("none#0") is None


def test_another_run_starts_anew_unless_told_to_reach_across() -> None:
    """As in the reference; an explanation of a resumed run asks for the other."""
    for across, parent in ((False, None), (True, ControlParent("pick#1"))):
        control = ControlDependencies(across_resumes=across)
        control.on_decision(decided("pick#1"))
        control.on_resume(executed("branch#2", run_id="s"))
        control.on_stage_executed(executed("branch#2", "pick#1", run_id="s"))
        control.on_stage_executed(executed("after#3", "branch#2", run_id="s"))
        assert control.lookup("branch#2") == parent
        assert control.lookup("after#3") is None, "what follows a resumed branch follows the decision"


def test_events_without_context_and_rings_of_parents_do_no_harm() -> None:
    """Errors of scope recorders carry none; a damaged trace may close a ring."""
    control = ControlDependencies()
    control.on_error(SimpleNamespace(error="recorder", channel="scope"))
    control.on_stage_executed(executed("a#0", "b#1"))
    control.on_stage_executed(executed("b#1", "a#0"))
    assert control.lookup("a#0") is None
    control.on_decision(decided("c#2"))
    control.on_stage_executed(executed("b#1", "c#2"))
    assert control.lookup("a#0") == ControlParent("c#2"), "what was looked up before the decision is not remembered"


def test_evidence_of_another_shape_has_no_label() -> None:
    """Evidence is data that anyone may have written."""
    control = ControlDependencies()
    for at, evidence in enumerate([None, "text", {"rules": 3}, {"rules": [None, {"matched": True, "label": 4}]}]):
        event = decided(f"pick#{at}")
        event.evidence = evidence
        control.on_decision(event)
        control.on_stage_executed(executed(f"branch#{at}", f"pick#{at}"))
        assert control.lookup(f"branch#{at}") == ControlParent(f"pick#{at}")


def test_a_long_line_is_looked_up_once() -> None:
    """100,000 stages below one decision, all asked for: linear, and without recursion."""
    control = ControlDependencies()
    control.on_decision(decided("pick#0"))
    for at in range(1, 100_000):
        control.on_stage_executed(executed(f"s#{at}", f"s#{at - 1}" if at > 1 else "pick#0"))
    assert all(control.lookup(f"s#{at}") for at in range(1, 100_000))
