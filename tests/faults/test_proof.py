"""`make prove`, small: a few seeds of the whole story, and sabotage that it must notice."""

from __future__ import annotations

from concurrent.futures import Future
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from footpath.archive import ArchiveReader, SegmentWriter, hour_of_id
from footpath_cli.prove import Count, Proof, World, prove
from footpath_cli.prove._ledger import FATES, Ledger
from footpath_cli.prove._parts import added, follow
from footpath_cli.prove._witness import Handed
from footpath_service.adapters.aws import S3Store
from footpath_service.process import BatchResult, Processor
from footpath_service.ship import Shipper
from tests.unit.archive._traces import line_of
from tests.unit.service._traces import trace_id

HOUR_MS = 3_600_000


def test_a_small_proof_holds_law_7_at_every_quiet_point() -> None:
    """Crashes, outages, poison, thirty days of dead letters: nothing lost, nothing counted twice."""
    proof = prove(400, 11, rate=0.04)
    assert proof.problems == []
    assert all(count.holds for count in proof.counts)
    assert len(proof.counts) == 12
    # Every fate was seen with a trace in it.
    assert {fate for count in proof.counts for fate, number in count.fates.items() if number} == set(FATES)
    last = proof.counts[-1]
    assert last.captured == sum(last.fates[fate] for fate in ("archived", "discarded", "sampled out"))
    assert proof.facts["messages expired"] == 0
    assert {"failing", "large", "small"} <= set(proof.kinds)
    for fault in ("process dies before a call", "process dies after a call", "S3 is down for 4 h", "a receive fails"):
        assert proof.struck[fault], fault


def test_the_same_seed_tells_the_same_story() -> None:
    """Faults and fates are the seed's, to the last count."""

    def story(seed: int) -> Any:
        with World(seed=seed, duplicate_rate=0.3, disorder_rate=0.3, batch_size=10, window_s=1) as world:
            for _ in range(40):
                world.request()
            world.drain()
            ids = [identity.trace_id for identity in world.ledger.ways]
            return ids, world.pipeline.poller.counts, world.copies, world.count("end").fates

    assert story(5) == story(5)
    assert story(5)[0] != story(6)[0]


def test_a_proof_in_parts_adds_up() -> None:
    """Law 7 is linear: the sum of two worlds' accounts is an account; a problem names its world."""
    counts = [
        Count("at the end", 7, dict.fromkeys(FATES, 1), (), (), 2, 0),
        Count("at the end", 14, dict.fromkeys(FATES, 2), (), (), 0, 0),
    ]
    facts: dict[str, Any] = {"reasons": "bomb 2, empty 1", "died": 1}
    proofs = [
        Proof(seed, 500, [count], facts=facts | {"virtual days": 30.0 + seed}) for seed, count in enumerate(counts)
    ]
    proofs[1].problems.append("lost one")
    whole = added(proofs, 9, 1_000)
    assert whole.counts == [Count("at the end", 21, dict.fromkeys(FATES, 3), (), (), 2, 0)]
    assert whole.counts[0].holds
    assert whole.facts == {"virtual days": 31.0, "reasons": "bomb 4, empty 2", "died": 2}
    assert whole.problems == ["seed 1, 500 requests: lost one"]


def test_a_proof_goes_on_whatever_becomes_of_its_progress() -> None:
    """A channel that breaks, and a listener that is gone, are no fault of the pipeline; a world that fell over is."""

    def world(proof: Proof | None) -> Future[Proof]:
        future: Future[Proof] = Future()
        if proof is None:
            future.set_exception(RuntimeError("a world fell over"))
        else:
            future.set_result(proof)
        return future

    def gone(_what: str, _done: int) -> None:
        raise BrokenPipeError

    heard: list[tuple[str, int]] = []
    news: SimpleQueue[Any] = SimpleQueue()
    for one in ((1, "traffic", 50), (2, "traffic", 50), (1, "traffic", 100)):
        news.put(one)
    follow([world(Proof(1, 500)), world(Proof(2, 500))], news, lambda what, done: heard.append((what, done)))
    assert heard == [("traffic", 50), ("traffic", 100), ("traffic", 150)]
    news.put((1, "traffic", 150))
    follow([world(Proof(1, 500))], news, gone)
    for fault in (EOFError(), ConnectionResetError()):
        broken = SimpleNamespace(get_nowait=Mock(side_effect=fault))
        follow([world(Proof(1, 500))], broken, gone)
        assert broken.get_nowait.called
        with pytest.raises(RuntimeError, match="fell over"):
            follow([world(None)], broken, gone)


