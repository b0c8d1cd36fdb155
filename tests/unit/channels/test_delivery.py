from __future__ import annotations

import asyncio
from typing import Any

import pytest

from footpath import FlowChartExecutor, Pausable, flow_chart, ops, replay
from footpath.channels import DeliveryOptions, ObserverStats
from footpath.errors import RunError
from footpath.recorders import EventsRecorder


class Emits:
    """Keeps what is emitted."""

    def __init__(self, id: str = "emits", fails: bool = False) -> None:
        self.id = id
        self.fails = fails
        self.heard: list[Any] = []

    def on_emit(self, event: Any) -> None:
        self.heard.append(event.payload)
        if self.fails:
            raise ValueError(event.payload)


def emitting(count: int, then: Any = None) -> FlowChartExecutor:
    """A chart whose first stage emits so many numbers; the second does what the test says."""

    def first(scope: Any) -> None:
        for number in range(count):
            ops(scope).emit("n", number)

    return FlowChartExecutor(
        flow_chart("First", first, "first").add_function("Then", then or (lambda _scope: None), "then").build()
    )


def stats_of(executor: FlowChartExecutor) -> ObserverStats:
    stats = executor.get_observer_stats()
    assert stats is not None
    assert stats.captured == stats.delivered + stats.drops + stats.depth + stats.terminal_stranded
    return stats


def test_events_wait_until_the_next_stage_begins() -> None:
    """A stage never waits for a deferred recorder; it hears of the stage before when the next one starts."""
    seen: list[Any] = []
    emits = Emits()

    def second(_scope: Any) -> None:
        seen.append(list(emits.heard))

    def first(scope: Any) -> None:
        ops(scope).emit("n", 1)
        seen.append(list(emits.heard))

    executor = FlowChartExecutor(flow_chart("First", first, "first").add_function("Second", second, "second").build())
    executor.attach_emit_recorder(emits, delivery="deferred")
    executor.run()
    assert seen == [[], [1]]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    ("options", "kept", "drops", "early"),
    [
        ({}, list(range(20)), 0, 0),
        ({"max_queue": 5}, [15, 16, 17, 18, 19], 15, 0),
        ({"max_queue": 5, "overflow": "drop-newest"}, [0, 1, 2, 3, 4], 15, 0),
        # The next two as the reference keeps them.
        ({"max_queue": 5, "overflow": "sample", "sample_every": 4}, [3, 4, 8, 12, 16], 15, 0),
        ({"max_queue": 5, "overflow": "sample"}, [1, 2, 3, 4, 14], 15, 0),
        ({"max_queue": 5, "overflow": "block"}, list(range(20)), 0, 15),
    ],
)
def test_a_full_queue_loses_what_its_policy_says(
    options: Any, kept: list[int], drops: int, early: int, live: bool
) -> None:
    """In order, counted, and the same of a replay as of the run."""
    executor = emitting(20)
    emits = Emits()
    executor.attach_emit_recorder(emits, delivery="deferred", **options)
    executor.run()
    stats = stats_of(executor)
    assert (stats.drops, stats.inline_deliveries, stats.captured) == (drops, early, 20)
    assert stats.per_listener["emits"].events == stats.delivered == len(kept)
    if live:
        assert emits.heard == kept
    else:
        again = Emits()
        replay(executor.get_trace(), again, delivery="deferred", **options)
        assert again.heard == kept


def fail(_scope: Any) -> None:
    raise ValueError("stop")


def pause(scope: Any) -> Any:
    ops(scope).emit("n", "asked")
    return {"question": "?"}


@pytest.mark.parametrize("how", ["returned", "failed", "late", "paused", "asynchronous"])
def test_everything_is_told_before_run_returns(how: str) -> None:
    """Also when it ends by an error, a time limit or a pause, and in an event loop."""
    executor = emitting(3, fail if how == "failed" else None)
    if how == "paused":
        chart = (
            flow_chart("First", lambda scope: ops(scope).emit("n", 0), "first")
            .add_pausable_function("Ask", Pausable(pause, lambda scope, given: ops(scope).emit("n", given)), "ask")
            .build()
        )
        executor = FlowChartExecutor(chart)
    emits = Emits()
    executor.attach_emit_recorder(emits, delivery="deferred")
    if how == "failed":
        with pytest.raises(ValueError, match="stop"):
            executor.run()
    elif how == "late":
        with pytest.raises(RunError, match="timed out"):
            executor.run(timeout_ms=1e-6)
    elif how == "asynchronous":
        asyncio.run(executor.arun())
    else:
        executor.run()
    if how == "paused":
        assert emits.heard == [0, "asked"]
        executor.resume(executor.get_checkpoint() or {}, "yes")
        assert emits.heard == [0, "asked", "yes"]
    elif how != "late":
        assert emits.heard == [0, 1, 2]
    assert stats_of(executor).depth == 0


