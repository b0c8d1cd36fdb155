"""Runs far larger than anybody draws: the stack stays flat, and memory grows with what was written."""

from __future__ import annotations

import gc
import os
import sys
import threading
import tracemalloc
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import pytest

from footpath import (
    Child,
    DynamicSubflow,
    FlowChart,
    FlowChartExecutor,
    StageNode,
    decide,
    decode_trace,
    encode_trace,
    flow_chart,
    ops,
    replay,
)
from footpath.errors import NestingTooDeepError, RunError
from footpath.recorders import AuditRecorder, ChartMetricsRecorder
from footpath.trace import Trace
from tests.unit._large_charts import count, growing, linear, nested

FLAT = 160
"""Python frames that may stand on top of each other: many for a library that does not recurse, none for one that does."""

DEEP_RUN = bool(os.environ.get("FOOTPATH_FUZZ"))


# ── charts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def branching(levels: int) -> FlowChart:
    """Deciders in branches of deciders."""
    chart = flow_chart("Innermost", count, "innermost").build()
    for number in range(levels):
        chart = (
            flow_chart("Count", count, "count")
            .add_decider_function(
                "Decide", lambda scope: decide(scope, [{"when": {"n": {"eq": 1}}, "then": "b"}], "b"), "d"
            )
            .add_sub_flow_chart_branch("b", chart, f"B{number}")
            .end()
            .build()
        )
    return chart


def forked(children: int) -> FlowChart:
    """A wide fork."""
    return (
        flow_chart("Fork", count, "fork")
        .add_list_of_function([Child(f"c{number}", f"C{number}", count) for number in range(children)])
        .add_function("Join", lambda scope: scope.__setitem__("joined", len(scope.runs)), "join")
        .build()
    )


def for_each(items: int) -> FlowChart:
    """A chart per item."""
    item = flow_chart("Item", lambda scope: scope.item * 2, "item").build()
    return (
        flow_chart("Count", count, "count")
        .add_parallel_for_each(
            "Each",
            "each",
            items=lambda scope: list(range(items)),
            branch=lambda each: item,
            max_branches=items,
            into="all",
        )
        .build()
    )


def keyed(keys: int) -> FlowChart:
    """Many keys, written and read."""

    def write(scope: Any) -> None:
        for number in range(keys):
            scope[f"k{number}"] = number

    def read(scope: Any) -> int:
        return sum(scope[f"k{number}"] for number in range(keys))

    return flow_chart("Write", write, "write").add_function("Read", read, "read").build()


def valued(make: Callable[[], Any]) -> FlowChart:
    """One value, written, read, copied and put out."""

    def write(scope: Any) -> None:
        scope.value = make()

    def copied(scope: Any) -> None:
        scope.copy = scope.value
        ops(scope).emit("app.value", scope.value)

    return flow_chart("Write", write, "write").add_function("Copy", copied, "copy").build()


def lists_in_lists(levels: int) -> Any:
    """Deeper than JSON's readers go."""
    value: Any = "bottom"
    for _ in range(levels):
        value = [value, 1]
    return value


def dicts_in_dicts(levels: int) -> Any:
    """Likewise."""
    value: Any = "bottom"
    for _ in range(levels):
        value = {"a": value, "b": 1}
    return value


def rows(count_: int) -> list[dict[str, Any]]:
    """About 50 bytes each as JSON."""
    return [{"id": number, "text": "a row of a table", "ok": True} for number in range(count_)]


# ── large runs under a low limit of recursion ──────────────────────────────────────────────────────────────────────
class Large(NamedTuple):
    """A large run: its chart, the options of its run, and whether footprintjs's nested forms of it fit JSON's readers."""

    chart: Callable[[], FlowChart]
    options: Mapping[str, Any] = MappingProxyType({})
    nests: bool = True


