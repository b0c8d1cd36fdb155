"""A run that says more than its trace may hold goes on unchanged, and leaves a trace that says where it was cut."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from footpath import Child, FlowChartExecutor, Pausable, decode_trace, flow_chart, ops, replay
from footpath.errors import RunError
from footpath.trace import cut_to_bytes, encode_trace


def count_up(scope: Any) -> None:
    scope.n = (scope.n or 0) + 1
    scope.text = "x" * 50
    if scope.n >= 300:
        ops(scope).break_flow("enough")


def busy(scope: Any) -> int:
    for number in range(5_000):
        scope.total = (scope.total or 0) + number
    return scope.total


def fails(scope: Any) -> None:
    busy(scope)
    raise ValueError("no more")


LOOP = flow_chart("Count", count_up, "count").loop_to("count").build()
BUSY = flow_chart("Busy", busy, "busy").add_function("After", lambda scope: scope.total, "after").build()
FAILING = flow_chart("Busy", fails, "busy").build()


class Heard:
    """Keeps every event, as (hook, stage, name or key)."""

    id = "heard"

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def on_write(self, event: Any) -> None:
        self.events.append(("write", event.key, event.value))

    def on_emit(self, event: Any) -> None:
        self.events.append(("emit", event.name, event.payload))

    def on_run_end(self, event: Any) -> None:
        self.events.append(("end",))

    def on_run_failed(self, event: Any) -> None:
        self.events.append(("failed",))


def ran(chart: Any, most: int | None, *recorders: Any) -> FlowChartExecutor:
    executor = FlowChartExecutor(
        chart,
        max_entries=most,
        clock=lambda: 0,
        wall_clock=lambda: 0,
        ids=lambda: "019ab697-e800-7000-8000-000000000001",
    )
    executor.enable_narrative()
    for recorder in recorders:
        executor.attach_combined_recorder(recorder)
    return executor


@pytest.mark.parametrize("chart", [LOOP, BUSY], ids=["loop", "one stage"])
def test_a_cut_run_gives_the_same_answer_and_a_trace_that_replays_to_the_cut(chart: Any) -> None:
    """Result and state are the whole run's; a replay hears what live recorders heard, the mark, and the end."""
    live = Heard()
    executor = ran(chart, 400, live)
    assert executor.run() == ran(chart, None).run()
    trace = decode_trace(encode_trace(executor.get_trace()))
    whole = ran(chart, None)
    result = whole.run()
    entries = whole.get_trace().document.journal
    assert trace.truncated == {"at": 400, "reason": "entries", "dropped": len(entries) - 1 - 400}
    assert (trace.status, trace.result) == ("completed", result)
    heard = Heard()
    replay(trace, heard)
    *told, mark, end = heard.events
    assert told == live.events[: len(told)]
    assert (mark, end) == (("emit", "footpath.truncated", trace.truncated), ("end",))
    assert "The recording was cut here, at its limit of entries" in trace.narrative[-1].text
    assert trace.narrative[-1].type == "truncated"
    assert trace.snapshot["commitLog"] is not None
    assert executor.get_snapshot()["sharedState"] == whole.get_snapshot()["sharedState"]


def test_a_limit_that_is_not_reached_changes_no_byte() -> None:
    """Nor does one that is reached exactly."""
    plain = ran(BUSY, None)
    plain.run()
    entries = len(plain.get_trace().document.journal)
    for most in (entries - 1, entries, entries + 1):
        executor = ran(BUSY, most)
        executor.run()
        assert encode_trace(executor.get_trace()) == encode_trace(plain.get_trace())


def test_a_failed_run_that_is_cut_keeps_its_error() -> None:
    """Status, error and failing stage are the header's; the run's end is replayed as a failure."""
    executor = ran(FAILING, 100)
    with pytest.raises(ValueError, match="no more"):
        executor.run()
    trace = decode_trace(encode_trace(executor.get_trace()))
    assert trace.status == "failed"
    assert trace.error is not None
    assert (trace.error["message"], trace.error["stageId"]) == ("no more", "busy")
    assert trace.truncated is not None
    heard = Heard()
    replay(trace, heard)
    assert heard.events[-1] == ("failed",)


