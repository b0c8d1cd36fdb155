from __future__ import annotations

import gc
import gzip
import json
import random
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footpath import FlowChartExecutor, encode_trace, flow_chart
from footpath.archive import MAX_DOCUMENT_BYTES, ArchiveReader, TraceNotFoundError
from footpath.recorders import ArchiveRecorder, verify_chain
from footpath_service.adapters.memory import MemoryQueue, MemoryStore
from footpath_service.errors import QueueUnavailableError
from footpath_service.process import BatchResult, Processor
from footpath_service.recorders import ArchivedTrace, BatchMetrics, default_recorders
from footpath_service.wire import encode_body, encode_claim
from tests.unit.service._fakes import (
    SETTINGS,
    CountingMetrics,
    FaultyQueue,
    FaultyStore,
    ListLog,
    queue_down,
    store_down,
)
from tests.unit.service._traces import START_MS, document, message, record, trace_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from footpath_service.ports import MessageQueue
    from footpath_service.records import SqsRecord
    from footpath_service.settings import Settings

HOUR_MS = 3_600_000


class Pipe:
    """A processor over memory."""

    def __init__(
        self,
        store: MemoryStore | None = None,
        *,
        dead_letters: MessageQueue | None = None,
        settings: Settings = SETTINGS,
        recorders: Callable[[], Sequence[Any]] = default_recorders,
    ) -> None:
        self.store = store or MemoryStore()
        self.log = ListLog()
        self.metrics = CountingMetrics()
        self.processor = Processor(
            store=self.store,
            dead_letters=dead_letters,
            settings=settings,
            make_recorders=recorders,
            metrics=self.metrics,
            log=self.log,
        )

    def process(self, *records: SqsRecord, remaining_ms: Callable[[], float] = lambda: 60_000) -> BatchResult:
        return self.processor.process(records, remaining_ms)

    @property
    def reader(self) -> ArchiveReader:
        return ArchiveReader(self.store, clock_ms=lambda: START_MS + 100 * HOUR_MS)

    def ids(self) -> list[str]:
        return [line.trace_id for line in self.reader.lines()]


# ── the way of a trace ─────────────────────────────────────────────────────────────────────────────────────────────
def test_a_trace_is_archived_with_what_a_person_reads() -> None:
    """Document to the byte; story, state and chained audit beside it; header scalars for SQL."""
    pipe = Pipe()
    assert pipe.process(message(7, amount=5000)).response() == {"batchItemFailures": []}
    found = pipe.reader.get(trace_id(7))
    line = found.line
    assert found.document.startswith(b'{"format":"footpath.trace"')
    assert (line.chart, line.chart_name, line.status, line.revision) == ("receive", "Receive", "completed", 1)
    assert line.sent_at == "2025-11-24T16:00:00.000Z"
    assert line.started_at is not None
    assert line.duration_ms is not None
    assert line.narrative is not None
    assert any('"too much"' in text for text in line.narrative)
    assert msgspec.json.decode(line.state)["decision"] == "rejected"
    assert verify_chain(line.audit) is None
    assert [row["kind"] for row in msgspec.json.decode(line.audit)][-1] == "run-end"


def test_a_batch_becomes_one_segment_an_hour() -> None:
    """One put per batch and hour of id; the hour is the id's, whenever it was sent."""
    pipe = Pipe()
    records = [message(number, START_MS + (number % 3) * HOUR_MS + number) for number in range(12)]
    assert pipe.process(*records).retry_ids == ()
    assert pipe.reader.hours() == ["dt=2025-11-24/hr=16", "dt=2025-11-24/hr=17", "dt=2025-11-24/hr=18"]
    assert len(list(pipe.store.list_keys("segments/"))) == 3
    assert pipe.metrics.counts["SegmentsPut"] == 3
    assert pipe.metrics.counts["TracesArchived"] == 12


def test_a_failed_run_keeps_its_error_in_the_line() -> None:
    """SQL finds failures without opening documents."""
    pipe = Pipe()
    error = {"type": "PolicyError", "message": "no policy", "stageId": "raise"}
    pipe.process(message(1, status="failed", error=error))
    line = pipe.reader.get(trace_id(1)).line
    assert (line.status, line.error_type, line.error_message, line.error_stage) == ("failed", *error.values())


