"""The sealer: every segment stands in a digest, each digest follows the one before, whatever fails."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footpath.archive import (
    DIGESTS,
    MAX_SEALED,
    SEGMENTS,
    CorruptArchiveError,
    SealedSegment,
    SignedDigest,
    UnknownDigestVersionError,
    decode_digest,
    digest_key,
    encode_digest,
    envelop_digest,
)
from footpath.errors import ArchiveUnavailableError
from footpath_service.adapters.memory import MemoryStore
from footpath_service.errors import SigningError
from footpath_service.seal import Sealed, Sealer
from tests.unit.archive._traces import document, line_of, put_segment, trace_id
from tests.unit.service._fakes import CountingMetrics, ListLog

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOON_MS = 1_764_072_000_000  # 2025-11-25T12:00:00Z


class World:
    """An archive, a clock, and a sealer that comes by."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.now_ms = NOON_MS
        self.store = MemoryStore(clock_ms=lambda: self.now_ms) if store is None else store
        self.metrics = CountingMetrics()
        self.log = ListLog()
        self.count = 0

    def archive(self, age_ms: int = 0) -> str:
        """A segment with one new trace, made so long ago and put now; its key."""
        self.count += 1
        return put_segment(self.store, line_of(trace_id(self.count, self.now_ms - age_ms)))

    def seal(self, remaining_ms: Callable[[], float] = lambda: 600_000.0) -> Sealed:
        sealer = Sealer(store=self.store, signer=None, metrics=self.metrics, log=self.log, clock_ms=lambda: self.now_ms)
        return sealer.seal(remaining_ms)

    def digests(self) -> list[SignedDigest]:
        return [decode_digest(key, self.store.get(key)) for key in self.store.list_keys(DIGESTS)]

    def sealed(self) -> list[str]:
        return [segment.key for one in self.digests() for segment in one.digest.segments]


def test_what_is_new_is_sealed_once() -> None:
    """A segment stands in the first digest after it was put, and in no later one."""
    world = World()
    first = world.archive()
    assert world.seal() == Sealed((digest_key(NOON_MS, 1),), 1, 1, (), is_complete=True)
    world.now_ms += HOUR_MS
    second = world.archive()
    world.seal()
    assert [[segment.key for segment in one.digest.segments] for one in world.digests()] == [[first], [second]]
    body = world.store.get(first)
    assert world.digests()[0].digest.segments == (SealedSegment(first, len(body), hashlib.sha256(body).hexdigest(), 1),)


def test_each_digest_names_the_one_before() -> None:
    """By key and hash of the whole object."""
    world = World()
    for _ in range(4):
        world.archive()
        world.seal()
        world.now_ms += HOUR_MS
    digests = world.digests()
    assert [one.digest.number for one in digests] == [1, 2, 3, 4]
    assert [one.digest.previous for one in digests] == [None, *(one.link for one in digests[:-1])]


def test_nothing_new_makes_no_digest_but_once_a_day() -> None:
    """A digest a day says that nothing was added, so that the chain is seen to be alive."""
    world = World()
    world.archive()
    world.seal()
    for _ in range(40):
        world.now_ms += HOUR_MS
        world.seal()
    assert [len(one.digest.segments) for one in world.digests()] == [1, 0, 0]


