"""What an executor promises its caller: who hears what, one run at a time, errors that pass through, limits that say so."""

from __future__ import annotations

import asyncio
import json
import math
import re
import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET

from footpath import (
    Child,
    DynamicSubflow,
    FlowChart,
    FlowChartExecutor,
    Pausable,
    RetryPolicy,
    StageNode,
    decide,
    decode_trace,
    flow_chart,
    interrupt,
    ops,
    replay,
    select,
)
from footpath.errors import InputValidationError, RunError, StateError
from footpath.values import ABSENT


class Ear:
    """Hears everything, in order."""

    def __init__(self, id: str = "ear") -> None:
        """Begin with nothing heard."""
        self.id = id
        self.heard: list[tuple[str, Any]] = []

    def on_stage_start(self, event: Any) -> None:
        """A stage began."""
        self.heard.append(("start", event.stage_id))

    def on_write(self, event: Any) -> None:
        """A key was written."""
        self.heard.append((event.key, event.value))

    def on_emit(self, event: Any) -> None:
        """The application said something."""
        self.heard.append((event.name, event.payload))


def one(scope: Any) -> None:
    """Write one key, say one thing."""
    scope.a = 1
    ops(scope).emit("said.a", {"a": 1})


def chart_of(*stages: Any) -> FlowChart:
    """Stages in a line, `s0`, `s1`, ..."""
    builder = flow_chart("S0", stages[0], "s0")
    for index, stage in enumerate(stages[1:], 1):
        builder.add_function(f"S{index}", stage, f"s{index}")
    return builder.build()


# ── recorders ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_attaching_twice_by_one_id_is_attaching_once() -> None:
    """The last one hears, the first no more."""
    executor = FlowChartExecutor(chart_of(one))
    first, second = Ear(), Ear()
    executor.attach_combined_recorder(first)
    executor.attach_combined_recorder(second)
    executor.run()
    assert first.heard == []
    assert second.heard == [("start", "s0"), ("a", 1), ("said.a", {"a": 1})]


def test_a_recorder_that_hears_emits_on_two_channels_hears_each_once() -> None:
    """Scope recorders hear emits too; the same recorder as emit recorder is not told twice."""
    executor, ear = FlowChartExecutor(chart_of(one)), Ear()
    executor.attach_scope_recorder(ear)
    executor.attach_emit_recorder(ear)
    executor.run()
    assert [name for name, _ in ear.heard].count("said.a") == 1


def test_a_detached_recorder_hears_nothing_more() -> None:
    """And an unknown id is nobody."""
    executor, ear = FlowChartExecutor(chart_of(one)), Ear()
    executor.attach_combined_recorder(ear)
    executor.detach_combined_recorder("nobody")
    executor.detach_combined_recorder("ear")
    executor.run()
    assert ear.heard == []


def test_a_recorder_that_fails_changes_nothing_and_is_counted() -> None:
    """Neither the run nor what others hear."""

    class Broken(Ear):
        def on_write(self, event: Any) -> None:
            raise ValueError(event.key)

    executor, ear = FlowChartExecutor(chart_of(one)), Ear()
    executor.attach_combined_recorder(Broken("broken"))
    executor.attach_combined_recorder(ear)
    executor.run()
    assert ("a", 1) in ear.heard
    assert executor.recorder_failures == {"broken": 1}


@pytest.mark.parametrize("recorder", [object(), type("NoHooks", (), {"id": "x"})(), type("NoId", (), {"id": 3})()])
def test_what_is_no_recorder_is_refused(recorder: Any) -> None:
    """When it is attached, not in the middle of a run."""
    with pytest.raises(TypeError, match=r"`id`|has none of the hooks"):
        FlowChartExecutor(chart_of(one)).attach_scope_recorder(recorder)


def test_a_late_recorder_hears_from_a_replay_what_a_present_one_heard() -> None:
    """After the trace's way through bytes."""
    executor, live, late = FlowChartExecutor(chart_of(one)), Ear(), Ear()
    executor.attach_combined_recorder(live)
    executor.run()
    replay(decode_trace(executor.get_trace().encoded), late)
    assert late.heard == live.heard != []


