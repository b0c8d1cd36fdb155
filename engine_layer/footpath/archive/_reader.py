"""Reading the archive back: one trace by id, the newest, or all of them."""

from __future__ import annotations

import heapq
import re
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from footpath.archive._errors import (
    AmbiguousPrefixError,
    CorruptArchiveError,
    MalformedIdError,
    ObjectMissingError,
    TraceNotFoundError,
)
from footpath.archive._footer import MAX_FOOTER_BYTES, IndexEntry, decode_footer
from footpath.archive._ids import hour_of_id, parse_trace_id, time_of_id_ms
from footpath.archive._keys import SEGMENTS, SegmentName, hour_prefix, is_large_key, parse_segment_key
from footpath.archive._line import Line, decode_line, document_sha256
from footpath.archive._members import Damage, salvage, unfold
from footpath.archive._segment import Identity
from footpath.ids import system_clock_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from footpath.archive._store import ObjectStore

_PREFIX = re.compile(r"[0-9a-f]{1,32}")
_SPAN_MS = 15 * 60 * 1000
"""How far before its own time an id's segment may begin and still be found by the first listing: a batching window, a
few redeliveries. A segment that begins earlier is found by the listing of the whole hour."""

MAX_LARGE_BYTES = 256 << 20
"""Most bytes a large document may unfold to when it is read back."""


class Place(NamedTuple):
    """Where one stored trace lies."""

    trace_id: str
    revision: int
    key: str
    offset: int
    length: int


class StoredTrace(NamedTuple):
    """One trace of the archive.

    Attributes:
        line: what was archived with it.
        document: the trace document, as it was captured.
        key: the segment it lies in.
    """

    line: Line
    document: bytes
    key: str


