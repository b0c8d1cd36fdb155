"""`footpath doctor` knows the rules whose breach loses traces, in a template and in what is deployed."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from footpath_cli._exits import CommandError, Exit
from footpath_cli.operate import Expiry, Facts, Ill, examine, facts_of_stack, facts_of_template
from tests.unit.cli.test_commands import footpath

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
REGION = "eu-west-1"
SESSION = boto3.Session(region_name=REGION)
"""One for all tests: what a session has read of the services' models need not be read again."""


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
            "LogGroup: !Ref RequestHandlerLog",
            "LogGroup: !Ref RequestHandlerLog\n        LogFormat: JSON\n        ApplicationLogLevel: ERROR",
            "keeps lines under ERROR out",
        ),
        ("Default: 30\n  RequestMemoryMb", "Default: 7\n  RequestMemoryMb", "log is kept 7 days"),
        (
            "Prefix: segments/\n            Transitions:\n              - StorageClass: GLACIER_IR",
            "Prefix: claims/\n            Transitions:\n              - StorageClass: DEEP_ARCHIVE",
            "moves objects under claims/ to DEEP_ARCHIVE",
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
        (Facts(max_receive_count=1000, visibility_s=1800, retention_s=1_209_600), "expires after 14.0 days, before"),
        (Facts(log_filter="WARN"), "keeps lines under WARN out"),
        (Facts(consumer="another", processor="processor"), "go to the function another"),
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
    """A stack as the template has it, in moto: queues, bucket, functions with their alias and mapping, logs."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", SESSION)
    with mock_aws(config={"lambda": {"use_docker": False}}):
        sqs, s3 = boto3.client("sqs"), boto3.client("s3")
        kept = {"MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true"}
        dead = sqs.create_queue(QueueName="dead", Attributes=kept)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 180})
        queue = sqs.create_queue(
            QueueName="traces", Attributes=kept | {"VisibilityTimeout": "1020", "RedrivePolicy": policy}
        )["QueueUrl"]
        s3.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket="archive", VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_policy(Bucket="archive", Policy=json.dumps(GUARD))
        variables = {"ARCHIVE_BUCKET": "archive", "DEAD_LETTER_QUEUE_URL": dead}
        _deploy("processor", 120, variables)
        _deploy("requests", 29, variables | {"TRACE_QUEUE_URL": queue})
        _deploy("sealer", 600, {"ARCHIVE_BUCKET": "archive"})
        boto3.client("lambda").create_event_source_mapping(
            FunctionName="processor:live",
            EventSourceArn=arn.replace(":dead", ":traces"),
            BatchSize=1000,
            MaximumBatchingWindowInSeconds=30,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            ScalingConfig={"MaximumConcurrency": 2},
        )
        yield {
            "TraceQueueUrl": queue,
            "DeadLetterQueueUrl": dead,
            "ArchiveBucketName": "archive",
            "TraceProcessorName": "processor",
            "RequestHandlerName": "requests",
            "TraceSealerName": "sealer",
            "FunctionAlias": "live",
        }


GUARD = {
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


def _deploy(name: str, timeout_s: int, variables: dict[str, str]) -> None:
    """A function, a version of it, the alias that is called, and its log."""
    functions, logs, iam = boto3.client("lambda"), boto3.client("logs"), boto3.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="app.lambda_handler",
        Code={"ZipFile": code.getvalue()},
        Timeout=timeout_s,
        Environment={"Variables": variables},
    )
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    logs.put_retention_policy(logGroupName=f"/aws/lambda/{name}", retentionInDays=30)


def examined(outputs: dict[str, str]) -> list[Ill]:
    return examine(facts_of_stack(outputs, boto3.client))


def test_a_stack_as_the_template_makes_it_is_well(aws: dict[str, str]) -> None:
    """Nothing is known of it that a rule objects to; and it is all known."""
    facts = facts_of_stack(aws, boto3.client)
    assert examine(facts) == []
    unknown = {name for name in type(facts).__slots__ if getattr(facts, name) is None}
    assert unknown == {"reserved_concurrency", "retained"}  # none is reserved; and a bucket does not tell


def _update_mapping(**changed: Any) -> None:
    functions = boto3.client("lambda")
    (mapping,) = functions.list_event_source_mappings()["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], **changed)


def _update_function(name: str, **changed: Any) -> None:
    """As a deployment does: a new version, and the alias on it."""
    functions = boto3.client("lambda")
    functions.update_function_configuration(FunctionName=name, **changed)
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)


def _variables(name: str, **changed: str) -> None:
    functions = boto3.client("lambda")
    found = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    _update_function(name, Environment={"Variables": found | changed})


def _url(name: str) -> str:
    return boto3.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]


def _set_queue(name: str, **attributes: str) -> None:
    boto3.client("sqs").set_queue_attributes(QueueUrl=_url(name), Attributes=attributes)


def _rule(**rule: Any) -> None:
    boto3.client("s3").put_bucket_lifecycle_configuration(
        Bucket="archive",
        LifecycleConfiguration={"Rules": [{"ID": "a rule", "Status": "Enabled", "Filter": {"Prefix": ""}} | rule]},
    )


BREAKAGES: dict[str, tuple[Callable[[], Any], bool, str]] = {
    "disabled": (lambda: _update_mapping(Enabled=False), True, "disabled"),
    "unbounded": (lambda: _update_mapping(BatchSize=10_000), False, "BatchSize is 10000"),
    "reserved": (
        lambda: boto3.client("lambda").put_function_concurrency(
            FunctionName="processor", ReservedConcurrentExecutions=5
        ),
        True,
        "reserved concurrency 5",
    ),
    "timeout": (lambda: _update_function("processor", Timeout=900), True, "visibility timeout is 1020 s"),
    "no settings": (
        lambda: _update_function("processor", Environment={"Variables": {}}),
        True,
        "ARCHIVE_BUCKET is not set",
    ),
    "another bucket": (lambda: _variables("requests", ARCHIVE_BUCKET="another"), True, "honoured in archive alone"),
    "both another bucket": (
        lambda: [_variables(name, ARCHIVE_BUCKET="another") for name in ("requests", "processor")],
        True,
        "the processor uses bucket another, and every command archive",
    ),
    "sealer's bucket": (
        lambda: _variables("sealer", ARCHIVE_BUCKET="another"),
        True,
        "the sealer uses bucket another",
    ),
    "no sealer's settings": (
        lambda: _update_function("sealer", Environment={"Variables": {}}),
        True,
        "the sealer does not start: ARCHIVE_BUCKET is not set",
    ),
    "another queue": (
        lambda: _variables("requests", TRACE_QUEUE_URL="https://sqs.eu-west-1.amazonaws.com/123456789012/another"),
        True,
        "another, which this stack's processor does not read",
    ),
    "poison goes round": (
        lambda: _variables("processor", DEAD_LETTER_QUEUE_URL=_url("traces")),
        True,
        "traces, which no command looks into",
    ),
    "too patient": (
        lambda: _set_queue(
            "traces",
            VisibilityTimeout="43200",
            RedrivePolicy=json.dumps(
                {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:123456789012:dead", "maxReceiveCount": 30}
            ),
        ),
        True,
        "before it would go to the dead-letter queue",
    ),
    "reads less": (
        lambda: _variables("processor", MAX_TRACE_BYTES="1000000"),
        True,
        "MAX_TRACE_BYTES is 67108864 where traces are sent and 1000000",
    ),
    "no time to ship": (lambda: _variables("requests", SHIP_BUDGET_MS="29000"), True, "nothing is left to work in"),
    "visibility": (lambda: _set_queue("traces", VisibilityTimeout="60"), True, "visibility timeout is 60 s"),
    "retention": (lambda: _set_queue("traces", MessageRetentionPeriod="345600"), True, "trace queue keeps"),
    "dead retention": (lambda: _set_queue("dead", MessageRetentionPeriod="60"), True, "dead-letter queue keeps"),
    "impatient": (
        lambda: _set_queue(
            "traces",
            RedrivePolicy=json.dumps(
                {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:123456789012:dead", "maxReceiveCount": 3}
            ),
        ),
        True,
        "after 0.8 h without S3",
    ),
    "no dead letters": (lambda: _set_queue("traces", RedrivePolicy=""), True, "no dead-letter queue"),
    "plain queue": (lambda: _set_queue("traces", SqsManagedSseEnabled="false"), False, "trace queue is not encrypted"),
    "small messages": (lambda: _set_queue("traces", MaximumMessageSize="262144"), False, "takes 262144 bytes"),
    "short log": (
        lambda: boto3.client("logs").put_retention_policy(logGroupName="/aws/lambda/requests", retentionInDays=3),
        True,
        "log is kept 3 days",
    ),
    "everything expires": (lambda: _rule(Expiration={"Days": 1}), True, "'a rule' ends objects under claims/, spool/"),
    "claims expire": (
        lambda: _rule(Filter={"Prefix": "claims/"}, Expiration={"Days": 30}),
        True,
        "ends objects under claims/, which have no other copy",
    ),
    "claims under two conditions": (
        lambda: _rule(
            Filter={"And": {"Prefix": "claims/", "Tags": [{"Key": "a", "Value": "b"}]}}, Expiration={"Days": 30}
        ),
        True,
        "ends objects under claims/",
    ),
    "spool to ice": (
        lambda: _rule(Filter={"Prefix": "spool/"}, Transitions=[{"Days": 1, "StorageClass": "DEEP_ARCHIVE"}]),
        True,
        "moves objects under spool/ to DEEP_ARCHIVE",
    ),
    "segments to ice": (
        lambda: _rule(Filter={"Prefix": "segments/"}, Transitions=[{"Days": 1, "StorageClass": "GLACIER"}]),
        False,
        "moves objects under segments/ to GLACIER",
    ),
    "one version": (
        lambda: boto3.client("s3").put_bucket_versioning(
            Bucket="archive", VersioningConfiguration={"Status": "Suspended"}
        ),
        True,
        "not versioned",
    ),
    "open": (lambda: boto3.client("s3").delete_bucket_policy(Bucket="archive"), False, "be overwritten"),
    "dead letters wait": (
        lambda: boto3.client("sqs").send_message(
            QueueUrl=boto3.client("sqs").get_queue_url(QueueName="dead")["QueueUrl"], MessageBody="x"
        ),
        False,
        "1 dead letters wait",
    ),
    "spooled traces wait": (
        lambda: boto3.client("s3").put_object(Bucket="archive", Key="spool/x", Body=b"x"),
        False,
        "1 spooled traces wait",
    ),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_a_deployed_stack_with_one_fault_is_told(aws: dict[str, str], name: str) -> None:
    """The real APIs' answers, one thing changed, one remark about it."""
    break_it, loses, said = BREAKAGES[name]
    break_it()
    found = examined(aws)
    assert [ill for ill in found if said in ill.what and ill.loses is loses], found
    assert all(ill.cure for ill in found)


def test_a_mapping_that_deletes_is_told(aws: dict[str, str]) -> None:
    """Moto can't change these two of a mapping that is there, so it is made anew."""
    functions = boto3.client("lambda")
    (mapping,) = functions.list_event_source_mappings()["EventSourceMappings"]
    functions.delete_event_source_mapping(UUID=mapping["UUID"])
    with pytest.raises(CommandError, match="0 event source mappings"):
        examined(aws)
    functions.create_event_source_mapping(
        FunctionName="processor:live",
        EventSourceArn=mapping["EventSourceArn"],
        BatchSize=100,
        FilterCriteria={"Filters": [{"Pattern": "{}"}]},
    )
    said = "\n".join(ill.what for ill in examined(aws))
    assert "filters: what does not match is deleted" in said
    assert "ignores which messages failed" in said
    assert "no MaximumConcurrency" in said
    assert "BatchSize is 100 without a batching window" in said


def test_a_stack_that_is_not_ours_is_told(aws: dict[str, str]) -> None:
    """By the output that it lacks; a queue that is gone is AWS's refusal."""
    with pytest.raises(CommandError, match="TraceProcessorName"):
        facts_of_stack({name: aws[name] for name in list(aws)[:3]}, boto3.client)
    with pytest.raises(CommandError, match="could not be asked"):
        facts_of_stack(aws | {"TraceQueueUrl": aws["TraceQueueUrl"] + "-gone"}, boto3.client)
