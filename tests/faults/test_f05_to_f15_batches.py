"""F5 to F13 and F15: what the processor is given, how often, by whose clock and by which version; nothing lost, nothing doubled."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from footpath.archive import CLAIMS, ArchiveReader, hour_of_ms, time_of_id_ms
from footpath.trace import decode_trace
from footpath_cli.operate import Choice, redrive, verify
from footpath_cli.poller import Fault, crash, lose_answer, slow, throttle, unavailable, unreachable
from footpath_cli.prove import World
from footpath_cli.prove._charts import FAILING, LARGE, SMALL
from footpath_cli.prove._prove import STRANGERS
from footpath_service.adapters.folder import FolderStore
from footpath_service.wire import encode_body
from tests.faults._worlds import DAY_MS, HOUR_MS, logical, physical
from tests.unit.service._traces import START_MS, document, trace_id

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[1] / "golden" / "archive-1"


# ── F5 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_f5_a_trace_of_fifty_megabytes_is_archived_and_read_back() -> None:
    """By claim, then beside its segment; the line points there, and the hash holds."""
    with World(max_trace_bytes=64 << 20) as world:
        big = document(1, note="x" * 50_000_000)
        world.store.put_new("claims/none", b"")  # the folder has other things in it, too
        from footpath_service.wire import encode_claim

        claim, key = encode_claim(world.pipeline.bucket, encode_body(big).encode())
        world.store.put_new(key, encode_body(big).encode())
        world.queue.send(claim, {"chart": "loan"})
        world.drain()
        assert world.dead.count() == 0
        found = ArchiveReader(world.store).get(trace_id(1))
        assert found.line.stub is not None
        assert found.document == big
        assert verify(world.store).findings == []


# ── F6, F7 ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_f6_strangers_of_every_kind_go_alone() -> None:
    """Each to the dead-letter queue with a reason that a machine can count by; all traces beside them are archived."""
    with World(batch_size=100) as world:
        for body in STRANGERS:
            world.request()
            world.stranger(body)
        world.drain()
        assert len(logical(world)) == len(STRANGERS)
        parked = list(world.dead.messages())
        assert sorted(message.body for message in parked) == sorted(STRANGERS)
        assert all(message.reason != "too-many-receives" and message.detail for message in parked)


def test_f7_a_batch_of_nothing_but_strangers_is_answered() -> None:
    """No exception, no retry."""
    with World() as world:
        for body in STRANGERS:
            world.stranger(body)
        world.drain()
        counts = world.pipeline.poller.counts
        assert counts["records"] == len(STRANGERS)
        assert counts["error.raised"] == counts["failed.batch"] == counts["failed.items"] == 0


# ── F8 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("times", [2, 5, 20])
def test_f8_a_message_that_comes_many_times_is_one_trace(times: int) -> None:
    """In batches of its own each, and again after thirty days."""
    with World(batch_size=1, window_s=0) as world:
        world.request()
        (body,) = world.model.bodies(world.pipeline.queue_url)
        for _ in range(times - 1):
            world.queue.send(body, {})
        world.drain()
        world.clock.sleep_ms(30 * DAY_MS)
        world.queue.send(body, {})
        world.request()
        world.drain()
        assert len(logical(world)) == 2
        assert len(set(physical(world))) == 2
        traces, granted, expected = (world.count("end"), world.audit())[1]
        assert (traces, granted) == (2, expected)
        assert verify(world.store, replay=True).findings == []


def test_f8_a_claim_outlives_every_message_that_names_it() -> None:
    """Redriven again and again, each time with a new life of fourteen days: what it names is there after ninety."""
    with World(Fault("throttled", throttle, service="lambda")) as world:
        world.request(LARGE)
        (claim,) = world.store.list_keys(CLAIMS)
        for _ in range(7):
            world.pass_time(13 * DAY_MS)
            assert redrive(world.dead, world.queue, Choice()) == 1
        world.faults.faults.clear()
        world.drain()
        assert [line.status for line in logical(world)] == ["completed"]
        assert world.model.expired_count(world.pipeline.dead_letter_url) == 0
        # Nor does archiving delete it: another message may name it yet.
        assert list(world.store.list_keys(CLAIMS)) == [claim]
        assert world.count("end").holds


def test_f8_redriven_after_thirty_days_it_is_counted_once() -> None:
    """Archived on the first day, never acknowledged, dead-lettered, redriven: the same trace."""
    with World(Fault("lost", lose_answer, after=True, service="lambda", times=1)) as world:
        world.request()
        world.faults.faults.append(
            Fault("throttled", throttle, service="lambda", from_ms=world.clock.now_ms() + 10 * 60_000)
        )
        for _ in range(2):
            world.pass_time(13 * DAY_MS)
            assert world.dead.count() == 1
            assert redrive(world.dead, world.queue, Choice()) == 1
        world.pass_time(4 * DAY_MS)
        world.faults.faults.clear()
        assert redrive(world.dead, world.queue, Choice()) == 1
        world.drain()
        assert len(logical(world)) == 1
        assert world.count("end").holds
        assert world.model.expired_count(world.pipeline.dead_letter_url) == 0


# ── F9 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("strike", "after"),
    [
        (crash, False),
        (crash, True),
        (unavailable, False),
        (throttle, False),
        (unreachable, False),
        (lose_answer, True),
    ],
)
def test_f9_a_fault_at_each_call_of_a_mixed_batch(strike: Callable[..., Any], after: bool) -> None:
    """A claim to fetch, two hours to put, a stranger to park: whichever call fails, everything is somewhere once."""
    number = 0
    while True:
        number += 1
        with World(batch_size=10, window_s=1, pollers=1) as world:
            world.request(LARGE)
            world.request(FAILING)
            world.clock.sleep_ms(HOUR_MS)
            world.request()
            world.stranger("hello")
            at = world.watch.count + number
            world.faults.faults.append(Fault("fault", strike, after=after, call_number=at))
            world.drain()
            found = world.count("end")
            assert found.holds, number
            assert found.fates["archived"] == 3, number
            assert {message.body for message in world.dead.messages()} == {"hello"}
            if not world.faults.struck["fault"]:
                break
    assert number > 4


# ── F10 ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_f10_a_batch_that_takes_too_long_writes_what_it_has_and_returns_the_rest() -> None:
    """Slow claims eat the time; the function is never killed, and no message comes near the dead-letter queue."""
    with World(batch_size=60, window_s=1, pollers=1) as world:
        for _ in range(60):
            world.request(LARGE)
        world.faults.faults = [Fault("slow", slow(world.clock, 4_000), service="s3", operation="GetObject")]
        world.drain()
        counts = world.pipeline.poller.counts
        assert counts["error.timeout"] == 0
        assert counts["failed.items"] > 0
        assert counts["invocations"] >= 3
        assert len(logical(world)) == 60
        assert world.dead.count() == 0


# ── F11 ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_f11_without_s3_messages_wait_and_no_metric_tells_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four hours; then the backlog drains, and what was counted is what was archived."""
    from footpath_service.emf import EmfMetrics

    told: Counter[str] = Counter()
    count = EmfMetrics.count

    def counting(metrics: EmfMetrics, name: str, value: float = 1, **dimensions: str) -> None:
        told[name] += int(value)
        count(metrics, name, value, **dimensions)

    monkeypatch.setattr(EmfMetrics, "count", counting)
    with World() as world:
        for _ in range(20):
            world.request()
        end_ms = world.clock.now_ms() + 4 * HOUR_MS
        world.faults.faults = [Fault("no S3", unreachable, service="s3", until_ms=end_ms)]
        world.pass_time(4 * HOUR_MS)
        assert told["Runs"] == told["TracesArchived"] == 0
        found = world.count("down")
        assert found.holds
        assert found.fates["in flight"] == 20
        world.drain()
        assert told["Runs"] == told["TracesArchived"] == len(logical(world)) == 20
        assert world.dead.count() == 0


