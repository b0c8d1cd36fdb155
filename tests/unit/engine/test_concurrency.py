"""Who may use an executor when, and what is left of a run that is stopped from outside."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from footpath import (
    Child,
    FlowChart,
    FlowChartExecutor,
    Pausable,
    RetryPolicy,
    Trace,
    decode_trace,
    flow_chart,
    ops,
    replay,
)
from footpath.errors import RunError, StateError


def chart_of(*functions: Callable[[Any], Any]) -> FlowChart:
    """A line of stages."""
    builder = flow_chart("S0", functions[0], "s0")
    for number, function in enumerate(functions[1:], 1):
        builder.add_function(f"S{number}", function, f"s{number}")
    return builder.build()


def read_back(executor: FlowChartExecutor) -> Trace:
    """The trace, through its bytes, with every view made once."""
    trace = decode_trace(executor.get_trace().encoded)
    replay(trace, Errors())
    assert trace.snapshot == executor.get_snapshot()
    return trace


class Errors:
    """Hears which stages failed."""

    id = "errors"

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def on_error(self, event: Any) -> None:
        if hasattr(event, "stage_name"):
            self.heard.append((event.stage_name, type(event).__name__))


# ── one run at a time ──────────────────────────────────────────────────────────────────────────────────────────────
def refuses(act: Callable[[], Any]) -> bool:
    """Does it say that the executor is busy?"""
    with pytest.raises(RunError, match="running already; use an executor for each run"):
        act()
    return True


def test_a_stage_a_recorder_and_another_thread_can_not_run_it_again() -> None:
    """And the run goes on as if nobody had asked."""
    executor: FlowChartExecutor
    refused: list[str] = []

    def again(who: str) -> None:
        if refuses(executor.run) and refuses(lambda: executor.resume({})):
            refused.append(who)

    def stage(scope: Any) -> None:
        again("stage")
        thread = threading.Thread(target=again, args=("thread",))
        thread.start()
        thread.join()
        scope.x = 1

    class Calling:
        id = "calling"

        def on_write(self, event: Any) -> None:
            again("recorder")

    executor = FlowChartExecutor(chart_of(stage))
    executor.attach_combined_recorder(Calling())
    executor.run()
    assert refused == ["stage", "thread", "recorder"]
    assert executor.recorder_failures == {}
    assert read_back(executor).snapshot["sharedState"] == {"x": 1}


def test_of_many_threads_that_begin_at_once_one_runs() -> None:
    """The others are told; nothing of two runs is mixed."""
    gate = threading.Barrier(8)
    go_on = threading.Event()
    outcomes: list[str] = []

    def stage(scope: Any) -> None:
        scope.x = 1
        go_on.wait(10)

    executor = FlowChartExecutor(chart_of(stage))

    def work() -> None:
        gate.wait()
        try:
            executor.run()
            outcomes.append("ran")
        except RunError:
            outcomes.append("refused")
            if outcomes.count("refused") == 7:
                go_on.set()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ran"] + ["refused"] * 7
    assert read_back(executor).snapshot["sharedState"] == {"x": 1}


def test_two_tasks_can_not_run_one_executor() -> None:
    """The second is told while the first one waits."""

    async def stage(scope: Any) -> str:
        await asyncio.sleep(0)
        return "done"

    async def both() -> list[Any]:
        executor = FlowChartExecutor(chart_of(stage))
        return await asyncio.gather(executor.arun(), executor.arun(), return_exceptions=True)

    first, second = asyncio.run(both())
    assert first == "done"
    assert isinstance(second, RunError)


@pytest.mark.parametrize("arguments", [{"max_depth": 0}, {"input": 5}], ids=["limit", "input"])
def test_a_run_that_never_began_leaves_the_executor_free(arguments: dict[str, Any]) -> None:
    """Bad arguments are refused, and the next run is not."""
    executor = FlowChartExecutor(chart_of(lambda scope: "ran"))
    with pytest.raises(RunError):
        executor.run(**arguments)
    with pytest.raises(RunError):
        executor.resume({})
    assert executor.run() == "ran"


# ── event loops ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_run_in_a_running_event_loop_runs_plain_stages_and_refuses_to_wait() -> None:
    """It would block the loop; what it says names the way out, and the trace the stage."""

    async def waits(scope: Any) -> None:
        await asyncio.sleep(0)

    async def within() -> None:
        assert FlowChartExecutor(chart_of(lambda scope: 5)).run() == 5
        executor = FlowChartExecutor(chart_of(lambda scope: setattr(scope, "x", 1), waits))
        with pytest.raises(RuntimeError, match=r"use `await executor\.arun\(\.\.\.\)`"):
            executor.run()
        trace = read_back(executor)
        assert trace.document.status == "failed"
        assert trace.document.error is not None
        assert trace.document.error.stage_id == "s1"
        assert trace.snapshot["sharedState"] == {"x": 1}

    asyncio.run(within())


def test_a_plain_function_may_give_an_awaitable() -> None:
    """A coroutine, a future, or an object of its own."""

    class Own:
        def __await__(self) -> Any:
            yield from asyncio.sleep(0).__await__()
            return "own"

    async def coroutine(scope: Any) -> str:
        scope.x = 1
        return "coroutine"

    async def within() -> list[Any]:
        future = asyncio.get_running_loop().create_future()
        future.set_result("future")
        made = [lambda scope: coroutine(scope), lambda scope: future, lambda scope: Own()]
        return [await FlowChartExecutor(chart_of(function)).arun() for function in made]

    assert asyncio.run(within()) == ["coroutine", "future", "own"]
    assert FlowChartExecutor(chart_of(lambda scope: coroutine(scope))).run() == "coroutine"


def test_stages_see_the_callers_context() -> None:
    """Variables of the caller's context, in plain stages, in async ones, in parallel children and by either way to run."""
    who = contextvars.ContextVar("who", default="nobody")
    seen: list[str] = []

    def plain(scope: Any) -> None:
        seen.append(who.get())

    async def waits(scope: Any) -> None:
        await asyncio.sleep(0)
        seen.append(who.get())

    chart = (
        flow_chart("A", plain, "a")
        .add_function("B", waits, "b")
        .add_list_of_function([Child("c", "C", waits), Child("d", "D", plain)])
        .build()
    )
    token = who.set("caller")
    FlowChartExecutor(chart).run()
    asyncio.run(FlowChartExecutor(chart).arun())
    who.reset(token)
    assert seen == ["caller"] * 8


