"""The processor's use case: from a batch of messages to segments in the archive.

Each message has one of three outcomes. *Done*: its trace lies in the archive, or it was poison and lies in the
dead-letter queue with its reason. *Retry*: its id is returned, and the queue delivers it again. *Poison* without a
dead-letter queue is returned, too, and the queue's own policy moves it in the end.

Between receive and acknowledge stands one durable effect per message, the put of the segment that holds its line; it
may be repeated, because a segment's name follows from its documents. All else is best effort.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from footpath.archive import (
    MAX_DOCUMENT_BYTES,
    NOTHING,
    Identity,
    Line,
    MalformedIdError,
    SegmentWriter,
    Stub,
    document_sha256,
    encode_line,
    fits_a_line,
    gzip_member,
    hour_of_id,
    large_key,
    parse_trace_id,
    time_of_id_ms,
)
from footpath.errors import (
    ArchiveUnavailableError,
    ReplayError,
    SpecDocumentError,
    TraceDecodeError,
    UnknownVersionError,
)
from footpath.trace import decode_trace
from footpath_service.errors import PoisonMessageError
from footpath_service.playback import Playback
from footpath_service.poison import DeadLetters
from footpath_service.recorders import ArchivedTrace, ReplayedTrace
from footpath_service.wire import decode_body

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from footpath.archive import ObjectStore
    from footpath.trace import Trace
    from footpath_service.ports import Log, MessageQueue, Metrics
    from footpath_service.records import SqsRecord
    from footpath_service.settings import Settings

__all__ = ["BatchResult", "Processor"]

_LEAST_PUT_MS = 500
"""A put is not begun with less than this left: its outcome would not be known."""

_MAX_SKEW_MS = 20 * 60 * 1000
"""Between an id's time and the queue's: a Lambda's longest run, and five minutes for clocks that differ."""

_MAX_REVISION = 0xFFFF
"""What a segment's index holds."""


class BatchResult(NamedTuple):
    """What became of a batch.

    Attributes:
        retry_ids: messages to deliver again, in the order they came; each once.
        archived_count: traces that this batch put into the archive, or found there.
        poison_count: messages that were poison, wherever they went.
    """

    retry_ids: tuple[str, ...]
    archived_count: int
    poison_count: int

    def response(self) -> dict[str, Any]:
        """The answer to Lambda's poller."""
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in self.retry_ids]}