@pytest.mark.parametrize("often", [1, 3, 50])
def test_it_does_not_matter_when_somebody_looks(often: int) -> None:
    """The cut lies where the limit is, however often a watcher had memory freed meanwhile."""
    never = ran(LOOP, 321)
    never.run()
    executor = ran(LOOP, 321)
    calls = 0

    class Looking:
        id = "looking"

        def on_stage_start(self, event: Any) -> None:
            nonlocal calls
            calls += 1
            if calls % often == 0:
                executor.shed()

    executor.attach_combined_recorder(Looking())
    executor.run()
    assert encode_trace(executor.get_trace()) == encode_trace(never.get_trace())


def test_a_loop_sheds_what_it_may_not_keep() -> None:
    """Memory stays bounded in a loop without anybody watching."""
    executor = ran(LOOP, 50)
    executor.run()
    assert len(executor._phases[-1].run.journal) < 100


def test_a_watcher_in_another_thread_loses_no_count() -> None:
    """Kept and dropped add up to what an unlimited run records, whatever thread sheds meanwhile."""
    plain = ran(BUSY, None)
    plain.run()
    executor = ran(BUSY, 1_000)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.0005):
            executor.shed(2_000_000)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        executor.run()
    finally:
        over.set()
        watcher.join()
    assert encode_trace(executor.get_trace()) == encode_trace(_limited(1_000).get_trace())


def _limited(most: int) -> FlowChartExecutor:
    executor = ran(BUSY, most)
    executor.run()
    return executor


def test_a_trace_is_cut_to_a_size() -> None:
    """It encodes to no more, keeps as much as fits, and names size as the reason; cut twice, it counts on."""
    executor = ran(BUSY, 4_000)
    executor.run()
    document = executor.get_trace().document
    for limit in (30_000, 10_000):
        small = cut_to_bytes(document, limit)
        assert small is not None
        size = len(json.dumps(json.loads(encode_trace(type(executor.get_trace())(small))), separators=(",", ":")))
        assert limit - 1_500 < size <= limit
        truncated: Any = small.truncated
        assert truncated["reason"] == "bytes"
        before: Any = document.truncated
        assert truncated["at"] + truncated["dropped"] == before["at"] + before["dropped"]
        document = small
    assert cut_to_bytes(document, 500) is None


def test_a_journal_too_long_for_memory_is_cut_while_the_run_goes_on() -> None:
    """By size, at the entry that passes it."""
    executor = ran(LOOP, None)

    class Looking:
        id = "looking"

        def on_stage_start(self, event: Any) -> None:
            executor.shed(5_000)

    executor.attach_combined_recorder(Looking())
    executor.run()
    trace = decode_trace(encode_trace(executor.get_trace()))
    assert trace.truncated is not None
    assert trace.truncated["reason"] == "bytes"
    assert len(encode_trace(executor.get_trace())) < 8_000


def test_a_paused_run_that_was_cut_goes_on() -> None:
    """Its checkpoint and its answer are those of a run that was not."""

    def ask(scope: Any) -> Any:
        return {"question": scope.total}

    def answered(scope: Any, given: Any) -> None:
        scope.given = given

    chart = (
        flow_chart("Busy", busy, "busy")
        .add_pausable_function("Ask", Pausable(ask, answered), "ask")
        .add_function("Tell", lambda scope: [scope.total, scope.given], "tell")
        .build()
    )
    answers = []
    for most in (None, 100):
        executor = ran(chart, most)
        executor.run()
        assert executor.is_paused()
        checkpoint: Any = executor.get_checkpoint()
        assert decode_trace(encode_trace(executor.get_trace())).status == "paused"
        again = ran(chart, most)
        answers.append((again.resume(json.loads(json.dumps(checkpoint)), 7), executor.resume(checkpoint, 7)))
        assert encode_trace(executor.get_trace())
    assert answers[0] == answers[1]


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "many", True])
def test_a_limit_that_is_none_is_refused(wrong: Any) -> None:
    """By name and value."""
    with pytest.raises(RunError, match="max_entries"):
        FlowChartExecutor(BUSY, max_entries=wrong)


