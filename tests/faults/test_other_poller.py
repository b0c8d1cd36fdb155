"""The processor under another poller, with faults of its own.

Nothing here is shared with `footpath_cli.poller`: events are written out as AWS documents them, faults are put into
botocore itself, deliveries are a loop of ten lines, and the archive is read with gzip and json. The handler is the
deployed one, over moto's S3 and SQS. Whatever happens, its answer is valid, every good trace is archived once, every
bad message lies in the dead-letter queue, and nothing else does.
"""

from __future__ import annotations

import contextlib
import gc
import gzip
import importlib.util
import io
import itertools
import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import boto3
import botocore.awsrequest
import botocore.exceptions
import pytest
from moto import mock_aws

ROOT = Path(__file__).parents[2]
REGION = "eu-west-1"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:123456789012:traces"
_numbers = itertools.count()

Hook = Callable[..., Any]


class KilledError(BaseException):
    """What ends a process ends whatever it is doing; no `except Exception` holds it."""


class Clock:
    """An invocation's context."""

    aws_request_id = "8d2f4e4a-0000-4000-8000-000000000000"
    function_name = "trace-processor"
    function_version = "7"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:trace-processor"
    memory_limit_in_mb = "512"

    def __init__(self, *readings: float) -> None:
        self._readings = list(readings) or [100_000]

    def get_remaining_time_in_millis(self) -> float:
        return self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]


def record(body: Any, message_id: str | None = None, **changed: Any) -> dict[str, Any]:
    """A message as Lambda hands it over."""
    made = {
        "messageId": message_id or str(uuid.uuid4()),
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1764000000000",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1764000000123",
        },
        "messageAttributes": {
            "chart": {"stringValue": "loan", "stringListValues": [], "binaryListValues": [], "dataType": "String"}
        },
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "md5OfMessageAttributes": "00484c68b2",
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE_ARN,
        "awsRegion": REGION,
    } | changed
    return {name: value for name, value in made.items() if value is not ...}


class Services:
    """moto's S3 and SQS, and a way into botocore: handlers' clients come from the default session, and call `watcher`."""

    def __init__(self) -> None:
        self.watcher: Callable[[str, str], Any] = lambda moment, call: None
        self.s3, self.sqs = boto3.client("s3"), boto3.client("sqs")
        events: Any = boto3._get_default_session().events  # pyright: ignore[reportPrivateUsage]
        for moment in ("before-send", "after-call"):
            for call in ("s3.PutObject", "s3.GetObject", "sqs.SendMessage"):
                events.register_first(f"{moment}.{call}", self._hook(moment, call))

    def _hook(self, moment: str, call: str) -> Hook:
        return lambda **_: self.watcher(moment, call)