# ── running ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_result_is_what_the_last_stage_returned() -> None:
    """Whatever it is."""
    answer = {"any": ["thing"]}
    assert FlowChartExecutor(chart_of(one, lambda _: answer)).run() is answer


def test_a_stage_error_reaches_the_caller_unchanged_and_its_writes_stay_on_record() -> None:
    """The same object; the trace says failed."""
    fault = LookupError("no such rate")

    def fails(scope: Any) -> None:
        scope.seen = True
        raise fault

    executor = FlowChartExecutor(chart_of(one, fails))
    with pytest.raises(LookupError) as caught:
        executor.run()
    assert caught.value is fault
    trace = executor.get_trace()
    assert (trace.status, trace.error and trace.error["message"]) == ("failed", "no such rate")
    assert trace.final_state() == {"a": 1, "seen": True}


def test_a_run_within_a_run_is_refused_and_the_first_goes_on() -> None:
    """One executor runs one thing at a time."""
    refusals: list[str] = []

    def again(scope: Any) -> None:
        with pytest.raises(RunError, match="running already"):
            executor.run()
        refusals.append("once")
        scope.done = True

    executor = FlowChartExecutor(chart_of(again))
    executor.run()
    executor.run()
    assert refusals == ["once", "once"]


def test_input_is_read_only_in_state() -> None:
    """The error names the key."""

    def overwrites(scope: Any) -> None:
        scope.amount = 2

    with pytest.raises(StateError, match='readonly input key "amount"'):
        FlowChartExecutor(chart_of(overwrites)).run(input={"amount": 1})


def test_a_contract_names_every_problem_and_no_stage_runs() -> None:
    """Before anything is recorded."""
    ran: list[int] = []
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "s": {"type": "string"}},
        "required": ["n", "s"],
    }
    chart = flow_chart("A", lambda _: ran.append(1), "a").contract(input=schema).build()
    with pytest.raises(InputValidationError) as caught:
        FlowChartExecutor(chart).run(input={"n": "x"})
    assert len(caught.value.issues) == 2
    assert ran == []


def test_stages_may_be_coroutines_anywhere() -> None:
    """From plain code by `run`, from a running loop by `arun`; the journal is the same."""

    async def waits(scope: Any) -> int:
        await asyncio.sleep(0)
        scope.b = (scope.a or 0) + 1
        return scope.b

    chart = chart_of(one, waits, lambda scope: scope.b)
    plain, looped = FlowChartExecutor(chart), FlowChartExecutor(chart)
    assert plain.run() == asyncio.run(looped.arun()) == 2
    strip = [executor.get_trace().snapshot for executor in (plain, looped)]
    assert strip[0]["sharedState"] == strip[1]["sharedState"]
    assert [entry.text for entry in plain.get_narrative_entries()] == [
        entry.text for entry in looped.get_narrative_entries()
    ]


def test_a_loop_ends_at_its_limit_and_says_which() -> None:
    """The default would be 1,000."""
    chart = flow_chart("A", lambda scope: ops(scope).set("n", (scope.n or 0) + 1), "a").loop_to("a").build()
    executor = FlowChartExecutor(chart)
    with pytest.raises(RunError, match="5"):
        executor.run(max_iterations=5)
    assert executor.get_trace().status == "failed"


@pytest.mark.parametrize("given", [5, "text", [1, 2], True, [["a", 1]]])
def test_an_input_that_names_nothing_is_refused(given: Any) -> None:
    """The reference runs on, with an input that its stages can't see, or see in pieces; here it is said at once."""
    executor = FlowChartExecutor(chart_of(one))
    with pytest.raises(RunError, match="a run's input is a mapping of names to values, not"):
        executor.run(input=given)


def test_a_word_that_names_no_mode_is_refused() -> None:
    """The reference records nothing more for it, and says nothing."""
    with pytest.raises(RunError, match="write_provenance is one of off, reads-prefix, not True"):
        FlowChartExecutor(chart_of(one), write_provenance=True)  # type: ignore[arg-type]