def test_a_trace_sampled_out_is_a_fate_of_its_own() -> None:
    """It is captured, goes nowhere, and is not lost; what has to be kept never gets there."""
    with World(seed=1) as world:
        for _ in range(30):
            world.request(common=True)
        for kind in ("failing", "late", "runaway"):
            world.request(kind, common=True)
        world.drain()
        count = world.count("end")
        assert count.holds
        assert 0 < count.fates["sampled out"] < 30
        assert count.captured == count.fates["sampled out"] + count.fates["archived"]
        assert world.wrongly_left_out == []
        assert len(world.ledger.truncated) == 1
        lines = list(ArchiveReader(world.store).lines())
        assert sum(line.weight == 4 for line in lines) == 30 - count.fates["sampled out"]
        assert [line.dropped_entries > 0 for line in lines].count(True) == 1


def test_fewer_requests_than_corners_are_refused() -> None:
    """A proof that skips a corner would say nothing of it."""
    with pytest.raises(ValueError, match="400"):
        prove(399, 1)


# ── sabotage: the account is able to fail ──────────────────────────────────────────────────────────────────────────
def run_some(world: World, count: int = 5) -> Any:
    with world:
        for _ in range(count):
            world.request()
        world.drain()
        return world.count("end")


def test_an_acknowledged_message_without_a_segment_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The accepted-then-lost of other pipelines."""
    monkeypatch.setattr(Processor, "process", lambda *_: BatchResult((), 0, 0))
    found = run_some(World())
    assert not found.holds
    assert len(found.lost) == 5


def test_a_segment_that_was_not_written_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A put that says yes and does nothing."""
    put = S3Store.put_new
    monkeypatch.setattr(
        S3Store, "put_new", lambda store, key, body: key.startswith("segments/") or put(store, key, body)
    )
    assert len(run_some(World()).lost) == 5


def test_a_shipper_that_only_says_so_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outcome "queue" with nothing on the queue."""
    from footpath_service.adapters.aws import SqsQueue

    assert Shipper.ship
    monkeypatch.setattr(SqsQueue, "send", lambda *_: None)
    assert len(run_some(World()).lost) == 5


def test_a_trace_that_nobody_captured_is_seen() -> None:
    """The archive may hold nothing that was not handed to a shipper."""
    world = World()
    with world:
        identity, line = line_of(trace_id(1))
        writer = SegmentWriter(hour_of_id(identity.trace_id))
        writer.add(identity, line)
        segment = writer.finish()
        world.store.put_new(segment.key, segment.body)
        found = world.count("end")
    assert not found.holds
    assert any("never captured" in text for text in found.doubled)


def test_an_audit_trail_that_says_something_else_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the archive's trails add up to is compared with what the runs did."""
    from footpath.recorders import AuditRecorder

    monkeypatch.setattr(AuditRecorder, "on_commit", lambda *_: None)
    found = run_some(World())
    assert not found.holds
    assert any("the audit trail says 0" in text for text in found.doubled)


def test_a_dropped_trace_breaks_the_equation() -> None:
    """A header in the log is not the trace."""
    from footpath.archive import Identity

    ledger = Ledger()
    ledger.hand(Handed(Identity(trace_id(1), 1, "a"), "dropped"))
    assert not ledger.count("end", {}).holds
    ledger.ways[Identity(trace_id(1), 1, "a")] = "died"
    assert ledger.count("end", {}).holds
    assert ledger.count("end", {}).died == 1


def test_an_answer_changed_by_its_trace_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is part of the account."""

    def raising(*_: Any) -> Any:
        raise RuntimeError("shipping broke the answer")

    monkeypatch.setattr(Shipper, "ship", raising)
    with World() as world, pytest.raises(AssertionError, match="shipping broke the answer"):
        world.request()
