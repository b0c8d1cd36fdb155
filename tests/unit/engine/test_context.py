"""A run in one line, and a chart's output by its contract."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from footpath import FlowChart, RedactionPolicy, RunContext, flow_chart
from footpath.errors import InputValidationError


class Writes:
    def __init__(self, id: str) -> None:
        self.id = id
        self.heard: list[Any] = []

    def on_write(self, event: Any) -> None:
        self.heard.append((event.key, event.value))


def total(scope: Any) -> None:
    scope.card = "4111-1111"
    scope.total = 3


def chart() -> FlowChart:
    needs = {"type": "object", "required": ["amount"]}
    return flow_chart("Total", total, "total").contract(needs, mapper=lambda state: {"sum": state["total"]}).build()


def test_a_context_runs_with_all_that_it_collected() -> None:
    """Recorders by id, as an executor attaches them; the state itself is shown as it is, as in the reference."""
    first, second, third = Writes("a"), Writes("b"), Writes("b")
    context = RunContext(chart()).recorder(first).recorder(second).recorder(third)
    result = context.redact(RedactionPolicy(keys=("card",))).run({"amount": 1})
    assert result.output == {"sum": 3}
    assert result.state == {"card": "4111-1111", "total": 3}
    assert result.commit_log[0]["overwrite"] == {"card": "REDACTED", "total": 3}
    assert result.execution_tree["id"] == "total"
    assert first.heard == third.heard == [("card", "[REDACTED]"), ("total", 3)]
    assert second.heard == []


def test_each_run_of_a_context_is_its_own() -> None:
    """Nothing of one is in the next; in an event loop it is the same."""
    writes = Writes("a")
    context = RunContext(chart()).recorder(writes)
    one = context.run({"amount": 1})
    two = asyncio.run(context.arun({"amount": 1}))
    assert [one.state, one.output, one.commit_log] == [two.state, two.output, two.commit_log]
    assert len(writes.heard) == 4


def test_a_context_refuses_what_the_contract_refuses() -> None:
    """No stage has run."""
    writes = Writes("a")
    with pytest.raises(InputValidationError, match="amount"):
        RunContext(chart()).recorder(writes).run({})
    assert writes.heard == []


def test_without_a_mapper_the_output_is_the_state() -> None:
    """As in the reference."""
    result = RunContext(flow_chart("Total", total, "total").build()).run()
    assert result.output == result.state