def test_a_timeout_ends_the_run_between_stages() -> None:
    """With virtual time: the second stage finds itself late."""
    now = [0]

    def slow(_: Any) -> None:
        now[0] += 50_000_000

    executor = FlowChartExecutor(chart_of(slow, one), clock=lambda: now[0])
    with pytest.raises(RunError, match=r"(?i)time"):
        executor.run(timeout_ms=20)
    assert executor.get_trace().final_state() == {}


@pytest.mark.parametrize(("limit", "said"), [(-5, "-5"), (-0.5, "-0.5")])
def test_a_timeout_below_zero_is_one_millisecond(limit: float, said: str) -> None:
    """As of a timer in JavaScript: what runs within it runs, and the message names what was asked for."""
    now = [0]
    ran: list[str] = []

    def quick(_: Any) -> None:
        ran.append("quick")
        now[0] += 900_000

    def slow(_: Any) -> None:
        ran.append("slow")
        now[0] += 200_000

    executor = FlowChartExecutor(chart_of(quick, slow, quick), clock=lambda: now[0])
    with pytest.raises(RunError, match=f"timed out after {re.escape(said)}ms"):
        executor.run(timeout_ms=limit)
    assert ran == ["quick", "slow"]


def test_an_aborted_signal_ends_the_run_with_its_reason() -> None:
    """An error as reason is raised as it is."""
    reason = PermissionError("stop it")
    signal = type("Signal", (), {"aborted": False, "reason": reason})()
    executor = FlowChartExecutor(chart_of(lambda _: setattr(signal, "aborted", True), one))
    with pytest.raises(PermissionError) as caught:
        executor.run(signal=signal)
    assert caught.value is reason


@pytest.mark.parametrize("fresh", [False, True])
def test_an_aborted_signal_ends_a_resumed_run_with_its_reason(fresh: bool) -> None:
    """A resume can be stopped between stages as a run can."""
    signal = type("Signal", (), {"aborted": False, "reason": "enough"})()
    reached: list[str] = []

    def ask(scope: Any) -> None:
        scope.answer = interrupt(scope, "go on?")
        signal.aborted = True

    chart = flow_chart("Ask", ask, "ask").add_function("After", lambda _: reached.append("after"), "after").build()
    executor = FlowChartExecutor(chart)
    executor.run()
    checkpoint = executor.get_checkpoint()
    assert checkpoint is not None
    executor = FlowChartExecutor(chart) if fresh else executor
    with pytest.raises(RunError, match="enough"):
        executor.resume(checkpoint, "yes", signal=signal)
    assert reached == []
    assert executor.get_trace().status == "failed"


# ── pausing ────────────────────────────────────────────────────────────────────────────────────────────────────────
def asking_chart() -> FlowChart:
    """A decider whose branch asks somebody, and a stage after it."""

    def ask(scope: Any) -> None:
        scope.before = True
        scope.answer = interrupt(scope, {"question": "really?"})

    return (
        flow_chart("A", one, "a")
        .add_decider_function(
            "D", lambda scope: decide(scope, [{"when": {"a": {"eq": 1}}, "then": "ask"}], "skip"), "d"
        )
        .add_function_branch("ask", "Ask", ask)
        .add_function_branch("skip", "Skip", lambda _: None)
        .end()
        .add_function("Z", lambda scope: f"answered {scope.answer}", "z")
        .build()
    )


@pytest.mark.parametrize("fresh", [False, True], ids=["same executor", "fresh executor"])
def test_an_interrupted_branch_goes_on_after_a_resume_with_what_follows_its_decider(fresh: bool) -> None:
    """Also elsewhere, after the checkpoint's way through JSON."""
    executor = FlowChartExecutor(asking_chart())
    assert executor.run() is None
    assert executor.is_paused()
    checkpoint = json.loads(json.dumps(executor.get_checkpoint()))
    assert checkpoint["pauseData"] == {"question": "really?"}
    second = FlowChartExecutor(asking_chart()) if fresh else executor
    assert second.resume(checkpoint, "yes") == "answered yes"
    assert not second.is_paused()
    assert second.get_trace().final_state() == {"a": 1, "before": True, "answer": "yes"}