# ── the world ──────────────────────────────────────────────────────────────────────────────────────────────────────
class World:
    """A bucket, a dead-letter queue, and a container with the processor in it."""

    def __init__(self, environment: pytest.MonkeyPatch, services: Services, **settings: str) -> None:
        number = next(_numbers)
        self.bucket = f"another-archive-{number}"
        self.s3, self.sqs = services.s3, services.sqs
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.dead = self.sqs.create_queue(QueueName=f"another-dlq-{number}")["QueueUrl"]
        settings = {"ARCHIVE_BUCKET": self.bucket, "DEAD_LETTER_QUEUE_URL": self.dead, **settings}
        for name, value in settings.items():
            environment.setenv(name, value)
        self.calls: list[str] = []
        self.hooks: dict[str, list[Hook]] = {}
        services.watcher = self.called
        self.handler = handler()

    def called(self, moment: str, call: str) -> Any:
        if moment == "before-send":
            self.calls.append(call)
        for strike in [*self.hooks.get(f"{moment}:{call}", ()), *self.hooks.get(moment, ())]:
            answer = strike()
            if answer is not None:
                return answer
        return None

    def invoke(self, *records: Any, clock: Any = None) -> list[str]:
        """One invocation; the ids that come again, as Lambda reads the answer."""
        event = {"Records": list(records)}
        answer = self.handler(event, clock if clock is not None else Clock())
        json.dumps(answer)
        assert set(answer) == {"batchItemFailures"}, answer
        failures = [item["itemIdentifier"] for item in answer["batchItemFailures"]]
        assert all(isinstance(one, str) for one in failures)
        assert len(set(failures)) == len(failures), "an id is named twice"
        return failures

    def deliver(self, records: list[Any], *, size: int = 50, times: int = 12, clock: Callable[[], Any] = Clock) -> int:
        """Messages to the handler until none is left, as a standard queue would; how many deliveries failed whole."""
        waiting = list(records)
        fell_over = 0
        for _ in range(times):
            if not waiting:
                return fell_over
            again: list[Any] = []
            for batch in _cut(waiting, size):
                try:
                    failed = set(self.invoke(*batch, clock=clock()))
                except (Exception, KilledError):  # noqa: BLE001 - whatever it is, Lambda delivers the batch again
                    fell_over += 1
                    again += batch
                    continue
                known = {one["messageId"] for one in batch}
                # An id that Lambda does not know returns the whole batch.
                again += [one for one in batch if one["messageId"] in failed] if failed <= known else batch
            waiting = again
        assert not waiting, f"{len(waiting)} messages never got through"
        return fell_over

    # ── what came of it ────────────────────────────────────────────────────────────────────────────────────────────
    def lines(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="segments/"):
            for item in page.get("Contents", ()):
                body = self.s3.get_object(Bucket=self.bucket, Key=item["Key"])["Body"].read()
                found += [json.loads(line) for line in gzip.decompress(body).splitlines()]
        return found

    def archived(self) -> Counter[str]:
        """Trace ids, each once an identity: what a reader counts."""
        return Counter(one for one, _, _ in {(x["traceId"], x["revision"], x["sha256"]) for x in self.lines()})

    def parked(self) -> list[str]:
        reasons: list[str] = []
        while messages := self.sqs.receive_message(
            QueueUrl=self.dead, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=600
        ).get("Messages"):
            reasons += [one["MessageAttributes"]["reason"]["StringValue"] for one in messages]
        return reasons

    def holds(self, good: dict[str, str], poison: int = 0) -> None:
        """Every good trace once, every bad message parked, nothing else."""
        assert self.archived() == Counter(dict.fromkeys(good, 1))
        assert len(self.parked()) >= poison if poison else self.parked() == []


def _cut(items: list[Any], size: int) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])


