"""Every rule holds for the template, and every rule is able to fail."""

from __future__ import annotations

import copy
import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from footpath_service.settings import SETTINGS, Settings, load_settings
from infra import Stack, cloudformation, load_template, resolve, transform
from infra.template import TEMPLATE
from tests.sam import _rules_options, _rules_watching
from tests.sam._rules import FUNCTIONS, RULES
from tests.sam.conftest import variables_of

assert _rules_options.rule is _rules_watching.rule  # imported, so that their rules are among RULES

DROP = object()

SOURCE = load_template()

# A rule, and ways to break the template that it must notice: where, and what to put there.
MUTATIONS: list[tuple[str, str, Any]] = [
    ("each_function_has_a_role_of_its_own_written_here", "RequestHandler.Properties.Role", "arn:aws:iam::123456789012:role/admin"),
    ("each_function_has_a_role_of_its_own_written_here", "TraceProcessor.Properties.Role", {"Fn::GetAtt": ["RequestHandlerRole", "Arn"]}),
    ("each_function_has_a_role_of_its_own_written_here", "TraceProcessorRole.Properties.ManagedPolicyArns", ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]),
    ("each_function_has_a_role_of_its_own_written_here", "TraceProcessorRole.Properties.AssumeRolePolicyDocument.Statement.0.Principal", {"AWS": "*"}),
    ("nobody_is_allowed_wildcards", "RequestHandlerRole.Properties.Policies.0.PolicyDocument.Statement.0.Action", "sqs:*"),
    ("nobody_is_allowed_wildcards", "RequestHandlerRole.Properties.Policies.0.PolicyDocument.Statement.0.Resource", "*"),
    ("nobody_is_allowed_wildcards", "TraceProcessorRole.Properties.Policies.0.PolicyDocument.Statement.3.Resource", {"Fn::Sub": "${ArchiveBucket.Arn}/*"}),
    ("each_function_may_do_what_it_needs_and_no_more", "RequestHandlerRole.Properties.Policies.0.PolicyDocument.Statement.1.Action", ["s3:PutObject", "s3:GetObject"]),
    ("each_function_may_do_what_it_needs_and_no_more", "RequestHandlerRole.Properties.Policies.0.PolicyDocument.Statement.1", DROP),
    ("each_function_may_do_what_it_needs_and_no_more", "TraceProcessorRole.Properties.Policies.0.PolicyDocument.Statement.3.Action", ["s3:PutObject", "s3:ListBucket"]),
    ("each_function_may_do_what_it_needs_and_no_more", "TraceProcessorRole.Properties.Policies.0.PolicyDocument.Statement.1", DROP),
    ("no_role_both_writes_and_deletes_the_archive", "TraceProcessorRole.Properties.Policies.0.PolicyDocument.Statement.3.Action", ["s3:PutObject", "s3:DeleteObject"]),
    ("http_wants_iam_signatures", "ChartApi.Properties.Auth", DROP),
    ("http_wants_iam_signatures", "RequestHandler.Properties.Events.RunChart.Properties.Auth", {"Authorizer": "NONE"}),
    ("http_wants_iam_signatures", "RequestHandler.Properties.Events.RunChart.Properties.Path", "/run"),
    ("http_wants_iam_signatures", "RequestHandler.Properties.FunctionUrlConfig", {"AuthType": "NONE"}),
    ("batches_fail_message_by_message", "TraceProcessor.Properties.Events.Traces.Properties.FunctionResponseTypes", DROP),
    ("batches_fail_message_by_message", "TraceProcessor.Properties.Events.Traces.Properties.ScalingConfig", DROP),
    ("batches_fail_message_by_message", "TraceProcessor.Properties.Events.Traces.Properties.BatchSize", 10000),
    ("batches_fail_message_by_message", "TraceProcessor.Properties.Events.Traces.Properties.FilterCriteria", {"Filters": [{"Pattern": "{}"}]}),
    ("batches_fail_message_by_message", "TraceProcessor.Properties.Events.Traces", DROP),
    ("batches_fail_message_by_message", "TraceProcessor.Properties.ReservedConcurrentExecutions", 5),
    ("a_message_outlasts_its_processing", "TraceQueue.Properties.VisibilityTimeout", 1019),
    ("a_message_outlasts_its_processing", "TraceProcessor.Properties.Timeout", 300),
    ("an_outage_of_two_days_sends_nothing_to_the_dlq", "TraceQueue.Properties.RedrivePolicy.maxReceiveCount", 5),
    ("an_outage_of_two_days_sends_nothing_to_the_dlq", "TraceQueue.Properties.RedrivePolicy", DROP),
    ("queues_keep_messages_as_long_as_sqs_can", "DeadLetterQueue.Properties.MessageRetentionPeriod", DROP),
    ("the_archive_outlives_the_stack", "ArchiveBucket.DeletionPolicy", DROP),
    ("the_archive_outlives_the_stack", "ArchiveBucket.UpdateReplacePolicy", "Delete"),
    ("the_archive_outlives_the_stack", "RequestHandlerLog.DeletionPolicy", "Delete"),
    ("the_archive_outlives_the_stack", "ArchiveBucket.Properties.VersioningConfiguration", DROP),
    ("only_segments_and_large_documents_may_expire", "ArchiveBucket.Properties.LifecycleConfiguration", DROP),
    ("only_segments_and_large_documents_may_expire", "ArchiveBucket.Properties.LifecycleConfiguration.Rules.0.Prefix", DROP),
    ("only_segments_and_large_documents_may_expire", "ArchiveBucket.Properties.LifecycleConfiguration.Rules.4.ExpirationInDays", 30),
    ("what_is_deleted_can_be_restored_while_a_message_may_name_it", "ArchiveBucket.Properties.LifecycleConfiguration.Rules.4.NoncurrentVersionExpiration.NoncurrentDays", 27),
    ("segments_are_never_overwritten", "ArchiveBucketPolicy.Properties.PolicyDocument.Statement.1", DROP),
    ("segments_are_never_overwritten", "ArchiveBucketPolicy.Properties.PolicyDocument.Statement.1.Condition", DROP),
    ("segments_are_never_overwritten", "ArchiveBucketPolicy.Properties.PolicyDocument.Statement.1.Resource.1", DROP),
    ("buckets_are_encrypted_and_private", "ArchiveBucket.Properties.BucketEncryption", DROP),
    ("buckets_are_encrypted_and_private", "QueryResults.Properties.PublicAccessBlockConfiguration.BlockPublicPolicy", False),
    ("buckets_are_encrypted_and_private", "ArchiveBucket.Properties.OwnershipControls", DROP),
    ("buckets_are_encrypted_and_private", "SecretBucket", {"Type": "AWS::S3::Bucket"}),
    ("queues_are_encrypted", "DeadLetterQueue.Properties.SqsManagedSseEnabled", False),
    ("queues_are_encrypted", "SideQueue", {"Type": "AWS::SQS::Queue"}),
    ("buckets_and_queues_take_tls_only", "ArchiveBucketPolicy.Properties.PolicyDocument.Statement.0", DROP),
    ("buckets_and_queues_take_tls_only", "QueryResultsPolicy", DROP),
    ("buckets_and_queues_take_tls_only", "QueuesTakeTlsOnly.Properties.PolicyDocument.Statement.0.Resource.1", DROP),
    ("nothing_is_allowed_to_everyone", "QueuesTakeTlsOnly.Properties.PolicyDocument.Statement.1", {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": "TraceQueue.Arn"}}),
    ("functions_run_the_built_layer_on_the_runtime_it_was_built_for", "TraceProcessor.Properties.Runtime", "python3.14"),
    ("functions_run_the_built_layer_on_the_runtime_it_was_built_for", "EngineLayer.Properties.CompatibleArchitectures", ["arm64"]),
    ("the_answer_comes_before_http_gives_up", "RequestHandler.Properties.Timeout", 60),
    ("every_log_ends", "RequestHandlerLog.Properties.RetentionInDays", DROP),
    ("every_log_ends", "TraceProcessor.Properties.LoggingConfig", DROP),
    ("queries_have_a_limit_and_encrypted_results", "Questions.Properties.WorkGroupConfiguration.EnforceWorkGroupConfiguration", False),
    ("queries_have_a_limit_and_encrypted_results", "Questions.Properties.WorkGroupConfiguration.BytesScannedCutoffPerQuery", DROP),
    ("queries_have_a_limit_and_encrypted_results", "Questions.Properties.WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration", DROP),
    ("queries_have_a_limit_and_encrypted_results", "FailedRunsQuery.Properties.WorkGroup", "primary"),
    ("athena_finds_segments_without_a_crawler", "TracesTable.Properties.TableInput.Parameters.projection\\.hr\\.digits", DROP),
    ("athena_finds_segments_without_a_crawler", "TracesTable.Properties.TableInput.PartitionKeys.1", DROP),
    ("athena_finds_segments_without_a_crawler", "TracesTable.Properties.TableInput.StorageDescriptor.SerdeInfo.SerializationLibrary", "org.openx.data.jsonserde.JsonSerDe"),
    ("no_finding_is_suppressed", "ArchiveBucket.Metadata", {"cfn-lint": {"config": {"ignore_checks": ["W3045"]}}}),
    ("parameters_have_defaults_and_descriptions", "/Parameters.LogLevel.Default", DROP),
    ("parameters_are_used", "/Parameters.Unused", {"Type": "String", "Default": "", "Description": "-"}),
    ("outputs_name_all_that_the_cli_needs", "/Outputs.TraceQueueUrl", DROP),
    ("outputs_name_all_that_the_cli_needs", "/Outputs.ArchiveBucketName.Value", {"Ref": "QueryResults"}),
    ("each_function_may_do_what_it_needs_and_no_more", "TraceSealerRole.Properties.Policies.0.PolicyDocument.Statement.2.Resource", {"Fn::Sub": "${ArchiveBucket.Arn}/segments/*"}),
    ("each_function_may_do_what_it_needs_and_no_more", "TraceSealerRole.Properties.Policies.0.PolicyDocument.Statement.0", DROP),
    ("digests_outlive_the_stack_with_the_key_that_signs_them", "TraceSealer.Properties.Events", DROP),
    ("digests_outlive_the_stack_with_the_key_that_signs_them", "DigestKey.Properties.KeySpec", "RSA_2048"),
    ("digests_outlive_the_stack_with_the_key_that_signs_them", "DigestKey.UpdateReplacePolicy", DROP),
    ("digests_outlive_the_stack_with_the_key_that_signs_them", "DigestKey.Properties.KeyPolicy.Statement.0.Principal", "*"),
    ("checkpoints_are_signed_by_a_key_that_leaves_kms_never", "CheckpointKey.Properties.KeySpec", "SYMMETRIC_DEFAULT"),
    ("checkpoints_are_signed_by_a_key_that_leaves_kms_never", "CheckpointKey.Properties.PendingWindowInDays", 7),
    ("checkpoints_are_signed_by_a_key_that_leaves_kms_never", "CheckpointKey.DeletionPolicy", "Delete"),
    ("checkpoints_are_signed_by_a_key_that_leaves_kms_never", "CheckpointKey.Properties.KeyPolicy.Statement.0.Principal", "*"),
    ("checkpoints_are_signed_by_a_key_that_leaves_kms_never", "RequestHandler.Properties.Environment.Variables.CHECKPOINT_KEY_IDS", ""),
    ("each_function_may_do_what_it_needs_and_no_more", "RequestHandlerRole.Properties.Policies.0.PolicyDocument.Statement.2", DROP),
    ("what_the_sealer_finds_has_an_alarm", "ArchiveIsDamaged.Properties.Metrics.0.Expression", "FILL(gone, 0)"),
    ("what_the_sealer_finds_has_an_alarm", "ArchiveIsDamaged.Properties.Metrics.1.MetricStat.Metric.MetricName", "SealedSegments"),
    ("what_the_sealer_finds_has_an_alarm", "SealerIsSilent.Properties.Threshold", 0),
    ("alarms_tell_somebody_and_where_to_read_on", "SealerIsSilent.Properties.TreatMissingData", "notBreaching"),
    ("environments_hold_no_secrets", "RequestHandler.Properties.Environment.Variables.API_KEY", "abc"),
    ("environments_hold_no_secrets", "TraceProcessor.Properties.Environment.Variables.LICENCE", "{{resolve:secretsmanager:licence}}"),
    ("x_ray_is_off", "RequestHandler.Properties.Tracing", "Active"),
    ("http_is_throttled", "ChartApi.Properties.DefaultRouteSettings", DROP),
    ("http_is_throttled", "ChartApi.Properties.DefaultRouteSettings.ThrottlingBurstLimit", DROP),
    ("callers_and_the_queue_call_what_is_live", "RequestHandler.Properties.AutoPublishAlias", "other"),
    ("callers_and_the_queue_call_what_is_live", "/Globals.Function.AutoPublishAlias", "newest"),
    ("callers_and_the_queue_call_what_is_live", "/Globals.Function.VersionDeletionPolicy", "Delete"),
    ("callers_and_the_queue_call_what_is_live", "EngineLayer.Properties.RetentionPolicy", "Delete"),
    ("no_role_both_writes_and_deletes_the_archive", "RequestHandlerRole.Properties.Policies.0.PolicyDocument.Statement.1.Action", ["s3:PutObject", "s3:DeleteObject"]),
    ("every_log_ends", "ChartApiLog.DeletionPolicy", DROP),
    ("all_roles_are_bounded_or_none", "TraceProcessorRole.Properties.PermissionsBoundary", DROP),
    ("an_own_key_encrypts_everything_or_nothing", "TraceQueue.Properties.KmsMasterKeyId", "alias/aws/sqs"),
    ("an_own_key_encrypts_everything_or_nothing", "QueryResults.Properties.BucketEncryption.ServerSideEncryptionConfiguration.0.BucketKeyEnabled", DROP),
    ("an_own_key_encrypts_everything_or_nothing", "RequestHandlerLog.Properties.KmsKeyId", DROP),
    ("an_own_key_encrypts_everything_or_nothing", "AlarmTopic.Properties.KmsMasterKeyId", DROP),
    ("an_own_key_encrypts_everything_or_nothing", "Questions.Properties.WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration.EncryptionOption", "SSE_S3"),
    ("the_key_outlives_the_stack_and_serves_only_it", "ArchiveKey.DeletionPolicy", DROP),
    ("the_key_outlives_the_stack_and_serves_only_it", "ArchiveKey.Properties.EnableKeyRotation", False),
    ("the_key_outlives_the_stack_and_serves_only_it", "ArchiveKey.Properties.KeyPolicy.Statement.0.Principal", "*"),
    ("the_key_outlives_the_stack_and_serves_only_it", "ArchiveKey.Properties.KeyPolicy.Statement.1.Condition", DROP),
    ("the_key_outlives_the_stack_and_serves_only_it", "ArchiveKey.Properties.KeyPolicy.Statement.2.Action", "kms:*"),
    ("the_key_outlives_the_stack_and_serves_only_it", "RequestHandlerRole.Properties.Policies.2.Fn::If.1.PolicyDocument.Statement.0.Condition", DROP),
    ("each_function_may_do_what_it_needs_and_no_more", "TraceProcessorRole.Properties.Policies.2.Fn::If.1.PolicyDocument.Statement.0.Action", ["kms:GenerateDataKey", "kms:Decrypt", "kms:Encrypt"]),
    ("each_function_may_do_what_it_needs_and_no_more", "TraceProcessorRole.Properties.Policies.2", DROP),
    ("the_archive_can_be_locked", "ArchiveBucket.Properties.ObjectLockEnabled", DROP),
    ("the_archive_can_be_locked", "ArchiveBucket.Properties.ObjectLockConfiguration", DROP),
    ("the_archive_can_be_locked", "ArchiveBucket.Properties.ObjectLockConfiguration.Rule.Fn::If.1.DefaultRetention.Mode", "SOFT"),
    ("snapshots_are_of_versions", "RequestHandler.Properties.SnapStart", DROP),
    ("snapshots_are_of_versions", "TraceProcessor.Properties.SnapStart", {"ApplyOn": "PublishedVersions"}),
    ("a_budget_is_of_this_stack_and_tells_somebody", "MonthlyBudget.Properties.Budget.CostFilters", DROP),
    ("a_budget_is_of_this_stack_and_tells_somebody", "MonthlyBudget.Properties.Budget.TimeUnit", "DAILY"),
    ("a_budget_is_of_this_stack_and_tells_somebody", "MonthlyBudget.Properties.NotificationsWithSubscribers.1", DROP),
    ("every_danger_has_an_alarm", "DeadLettersWait", DROP),
    ("every_danger_has_an_alarm", "TraceProcessorThrottles", DROP),
    ("every_danger_has_an_alarm", "TracesAreSpooled.Properties.MetricName", "TracesSpoolt"),
    ("every_danger_has_an_alarm", "TracesAreLogged.Properties.Dimensions.0.Value", "trace-processor"),
    ("every_danger_has_an_alarm", "TracesAreDropped.Properties.Threshold", 5),
    ("every_danger_has_an_alarm", "RequestHandlerErrors.Properties.ComparisonOperator", "LessThanThreshold"),
    ("every_danger_has_an_alarm", "ApiFails.Properties.Period", 3600),
    ("the_gap_between_captured_and_archived_has_an_alarm", "TracesAreMissing.Properties.Metrics.0.Expression", "FILL(captured, 0) - FILL(archived, 0)"),
    ("the_gap_between_captured_and_archived_has_an_alarm", "TracesAreMissing.Properties.Metrics.2.MetricStat.Metric.MetricName", "TracesDuplicate"),
    ("the_gap_between_captured_and_archived_has_an_alarm", "TracesAreMissing.Properties.Metrics.1.MetricStat.Stat", "Average"),
    ("the_gap_between_captured_and_archived_has_an_alarm", "TracesAreMissing.Properties.Threshold", 1000),
    ("alarms_tell_somebody_and_where_to_read_on", "ApiIsSlow.Properties.AlarmActions", DROP),
    ("alarms_tell_somebody_and_where_to_read_on", "MessagesGrowOld.Properties.TreatMissingData", "breaching"),
    ("alarms_tell_somebody_and_where_to_read_on", "RecordersFail.Properties.AlarmDescription", "Something is wrong."),
    ("the_topic_takes_tls_only", "AlarmTopicPolicy.Properties.PolicyDocument.Statement.1", DROP),
    ("the_topic_takes_tls_only", "AlarmTopic.Properties.Subscription", []),
    ("nothing_is_allowed_to_everyone", "AlarmTopicPolicy.Properties.PolicyDocument.Statement.0.Condition", DROP),
    ("the_dashboard_shows_where_traces_went", "Overview.Properties.DashboardBody", "{"),
    ("the_dashboard_shows_where_traces_went", "Overview.Properties.DashboardBody", '{"widgets": []}'),
]  # fmt: skip

# What a rule's breach brings along: a right too many is also a right that the function does not need.
FOLLOWS: dict[str, set[str]] = {
    "nobody_is_allowed_wildcards": {"each_function_may_do_what_it_needs_and_no_more"},
    "no_role_both_writes_and_deletes_the_archive": {"each_function_may_do_what_it_needs_and_no_more"},
}

# Every option on: rules about options have something to look at.
ALL_ON: dict[str, Any] = {
    "OwnKey": "yes",
    "SignCheckpoints": "yes",
    "SignDigests": "yes",
    "ArchiveLockDays": 30,
    "AlarmEmail": "operators@example.org",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:ours",
    "Dashboard": "yes",
    "MonthlyBudgetUsd": 20,
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/bound",
    "SnapStart": "PublishedVersions",
}
DEFAULTS = {name: body["Default"] for name, body in SOURCE["Parameters"].items()}


def _mutated(where: str, value: Any) -> dict[str, Any]:
    template = copy.deepcopy(SOURCE)
    path = where.removeprefix("/") if where.startswith("/") else f"Resources.{where}"
    *steps, last = [step.replace("\0", ".") for step in path.replace("\\.", "\0").split(".")]
    node: Any = template
    for step in steps:
        node = node[int(step) if isinstance(node, list) else step]
    key: Any = int(last) if isinstance(node, list) else last
    if value is DROP:
        del node[key]
    elif isinstance(node, list) and key == len(node):
        node.append(value)
    else:
        node[key] = value
    assert template != SOURCE
    return template


@pytest.mark.parametrize("name", RULES)
def test_the_template_keeps_each_rule(name: str) -> None:
    """As written, with the default parameters."""
    assert list(RULES[name](transform(SOURCE))) == []


def _broken(stack: Stack) -> dict[str, list[str]]:
    return {name: found for name, rule in RULES.items() if (found := list(rule(stack)))}


def test_every_combination_of_options_keeps_every_rule() -> None:
    """The whole cross product of the template's conditions, and of what else a rule looks at."""
    plain = cloudformation(SOURCE)
    choices: dict[str, list[Any]] = {
        **{name: [DEFAULTS[name], value] for name, value in ALL_ON.items()},
        "ArchiveRetentionDays": [0, 365],
    }
    tried = 0
    for values in itertools.product(*choices.values()):
        parameters = dict(zip(choices, values, strict=True))
        stack = resolve(SOURCE, plain, parameters)
        refused = parameters["MonthlyBudgetUsd"] and not parameters["AlarmEmail"]
        assert bool(stack.refusals) == bool(refused), parameters
        if not stack.refusals:
            tried += 1
            assert _broken(stack) == {}, parameters
    assert tried == 3 * 2 ** (len(choices) - 2)


def test_the_options_tried_are_all_that_conditions_ask_for() -> None:
    """A new condition must join the cross product."""
    asked = set(re.findall(r"'Ref': '(\w+)'", repr(SOURCE["Conditions"])))
    assert asked <= {*ALL_ON, "ArchiveRetentionDays"}


@pytest.mark.parametrize(
    "parameters", [*({name: value} for name, value in ALL_ON.items()), ALL_ON, {"Architecture": "arm64"}], ids=str
)
def test_parameters_change_nothing_in_what_sam_makes(parameters: dict[str, Any]) -> None:
    """So one transform stands for all: conditions and references are CloudFormation's to resolve."""
    assert cloudformation(SOURCE, parameters)["Resources"] == cloudformation(SOURCE)["Resources"]


@pytest.mark.parametrize("bound", ["MinValue", "MaxValue"])
def test_numbers_at_their_bounds_keep_every_rule(bound: str) -> None:
    """What a parameter allows must be allowed."""
    numbers = {name: body[bound] for name, body in SOURCE["Parameters"].items() if bound in body}
    broken = _broken(transform(SOURCE, ALL_ON | numbers | {"MonthlyBudgetUsd": 0}))
    # The rule states the defaults of these two thresholds, which an operator may set as he likes.
    thresholds = [f"{name} rings when" for name in ("MessagesGrowOld", "ApiIsSlow")]
    alarms = broken.pop("every_danger_has_an_alarm", [])
    assert [found for found in alarms if not found.startswith(tuple(thresholds))] == []
    assert broken == {}


@pytest.mark.parametrize(("name", "where", "value"), MUTATIONS, ids=[f"{name}-{where}" for name, where, _ in MUTATIONS])
def test_each_rule_notices_a_broken_template_and_no_other_does(name: str, where: str, value: Any) -> None:
    """A rule that can't fail protects nothing; one that fails for another's reason explains nothing."""
    source = _mutated(where, value)
    plain = cloudformation(source)
    broken = {broken for parameters in ({}, ALL_ON) for broken in _broken(resolve(source, plain, parameters))}
    # What a parameter was for may be what was taken away.
    assert name in broken
    assert broken <= {name, "parameters_are_used"} | FOLLOWS.get(name, set())


def test_every_rule_has_a_mutation() -> None:
    """So no rule is added without one."""
    assert set(RULES) == {name for name, _, _ in MUTATIONS}


@pytest.mark.parametrize(("pattern", "good", "bad"), [
    ("AlarmEmail", ["", "a@b.org"], ["a", "a@b", "a b@c.org"]),
    ("Sampling", ["", '[{"keep": 0.1}]'], ["0.1", '{"keep": 0.1}']),
    ("AlarmTopicArn", ["", "arn:aws:sns:eu-west-1:123456789012:alarms"], ["alarms", "arn:aws:sqs:eu-west-1:123456789012:alarms"]),
    ("PermissionsBoundaryArn", ["", "arn:aws:iam::123456789012:policy/team/bound", "arn:aws:iam::aws:policy/PowerUserAccess"], ["bound"]),
    ("DatabaseName", ["footpath", "footpath_dev"], ["", "Footpath", "foot-path"]),
    ("ArchiveStart", ["2026-01-01"], ["2026-1-1", "01.01.2026"]),
])  # fmt: skip
def test_texts_are_checked_before_anything_is_made(pattern: str, good: list[str], bad: list[str]) -> None:
    """CloudFormation refuses what does not fit, by name."""
    allowed = SOURCE["Parameters"][pattern]["AllowedPattern"]
    assert [text for text in good if not re.search(allowed, text)] == []
    assert [text for text in bad if re.search(allowed, text)] == []


# ── a change of a parameter reaches what is live ───────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_version_is_published_when_a_parameter_changes_its_function_and_only_then(function: str) -> None:
    """CloudFormation makes a new version when its description changes, and fails when the function is the same as before."""

    def versions(parameters: dict[str, Any]) -> tuple[str, str]:
        stack = transform(SOURCE, parameters)
        (version,) = [
            body for body in stack.of_type("AWS::Lambda::Version").values() if body["FunctionName"] == f"<{function}>"
        ]
        return repr(stack.properties(function)), version["Description"]

    before = versions({})
    for name, body in SOURCE["Parameters"].items():
        other = (
            "[]"
            if name == "Sampling"
            else next((value for value in body.get("AllowedValues", []) if value != body["Default"]), ALL_ON.get(name))
        )
        value = other if other is not None else f"{body['Default']}1"
        after = versions({name: value})
        assert (after[0] != before[0]) == (after[1] != before[1]), name
        assert len(after[1]) <= 256


def test_new_code_publishes_a_version() -> None:
    """All code is in the layer: a function's own code never changes, so the layer has to count."""

    def names(change: str | None) -> set[str]:
        source = copy.deepcopy(SOURCE)
        if change:
            source["Resources"][change]["Properties"]["ContentUri" if change == "EngineLayer" else "CodeUri"] = (
                "s3://b/k"
            )
        return set(transform(source).of_type("AWS::Lambda::Version"))

    assert names(None) == names(None)
    assert len(names(None) | names("EngineLayer")) == 2 * len(FUNCTIONS)
    assert len(names(None) | names("RequestHandler")) == len(FUNCTIONS) + 1


@pytest.mark.parametrize("path", [TEMPLATE, TEMPLATE.parent / "infra" / "deployer.yaml"], ids=["template", "deployer"])
def test_what_checkov_shall_not_say_has_its_reason_beside_the_resource(path: Path) -> None:
    """`make lint-template` asks it; each exception is one check of one resource, and says why."""
    lines = path.read_text(encoding="utf-8").splitlines()
    skips = [line for line in lines if "checkov:skip" in line]
    assert skips
    for line in skips:
        check, _, reason = line.partition("# checkov:skip=")[2].partition(":")
        assert re.fullmatch(r"CKV_AWS_\d+", check), line
        assert len(reason.split()) >= 5, line


def test_traces_expire_only_when_asked_to() -> None:
    """Retention is a choice: by default the archive keeps every trace."""

    def expiring(parameters: dict[str, Any]) -> list[str]:
        bucket = transform(SOURCE, parameters).properties("ArchiveBucket")
        return [rule["Prefix"] for rule in bucket["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in rule]

    assert expiring({}) == []
    assert expiring({"ArchiveRetentionDays": 365}) == ["segments/", "large/"]


# ── template and code agree ────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("function", ["RequestHandler", "TraceProcessor"])
def test_functions_are_told_settings_that_exist(function: str) -> None:
    """A variable with a typing mistake would be ignored without a word."""
    known = {setting.name for setting in SETTINGS}
    assert {name for name in variables_of(function) if not name.startswith("POWERTOOLS_")} <= known


def test_the_functions_settings_are_sound() -> None:
    """What they need is set, and what is set can be read."""
    request = load_settings(variables_of("RequestHandler"), needed=["TRACE_QUEUE_URL"])
    assert request.trace_queue_url
    assert request.ship_budget_ms == Settings(archive_bucket="any").ship_budget_ms
    processor = load_settings(variables_of("TraceProcessor"))
    assert processor.dead_letter_queue_url
    timeout_ms = transform(SOURCE).properties("TraceProcessor")["Timeout"] * 1000
    assert processor.processor_reserve_ms < timeout_ms / 4


@pytest.mark.parametrize("bound", ["MinValue", "MaxValue"])
def test_the_shipping_budget_can_be_set_only_as_the_code_takes_it(bound: str) -> None:
    """A deployment must not make a function that refuses to start."""
    budget = SOURCE["Parameters"]["ShipBudgetMs"][bound]
    assert load_settings(variables_of("RequestHandler", {"ShipBudgetMs": budget})).ship_budget_ms == budget