def test_deferred_recorders_hear_all_channels_in_one_order() -> None:
    """What an inline recorder hears, in the same order, from run to run."""
    executor = emitting(2)
    inline, later = EventsRecorder("inline"), EventsRecorder("later")
    executor.attach_combined_recorder(inline)
    executor.attach_combined_recorder(later, delivery="deferred")
    for _ in range(2):
        executor.run()
        assert later.events == inline.events
    assert len(inline.events) > 10


def test_a_failing_deferred_recorder_is_isolated_counted_and_reported() -> None:
    """Its neighbours hear everything, scope recorders are told, the run's answer stays the same."""
    reports: list[Any] = []

    class Watch:
        id = "watch"

        def on_error(self, event: Any) -> None:
            reports.append((event.stage_name, event.operation))

    executor = emitting(3, lambda _scope: "answer")
    good, bad = Emits("good"), Emits("bad", fails=True)
    executor.attach_emit_recorder(bad, delivery="deferred")
    executor.attach_emit_recorder(good, delivery="deferred")
    executor.attach_scope_recorder(Watch())
    assert executor.run() == "answer"
    assert good.heard == [0, 1, 2]
    assert executor.recorder_failures == {"bad": 3}
    stats = stats_of(executor)
    assert (stats.failed, stats.per_listener["bad"].failures, stats.per_listener["good"].failures) == (3, 3, 0)
    assert reports == [("First", "write")] * 3


@pytest.mark.parametrize("where", ["in the last flush", "between two stages"])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_a_deferred_recorder_that_stops_the_program_leaves_the_executor_free(
    kind: type[BaseException], where: str
) -> None:
    """What it was not told is counted and not told to the next run, which goes as if nothing had been."""
    stopping = True

    class Stops:
        id = "stops"

        def __init__(self) -> None:
            self.heard: list[Any] = []

        def on_emit(self, event: Any) -> None:
            self.heard.append(event.payload)
            if stopping and event.payload == 1:
                raise kind

        def clear(self) -> None:
            self.heard.clear()

    recorder = Stops()
    executor = emitting(4)
    if where == "in the last flush":
        executor = FlowChartExecutor(
            flow_chart("First", lambda scope: [ops(scope).emit("n", number) for number in range(4)], "first").build()
        )
    executor.attach_emit_recorder(recorder, delivery="deferred")
    with pytest.raises(kind):
        executor.run()
    stats = stats_of(executor)
    assert (stats.captured, stats.depth) == (4, 0)
    assert stats.delivered + stats.terminal_stranded == 4
    stopping = False
    executor.run()
    assert recorder.heard == [0, 1, 2, 3]
    assert stats_of(executor).captured == 8


def test_a_budget_leaves_the_rest_for_later_and_loses_nothing() -> None:
    """At least one event is told between two stages; the end takes the time it needs."""
    heard_between: list[int] = []
    emits = Emits()
    executor = emitting(50, lambda _scope: heard_between.append(len(emits.heard)))
    executor.attach_emit_recorder(emits, delivery="deferred", flush_budget_ms=1e-9)
    executor.run()
    assert heard_between == [1]
    assert emits.heard == list(range(50))
    assert stats_of(executor).budget_exhausted == 1


def test_a_recorder_that_brings_about_new_events_for_ever_is_given_up_and_counted() -> None:
    """Each failure of a scope recorder is an event of its own: a pair that fails at every report would never end."""

    class Fails:
        def __init__(self, id: str) -> None:
            self.id = id
            self.calls = 0

        def on_emit(self, event: Any) -> None:
            self.calls += 1
            executor.attach_emit_recorder(self)  # attaching in the middle of a run changes nothing in it
            raise ValueError(event.name)

        def on_error(self, event: Any) -> None:
            self.calls += 1

    executor = emitting(2)
    pair = [Fails("a"), Fails("b")]
    for one in pair:
        executor.attach_combined_recorder(one, delivery="deferred")
    executor.run()
    stats = stats_of(executor)
    assert (stats.depth, stats.terminal_stranded) == (0, 0)
    assert [one.calls for one in pair] == [6, 6]


def test_a_recorder_may_say_itself_how_it_is_told() -> None:
    """Its `delivery` counts where attaching does not say; saying it wins; a new attachment replaces the tier as well."""
    executor = emitting(1)
    emits = Emits()
    emits.delivery = "deferred"  # type: ignore[attr-defined]
    executor.attach_emit_recorder(emits)
    executor.run()
    assert stats_of(executor).captured == 1
    executor.attach_emit_recorder(emits, delivery="inline")
    executor.run()
    assert stats_of(executor).captured == 1
    assert emits.heard == [0, 0]
    assert executor.get_emit_recorders() == [emits]


