"""The sealer's use case: from time to time, write down what the archive holds, and sign it.

It reads each segment put since the last digest once, whole, and lists its key, size and hash in a digest that is linked
to the one before (`footpath.archive`, digests). On the way it finds what only a look across segments can find: one
revision of a trace with two different documents.

Which segments are new, the store's own dates say. Hours of the last two days are looked at every time, the whole
archive once a day, because a message may come back from the dead-letter queue after weeks and then lies in an old hour.
A segment may stand in two digests, after a crash or for clocks that differ; that is harmless, and nothing is ever left
out.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from footpath.archive import (
    DIGESTS,
    MAX_DIGEST_BYTES,
    MAX_FOOTER_BYTES,
    MAX_SEALED,
    SEGMENTS,
    ArchiveReader,
    CorruptArchiveError,
    ObjectMissingError,
    SealedSegment,
    UnknownLineVersionError,
    decode_digest,
    decode_footer,
    digest_key,
    encode_digest,
    envelop_digest,
    hour_of_ms,
    index_by_scan,
    message_of,
    number_of_digest_key,
    parse_segment_key,
)
from footpath.errors import ArchiveUnavailableError
from footpath.ids import system_clock_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from footpath.archive import Listed, ObjectStore, Place, SignedDigest
    from footpath_service.ports import Log, Metrics, Signer

__all__ = ["Sealed", "Sealer"]

_SLACK_MS = 15 * 60 * 1000
"""Clocks of store and sealer may differ by so much, and a put may take so long between its date and its showing up."""

_WINDOW_MS = 48 * 3600 * 1000
"""Hours that are looked at every time: a trace is rarely older than this when it is archived."""

_RECENT_MS = 3 * 24 * 3600 * 1000
"""Where the newest digest is looked for first; the whole folder after that."""

_RESERVE_MS = 15_000
"""No further segment is read with less than this left: time to write the digest of what was read."""


class Sealed(NamedTuple):
    """What one call sealed.

    Attributes:
        digests: keys of the digests written, in order.
        segment_count, trace_count: what they list.
        clashes: ids of traces of which one revision has two documents, ascending.
        is_complete: False when time ran out first; the next call goes on.
    """

    digests: tuple[str, ...]
    segment_count: int
    trace_count: int
    clashes: tuple[str, ...]
    is_complete: bool

    def response(self) -> dict[str, Any]:
        """The answer to whoever invoked the function."""
        return {
            "digests": list(self.digests),
            "segments": self.segment_count,
            "traces": self.trace_count,
            "clashes": list(self.clashes[:100]),
            "complete": self.is_complete,
        }


class Sealer:
    """Seals an archive. One at a time on one archive: two at once would both follow the same digest.

    Args:
        store: the archive.
        signer: signs digests; None leaves them unsigned, and chained all the same.
        metrics, log: for operators.
        clock_ms: milliseconds since the Unix epoch.
    """

    def __init__(
        self,
        *,
        store: ObjectStore,
        signer: Signer | None,
        metrics: Metrics,
        log: Log,
        clock_ms: Callable[[], int] = system_clock_ms,
    ) -> None:
        self._store = store
        self._signer = signer
        self._metrics = metrics
        self._log = log
        self._clock_ms = clock_ms

    def seal(self, remaining_ms: Callable[[], float]) -> Sealed:
        """Seal what was put since the last digest.

        Args:
            remaining_ms: how much time is left, in milliseconds.

        Raises:
            ArchiveUnavailableError: the store did not answer; what was sealed before that stays sealed.
            CorruptArchiveError: the newest digest is not one, so none can follow it.
            UnknownDigestVersionError: a newer Footpath has sealed this archive.
            SigningError: the signer did not sign.
        """
        last = self._last()
        began_ms = self._clock_ms()
        sweeping = last is None or _day(last.digest.swept_until_ms) != _day(began_ms)
        waiting = self._unsealed(last, began_ms, sweeping=sweeping)
        keys: list[str] = []
        sealed: list[SealedSegment] = []
        hours: set[str] = set()
        complete = False
        while not complete:
            entries, taken = self._read(waiting[:MAX_SEALED], remaining_ms)
            waiting = waiting[taken:]
            complete = not waiting
            if not entries and not (complete and sweeping):
                break  # nothing new, or no time for any; once a day a digest says even so that nothing was added
            until_ms = began_ms if complete else waiting[0].modified_ms
            swept_ms = until_ms if sweeping or last is None else last.digest.swept_until_ms
            last = self._write(last, entries, until_ms, swept_ms)
            keys.append(last.key)
            sealed += entries
            hours |= {name.hour for entry in entries if (name := parse_segment_key(entry.key)) is not None}
            if taken < MAX_SEALED and not complete:
                break
        clashes = self._clashes(hours, remaining_ms)
        result = Sealed(
            tuple(keys), len(sealed), sum(max(one.traces, 0) for one in sealed), clashes, is_complete=not waiting
        )
        self._tell(result, sealed)
        return result

    # ── what is new ────────────────────────────────────────────────────────────────────────────────────────────────
    def _last(self) -> SignedDigest | None:
        """The newest digest, by number: of two keys the clock that made them may be wrong, the chain is not."""
        recent = digest_key(max(self._clock_ms() - _RECENT_MS, 0), 0)
        for start_after in (recent, ""):
            numbered = [
                (number, key)
                for key in self._store.list_keys(DIGESTS, start_after=start_after)
                if (number := number_of_digest_key(key)) is not None
            ]
            if numbered:
                return self._digest(max(numbered)[1])
        return None

    def _digest(self, key: str) -> SignedDigest:
        return decode_digest(key, self._store.get(key, max_bytes=MAX_DIGEST_BYTES))

    def _unsealed(self, last: SignedDigest | None, now_ms: int, *, sweeping: bool) -> list[Listed]:
        """Segments that no digest lists yet, in the order in which the store took them."""
        since_ms = 0
        start_after = ""
        known: set[str] = set()
        if last is not None:
            since_ms = (last.digest.swept_until_ms if sweeping else last.digest.until_ms) - _SLACK_MS
            known = self._sealed_since(last, since_ms)
        if not sweeping:
            start_after = f"{SEGMENTS}{hour_of_ms(max(now_ms - _WINDOW_MS, 0))}"
        found = [
            listed
            for listed in self._store.list_objects(SEGMENTS, start_after=start_after)
            if listed.modified_ms >= since_ms and listed.key not in known and parse_segment_key(listed.key) is not None
        ]
        return sorted(found, key=lambda listed: (listed.modified_ms, listed.key))

    def _sealed_since(self, last: SignedDigest, since_ms: int) -> set[str]:
        """Keys that the last digests list, back to one that covers nothing after `since_ms`."""
        keys = {segment.key for segment in last.digest.segments}
        at = last
        while at.digest.previous is not None and at.digest.until_ms >= since_ms:
            try:
                at = self._digest(at.digest.previous.key)
            except (ObjectMissingError, CorruptArchiveError) as error:
                # The chain is broken: `verify` says where. Listing a segment twice is harmless.
                self._log.error("a digest is gone or damaged", key=at.digest.previous.key, error=repr(error))
                self._metrics.count("BrokenDigests")
                break
            keys.update(segment.key for segment in at.digest.segments)
        return keys

    # ── reading and writing ────────────────────────────────────────────────────────────────────────────────────────
    def _read(self, waiting: Iterable[Listed], remaining_ms: Callable[[], float]) -> tuple[list[SealedSegment], int]:
        entries: list[SealedSegment] = []
        taken = 0
        for listed in waiting:
            if remaining_ms() < _RESERVE_MS:
                break
            taken += 1
            try:
                body = self._store.get(listed.key)
            except ObjectMissingError:
                self._log.error("a segment was listed and is gone", key=listed.key)
                self._metrics.count("MissingSegments")
                continue
            digest = hashlib.sha256(body).hexdigest()
            entries.append(SealedSegment(listed.key, len(body), digest, _count(body)))
        return entries, taken

    def _write(
        self, last: SignedDigest | None, entries: list[SealedSegment], until_ms: int, swept_until_ms: int
    ) -> SignedDigest:
        at_ms = self._clock_ms()
        number = 1 if last is None else last.digest.number + 1
        key = digest_key(at_ms, number)
        signed = encode_digest(
            number=number,
            at_ms=at_ms,
            until_ms=until_ms,
            swept_until_ms=swept_until_ms,
            previous=None if last is None else last.link,
            segments=entries,
        )
        signature = None
        if self._signer is not None:
            value = self._signer.sign(message_of(signed))
            signature = (self._signer.algorithm, self._signer.key_id, value)
        body = envelop_digest(signed, signature)
        if not self._store.put_new(key, body):
            # Another sealer was as fast to the second. Its digest stands; ours would be a second one of that number.
            raise ArchiveUnavailableError(f"{key} is there already: another sealer is at work")
        return decode_digest(key, body)

    # ── what only a look across segments finds ─────────────────────────────────────────────────────────────────────
    def _clashes(self, hours: set[str], remaining_ms: Callable[[], float]) -> tuple[str, ...]:
        """Traces of which one revision has two documents, in the hours that something was added to."""
        reader = ArchiveReader(self._store)
        clashing: set[str] = set()
        for hour in sorted(hours, reverse=True):
            places: dict[tuple[str, int], list[Place]] = {}
            if remaining_ms() < _RESERVE_MS:
                self._log.warning("no time to look for clashes", from_hour=hour)
                break
            try:
                for place in reader.places(hour):
                    places.setdefault((place.trace_id, place.revision), []).append(place)
            except CorruptArchiveError as error:
                self._log.error("an hour can't be looked through for clashes", hour=hour, error=str(error))
                continue
            for (trace_id, _), copies in places.items():
                if len(copies) > 1 and len(set(self._documents(reader, copies))) > 1:
                    clashing.add(trace_id)
        return tuple(sorted(clashing))

    def _documents(self, reader: ArchiveReader, copies: list[Place]) -> Iterable[str]:
        for place in copies:
            try:
                yield reader.identity(place).sha256
            except (CorruptArchiveError, UnknownLineVersionError):
                continue  # `verify` names damage; a newer line is not ours to judge

    def _tell(self, result: Sealed, sealed: list[SealedSegment]) -> None:
        self._metrics.count("SealedSegments", result.segment_count)
        self._metrics.count("SealedTraces", result.trace_count)
        self._metrics.count("ClashingTraces", len(result.clashes))
        damaged = [one.key for one in sealed if one.traces < 0]
        self._metrics.count("UnreadableSegments", len(damaged))
        for key in damaged:
            self._log.error("a segment can't be read; it was sealed as it is", key=key)
        if result.clashes:
            self._log.error("traces with two documents of one revision", trace_ids=list(result.clashes[:20]))
        facts = {"digests": len(result.digests), "segments": result.segment_count, "traces": result.trace_count}
        if result.is_complete:
            self._log.info("sealed", **facts)
        else:
            self._log.warning("sealed in part: the next call goes on", **facts)


def _count(body: bytes) -> int:
    try:
        return len(decode_footer(body[-MAX_FOOTER_BYTES:], len(body)))
    except CorruptArchiveError:
        return len(index_by_scan(body)) or -1


def _day(at_ms: int) -> int:
    return at_ms // 86_400_000