# ── stopped from outside ───────────────────────────────────────────────────────────────────────────────────────────
def cancelled(chart: FlowChart, waiting: asyncio.Event | None = None) -> tuple[FlowChartExecutor, list[Any]]:
    """Cancel a run once it waits; gives the executor, and the tasks that are left."""

    async def within() -> tuple[FlowChartExecutor, list[Any]]:
        executor = FlowChartExecutor(chart)
        task = asyncio.create_task(executor.arun())
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        return executor, [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]

    return asyncio.run(within())


async def forever(scope: Any) -> None:
    """Writes, waits, and cleans up."""
    scope.began = True
    try:
        await asyncio.Event().wait()
    finally:
        scope.cleaned_up = True


def in_subflow() -> FlowChart:
    inner = flow_chart("Inner", forever, "inner").build()
    return flow_chart("A", lambda scope: None, "a").add_sub_flow_chart_next("sub", inner, "Sub").build()


def for_each() -> FlowChart:
    item = flow_chart("Item", forever, "item").build()
    return (
        flow_chart("A", lambda scope: None, "a")
        .add_parallel_for_each(
            "Each", "each", items=lambda scope: [1, 2], branch=lambda item_, index: item, max_branches=5, into="all"
        )
        .build()
    )


def forked(**more: Any) -> FlowChart:
    children = [
        Child("c", "C", forever),
        Child("d", "D", lambda scope: setattr(scope, "x", 1)),
        Child("e", "E", forever),
    ]
    return flow_chart("A", lambda scope: None, "a").add_list_of_function(children, **more).build()


def retrying() -> FlowChart:
    def fails(scope: Any) -> None:
        scope.x = 1
        raise ValueError("not yet")

    return flow_chart("A", fails, "a", retry=RetryPolicy(3, 1_000_000)).build()


WAITING: dict[str, tuple[Callable[[], FlowChart], str]] = {
    "a stage": (lambda: chart_of(forever), "s0"),
    "a stage with retries": (lambda: flow_chart("A", forever, "a", retry=RetryPolicy(3)).build(), "a"),
    "a subflow": (in_subflow, "sub/inner"),
    "a fork": (forked, "c"),
    "a fork that fails fast": (lambda: forked(fail_fast=True), "c"),
    "a for-each": (for_each, "each~0/item"),
    "a pause between attempts": (retrying, "a"),
}


@pytest.mark.parametrize("name", WAITING)
def test_a_cancelled_run_leaves_a_whole_trace(name: str) -> None:
    """Stages clean up, what they wrote is on record, the stage is named, no task is left, and the executor is free."""
    make, stage_id = WAITING[name]
    chart = make()
    executor, left = cancelled(chart)
    assert left == []
    trace = read_back(executor)
    assert trace.document.status == "failed"
    assert trace.document.error is not None
    assert trace.document.error.type == "CancelledError"
    assert trace.document.error.stage_id == stage_id
    if make is not retrying:
        assert trace.encoded.count(b'"cleaned_up"') >= (2 if "fork" in name or "each" in name else 1)
    with pytest.raises(RunError, match="checkpoint"):
        executor.resume({})  # refused for what it is, not because the executor is busy