def handler() -> Callable[[Any, Any], Any]:
    """The deployed module, imported as a new container would."""
    path = ROOT / "functions" / "trace_processor" / "app.py"
    spec = importlib.util.spec_from_file_location(f"another_processor_{next(_numbers)}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.lambda_handler


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    """One for all tests: making clients is what takes long."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in {
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        yield Services()


@pytest.fixture(scope="module")
def bodies(services: Services) -> dict[str, str]:
    """Bodies by trace id, made by the deployed request handler and taken from the queue that it sends to."""
    with pytest.MonkeyPatch.context() as patch:
        sqs = services.sqs
        queue = sqs.create_queue(QueueName="traces")["QueueUrl"]
        services.s3.create_bucket(Bucket="another-bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
        patch.setenv("ARCHIVE_BUCKET", "another-bucket")
        patch.setenv("TRACE_QUEUE_URL", queue)
        patch.setenv("SHIP_BUDGET_MS", "20000")
        patch.setenv("CHARTS", "tests.unit.service._charts:charts")
        path = ROOT / "functions" / "request_handler" / "app.py"
        spec = importlib.util.spec_from_file_location("another_request_handler", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for number in range(12):
            module.lambda_handler({"chart": "loan", "input": {"amount": 400 * number, "name": f"n{number}"}}, Clock())
        found: dict[str, str] = {}
        while messages := sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=600
        ).get("Messages"):
            found |= {one["MessageAttributes"]["traceId"]["StringValue"]: one["Body"] for one in messages}
        assert len(found) == 12
        return found


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, services: Services) -> World:
    return World(monkeypatch, services)


POISON = ["hello", "{", "z1:!", "", '{"format":"footpath.trace","version":99}', '{"claim":{}}']


# ── what is delivered ──────────────────────────────────────────────────────────────────────────────────────────────
def test_a_batch_with_copies_and_poison_ends_well(world: World, bodies: dict[str, str]) -> None:
    """Copies inside one batch under ids of their own; siblings of poison are archived."""
    batch = [record(body) for body in bodies.values() for _ in range(3)] + [record(body) for body in POISON]
    batch[5:5] = batch[-6:]
    assert world.invoke(*batch) == []
    world.holds(bodies, poison=len(POISON) * 2)


def test_two_messages_under_one_id_share_its_fate(world: World, bodies: dict[str, str]) -> None:
    """Whatever a faulty sender does: named once when either must come again."""
    first, second, *_ = bodies.values()
    fault(world, "before-send:s3.PutObject", lambda **_: error_answer(503, "SlowDown"))
    assert world.invoke(record(first, "same"), record(second, "same")) == ["same"]
    world.hooks.clear()
    assert world.invoke(record(first, "same"), record(second, "same")) == []
    assert len(world.archived()) == 2


@pytest.mark.parametrize(
    "missing",
    [
        {"attributes": ...},
        {"messageAttributes": ...},
        {"md5OfBody": ..., "md5OfMessageAttributes": ..., "receiptHandle": ..., "eventSource": ..., "awsRegion": ...},
        {"attributes": None, "messageAttributes": None},
        {"attributes": [], "messageAttributes": "x"},
        {"attributes": {"SentTimestamp": "soon", "ApproximateReceiveCount": None}},
        {"attributes": {"SentTimestamp": 1764000000000}},
        {"attributes": {"SentTimestamp": "99999999999999999999"}},
        {"messageAttributes": {"chart": None, "x": {"binaryValue": "AA==", "dataType": "Binary"}}},
        {"eventSourceARN": f"arn:aws:sqs:{REGION}:999999999999:another-queue"},
        {"new": {"member": [1]}},
    ],
)
def test_what_surrounds_a_body_does_not_matter(world: World, bodies: dict[str, str], missing: dict[str, Any]) -> None:
    """Members that are missing, of another type, of another queue, or new: the body is what counts."""
    assert world.invoke(*[record(body, **missing) for body in bodies.values()]) == []
    world.holds(bodies)


@pytest.mark.parametrize("body", [None, ..., 7, {"a": 1}, ["x"], True])
def test_a_body_that_is_no_text_is_parked(world: World, bodies: dict[str, str], body: Any) -> None:
    """With a reason, and without harm to the others."""
    assert world.invoke(record(body), *[record(good) for good in bodies.values()]) == []
    assert world.archived() == Counter(dict.fromkeys(bodies, 1))
    assert world.parked() == ["not-a-trace"]


@pytest.mark.parametrize("odd", [None, 7, "text", [], {}])
def test_a_record_that_is_none_returns_no_more_than_its_batch(world: World, bodies: dict[str, str], odd: Any) -> None:
    """Its siblings are archived; it is parked, or returned under no id, which returns the batch; nothing is lost."""
    failures = world.invoke(odd, *[record(body) for body in bodies.values()])
    assert set(failures) <= {""}
    assert world.archived() == Counter(dict.fromkeys(bodies, 1))


@pytest.mark.parametrize("message_id", ["", ..., None, 7])
def test_a_message_without_an_id_is_archived_or_returns_the_batch(
    world: World, bodies: dict[str, str], message_id: Any
) -> None:
    """An id that can't be named is named as empty: Lambda then delivers all again, which loses nothing."""
    batch = [record(body, messageId=message_id) for body in bodies.values()]
    assert world.invoke(*batch) == []
    world.holds(bodies)
    fault(world, "before-send:s3.PutObject", lambda **_: error_answer(503, "SlowDown"))
    assert world.invoke(*batch[:1]) == [""]


def test_no_records_are_no_work(world: World) -> None:
    """An empty list is answered; an event of another shape is an error that loses nothing."""
    assert world.invoke() == []
    assert world.calls == []
    for event in ({}, {"Records": None}, {"Records": {}}, [], None, "x", 7):
        with pytest.raises(ValueError, match="Records"):
            world.handler(event, Clock())


def test_ten_thousand_records_are_taken_in_segments_of_two_thousand(world: World, bodies: dict[str, str]) -> None:
    """The largest batch that Lambda hands over; many traces, many copies."""
    batch = [
        record(body, f"m-{number}")
        for number, body in enumerate(itertools.islice(itertools.cycle(bodies.values()), 10_000))
    ]
    assert world.invoke(*batch) == []
    world.holds(bodies)


def test_six_megabytes_are_taken_at_once(world: World, bodies: dict[str, str]) -> None:
    """The largest event: six bodies of a megabyte each, beside small ones."""
    noisy: dict[str, str] = {}
    for body in itertools.islice(bodies.values(), 6):
        document = json.loads(_unpacked(body))
        document["context"] = {"noise": "x" * 1_000_000}
        noisy[document["traceId"]] = json.dumps(document)
    rest = {one: body for one, body in bodies.items() if one not in noisy}
    assert world.invoke(*[record(body) for body in (noisy | rest).values()]) == []
    world.holds(noisy | rest)


def _unpacked(body: str) -> bytes:
    import base64
    import zlib

    return zlib.decompress(base64.b64decode(body[3:])) if body.startswith("z1:") else body.encode()


# ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "clock",
    [
        Clock(0),
        Clock(-5_000),
        Clock(9_999),
        Clock(100_000, 100_000, 100_000, 50),
        Clock(100_000, 20_000, 500_000, 9_000, 200_000),  # a clock that is set back and forth
        Clock(100_000, 100_000, float("nan")),
    ],
)
def test_whatever_the_clock_says_each_message_is_done_or_returned(
    world: World, bodies: dict[str, str], clock: Clock
) -> None:
    """No time, less than none, a clock that jumps: what is not archived is named."""
    batch = [record(body, trace_id) for trace_id, body in bodies.items()]
    failures = world.invoke(*batch, clock=clock)
    assert set(world.archived()) | set(failures) == set(bodies)
    assert world.parked() == []
    world.deliver([one for one in batch if one["messageId"] in failures])
    world.holds(bodies)


