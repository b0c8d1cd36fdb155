"""The trace processor's work on one trace (audit, metrics, archive) against a pass by hand that makes the same bytes.

usage: python -m bench.processor [rounds]
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from bench import _charts as charts
from bench._fused import Counts, line_of
from bench._rows import Row, show
from bench._turns import in_turns, median_us, ratio
from footpath import decide, decode_trace, flow_chart
from footpath.archive import Line, encode_line
from footpath.recorders import ArchiveRecorder, ChartMetricsRecorder
from footpath_service.playback import Playback
from footpath_service.recorders import ReplayedTrace

if TYPE_CHECKING:
    from footpath import FlowChart, Trace


def chart() -> FlowChart:
    """Stages of three reads and two writes with a decision among them; its run makes 142 events."""

    def seed(scope: Any) -> None:
        scope.a = 1
        scope.b = 2
        scope.c = "three"
        for number in range(5):
            scope[f"k{number}"] = number

    def step(scope: Any) -> None:
        total = scope.a + scope.b
        _ = scope.c
        scope.x = total
        scope.y = "some text"

    def choose(scope: Any) -> Any:
        rules = [
            {"when": {"a": {"gt": 5}}, "then": "high", "label": "large"},
            {"when": {"b": {"lt": 5}, "a": {"eq": 1}}, "then": "low", "label": "small"},
        ]
        return decide(scope, rules, "low")

    builder = flow_chart("Seed", seed, "seed")
    for number in range(9):
        builder = builder.add_function(f"Step {number}", step, f"step{number}")
    return (
        builder.add_decider_function("Choose", choose, "choose")
        .add_function_branch("high", "High", step)
        .add_function_branch("low", "Low", step)
        .end()
        .add_function("Step 9", step, "step9")
        .add_function("Step 10", step, "step10")
        .build()
    )


class _Log:
    def warning(self, what: str, **facts: object) -> None:
        raise AssertionError(f"{what}: {facts}")


def _line(document: bytes, trace: Trace, playback: Playback) -> bytes:
    """What `Processor` does with a document, between the queue's door and the segment."""
    views = playback.play(ReplayedTrace(trace, ""))
    assert views.state is not None
    assert views.audit is not None
    return encode_line(
        Line(
            trace_id=trace.trace_id,
            revision=trace.revision,
            sha256=trace.sha256,
            run_id=trace.run_id,
            chart=trace.chart.id,
            chart_name=trace.chart.name,
            chart_hash=trace.chart.hash,
            status=trace.status,
            started_at=trace.started_at,
            duration_ms=trace.duration_ms,
            narrative=views.narrative,
            state=views.state,
            audit=views.audit,
            document=Raw(document),
        )
    )


def _same_numbers(metrics: ChartMetricsRecorder, counts: Counts) -> bool:
    (summary,) = metrics.summary()["charts"].values()
    stages = {
        stage_id: [known["name"], known["ended"], *(known["durationMs"][part] for part in ("total", "min", "max"))]
        for stage_id, known in summary["stages"].items()
    }
    return summary["runs"] == counts.runs and summary["decisions"] == counts.decisions and stages == counts.stages


def rows(rounds: int) -> list[Row]:
    """Measure, after seeing that both make the same.

    Raises:
        RuntimeError: they do not.
    """
    document = charts.document_of(chart())
    trace = decode_trace(document)
    events = len(trace.events())
    metrics = ChartMetricsRecorder()
    playback = Playback([metrics, ArchiveRecorder()], _Log())  # pyright: ignore[reportArgumentType]
    counts = Counts()
    if _line(document, trace, playback) != line_of(document, counts, trace.started_ms) or not _same_numbers(
        metrics, counts
    ):
        raise RuntimeError("the pass by hand does not make what the recorders make: mend bench/_fused.py")
    started_ms = trace.started_ms
    gc.collect()
    gc.freeze()
    gc.disable()  # as the processor does within a batch
    try:
        measured = in_turns(
            {
                "hand": lambda: median_us(lambda: line_of(document, counts, started_ms)),
                "ours": lambda: median_us(lambda: _line(document, decode_trace(document), playback)),
                "decode": lambda: median_us(lambda: decode_trace(document)),
            },
            rounds,
        )
    finally:
        gc.enable()
        gc.unfreeze()
    return [
        Row(
            "processor",
            f"part of the speed of a fused pass by hand, {events} events",
            ratio(measured["hand"], measured["ours"]),
            0.3,
            detail=(
                f"{min(measured['ours']):.0f} us a trace ({min(measured['decode']):.0f} of them decoding), "
                f"by hand {min(measured['hand']):.0f} us"
            ),
        )
    ]


if __name__ == "__main__":
    show(rows(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
