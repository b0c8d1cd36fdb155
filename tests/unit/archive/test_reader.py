from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from footpath.archive import (
    AmbiguousPrefixError,
    ArchiveReader,
    CorruptArchiveError,
    MalformedIdError,
    TraceNotFoundError,
    hour_of_id,
)
from footpath_service.adapters.memory import MemoryStore
from tests.unit.archive._traces import START_MS, document, line_of, put_large, put_segment, trace_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from footpath.archive import Suffix

HOUR_MS = 3_600_000


class CountingStore(MemoryStore):
    """Counts the calls a reader makes, as S3 would bill and delay them."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        self.calls.append("get")
        return super().get(key, max_bytes=max_bytes)

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        self.calls.append("get_range")
        return super().get_range(key, offset, length)

    def get_suffix(self, key: str, length: int) -> Suffix:
        self.calls.append("get_suffix")
        return super().get_suffix(key, length)

    def list_keys(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        self.calls.append("list")
        return super().list_keys(prefix, start_after=start_after)


def reader_of(store: MemoryStore, now_ms: int = START_MS + 10 * HOUR_MS) -> ArchiveReader:
    return ArchiveReader(store, clock_ms=lambda: now_ms)


def test_a_trace_is_read_by_its_id_in_three_calls() -> None:
    """A listing, a footer, a member: no more, among many segments and hours."""
    store = CountingStore()
    for hour in range(3):
        for block in range(20):
            at = START_MS + hour * HOUR_MS + block * 60_000
            put_segment(store, *[line_of(trace_id(number, at + number)) for number in range(5)])
    wanted = trace_id(3, START_MS + HOUR_MS + 7 * 60_000 + 3)
    found = reader_of(store).get(wanted)
    assert found.document == document(wanted)
    assert found.line.narrative == [f"Story of {wanted}"]
    assert store.calls == ["list", "get_suffix", "get_range"]


def test_a_trace_in_a_late_segment_is_found_by_the_whole_hour() -> None:
    """An old message redelivered beside young ones lies in a segment that begins long before it."""
    store = MemoryStore()
    wanted = trace_id(9, START_MS + 59 * 60_000)
    put_segment(store, line_of(trace_id(1)), line_of(wanted))
    put_segment(store, line_of(trace_id(2, START_MS + 58 * 60_000)))
    assert reader_of(store).get(wanted).line.trace_id == wanted


def test_the_higher_revision_is_what_is_read() -> None:
    """Revision 1 supersedes the partial trace, wherever in the hour it lies and whichever came first."""
    store = MemoryStore()
    wanted = trace_id(9, START_MS + 59 * 60_000)
    put_segment(store, line_of(wanted, revision=0, status="deadline"))
    assert reader_of(store).get(wanted).line.status == "deadline"
    put_segment(store, line_of(trace_id(1)), line_of(wanted, revision=1))
    found = reader_of(store)
    assert found.get(wanted).line.revision == 1
    assert [line.revision for line in found.lines() if line.trace_id == wanted] == [1]
    assert [line.revision for line in found.newest() if line.trace_id == wanted] == [1]


def test_a_trace_archived_twice_is_one() -> None:
    """At-least-once delivery makes copies; no reader counts them."""
    store = MemoryStore()
    put_segment(store, line_of(trace_id(1)), line_of(trace_id(2)))
    put_segment(store, line_of(trace_id(2)), line_of(trace_id(3)))
    reader = reader_of(store)
    assert [line.trace_id for line in reader.lines()] == [trace_id(1), trace_id(2), trace_id(3)]
    assert [line.trace_id for line in reader.newest()] == [trace_id(3), trace_id(2), trace_id(1)]


def test_an_unknown_id_says_whether_it_may_still_come() -> None:
    """A young id may be in flight; an old one is not there."""
    store = MemoryStore()
    put_segment(store, line_of(trace_id(1)))
    with pytest.raises(TraceNotFoundError, match="in flight") as young:
        reader_of(store, START_MS + 60_000).get(trace_id(2))
    assert young.value.may_be_in_flight
    with pytest.raises(TraceNotFoundError) as old:
        reader_of(store).get(trace_id(2))
    assert not old.value.may_be_in_flight


def test_a_malformed_id_never_reaches_the_store() -> None:
    """Ids become keys."""
    store = CountingStore()
    with pytest.raises(MalformedIdError):
        reader_of(store).get("../../segments")
    assert store.calls == []


def test_a_stub_is_followed_to_its_large_document() -> None:
    """A document too large for a line is read all the same."""
    store = MemoryStore()
    body = msgspec.json.encode({"big": "x" * 100_000})
    put_segment(store, put_large(store, trace_id(1), body), line_of(trace_id(2)))
    assert reader_of(store).get(trace_id(1)).document == body


@pytest.mark.parametrize(
    "stub",
    [
        {"key": "claims/" + "0" * 64, "bytes": 5},
        {"key": "large/019ab697-e800-7000-a000-000000000002-0123456789ab.json.gz", "bytes": 5},
        {"key": "../large", "bytes": 5},
    ],
)
def test_a_stub_that_points_elsewhere_is_refused(stub: dict[str, object]) -> None:
    """A forged line can't make a reader open another object."""
    store = MemoryStore()
    identity, line = put_large(store, trace_id(1), b'{"a":1}')
    forged = json.loads(line) | {"stub": stub}
    put_segment(store, (identity, json.dumps(forged).encode() + b"\n"))
    with pytest.raises(CorruptArchiveError, match="not its own"):
        reader_of(store).get(trace_id(1))