def test_a_full_segment_is_put_and_another_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 2,000 traces a segment, whatever the batch size."""
    monkeypatch.setattr("footpath.archive._segment.MAX_TRACES", 4)
    pipe = Pipe()
    assert pipe.process(*[message(number) for number in range(10)]).archived_count == 10
    assert len(list(pipe.store.list_keys("segments/"))) == 3
    assert pipe.ids() == [trace_id(number) for number in range(10)]


def test_a_large_segment_is_put_before_the_batch_ends() -> None:
    """Memory stays bounded: what is compressed is written when there is enough of it."""
    pipe = Pipe(settings=replace(SETTINGS, segment_bytes=4_000))
    assert pipe.process(*[message(number) for number in range(10)]).archived_count == 10
    assert len(list(pipe.store.list_keys("segments/"))) > 1
    assert len(pipe.ids()) == 10


def test_a_document_too_large_for_a_line_lies_beside_its_segment() -> None:
    """Over 24 MiB: an object of its own, a stub line, and it is read back the same."""
    pipe = Pipe()
    noise = random.Random(1).randbytes(MAX_DOCUMENT_BYTES // 2 + 1000).hex()
    body = encode_body(document(1, context={"noise": noise})).encode()
    claim, key = encode_claim("archive", body)
    pipe.store.put_new(key, body)
    assert pipe.process(record(claim), message(2)).retry_ids == ()
    found = pipe.reader.get(trace_id(1))
    assert found.line.stub is not None
    assert found.line.narrative
    assert len(found.document) > MAX_DOCUMENT_BYTES
    assert pipe.reader.get(trace_id(2)).line.stub is None


def test_a_journal_that_unfolds_to_too_much_is_archived_without_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong with it: the document is kept to the byte and says why there is no more; its neighbours are whole."""
    monkeypatch.setattr("footpath_service.playback.MAX_UNFOLDED_BYTES", 100_000)

    def grow(scope: Any) -> None:
        scope.items = ["x" * 1000]
        for number in range(200):
            scope.items.append(number)

    executor = FlowChartExecutor(flow_chart("Grow", grow, "grow").build())
    executor.run()
    encoded = encode_trace(executor.get_trace(trace_id=trace_id(2)))
    dead_letters = MemoryQueue()
    ended: list[str] = []

    class Listening:
        id = "listening"

        def on_write(self, event: Any) -> None:
            """What unfolds is what is shown."""

        def end_trace(self, trace: Any) -> None:
            ended.append(trace.trace_id)

    pipe = Pipe(dead_letters=dead_letters, recorders=lambda: [*default_recorders(), Listening()])
    result = pipe.process(message(1), record(encode_body(encoded), "m-2"), message(3))
    assert (result.retry_ids, result.archived_count, result.poison_count) == ((), 3, 0)
    found = pipe.reader.get(trace_id(2))
    assert found.document == encoded
    assert found.line.views_omitted
    assert found.line.views_reason == "the journal unfolds to more than 100000 bytes"
    assert (found.line.narrative, found.line.status) == (None, "completed")
    assert ended == [trace_id(1), trace_id(3)]
    assert all(pipe.reader.get(trace_id(number)).line.narrative for number in (1, 3))


# ── duplicates, revisions, clashes ─────────────────────────────────────────────────────────────────────────────────
def test_duplicates_within_a_batch_are_one_line() -> None:
    """Both messages are done; recorders hear the trace once."""
    pipe = Pipe()
    body = encode_body(document(1))
    result = pipe.process(record(body, "a"), record(body, "b"), record(body, "a"))
    assert result.retry_ids == ()
    assert pipe.metrics.counts["TracesDuplicate"] == 2
    assert pipe.ids() == [trace_id(1)]


def test_a_batch_delivered_again_meets_its_own_segment() -> None:
    """In any order: the key is the same, the put is refused, and that is success."""
    pipe = Pipe()
    records = [message(number) for number in range(6)]
    pipe.process(*records)
    keys = list(pipe.store.list_keys("segments/"))
    assert pipe.process(*reversed(records)).retry_ids == ()
    assert list(pipe.store.list_keys("segments/")) == keys