LARGE = {
    "10,000 stages in line": Large(lambda: linear(10_000), nests=False),
    "2,000 passes with a growing list": Large(lambda: growing(2_000), {"max_iterations": 2_000}, nests=False),
    "subflows 200 deep": Large(lambda: nested(200)),
    "subflows 1,000 deep": Large(lambda: nested(1_000), nests=False),
    "deciders 200 deep": Large(lambda: branching(200), nests=False),
    "a fork of 1,000": Large(lambda: forked(1_000)),
    "a for-each of 1,000": Large(lambda: for_each(1_000)),
    "20,000 keys": Large(lambda: keyed(20_000)),
    "1 MB": Large(lambda: valued(lambda: rows(20_000))),
    "5 MB of text": Large(lambda: valued(lambda: "x" * 5_000_000)),
    "lists 5,000 deep": Large(lambda: valued(lambda: lists_in_lists(5_000))),
    "objects 5,000 deep": Large(lambda: valued(lambda: dicts_in_dicts(5_000))),
}
LARGER = {
    "100,000 stages in line": Large(lambda: linear(100_000), nests=False),
    "10,000 passes with a growing list": Large(lambda: growing(10_000), {"max_iterations": 10_000}, nests=False),
    "100,000 keys": Large(lambda: keyed(100_000)),
    "50 MB": Large(lambda: valued(lambda: rows(1_000_000))),
    "50 MB of text": Large(lambda: valued(lambda: "x" * 50_000_000)),
    "lists 100,000 deep": Large(lambda: valued(lambda: lists_in_lists(100_000))),
    "objects 100,000 deep": Large(lambda: valued(lambda: dicts_in_dicts(100_000))),
}


class Counting:
    """Counts what it hears."""

    id = "counting"

    def __init__(self) -> None:
        self.heard = 0

    def on_read(self, event: Any) -> None:
        self.heard += 1

    on_write = on_commit = on_emit = on_stage_executed = on_read


def with_a_flat_stack(act: Callable[[], None]) -> None:
    """Do it in a thread of its own, where few frames may stand on top of each other and the C stack is small."""
    raised: list[BaseException] = []

    def work() -> None:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(FLAT)
        try:
            act()
        except BaseException as error:  # noqa: BLE001  # raised again in the test's own thread
            raised.append(error)
        finally:
            sys.setrecursionlimit(limit)

    size = threading.stack_size(1 << 20)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    if raised:
        raise raised[0]


@pytest.mark.parametrize("name", [*LARGE, *(LARGER if DEEP_RUN else ())])
def test_a_large_run_needs_no_stack(name: str) -> None:
    """Build, run while listened to, encode, decode, replay, audit, tell, look at the state: 160 frames are enough for all."""
    large = {**LARGE, **LARGER}[name]
    ran: list[tuple[Trace, FlowChartExecutor]] = []

    def everything() -> None:
        executor = FlowChartExecutor(large.chart())
        executor.enable_narrative()
        live = Counting()
        executor.attach_combined_recorder(live)
        executor.run(**large.options)
        trace = decode_trace(encode_trace(executor.get_trace()))
        again = Counting()
        replay(trace, again)
        assert again.heard == live.heard > 0
        for recorder in (AuditRecorder(), ChartMetricsRecorder()):
            replay(trace, recorder)
        assert trace.narrative == executor.get_narrative_entries()
        snapshot = trace.snapshot
        assert trace.final_state().keys() == snapshot["sharedState"].keys()
        assert trace.state_at(len(snapshot["commitLog"])).keys() == snapshot["sharedState"].keys()
        assert list(executor.get_snapshot()["sharedState"]) == list(snapshot["sharedState"])
        ran.append((trace, executor))

    with_a_flat_stack(everything)
    ((trace, executor),) = ran
    # What JSON itself nests is up to JSON's readers, whose limit is the interpreter's.
    if large.nests:
        exported = trace.to_footprintjs()
        assert msgspec.json.decode(msgspec.json.encode(exported)) == exported
    else:
        with pytest.raises(NestingTooDeepError, match="readers of JSON give up near 1,000"):
            trace.to_footprintjs()
    trace.__dict__.clear()
    del trace, executor
    ran.clear()
    gc.collect()


def test_a_rule_over_a_value_of_any_depth_needs_no_stack() -> None:
    """Each operator, against a deep value and by one; also one that holds itself."""
    knot: list[Any] = [1, 2]
    knot.append(knot)
    deep = lists_in_lists(2_000)
    operators = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "notIn")

    def choose(scope: Any) -> Any:
        rules = [
            {"when": {key: {operator: threshold}}, "then": "b"}
            for key in ("deep", "knot", "deep_dict")
            for operator in operators
            for threshold in (deep, [deep], knot, 5)
            if operator in ("eq", "gt", "lt", "gte", "lte", "in")
        ]
        return decide(scope, [{"when": rule["when"] | {"never": {"eq": 1}}, "then": "b"} for rule in rules], "b")

    def write(scope: Any) -> None:
        scope.deep, scope.knot, scope.deep_dict = deep, knot, dicts_in_dicts(2_000)

    chart = (
        flow_chart("Write", write, "write")
        .add_decider_function("Choose", choose, "choose")
        .add_function_branch("b", "B", lambda scope: "took b")
        .end()
        .build()
    )
    results: list[Any] = []
    with_a_flat_stack(lambda: results.append(FlowChartExecutor(chart).run()))
    assert results == ["took b"]


