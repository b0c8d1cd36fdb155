"""F1 to F4: whatever becomes of the trace, the caller notices nothing; and a run that fails or is killed leaves its trace."""

from __future__ import annotations

import json
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from footpath import flow_chart, ops
from footpath.trace import decode_trace
from footpath_cli.poller import Fault, crash, deny, lose_answer, throttle, unavailable, unreachable
from footpath_cli.prove import World
from footpath_cli.prove._charts import FAILING, LARGE, LATE, SMALL
from footpath_service.adapters.memory import MemoryQueue, MemoryStore
from footpath_service.catalog import Catalog
from footpath_service.flows import Flow
from footpath_service.request import Failure, RequestHandler, RunRequest
from footpath_service.settings import Settings
from footpath_service.ship import Shipper
from footpath_service.wire import decode_body
from tests.faults._worlds import logical, physical
from tests.unit.service._fakes import CountingMetrics, ListLog
from tests.unit.service._traces import trace_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FAULTS: dict[str, list[Fault]] = {
    "the queue throttles": [Fault("f", throttle, service="sqs")],
    "the queue denies": [Fault("f", deny, service="sqs")],
    "the queue is unreachable": [Fault("f", unreachable, service="sqs")],
    "the queue's answer is lost": [Fault("f", lose_answer, after=True, service="sqs")],
    "the queue is broken": [Fault("f", unavailable, service="sqs")],
    "queue and bucket are unreachable": [Fault("f", unreachable)],
    "queue and bucket deny": [Fault("f", deny)],
    "every answer is lost": [Fault("f", lose_answer, after=True)],
}


def answer_in(world: World, kind: str) -> str:
    """What the caller gets, as bytes would be; the ids are the seed's, so they are the same in every world."""
    event = {"chart": kind, "input": {"amount": 7} | ({"bytes": 20_000} if kind == LARGE else {})}
    try:
        return json.dumps(world.pipeline.request(event | {"explain": True}))
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("kind", [SMALL, FAILING, LARGE])
def test_f1_the_answer_is_byte_for_byte_the_same(kind: str) -> None:
    """Throttled, denied, unreachable, unanswered: the trace takes the next way, and the caller gets what he always gets."""
    with World(seed=4) as world:
        expected = answer_in(world, kind)
        assert world.ledger.counts == {"queue": 1}
    for name, faults in FAULTS.items():
        with World(*faults, seed=4) as world:
            assert answer_in(world, kind) == expected, name
            assert world.ledger.counts.total() == 1, name
            assert "queue" not in world.ledger.counts, name
            assert "dropped" not in world.ledger.counts, name
            assert world.faults.struck["f"], name


def test_f1_a_refusing_queue_adds_less_than_fifty_milliseconds() -> None:
    """The best of several, because the machine may be busy."""

    def took_s(*faults: Fault) -> float:
        with World(*faults) as world:
            world.request()
            best = 9.0
            for _ in range(15):
                began = time.perf_counter()
                world.request()
                best = min(best, time.perf_counter() - began)
            return best

    assert took_s(Fault("f", throttle, service="sqs")) - took_s() < 0.05


def test_f1_a_sandbox_without_a_thread_to_give_answers_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Lambda has 1,024 of them, and a chart may have taken all: nothing watches the deadline then, and the trace takes the log."""
    with World(seed=4) as world:
        expected = answer_in(world, SMALL)

    def refused(thread: threading.Thread) -> None:
        raise RuntimeError(f"can't start new thread {thread.name}")

    with World(seed=4) as world, monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        assert answer_in(world, SMALL) == expected
        assert world.ledger.counts == {"log": 1}


# ── F3 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
class RuinError(Exception):
    """Raised by the stage whose turn it is."""


def _chart(ruined: int) -> Any:
    def stage(number: int) -> Callable[[Any], None]:
        def run(scope: Any) -> None:
            scope[f"key{number}"] = number
            if number == ruined:
                raise RuinError(f"stage {number}")

        return run

    builder = flow_chart("S0", stage(0), "s0")
    for number in range(1, 4):
        builder.add_function(f"S{number}", stage(number), f"s{number}")
    return builder.build()


def _handler(queue: MemoryQueue, flows: Iterable[Flow], numbers: Any, *, budget_ms: int = 2_000) -> RequestHandler:
    settings = Settings(
        archive_bucket="archive",
        trace_queue_url="https://sqs.example/1/q",
        ship_budget_ms=budget_ms,
        deadline_margin_ms=50,
    )
    metrics = CountingMetrics()
    shipper = Shipper(queue=queue, store=MemoryStore(), settings=settings, write_log=lambda _: None, metrics=metrics)
    return RequestHandler(
        catalog=Catalog(flows),
        shipper=shipper,
        settings=settings,
        make_id=lambda: trace_id(next(numbers)),
        metrics=metrics,
        log=ListLog(),
    )


def _traces(queue: MemoryQueue) -> list[Any]:
    return [decode_trace(decode_body(one.body, store=MemoryStore(), bucket="archive")) for one in queue.messages]


@pytest.mark.parametrize("ruined", range(4))
def test_f3_every_stage_raises_in_turn(ruined: int) -> None:
    """The trace has the status, the failing stage and all that was committed; the error is the stage's own."""
    queue = MemoryQueue()
    handler = _handler(queue, [Flow("ruin", lambda: _chart(ruined))], iter(range(9)))
    outcome = handler.handle(RunRequest("ruin"), remaining_ms=lambda: 60_000, context={})
    assert isinstance(outcome, Failure)
    assert type(outcome.error) is RuinError
    frames = traceback.extract_tb(outcome.error.__traceback__)
    assert frames[-1].filename == __file__
    assert frames[-1].line == 'raise RuinError(f"stage {number}")'
    (trace,) = _traces(queue)
    assert (trace.status, trace.revision, trace.error["stageId"]) == ("failed", 1, f"s{ruined}")
    assert trace.error["message"] == f"stage {ruined}"
    assert trace.snapshot["sharedState"] == {f"key{number}": number for number in range(ruined + 1)}


