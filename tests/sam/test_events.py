"""Each sample in `events/` does with the real handlers what its name says, against moto's SQS and S3."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.events import BUCKET, write
from infra.template import REGION, ROOT

EVENTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "events").glob("*.json"))}

Handler = Callable[[Any, Any], Any]


class Context:
    """What Lambda tells a handler about its invocation."""

    function_name = "footpath-test"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = f"arn:aws:lambda:{REGION}:123456789012:function:footpath-test"
    aws_request_id = "52fdfc07-2182-154f-163f-5f0f9a621d72"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Plenty."""
        return 60_000


class World:
    """Queues and bucket as the stack has them, and its functions."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3", region_name=REGION)
        self.sqs = boto3.client("sqs", region_name=REGION)
        self.s3.create_bucket(Bucket=BUCKET)
        self.queue_url: str = self.sqs.create_queue(QueueName="traces")["QueueUrl"]
        self.dead_letter_url: str = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        for path in (ROOT / "events" / "claims").iterdir():
            self.s3.put_object(Bucket=BUCKET, Key=f"claims/{path.name}", Body=path.read_bytes())

    def sent(self, url: str) -> list[dict[str, Any]]:
        """Takes the messages out of a queue."""
        found: list[dict[str, Any]] = []
        while batch := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            found += batch
            for message in batch:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def archived(self) -> list[dict[str, Any]]:
        """The lines of the archive."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="segments/").get("Contents", [])
        bodies = [self.s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read() for item in listed]
        return [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]


def _load(name: str) -> Handler:
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"handler_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.lambda_handler


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty one, which the environment points to."""
    with mock_aws():
        made = World()
        monkeypatch.setenv("ARCHIVE_BUCKET", BUCKET)
        monkeypatch.setenv("TRACE_QUEUE_URL", made.queue_url)
        monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", made.dead_letter_url)
        monkeypatch.setenv("SHIP_BUDGET_MS", "10000")  # moto is slower than its model at the first call
        yield made


def ask(name: str) -> Any:
    """The request handler's answer to a sample."""
    return _load("request_handler")(EVENTS[name], Context())


def ask_http(name: str) -> tuple[int, Any]:
    """Status and body of its answer over HTTP."""
    answer = ask(name)
    assert answer["isBase64Encoded"] is False
    return answer["statusCode"], json.loads(answer["body"])


def process(name: str) -> list[str]:
    """The ids that the processor wants again, of a sample."""
    answer = _load("trace_processor")(EVENTS[name], Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


# ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("name", ["direct-run", "direct-run-explained"])
def test_a_direct_run_answers_and_its_trace_is_on_the_queue(name: str, world: World) -> None:
    """With its story when asked for."""
    answer = ask(name)
    assert (answer["chart"], answer["status"]) == ("credit-decision", "completed")
    assert answer["result"]["application_id"] == "sample-1"
    assert bool(answer.get("narrative")) is (name == "direct-run-explained")
    (message,) = world.sent(world.queue_url)
    assert message["MessageAttributes"]["traceId"]["StringValue"] == answer["traceId"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("direct-unknown-chart", "credit-decision"), ("direct-bad-input", "duration_months")],
)
def test_a_direct_run_that_cant_be_served_says_why(name: str, says: str, world: World) -> None:
    """And leaves no trace: nothing ran."""
    answer = ask(name)
    assert answer["status"] == "rejected"
    assert says in json.dumps(answer["error"])
    assert world.sent(world.queue_url) == []


@pytest.mark.parametrize("name", ["http-api-run", "function-url-run"])
def test_a_run_over_http_answers_and_its_trace_is_on_the_queue(name: str, world: World) -> None:
    """HTTP API and function URL alike."""
    status, body = ask_http(name)
    assert status == 200
    assert body["result"]["application_id"] == "sample-1"
    assert len(world.sent(world.queue_url)) == 1


def test_a_broken_body_over_http_is_the_callers_mistake(world: World) -> None:
    """400, and no trace."""
    status, body = ask_http("http-api-bad-json")
    assert status == 400
    assert "JSON" in body["error"]["message"]
    assert world.sent(world.queue_url) == []


@pytest.mark.usefixtures("world")
def test_charts_are_listed_and_described_over_http() -> None:
    """What is served, and what each wants."""
    status, body = ask_http("http-api-list-charts")
    assert status == 200
    assert "credit-decision" in json.dumps(body)
    status, body = ask_http("http-api-describe-chart")
    assert status == 200
    assert "duration_months" in json.dumps(body)


# ── messages ───────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("sqs-one", 1),
        ("sqs-one-as-text", 1),
        ("sqs-ten", 10),
        ("sqs-claim", 1),
        ("sqs-footprintjs", 1),
        ("sqs-redriven", 1),
    ],
)
def test_good_messages_are_archived(name: str, count: int, world: World) -> None:
    """However the body is written, and wherever the message has been."""
    assert process(name) == []
    lines = world.archived()
    assert len({line["traceId"] for line in lines}) == len(lines) == count
    assert world.sent(world.dead_letter_url) == []


def test_a_duplicate_is_archived_once(world: World) -> None:
    """Delivered twice in one batch, and again in another."""
    assert process("sqs-duplicate") == []
    assert process("sqs-duplicate") == []
    assert len(world.archived()) == 1


def test_poison_goes_to_the_dead_letter_queue_and_its_siblings_to_the_archive(world: World) -> None:
    """Each with its reason; none comes back."""
    assert process("sqs-poison-among-good") == []
    assert len(world.archived()) == 2
    reasons = [message["MessageAttributes"]["reason"]["StringValue"] for message in world.sent(world.dead_letter_url)]
    told = [
        record["messageAttributes"]["format"]["stringValue"]
        for record in EVENTS["sqs-poison-among-good"]["Records"]
        if "traceId" not in record["messageAttributes"]
    ]
    assert sorted(reasons) == sorted(told)


# ── the schedule ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_schedule_seals_what_was_archived(world: World) -> None:
    """Once; the next call finds nothing new."""
    process("sqs-ten")
    seal = _load("trace_sealer")
    answer = seal(EVENTS["schedule"], Context())
    assert (answer["traces"], answer["clashes"], answer["complete"]) == (10, [], True)
    listed = world.s3.list_objects_v2(Bucket=BUCKET, Prefix="digests/")["Contents"]
    assert [item["Key"] for item in listed] == answer["digests"]
    assert seal(EVENTS["schedule"], Context())["digests"] == []


# ── the samples ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_writing_the_samples_again_gives_the_same_requests(tmp_path: Path) -> None:
    """`python -m infra.events` is how they were made. Traces of older versions may stay: readers take them for ever."""
    write(tmp_path)
    again = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*.json")}
    assert set(again) == set(EVENTS)
    requests = {name for name in EVENTS if not name.startswith("sqs-")}
    assert {name: again[name] for name in requests} == {name: EVENTS[name] for name in requests}


def test_each_sample_is_named_in_a_test() -> None:
    """A payload that no test uses is a question waiting to be asked."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in EVENTS if f'"{name}"' not in text] == []
