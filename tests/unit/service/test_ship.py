from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from footpath_service.adapters.memory import MemoryQueue, MemoryStore
from footpath_service.errors import QueueRefusedError
from footpath_service.log_lines import MAX_LINE_BYTES, DroppedTrace, LoggedTrace, read_log_lines
from footpath_service.ship import ShipOutcome, Shipper, TraceHeader
from footpath_service.wire import decode_body
from tests.unit.service._fakes import (
    SETTINGS,
    CountingMetrics,
    FaultyQueue,
    FaultyStore,
    hang,
    queue_down,
    store_down,
)

if TYPE_CHECKING:
    from footpath_service.settings import Settings

HEADER = TraceHeader("019ab697-e800-7000-8000-000000000001", 1, "loan", "completed")
DOCUMENT = b'{"format":"footpath.trace","version":1}'


def noise(size: int) -> bytes:
    return json.dumps({"noise": random.Random(2).randbytes(size // 2).hex()}).encode()


class World:
    """A shipper, and everything that it can reach."""

    def __init__(
        self, queue: MemoryQueue | None = None, store: MemoryStore | None = None, settings: Settings = SETTINGS
    ) -> None:
        self.queue = queue or MemoryQueue()
        self.store = store or MemoryStore()
        self.log: list[str] = []
        self.metrics = CountingMetrics()
        self.settings = settings
        self.shipper = Shipper(
            queue=self.queue,
            store=self.store,
            settings=settings,
            write_log=self.log.append,
            metrics=self.metrics,
        )

    def ship(self, document: bytes = DOCUMENT, remaining_ms: float = 30_000) -> ShipOutcome:
        return self.shipper.ship(HEADER, lambda: document, remaining_ms)

    def spooled(self) -> list[str]:
        return [self.store.get(key).decode() for key in self.store.list_keys("spool/")]

    def documents(self) -> list[bytes]:
        """Every document that can be got back, wherever it went."""
        logged = [found.body for found in read_log_lines(self.log) if isinstance(found, LoggedTrace)]
        bodies = [message.body for message in self.queue.messages] + self.spooled() + [b for b in logged if b]
        return [decode_body(body, store=self.store, bucket="archive") for body in bodies]


def settings_with(**changed: Any) -> Settings:
    from dataclasses import replace

    return replace(SETTINGS, **changed)


# ── the ways ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_trace_goes_to_the_queue() -> None:
    """One message, advisory attributes, nothing anywhere else."""
    world = World()
    outcome = world.ship()
    assert (outcome.way, outcome.claimed, outcome.failures) == ("queue", False, ())
    assert world.documents() == [DOCUMENT]
    assert world.queue.messages[0].attributes == {
        "format": "footpath.trace",
        "traceId": HEADER.trace_id,
        "chart": "loan",
        "status": "completed",
    }
    assert (world.spooled(), world.log) == ([], [])
    assert world.metrics.counts == {"TracesCaptured": 1, "TracesQueued": 1}


@pytest.mark.parametrize("size", [900_000, 1_000_000, 1_100_000, 5_000_000])
def test_a_trace_of_any_size_arrives(size: int) -> None:
    """What does not fit a message goes by claim; hex noise shrinks to half, base64 makes a third of that more."""
    world = World()
    outcome = world.ship(noise(size))
    assert (outcome.way, outcome.claimed) == ("queue", size > 1_500_000)
    assert world.documents() == [noise(size)]


def test_the_last_byte_decides_between_message_and_claim() -> None:
    """The limit counts the attributes; at it the body travels, one byte over it a claim does."""
    document = noise(50_000)
    probe = World()
    probe.ship(document)
    message = probe.queue.messages[0]
    size = len(message.body) + sum(len(name) + 6 + len(value) for name, value in message.attributes.items())
    assert not World(settings=settings_with(max_message_bytes=size)).ship(document).claimed
    assert World(settings=settings_with(max_message_bytes=size - 1)).ship(document).claimed


def test_when_the_queue_refuses_the_trace_is_spooled() -> None:
    """The second way; the body is the same."""
    world = World(FaultyQueue(queue_down))
    outcome = world.ship()
    assert outcome.way == "spool"
    assert outcome.failures == ("queue: QueueUnavailableError: throttled",)
    assert world.documents() == [DOCUMENT]
    assert world.metrics.counts == {"TracesCaptured": 1, "TracesSpooled": 1}


def test_when_the_queue_refuses_a_claim_the_claim_is_spooled() -> None:
    """The large body lies under claims/ already: it is not put twice."""
    world = World(FaultyQueue(queue_down))
    assert world.ship(noise(5_000_000)).way == "spool"
    assert len(world.spooled()[0]) < 500
    assert world.documents() == [noise(5_000_000)]


def test_when_queue_and_bucket_refuse_the_trace_is_logged() -> None:
    """The third way: numbered lines that give the body back."""
    world = World(FaultyQueue(queue_down), FaultyStore(store_down))
    document = noise(600_000)
    outcome = world.ship(document)
    assert outcome.way == "log"
    assert len(world.log) > 2
    assert max(len(line.encode()) for line in world.log) <= MAX_LINE_BYTES
    assert world.documents() == [document]
    assert world.metrics.counts == {"TracesCaptured": 1, "TracesLogged": 1}


def test_a_large_trace_with_the_bucket_down_is_logged() -> None:
    """Without its claim it has no way to the queue."""
    world = World(store=FaultyStore(store_down), settings=settings_with(log_fallback_bytes=8 << 20))
    document = noise(3_000_000)
    outcome = world.ship(document)
    assert (outcome.way, outcome.claimed) == ("log", False)
    assert world.documents() == [document]


def test_a_trace_that_nothing_takes_is_dropped_counted_and_its_header_kept() -> None:
    """Over the log's limit: what is left says which trace, how large, and why."""
    world = World(FaultyQueue(queue_down), FaultyStore(store_down))
    assert world.ship(noise(5_000_000)).way == "dropped"
    (dropped,) = read_log_lines(world.log)
    assert isinstance(dropped, DroppedTrace)
    assert (dropped.trace_id, dropped.revision, dropped.chart) == HEADER[:3]
    assert dropped.bytes == len(noise(5_000_000))
    assert len(dropped.failures) == 3
    assert world.metrics.counts == {"TracesCaptured": 1, "TracesDropped": 1}


def test_a_queue_that_refuses_this_message_is_a_refusal_like_any_other() -> None:
    """Whatever the queue says, the trace takes the next way."""

    def refuse() -> None:
        raise QueueRefusedError("invalid contents")

    assert World(FaultyQueue(refuse)).ship().way == "spool"


def test_a_lost_answer_makes_a_copy_and_no_loss() -> None:
    """Unknown outcome: the message is in the queue and in the spool; identity makes that one trace."""
    world = World(FaultyQueue(queue_down, after=True))
    assert world.ship().way == "spool"
    assert world.documents() == [DOCUMENT, DOCUMENT]


def test_the_same_trace_spooled_twice_is_one_object() -> None:
    """Its key is its content's."""
    world = World(FaultyQueue(queue_down))
    world.ship()
    world.ship()
    assert len(world.spooled()) == 1


# ── never an error, never over the budget ──────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "error", [ValueError("no JSON"), RecursionError(), MemoryError(), UnicodeEncodeError("a", "\ud800", 0, 1, "b")]
)
def test_a_document_that_cannot_be_made_is_an_outcome(error: Exception) -> None:
    """F1: a value that can't be encoded costs its trace, never the answer."""
    world = World()

    def encode() -> bytes:
        raise error

    assert world.shipper.ship(HEADER, encode, 30_000).way == "dropped"
    assert [type(found) for found in read_log_lines(world.log)] == [DroppedTrace]


def test_a_document_over_every_limit_is_dropped() -> None:
    """The reader would refuse it: it is not sent."""
    world = World(settings=settings_with(max_trace_bytes=10_000))
    assert world.ship(noise(20_000)).way == "dropped"
    assert world.queue.messages == []


def test_a_log_that_fails_is_no_error_either() -> None:
    """Standard output may be closed."""
    world = World(FaultyQueue(queue_down), FaultyStore(store_down))

    def broken(_line: str) -> None:
        raise OSError("closed")

    shipper = Shipper(queue=world.queue, store=world.store, settings=SETTINGS, write_log=broken, metrics=world.metrics)
    assert shipper.ship(HEADER, lambda: DOCUMENT, 30_000).way == "dropped"
    assert world.metrics.counts["TracesDropped"] == 1


def test_everything_hanging_costs_the_budget_and_no_more() -> None:
    """Nobody answers: the caller waits for the budget at most, and the trace is in the log."""
    world = World(FaultyQueue(hang), FaultyStore(hang), settings_with(ship_budget_ms=300))
    started = time.perf_counter()
    outcome = world.ship()
    took_ms = (time.perf_counter() - started) * 1000
    assert outcome.way == "log"
    assert 250 < took_ms < 1_000  # everything hangs for five seconds
    assert world.documents()[-1] == DOCUMENT


def test_a_queue_that_hangs_leaves_time_for_the_spool() -> None:
    """The queue may not spend it all."""
    world = World(FaultyQueue(hang), settings=settings_with(ship_budget_ms=300))
    assert world.ship().way == "spool"


def test_the_budget_is_never_more_than_the_time_that_remains() -> None:
    """Near its end, an invocation keeps its answer."""
    world = World(FaultyQueue(hang), FaultyStore(hang))
    started = time.perf_counter()
    assert world.ship(remaining_ms=150).way == "log"
    assert (time.perf_counter() - started) * 1000 < 1_000


@pytest.mark.parametrize("remaining_ms", [0, -50, 5])
def test_with_no_time_left_the_log_is_all_there_is(remaining_ms: float) -> None:
    """No call is begun that can't be waited for."""
    world = World()
    assert world.ship(remaining_ms=remaining_ms).way == "log"
    assert world.queue.messages == []


def test_refusals_add_next_to_nothing() -> None:
    """At most 50 ms when services refuse: no retries, no sleeps."""
    world = World(FaultyQueue(queue_down), FaultyStore(store_down))
    world.ship()
    took = []
    for _ in range(5):
        started = time.perf_counter()
        assert world.ship().way == "log"
        took.append((time.perf_counter() - started) * 1000)
    assert min(took) < 50


# ── log lines ──────────────────────────────────────────────────────────────────────────────────────────────────────
def logged_lines(document: bytes) -> list[str]:
    world = World(FaultyQueue(queue_down), FaultyStore(store_down))
    assert world.ship(document).way == "log"
    return world.log


def test_log_lines_survive_a_log_viewer() -> None:
    """Out of order, twice, with time stamps before them, among other lines, and of several traces mixed."""
    lines = logged_lines(noise(800_000)) + logged_lines(b'{"a":"quotes \\" and \\\\"}')
    mixed = [f"2026-11-22T10:00:00Z {line}\n" for line in lines * 2] + ["START RequestId", '{"footpath":"trace"', "{}"]
    random.Random(3).shuffle(mixed)
    found = [one.body for one in read_log_lines(mixed) if isinstance(one, LoggedTrace)]
    documents = {decode_body(body, store=MemoryStore(), bucket="b") for body in found if body}
    assert documents == {noise(800_000), b'{"a":"quotes \\" and \\\\"}'}


def test_a_lost_log_line_is_named() -> None:
    """The pieces are numbered."""
    lines = logged_lines(noise(800_000))
    (found,) = read_log_lines(lines[:1] + lines[2:])
    assert isinstance(found, LoggedTrace)
    assert (found.body, found.missing) == (None, (2,))
    assert found.header.trace_id == HEADER.trace_id


def test_a_damaged_log_line_counts_as_lost() -> None:
    """Each piece has its checksum."""
    lines = logged_lines(noise(800_000))
    at = lines[1].index('"data":"') + 100
    lines[1] = lines[1][:at] + ("A" if lines[1][at] != "A" else "B") + lines[1][at + 1 :]
    (found,) = read_log_lines(lines)
    assert isinstance(found, LoggedTrace)
    assert found.missing == (2,)


def test_plain_text_full_of_quotes_still_fits_its_lines() -> None:
    """Escaping doubles a piece of plain text; the line stays under its limit."""
    from footpath_service.log_lines import LogHeader, trace_lines

    body = "{" + '"' * 400_000
    lines = list(trace_lines(LogHeader(*HEADER), body))
    assert max(map(len, lines)) <= MAX_LINE_BYTES
    (found,) = read_log_lines(lines)
    assert isinstance(found, LoggedTrace)
    assert found.body == body