def test_a_stage_that_swallows_its_cancellation_goes_on() -> None:
    """As any coroutine would."""

    async def stubborn(scope: Any) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            scope.heard = True

    async def within() -> Any:
        executor = FlowChartExecutor(chart_of(stubborn, lambda scope: scope.heard))
        task = asyncio.create_task(executor.arun())
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        return await task

    assert asyncio.run(within()) is True


def test_a_stage_whose_own_task_was_cancelled_fails_alone() -> None:
    """The run was not cancelled, so its caller gets the stage's error."""

    async def stage(scope: Any) -> None:
        task = asyncio.ensure_future(asyncio.sleep(100))
        task.cancel()
        await task

    executor = FlowChartExecutor(chart_of(stage))
    with pytest.raises(asyncio.CancelledError):
        executor.run()
    trace = read_back(executor)
    assert trace.document.error is not None
    assert (trace.document.error.type, trace.document.error.stage_id) == ("CancelledError", "s0")


def test_an_arun_that_is_dropped_ends_its_run() -> None:
    """A coroutine that is closed half-way: the trace says so."""

    async def within() -> FlowChartExecutor:
        executor = FlowChartExecutor(chart_of(forever))
        running = executor.arun()
        running.send(None)
        running.close()
        return executor

    executor = asyncio.run(within())
    trace = read_back(executor)
    assert trace.document.status == "failed"
    assert trace.document.error is not None
    assert trace.document.error.type == "GeneratorExit"


STOPS = (KeyboardInterrupt, SystemExit)


def raising(kind: type[BaseException], how: str) -> Callable[[Any], Any]:
    """A stage that is stopped in its middle."""

    def plain(scope: Any) -> None:
        scope.before = 1
        raise kind("stop")

    async def waits(scope: Any) -> None:
        scope.before = 1
        await asyncio.sleep(0)
        raise kind("stop")

    return plain if how == "plain" else waits


@pytest.mark.parametrize("kind", STOPS)
@pytest.mark.parametrize("how", ["plain", "waits"])
@pytest.mark.parametrize("where", ["line", "fork", "subflow", "retry"])
def test_what_stops_the_program_stops_the_run_at_once(kind: type[BaseException], how: str, where: str) -> None:
    """It is not retried, siblings do not begin, the caller gets it unchanged; and the trace has the stage and its writes."""
    ran: list[str] = []
    function = raising(kind, how)
    begin = flow_chart("A", lambda scope: None, "a")
    stage_id = "b"
    if where == "line":
        chart = begin.add_function("B", function, "b").add_function("C", lambda scope: ran.append("c"), "c").build()
    elif where == "fork":
        children = [Child("b", "B", function), *(Child(f"c{n}", "C", lambda scope: ran.append("c")) for n in range(20))]
        chart = begin.add_list_of_function(children).build()
    elif where == "retry":
        chart = begin.add_function("B", function, "b").retry(RetryPolicy(5)).build()
    else:
        stage_id = "sub/b"
        chart = begin.add_sub_flow_chart_next("sub", flow_chart("B", function, "b").build(), "Sub").build()
    executor = FlowChartExecutor(chart)
    errors = Errors()
    executor.attach_combined_recorder(errors)
    with pytest.raises(kind, match="stop") as raised:
        executor.run()
    assert type(raised.value) is kind
    assert how == "waits" or ran == []
    trace = read_back(executor)
    assert trace.document.error is not None
    assert (trace.document.error.type, trace.document.error.message, trace.document.error.stage_id) == (
        kind.__name__,
        "stop",
        stage_id,
    )
    assert trace.encoded.count(b'["before",1]') == 1
    assert errors.heard


