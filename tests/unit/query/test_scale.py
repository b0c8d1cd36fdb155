"""Twice as long a run takes twice the work to ask about, not four times: counted in calls, which no machine's load changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from footpath import Child, FlowChart, FlowChartExecutor, Trace, decode_trace, flow_chart, query
from tests.unit._large_charts import count, growing, linear


def objects(passes: int) -> FlowChart:
    return growing(passes, lambda number: {"number": number})


def forked(children: int) -> FlowChart:
    return (
        flow_chart("Fork", count, "fork")
        .add_list_of_function([Child(f"c{number}", f"C{number}", count) for number in range(children)])
        .add_function("Join", lambda scope: scope.__setitem__("n", len(scope.runs)), "join")
        .build()
    )


def keyed(keys: int) -> FlowChart:
    def write(scope: Any) -> None:
        scope.n = 0
        for number in range(keys):
            scope[f"k{number}"] = scope.n

    return flow_chart("Write", write, "write").add_function("Count", count, "count").build()


CHARTS: dict[str, tuple[Callable[[int], FlowChart], int]] = {
    "a line": (linear, 150),
    "a growing list": (objects, 100),
    "a fork": (forked, 80),
    "many keys": (keyed, 300),
}

QUESTIONS: dict[str, Callable[[Trace, dict[str, Any], str], Any]] = {
    "snapshot": lambda trace, _, __: trace.__dict__.pop("snapshot", None) and trace.snapshot,
    "story": lambda trace, _, __: trace.narrative,
    "events": lambda trace, _, __: trace.events(),
    "state_at": lambda trace, snapshot, _: trace.state_at(len(snapshot["commitLog"]) // 2),
    "state at": lambda _, snapshot, __: query.state_at(snapshot, len(snapshot["commitLog"]) // 2),
    "value at": lambda _, snapshot, key: query.commit_value_at(snapshot["commitLog"], None, key),
    "last writer": lambda _, snapshot, key: query.find_last_writer(snapshot["commitLog"], key),
    "stops": lambda _, snapshot, __: query.stops(snapshot),
    "timeline": lambda _, snapshot, key: query.format_timeline(
        query.key_timeline(snapshot["commitLog"], key, reads_of(snapshot))
    ),
    "slice": lambda _, snapshot, key: query.slice_for_key(snapshot["commitLog"], key, reads_of(snapshot)),
    "forward slice": lambda _, snapshot, key: query.forward_slice_for_key(
        snapshot["commitLog"], key, reads_of(snapshot)
    ),
    "provenance": lambda _, snapshot, __: query.array_provenance(snapshot["commitLog"], "items"),
    "explain": lambda trace, snapshot, key: query.format_explanation(
        query.explain(query.TraceView(snapshot, trace.events(), trace.input), key)
    ),
}


def reads_of(snapshot: dict[str, Any]) -> Any:
    return query.keys_read_from_execution_tree(snapshot["executionTree"])


def trace_of(chart: FlowChart) -> Trace:
    executor = FlowChartExecutor(chart)
    executor.enable_narrative()
    executor.run()
    return decode_trace(executor.get_trace().encoded)


def calls_of(act: Callable[[], Any]) -> int:
    """How many functions were called, ours and C's."""
    calls = 0

    def note(_frame: Any, event: str, _: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("name", CHARTS)
def test_questions_cost_in_proportion_to_the_run(name: str) -> None:
    """Each of them, of runs of one size and of the double."""
    make, size = CHARTS[name]
    costs: dict[str, list[int]] = {question: [] for question in QUESTIONS}
    for n in (size, 2 * size):
        trace = trace_of(make(n))
        snapshot = trace.snapshot
        for question, ask in QUESTIONS.items():
            ask(trace, snapshot, "n")  # what is loaded and cached once is not the question's
            costs[question].append(calls_of(partial(ask, trace, snapshot, "n")))
    too_much = {question: cost for question, cost in costs.items() if cost[1] > 2.3 * cost[0] + 200}
    assert too_much == {}