def test_a_trace_delivered_in_two_batches_is_one_logical_trace() -> None:
    """F8: now and again after 30 days."""
    pipe = Pipe()
    first, second, third = (message(number) for number in (1, 2, 3))
    pipe.process(first, second)
    pipe.process(first, third)
    assert len(list(pipe.store.list_keys("segments/"))) == 2
    assert sorted(pipe.ids()) == [trace_id(1), trace_id(2), trace_id(3)]


def test_a_final_trace_supersedes_the_partial_one() -> None:
    """Both are kept, one is read."""
    pipe = Pipe()
    made = document(1)
    partial = msgspec.json.decode(made) | {"revision": 0, "status": "deadline"}
    pipe.process(record(json.dumps(partial), "partial"))
    assert pipe.reader.get(trace_id(1)).line.status == "deadline"
    pipe.process(record(encode_body(made), "final"))
    assert pipe.reader.get(trace_id(1)).line.status == "completed"


def test_a_clash_is_kept() -> None:
    """The same id and revision with another content: both lie in the archive, for `verify` to find."""
    pipe = Pipe()
    pipe.process(record(encode_body(document(1, amount=1)), "a"), record(encode_body(document(1, amount=2)), "b"))
    (key,) = pipe.store.list_keys("segments/")
    shas = {json.loads(line)["sha256"] for line in gzip.decompress(pipe.store.get(key)).splitlines()}
    assert len(shas) == 2


# ── poison ─────────────────────────────────────────────────────────────────────────────────────────────────────────
POISON: dict[str, tuple[str, str]] = {
    "text": ("hello", "not-a-trace"),
    "json": ('{"format":', "bad-json"),
    "nan": ('{"format":"footpath.trace","version":1,"duration":NaN}', "bad-json"),
    "base64": ("z1:%%%", "bad-base64"),
    "zlib": ("z1:AAAA", "bad-zlib"),
    "deep": ('{"a":' * 1000 + "1" + "}" * 1000, "too-deep"),
    "claim": ('{"claim":{"bucket":"evil","key":"x","sha256":"x","bytes":1}}', "foreign-claim"),
    "schema": ('{"format":"footpath.trace","version":1}', "wrong-schema"),
    "stranger": ('{"hello":"world"}', "wrong-schema"),
    "types": ('{"format":"footpath.trace","version":"1"}', "wrong-schema"),
    "old": ('{"format":"footpath.trace","version":0}', "wrong-schema"),
    "future": ('{"format":"footpath.trace","version":99,"new":"things"}', "unknown-version"),
    "id": (document(1, traceId="../../etc/passwd").decode(), "bad-identity"),
    "id case": (document(1, traceId=trace_id(10).upper()).decode(), "bad-identity"),
    "revision": (document(1, revision=70_000).decode(), "bad-identity"),
    "negative": (document(1, revision=-1).decode(), "bad-identity"),
    "journal": (document(1, journal=[["x"], [2, 1], 7, None]).decode(), "bad-journal"),
    "journal codes": (document(1, journal=[[99, 1, 2]]).decode(), "bad-journal"),
}


@pytest.mark.parametrize("name", POISON)
def test_poison_is_parked_with_its_reason_and_its_siblings_archived(name: str) -> None:
    """F6: only that message goes, to the dead-letter queue, body untouched; it is acknowledged."""
    body, reason = POISON[name]
    letters = MemoryQueue()
    pipe = Pipe(dead_letters=letters)
    result = pipe.process(message(1), record(body, "bad"), message(2))
    assert (result.retry_ids, result.archived_count, result.poison_count) == ((), 2, 1)
    assert pipe.ids() == [trace_id(1), trace_id(2)]
    (sent,) = letters.messages
    assert sent.body == body
    assert sent.attributes["reason"] == reason
    assert len(sent.attributes["detail"]) > 15
    assert sent.attributes["messageId"] == "bad"
    assert (sent.attributes["sentAt"], sent.attributes["receiveCount"]) == (str(START_MS), "1")
    assert sent.attributes["chart"] == "loan"
    assert pipe.metrics.counts["MessagesPoison"] == 1


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_VALID = msgspec.json.decode(document(1))