# ── F4 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_f4_a_run_that_outlives_its_deadline_has_two_revisions_and_a_reader_sees_the_last() -> None:
    """Revision 0 leaves before the kill; when the run ends all the same, revision 1 supersedes it."""
    with World() as world:
        world.request(LATE)
        world.drain()
        found = physical(world)
        assert [identity.revision for identity in found] == [0, 1]
        assert len({identity.trace_id for identity in found}) == 1
        (line,) = logical(world)
        assert (line.revision, line.status) == (1, "completed")
        assert world.count("end").holds


def test_f4_a_run_that_is_killed_leaves_its_partial_trace() -> None:
    """With what was committed until then, and the status that says so."""
    with World() as world:
        world.request(LATE, killed=True)
        assert world.answered == 0
        world.drain()
        (line,) = logical(world)
        assert (line.revision, line.status) == (0, "deadline")
        assert json.loads(bytes(line.state)) == {"asked": 2}
        found = world.count("end")
        assert found.holds
        assert (found.captured, found.died) == (1, 1)


def test_f4_the_final_trace_may_be_archived_before_the_partial_one() -> None:
    """Order of arrival decides nothing."""
    with World(batch_size=1, window_s=0) as world:
        world.request(LATE)
        queue = world.model._queues[world.pipeline.queue_url.rsplit("/", 1)[-1]]
        partial, final = queue.visible
        queue.visible.move_to_end(partial)
        assert list(queue.visible) == [final, partial]
        world.drain()
        assert [identity.revision for identity in sorted(physical(world))] == [0, 1]
        assert [line.revision for line in logical(world)] == [1]


def test_f4_a_loop_that_never_waits_is_caught_as_well() -> None:
    """The timer's thread gets its turn while Python computes."""

    def spin(scope: Any) -> int:
        scope.turns = 0
        end = time.monotonic() + ops(scope).args["seconds"]
        while time.monotonic() < end:
            pass
        return 1

    chart = flow_chart("Write", lambda scope: setattr(scope, "kept", True), "write").add_function("Spin", spin, "spin")
    queue = MemoryQueue()
    handler = _handler(queue, [Flow("spin", chart.build)], iter(range(9)), budget_ms=300)
    end = time.monotonic() + 0.9
    handler.handle(
        RunRequest("spin", {"seconds": 0.7}), remaining_ms=lambda: (end - time.monotonic()) * 1000, context={}
    )
    partial, final = _traces(queue)
    assert (partial.revision, partial.status, partial.snapshot["sharedState"]) == (0, "deadline", {"kept": True})
    assert (final.revision, final.status) == (1, "completed")
    assert partial.trace_id == final.trace_id


def test_f4_a_process_that_dies_while_the_partial_trace_leaves_is_accounted_for() -> None:
    """Nobody was answered; the equation holds with or without the trace."""
    for fault in (Fault("f", crash, times=1), Fault("f", crash, after=True, times=1)):
        with World(fault) as world:
            world.request(LATE)
            assert world.answered == 0
            world.drain()
            found = world.count("end")
            assert found.holds
            assert found.captured == (1 if fault.after else 0)