def test_a_large_document_that_is_gone_or_grew_is_damage() -> None:
    """The stub gives its size: a bomb in its place is refused before it unfolds."""
    store = MemoryStore()
    put_segment(store, put_large(store, trace_id(1), b'{"a":1}'))
    key = next(iter(store.list_keys("large/")))
    store._objects[key] = gzip.compress(bytes(1_000_000))
    with pytest.raises(CorruptArchiveError, match="more than 7 bytes"):
        reader_of(store).get(trace_id(1))
    del store._objects[key]
    with pytest.raises(CorruptArchiveError, match="is gone"):
        reader_of(store).get(trace_id(1))


def test_a_document_that_was_changed_is_found_by_its_hash() -> None:
    """Reading verifies identity: an edited line is damage, not an answer."""
    store = MemoryStore()
    identity, line = line_of(trace_id(1))
    put_segment(store, (identity, line.replace(b'"document":{"traceId":"0', b'"document":{"traceId":"1')))
    with pytest.raises(CorruptArchiveError, match="does not have its hash") as caught:
        reader_of(store).get(trace_id(1))
    assert caught.value.key.startswith("segments/dt=2025-11-24/hr=16/")


def test_a_segment_without_a_footer_is_still_read() -> None:
    """The index helps; the lines are what counts."""
    store = MemoryStore()
    key = put_segment(store, line_of(trace_id(1)), line_of(trace_id(2)))
    store._objects[key] = store._objects[key][:-30]
    assert reader_of(store).get(trace_id(2)).line.trace_id == trace_id(2)
    assert [line.trace_id for line in reader_of(store).lines()] == [trace_id(1), trace_id(2)]


def test_strangers_in_the_folder_are_passed_over() -> None:
    """Somebody's note beside the segments breaks nothing."""
    store = MemoryStore()
    put_segment(store, line_of(trace_id(1)))
    store.put_new("segments/dt=2025-11-24/hr=16/README.txt", b"hello")
    # An hour of nothing else, too: a console's "folder" is such an object.
    store.put_new("segments/dt=2025-11-24/hr=17/", b"")
    store.put_new("segments/dt=2025-11-24/hr=18/README.txt", b"hello")
    assert [line.trace_id for line in reader_of(store).lines()] == [trace_id(1)]
    assert [line.trace_id for line in reader_of(store).newest()] == [trace_id(1)]


