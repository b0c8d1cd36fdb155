"""Every rule holds for the template, and every rule is able to fail."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from footpath_service.settings import SETTINGS, Settings, load_settings
from infra import load_template, transform
from tests.sam._rules import RULES
from tests.sam.conftest import variables_of

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
    ("the_request_handler_may_only_ship", "RequestHandlerRole.Properties.Policies.0.PolicyDocument.Statement.1.Action", ["s3:PutObject", "s3:GetObject"]),
    ("the_request_handler_may_only_ship", "RequestHandlerRole.Properties.Policies.0.PolicyDocument.Statement.1", DROP),
    ("the_processor_may_only_archive", "TraceProcessorRole.Properties.Policies.0.PolicyDocument.Statement.3.Action", ["s3:PutObject", "s3:ListBucket"]),
    ("the_processor_may_only_archive", "TraceProcessorRole.Properties.Policies.0.PolicyDocument.Statement.1", DROP),
    ("the_sealer_may_only_add_digests", "TraceSealerRole.Properties.Policies.0.PolicyDocument.Statement.2.Resource", {"Fn::Sub": "${ArchiveBucket.Arn}/segments/*"}),
    ("the_sealer_may_only_add_digests", "TraceSealerRole.Properties.Policies.0.PolicyDocument.Statement.0", DROP),
    ("digests_outlive_the_stack_with_the_key_that_signs_them", "TraceSealer.Properties.Events", DROP),
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
    ("a_message_outlasts_its_processing", "TraceQueue.Properties.VisibilityTimeout", 900),
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
    ("segments_are_never_overwritten", "ArchiveBucketPolicy.Properties.PolicyDocument.Statement.1", DROP),
    ("segments_are_never_overwritten", "ArchiveBucketPolicy.Properties.PolicyDocument.Statement.1.Effect", "Allow"),
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
    ("nothing_is_allowed_to_everyone", "QueuesTakeTlsOnly.Properties.PolicyDocument.Statement.0.Effect", "Allow"),
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
    ("parameters_have_defaults_and_descriptions", "/Parameters.Unused", {"Type": "String", "Default": "", "Description": "-"}),
    ("outputs_name_all_that_the_cli_needs", "/Outputs.TraceQueueUrl", DROP),
    ("outputs_name_all_that_the_cli_needs", "/Outputs.ArchiveBucketName.Value", {"Ref": "QueryResults"}),
]  # fmt: skip


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
    else:
        node[key] = value
    assert template != SOURCE
    return template


@pytest.mark.parametrize("name", RULES)
def test_the_template_keeps_each_rule(name: str) -> None:
    """As written, with the default parameters."""
    assert list(RULES[name](transform(SOURCE))) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"ArchiveRetentionDays": 365},
        {"Architecture": "arm64", "TraceBatchWindowSeconds": 300, "TraceBatchSize": 2000, "ProcessorConcurrency": 1000},
    ],
    ids=lambda parameters: ",".join(parameters),
)
def test_the_template_keeps_every_rule_with_other_parameters(parameters: dict[str, Any]) -> None:
    """A parameter can't break a rule."""
    stack = transform(SOURCE, parameters)
    assert {name: found for name, rule in RULES.items() if (found := list(rule(stack)))} == {}


@pytest.mark.parametrize(("name", "where", "value"), MUTATIONS, ids=[f"{name}-{where}" for name, where, _ in MUTATIONS])
def test_each_rule_notices_a_broken_template(name: str, where: str, value: Any) -> None:
    """A rule that can't fail protects nothing."""
    assert list(RULES[name](transform(_mutated(where, value)))) != []


def test_every_rule_has_a_mutation() -> None:
    """So no rule is added without one."""
    assert set(RULES) == {name for name, _, _ in MUTATIONS}


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