# ── F12 ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("hours", [-24, -1, 0, 1, 24])
def test_f12_a_clock_that_is_a_day_off_hides_no_trace(hours: int) -> None:
    """The archive goes by the id's clock, the story by the journal's order; a reader finds both."""
    with World() as world:
        for number in range(3):
            world.queue.send(encode_body(document(number, world.clock.now_ms() + hours * HOUR_MS + number)), {})
        world.drain()
        reader = ArchiveReader(world.store, clock_ms=world.clock.now_ms)
        assert len(list(reader.newest())) == 3
        for line in logical(world):
            found = reader.get(line.trace_id)
            assert hour_of_ms(time_of_id_ms(line.trace_id)) in found.key
            trace = decode_trace(found.document)
            steps = [frame["runtimeStageId"] for frame in trace.snapshot["commitLog"]]
            assert steps == sorted(steps, key=lambda step: int(step.rpartition("#")[2]))
        assert verify(world.store, replay=True).findings == []


def test_f12_ids_on_both_sides_of_an_hour_make_two_segments_of_one_batch() -> None:
    """And each is found where its own id says."""
    with World() as world:
        edge_ms = START_MS + HOUR_MS
        for number, at_ms in enumerate((edge_ms - 1, edge_ms)):
            world.queue.send(encode_body(document(number, at_ms)), {})
        world.drain()
        assert world.pipeline.poller.counts["invocations"] == 1
        assert len(list(world.store.list_keys("segments/"))) == 2
        assert [line.trace_id for line in logical(world)] == [trace_id(0, edge_ms - 1), trace_id(1, edge_ms)]


