"""Each sample in `events/` does with the real handlers what its name says, against moto's SQS and S3."""

from __future__ import annotations

import copy
import gzip
import importlib.util
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventV2Model,
    EventBridgeModel,
    LambdaFunctionUrlModel,
    SqsModel,
)
from moto import mock_aws
from pydantic import BaseModel, ValidationError

from infra import load_template
from infra.events import BUCKET, function_for, write
from infra.template import REGION, ROOT
from tests.sam._samples import EVENTS, EXPECTED

# Each function's folder, by its logical id, as the template has them.
FOLDERS = {
    name: Path(resource["Properties"]["CodeUri"]).name
    for name, resource in load_template()["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}
# By the first word of a sample's name.
SHAPES: dict[str, type[BaseModel]] = {
    "http": APIGatewayProxyEventV2Model,
    "function": LambdaFunctionUrlModel,
    "sqs": SqsModel,
    "schedule": EventBridgeModel,
}

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


def call(name: str) -> Any:
    """What the handler of a sample answers to it."""
    return _load(FOLDERS[function_for(name)])(EVENTS[name], Context())


# ── what each is answered ──────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_is_answered_as_its_name_says(name: str, world: World) -> None:
    """By the handler that takes it; and queue, archive and dead letters are as they should be after it."""
    answer = call(name)
    expected = EXPECTED[name]
    expected.answer(answer)
    assert len(world.sent(world.queue_url)) == expected.sent
    lines = world.archived()
    assert len({line["traceId"] for line in lines}) == len(lines) == expected.archived
    dead = world.sent(world.dead_letter_url)
    assert Counter(message["MessageAttributes"]["reason"]["StringValue"] for message in dead) == expected.reasons


def test_a_duplicate_is_archived_once(world: World) -> None:
    """Delivered twice in one batch, and again in another."""
    assert call("sqs-duplicate") == {"batchItemFailures": []}
    assert call("sqs-duplicate") == {"batchItemFailures": []}
    assert len(world.archived()) == 1


@pytest.mark.usefixtures("world")
def test_an_event_that_is_nobodys_is_refused_by_name() -> None:
    """A function wired to the wrong source says so; it neither runs a chart nor acknowledges a batch."""
    sample = EVENTS["schedule"]
    answer = _load("request_handler")(sample, Context())
    assert (answer["statusCode"], answer["status"]) == (400, "rejected")
    with pytest.raises(ValueError, match="not an SQS event"):
        _load("trace_processor")(sample, Context())


# ── the schedule ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_schedule_seals_what_was_archived(world: World) -> None:
    """Once; the next call finds nothing new."""
    call("sqs-ten")
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


def test_each_sample_is_asked_about() -> None:
    """A payload that no test uses is a question waiting to be asked."""
    assert set(EXPECTED) == set(EVENTS)


def test_each_function_has_a_sample() -> None:
    """`SOURCES` is the one place that says who takes what."""
    assert {function_for(name) for name in EVENTS} == set(FOLDERS)


@pytest.mark.parametrize("name", [name for name in EVENTS if name.partition("-")[0] in SHAPES])
def test_a_sample_has_the_shape_that_aws_documents(name: str) -> None:
    """As somebody else read it there: Powertools' models of events are strict, and not ours."""
    SHAPES[name.partition("-")[0]].model_validate(EVENTS[name])


def test_a_sample_of_another_shape_is_found() -> None:
    """The check above is able to fail."""
    broken = copy.deepcopy(EVENTS["sqs-one"])
    del broken["Records"][0]["attributes"]["SentTimestamp"]
    with pytest.raises(ValidationError, match="SentTimestamp"):
        SHAPES["sqs"].model_validate(broken)