def test_a_pausable_stage_gets_the_answer_in_its_second_half() -> None:
    """Its first half's data is in the checkpoint."""
    halves = Pausable(
        execute=lambda _: {"need": "a signature"}, resume=lambda scope, given: setattr(scope, "got", given)
    )
    chart = (
        flow_chart("A", one, "a")
        .add_pausable_function("P", halves, "p")
        .add_function("Z", lambda s: s.got, "z")
        .build()
    )
    executor = FlowChartExecutor(chart)
    executor.run()
    checkpoint = executor.get_checkpoint()
    assert checkpoint is not None
    assert checkpoint["pauseData"] == {"need": "a signature"}
    assert executor.resume(checkpoint, [1, 2]) == [1, 2]


def test_a_checkpoint_keeps_types_and_forgets_what_is_absent() -> None:
    """What JSON has no word for comes back as it was written; an absent member does not, and an absent item is None."""
    due = date(2026, 5, 24)
    seen: list[Any] = []

    def begin(scope: Any) -> None:
        scope.order = {"due": due, "gone": ABSENT, "items": [ABSENT, Decimal("1.50")], "score": math.nan}

    def look(scope: Any, _given: Any) -> None:
        seen.append(scope["order"].copy())

    chart = (
        flow_chart("A", begin, "a")
        .add_pausable_function("P", Pausable(execute=lambda _: {"why": 1}, resume=look), "p")
        .build()
    )
    executor = FlowChartExecutor(chart)
    executor.run()
    FlowChartExecutor(chart).resume(json.loads(json.dumps(executor.get_checkpoint())), None)
    (order,) = seen
    assert math.isnan(order.pop("score"))
    assert order == {"due": due, "items": [None, Decimal("1.50")]}


@pytest.mark.parametrize("checkpoint", [{}, {"pausedStageId": "p"}, [], {"pausedStageId": "p", "executionCount": "x"}])
def test_what_is_no_checkpoint_is_refused(checkpoint: Any) -> None:
    """By an error that says what to give."""
    with pytest.raises(RunError, match="not a checkpoint"):
        FlowChartExecutor(asking_chart()).resume(checkpoint)


def test_a_checkpoint_of_another_chart_is_refused() -> None:
    """The stage it names is not there."""
    executor = FlowChartExecutor(asking_chart())
    executor.run()
    checkpoint = executor.get_checkpoint()
    assert checkpoint is not None
    with pytest.raises(RunError, match="ask"):
        FlowChartExecutor(chart_of(one)).resume(checkpoint)


@pytest.mark.parametrize("fresh", [False, True], ids=["same executor", "another"])
def test_of_two_default_branches_the_one_that_paused_goes_on(fresh: bool) -> None:
    """Both have the same id; who took the branch is in the checkpoint."""

    def pausable(key: str) -> Pausable[Any]:
        return Pausable(lambda scope: {"ask": key}, lambda scope, answer: scope.__setitem__(key, answer))

    builder = flow_chart("Begin", lambda scope: None, "begin")
    for key in ("first", "second"):
        builder = (
            builder.add_decider_function(f"Choose {key}", lambda scope: "none", f"choose-{key}")
            .add_pausable_function_branch(key, key, pausable(key))
            .set_default(key)
            .end()
            .add_function(f"After {key}", lambda scope: None, f"after-{key}")
        )
    executor = FlowChartExecutor(builder.build())
    executor.run()
    for answer in (1, 2):
        checkpoint = executor.get_checkpoint()
        assert checkpoint is not None
        if fresh:
            executor = FlowChartExecutor(executor.chart)
        executor.resume(json.loads(json.dumps(checkpoint)) if fresh else checkpoint, answer)
    assert executor.get_snapshot()["sharedState"] == {"first": 1, "second": 2}


