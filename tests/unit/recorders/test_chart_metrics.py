from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from footpath import channels as ev
from footpath.recorders import ChartMetricsRecorder
from tests.unit.recorders._cases import StandInTrace, recorded_runs
from tests.unit.recorders._events_from_json import events_of, feed

if TYPE_CHECKING:
    from tests.unit.recorders._cases import RecordedRun


def counted(phases: list[dict[str, Any]]) -> dict[str, Any]:
    recorder = ChartMetricsRecorder(chart="c")
    for phase in phases:
        feed(recorder, phase)
    return recorder.summary()["charts"].get("c", {})


def how_often(phases: list[dict[str, Any]], hook: str, channel: str = "flow") -> int:
    return sum([called == hook and where == channel for phase in phases for where, called, _event in events_of(phase)])


def test_numbers_add_up_to_the_events(recorded_run: RecordedRun) -> None:
    """Each event is counted once, under one name."""
    phases = recorded_run.phases
    chart = counted(phases)
    if not chart:
        assert not any(phase["events"] for phase in phases)
        return
    stages = chart["stages"].values()
    assert chart["runs"] == how_often(phases, "on_run_start")
    assert sum(stage["ended"] for stage in stages) == how_often(phases, "on_stage_end", "scope")
    assert sum(stage["errors"] for stage in stages) == how_often(phases, "on_error")
    assert sum(stage["errors"] for stage in stages) == sum(chart["errors"].values())
    assert sum(stage["retries"] for stage in stages) == how_often(phases, "on_stage_retry")
    assert sum(sum(mix.values()) for mix in chart["decisions"].values()) == how_often(phases, "on_decision")
    assert sum(chart["emits"].values()) == how_often(phases, "on_emit", "emit")
    assert sum(chart["loops"].values()) == how_often(phases, "on_loop")
    assert sum(chart["subflows"].values()) == how_often(phases, "on_subflow_entry")
    assert chart["breaks"] == how_often(phases, "on_break")
    assert chart["outcomes"].get("completed", 0) == how_often(phases, "on_run_end")
    assert chart["outcomes"].get("failed", 0) == how_often(phases, "on_run_failed")
    assert chart["outcomes"].get("paused", 0) == how_often(phases, "on_pause")


def test_the_summary_is_plain_data(recorded_run: RecordedRun) -> None:
    """It goes through JSON unharmed, and asking again changes nothing."""
    chart = counted(recorded_run.phases)
    assert json.loads(json.dumps(chart)) == chart


def test_a_batch_is_counted_by_chart() -> None:
    """Traces of different charts do not mix; durations and deadlines come from the traces."""
    recorder = ChartMetricsRecorder()
    phase = next(run.phases[0] for run in recorded_runs() if run.name.startswith("decide-filters"))
    for chart, status, duration in [("a", "completed", 10.0), ("b", "deadline", 30.0), ("a", "completed", None)]:
        trace = StandInTrace(chart_id=chart, status=status, duration_ms=duration)
        recorder.begin_trace(trace)
        feed(recorder, phase)
        recorder.end_trace(trace)
    charts = recorder.summary()["charts"]
    assert set(charts) == {"a", "b"}
    assert charts["a"]["runs"] == 2
    assert charts["b"]["runs"] == 1
    assert charts["a"]["durationMs"] == {"count": 1, "total": 10.0, "min": 10.0, "max": 10.0}
    assert charts["b"]["outcomes"]["deadline"] == 1
    recorder.reset()
    assert recorder.summary() == {"charts": {}}


def test_a_duration_is_that_of_the_attempt_that_ended() -> None:
    """From its start to its end; an event that says its duration is believed."""
    recorder = ChartMetricsRecorder()
    at = ("S", "s", "s#0", "")
    recorder.on_stage_start(ev.StageStartEvent(*at, 1000.0))
    recorder.on_stage_start(ev.StageStartEvent(*at, 1007.0))
    recorder.on_stage_end(ev.StageEndEvent(*at, 1009.5))
    recorder.on_stage_end(ev.StageEndEvent("S", "s", "s#4", "", 2000.0, 0.5))
    durations = recorder.summary()["charts"][""]["stages"]["s"]["durationMs"]
    assert durations == {"count": 2, "total": 3.0, "min": 0.5, "max": 2.5}


def test_a_stage_whose_start_nobody_saw_has_no_duration() -> None:
    """It is counted all the same, and plain data holds no infinity."""
    recorder = ChartMetricsRecorder()
    recorder.on_stage_end(ev.StageEndEvent("S", "s", "s#0", "", 5.0))
    stage = recorder.summary()["charts"][""]["stages"]["s"]
    assert stage["ended"] == 1
    assert stage["durationMs"] == {"count": 0, "total": 0.0, "min": 0.0, "max": 0.0}