def clock_that(told: Any) -> Any:
    def get_remaining_time_in_millis(_: Any) -> Any:
        if isinstance(told, Exception):
            raise told
        return told

    return type("C", (), {"get_remaining_time_in_millis": get_remaining_time_in_millis})()


@pytest.mark.parametrize(
    "context",
    [
        object(),
        None,
        7,
        type("C", (), {"get_remaining_time_in_millis": None})(),
        *map(clock_that, (None, "soon", float("nan"), ValueError("no clock"))),
        MagicMock(),
    ],
)
def test_a_context_without_a_clock_is_no_reason_to_lose_anything(
    world: World, bodies: dict[str, str], context: Any
) -> None:
    """As whoever invokes by hand may give none."""
    event = {"Records": [record(body) for body in bodies.values()]}
    assert world.handler(event, context) == {"batchItemFailures": []}
    world.holds(bodies)


# ── faults of the services ─────────────────────────────────────────────────────────────────────────────────────────
class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def error_answer(status: int, code: str) -> Any:
    """An error as the services write it, S3 in XML."""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>no</Message></Error>'.encode()
    return botocore.awsrequest.AWSResponse("https://s3.example", status, {}, _Raw(body))


def queue_error(status: int, code: str) -> Any:
    body = json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": "no"}).encode()
    return botocore.awsrequest.AWSResponse("https://sqs.example", status, {}, _Raw(body))