class ArchiveReader:
    """Reads an archive through its object store. It writes nothing and remembers nothing between calls.

    Everywhere, the same trace archived twice is one trace, and a higher revision stands for the lower ones.

    Args:
        store: where the archive lies.
        clock_ms: milliseconds since the Unix epoch, to tell a young id from a lost one.
        in_flight_s: age under which an id may still be on the way, in seconds.

    Example:
        >>> reader = ArchiveReader(store)  # one trace lies in it
        >>> line = next(reader.newest())
        >>> line.trace_id == trace.trace_id, line.status
        (True, 'completed')
        >>> decode_trace(reader.get(reader.resolve(trace.trace_id[:13])).document).status
        'completed'
    """

    def __init__(
        self, store: ObjectStore, *, clock_ms: Callable[[], int] = system_clock_ms, in_flight_s: float = 900
    ) -> None:
        self._store = store
        self._clock_ms = clock_ms
        self._in_flight_ms = in_flight_s * 1000

    # ── one trace ──────────────────────────────────────────────────────────────────────────────────────────────────
    def get(self, trace_id: str) -> StoredTrace:
        """The trace of an id; three dependent calls to the store as a rule: a listing, footers, one member.

        Raises:
            MalformedIdError: not a trace id.
            TraceNotFoundError: not in its hour's segments; says whether it may still be in flight.
            CorruptArchiveError: it is there, and damaged.
            ArchiveUnavailableError: the store did not answer.
        """
        wanted = parse_trace_id(trace_id)
        near = self._candidates(wanted, start_after=_just_before(time_of_id_ms(wanted) - _SPAN_MS))
        place = self._best_of(wanted, near)
        if place is None or place.revision == 0:
            # Nothing, or only a partial trace: before that is the answer, the whole hour is asked.
            seen = {name.key for name, _ in near}
            far = self._candidates(wanted, start_after="", skip=seen)
            place = self._best_of(wanted, [*near, *far])
        if place is None:
            age_ms = self._clock_ms() - time_of_id_ms(wanted)
            raise TraceNotFoundError(wanted, may_be_in_flight=age_ms < self._in_flight_ms)
        return self.read(place)

    def places(self, hour: str) -> list[Place]:
        """Every line of an hour, copies and lower revisions too: what is there, not what it means.

        Args:
            hour: `dt=YYYY-MM-DD/hr=HH`.
        """
        return self._places(self._segments(hour))

    def identity(self, place: Place) -> Identity:
        """Whose line lies at a place.

        Raises:
            CorruptArchiveError: it is damaged, or not what its place says.
            ArchiveUnavailableError: the store did not answer.
        """
        line = self._read_line(place)
        return Identity(line.trace_id, line.revision, line.sha256)

    def find(self, prefix: str, *, limit: int = 10) -> list[str]:
        """Ids that begin with a text of hex digits (dashes aside), newest first, at most `limit`.

        Raises:
            MalformedIdError: no id can begin like that.
        """
        digits = prefix.strip().lower().replace("-", "")
        if _PREFIX.fullmatch(digits) is None:
            raise MalformedIdError(f"{prefix[:80]!r} is not the beginning of a trace id: hex digits and dashes only")
        low, high = _dashed(digits.ljust(32, "0")), _dashed(digits.ljust(32, "f"))
        found: list[str] = []
        for hour in reversed(self._hours_between(low, high)):
            names = [name for name in self._segments(hour) if name.min_id <= high and name.max_id >= low]
            ids = {place.trace_id for place in self._places(names) if low <= place.trace_id <= high}
            found += sorted(ids, reverse=True)[: limit - len(found)]
            if len(found) >= limit:
                break
        return found

    def resolve(self, text: str) -> str:
        """The one id that begins with a text.

        Raises:
            MalformedIdError: no id can begin like that.
            TraceNotFoundError: none does.
            AmbiguousPrefixError: several do.
        """
        if len(text.strip()) == 36:
            return parse_trace_id(text)
        found = self.find(text, limit=5)
        if not found:
            raise TraceNotFoundError(text.strip(), may_be_in_flight=False)
        if len(found) > 1:
            raise AmbiguousPrefixError(text.strip(), found)
        return found[0]

    # ── many ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def newest(self) -> Iterator[Line]:
        """Lines from the newest id to the oldest, read as they are asked for.

        Raises:
            CorruptArchiveError: the next line is damaged; the walk ends there.
        """
        for hour in reversed(self.hours()):
            for place in self._newest_places(hour):
                yield self._read_line(place)

    def lines(self, *, since_hour: str = "", until_hour: str = "~") -> Iterator[Line]:
        """Every trace of the archive, hour by hour, oldest hour first; what SQL runs over.

        A segment is fetched whole, once.

        Args:
            since_hour: first hour, `dt=YYYY-MM-DD/hr=HH`.
            until_hour: last hour, inclusive.
        """
        for hour in self.hours():
            if since_hour <= hour <= until_hour:
                chosen = sorted(self._logical(self._places(self._segments(hour))), key=itemgetter(2, 3))
                for key, places in groupby(chosen, key=itemgetter(2)):
                    segment = self._store.get(key)
                    for place in places:
                        member = segment[place.offset : place.offset + place.length]
                        yield _line_of(member, place)

    def hours(self) -> list[str]:
        """The hours that have segments, `dt=YYYY-MM-DD/hr=HH`, oldest first."""
        days = self._store.list_folders(SEGMENTS)
        return [day + hour.rstrip("/") for day in days for hour in self._store.list_folders(SEGMENTS + day)]

    def is_empty(self) -> bool:
        """Whether the archive holds no segment at all."""
        return next(iter(self._store.list_keys(SEGMENTS)), None) is None

    def read(self, place: Place) -> StoredTrace:
        """The trace at a place, its document verified against its hash, fetched from `large/` where a stub points there.

        Raises:
            CorruptArchiveError: damaged, or not what its place or its hash says.
        """
        line = self._read_line(place)
        document = line.document_bytes
        if document is None:
            document = self._large_document(line, place)
        if document_sha256(document) != line.sha256:
            raise CorruptArchiveError(
                f"the document of trace {line.trace_id} does not have its hash", key=place.key, offset=place.offset
            )
        return StoredTrace(line, document, place.key)

    # ── segments ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _segments(self, hour: str, start_after: str = "") -> list[SegmentName]:
        prefix = hour_prefix(hour)
        keys = self._store.list_keys(prefix, start_after=prefix + start_after if start_after else "")
        return [name for name in map(parse_segment_key, keys) if name is not None]

    def _candidates(
        self, trace_id: str, start_after: str, skip: Iterable[str] = ()
    ) -> list[tuple[SegmentName, list[IndexEntry]]]:
        names = [
            name
            for name in self._segments(hour_of_id(trace_id), start_after)
            if name.min_id <= trace_id <= name.max_id and name.key not in skip
        ]
        return list(zip(names, self._indexes(names), strict=True))

    def _best_of(self, trace_id: str, indexes: Iterable[tuple[SegmentName, list[IndexEntry]]]) -> Place | None:
        places = [
            Place(entry.trace_id, entry.revision, name.key, entry.offset, entry.length)
            for name, entries in indexes
            for entry in entries
            if entry.trace_id == trace_id
        ]
        return next(self._logical(places), None)

    def _places(self, names: list[SegmentName]) -> list[Place]:
        return [
            Place(entry.trace_id, entry.revision, name.key, entry.offset, entry.length)
            for name, entries in zip(names, self._indexes(names), strict=True)
            for entry in entries
        ]

    def _logical(self, places: Iterable[Place]) -> Iterator[Place]:
        """One place per id, ascending: the highest revision; among copies the first by key, so always the same one."""
        ordered = sorted(places, key=lambda place: (place.trace_id, -place.revision, place.key, place.offset))
        for _, copies in groupby(ordered, key=itemgetter(0)):
            yield next(copies)

    def _newest_places(self, hour: str) -> Iterator[Place]:
        """The hour's places, newest first, opening a segment only when its largest id can be the next one."""
        names = sorted(self._segments(hour), key=lambda name: name.max_id, reverse=True)
        waiting: list[tuple[int, int, str, Place]] = []  # a heap: newest id first, then highest revision
        last_id = ""
        for name, following in zip_longest(names, names[1:]):
            for place in self._places([name]):
                heapq.heappush(waiting, (-_number(place.trace_id), -place.revision, place.key, place))
            # An id that equals the next segment's largest may have a higher revision there, so it waits.
            while waiting and (following is None or waiting[0][3].trace_id > following.max_id):
                place = heapq.heappop(waiting)[3]
                if place.trace_id != last_id:
                    last_id = place.trace_id
                    yield place

    def _hours_between(self, low: str, high: str) -> list[str]:
        if time_of_id_ms(high) - time_of_id_ms(low) < 3_600_000 and high < "e677":  # datetime ends at e677d21f...
            return sorted({hour_of_id(low), hour_of_id(high)})
        earliest = "" if low > "e677" else hour_of_id(low)
        latest = "~" if high > "e677" else hour_of_id(high)
        return [hour for hour in self.hours() if earliest <= hour <= latest]

    def _indexes(self, names: list[SegmentName]) -> list[list[IndexEntry]]:
        if len(names) < 3:
            return [self._index(name) for name in names]
        from concurrent.futures import ThreadPoolExecutor

        # The footers don't depend on each other: together they take the time of one call.
        with ThreadPoolExecutor(min(len(names), 16)) as pool:
            return list(pool.map(self._index, names))

    def _index(self, name: SegmentName) -> list[IndexEntry]:
        try:
            suffix = self._store.get_suffix(name.key, MAX_FOOTER_BYTES)
            return decode_footer(suffix.data, suffix.size_bytes)
        except (CorruptArchiveError, ObjectMissingError):
            # Without its footer a segment is still a gzip stream of lines; an object without a byte has no end at all.
            return index_by_scan(self._store.get(name.key))

    def _read_line(self, place: Place) -> Line:
        return _line_of(self._store.get_range(place.key, place.offset, place.length), place)

    def _large_document(self, line: Line, place: Place) -> bytes:
        stub = line.stub
        if stub is None:
            raise CorruptArchiveError(
                f"the line of trace {line.trace_id} has no document", key=place.key, offset=place.offset
            )
        if not is_large_key(stub.key, line.trace_id, line.sha256) or not 0 <= stub.bytes <= MAX_LARGE_BYTES:
            raise CorruptArchiveError(
                f"the line of trace {line.trace_id} points to {stub.key!r} of {stub.bytes} bytes, which is not its own",
                key=place.key,
                offset=place.offset,
            )
        try:
            return unfold(self._store.get(stub.key, max_bytes=MAX_LARGE_BYTES), max_bytes=stub.bytes)
        except ObjectMissingError as error:
            raise CorruptArchiveError(f"the document of trace {line.trace_id} is gone", key=stub.key) from error


def index_by_scan(segment: bytes) -> list[IndexEntry]:
    """The index of a segment whose footer is gone or damaged, from the lines that can still be read."""
    entries: list[IndexEntry] = []
    for found in salvage(segment):
        if isinstance(found, Damage) or not found.data:
            continue
        try:
            line = decode_line(found.data)
        except CorruptArchiveError:
            continue
        entries.append(IndexEntry(line.trace_id, line.revision, found.offset, found.length))
    return entries


def _line_of(member: bytes, place: Place) -> Line:
    try:
        line = decode_line(unfold(member))
    except CorruptArchiveError as error:
        raise CorruptArchiveError(str(error), key=place.key, offset=place.offset) from error
    if (line.trace_id, line.revision) != (place.trace_id, place.revision):
        raise CorruptArchiveError(
            f"trace {line.trace_id} lies where the index says {place.trace_id}", key=place.key, offset=place.offset
        )
    return line


def _just_before(at_ms: int) -> str:
    """A text that sorts before every id of that millisecond and after those of the one before."""
    digits = f"{max(at_ms, 0):012x}"
    return f"{digits[:8]}-{digits[8:]}-"


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _number(trace_id: str) -> int:
    return int(trace_id.replace("-", ""), 16)
