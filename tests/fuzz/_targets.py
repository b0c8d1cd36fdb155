"""What is fuzzed: one function for each door through which bytes come in. A finding is an exception that leaves it."""

from __future__ import annotations

import base64
import json
import traceback
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from footpath import flow_chart, ops
from footpath.archive import ArchiveReader, scan_members
from footpath.chart import Pausable
from footpath.errors import ArchiveError, FootpathError
from footpath.ids import IdMaker
from footpath.recorders import ChartMetricsRecorder
from footpath.scope import RedactionPolicy
from footpath_cli.operate import verify
from footpath_service.adapters.memory import MemoryQueue, MemoryStore
from footpath_service.catalog import Catalog
from footpath_service.direct import answer_direct
from footpath_service.flows import Flow
from footpath_service.http import HttpFace, is_http
from footpath_service.log_lines import LogHeader, read_log_lines, trace_lines
from footpath_service.process import Processor
from footpath_service.recorders import default_recorders
from footpath_service.records import read_records
from footpath_service.request import RequestHandler
from footpath_service.settings import Settings
from footpath_service.ship import Shipper
from footpath_service.wire import encode_body, encode_claim
from tests.property._asked import read_or_refused

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
SETTINGS = Settings(archive_bucket="archive", trace_queue_url="https://sqs.example/1/traces", max_trace_bytes=4 << 20)


class FindingError(AssertionError):
    """Something came out of a door that must not."""


@dataclass(frozen=True)
class Target:
    """A door.

    Attributes:
        about: what comes in.
        run: takes bytes; raises for a finding.
        seeds: valid inputs to begin with.
    """

    about: str
    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


# ── the world around a door ────────────────────────────────────────────────────────────────────────────────────────
class _Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, message: str, **facts: object) -> None: ...

    def warning(self, message: str, **facts: object) -> None:
        self.lines.append(f"{message} {facts}")

    error = warning


class _Metrics:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def count(self, name: str, value: float = 1, **dimensions: str) -> None:
        self.counts[name] += int(value)

    def measure_ms(self, name: str, value_ms: float) -> None: ...


def _process(event: Any, store: MemoryStore | None = None) -> None:
    """A batch through the processor: a valid answer, and nothing that it did not expect."""
    log, metrics = _Log(), _Metrics()
    processor = Processor(
        store=store or MemoryStore(),
        dead_letters=MemoryQueue(),
        settings=SETTINGS,
        # As the default ones are, but for what prints.
        make_recorders=lambda: [ChartMetricsRecorder(), *(one for one in default_recorders() if one.id != "metrics")],
        metrics=metrics,
        log=log,
    )
    records = read_records(event)
    answer = processor.process(records, lambda: 60_000.0).response()
    ids = {record.message_id for record in records}
    for item in answer["batchItemFailures"]:
        if item["itemIdentifier"] not in ids:
            raise FindingError(f"the answer names {item!r}, which was not in the batch")
    strange = [
        line for line in log.lines if "'unexpected: " in line or line.startswith("recorder") or "recorder could" in line
    ]
    if strange:
        raise FindingError(strange[0])
    if metrics.counts["RecorderFailures"]:
        raise FindingError("a sender can make a recorder fail, and so ring an alarm")


def _message(body: Any) -> dict[str, Any]:
    return {"Records": [{"messageId": "m-1", "body": body, "attributes": {"SentTimestamp": "1764000000000"}}]}


@cache
def _served() -> tuple[RequestHandler, HttpFace]:
    shipper = Shipper(
        queue=MemoryQueue(), store=MemoryStore(), settings=SETTINGS, write_log=lambda _: None, metrics=_Metrics()
    )
    handler = RequestHandler(
        catalog=Catalog(charts()),
        shipper=shipper,
        settings=SETTINGS,
        make_id=IdMaker(),
        metrics=_Metrics(),
        log=_Log(),
    )
    return handler, HttpFace(handler)


def charts() -> list[Flow]:
    """Charts whose pauses make every kind of checkpoint."""
    return [
        Flow("review", _review, RedactionPolicy(keys=("ssn",), patterns=("^secret",))),
        Flow("nested", _nested),
    ]


def _take(scope: Any) -> None:
    scope.asked = ops(scope).args.get("amount", 1)
    scope.ssn = "078-05-1120"
    scope.secret_note = "do not tell"


def _ask(scope: Any) -> Any:
    return {"question": "approve?", "amount": scope.asked}


def _answered(scope: Any, given: Any) -> None:
    scope.approved = given


def _tell(scope: Any) -> Any:
    return {"approved": scope.approved, "amount": scope.asked}


def _review() -> Any:
    return (
        flow_chart("Take", _take, "take")
        .add_pausable_function("Ask", _PAUSABLE, "ask")
        .add_function("Tell", _tell, "tell")
        .build()
    )


def _nested() -> Any:
    inner = (
        flow_chart("Inner", _take, "inner")
        .add_pausable_function("Ask", _PAUSABLE, "ask")
        .add_function("Tell", _tell, "tell")
        .build()
    )
    return (
        flow_chart("Take", _take, "take")
        .add_sub_flow_chart_next("sub", inner, "Sub", output_mapper=lambda out, _: {"approved": out.get("approved")})
        .add_function("Tell", _tell, "end")
        .build()
    )


_PAUSABLE = Pausable(_ask, _answered)


# ── the doors ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _trace(data: bytes) -> None:
    read_or_refused(data)