def asking() -> Any:
    """A loop that sheds, a fork whose children switch frames after that, and a stage that asks."""

    def judge(scope: Any) -> str:
        return "more" if scope.n < 40 else "go on"

    async def wait(scope: Any) -> None:
        for number in range(2):
            await asyncio.sleep(0)
            scope[f"w{number}"] = number

    return (
        flow_chart("Count", lambda scope: setattr(scope, "n", (scope.n or 0) + 1), "count")
        .add_decider_function("Judge", judge, "judge")
        .add_function_branch("more", "More", lambda scope: None, loop_to="count")
        .add_function_branch("go on", "Go on", lambda scope: None)
        .end()
        .add_list_of_function([Child("x", "X", wait), Child("y", "Y", wait)])
        .add_pausable_function(
            "Ask", Pausable(lambda scope: {"of": scope.n}, lambda scope, given: [scope.n, given]), "ask"
        )
        .add_function("Tell", lambda scope: None, "tell")
        .build()
    )


class Pauses:
    """Keeps every pause, of both channels."""

    id = "pauses"

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_pause(self, event: Any) -> None:
        self.heard.append(event)


@pytest.mark.parametrize("most", [1, 20, 150, 400])
def test_a_paused_run_that_was_cut_short_of_its_pause_tells_of_it(most: int) -> None:
    """Replay delivers `on_pause` of both channels, as the live run did: whole where the stage is known, else by name and ids."""
    live, again = Pauses(), Pauses()
    executor = ran(asking(), most, live)
    executor.run()
    trace = decode_trace(encode_trace(executor.get_trace()))
    replay(trace, again)
    assert [(event.channel, event.stage_name, event.stage_id) for event in again.heard] == [
        ("scope", "Ask", "ask"),
        ("flow", "Ask", "ask"),
    ]
    scope, flow = again.heard
    assert (scope.runtime_stage_id, flow.traversal_context.runtime_stage_id) == (live.heard[0].runtime_stage_id,) * 2
    assert (scope.pause_data, flow.pause_data) == ({"of": 40}, {"of": 40})
    assert trace.narrative[-1].text.startswith("Execution paused at Ask")
    small = cut_to_bytes(trace.document, len(encode_trace(trace)) - 1 if most > 150 else len(encode_trace(trace)))
    assert small is not None
    twice = Pauses()
    replay(type(trace)(small), twice)
    assert [event.stage_id for event in twice.heard] == ["ask", "ask"]


@pytest.mark.parametrize("most", [1, 20, 150])
def test_a_paused_run_that_let_go_of_entries_can_be_looked_at_and_resumed(most: int) -> None:
    """What is left of the journal speaks of frames whose beginnings are gone; snapshot, checkpoint and resume do without them."""
    whole, executor = ran(asking(), None), ran(asking(), most)
    whole.run()
    executor.run()
    assert executor._phases[-1].run.dropped
    assert executor.get_snapshot()["sharedState"] == whole.get_snapshot()["sharedState"]
    checkpoint: Any = executor.get_checkpoint()
    for name in ("sharedState", "pausedStageId", "executionCount", "subflowPath"):
        assert checkpoint[name] == whole.get_checkpoint()[name]  # type: ignore[index]
    heard, heard_whole = Heard(), Heard()
    executor.attach_combined_recorder(heard)
    whole.attach_combined_recorder(heard_whole)
    assert executor.resume(checkpoint, 7) == whole.resume(whole.get_checkpoint(), 7)  # type: ignore[arg-type]
    assert heard.events == heard_whole.events
    assert executor.get_snapshot()["sharedState"] == whole.get_snapshot()["sharedState"]
    assert executor.get_narrative()


def test_a_pause_of_a_document_that_does_not_say_who_pauses_is_the_current_stages() -> None:
    """As documents of before have it."""
    executor = ran(asking(), None)
    executor.run()
    document: Any = json.loads(encode_trace(executor.get_trace()))
    for entry in document["journal"]:
        if entry[0] == 30:
            del entry[4:]
    heard = Pauses()
    replay(decode_trace(json.dumps(document).encode()), heard)
    assert [event.stage_id for event in heard.heard] == ["ask", "ask"]