def test_a_trace_that_comes_late_is_sealed_within_a_day() -> None:
    """Redriven after thirty days it lies in an old hour, which only the daily sweep looks at."""
    world = World()
    world.archive()
    world.seal()
    world.now_ms += HOUR_MS
    late = world.archive(age_ms=30 * DAY_MS)
    assert world.seal().segment_count == 0
    for _ in range(24):
        world.now_ms += HOUR_MS
        world.archive()
        world.seal()
    assert world.sealed().count(late) == 1


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 30 * 60_000 * 60),  # how long nothing happens
            st.sampled_from([0, HOUR_MS, 47 * HOUR_MS, 49 * HOUR_MS, 40 * DAY_MS]),  # age of what is archived
            st.integers(0, 4),  # traces archived
            st.sampled_from(["seal", "none", "crash", "short"]),
        ),
        max_size=25,
    )
)
def test_every_segment_is_sealed_in_the_end(steps: list[tuple[int, int, int, str]]) -> None:
    """Whatever the order of puts, calls, crashes and calls without time: within a day all stand in a digest."""
    world = World()
    for wait_ms, age_ms, count, then in steps:
        world.now_ms += wait_ms
        for _ in range(count):
            world.archive(age_ms)
        if then == "seal":
            world.seal()
        elif then == "short":
            left = iter([20_000.0, *[0.0] * 1_000])
            world.seal(lambda left=left: next(left))
        elif then == "crash":
            put_new = world.store.put_new
            world.store.put_new = lambda key, body: (_ for _ in ()).throw(ArchiveUnavailableError("down"))  # type: ignore[method-assign]
            with contextlib.suppress(ArchiveUnavailableError):
                world.seal()
            world.store.put_new = put_new  # type: ignore[method-assign]
    world.now_ms += DAY_MS
    assert world.seal().is_complete
    assert set(world.sealed()) == set(world.store.list_keys(SEGMENTS))
    digests = world.digests()
    by_number = sorted(digests, key=lambda one: one.digest.number)
    assert [one.digest.number for one in by_number] == list(range(1, len(digests) + 1))
    assert [one.digest.previous for one in by_number] == [None, *(one.link for one in by_number[:-1])][: len(digests)]


def test_without_time_the_next_call_goes_on() -> None:
    """What was read is sealed, and the answer says that it is not all."""
    world = World()
    keys = [world.archive() for _ in range(3)]
    left = iter([20_000.0, 20_000.0, 0.0, *[20_000.0] * 9])
    done = world.seal(lambda: next(left))
    assert (done.segment_count, done.is_complete, done.response()["complete"]) == (2, False, False)
    assert world.seal().is_complete
    assert sorted(world.sealed()) == sorted(keys)


def test_many_segments_make_several_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A digest lists a bounded number."""
    assert MAX_SEALED == 2_000
    monkeypatch.setattr("footpath_service.seal.MAX_SEALED", 3)
    world = World()
    keys = [world.archive() for _ in range(8)]
    assert len(world.seal().digests) == 3
    assert sorted(world.sealed()) == sorted(keys)
    with pytest.raises(ValueError, match="at most 2000"):
        encode_digest(
            number=1,
            at_ms=0,
            until_ms=0,
            swept_until_ms=0,
            previous=None,
            segments=[SealedSegment(str(number), 1, "", 1) for number in range(2_001)],
        )


def test_two_documents_of_one_revision_are_told() -> None:
    """A clash is kept, and alarmed; the same trace twice is none."""
    world = World()
    of = trace_id(1, NOON_MS)
    put_segment(world.store, line_of(of))
    put_segment(world.store, line_of(of), line_of(trace_id(2, NOON_MS)))
    assert world.seal().clashes == ()
    world.now_ms += HOUR_MS
    put_segment(world.store, line_of(of, body=document(of, other=True)))
    put_segment(world.store, line_of(of, revision=0))
    assert world.seal().clashes == (of,)
    assert world.metrics.counts["ClashingTraces"] == 1
    assert any(of in str(told) for told in world.log.told("error"))


def test_a_segment_that_cannot_be_read_is_sealed_as_it_is() -> None:
    """Damage before the first digest is no reason to leave it out; operators hear of it."""
    world = World()
    key = world.archive()
    broken = key.replace(key[-21:-9], "0123456789ab")
    world.store.put_new(broken, b"not gzip")
    world.seal()
    (digest,) = world.digests()
    assert {one.key: one.traces for one in digest.digest.segments} == {key: 1, broken: -1}
    assert world.metrics.counts["UnreadableSegments"] == 1


def test_strangers_in_the_folder_are_left_alone() -> None:
    """Objects that are no segments are not sealed, and disturb nothing."""
    world = World()
    world.store.put_new("segments/readme.txt", b"hello")
    world.store.put_new("digests/readme.txt", b"hello")
    key = world.archive()
    world.seal()
    assert [segment.key for segment in decode_digest(digest_key(NOON_MS, 1), world.store.get(digest_key(NOON_MS, 1))).digest.segments] == [key]  # fmt: skip


def test_a_damaged_newest_digest_stops_the_sealer() -> None:
    """A new chain beside a broken one would hide the break."""
    world = World()
    world.archive()
    world.store.put_new(digest_key(NOON_MS, 1), b"{}")
    with pytest.raises(CorruptArchiveError, match="no digest"):
        world.seal()


def test_a_lost_older_digest_does_not() -> None:
    """It is counted; what it had listed may be listed again."""
    world = World()
    for _ in range(3):
        world.archive()
        world.seal()
        world.now_ms += 60_000
    del world.store._objects[digest_key(NOON_MS, 1)]
    world.archive()
    world.seal()
    assert world.metrics.counts["BrokenDigests"] == 1
    assert set(world.sealed()) == set(world.store.list_keys(SEGMENTS))


def test_a_newer_archive_is_not_sealed_by_an_older_footpath() -> None:
    """It would not know what the newest digest covers."""
    world = World()
    world.archive()
    world.store.put_new(digest_key(NOON_MS, 1), b'{"digest":{"format":"footpath.digest","version":2}}')
    with pytest.raises(UnknownDigestVersionError, match="version 2"):
        world.seal()


def test_a_second_sealer_at_the_same_second_gives_way() -> None:
    """There is one digest of a number; the other's call is tried again and finds nothing to do."""
    world = World()
    world.archive()
    other = World(world.store)
    list_keys = world.store.list_keys
    world.store.list_keys = lambda prefix, start_after="": (  # type: ignore[method-assign]
        iter(()) if prefix == DIGESTS else list_keys(prefix, start_after=start_after)
    )
    world.seal()
    with pytest.raises(ArchiveUnavailableError, match="another sealer"):
        other.seal()