class Processor:
    """Archives batches of traces. One batch at a time; nothing of a batch outlives it.

    Args:
        store: the archive; also where claims lie.
        dead_letters: where poison goes; None leaves it to the queue's redrive policy.
        settings: bucket, limits and reserve.
        make_recorders: gives the recorders of one batch.
        metrics, log: for operators.
    """

    def __init__(
        self,
        *,
        store: ObjectStore,
        dead_letters: MessageQueue | None,
        settings: Settings,
        make_recorders: Callable[[], Sequence[Any]],
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._store = store
        self._dead_letters = None if dead_letters is None else DeadLetters(dead_letters, settings.max_message_bytes)
        self._settings = settings
        self._make_recorders = make_recorders
        self._metrics = metrics
        self._log = log

    def process(self, records: Sequence[SqsRecord], remaining_ms: Callable[[], float]) -> BatchResult:
        """Take a batch.

        Args:
            records: its messages.
            remaining_ms: how much time is left, in milliseconds.

        Returns:
            Which messages must come again; never an error, whatever the messages hold.
        """
        with _settled_memory():
            batch = _Batch(
                self._store, self._dead_letters, self._settings, Playback(self._recorders(), self._log), self._log
            )
            for number, record in enumerate(records):
                if remaining_ms() < self._settings.processor_reserve_ms:
                    batch.retry_all(records[number:], "no time left")
                    break
                batch.take(record)
            batch.finish(remaining_ms)
        self._count(batch)
        return BatchResult(tuple(batch.retry_ids), len(batch.archived), batch.poison_count)

    def _recorders(self) -> Sequence[Any]:
        try:
            return list(self._make_recorders())
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a user's factory must not stop the archive
            self._log.error("the recorders could not be made", error=repr(error)[:400])
            self._metrics.count("RecorderFailures")
            return ()

    def _count(self, batch: _Batch) -> None:
        counts = {
            "TracesArchived": len(batch.archived),
            "TracesDuplicate": batch.duplicate_count,
            "TracesSkewed": batch.skewed_count,
            "SegmentsPut": batch.segment_count,
            "MessagesPoison": batch.poison_count,
            "MessagesReturned": len(batch.retry_ids),
            "RecorderFailures": batch.playback.failure_count,
        }
        for name, value in counts.items():
            if value:
                self._metrics.count(name, value)
        self._log.info("batch processed", **counts)


class _Group(NamedTuple):
    """What is put as one segment: a writer, the messages that wait for it, and what to tell recorders afterwards."""

    name: str
    writer: SegmentWriter
    message_ids: list[str]
    traces: list[ArchivedTrace]


class _Batch:
    """One batch under way."""

    def __init__(
        self,
        store: ObjectStore,
        dead_letters: DeadLetters | None,
        settings: Settings,
        playback: Playback,
        log: Log,
    ) -> None:
        self._store = store
        self._dead_letters = dead_letters
        self._settings = settings
        self._log = log
        self._groups: dict[str, _Group] = {}
        self.playback = playback
        self.retry_ids: dict[str, None] = {}
        self.archived: list[ArchivedTrace] = []
        self.poison_count = 0
        self.duplicate_count = 0
        self.segment_count = 0
        self.skewed_count = 0

    # ── one message ────────────────────────────────────────────────────────────────────────────────────────────────
    def take(self, record: SqsRecord) -> None:
        """Decode, replay and hold one message; decide at once what can be decided at once."""
        try:
            self._archive(record)
        except (PoisonMessageError, TraceDecodeError, ReplayError, MalformedIdError) as error:
            self._poison(record, error)
        except ArchiveUnavailableError as error:
            self._retry(record.message_id, f"the archive is unavailable: {error}")
        except Exception as error:  # noqa: BLE001  # a fault of ours or of the machine: no sibling may suffer from it
            self._retry(record.message_id, f"unexpected: {error!r}")

    def _archive(self, record: SqsRecord) -> None:
        settings = self._settings
        if record.body is None:
            raise PoisonMessageError("not-a-trace", "the record has no body that is a text")
        document = decode_body(
            record.body, store=self._store, bucket=settings.archive_bucket, limits=settings.wire_limits
        )
        trace = decode_trace(document, sent_at_ms=record.sent_at_ms)
        identity = _identity(trace, document)
        group = self._group_of(identity)
        if identity in group.writer:
            self.duplicate_count += 1
        else:
            line = self._line(trace, identity, document, record.sent_at_ms, group.name)
            group.writer.add(identity, line)
            group.traces.append(
                ArchivedTrace(*identity, trace.chart_id, trace.status, trace.duration_ms, key="", group=group.name)
            )
        group.message_ids.append(record.message_id)
        if record.sent_at_ms is not None and abs(record.sent_at_ms - time_of_id_ms(identity.trace_id)) > _MAX_SKEW_MS:
            self.skewed_count += 1
        if group.writer.is_full or group.writer.size_bytes >= settings.segment_bytes:
            self._put(group)

    def _line(self, trace: Trace, identity: Identity, document: bytes, sent_at_ms: int | None, group: str) -> bytes:
        views = self.playback.play(ReplayedTrace(trace, group))
        stub: Stub | None = None
        if len(document) > MAX_DOCUMENT_BYTES or not fits_a_line(document):
            key = large_key(identity.trace_id, identity.sha256)
            self._store.put_new(key, gzip_member(document, self._settings.segment_gzip_level))
            stub = Stub(key, len(document))
        error: Mapping[str, Any] = trace.error or {}
        line = Line(
            trace_id=identity.trace_id,
            revision=identity.revision,
            sha256=identity.sha256,
            run_id=_known(trace.run_id),
            chart=_known(trace.chart.id),
            chart_name=_known(trace.chart.name),
            chart_hash=_known(trace.chart.hash),
            status=trace.status,
            started_at=_known(trace.started_at),
            duration_ms=trace.duration_ms,
            error_type=error.get("type"),
            error_message=error.get("message"),
            error_stage=error.get("stageId"),
            sent_at=None if sent_at_ms is None else _iso(sent_at_ms),
            views=None if views.omitted is None else "omitted",
            views_reason=views.omitted,
            narrative=views.narrative,
            state=views.state or NOTHING,
            audit=views.audit or NOTHING,
            weight=trace.weight,
            dropped_entries=trace.truncated["dropped"] if trace.truncated else 0,
            stub=stub,
            document=NOTHING if stub else msgspec.Raw(document),
        )
        return encode_line(line)

    # ── outcomes ───────────────────────────────────────────────────────────────────────────────────────────────────
    def retry_all(self, records: Sequence[SqsRecord], why: str) -> None:
        """Return messages that were not looked at."""
        for record in records:
            self.retry_ids[record.message_id] = None
        self._log.warning("messages returned", count=len(records), why=why)

    def _retry(self, message_id: str, why: str) -> None:
        self.retry_ids[message_id] = None
        self._log.warning("message returned", message_id=message_id, why=why[:400])

    def _poison(self, record: SqsRecord, error: Exception) -> None:
        self.poison_count += 1
        reason = _reason(error)
        self._log.error("poison message", message_id=record.message_id, reason=reason, detail=str(error)[:400])
        if self._dead_letters is None:
            self.retry_ids[record.message_id] = None
            return
        try:
            self._dead_letters.send(record, reason, str(error))
        except Exception as failure:  # noqa: BLE001  # it stays in its own queue, and is tried again
            self._retry(record.message_id, f"the dead-letter queue did not take it: {failure}")

    # ── groups ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def _group_of(self, identity: Identity) -> _Group:
        hour = hour_of_id(identity.trace_id)
        group = self._groups.get(hour)
        if group is None:
            name = f"{hour}#{self.segment_count + len(self._groups)}"
            writer = SegmentWriter(hour, level=self._settings.segment_gzip_level)
            group = self._groups[hour] = _Group(name, writer, [], [])
        return group

    def _put(self, group: _Group) -> None:
        del self._groups[group.writer.hour]
        self.segment_count += 1
        segment = group.writer.finish()
        try:
            # False says that the same documents lie there already: an earlier delivery got that far.
            self._store.put_new(segment.key, segment.body)
        except Exception as error:  # noqa: BLE001  # only this group's messages come again
            self._give_up(group, repr(error)[:400])
        else:
            self.archived += [trace._replace(key=segment.key) for trace in group.traces]

    def _give_up(self, group: _Group, why: str) -> None:
        self._log.error("a segment was not put", group=group.name, traces=len(group.traces), why=why)
        for message_id in group.message_ids:
            self.retry_ids[message_id] = None

    def finish(self, remaining_ms: Callable[[], float]) -> None:
        """Put what is held, then let recorders have their effects."""
        for group in list(self._groups.values()):
            if not group.traces:
                continue
            if remaining_ms() < _LEAST_PUT_MS:
                self._give_up(group, "no time left")
            else:
                self._put(group)
        self.playback.flush(self.archived)


@contextmanager
def _settled_memory() -> Generator[None]:
    """No garbage collection within a batch.

    What a trace makes dies with it by reference count, and looking for cycles in the heap of a warm Lambda costs
    several times the decoding.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _identity(trace: Trace, document: bytes) -> Identity:
    if not 0 <= trace.revision <= _MAX_REVISION:
        raise PoisonMessageError("bad-identity", f"revision {trace.revision} is not from 0 to {_MAX_REVISION}")
    if parse_trace_id(trace.trace_id) != trace.trace_id:
        raise PoisonMessageError("bad-identity", f"the trace id {trace.trace_id!r} is not in its canonical form")
    return Identity(trace.trace_id, trace.revision, document_sha256(document))


def _reason(error: Exception) -> str:
    if isinstance(error, PoisonMessageError):
        return error.reason
    if isinstance(error, UnknownVersionError):
        return "unknown-version"
    if isinstance(error, MalformedIdError):
        return "bad-identity"
    return "bad-journal" if isinstance(error, ReplayError | SpecDocumentError) else "wrong-schema"


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _known(text: str) -> str | None:
    return text or None
