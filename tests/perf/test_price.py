"""What a million traces of 10 KB cost in calls to AWS: the real shipper, processor and sealer run, and every call is counted.

Left out are Lambda's milliseconds (about 0.02 USD a million at 2.5 ms of 512 MB arm64 a trace) and storage. Prices in
USD, us-east-1, 2026.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

from footpath import FlowChartExecutor, encode_trace, flow_chart
from footpath_service.adapters.memory import MemoryQueue, MemoryStore
from footpath_service.process import Processor
from footpath_service.recorders import default_recorders
from footpath_service.records import read_record
from footpath_service.seal import Sealer
from footpath_service.ship import Shipper, TraceHeader
from footpath_service.wire import message_size_bytes
from tests.unit.service._fakes import SETTINGS, CountingMetrics, ListLog
from tests.unit.service._traces import START_MS, raw_record, trace_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from footpath.archive import Suffix
    from footpath.trace import Trace

PRICES = {
    "SQS request": 0.40e-6,  # https://aws.amazon.com/sqs/pricing: standard queue, per request, each begun 64 KB being one
    "S3 PUT": 5e-6,  # https://aws.amazon.com/s3/pricing: PUT, COPY, POST, LIST
    "S3 LIST": 5e-6,
    "S3 GET": 0.40e-6,
    "Lambda request": 0.20e-6,  # https://aws.amazon.com/lambda/pricing
}
CHUNK_BYTES = 64 * 1024
RECEIVED_AT_ONCE = 10  # messages that a poller asks for, and deletes, with one request
A_BATCH = 200  # traces: what 30 s gather at seven a second; `TraceBatchSize` allows 1,000
BATCHES = 2
SEALS_A_MILLION = 24  # at a million traces a day
BUDGET = 0.60


class CountingStore(MemoryStore):
    """Counts what S3 would bill."""

    def __init__(self, calls: Counter[str]) -> None:
        super().__init__(clock_ms=lambda: START_MS + 60_000)
        self.calls = calls

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        self.calls["S3 GET"] += 1
        return super().get(key, max_bytes=max_bytes)

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        self.calls["S3 GET"] += 1
        return super().get_range(key, offset, length)

    def get_suffix(self, key: str, length: int) -> Suffix:
        self.calls["S3 GET"] += 1
        return super().get_suffix(key, length)

    def list_keys(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        self.calls["S3 LIST"] += 1
        return super().list_keys(prefix, start_after=start_after)

    def list_folders(self, prefix: str) -> list[str]:
        self.calls["S3 LIST"] += 1
        return super().list_folders(prefix)

    def put_new(self, key: str, body: bytes) -> bool:
        self.calls["S3 PUT"] += 1
        return super().put_new(key, body)


class CountingQueue(MemoryQueue):
    """Counts what SQS would bill for sending, and keeps what was sent with its size."""

    def __init__(self, calls: Counter[str]) -> None:
        super().__init__()
        self.calls = calls
        self.sent: list[tuple[str, int]] = []

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        size = message_size_bytes(body, attributes)
        self.calls["SQS request"] += chunks(size)
        self.sent.append((body, size))
        super().send(body, attributes)


def chunks(size_bytes: int) -> int:
    return max(1, -(-size_bytes // CHUNK_BYTES))


def ten_kilobytes(number: int) -> Trace:
    """A run whose document has 10 KB: texts of its own, so that nothing is gained by what others hold."""
    chance = Random(number)

    def read(scope: Any) -> None:
        for part in range(30):
            scope[f"finding{part}"] = f"applicant {number}: " + chance.randbytes(130).hex()

    def judge(scope: Any) -> None:
        scope.decision = "approved" if "applicant" in scope.finding3 else "rejected"

    chart = flow_chart("Read", read, "read").add_function("Judge", judge, "judge").build()
    executor = FlowChartExecutor(chart)
    executor.enable_narrative()
    executor.run()
    return executor.get_trace(trace_id=trace_id(number, START_MS + number))


def calls_of_traces() -> tuple[Counter[str], CountingStore]:
    """Calls for `BATCHES` batches, from the handler to the archive."""
    calls: Counter[str] = Counter()
    queue, store = CountingQueue(calls), CountingStore(calls)
    metrics, log = CountingMetrics(), ListLog()
    shipper = Shipper(queue=queue, store=store, settings=SETTINGS, write_log=lambda _: None, metrics=metrics)
    for number in range(A_BATCH * BATCHES):
        trace = ten_kilobytes(number)
        document = encode_trace(trace)
        assert 9_000 < len(document) < 11_000
        header = TraceHeader(trace.trace_id, trace.revision, trace.chart_id, trace.status)
        assert shipper.ship(header, lambda document=document: document, 30_000).way == "queue"
    for at in range(0, len(queue.sent), RECEIVED_AT_ONCE):
        received = queue.sent[at : at + RECEIVED_AT_ONCE]
        calls["SQS request"] += chunks(sum(size for _, size in received)) + 1  # received, and deleted
    for at in range(0, len(queue.sent), A_BATCH):
        calls["Lambda request"] += 1
        records = [
            read_record(raw_record(body, f"m-{at + n}")) for n, (body, _) in enumerate(queue.sent[at : at + A_BATCH])
        ]
        processor = Processor(
            store=store,
            dead_letters=None,
            settings=SETTINGS,
            make_recorders=default_recorders,
            metrics=metrics,
            log=log,
        )
        assert processor.process(records, lambda: 60_000.0).archived_count == A_BATCH
    return Counter(calls), store


def calls_of_sealing(store: CountingStore) -> Counter[str]:
    """Calls of one seal of what the store holds."""
    store.calls.clear()
    now_ms = START_MS + 3_600_000
    sealer = Sealer(store=store, signer=None, metrics=CountingMetrics(), log=ListLog(), clock_ms=lambda: now_ms)
    sealer.seal(lambda: 600_000.0)
    return Counter(store.calls)


def test_a_million_traces_of_10_kb_cost_at_most_60_cents() -> None:
    """Sends by 64 KB chunk, receives and deletes by ten, a put a segment, the sealer's look at each: counted, not assumed."""
    traces, store = calls_of_traces()
    assert traces["S3 PUT"] == BATCHES  # one a segment, however many traces
    sealing = calls_of_sealing(store)
    nothing_new = calls_of_sealing(store)
    million = Counter({what: count * 1_000_000 // (A_BATCH * BATCHES) for what, count in traces.items()})
    # It reads each new segment, and lists hours and writes a digest however many there are.
    segments = 1_000_000 // A_BATCH
    million["S3 GET"] += (sealing["S3 GET"] - nothing_new["S3 GET"]) * segments // BATCHES
    for what, count in {**sealing, "S3 GET": nothing_new["S3 GET"]}.items():
        million[what] += count * SEALS_A_MILLION
    cost = sum(PRICES[what] * count for what, count in million.items())
    assert 0.4 < cost <= BUDGET, {what: (count, round(count * PRICES[what], 4)) for what, count in million.items()}
