"""`footpath doctor` knows the rules whose breach loses traces, in a template and in what is deployed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
import pytest
from moto import mock_aws

from footpath_cli._exits import CommandError, Exit
from footpath_cli.operate import Expiry, Facts, examine, facts_of_stack, facts_of_template
from tests.unit.cli.test_commands import footpath

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
REGION = "eu-west-1"


def test_the_template_of_this_repository_is_well() -> None:
    """Every rule asked, none broken."""
    facts = facts_of_template(TEMPLATE)
    assert examine(facts) == []
    assert facts.visibility_s == 1020
    assert facts.responses == ("ReportBatchItemFailures",)
    assert [expiry.prefix for expiry in facts.expiries or ()] == ["segments/", "large/"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("VisibilityTimeout: 1020", "VisibilityTimeout: 120", "visibility timeout is 120 s"),
        ("maxReceiveCount: 180", "maxReceiveCount: 5", "after 1.4 h without S3"),
        ("MessageRetentionPeriod: 1209600 # 14", "MessageRetentionPeriod: 345600 # 4", "keeps messages 4.0 days"),
        ("FunctionResponseTypes: [ReportBatchItemFailures]", "Enabled: true", "ignores which messages failed"),
        (
            "FunctionResponseTypes: [ReportBatchItemFailures]",
            "FunctionResponseTypes: [ReportBatchItemFailures]\n            FilterCriteria: {Filters: [{Pattern: '{}'}]}",
            "filters",
        ),
        ("Timeout: 120", "Timeout: 120\n      ReservedConcurrentExecutions: 5", "reserved concurrency 5"),
        (
            "Status: Enabled\n              Prefix: segments/",
            "Status: Enabled\n              Prefix: ''",
            "claims/, spool/",
        ),
        (
            "deadLetterTargetArn: !GetAtt DeadLetterQueue.Arn",
            "deadLetterTargetArn: !GetAtt Other.Arn",
            "leads to Other.Arn",
        ),
    ],
)
def test_a_template_that_would_lose_traces_is_told(tmp_path: Path, before: str, after: str, said: str) -> None:
    """One rule each; the command fails, and says what to set."""
    text = TEMPLATE.read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "template.yaml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    ended = footpath("doctor", "--template", str(path))
    assert ended.code == Exit.FAILURE, ended.out
    assert said in ended.out
    assert "would lose traces" in ended.err
    (ill, *_) = [json.loads(line) for line in footpath("doctor", "-t", str(path), "--json").out.splitlines()]
    assert ill["loses"] is True
    assert ill["cure"]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Facts(enabled=False), "disabled"),
        (Facts(max_receive_count=0), "no dead-letter queue"),
        (Facts(dead_letter_retention_s=60), "dead-letter queue keeps"),
        (Facts(versioned=False), "not versioned"),
        (Facts(retained=False), "goes when the stack does"),
        (Facts(conditional=("large/",)), "segments/ be overwritten"),
        (Facts(expiries=(Expiry("x", "spool/old/"),)), "'x'"),
        (Facts(batch_size=5000), "BatchSize is 5000"),
        (Facts(max_concurrency=0), "MaximumConcurrency"),
        (Facts(waiting={"dead letters": 3}), "3 dead letters wait"),
        (Facts(processor_environment={}), "does not start: ARCHIVE_BUCKET is not set"),
        (Facts(processor_environment={"ARCHIVE_BUCKET": "bucket"}), "does not know the dead-letter queue"),
        (
            Facts(processor_environment={"ARCHIVE_BUCKET": "bucket"}, processor_timeout_s=10),
            "PROCESSOR_RESERVE_MS is 10000 ms",
        ),
        (
            Facts(
                request_environment={"ARCHIVE_BUCKET": "bucket", "TRACE_QUEUE_URL": "https://sqs.example/1/q"},
                max_message_bytes=262_144,
            ),
            "takes 262144 bytes",
        ),
    ],
)
def test_each_rule_is_able_to_fail(facts: Facts, said: str) -> None:
    """And says what it found."""
    assert any(said in ill.what for ill in examine(facts))


def test_what_is_not_known_is_not_judged() -> None:
    """No facts, no verdict."""
    assert examine(Facts()) == []


def test_a_template_of_something_else_is_a_usage_error(tmp_path: Path) -> None:
    """So is one that is not there, or no YAML."""
    path = tmp_path / "t.yaml"
    for text in ("Resources: {}", "- 1", "a: [", None):
        if text is not None:
            path.write_text(text)
        assert footpath("doctor", "-t", str(path if text is not None else tmp_path / "none")).code == Exit.USAGE


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Queues and bucket as the template has them; functions are moto's business no further than their settings."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws():
        sqs, s3 = boto3.client("sqs"), boto3.client("s3")
        dead = sqs.create_queue(QueueName="dead", Attributes={"MessageRetentionPeriod": "1209600"})["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        queue = sqs.create_queue(
            QueueName="traces",
            Attributes={
                "MessageRetentionPeriod": "1209600",
                "VisibilityTimeout": "1020",
                "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 180}),
            },
        )["QueueUrl"]
        s3.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket="archive", VersioningConfiguration={"Status": "Enabled"})
        yield {
            "TraceQueueUrl": queue,
            "DeadLetterQueueUrl": dead,
            "ArchiveBucketName": "archive",
            "TraceProcessorName": "processor",
            "RequestHandlerName": "requests",
            "FunctionAlias": "live",
        }


class Functions:
    """Lambda's answers, in the shape of its API."""

    mapping: ClassVar[dict[str, Any]] = {
        "BatchSize": 1000,
        "MaximumBatchingWindowInSeconds": 30,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 2},
        "State": "Enabled",
    }
    variables: ClassVar[dict[str, str]] = {
        "ARCHIVE_BUCKET": "archive",
        "DEAD_LETTER_QUEUE_URL": "https://sqs.example/1/dead",
    }

    def __init__(self, **mapping: Any) -> None:
        self._mapping = self.mapping | mapping

    def get_function_configuration(self, FunctionName: str, Qualifier: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        assert Qualifier == "live"
        more = {"TRACE_QUEUE_URL": "https://sqs.example/1/traces"} if FunctionName == "requests" else {}
        return {"Timeout": 29 if more else 120, "Environment": {"Variables": self.variables | more}}

    def get_function_concurrency(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {}

    def list_event_source_mappings(self, EventSourceArn: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {"EventSourceMappings": [self._mapping]}


def examined(outputs: dict[str, str], **mapping: Any) -> list[str]:
    clients = {"lambda": Functions(**mapping)}
    facts = facts_of_stack(outputs, lambda service: clients.get(service) or boto3.client(service))
    return [ill.what for ill in examine(facts)]


def test_a_deployed_stack_is_asked(aws: dict[str, str]) -> None:
    """Well but for the bucket's policy, which this one does not have; then each fault is found."""
    (open_to,) = examined(aws)
    assert "overwritten" in open_to
    assert any("disabled" in what for what in examined(aws, State="Disabled"))
    assert any("filters" in what for what in examined(aws, FilterCriteria={"Filters": [{"Pattern": "{}"}]}))
    boto3.client("sqs").send_message(QueueUrl=aws["DeadLetterQueueUrl"], MessageBody="x")
    s3 = boto3.client("s3")
    s3.put_object(Bucket="archive", Key="spool/x", Body=b"x")
    s3.put_bucket_lifecycle_configuration(
        Bucket="archive",
        LifecycleConfiguration={
            "Rules": [{"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
        },
    )
    policy = {
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Condition": {"Null": {"s3:if-none-match": "true"}},
                "Resource": ["arn:aws:s3:::archive/segments/*", "arn:aws:s3:::archive/large/*"],
            }
        ]
    }
    s3.put_bucket_policy(Bucket="archive", Policy=json.dumps(policy))
    said = examined(aws)
    assert said[0].startswith("the lifecycle rule 'all' ends objects under claims/, spool/")
    assert said[1:] == ["1 dead letters wait", "1 spooled traces wait"]


def test_a_stack_that_is_not_ours_is_told(aws: dict[str, str]) -> None:
    """By the output that it lacks; a queue that is gone is AWS's refusal."""
    with pytest.raises(CommandError, match="TraceProcessorName"):
        facts_of_stack({name: aws[name] for name in list(aws)[:3]}, boto3.client)
    with pytest.raises(CommandError, match="could not be asked"):
        facts_of_stack(aws | {"TraceQueueUrl": aws["TraceQueueUrl"] + "-gone"}, boto3.client)