@given(
    st.dictionaries(st.sampled_from(sorted(_VALID)), _json, max_size=2),
    st.lists(
        st.tuples(
            st.integers(0, 60),
            _json | st.lists(st.integers(-2, 45) | _json, min_size=1, max_size=8),
        ),
        max_size=3,
    ),
)
@settings(max_examples=300)
def test_a_forged_document_is_poison_or_archived_and_never_comes_again(
    members: dict[str, Any], entries: list[tuple[int, Any]]
) -> None:
    """Any JSON anywhere in a trace: no error is left that would deliver it again for ever."""
    forged = dict(_VALID)
    forged["journal"] = list(_VALID["journal"])
    for at, entry in entries:
        forged["journal"][at % len(forged["journal"])] = entry
    try:
        body = json.dumps(forged | members)
        body.encode()
    except UnicodeEncodeError:
        return
    pipe = Pipe(dead_letters=MemoryQueue())
    result = pipe.process(record(body, "forged"))
    assert (result.retry_ids, result.archived_count + result.poison_count) == ((), 1), pipe.log.entries


@pytest.mark.parametrize("name", POISON)
def test_without_a_dead_letter_queue_poison_is_returned(name: str) -> None:
    """The queue's own policy moves it in the end; nothing is lost."""
    result = Pipe().process(message(1), record(POISON[name][0], "bad"))
    assert (result.retry_ids, result.archived_count) == (("bad",), 1)


def test_when_the_dead_letter_queue_is_down_poison_is_returned() -> None:
    """It stays in its own queue."""
    result = Pipe(dead_letters=FaultyQueue(queue_down)).process(record("hello", "bad"))
    assert result.retry_ids == ("bad",)


def test_poison_as_large_as_a_message_may_be_is_returned() -> None:
    """There is no room for a reason beside it; the redrive policy moves it as it is."""
    letters = MemoryQueue()
    result = Pipe(dead_letters=letters).process(record("x" * 1_048_576, "full"), record("x" * 1_048_000, "roomy"))
    assert result.retry_ids == ("full",)
    assert [sent.attributes["reason"] for sent in letters.messages] == ["not-a-trace"]


def test_odd_reasons_do_not_make_the_dead_letter_refusable() -> None:
    """What poison says of itself is quoted: only with characters that SQS admits."""
    letters = MemoryQueue()
    body = '{"format":"\\u0001\\ufffe"}'
    assert Pipe(dead_letters=letters).process(record(body, "odd\x00id")).retry_ids == ()
    assert letters.messages[0].attributes["messageId"] == "odd\ufffdid"


def test_a_batch_of_nothing_but_poison_is_a_valid_answer() -> None:
    """F7: all records fail, and the response is still one."""
    result = Pipe().process(*[record("hello", f"m-{number}") for number in range(50)])
    assert result.response() == {"batchItemFailures": [{"itemIdentifier": f"m-{number}"} for number in range(50)]}


def test_an_empty_batch_is_a_valid_answer() -> None:
    """Nothing to do."""
    assert Pipe().process().response() == {"batchItemFailures": []}


# ── the archive down, too little time ──────────────────────────────────────────────────────────────────────────────
def test_when_a_put_fails_only_its_group_is_returned() -> None:
    """F11: the other hour's traces are archived."""
    pipe = Pipe(FaultyStore(store_down, only="segments/dt=2025-11-24/hr=17"))
    result = pipe.process(message(1), message(2, START_MS + HOUR_MS), message(3), message(4, START_MS + HOUR_MS))
    assert result.retry_ids == ("m-2", "m-4")
    assert pipe.ids() == [trace_id(1), trace_id(3)]


def test_a_put_whose_answer_is_lost_is_repeated_without_harm() -> None:
    """The object is there, the messages come again, the second put meets it."""
    store = FaultyStore(store_down, after=True)
    pipe = Pipe(store)
    sent = message(1)
    assert pipe.process(sent).retry_ids == ("m-1",)
    store.fault = None
    assert pipe.process(sent).retry_ids == ()
    assert len(list(store.list_keys("segments/"))) == 1