def test_a_stage_that_did_not_pause_can_not_go_on() -> None:
    """By a checkpoint that names it all the same, as of a chart that has changed since."""
    asks = Pausable(lambda scope: {"ask": 1}, lambda scope, answer: None)
    executor = FlowChartExecutor(flow_chart("Ask", asks, "ask").build())
    executor.run()
    checkpoint = executor.get_checkpoint()
    assert checkpoint is not None
    with pytest.raises(RunError, match=r"stage 'One' \(ask\) has no resumeFn"):
        FlowChartExecutor(flow_chart("One", one, "ask").build()).resume(checkpoint)


def test_a_retry_goes_by_waits_that_are_times_and_a_question_that_is_answered() -> None:
    """What is no finite time to come waits not at all; a `retry_on` that raises makes the stage's own error final."""
    tried: list[int] = []

    def fails(scope: Any) -> None:
        tried.append(1)
        raise ValueError("mine")

    def asked(error: BaseException) -> bool:
        raise KeyError("theirs")

    for policy, tries in ((RetryPolicy(4, [-1, math.nan, math.inf]), 4), (RetryPolicy(4, retry_on=asked), 1)):
        tried.clear()
        with pytest.raises(ValueError, match="mine"):
            FlowChartExecutor(flow_chart("Fail", fails, "fail", retry=policy).build()).run()
        assert len(tried) == tries


def test_what_is_absent_may_be_said_and_the_trace_travels() -> None:
    """An absent reason is none; an absent token is a token."""

    def says(scope: Any) -> None:
        ops(scope).token(ABSENT)
        ops(scope).break_flow(ABSENT)
        ops(scope).break_flow("enough")

    def leaves(scope: Any) -> None:
        ops(scope).break_flow(ABSENT)

    inner = flow_chart("Leave", leaves, "leave").build()
    builder = flow_chart("Begin", lambda scope: None, "begin").add_sub_flow_chart_next("in", inner)
    executor = FlowChartExecutor(builder.add_streaming_function("Say", says, "say").build())
    executor.run()
    trace = decode_trace(executor.get_trace().encoded)
    assert [event.reason for name, event in trace.events() if name == "on_break"] == [UNSET, "enough"]


def test_an_absent_item_is_told_as_such_and_is_no_state() -> None:
    """It is part of what the item's chart was given."""
    item = flow_chart("Look", lambda scope: ops(scope).get("item", "none"), "look").build()
    builder = flow_chart("Begin", lambda scope: None, "begin")
    builder.add_parallel_for_each(
        "Each", "each", items=lambda _: [ABSENT, 1], branch=lambda: item, max_branches=2, into="each"
    )
    executor = FlowChartExecutor(builder.build())
    executor.enable_narrative()
    assert executor.run() == ["none", 1]
    told = [line for line in decode_trace(executor.get_trace().encoded).narrative_lines() if "Input" in line]
    assert [line.strip() for line in told] == [
        "Input: item = undefined",
        "Input: index = 0",
        "Input: item = 1",
        "Input: index = 1",
    ]


# ── many at once ───────────────────────────────────────────────────────────────────────────────────────────────────
def counting(scope: Any) -> None:
    """Count the input up, in a loop of stages."""
    scope.n = (scope.n or ops(scope).args["from"]) + 1


