from __future__ import annotations

import gc
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from footpath import Child, FlowChartExecutor, decide, decode_trace, flow_chart, ops, replay
from footpath.recorders import MetricRecorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath import FlowChart


def left_by(work: Callable[[], object]) -> Counter[str]:
    """What only the collector can free after some work, by type."""
    work()  # modules are loaded, caches filled
    gc.collect()
    enabled, flags = gc.isenabled(), gc.get_debug()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.garbage.clear()
        work()
        gc.collect()
        return Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.garbage)
    finally:
        gc.set_debug(flags)
        gc.garbage.clear()
        if enabled:
            gc.enable()


def chart() -> FlowChart:
    """A mounted chart, a decision, children side by side, one of which fails, and a loop."""

    def begin(scope: Any) -> None:
        scope.points = ops(scope).args["score"]
        scope.rows = [{"id": 1}]
        scope.passes = 0

    def inner(scope: Any) -> None:
        scope.doubled = scope.given * 2

    def choose(scope: Any) -> Any:
        return decide(scope, [{"when": {"points": {"gt": 10}}, "then": "high"}], "low")

    def child(scope: Any) -> None:
        scope.seen = [row["id"] for row in scope.rows]
        if scope.points > 100:
            raise ValueError("too much")

    def again(scope: Any) -> None:
        scope.rows.append({"id": scope.passes})
        scope.passes += 1
        if scope.passes == 3:
            ops(scope).break_flow()

    mounted = flow_chart("Inner", inner, "inner").build()
    return (
        flow_chart("Begin", begin, "begin")
        .add_sub_flow_chart_next(
            "mount",
            mounted,
            "Mount",
            input_mapper=lambda parent: {"given": parent["points"]},
            output_mapper=lambda out, _: out,
        )
        .add_decider_function("Choose", choose, "choose")
        .add_function_branch("high", "High", lambda scope: None)
        .add_function_branch("low", "Low", lambda scope: None)
        .end()
        .add_function("Middle", lambda scope: None, "middle")
        .add_list_of_function([Child(id="a", name="A", fn=child), Child(id="b", name="B", fn=lambda scope: None)])
        .add_function("Again", again, "again")
        .loop_to("again")
        .build()
    )


CHART = chart()


def captured(score: int) -> FlowChartExecutor:
    executor = FlowChartExecutor(CHART)
    executor.enable_narrative()
    executor.run(input={"score": score})
    return executor


def look(executor: FlowChartExecutor) -> None:
    """Ask for all there is."""
    executor.get_trace()
    executor.get_snapshot()
    executor.get_narrative()


@pytest.mark.parametrize("score", [1, 50])  # an error's traceback holds what it came through, as everywhere in Python
def test_a_capture_and_its_views_die_with_the_last_that_holds_them(score: int) -> None:
    """Memory of a warm process goes with the request, not with the collector."""
    assert left_by(lambda: look(captured(score))) == {}


@pytest.mark.parametrize("score", [1, 50, 500])
def test_a_replay_dies_with_the_last_that_holds_it(score: int) -> None:
    """The processor keeps the collector away for a whole batch: what a trace made must not wait for it."""
    encoded = captured(score).get_trace().encoded

    def work() -> None:
        trace = decode_trace(encoded)
        metrics = MetricRecorder()
        replay(trace, metrics)
        trace.narrative_lines()
        _ = trace.snapshot
        trace.final_state()

    assert left_by(work) == {}


def test_a_run_that_is_listened_to_dies_with_the_last_that_holds_it() -> None:
    """Also where a recorder hears it live."""

    def work() -> None:
        executor = FlowChartExecutor(CHART)
        executor.attach_combined_recorder(MetricRecorder("numbers"))
        executor.run(input={"score": 50})
        look(executor)

    assert left_by(work) == {}