def test_no_metric_of_a_run_leaves_before_its_trace_is_archived(capsys: pytest.CaptureFixture[str]) -> None:
    """F11: a segment that could not be put counts for nothing."""
    pipe = Pipe(FaultyStore(store_down, only="segments/dt=2025-11-24/hr=17"))
    pipe.process(message(1), message(2, START_MS + HOUR_MS), message(3))
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["Runs"] for entry in counted] == [[2.0]]
    assert counted[0]["chart"] == "receive"


def test_with_a_store_that_is_down_everything_is_returned() -> None:
    """Claims can't be read, segments not put: the whole batch comes again, and nothing goes to the dead letters."""
    letters = MemoryQueue()

    class Down(FaultyStore):
        def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
            store_down()
            return b""

    pipe = Pipe(Down(store_down), dead_letters=letters)
    claim, _ = encode_claim("archive", b"{}")
    assert pipe.process(message(1), record(claim, "claim")).retry_ids == ("claim", "m-1")
    assert letters.messages == []


def test_when_time_runs_out_the_rest_is_returned_and_what_is_held_is_written() -> None:
    """F10: it stops taking records with enough left to write."""
    left = iter([60_000, 30_000, 9_999, 5_000])
    pipe = Pipe()
    result = pipe.process(*[message(number) for number in range(5)], remaining_ms=lambda: next(left))
    assert result.retry_ids == ("m-2", "m-3", "m-4")
    assert pipe.ids() == [trace_id(0), trace_id(1)]


def test_a_put_that_could_not_be_waited_for_is_not_begun() -> None:
    """Time may run out while messages are taken: what is held is returned."""
    left = iter([60_000, 60_000, 400])
    pipe = Pipe()
    assert pipe.process(message(1), message(2), remaining_ms=lambda: next(left)).retry_ids == ("m-1", "m-2")
    assert list(pipe.store.list_keys("segments/")) == []


@pytest.mark.parametrize(("hours", "skewed"), [(0, 0), (0.3, 0), (-24, 1), (24, 1)])
def test_a_clock_that_is_off_is_counted_and_the_trace_is_found(hours: float, skewed: int) -> None:
    """F12: the id says where it lies, whatever the queue's clock says."""
    pipe = Pipe()
    pipe.process(record(encode_body(document(1)), sent_at_ms=START_MS + int(hours * HOUR_MS)))
    assert pipe.metrics.counts["TracesSkewed"] == skewed
    assert pipe.reader.get(trace_id(1)).line.trace_id == trace_id(1)


def test_with_no_time_at_all_everything_is_returned() -> None:
    """A valid answer even then."""
    assert Pipe().process(message(1), message(2), remaining_ms=lambda: 0).retry_ids == ("m-1", "m-2")


# ── recorders ──────────────────────────────────────────────────────────────────────────────────────────────────────
class Listener:
    """A user's recorder: hears events, and the batch's end."""

    def __init__(self) -> None:
        self.id = "listener"
        self.heard: list[str] = []
        self.flushed: list[ArchivedTrace] = []

    def begin_trace(self, trace: Any) -> None:
        self.heard.append(f"begin {trace.trace_id[-1]}")

    def on_decision(self, event: Any) -> None:
        self.heard.append(event.chosen)

    def on_stage_added(self, event: Any) -> None:
        self.heard.append(f"added {event.name}")

    def end_trace(self, trace: Any) -> None:
        self.heard.append(f"end {sorted(trace.final_state())}")

    def flush(self, archived: Sequence[ArchivedTrace]) -> None:
        self.flushed += archived


def test_a_users_recorder_hears_each_trace_and_then_what_was_archived() -> None:
    """Structure first, then the run; flush after the put, with the segment's key."""
    listener = Listener()
    pipe = Pipe(recorders=lambda: [*default_recorders(), listener])
    pipe.process(message(1), message(2, amount=5000))
    assert listener.heard[:4] == ["begin 1", "added Receive", "added Decide", "added Approve"]
    assert [heard for heard in listener.heard if heard in {"Approve", "Reject"}] == ["Approve", "Reject"]
    assert listener.heard[-1] == "end ['asked', 'customer', 'decision']"
    assert [trace.trace_id for trace in listener.flushed] == [trace_id(1), trace_id(2)]
    assert {trace.key for trace in listener.flushed} == set(pipe.store.list_keys("segments/"))