def test_an_empty_object_in_a_segments_place_hides_no_other() -> None:
    """As a segment that is cut before its first line: `verify` names it, readers pass on."""
    store = MemoryStore()
    key = put_segment(store, line_of(trace_id(1)), line_of(trace_id(2)))
    other = put_segment(store, line_of(trace_id(3)))
    store._objects[other] = b""
    assert key != other
    assert [line.trace_id for line in reader_of(store).newest()] == [trace_id(2), trace_id(1)]
    with pytest.raises(TraceNotFoundError):
        reader_of(store).get(trace_id(3))


# ── prefixes ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_ids_are_found_by_their_beginning_newest_first() -> None:
    """Nobody types 36 characters."""
    store = MemoryStore()
    ids = [trace_id(number, START_MS + hour * HOUR_MS) for hour in range(3) for number in range(4)]
    for one in ids:
        put_segment(store, line_of(one))
    reader = reader_of(store)
    assert reader.find("019ab", limit=5) == sorted(ids, reverse=True)[:5]
    assert reader.find(ids[5][:14]) == sorted((one for one in ids if one[:14] == ids[5][:14]), reverse=True)
    assert reader.find(ids[5].upper()) == [ids[5]]
    assert reader.find("ffff") == []
    assert reader.find("0") == sorted(ids, reverse=True)[:10]


def test_one_id_is_resolved_and_several_are_named() -> None:
    """An ambiguous beginning is an error that shows the choices."""
    store = MemoryStore()
    put_segment(store, line_of(trace_id(1)), line_of(trace_id(2)))
    reader = reader_of(store)
    assert reader.resolve(trace_id(1)) == trace_id(1)
    assert reader.resolve(trace_id(1)[:35] + "1") == trace_id(1)
    with pytest.raises(AmbiguousPrefixError) as caught:
        reader.resolve("019a")
    assert set(caught.value.candidates) == {trace_id(1), trace_id(2)}
    with pytest.raises(TraceNotFoundError):
        reader.resolve("0fff")


@pytest.mark.parametrize("prefix", ["", "xyz", "019a/../..", "0" * 33, "-"])
def test_what_begins_no_id_is_refused(prefix: str) -> None:
    """Only hex digits and dashes."""
    with pytest.raises(MalformedIdError):
        reader_of(MemoryStore()).find(prefix)


# ── many ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_newest_come_first_across_overlapping_segments() -> None:
    """Pollers fill batches of their own: the ids of two segments interleave, the listing must not."""
    store = MemoryStore()
    ids = [trace_id(number, START_MS + number * 60_000) for number in range(120)]
    for poller in range(5):
        for hour in ("dt=2025-11-24/hr=16", "dt=2025-11-24/hr=17"):
            put_segment(store, *[line_of(one) for one in ids[poller::5] if hour_of_id(one) == hour])
    assert [line.trace_id for line in reader_of(store).newest()] == ids[::-1]


def test_the_newest_few_open_few_segments() -> None:
    """A listing of ten must not read the archive."""
    store = CountingStore()
    for block in range(30):
        at = START_MS + block * 60_000
        put_segment(store, *[line_of(trace_id(number, at + number)) for number in range(3)])
    store.calls.clear()
    newest = reader_of(store).newest()
    assert [next(newest).trace_id for _ in range(3)] == [trace_id(n, START_MS + 29 * 60_000 + n) for n in (2, 1, 0)]
    assert store.calls.count("get_suffix") <= 2


def test_hours_bound_what_is_read() -> None:
    """SQL over a day reads that day."""
    store = MemoryStore()
    for hour in range(4):
        put_segment(store, line_of(trace_id(hour, START_MS + hour * HOUR_MS)))
    reader = reader_of(store)
    assert reader.hours() == [f"dt=2025-11-24/hr={16 + hour}" for hour in range(4)]
    some = reader.lines(since_hour="dt=2025-11-24/hr=17", until_hour="dt=2025-11-24/hr=18")
    assert [line.trace_id[-1] for line in some] == ["1", "2"]


def test_an_empty_archive_is_empty() -> None:
    """Nothing there is no error."""
    reader = reader_of(MemoryStore())
    assert reader.is_empty()
    assert list(reader.lines()) == list(reader.newest()) == reader.hours() == reader.find("01") == []