def fault(world: World, where: str, strike: Hook, *, times: int | None = None, skip: int = 0) -> None:
    """Let a fault strike: `moment:service.Operation`; so often, after so many calls that it lets pass."""
    seen = 0

    def struck(**details: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen <= skip or (times is not None and seen > skip + times):
            return None
        return strike(**details)

    world.hooks.setdefault(where, []).append(struck)


def raises(error: BaseException) -> Hook:
    def strike(*_: Any, **__: Any) -> Any:
        raise error

    return strike


S3_FAULTS: dict[str, Hook] = {
    "throttled": lambda **_: error_answer(503, "SlowDown"),
    "unavailable": lambda **_: error_answer(503, "ServiceUnavailable"),
    "broken": lambda **_: error_answer(500, "InternalError"),
    "conflict": lambda **_: error_answer(409, "ConditionalRequestConflict"),
    "denied": lambda **_: error_answer(403, "AccessDenied"),
    "expired token": lambda **_: error_answer(400, "ExpiredToken"),
    "no bucket": lambda **_: error_answer(404, "NoSuchBucket"),
    "skewed clock": lambda **_: error_answer(403, "RequestTimeTooSkewed"),
    "a yes about nothing": lambda **_: botocore.awsrequest.AWSResponse("https://s3.example", 200, {}, _Raw(b"")),
    "a yes about something else": lambda **_: botocore.awsrequest.AWSResponse(
        "https://s3.example", 200, {"ETag": '"d41d8cd98f00b204e9800998ecf8427e"'}, _Raw(b"")
    ),
    "a yes with another checksum": lambda **_: botocore.awsrequest.AWSResponse(
        "https://s3.example", 200, {"ETag": '"x"', "x-amz-checksum-crc32": "AAAAAA=="}, _Raw(b"")
    ),
    "a gateway's 404": lambda **_: botocore.awsrequest.AWSResponse(
        "https://s3.example", 404, {}, _Raw(b"<html>not here")
    ),
    "a bare 404": lambda **_: botocore.awsrequest.AWSResponse("https://s3.example", 404, {}, _Raw(b"")),
    "no body": lambda **_: botocore.awsrequest.AWSResponse("https://s3.example", 503, {}, _Raw(b"")),
    "html": lambda **_: botocore.awsrequest.AWSResponse("https://s3.example", 502, {}, _Raw(b"<html>bad gateway")),
    "connect timeout": raises(botocore.exceptions.ConnectTimeoutError(endpoint_url="https://s3.example")),
    "read timeout": raises(botocore.exceptions.ReadTimeoutError(endpoint_url="https://s3.example")),
    "reset": raises(botocore.exceptions.ConnectionClosedError(endpoint_url="https://s3.example")),
    "no credentials": raises(botocore.exceptions.NoCredentialsError()),
    "no such host": raises(botocore.exceptions.EndpointConnectionError(endpoint_url="https://s3.example")),
    "os error": raises(OSError(104, "Connection reset by peer")),
    "memory": raises(MemoryError()),
}


@pytest.mark.parametrize(
    ("moment", "kind"), [*(("before-send", kind) for kind in S3_FAULTS), ("after-call", "read timeout")]
)
def test_a_put_that_fails_returns_its_messages_and_nothing_is_lost(
    world: World, bodies: dict[str, str], moment: str, kind: str
) -> None:
    """Before the object is there or after it: the messages come again, and count once."""
    fault(world, f"{moment}:s3.PutObject", S3_FAULTS[kind])
    batch = [record(body) for body in bodies.values()]
    assert world.invoke(*batch) == [one["messageId"] for one in batch]
    assert world.parked() == []
    world.hooks.clear()
    assert world.deliver(batch) == 0
    world.holds(bodies)


def test_an_object_that_is_there_already_is_success(world: World, bodies: dict[str, str]) -> None:
    """412: an earlier delivery got that far."""
    batch = [record(body) for body in bodies.values()]
    assert world.invoke(*batch) == []
    before = world.calls.count("s3.PutObject")
    assert world.invoke(*batch) == []
    assert world.calls.count("s3.PutObject") == before * 2
    world.holds(bodies)


@pytest.mark.parametrize("kind", S3_FAULTS)
def test_a_claim_that_can_not_be_read_now_waits(world: World, bodies: dict[str, str], kind: str) -> None:
    """Refused, cut off or unanswered, it comes again; its siblings are archived meanwhile."""
    claimed, *rest = bodies.values()
    message = claim(world, claimed)
    fault(world, "before-send:s3.GetObject", S3_FAULTS[kind])
    batch = [record(message), *map(record, rest)]
    failures = world.invoke(*batch)
    assert failures == [batch[0]["messageId"]]
    assert len(world.archived()) == len(rest)
    assert world.parked() == []
    world.hooks.clear()
    world.deliver(batch[:1])
    world.holds(bodies)


def claim(world: World, body: str) -> str:
    import hashlib

    data = body.encode()
    sha256 = hashlib.sha256(data).hexdigest()
    world.s3.put_object(Bucket=world.bucket, Key=f"claims/{sha256}", Body=data)
    return json.dumps(
        {"claim": {"bucket": world.bucket, "key": f"claims/{sha256}", "sha256": sha256, "bytes": len(data)}}
    )


def test_a_claim_whose_answer_is_cut_waits(world: World, bodies: dict[str, str]) -> None:
    """The connection ends before the announced length: not the object's fault, so no poison."""
    claimed, *rest = bodies.values()
    message = claim(world, claimed)

    def cut(**_: Any) -> Any:
        data = claimed.encode()
        return botocore.awsrequest.AWSResponse(
            "https://s3.example", 200, {"Content-Length": str(len(data))}, _Raw(data[: len(data) // 2])
        )

    fault(world, "before-send:s3.GetObject", cut)
    batch = [record(message), *map(record, rest)]
    assert world.invoke(*batch) == [batch[0]["messageId"]]
    assert world.parked() == []
    world.hooks.clear()
    world.deliver(batch[:1])
    world.holds(bodies)


QUEUE_FAULTS: dict[str, Hook] = {
    "throttled": lambda **_: queue_error(400, "RequestThrottled"),
    "denied": lambda **_: queue_error(403, "AccessDenied"),
    "gone": lambda **_: queue_error(400, "QueueDoesNotExist"),
    "broken": lambda **_: queue_error(500, "InternalFailure"),
    "a yes about nothing": lambda **_: botocore.awsrequest.AWSResponse("https://sqs.example", 200, {}, _Raw(b"{}")),
    "a yes about something else": lambda **_: botocore.awsrequest.AWSResponse(
        "https://sqs.example",
        200,
        {},
        _Raw(b'{"MessageId": "1", "MD5OfMessageBody": "d41d8cd98f00b204e9800998ecf8427e"}'),
    ),
    "unanswered": raises(botocore.exceptions.ReadTimeoutError(endpoint_url="https://sqs.example")),
    "reset": raises(botocore.exceptions.ConnectionClosedError(endpoint_url="https://sqs.example")),
}


@pytest.mark.parametrize(
    ("moment", "kind"), [*(("before-send", kind) for kind in QUEUE_FAULTS), ("after-call", "unanswered")]
)
def test_poison_that_can_not_be_parked_comes_again(
    world: World, bodies: dict[str, str], moment: str, kind: str
) -> None:
    """It is never acknowledged before it is safe elsewhere; good ones don't wait for it."""
    fault(world, f"{moment}:sqs.SendMessage", QUEUE_FAULTS[kind])
    batch = [record(POISON[0]), *map(record, bodies.values())]
    assert world.invoke(*batch) == [batch[0]["messageId"]]
    assert world.archived() == Counter(dict.fromkeys(bodies, 1))
    world.hooks.clear()
    assert world.invoke(batch[0]) == []
    assert set(world.parked()) == {"not-a-trace"}


def test_a_queue_that_tells_no_digest_is_believed(world: World) -> None:
    """A queue's stand-in may leave it out; a message that has an id was taken."""
    answer = botocore.awsrequest.AWSResponse("https://sqs.example", 200, {}, _Raw(b'{"MessageId": "1"}'))
    fault(world, "before-send:sqs.SendMessage", lambda **_: answer)
    assert world.invoke(record(POISON[0])) == []


# ── death ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_process_killed_between_any_two_calls_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, services: Services, bodies: dict[str, str]
) -> None:
    """Before each call and after it, in the same container and in a new one."""
    for moment, skip, warm in itertools.product(("before-send", "after-call"), range(4), (True, False)):
        world = World(monkeypatch, services)
        batch = [record(claim(world, next(iter(bodies.values())))), record(POISON[1])]
        batch += [record(body) for body in list(bodies.values())[1:]]
        fault(world, moment, raises(KilledError()), times=1, skip=skip)
        with contextlib.suppress(KilledError):
            world.invoke(*batch)
        assert gc.isenabled()
        world.hooks.clear()
        if not warm:
            world.handler = handler()
        assert world.deliver(batch) == 0
        world.holds(bodies, poison=1)


class Leaver:
    """A recorder that leaves, as a script would that somebody made a recorder of."""

    def __init__(self, where: str) -> None:
        self.id = "leaver"
        setattr(self, where, self._leave)

    def _leave(self, *_: Any) -> None:
        raise SystemExit(3)


@pytest.mark.parametrize("where", ["making", "begin_trace", "on_write", "end_trace", "flush"])
def test_a_recorder_that_would_end_the_process_does_not(
    monkeypatch: pytest.MonkeyPatch, services: Services, bodies: dict[str, str], where: str
) -> None:
    """It would take every batch along, until all that is good were dead letters; each trace is archived, and it is counted."""
    from footpath_service.recorders import default_recorders

    def make() -> list[Any]:
        if where == "making":
            raise SystemExit(3)
        return [Leaver(where), *default_recorders()]

    monkeypatch.setattr("tests.faults.test_other_poller.recorders_of_somebody", make)
    world = World(monkeypatch, services, RECORDERS="tests.faults.test_other_poller:recorders_of_somebody")
    assert world.invoke(*map(record, bodies.values())) == []
    world.holds(bodies)
    omitted = {line.get("viewsReason") for line in world.lines()}
    shown = {"making": "no recorder rendered them", "on_write": "a recorder would have ended the process"}
    assert omitted == {shown.get(where)}


def recorders_of_somebody() -> list[Any]:
    """What the settings name; each test says what it gives."""
    raise NotImplementedError


@pytest.mark.parametrize("where", ["decode", "recorder"])
def test_an_exception_in_the_middle_leaves_nothing_behind_in_a_warm_container(
    world: World, bodies: dict[str, str], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next batch is as if nothing had been."""
    from footpath_service import process
    from footpath_service.playback import Playback

    first, *rest = (record(body) for body in bodies.values())
    with monkeypatch.context() as patch:
        if where == "decode":
            patch.setattr(process, "decode_trace", raises(KilledError()))
        else:
            patch.setattr(Playback, "flush", raises(KilledError()))
        with pytest.raises(KilledError):
            world.handler({"Records": [first]}, Clock())
    assert world.invoke(*rest) == []
    expected = dict(list(bodies.items())[1:]) if where == "decode" else bodies
    world.holds(expected)


def test_two_processors_at_once_count_each_trace_once(
    world: World, bodies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same messages, in threads, through one container and through several; poison among them."""
    batch = [record(body) for body in (*bodies.values(), *POISON)]
    handlers = [world.handler, world.handler, handler(), handler()]
    answers: list[Any] = []
    start = threading.Barrier(len(handlers))

    def work(one: Callable[[Any, Any], Any]) -> None:
        start.wait()
        answers.append(one({"Records": list(batch)}, Clock()))

    threads = [threading.Thread(target=work, args=(one,)) for one in handlers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [{"batchItemFailures": []}] * len(handlers)
    world.holds(bodies, poison=len(POISON))
    assert gc.isenabled()


@pytest.mark.parametrize("name", [["a"], {"a": 1}, 7, None, "x" * 1_000_000])
def test_a_sender_can_not_ring_the_alarm_for_failing_recorders(
    world: World, bodies: dict[str, str], name: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a forged journal calls things is counted under some name; it is archived as sent, or parked."""
    document = json.loads(_unpacked(next(iter(bodies.values()))))
    document["journal"] += [[16, 500, name, 1]]
    assert world.invoke(record(json.dumps(document))) == []
    assert len(world.archived()) + len(world.parked()) == 1
    assert '"RecorderFailures":[' not in capsys.readouterr().out  # as CloudWatch would get it