def test_flush_tells_of_archived_traces_only() -> None:
    """Effects are for what is safe."""
    listener = Listener()
    pipe = Pipe(FaultyStore(store_down, only="segments/dt=2025-11-24/hr=17"), recorders=lambda: [listener])
    pipe.process(message(1), message(2, START_MS + HOUR_MS), record("poison", "p"))
    assert [trace.trace_id for trace in listener.flushed] == [trace_id(1)]


@pytest.mark.parametrize("hook", ["begin_trace", "on_write", "on_run_start", "on_stage_added", "end_trace", "flush"])
def test_a_recorder_that_fails_is_counted_and_changes_nothing_else(hook: str) -> None:
    """Isolated: the same segment, to the byte, and nothing is retried."""

    class Failing:
        id = "failing"

        def on_read(self, _event: object) -> None:
            """A hook, so that it is a recorder."""

    def fail(_self: object, _told: object) -> None:
        raise RuntimeError("mine")

    setattr(Failing, hook, fail)
    control, pipe = Pipe(), Pipe(recorders=lambda: [Failing(), *default_recorders()])
    records = [message(1), message(2)]
    control.process(*records)
    assert pipe.process(*records).retry_ids == ()
    assert pipe.store._objects == control.store._objects
    assert pipe.metrics.counts["RecorderFailures"] > 0
    assert pipe.log.told("warning") or hook.startswith("on_")


def test_recorders_that_cannot_be_made_do_not_stop_the_archive() -> None:
    """A user's factory that fails, or gives what is no recorder: documents are archived, views or not."""

    def broken() -> list[Any]:
        raise ImportError("no such package")

    pipe = Pipe(recorders=broken)
    assert pipe.process(message(1)).archived_count == 1
    line = pipe.reader.get(trace_id(1)).line
    assert (line.views, line.views_reason) == ("omitted", "no recorder rendered them")

    class Trap:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    odd = Pipe(recorders=lambda: [object(), 7, Trap(), ArchiveRecorder()])
    assert odd.process(message(1)).archived_count == 1
    assert odd.reader.get(trace_id(1)).line.narrative
    assert odd.metrics.counts["RecorderFailures"] == 3
    none: Any = None
    assert Pipe(recorders=lambda: none).process(message(1)).archived_count == 1


def test_a_recorder_with_the_id_of_another_is_left_out_and_counted() -> None:
    """It must not take the other's events: the archive's would go on without an audit trail, and say nothing."""
    listener = Listener()
    listener.id = "archive"
    pipe = Pipe(recorders=lambda: [*default_recorders(), listener])
    pipe.process(message(1))
    assert pipe.reader.get(trace_id(1)).line.audit
    assert (listener.heard, listener.flushed) == ([], [])
    assert pipe.metrics.counts["RecorderFailures"] == 1
    (told,) = pipe.log.told("warning")
    assert "two recorders have the id 'archive': give one of them another" in str(told["error"])


def test_a_recorder_is_made_anew_for_each_batch() -> None:
    """Nothing of a batch is in the next one's recorders."""
    made: list[Listener] = []

    def make() -> list[Any]:
        made.append(Listener())
        return [made[-1]]

    pipe = Pipe(recorders=make)
    pipe.process(message(1))
    pipe.process(message(2))
    assert [len(listener.flushed) for listener in made] == [1, 1]


