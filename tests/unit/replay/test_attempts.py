"""A stage that is tried again, as every channel and view tells it: live, and from the document."""

from __future__ import annotations

from typing import Any

from footpath import FlowChartExecutor, RetryPolicy, decode_trace, flow_chart, replay
from footpath.recorders import EventsRecorder


class BusyError(Exception):
    """Has a code and issues."""

    code = "E_BUSY"

    def __init__(self) -> None:
        super().__init__("come back later")
        self.issues = [{"path": ["a"], "message": "busy"}]


def tried(*recorders: Any, **options: Any) -> FlowChartExecutor:
    """A stage that fails twice, each time after it has read, written and patched; then it writes something else."""
    attempts: list[int] = []

    def work(scope: Any) -> None:
        attempts.append(len(attempts))
        if len(attempts) < 3:
            _ = scope.a
            scope.w = len(attempts)
            scope.o["lost"] = len(attempts)
            scope.items.append(len(attempts))
            raise BusyError
        _ = scope.b
        scope.o["kept"] = True
        scope.v = 3

    chart = flow_chart("Work", work, "work", retry=RetryPolicy(3, [0, 2])).build()
    ticks = iter(range(0, 10**9, 5_000))
    executor = FlowChartExecutor(
        chart,
        initial_context={"a": 1, "b": 2, "o": {"x": 1}, "items": [0]},
        clock=lambda: next(ticks),
        wall_clock=lambda: 0,
        **options,
    )
    executor.enable_narrative()
    for recorder in recorders:
        executor.attach_combined_recorder(recorder)
    executor.run()
    return executor


def test_each_failed_attempt_is_told_with_its_number_delay_and_error() -> None:
    """By one event each, between the writes of the attempt and the start of the next; the same in a replay."""
    live, again = EventsRecorder(), EventsRecorder()
    executor = tried(live)
    replay(decode_trace(executor.get_trace().encoded), again)
    for heard in (live, again):
        hooks = [
            hook
            for hook, _ in heard.events
            if hook in ("on_stage_start", "on_stage_retry", "on_commit", "on_stage_end")
        ]
        assert hooks == ["on_stage_start", *["on_stage_retry", "on_stage_start"] * 2, "on_stage_end", "on_commit"]
        retries = heard.of("on_stage_retry")
        assert [(event.attempt, event.max_attempts, event.delay_ms, event.message) for event in retries] == [
            (1, 3, 0, "come back later"),
            (2, 3, 2, "come back later"),
        ]
        assert {event.structured_error.code for event in retries} == {"E_BUSY"}
        starts = [event.timestamp for hook, event in heard.events if hook == "on_stage_start"]
        assert starts == sorted(set(starts))
        writes = heard.of("on_write")
        assert [event.timestamp for event in writes if event.key == "w"] == starts[:2]


def test_what_a_failed_attempt_read_and_wrote_is_in_no_view() -> None:
    """Commit event, log, tree and state know the last attempt alone; its events tell of every one."""
    live = EventsRecorder()
    executor = tried(live)
    (commit,) = live.of("on_commit")
    assert [(mutation.key, mutation.value) for mutation in commit.mutations] == [("o", {"kept": True}), ("v", 3)]
    trace = decode_trace(executor.get_trace().encoded)
    for snapshot in (executor.get_snapshot(), trace.snapshot):
        (bundle,) = snapshot["commitLog"]
        assert [(row["path"], row["verb"]) for row in bundle["trace"]] == [("o", "merge"), ("v", "set")]
        assert (bundle["overwrite"], bundle["updates"]) == ({"v": 3}, {"o": {"kept": True}})
        tree = snapshot["executionTree"]
        assert tree["stageWrites"] == {"o": {"kept": True}, "v": 3}
        assert set(tree["stageReads"]) == {"o", "b"}
        assert [event.key for event in live.of("on_read")].count("a") == 2
        assert snapshot["sharedState"] == {"a": 1, "b": 2, "o": {"x": 1, "kept": True}, "items": [0], "v": 3}
    assert trace.state_at(0) == {"a": 1, "b": 2, "o": {"x": 1}, "items": [0]}
    assert trace.state_at(1) == trace.snapshot["sharedState"]


def test_the_story_tells_attempts_in_their_order() -> None:
    """What the attempt did, then that it failed, then what the next one did."""
    lines = tried().get_narrative()
    failed = [number for number, line in enumerate(lines) if "come back later" in line]
    assert len(failed) == 2
    assert [number for number, line in enumerate(lines) if "Write w = " in line] < failed
    assert lines.index(next(line for line in lines if "Write v = 3" in line)) > failed[-1]


def test_a_list_that_a_failed_attempt_let_grow_goes_on_from_what_was_committed() -> None:
    """Its items are gone, from the state and from how the list is remembered: nothing looks changed behind the scope's back."""
    attempts: list[int] = []

    def begin(scope: Any) -> None:
        scope.items = [0]
        scope.items.append(1)

    def more(scope: Any) -> None:
        scope.items.append(2)

    def work(scope: Any) -> None:
        attempts.append(1)
        scope.items.append("lost" if len(attempts) == 1 else "kept")
        if len(attempts) == 1:
            raise BusyError

    chart = (
        flow_chart("Begin", begin, "begin")
        .add_function("More", more, "more")
        .add_function("Work", work, "work")
        .retry(RetryPolicy(2))
        .add_function("Again", more, "again")
        .build()
    )
    executor = FlowChartExecutor(chart)
    live = EventsRecorder()
    executor.attach_combined_recorder(live)
    executor.run()
    trace = decode_trace(executor.get_trace().encoded)
    assert trace.snapshot["sharedState"] == {"items": [0, 1, 2, "kept", 2]}
    assert trace.snapshot["sharedState"] == executor.get_snapshot()["sharedState"]
    assert not [event for event in live.of("on_write") if event.in_place is True]
    assert live.of("on_write")[-1].value == [0, 1, 2, "kept", 2]


def test_what_was_appended_is_the_states_own() -> None:
    """An object that somebody outside holds, changed after its commit, changes nothing: neither state nor record."""
    held = {"a": 1}
    seen: list[Any] = []

    def begin(scope: Any) -> None:
        scope.items = [0]
        scope.items.append(held)

    def grow(scope: Any) -> None:
        scope.items.append(1)

    def change(_: Any) -> None:
        held["a"] = 2

    def look(scope: Any) -> None:
        seen.append(scope.items[1]["a"])

    chart = (
        flow_chart("Begin", begin, "begin")
        .add_function("Grow", grow, "grow")
        .add_function("Change", change, "change")
        .add_function("Look", look, "look")
        .build()
    )
    executor = FlowChartExecutor(chart)
    executor.run()
    assert seen == [1]
    assert executor.get_trace().snapshot["sharedState"] == {"items": [0, {"a": 1}, 1]}
