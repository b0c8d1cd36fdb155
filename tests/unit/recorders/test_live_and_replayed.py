from __future__ import annotations

from typing import Any

import pytest

from footpath.chart import FlowChart, RetryPolicy, flow_chart
from footpath.engine import FlowChartExecutor
from footpath.recorders import (
    AuditRecorder,
    ChartMetricsRecorder,
    CompositeRecorder,
    DebugRecorder,
    EventsRecorder,
    InOutRecorder,
    ManifestFlowRecorder,
    MetricRecorder,
    NarrativeRecorder,
    QualityRecorder,
    RLENarrativeFlowRecorder,
    SilentNarrativeFlowRecorder,
    TopologyRecorder,
    verify_chain,
)
from footpath.replay import replay
from footpath.scope import decide, ops
from footpath.trace import decode_trace, encode_trace


def score(scope: Any) -> None:
    scope.value = scope.amount * 2
    ops(scope).emit("scored", {"value": scope.value})


def flaky_then(fails: int) -> Any:
    """A stage that fails its first attempts, then counts."""
    left = [fails]

    def flaky(scope: Any) -> None:
        scope.tries = (scope.tries or 0) + 1
        if left[0]:
            left[0] -= 1
            raise ConnectionError("not yet")

    return flaky


def start(scope: Any) -> None:
    scope.amount = 21
    scope.box = {"items": [1, 2]}
    scope.odd = float("nan")


def route(scope: Any) -> Any:
    return decide(scope, [{"when": {"amount": {"gt": 10}}, "then": "big", "label": "Large"}], "small")


def big(scope: Any) -> None:
    scope.box["items"].append(3)


def last(scope: Any) -> None:
    scope.done = "done" in scope
    if scope.value is None:
        raise ValueError("no value")


def chart(fails: int, *, mapped: bool) -> FlowChart:
    inner = flow_chart("Score", score, "score").build()
    output = (lambda sub, _parent: {"value": sub["value"]}) if mapped else None
    return (
        flow_chart("Start", start, "start", "Begin with an amount")
        .add_sub_flow_chart_next(
            "sf", inner, "Scoring", input_mapper=lambda parent: {"amount": parent["amount"]}, output_mapper=output
        )
        .add_function("Flaky", flaky_then(fails), "flaky")
        .retry(RetryPolicy(3))
        .add_decider_function("Route", route, "route")
        .add_function_branch("big", "Big", big)
        .add_function_branch("small", "Small", last)
        .end()
        .add_function("Last", last, "last")
        .build()
    )


@pytest.mark.parametrize(("fails", "mapped"), [(0, True), (2, True), (3, True), (1, False)])
def test_a_recorder_makes_the_same_of_a_run_and_of_its_trace(fails: int, mapped: bool) -> None:
    """Through the document and back: the same rows, numbers, lines, events and drawings, of runs that fail, too."""
    executor = FlowChartExecutor(chart(fails, mapped=mapped))
    live, again = both = made(), made()
    for recorder in live:
        executor.attach_combined_recorder(recorder)
    try:
        executor.run()
    except (ConnectionError, ValueError):
        assert fails == 3 or not mapped
    else:
        assert fails < 3
        assert mapped
    replay(decode_trace(encode_trace(executor.get_trace())), *again)

    for recorder, replayed in zip(*both, strict=True):
        if hasattr(recorder, "to_snapshot"):
            assert replayed.to_snapshot() == recorder.to_snapshot(), recorder.id
    audit, metrics, narrative, events, *_ = live
    audit2, metrics2, narrative2, events2, *_ = again
    assert len(audit.rows()) > 6
    assert audit2.encoded() == audit.encoded()
    assert verify_chain(audit2.encoded()) is None
    assert metrics2.summary() == metrics.summary()
    assert len(narrative.lines()) > 8
    assert narrative2.entries() == narrative.entries()
    assert events2.events == events.events


def made() -> list[Any]:
    """One of each, under ids of its own."""
    return [
        AuditRecorder(),
        ChartMetricsRecorder(),
        NarrativeRecorder(),
        EventsRecorder(),
        MetricRecorder("metric"),
        DebugRecorder("debug"),
        ManifestFlowRecorder(),
        InOutRecorder("in-out"),
        TopologyRecorder("topology"),
        QualityRecorder(lambda _step, context: 1 / (1 + len(context.keys_read)), "quality"),
        RLENarrativeFlowRecorder(),
        CompositeRecorder("composite", [MetricRecorder("part"), SilentNarrativeFlowRecorder()]),
    ]
