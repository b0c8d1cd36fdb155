"""The whole way on moto's SQS and S3, with the real handlers: request, queue, processor, archive, read by id."""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from footpath.archive import ArchiveReader, SegmentWriter
from footpath.trace import decode_trace
from footpath_service.adapters import aws as aws_adapters
from footpath_service.adapters.aws import AwsClient, S3Store
from footpath_service.log_lines import DroppedTrace, LoggedTrace, read_log_lines
from footpath_service.wire import encode_body, encode_claim
from tests.unit.service._charts import PolicyError
from tests.unit.service._traces import START_MS, document, trace_id

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = Path(__file__).parents[2] / "functions"
BUCKET = "footpath-archive"
GOOD = {"amount": 500, "name": "Ada"}


class Context:
    """An invocation with time enough."""

    function_name = "footpath-test"
    function_version = "$LATEST"
    aws_request_id = "52fdfc07-2182-154f-163f-5f0f9a621d72"
    remaining_ms = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"handler_{name}", FUNCTIONS / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.lambda_handler


class Stack:
    """Queue, dead-letter queue and bucket, and the two functions between them."""

    def __init__(self) -> None:
        self.sqs = boto3.client("sqs")
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        self.queue_url = self._queue("traces")
        self.dead_letter_url = self._queue("dead-letters")
        self.request = load("request_handler")
        self.processor = load("trace_processor")
        self.reader = ArchiveReader(S3Store(BUCKET, AwsClient("s3", connect_s=2, read_s=10)))

    def _queue(self, name: str) -> str:
        attributes = {"MaximumMessageSize": "1048576", "VisibilityTimeout": "0"}
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def ask(self, event: Any) -> Any:
        return self.request(event, Context())

    def send(self, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body)

    def waiting(self, url: str | None = None) -> int:
        name = "ApproximateNumberOfMessages"
        return int(
            self.sqs.get_queue_attributes(QueueUrl=url or self.queue_url, AttributeNames=[name])["Attributes"][name]
        )

    def receive(self) -> list[dict[str, Any]]:
        """Up to 100 messages, as the poller hands them to the function."""
        found: dict[str, dict[str, Any]] = {}
        for _ in range(20):
            for message in self.sqs.receive_message(
                QueueUrl=self.queue_url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
                VisibilityTimeout=600,
            ).get("Messages", []):
                attributes = {
                    name: {"stringValue": value["StringValue"], "dataType": "String"}
                    for name, value in message.get("MessageAttributes", {}).items()
                }
                found[message["MessageId"]] = {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message["Attributes"],
                    "messageAttributes": attributes,
                    "eventSource": "aws:sqs",
                }
        return list(found.values())

    def poll(self, *, times: int = 1) -> list[str]:
        """One batch: all that waits goes to the processor, `times` times over; what it does not return is deleted."""
        records = self.receive()
        failures: list[str] = []
        for _ in range(times):
            response = self.processor({"Records": records}, Context())
            assert response.keys() == {"batchItemFailures"}
            failures = [failure["itemIdentifier"] for failure in response["batchItemFailures"]]
        for record in records:
            if record["messageId"] not in failures:
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=record["receiptHandle"])
            else:
                self.sqs.change_message_visibility(
                    QueueUrl=self.queue_url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0
                )
        return failures

    def dead_letters(self) -> list[tuple[str, str]]:
        """Body and reason of each."""
        found: list[tuple[str, str]] = []
        while messages := self.sqs.receive_message(
            QueueUrl=self.dead_letter_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=600
        ).get("Messages"):
            found += [(one["Body"], one["MessageAttributes"]["reason"]["StringValue"]) for one in messages]
        return found

    def keys(self, prefix: str) -> list[str]:
        return [one["Key"] for one in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]

    def body_of(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    with mock_aws():
        made = Stack()
        monkeypatch.setenv("ARCHIVE_BUCKET", BUCKET)
        monkeypatch.setenv("TRACE_QUEUE_URL", made.queue_url)
        monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", made.dead_letter_url)
        monkeypatch.setenv("CHARTS", "tests.unit.service._charts:charts")
        monkeypatch.setenv("SHIP_BUDGET_MS", "20000")  # moto is no AWS: slow at its first call
        yield made


def fail_calls(monkeypatch: pytest.MonkeyPatch, service: str, operation: str = "") -> None:
    """From now on calls of a service are refused, as by throttling; moto never does that by itself."""
    from botocore.client import BaseClient
    from botocore.exceptions import ClientError

    real = BaseClient._make_api_call

    def refusing(self: Any, name: str, arguments: dict[str, Any]) -> Any:
        if self.meta.service_model.service_name == service and name.startswith(operation):
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, name)
        return real(self, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", refusing)


# ── the way ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_request_reaches_the_archive_and_is_read_by_its_id(stack: Stack) -> None:
    """Request, queue, processor, segment, and back by the id that the caller was given."""
    answer = stack.ask({"chart": "loan", "input": {"amount": 5000, "name": "Ada"}, "explain": True})
    assert answer["result"] == {"decision": "rejected", "amount": 5000}
    assert stack.poll() == []
    assert stack.waiting() == 0
    found = stack.reader.get(answer["traceId"])
    assert found.line.narrative == answer["narrative"]
    assert found.line.status == "completed"
    trace = decode_trace(found.document)
    assert trace.snapshot["sharedState"]["decision"] == "rejected"
    assert trace.context["requestId"] == Context.aws_request_id


def test_many_requests_become_one_segment(stack: Stack) -> None:
    """Captured = archived, in one object that zcat reads."""
    ids = [stack.ask({"chart": "loan", "input": {"amount": number, "name": "x"}})["traceId"] for number in range(40)]
    assert stack.poll() == []
    keys = stack.keys("segments/")
    assert len(keys) in {1, 2}  # two where an hour ended meanwhile
    lines = [json.loads(line) for key in keys for line in gzip.decompress(stack.body_of(key)).splitlines()]
    assert sorted(line["traceId"] for line in lines) == ids
    assert [line.trace_id for line in stack.reader.newest()] == ids[::-1]


def test_a_batch_delivered_three_times_is_archived_once(stack: Stack) -> None:
    """F8: at least once is what queues promise."""
    answer = stack.ask({"chart": "loan", "input": GOOD})
    assert stack.poll(times=3) == []
    assert len(stack.keys("segments/")) == 1
    assert [line.trace_id for line in stack.reader.lines()] == [answer["traceId"]]


def test_a_message_sent_twice_is_one_trace(stack: Stack) -> None:
    """Two messages, one identity; in two batches, too."""
    body = encode_body(document(1))
    stack.send(body)
    stack.send(body)
    assert stack.poll() == []
    stack.send(body)
    assert stack.poll() == []
    assert [line.trace_id for line in stack.reader.lines()] == [trace_id(1)]


def test_a_stage_that_raises_leaves_its_trace_in_the_archive(stack: Stack) -> None:
    """F3: the caller gets the error, the archive the story."""
    with pytest.raises(PolicyError):
        stack.ask({"chart": "broken"})
    assert stack.poll() == []
    (line,) = stack.reader.lines()
    assert (line.status, line.error_type, line.error_stage) == ("failed", "PolicyError", "raise")
    assert any("An error occurred at Raise" in text for text in line.narrative or [])


def test_a_paused_run_and_its_continuation_are_two_traces(stack: Stack) -> None:
    """One trace per phase."""
    paused = stack.ask({"chart": "approval"})
    done = stack.ask({"chart": "approval", "checkpoint": paused["checkpoint"], "input": "yes"})
    assert stack.poll() == []
    assert {line.trace_id: line.status for line in stack.reader.lines()} == {
        paused["traceId"]: "paused",
        done["traceId"]: "completed",
    }
    assert json.loads(stack.reader.get(done["traceId"]).document)["continues"] == paused["traceId"]


def test_a_refused_request_leaves_nothing(stack: Stack) -> None:
    """Nothing ran."""
    assert stack.ask({"chart": "loan", "input": {}})["statusCode"] == 400
    assert stack.ask({"chart": "none"})["statusCode"] == 404
    assert stack.waiting() == 0


def test_an_event_that_is_none_of_sqs_is_an_error(stack: Stack) -> None:
    """Nothing was received, so nothing can be lost by saying so."""
    for event in (None, {}, [], {"Records": "x"}, {"chart": "loan"}):
        with pytest.raises(ValueError, match="Records"):
            stack.processor(event, Context())


@pytest.mark.parametrize("record", [None, {}, {"messageId": "m"}, {"messageId": 5, "body": {}}, {"body": "{}"}])
def test_a_record_of_any_shape_gets_a_valid_answer(stack: Stack, record: Any) -> None:
    """By hand one may send anything; a message that can't be named returns the batch, which is what is safe."""
    good = {"messageId": "good", "body": encode_body(document(1))}
    response = stack.processor({"Records": [record, good]}, Context())
    assert all(isinstance(failure["itemIdentifier"], str) for failure in response["batchItemFailures"])
    assert stack.reader.get(trace_id(1)).line.status == "completed"


# ── sizes ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("megabytes", [0.9, 1, 1.1, 5])
def test_a_trace_of_any_size_goes_by_the_way_it_needs(stack: Stack, megabytes: float) -> None:
    """F5: as a message while it fits, else by claim; read back the same, hash and all."""
    import random

    # A trace holds its input once; hex noise packs to 58 percent, and base64 makes a third of that more.
    noise = random.Random(1).randbytes(int(megabytes * 624_000))
    answer = stack.ask({"chart": "odd", "input": {"what": "nan", "noise": noise.hex()}})
    assert bool(stack.keys("claims/")) == (megabytes > 1)
    assert stack.poll() == []
    assert noise.hex().encode() in stack.reader.get(answer["traceId"]).document


@pytest.mark.parametrize(
    "what", ["nan", "surrogate", "noncharacter", "set", "object", "cycle", "deep", "bytes", "huge"]
)
def test_whatever_a_stage_keeps_reaches_the_archive(stack: Stack, what: str) -> None:
    """NaN, surrogates, U+FFFE, cycles, 3,000-deep lists, 5 MB: nothing of it stops a trace."""
    answer = stack.ask({"chart": "odd", "input": {"what": what}})
    assert stack.poll() == []
    line = stack.reader.get(answer["traceId"]).line
    assert line.status == "completed"
    assert line.narrative or line.views_omitted == (what == "huge")


# ── poison and hostile messages ────────────────────────────────────────────────────────────────────────────────────
def test_poison_of_each_kind_is_parked_and_its_siblings_archived(stack: Stack) -> None:
    """F6: only the poison goes, each with its reason; the rest of the batch is archived."""
    from tests.unit.service.test_process import POISON

    expected = Counter(reason for _, reason in POISON.values())
    for number, (body, _) in enumerate(POISON.values()):
        stack.send(body)
        stack.send(encode_body(document(number)))
    assert stack.poll() == []
    assert Counter(reason for _, reason in stack.dead_letters()) == expected
    assert len(list(stack.reader.lines())) == len(POISON)
    assert stack.waiting() == 0


def test_hostile_claims_open_nothing(stack: Stack) -> None:
    """Another bucket, another key, another hash, another size: refused, each by name."""
    secret = b'{"secret":"of another folder"}'
    stack.s3.put_object(Bucket=BUCKET, Key="segments/secret", Body=secret)
    stack.s3.create_bucket(Bucket="other-bucket")
    content = encode_body(document(1)).encode()
    claim, key = encode_claim(BUCKET, content)
    good = json.loads(claim)["claim"]
    stack.s3.put_object(Bucket=BUCKET, Key=key, Body=content + b" ")
    stack.s3.put_object(Bucket="other-bucket", Key=key, Body=content)
    import hashlib

    of_secret = hashlib.sha256(secret).hexdigest()
    for changed in (
        {"bucket": "other-bucket"},
        {"key": "segments/secret"},
        {"key": "segments/secret", "sha256": of_secret, "bytes": len(secret)},
        {"key": f"claims/{of_secret}", "sha256": of_secret, "bytes": len(secret)},
        {},
        {"bytes": len(content) + 1},
        {"bytes": 1 << 50},
    ):
        stack.send(json.dumps({"claim": good | changed}))
    assert stack.poll() == []
    assert Counter(reason for _, reason in stack.dead_letters()) == {
        "foreign-claim": 1,
        "bad-claim": 2,
        "claim-missing": 1,
        "claim-tampered": 2,
        "too-large": 1,
    }
    assert list(stack.reader.lines()) == []


def test_a_tampered_claim_is_parked_with_its_reason(stack: Stack) -> None:
    """F5: somebody changed the object after it was put."""
    answer = stack.ask({"chart": "odd", "input": {"what": "noise"}})
    (key,) = stack.keys("claims/")
    stack.s3.put_object(Bucket=BUCKET, Key=key, Body=stack.body_of(key)[:-4] + b"AAA=")
    assert stack.poll() == []
    assert [reason for _, reason in stack.dead_letters()] == ["claim-tampered"]
    assert answer["status"] == "completed"


# ── services down ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_while_s3_is_down_messages_wait_and_none_is_lost(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """F11: all returned, none parked, and the backlog drains afterwards."""
    ids = [stack.ask({"chart": "loan", "input": {"amount": number, "name": "x"}})["traceId"] for number in range(5)]
    with monkeypatch.context() as down:
        fail_calls(down, "s3")
        assert len(stack.poll()) == 5
        assert len(stack.poll()) == 5
    assert stack.dead_letters() == []
    assert stack.poll() == []
    assert [line.trace_id for line in stack.reader.lines()] == ids


def test_while_sqs_is_down_traces_are_spooled(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """F2: the answer is the same; the spool holds what the queue would have got."""
    with monkeypatch.context() as down:
        fail_calls(down, "sqs")
        answer = stack.ask({"chart": "loan", "input": GOOD})
    assert answer["result"]["decision"] == "approved"
    (key,) = stack.keys("spool/")
    assert answer["traceId"] in key
    stack.send(stack.body_of(key).decode())
    assert stack.poll() == []
    assert stack.reader.get(answer["traceId"]).line.status == "completed"


def test_while_sqs_and_s3_are_down_traces_are_logged(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """F2: the log's lines give the same body back."""
    with monkeypatch.context() as down:
        fail_calls(down, "sqs")
        fail_calls(down, "s3")
        answer = stack.ask({"chart": "loan", "input": GOOD})
        stack.ask({"chart": "odd", "input": {"what": "noise"}})
    logged, dropped = read_log_lines(capsys.readouterr().out.splitlines())
    if isinstance(logged, DroppedTrace):
        logged, dropped = dropped, logged
    assert isinstance(logged, LoggedTrace)
    assert isinstance(dropped, DroppedTrace)
    assert logged.body is not None
    assert dropped.bytes > 5_000_000
    stack.send(logged.body)
    assert stack.poll() == []
    assert stack.reader.get(answer["traceId"]).line.status == "completed"


def test_without_the_dead_letter_queue_poison_waits(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can't be told of, so it is not acknowledged; its siblings are archived."""
    stack.send("hello")
    stack.send(encode_body(document(1)))
    with monkeypatch.context() as down:
        fail_calls(down, "sqs", "SendMessage")
        assert len(stack.poll()) == 1
    assert stack.reader.get(trace_id(1)).line.status == "completed"
    assert stack.poll() == []
    assert [reason for _, reason in stack.dead_letters()] == ["not-a-trace"]


def test_a_put_that_meets_the_same_segment_is_success(stack: Stack) -> None:
    """412 from S3: an earlier delivery got that far."""
    stack.send(encode_body(document(1)))
    records = stack.receive()
    assert stack.processor({"Records": records}, Context()) == {"batchItemFailures": []}
    (key,) = stack.keys("segments/")
    before = stack.s3.head_object(Bucket=BUCKET, Key=key)["LastModified"]
    assert stack.processor({"Records": records}, Context()) == {"batchItemFailures": []}
    assert stack.s3.head_object(Bucket=BUCKET, Key=key)["LastModified"] == before


def test_a_batch_with_little_time_left_returns_what_it_does_not_begin(stack: Stack) -> None:
    """F10, through the real handler."""
    for number in range(3):
        stack.send(encode_body(document(number)))

    class Hurried(Context):
        remaining_ms = 500

    records = stack.receive()
    response = stack.processor({"Records": records}, Hurried())
    assert len(response["batchItemFailures"]) == 3
    assert stack.keys("segments/") == []


# ── the archive on S3 ──────────────────────────────────────────────────────────────────────────────────────────────
def test_one_trace_by_id_takes_three_calls(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing, a suffix and a range, among many segments."""
    from botocore.client import BaseClient

    store = S3Store(BUCKET, AwsClient("s3", connect_s=2, read_s=10))
    for block in range(12):
        writer = SegmentWriter("dt=2025-11-24/hr=16")
        from tests.unit.archive._traces import line_of

        for number in range(5):
            writer.add(*line_of(trace_id(number, START_MS + block * 60_000 + number)))
        segment = writer.finish()
        assert store.put_new(segment.key, segment.body)
    calls: list[str] = []
    real = BaseClient._make_api_call

    def counting(self: Any, name: str, arguments: dict[str, Any]) -> Any:
        calls.append(name)
        return real(self, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", counting)
    assert stack.reader.get(trace_id(3, START_MS + 7 * 60_000 + 3)).line.trace_id.endswith("3")
    assert calls == ["ListObjectsV2", "GetObject", "GetObject"]


def test_the_request_handler_imports_no_boto3_before_it_ships() -> None:
    """A cold start pays for the SDK once it is needed: in Lambda at init, elsewhere at the first trace."""
    import subprocess

    code = (
        "import sys, runpy\n"
        f"runpy.run_path({str(FUNCTIONS / 'request_handler' / 'app.py')!r})\n"
        "from footpath_service.wiring import request_application\n"
        "request_application({'ARCHIVE_BUCKET': 'bucket', 'TRACE_QUEUE_URL': 'https://sqs.example/1/q'})\n"
        "bad = [name for name in ('boto3', 'pydantic', 'aws_xray_sdk') if name in sys.modules]\n"
        "sys.exit(f'imported: {bad}' if bad else 0)\n"
    )
    root = FUNCTIONS.parent
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{root / 'engine_layer'}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_only_the_aws_adapter_names_boto3() -> None:
    """One file knows the SDK."""
    root = FUNCTIONS.parent
    naming = {
        path.relative_to(root).as_posix()
        for folder in ("engine_layer", "functions")
        for path in (root / folder).rglob("*.py")
        if any(
            line.strip().startswith(("import boto", "from boto"))
            for line in path.read_text(encoding="utf-8").splitlines()
        )
    }
    assert naming == {Path(str(aws_adapters.__file__)).relative_to(root).as_posix()}