def test_metrics_are_summed_per_chart_and_status(capsys: pytest.CaptureFixture[str]) -> None:
    """One EMF document per chart and batch."""
    Pipe().process(*[message(number) for number in range(5)])
    (entry,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (entry["Runs"], entry["RunsCompleted"], entry["RunsFailed"]) == ([5.0], [5.0], [0.0])
    assert entry["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Footpath"
    assert isinstance(default_recorders()[0], BatchMetrics)


# ── conservation ───────────────────────────────────────────────────────────────────────────────────────────────────
_SENT = [message(number, START_MS + (number % 2) * HOUR_MS) for number in range(6)]
_BAD = [record(body, f"bad-{number}") for number, (body, _) in enumerate(POISON.values())]


@given(
    st.lists(st.sampled_from([*_SENT, *_BAD]), max_size=14),
    st.sampled_from(["", "segments/dt=2025-11-24/hr=16", "segments/", "nothing"]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 20),
)
@settings(max_examples=60)
def test_every_message_is_archived_parked_or_returned(
    records: list[SqsRecord], refused: str, parked: bool, lost: bool, in_time: int
) -> None:
    """Law 7 at the processor: nothing is acknowledged that lies nowhere, and what is returned can come again."""
    store = FaultyStore(store_down, after=lost, only=refused)
    letters = MemoryQueue()
    pipe = Pipe(store, dead_letters=letters if parked else None)
    left = iter([60_000.0] * in_time)
    result = pipe.process(*records, remaining_ms=lambda: next(left, 5_000.0))
    assert len(set(result.retry_ids)) == len(result.retry_ids)
    archived, reasons = set(pipe.ids()), Counter(sent.attributes["messageId"] for sent in letters.messages)
    for one in records:
        if one.message_id in result.retry_ids:
            continue
        if one.message_id.startswith("bad-"):
            assert reasons[one.message_id] > 0
        else:
            number = int(one.message_id[2:])
            assert trace_id(number, START_MS + (number % 2) * HOUR_MS) in archived
    store.fault = None
    again = [one for one in records if one.message_id in result.retry_ids]
    assert set(pipe.process(*again).retry_ids) == (
        set() if parked else {one.message_id for one in again if one in _BAD}
    )
    assert set(pipe.ids()) == {
        trace_id(number, START_MS + (number % 2) * HOUR_MS)
        for number in {int(one.message_id[2:]) for one in records if one in _SENT}
    }


# ── faults of ours, memory ─────────────────────────────────────────────────────────────────────────────────────────
def test_an_unexpected_fault_costs_one_delivery_of_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not known to be permanent, so it comes again; its siblings are archived."""
    from footpath_service import process

    real = process.decode_trace

    def faulty(data: bytes, **more: Any) -> Any:
        if b"customer-2" in data:
            raise MemoryError
        return real(data, **more)

    monkeypatch.setattr(process, "decode_trace", faulty)
    result = Pipe(dead_letters=MemoryQueue()).process(message(1), message(2), message(3))
    assert (result.retry_ids, result.archived_count, result.poison_count) == (("m-2",), 2, 0)


def test_collection_is_off_within_a_batch_only() -> None:
    """And on again after it, whatever happened; left off where it was off."""
    seen: list[bool] = []

    class Looks(Listener):
        def begin_trace(self, trace: Any) -> None:
            seen.append(gc.isenabled())

    pipe = Pipe(recorders=lambda: [Looks()])
    pipe.process(message(1))
    assert (seen, gc.isenabled()) == ([False], True)
    gc.disable()
    try:
        pipe.process(message(2))
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_nothing_is_found_under_an_id_that_was_poison() -> None:
    """What was refused is not in the archive."""
    pipe = Pipe(dead_letters=MemoryQueue())
    pipe.process(record(document(5, journal=[["x"]]).decode(), "bad"), message(6))
    with pytest.raises(TraceNotFoundError):
        pipe.reader.get(trace_id(5))


def test_the_dead_letter_queue_may_refuse_for_now() -> None:
    """Unavailable is no reason to lose a message."""

    class Once(MemoryQueue):
        def __init__(self) -> None:
            super().__init__()
            self.failed = False

        def send(self, body: str, attributes: Mapping[str, str]) -> None:
            if not self.failed:
                self.failed = True
                raise QueueUnavailableError("later")
            super().send(body, attributes)

    letters = Once()
    pipe = Pipe(dead_letters=letters)
    assert pipe.process(record("hello", "bad")).retry_ids == ("bad",)
    assert pipe.process(record("hello", "bad")).retry_ids == ()
    assert len(letters.messages) == 1
