"""How many entries and bytes a run leaves, counted exactly: clock and ids are fixed, so the same run gives the same bytes."""

from __future__ import annotations

import itertools
from typing import Any

from footpath import FlowChartExecutor, decide, encode_trace, flow_chart, ops
from footpath.trace import Trace

IDS = ["019ab697-e800-7000-8000-000000000001", "019ab697-e800-7000-8000-000000000002"]


def trace_of(chart: Any) -> Trace:
    executor = FlowChartExecutor(
        chart,
        clock=itertools.count(0, 1000).__next__,
        wall_clock=lambda: 1_764_000_000_000_000_000,
        ids=iter(IDS).__next__,
    )
    executor.enable_narrative()
    executor.run()
    return executor.get_trace()


def seed(scope: Any) -> None:
    scope.a = 1
    scope.b = 2
    scope.x = 0


def step(scope: Any) -> None:
    scope.x = scope.a + scope.b + scope.x
    scope.b = scope.a


def linear(count: int) -> Any:
    builder = flow_chart("S0", seed, "s0")
    for number in range(1, count):
        builder = builder.add_function(f"S{number}", step, f"s{number}")
    return builder.build()


def codes(trace: Trace) -> list[Any]:
    """The journal without its declarations, accesses as words."""
    kinds = ["read" if type(e) is str else "write" if type(e[0]) is str else e[0] for e in trace.document.journal]
    return [kind for kind in kinds if kind not in (0, 47)]


def test_a_stage_costs_one_entry_beside_its_accesses() -> None:
    """The step from stage to stage is one entry, and so is every read and every write."""
    ten, eleven = codes(trace_of(linear(10))), codes(trace_of(linear(11)))
    more = ["read"] * 3 + ["write", "read", "write"] + [42]
    assert len(eleven) - len(ten) == len(more)
    assert sorted(map(str, eleven)) == sorted(map(str, ten + more))


def test_a_pass_of_a_loop_costs_one_entry_beside_its_accesses() -> None:
    """A loop edge ends the pass, commits it and opens the next in one entry."""

    def spin(passes: int) -> Any:
        def turn(scope: Any) -> None:
            scope.x = scope.x + 1
            if scope.x >= passes:
                ops(scope).break_flow()

        return flow_chart("S0", seed, "s0").add_function("Turn", turn, "turn").loop_to("turn").build()

    five, six = codes(trace_of(spin(5))), codes(trace_of(spin(6)))
    assert sorted(map(str, six)) == sorted(map(str, [*five, "read", "write", "read", 43]))


def test_a_decision_costs_one_entry_beside_its_reads() -> None:
    """A decider's end, commit and choice, with its evidence, and the branch's beginning are one entry."""

    def choose(scope: Any) -> Any:
        return decide(scope, [{"when": {"a": {"eq": 1}}, "then": "yes"}], "no")

    chart = (
        flow_chart("S0", seed, "s0")
        .add_decider_function("Choose", choose, "choose")
        .add_function_branch("yes", "Yes", step)
        .add_function_branch("no", "No", step)
        .end()
        .build()
    )
    journal = codes(trace_of(chart))
    assert journal == [
        32,
        1,
        "write",
        "write",
        "write",
        42,
        "read",
        44,
        "read",
        "read",
        "read",
        "write",
        "read",
        "write",
        2,
        33,
    ]


def test_a_node_is_told_of_once() -> None:
    """Names and descriptions stand in the spec alone, however many nodes a chart has: one entry declares them all."""
    journal = trace_of(linear(200)).document.journal
    assert [entry for entry in journal if type(entry) is tuple and entry[0] in (0, 47)] == [(47, 0)]


def test_the_document_has_not_grown() -> None:
    """Bytes of a fixed run, header and spec included; a change here is a change of the format or of the entries."""
    sizes = {count: len(encode_trace(trace_of(linear(count)))) for count in (5, 50, 200)}
    assert sizes == {5: 713, 50: 4115, 200: 16067}