def _body(data: bytes) -> None:
    _process(_message(data.decode("utf-8", "replace")))


def _packed(data: bytes) -> None:
    _process(_message("z1:" + base64.b64encode(zlib.compress(data, 1)).decode()))


def _claimed(data: bytes) -> None:
    store = MemoryStore()
    message, key = encode_claim("archive", data)
    store.put_new(key, data)
    _process(_message(message), store)


def _batch(data: bytes) -> None:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return
    try:
        read_records(event)
    except ValueError:
        return  # the one error that says: no event of SQS
    _process(event)


def _segment(data: bytes) -> None:
    """As the CLI reads an archive: from the index, by a scan, and to verify it."""
    store = MemoryStore()
    store.put_new(_SEGMENT_KEY, data)
    reader = ArchiveReader(store)
    asked: list[Callable[[], Any]] = [
        lambda: list(reader.lines()),
        lambda: [reader.read(place) for place in reader.places(_HOUR)],
        lambda: reader.find("01"),
        lambda: list(scan_members(data)),
    ]
    for ask in asked:
        try:
            ask()
        except ArchiveError:
            continue
    verify(store, replay=True)


def _lines(data: bytes) -> None:
    for found in read_log_lines(data.decode("utf-8", "replace").splitlines()):
        repr(found)


def _checkpoint(data: bytes) -> None:
    try:
        sent = json.loads(data)
    except (ValueError, RecursionError):
        return
    _direct(sent)


def _event(data: bytes) -> None:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not is_http(event):
        _direct(event)
        return
    answer = _served()[1].answer(event, remaining_ms=lambda: 0.0, about={})
    if type(answer.get("statusCode")) is not int:
        raise FindingError(f"an HTTP answer without a status: {answer!r:.200}")
    if answer["statusCode"] >= 500 and '"traceId"' not in str(answer.get("body")):
        raise FindingError(f"our fault: {answer!r:.300}")
    json.loads(answer["body"])


def _direct(event: Any) -> None:
    """A direct invocation: an answer, a refusal, or what a stage raised itself."""
    try:
        answer = answer_direct(_served()[0], event, remaining_ms=lambda: 0.0, about={})
    except FootpathError:
        return  # the engine's own, by name: a depth or a loop limit, an answer that is not to be had
    except Exception as error:
        if _is_a_stages(error):
            return
        raise
    json.dumps(answer)


def _is_a_stages(error: BaseException) -> bool:
    """Whether one of the charts' functions raised: state that was tampered with may well not suit it."""
    functions = {function.__code__ for function in (_take, _ask, _answered, _tell)}
    return any(frame.f_code in functions for frame, _ in traceback.walk_tb(error.__traceback__))


# ── their seeds ────────────────────────────────────────────────────────────────────────────────────────────────────
_HOUR = "dt=2026-01-01/hr=00"
_IDS = ("019ab6d2-0000-7000-a000-000000000001", "019ab6d2-0000-7000-a000-000000000002")


def _documents() -> list[bytes]:
    return [path.read_bytes() for path in sorted(GOLDEN.glob("v1/*.trace.json"))]


def _foreign_documents() -> list[bytes]:
    return [path.read_bytes() for path in sorted(GOLDEN.glob("footprintjs/*.json"))]


def _bodies() -> list[bytes]:
    documents = [*_documents(), *_foreign_documents()]
    claim, _ = encode_claim("archive", documents[0])
    return [*documents, *(encode_body(document).encode() for document in documents), claim.encode()]


def _events(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "events").glob(pattern))]


def _segments() -> list[bytes]:
    return [path.read_bytes() for path in sorted(GOLDEN.glob("archive-1/segments/**/*.jsonl.gz"))]


def _log_lines() -> list[bytes]:
    header = LogHeader(_IDS[0], 1, "loan", "completed")
    return ["\n".join(trace_lines(header, encode_body(document))).encode() for document in _documents()]


def _checkpoints() -> list[bytes]:
    handler, _ = _served()
    found: list[bytes] = []
    for name in ("review", "nested"):
        answer = answer_direct(handler, {"chart": name, "input": {"amount": 7}}, remaining_ms=lambda: 0.0, about={})
        assert answer["status"] == "paused", answer
        sent = {"chart": name, "checkpoint": answer["checkpoint"], "input": {"yes": True}, "explain": True}
        found.append(json.dumps(sent).encode())
    return found


_SEGMENT_KEY = next(
    path.relative_to(GOLDEN / "archive-1").as_posix() for path in sorted(GOLDEN.glob("archive-1/segments/**/*.gz"))
)

TARGETS: dict[str, Target] = {
    "trace": Target("a trace document, replayed and asked for every view", _trace, _documents),
    "foreign": Target("a trace of footprintjs", _trace, _foreign_documents),
    "body": Target("the body of a queue message, through the processor", _body, _bodies),
    "packed": Target("what a z1: body unfolds to", _packed, _documents),
    "claimed": Target("the object that a claim names", _claimed, _bodies),
    "batch": Target("an event of SQS", _batch, lambda: _events("sqs-*.json")),
    "segment": Target("a segment of the archive, as the CLI reads it", _segment, _segments),
    "lines": Target("log lines that recover reads", _lines, _log_lines),
    "checkpoint": Target("a checkpoint that passed through a caller", _checkpoint, _checkpoints),
    "event": Target(
        "an event of the request handler",
        _event,
        lambda: [*_events("direct-*.json"), *_events("http-*.json"), *_events("function-url-*.json")],
    ),
}