def test_an_interrupt_from_the_keyboard_reaches_the_caller_of_an_async_chart(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """From a parallel child too, and asyncio has nothing to complain of."""
    children = [Child("b", "B", raising(KeyboardInterrupt, "waits")), Child("c", "C", forever)]
    chart = flow_chart("A", lambda scope: None, "a").add_list_of_function(children).build()
    with pytest.raises(KeyboardInterrupt):
        FlowChartExecutor(chart).run()
    assert "never retrieved" not in capfd.readouterr().err


# ── after the end ──────────────────────────────────────────────────────────────────────────────────────────────────
class Kept:
    """What a stage let out."""

    scope: Any
    items: Any
    person: Any


LATE: dict[str, Callable[[Kept], Any]] = {
    "write": lambda kept: setattr(kept.scope, "late", 1),
    "write a container": lambda kept: setattr(kept.scope, "late", [1]),
    "read": lambda kept: kept.scope.items,
    "ask": lambda kept: "items" in kept.scope,
    "delete": lambda kept: delattr(kept.scope, "items"),
    "append": lambda kept: kept.items.append(3),
    "change an item": lambda kept: kept.items[0].update(b=1),
    "change a member": lambda kept: kept.person.update(name="late"),
    "delete a member": lambda kept: kept.person.pop("name"),
    "set with options": lambda kept: ops(kept.scope).set("late", 1, description="why"),
    "hide": lambda kept: ops(kept.scope).set("late", 1, redact=True),
    "update": lambda kept: ops(kept.scope).update("person", {"late": 1}),
    "append all": lambda kept: ops(kept.scope).append_all("items", [1]),
    "emit": lambda kept: ops(kept.scope).emit("late", 1),
    "note": lambda kept: ops(kept.scope).debug("late", 1),
    "token": lambda kept: ops(kept.scope).token("late"),
}


@pytest.mark.parametrize("when", ["next stage", "mapping", "after the run"])
@pytest.mark.parametrize("name", LATE)
def test_a_scope_that_outlives_its_stage_takes_nothing_more(name: str, when: str) -> None:
    """What it was told would be lost. The journal does not change, and the trace is as of a run that nobody disturbed."""
    kept = Kept()
    raised: list[BaseException] = []

    def first(scope: Any) -> None:
        scope.items = [{"a": 1}]
        scope.person = {"name": "x"}
        kept.scope, kept.items, kept.person = scope, scope.items, scope.person

    def late() -> None:
        try:
            LATE[name](kept)
        except StateError as error:
            raised.append(error)

    def mapping(parent: dict[str, Any]) -> dict[str, Any]:
        if when == "mapping":
            late()
        return {"given": 1}

    def second(scope: Any) -> None:
        scope.n = 1
        if when == "next stage":
            late()
        scope.m = 2

    inner = flow_chart("Inner", lambda scope: None, "inner").build()
    chart = (
        flow_chart("First", first, "first")
        .add_sub_flow_chart_next("sub", inner, "Sub", input_mapper=mapping)
        .add_function("Second", second, "second")
        .build()
    )
    executor = FlowChartExecutor(chart, clock=lambda: 0, wall_clock=lambda: 0, ids=lambda: "id")
    executor.run()
    trace_id = "019a8b5e-0000-7000-8000-000000000000"
    told = executor.get_trace(trace_id=trace_id).encoded
    if when == "after the run":
        late()
    if name not in {"read", "ask"} or when != "mapping":
        (error,) = raised
        assert "has ended" in str(error)
    assert executor.get_trace(trace_id=trace_id).encoded == told
    when = "never"
    executor.run()
    assert executor.get_trace(trace_id=trace_id).encoded == told or name in {"read", "ask"}


def test_a_view_that_outlives_its_stage_can_still_be_looked_at() -> None:
    """It shows what is there now."""
    kept = Kept()

    def first(scope: Any) -> None:
        scope.items = [1]
        kept.items = scope.items

    def second(scope: Any) -> None:
        scope.items.append(2)
        assert kept.items == [1]

    executor = FlowChartExecutor(chart_of(first, second))
    executor.run()
    assert kept.items == [1, 2] == list(kept.items)


def test_a_paused_stages_scope_takes_nothing_more() -> None:
    """Until the run goes on, with a scope of its own."""
    kept = Kept()

    def ask(scope: Any) -> str:
        kept.scope = scope
        return "?"

    chart = (
        flow_chart("A", lambda scope: None, "a")
        .add_pausable_function("Ask", Pausable(ask, lambda scope, answer: setattr(scope, "answer", answer)), "ask")
        .build()
    )
    executor = FlowChartExecutor(chart)
    executor.run()
    with pytest.raises(StateError, match="'ask' has ended"):
        kept.scope.late = 1
    checkpoint = executor.get_checkpoint()
    assert checkpoint is not None
    executor.resume(checkpoint, "yes")
    assert executor.get_snapshot()["sharedState"] == {"answer": "yes"}


def test_a_task_that_a_stage_leaves_behind_can_not_write_into_the_next_one() -> None:
    """The commonest way to outlive a stage."""
    outcome: list[BaseException] = []

    async def leaves(scope: Any) -> None:
        async def later() -> None:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            try:
                scope.late = 1
            except StateError as error:
                outcome.append(error)

        scope_tasks.append(asyncio.ensure_future(later()))

    async def waits(scope: Any) -> None:
        await asyncio.gather(*scope_tasks)
        scope.x = 1

    scope_tasks: list[Awaitable[None]] = []
    executor = FlowChartExecutor(chart_of(leaves, waits))
    executor.run()
    assert len(outcome) == 1
    assert read_back(executor).snapshot["sharedState"] == {"x": 1}
