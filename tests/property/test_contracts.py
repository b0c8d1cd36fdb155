"""A contract refuses an input before anything begins, or changes nothing of the run."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
from hypothesis import given, settings

from footpath.errors import InputValidationError, RunError
from tests.property._budget import examples
from tests.property._charts import Plan, contracts
from tests.property._runs import STEP_NS, Case, Heard, Ids, Running, cases


def with_contract(case: Case, contract: Plan | None) -> Case:
    """The case, its outermost chart with another contract."""
    return dataclasses.replace(case, chart={**case.chart, "contract": contract})


@settings(max_examples=examples(25))
@given(case=cases(), contract=contracts())
def test_a_contract_refuses_a_run_or_leaves_it_as_it_is(case: Case, contract: Plan) -> None:
    """Refused: nobody hears anything, nothing is kept, and the executor is free. Accepted: all calls are those of the bare chart."""
    running = Running(with_contract(case, contract))
    heard = Heard()
    phases = running.phases(heard)
    if running.chart.contract.check_input(case.input):
        assert phases == []
        assert heard.calls == []
        executor = running.executor(Ids(), STEP_NS, (heard,))
        for _ in range(2):  # the refusal let go of the executor: the second finds it as the first did
            with pytest.raises(InputValidationError) as refusal:
                executor.run(input=case.input)
            assert refusal.value.issues == running.chart.contract.check_input(case.input)
        assert not executor.is_paused()
        assert executor.get_narrative_entries() == []
        assert executor.get_snapshot()["commitLog"] == []
        with pytest.raises(RunError, match="nothing has been run"):
            executor.get_trace()
        return
    bare = Heard()
    alone = Running(with_contract(case, None)).phases(bare)
    assert heard.calls == bare.calls
    assert [(phase.outcome, phase.trace.document.journal) for phase in phases] == [
        (phase.outcome, phase.trace.document.journal) for phase in alone
    ]


@settings(max_examples=examples(10))
@given(case=cases(), contract=contracts())
def test_a_refused_run_leaves_the_run_before_as_it_was(case: Case, contract: Plan) -> None:
    """What an executor can tell of its last run does not go when another one is refused."""
    running = Running(with_contract(case, contract))
    executor = running.executor(Ids(), STEP_NS, ())
    good = {"i0": "here", "i1": "here"}
    with contextlib.suppress(Exception):
        executor.run(input=good)
    if not executor._phases:
        return  # no text fits
    before = executor.get_trace().encoded
    if running.chart.contract.check_input({"i0": 0}):
        with pytest.raises(InputValidationError):
            executor.run(input={"i0": 0})
        assert executor.get_trace().encoded == before