# ── F13 ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_f13_interleaved_runs_of_a_warm_container_share_nothing() -> None:
    """Eight threads, one handler: every trace holds its own amount and nobody else's."""
    with World() as world:
        answers: dict[int, Any] = {}

        def run(first: int) -> None:
            for amount in range(first, first + 15):
                kind = FAILING if amount % 5 == 0 else SMALL
                try:
                    answers[amount] = world.pipeline.request({"chart": kind, "input": {"amount": amount}})["result"]
                except Exception as error:  # noqa: BLE001
                    answers[amount] = str(error)

        threads = [threading.Thread(target=run, args=(1000 * number,)) for number in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 120
        for amount, answer in answers.items():
            assert answer == (f"nothing is granted after {amount}" if amount % 5 == 0 else amount)
        world.drain()
        lines = logical(world)
        assert sorted(json.loads(bytes(line.state))["asked"] for line in lines) == sorted(answers)
        for line in lines:
            state = json.loads(bytes(line.state))
            others = {str(amount) for amount in answers} - {str(state["asked"])}
            rows = json.loads(bytes(line.audit))
            assert {row["value"] for row in rows if row["kind"] == "write" and row["key"] != "large"} == {
                state["asked"]
            }
            assert not others & set(json.dumps(json.loads(line.document_bytes or b"")["journal"]).split())


# ── F15 ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_f15_a_newer_trace_is_parked_and_archived_after_the_upgrade() -> None:
    """Not lost: it waits in the dead-letter queue with its reason until this side is newer, too."""
    newer = document(1).replace(b'"version":1', b'"version":2', 1)
    with World() as world:
        world.queue.send(encode_body(newer), {"traceId": trace_id(1)})
        world.drain()
        (message,) = world.dead.messages()
        assert message.reason == "unknown-version"
        world.dead.give_back([message])
        with pytest.MonkeyPatch.context() as upgraded:
            from footpath_service import process

            decode = process.decode_trace
            upgraded.setattr(
                process,
                "decode_trace",
                lambda body, **more: decode(body.replace(b'"version":2', b'"version":1', 1), **more),
            )
            assert redrive(world.dead, world.queue, Choice(reasons=("unknown-version",))) == 1
            world.drain()
        (line,) = logical(world)
        assert line.document_bytes == newer
        assert world.dead.count() == 0


def test_f15_an_archive_of_version_1_is_read_and_replayed() -> None:
    """As it was written; these files never change, a new version adds others."""
    done = verify(FolderStore(GOLDEN), replay=True)
    assert done.findings == []
    assert done.traces == 3
    lines = list(ArchiveReader(FolderStore(GOLDEN)).lines())
    assert [(line.revision, line.status) for line in lines] == [(1, "completed"), (1, "failed"), (0, "deadline")]
    for line in lines:
        trace = decode_trace(line.document_bytes or b"")
        assert [entry.text for entry in trace.narrative] == line.narrative