def test_without_a_signature_nothing_is_written() -> None:
    """A key that does not sign is a fault to mend, not a reason to go without."""

    class Refusing:
        algorithm = "ECDSA_SHA_256"
        key_id = "k"

        def sign(self, message: bytes) -> bytes:
            raise SigningError("no")

    world = World()
    world.archive()
    sealer = Sealer(store=world.store, signer=Refusing(), metrics=world.metrics, log=world.log)
    with pytest.raises(SigningError):
        sealer.seal(lambda: 600_000.0)
    assert world.digests() == []


# ── the form ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_digest_reads_as_it_is_documented() -> None:
    """To the byte, as `docs/trace-format.md` shows it."""
    signed = encode_digest(
        number=1,
        at_ms=NOON_MS,
        until_ms=NOON_MS,
        swept_until_ms=NOON_MS,
        previous=None,
        segments=[SealedSegment("segments/b", 2, "bb", 1), SealedSegment("segments/a", 1, "aa", -1)],
    )
    body = envelop_digest(signed, ("ECDSA_SHA_256", "key", b"\x01\x02"))
    assert body == (
        b'{"digest":{"format":"footpath.digest","version":1,"number":1,"madeAt":"2025-11-25T12:00:00.000Z",'
        b'"untilMs":1764072000000,"sweptUntilMs":1764072000000,"previous":null,"segments":['
        b'{"key":"segments/a","bytes":1,"sha256":"aa","traces":-1},{"key":"segments/b","bytes":2,"sha256":"bb","traces":1}]},'
        b'"signature":{"algorithm":"ECDSA_SHA_256","keyId":"key","value":"AQI="}}'
    )
    read = decode_digest(digest_key(NOON_MS, 1), body)
    assert (read.signed, read.link.sha256) == (signed, hashlib.sha256(body).hexdigest())
    assert read.signature is not None
    assert read.signature.raw == b"\x01\x02"


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"\xff", b'{"digest":1}', b'{"digest":{"format":"x"}}', b"[" * 10_000]
    + [msgspec.json.encode({"digest": {"format": "footpath.digest", "version": 1, "number": number}}) for number in (1, "1")],
)  # fmt: skip
def test_what_is_no_digest_is_told_so(body: bytes) -> None:
    """By one error, whatever is wrong."""
    with pytest.raises(CorruptArchiveError):
        decode_digest(digest_key(0, 1), body)