def test_one_chart_runs_in_many_threads() -> None:
    """Each run has a state of its own."""
    chart = chart_of(*[counting] * 50)
    results: dict[int, Any] = {}

    def work(begin: int) -> None:
        executor = FlowChartExecutor(chart)
        for _ in range(20):
            executor.run(input={"from": begin})
        results[begin] = executor.get_trace().final_state()["n"]

    threads = [threading.Thread(target=work, args=(begin,)) for begin in range(0, 800, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {begin: begin + 50 for begin in range(0, 800, 100)}


def test_one_chart_runs_many_times_in_one_event_loop() -> None:
    """Interleaved at every await."""

    async def step(scope: Any) -> None:
        before = scope.n or ops(scope).args["from"]
        await asyncio.sleep(0)
        scope.n = before + 1

    chart = chart_of(*[step] * 10)

    async def run(begin: int) -> Any:
        executor = FlowChartExecutor(chart)
        await executor.arun(input={"from": begin})
        return executor.get_trace().final_state()["n"]

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(run(begin) for begin in range(0, 2000, 100)))

    assert asyncio.run(all_of_them()) == [begin + 10 for begin in range(0, 2000, 100)]


# ── what a stage may write ─────────────────────────────────────────────────────────────────────────────────────────
def cycle() -> Any:
    """A list in itself."""
    box: list[Any] = [1]
    box.append(box)
    return box


def deep(levels: int) -> Any:
    """Lists in lists."""
    box: Any = "bottom"
    for _ in range(levels):
        box = [box]
    return box


@pytest.mark.parametrize(
    "value",
    [
        float("nan"), float("inf"), -0.0, 2**200, "\ud800", "\ufffe\x00\x1f", b"\xff", {1: 2}, {(1, 2): 3}, {1, 2}, object(),
        len, deep(5_000), cycle(), "x" * 5_000_000, 1j, iter([1]), {"a": {"\udfff": float("-inf")}},
    ],
    ids=lambda value: f"{type(value).__name__}",
)  # fmt: skip
def test_whatever_a_stage_writes_it_reads_back_and_the_trace_travels(value: Any) -> None:
    """Recording never raises, and a recorded form is always JSON in UTF-8."""

    def writes(scope: Any) -> None:
        scope.value = value

    executor = FlowChartExecutor(chart_of(writes, lambda scope: scope.value))
    executor.enable_narrative()
    got = executor.run()
    assert type(got) is type(value) or isinstance(got, type(value))
    trace = decode_trace(executor.get_trace().encoded)
    json.loads(trace.encoded.decode("utf-8"))
    assert list(trace.final_state()) == ["value"]
    assert len(trace.narrative) > 2


@pytest.mark.parametrize("length", [3_000, 20_000])
def test_long_lines_cost_no_stack(length: int) -> None:
    """Run, encode, decode, replay, tell, export."""
    chart = chart_of(*[counting] * length)
    executor = FlowChartExecutor(chart)
    executor.enable_narrative()
    executor.run(input={"from": 1})
    trace = decode_trace(executor.get_trace().encoded)
    assert trace.final_state() == {"n": length + 1}
    assert len(trace.narrative) == 3 * length


@pytest.mark.parametrize("order", [("fails", "asks"), ("asks", "fails"), ("runs", "fails", "asks")])
def test_the_first_child_that_fails_or_pauses_ends_a_fail_fast_fork(order: tuple[str, ...]) -> None:
    """In the order of the children, as in footprintjs: a pause does not overtake a failure."""

    def fails(_: Any) -> None:
        message = "boom"
        raise RuntimeError(message)

    def asks(scope: Any) -> None:
        interrupt(scope, "sure?")

    def runs(_: Any) -> None:
        """Nothing stops it."""

    stages = {"fails": fails, "asks": asks, "runs": runs}
    children = [Child(name, name, stages[name]) for name in order]
    chart = flow_chart("Start", runs, "start").add_list_of_function(children, fail_fast=True).build()
    executor = FlowChartExecutor(chart)
    if order.index("fails") < order.index("asks"):
        with pytest.raises(RuntimeError, match="boom"):
            executor.run()
    else:
        executor.run()
        assert executor.is_paused()


@pytest.mark.parametrize(("first", "told"), [("", "kid"), ("Look", "Look")])
def test_a_returned_chart_is_registered_by_the_name_of_its_first_stage(first: str, told: str) -> None:
    """Or by its id, as in the reference, where that has none."""
    inner = flow_chart(first, lambda scope: None, "look").build()
    fan = StageNode("fan", "Fan", children=[DynamicSubflow("kid", "Kid", inner)])
    executor = FlowChartExecutor(flow_chart("A", lambda scope: fan, "a").build())
    heard: list[str] = []
    listener = type("Listener", (), {"id": "l", "on_subflow_registered": lambda self, event: heard.append(event.name)})
    executor.attach_flow_recorder(listener())
    executor.run()
    assert heard == [told]


def test_a_pause_whose_data_hold_a_function_ends_the_run() -> None:
    """No checkpoint can keep it: better told now than when somebody answers."""
    nowhere = StageNode("n", "N", next=StageNode("m", "M", lambda scope: None))
    halves = Pausable(lambda scope: nowhere, lambda scope, answer: None)
    chart = flow_chart("S", lambda scope: None, "s").add_pausable_function("P", halves, "p").build()
    executor = FlowChartExecutor(chart)
    with pytest.raises(RunError, match="cannot build the pause checkpoint"):
        executor.run()
    assert not executor.is_paused()


@pytest.mark.parametrize("breaks", [False, True])
@pytest.mark.parametrize(
    ("ask", "shown"),
    [(lambda s, r: decide(s, r, "small"), {"branch": "big"}), (select, {"branches": ["big"]})],
    ids=["decide", "select"],
)
def test_an_answer_to_rules_that_decides_nothing_is_a_value(ask: Any, shown: dict[str, Any], breaks: bool) -> None:
    """A stage that is no decider may ask rules, too: what it returns is shown as JSON, wherever its line ends."""

    def stage(scope: Any) -> Any:
        if breaks:
            ops(scope).break_flow()
        return ask(scope, [{"when": {"n": {"gt": 1}}, "then": "big"}])

    executor = FlowChartExecutor(flow_chart("Ask", stage, "ask").build(), initial_context={"n": 2})
    result = executor.run()
    assert result["evidence"]["rules"][0]["matched"] is True
    assert {name: part for name, part in result.items() if name != "evidence"} == shown
    assert decode_trace(executor.get_trace().encoded).result == result


# ── what a run is given ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("given", [[], 0, "", False, (), set(), b"", [("a", 1)], ["ab"], 5, "text"])
def test_an_input_that_is_no_mapping_is_refused_by_name(given: Any) -> None:
    """An empty list would come to no input without a word; the executor is free for the next run."""
    executor = FlowChartExecutor(flow_chart("A", lambda scope: dict(ops(scope).args), "a").build())
    with pytest.raises(
        RunError, match=rf"mapping of names to values, not {re.escape(repr(given))} \({type(given).__name__}\)"
    ):
        executor.run(input=given)
    assert executor.run(input={"a": 1}) == {"a": 1}


def test_keys_of_what_a_run_is_given_are_texts() -> None:
    """No stage could reach another, and a policy could not find what to hide beside it."""
    chart = flow_chart("A", lambda scope: None, "a").build()
    with pytest.raises(RunError, match=r"a run's input .* 1 \(int\) is no name"):
        FlowChartExecutor(chart).run(input={1: 2, "a": 1})  # type: ignore[dict-item]
    with pytest.raises(RunError, match=r"the state to begin with .* None \(NoneType\) is no name"):
        FlowChartExecutor(chart, initial_context={None: 1})  # type: ignore[dict-item]


@pytest.mark.parametrize("nothing", [ABSENT, UNSET])
def test_a_state_may_begin_with_members_of_nothing(nothing: Any) -> None:
    """They name nothing, and the trace of such a run is not lost."""
    executor = FlowChartExecutor(
        flow_chart("A", lambda scope: list(scope), "a").build(), initial_context={"a": nothing, "b": 1}
    )
    assert executor.run() == ["b"]
    assert decode_trace(executor.get_trace().encoded).snapshot["sharedState"] == {"b": 1}


def test_writing_what_msgspec_calls_unset_is_writing_nothing() -> None:
    """In any way of writing; JSON has no word for it, and the trace of such a run is not lost."""

    def write(scope: Any) -> None:
        scope.a = UNSET
        ops(scope).set("b", UNSET, description="nothing")
        ops(scope).update("c", UNSET)
        scope.d = {"e": UNSET}

    executor = FlowChartExecutor(flow_chart("A", write, "a").build())
    executor.run()
    written = executor.get_snapshot()["sharedState"]
    assert written == {"d": {"e": {"$footpath": "absent"}}}
    assert decode_trace(executor.get_trace().encoded).snapshot["sharedState"] == written