def test_the_snapshot_tells_what_became_of_deferred_events() -> None:
    """Under footprintjs's names; without a deferred recorder there is nothing to tell."""
    executor = emitting(1)
    assert executor.get_observer_stats() is None
    executor.run()
    assert "observerStats" not in executor.get_snapshot()
    executor.attach_emit_recorder(Emits(), delivery="deferred")
    executor.run()
    stats = executor.get_snapshot()["observerStats"]
    assert {"depth", "drops", "flushes", "budgetExhausted", "p95FlushMs", "inlineDeliveries", "inflight"} <= set(stats)
    assert stats["perListener"]["emits"]["events"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delivery": "later"}, "delivery is one of inline, deferred, not 'later'"),
        ({"overflow": "drop"}, "overflow is one of drop-oldest, drop-newest, sample, block, not 'drop'"),
        ({"max_queue": 0}, "max_queue is a whole number of at least 1, not 0"),
        ({"max_queue": True}, "max_queue"),
        ({"sample_every": 1.5}, "sample_every"),
        ({"flush_budget_ms": 0}, "flush_budget_ms"),
        ({"flush_budget_ms": float("nan")}, "flush_budget_ms"),
        ({"flush_budget_ms": "2"}, "flush_budget_ms"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: Any, message: str) -> None:
    """By name, value and cure, when they are given."""
    with pytest.raises(ValueError, match=message):
        emitting(1).attach_emit_recorder(Emits(), **options)


def test_an_unknown_option_and_a_second_queue_are_refused() -> None:
    """One queue keeps one order: its options are those of the first deferred recorder."""
    executor = emitting(1)
    with pytest.raises(TypeError, match="no option of delivery is called capture"):
        executor.attach_emit_recorder(Emits(), capture="clone")  # type: ignore[call-arg]
    executor.attach_emit_recorder(Emits(), delivery="deferred", max_queue=5)
    with pytest.raises(ValueError, match="share one"):
        executor.attach_emit_recorder(Emits("other"), delivery="deferred", max_queue=6)
    executor.attach_emit_recorder(Emits("third"), delivery="deferred", max_queue=5)


def test_an_asynchronous_hook_is_refused() -> None:
    """Nobody would await it: its events would be lost without a word."""

    class Waits:
        id = "waits"

        async def on_emit(self, event: Any) -> None: ...

    with pytest.raises(TypeError, match="on_emit is asynchronous"):
        emitting(1).attach_emit_recorder(Waits())


def test_a_class_in_place_of_a_recorder_is_refused() -> None:
    """Its hooks would get the event for `self`, fail each time, and be silenced."""

    class Hears:
        id = "hears"

        def on_emit(self, event: Any) -> None: ...

    with pytest.raises(TypeError, match=r"attach Hears\(\)"):
        emitting(1).attach_emit_recorder(Hears)  # type: ignore[arg-type]


def test_defaults_are_footprintjss_but_for_the_budget() -> None:
    """Without a budget a queue tells all it holds between two stages: live and replayed recorders lose the same."""
    assert DeliveryOptions() == DeliveryOptions("inline", 10_000, "drop-oldest", 10, float("inf"))


def test_clear_comes_before_each_run_and_not_before_a_resume() -> None:
    """Live and replayed alike; a `clear` or a `to_snapshot` that fails is counted, and changes nothing."""

    class Counts:
        id = "counts"

        def __init__(self) -> None:
            self.calls: list[str] = []

        def on_emit(self, event: Any) -> None:
            self.calls.append(event.payload)

        def clear(self) -> None:
            self.calls.append("clear")
            raise ValueError("never mind")

        def to_snapshot(self) -> Any:
            raise ValueError("nor here")

    chart = (
        flow_chart("First", lambda scope: ops(scope).emit("n", "run"), "first")
        .add_pausable_function("Ask", Pausable(pause, lambda scope, given: ops(scope).emit("n", given)), "ask")
        .build()
    )
    executor = FlowChartExecutor(chart)
    live, again = Counts(), Counts()
    executor.attach_combined_recorder(live)
    executor.run()
    traces = [executor.get_trace()]
    executor.resume(executor.get_checkpoint() or {}, "yes")
    traces.append(executor.get_trace())
    assert live.calls == ["clear", "run", "asked", "yes"]
    assert "recorders" not in executor.get_snapshot()
    assert executor.recorder_failures["counts"] == 2
    for trace in traces:
        replay(trace, again)
    assert again.calls == live.calls