# ── memory ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def run_only(chart: FlowChart, **options: Any) -> Any:
    """The journal alone."""
    executor = FlowChartExecutor(chart)
    executor.run(**options)
    return executor


def with_trace(chart: FlowChart, **options: Any) -> Any:
    """The trace through its bytes, replayed to a recorder."""
    trace = decode_trace(run_only(chart, **options).get_trace().encoded)
    replay(trace, Counting())
    return trace


GROWING: dict[str, tuple[Callable[[int], FlowChart], int]] = {
    "a line": (linear, 500),
    "a loop with a growing list of numbers": (growing, 300),
    "a loop with a growing list of objects": (lambda n: growing(n, lambda number: {"n": number}), 300),
    "keys": (keyed, 2_000),
    "a fork": (forked, 300),
    "a for-each": (for_each, 200),
    "a value": (lambda n: valued(lambda: rows(n)), 1_000),
    "a deep value": (lambda n: valued(lambda: lists_in_lists(n)), 400),
}


def peak(act: Callable[[FlowChart], Any], chart: FlowChart, options: dict[str, Any]) -> int:
    """Bytes at the highest."""
    act(chart, **options)  # what is loaded and cached once is not the run's
    gc.collect()
    tracemalloc.start()
    try:
        kept = act(chart, **options)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        del kept


@pytest.mark.parametrize(
    ("act", "name"),
    [
        *((run_only, name) for name in GROWING),
        # A cursor keeps what each stage wrote, of a growing list the whole: replay's own tests see to that.
        *((with_trace, name) for name in GROWING if "growing" not in name),
    ],
)
def test_memory_grows_with_what_was_written(name: str, act: Callable[..., Any]) -> None:
    """Twice as much takes twice the memory, not four times."""
    make, size = GROWING[name]
    few, many = (peak(act, make(n), {"max_iterations": n} if "loop" in name else {}) for n in (size, 2 * size))
    assert many < 2.6 * few


def test_what_is_in_a_run_costs_nothing_per_stage_that_it_does_not_touch() -> None:
    """State is shared, not copied: a hundred stages beside a megabyte take less than it takes once."""
    stages = [lambda scope: scope.__setitem__("n", 1)] * 100
    large = rows(20_000)

    def write(scope: Any) -> None:
        scope.large = large

    def chart(more: list[Any]) -> FlowChart:
        builder = flow_chart("Write", write, "write")
        for number, function in enumerate(more):
            builder.add_function(f"S{number}", function, f"s{number}")
        return builder.build()

    bare, beside = peak(run_only, chart([]), {}), peak(run_only, chart(stages), {})
    assert beside - bare < 200_000


def test_a_chart_that_mounts_itself_without_end_is_stopped_by_name() -> None:
    """Lazily: nobody could mount it in itself before it is built."""
    built: list[FlowChart] = []
    built.append(
        flow_chart("Begin", count, "begin").add_lazy_sub_flow_chart_next("again", lambda: built[0], "Again").build()
    )
    with pytest.raises(RunError, match=r"more than 5000 deep at 'again'"):
        FlowChartExecutor(built[0]).run()


def test_a_chart_whose_stages_return_it_without_end_is_stopped() -> None:
    """An id keeps the chart that it was first returned with, so a chart that returns another one under its own id returns itself."""
    began: list[None] = []
    other = flow_chart("Other", count, "other").build()

    def returns(chart: FlowChart) -> Any:
        return StageNode("fan", "Fan", children=[DynamicSubflow("kid", "Kid", chart)])

    def inside(scope: Any) -> Any:
        began.append(None)
        return returns(other)

    kid = flow_chart("Inside", inside, "inside").build()
    executor = FlowChartExecutor(flow_chart("Begin", lambda scope: returns(kid), "begin").build())
    executor.run()  # a parallel child's failure ends nothing but the child
    assert len(began) == 5_000
    assert b"more than 5000 deep at 'kid'" in encode_trace(executor.get_trace())
