"""The template creates on moto what moto can create; what it can't is stated, resource by resource and property by property.

CREATE_COMPLETE there does not mean created, so each resource is looked up through its own service. When a moto of a
later day does more, a test here fails, and its list gets shorter.
"""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from footpath_cli.operate import examine, facts_of_stack
from infra import load_template, transform
from infra.template import REGION
from tests.sam._moto import IGNORED_TYPES, NAME, add_aliases, create_stack, outputs_of, plain_template
from tests.sam._rules import FUNCTIONS
from tests.sam.test_template_rules import ALL_ON

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Tried to parse"),  # IGNORED_TYPES
]


@pytest.fixture(scope="module")
def stack() -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        with mock_aws():
            yield create_stack(ALL_ON)


@pytest.fixture
def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return outputs_of(stack)


@pytest.fixture
def made(stack: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Type to (logical id, physical id) of what moto says it created."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for page in boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=NAME):
        for one in page["StackResourceSummaries"]:
            if one["LogicalResourceId"]:
                found[one["ResourceType"]].append((one["LogicalResourceId"], one["PhysicalResourceId"]))
    return dict(found)


def test_moto_calls_the_stack_complete(stack: dict[str, Any]) -> None:
    """With every option on."""
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_types_that_moto_passes_over_are_the_ones_listed(made: dict[str, list[tuple[str, str]]]) -> None:
    """No more, and no fewer: everything else is looked up below."""
    assert {body["Type"] for body in plain_template()["Resources"].values()} - set(made) == IGNORED_TYPES
    assert set(made) == set(LOOKED_UP)


# ── each resource by its own service ───────────────────────────────────────────────────────────────────────────────
def _bucket(logical: str, physical: str) -> None:
    rule = boto3.client("s3").get_bucket_encryption(Bucket=physical)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


def _queue(logical: str, physical: str) -> None:
    found = boto3.client("sqs").get_queue_attributes(QueueUrl=physical, AttributeNames=["All"])["Attributes"]
    assert found["MessageRetentionPeriod"] == "1209600"
    assert ":key/" in found["KmsMasterKeyId"]
    if logical == "TraceQueue":
        redrive = json.loads(found["RedrivePolicy"])
        assert (found["VisibilityTimeout"], redrive["maxReceiveCount"]) == ("1020", 180)
        assert "DeadLetterQueue" in redrive["deadLetterTargetArn"]


def _function(logical: str, physical: str) -> None:
    found = boto3.client("lambda").get_function_configuration(FunctionName=physical)
    expected = transform(load_template(), ALL_ON).properties(logical)
    for name in ("Runtime", "Handler", "Timeout", "MemorySize", "Description"):
        assert found[name] == expected[name]
    assert set(found["Environment"]["Variables"]) == set(expected["Environment"]["Variables"])
    assert f"{logical}Role" in found["Role"]


def _version(logical: str, physical: str) -> None:
    name = next(name for name in FUNCTIONS if logical.startswith(f"{name}Version"))
    function = outputs_of(boto3.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"][0])[f"{name}Name"]
    versions = boto3.client("lambda").list_versions_by_function(FunctionName=function)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]


def _permission(logical: str, physical: str) -> None:
    name = "RequestHandler" if logical.startswith("RequestHandler") else "TraceSealer"
    function = outputs_of(boto3.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"][0])[f"{name}Name"]
    policy = json.loads(boto3.client("lambda").get_policy(FunctionName=function)["Policy"])
    services = {statement["Principal"]["Service"] for statement in policy["Statement"]}
    assert services == {"apigateway.amazonaws.com" if name == "RequestHandler" else "events.amazonaws.com"}


def _mapping(logical: str, physical: str) -> None:
    found = boto3.client("lambda").get_event_source_mapping(UUID=physical)
    assert found["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert (found["BatchSize"], found["MaximumBatchingWindowInSeconds"]) == (1000, 30)
    assert found["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert "Filters" not in found.get("FilterCriteria", {})


def _layer(logical: str, physical: str) -> None:
    (layer,) = boto3.client("lambda").list_layers()["Layers"]
    assert layer["LatestMatchingVersion"]["CompatibleRuntimes"] == ["python3.13"]


def _role(logical: str, physical: str) -> None:
    iam = boto3.client("iam")
    expected = transform(load_template(), ALL_ON).properties(logical)
    assert iam.list_role_policies(RoleName=physical)["PolicyNames"] == [
        one["PolicyName"] for one in expected["Policies"]
    ]
    role = iam.get_role(RoleName=physical)["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == ALL_ON["PermissionsBoundaryArn"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
    ours = iam.get_role_policy(RoleName=physical, PolicyName=expected["Policies"][0]["PolicyName"])["PolicyDocument"]
    ours = ast.literal_eval(ours) if isinstance(ours, str) else ours  # moto gives the text of a dict
    actions = [statement["Action"] for statement in expected["Policies"][0]["PolicyDocument"]["Statement"]]
    assert [statement["Action"] for statement in ours["Statement"]] == actions


def _log(logical: str, physical: str) -> None:
    (group,) = boto3.client("logs").describe_log_groups(logGroupNamePrefix=physical)["logGroups"]
    assert group["retentionInDays"] == 30


def _key(logical: str, physical: str) -> None:
    assert physical in {key["KeyId"] for key in boto3.client("kms").list_keys()["Keys"]}


def _topic(logical: str, physical: str) -> None:
    (subscription,) = boto3.client("sns").list_subscriptions_by_topic(TopicArn=physical)["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", ALL_ON["AlarmEmail"])


def _dashboard(logical: str, physical: str) -> None:
    body = boto3.client("cloudwatch").get_dashboard(DashboardName=f"{NAME}-{REGION}")["DashboardBody"]
    assert len(json.loads(body)["widgets"]) == 6


def _rule(logical: str, physical: str) -> None:
    events = boto3.client("events")
    assert events.describe_rule(Name=physical)["ScheduleExpression"] == "rate(1 hour)"
    assert len(events.list_targets_by_rule(Rule=physical)["Targets"]) == 1


LOOKED_UP: dict[str, Callable[[str, str], None]] = {
    "AWS::CloudWatch::Dashboard": _dashboard,
    "AWS::Events::Rule": _rule,
    "AWS::IAM::Role": _role,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::EventSourceMapping": _mapping,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::LayerVersion": _layer,
    "AWS::Lambda::Permission": _permission,
    "AWS::Lambda::Version": _version,
    "AWS::Logs::LogGroup": _log,
    "AWS::S3::Bucket": _bucket,
    "AWS::SNS::Topic": _topic,
    "AWS::SQS::Queue": _queue,
}


@pytest.mark.parametrize("kind", LOOKED_UP)
def test_what_moto_creates_is_there(kind: str, made: dict[str, list[tuple[str, str]]]) -> None:
    """Asked of the service itself, with the properties that a trace's safety hangs on."""
    for logical, physical in made[kind]:
        LOOKED_UP[kind](logical, physical)


# ── properties that moto drops: proved on the transformed template only ────────────────────────────────────────────
DROPPED_OF_THE_ARCHIVE = {
    "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
    "get_bucket_ownership_controls": "OwnershipControlsNotFoundError",
    "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
    "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
    "get_bucket_policy": "NoSuchBucketPolicy",
}


@pytest.mark.parametrize("call", DROPPED_OF_THE_ARCHIVE)
def test_moto_drops_what_is_listed_of_the_archive_bucket(call: str, outputs: dict[str, str]) -> None:
    """When this fails, moto has learnt it: look it up above instead."""
    with pytest.raises(ClientError) as error:
        getattr(boto3.client("s3"), call)(Bucket=outputs["ArchiveBucketName"])
    assert error.value.response["Error"]["Code"] == DROPPED_OF_THE_ARCHIVE[call]


def test_moto_drops_what_is_listed_elsewhere(outputs: dict[str, str]) -> None:
    """Versioning, layers of functions, and the id in the API's address."""
    assert "Status" not in boto3.client("s3").get_bucket_versioning(Bucket=outputs["ArchiveBucketName"])
    for name in FUNCTIONS:
        function = boto3.client("lambda").get_function_configuration(FunctionName=outputs[f"{name}Name"])
        assert not function.get("Layers")
    assert "https://None.execute-api" in outputs["ApiUrl"] or "ChartApi" in outputs["ApiUrl"]


def test_the_doctor_reads_what_moto_made(outputs: dict[str, str]) -> None:
    """Every output that it asks for is there; it finds what moto dropped, and nothing else."""
    add_aliases(outputs)
    found = examine(facts_of_stack(outputs, boto3.client))
    assert sorted(ill.what.partition(":")[0] for ill in found) == [
        "the archive bucket is not versioned",
        "the bucket lets objects under segments/, large/ be overwritten",
    ]
