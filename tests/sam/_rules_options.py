"""Rules about what a stack may be asked to have: a key of its own, a locked archive, snapshots, bounded roles, a budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra import Stack
from tests.sam._rules import BUCKETS, FUNCTIONS, QUEUES, has_own_key, rule

KEY = "<ArchiveKey.Arn>"


@rule
def an_own_key_encrypts_everything_or_nothing(stack: Stack) -> Iterator[str]:
    """Queues, buckets, results, logs and the topic: with the key they all use it, without it none names one."""
    expected = KEY if has_own_key(stack) else None
    for name in QUEUES:
        if stack.properties(name).get("KmsMasterKeyId") != expected:
            yield f"{name} is encrypted with {stack.properties(name).get('KmsMasterKeyId')}"
    for name in BUCKETS:
        entries = stack.properties(name).get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        if not entries:
            continue  # another rule's business
        (entry,) = entries
        with_key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
        if expected and (entry.get("ServerSideEncryptionByDefault") != with_key or not entry.get("BucketKeyEnabled")):
            yield f"{name} is encrypted with {entry}"
        if not expected and "KMSMasterKeyID" in str(entry):
            yield f"{name} is encrypted with {entry}"
    for name, group in stack.of_type("AWS::Logs::LogGroup").items():
        if group.get("KmsKeyId") != expected:
            yield f"{name} is encrypted with {group.get('KmsKeyId')}"
    for name, topic in stack.of_type("AWS::SNS::Topic").items():
        if topic.get("KmsMasterKeyId") != (expected and "<ArchiveKey>"):
            yield f"{name} is encrypted with {topic.get('KmsMasterKeyId')}"
    results = stack.properties("Questions").get("WorkGroupConfiguration", {}).get("ResultConfiguration", {})
    wanted = {"EncryptionOption": "SSE_KMS", "KmsKey": KEY} if expected else {"EncryptionOption": "SSE_S3"}
    if results.get("EncryptionConfiguration", wanted) != wanted:
        yield f"results of queries are encrypted with {results['EncryptionConfiguration']}"


@rule
def the_key_outlives_the_stack_and_serves_only_it(stack: Stack) -> Iterator[str]:
    """Without the key every trace is lost; with a loose policy it protects none."""
    if not has_own_key(stack):
        return
    key = stack.properties("ArchiveKey")
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if stack.resources["ArchiveKey"].get(policy) != "Retain":
            yield f"ArchiveKey: {policy} is {stack.resources['ArchiveKey'].get(policy)}"
    if key.get("EnableKeyRotation") is not True or key.get("PendingWindowInDays") != 30:
        yield "it does not rotate, or is deleted in a hurry"
    allowed: dict[str, Any] = {
        "arn:<AWS::Partition>:iam::<AWS::AccountId>:root": None,
        "logs.<AWS::Region>.amazonaws.com": {
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>"
                ":log-group:<AWS::StackName>-*"
            }
        },
        "cloudwatch.amazonaws.com": {"StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"}},
    }
    for statement in key["KeyPolicy"]["Statement"]:
        (who,) = (statement["Principal"] if isinstance(statement["Principal"], dict) else {"": "*"}).values()
        if who not in allowed or statement.get("Condition") != allowed[who]:
            yield f"the key serves {who} where {statement.get('Condition')}"
        if "*" in str(statement["Action"]) and not who.endswith(":root"):
            yield f"{who} may do {statement['Action']} with the key"
    for name in FUNCTIONS:
        for policy in stack.properties(f"{name}Role").get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                through = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService")
                if statement["Resource"] == KEY and not through:
                    yield f"{name} may use the key for anything"


@rule
def the_archive_can_be_locked(stack: Stack) -> Iterator[str]:
    """Object Lock is on from the bucket's first day, so that a later lock needs no new bucket; what it locks is asked for."""
    bucket = stack.properties("ArchiveBucket")
    configuration = bucket.get("ObjectLockConfiguration", {})
    if bucket.get("ObjectLockEnabled") is not True or configuration.get("ObjectLockEnabled") != "Enabled":
        yield "Object Lock is off"
    if "Rule" in configuration:
        lock = configuration["Rule"].get("DefaultRetention", {})
        if lock.get("Mode") not in {"GOVERNANCE", "COMPLIANCE"} or not lock.get("Days", 0) > 0 or "Years" in lock:
            yield f"objects are locked by {lock}"


@rule
def snapshots_are_of_versions(stack: Stack) -> Iterator[str]:
    """SnapStart works on published versions only; the request handler alone has callers who wait for a cold start."""
    for name in FUNCTIONS:
        snapshot = stack.properties(name).get("SnapStart")
        if name == "RequestHandler" and (snapshot or {}).get("ApplyOn") not in {"None", "PublishedVersions"}:
            yield f"{name}: SnapStart is {snapshot}"
        if name != "RequestHandler" and snapshot is not None:
            yield f"{name} has no caller who waits: {snapshot}"


@rule
def all_roles_are_bounded_or_none(stack: Stack) -> Iterator[str]:
    """Whoever deploys with bounded rights can make bounded roles only."""
    bounds = {role.get("PermissionsBoundary") for role in stack.of_type("AWS::IAM::Role").values()}
    if len(bounds) > 1:
        yield f"roles are bounded by {sorted(map(str, bounds))}"


@rule
def a_budget_is_of_this_stack_and_tells_somebody(stack: Stack) -> Iterator[str]:
    """Before it is spent, and when the forecast says that it will be."""
    for name, budget in stack.of_type("AWS::Budgets::Budget").items():
        body = budget["Budget"]
        if body.get("CostFilters") != {"TagKeyValue": ["aws:cloudformation:stack-name$<AWS::StackName>"]}:
            yield f"{name} is of {body.get('CostFilters')}"
        if (body.get("TimeUnit"), body.get("BudgetType"), body.get("BudgetLimit", {}).get("Unit")) != (
            "MONTHLY",
            "COST",
            "USD",
        ):
            yield f"{name} counts {body}"
        told = {
            entry["Notification"]["NotificationType"]
            for entry in budget.get("NotificationsWithSubscribers", [])
            if all(subscriber.get("Address") for subscriber in entry["Subscribers"])
        }
        if told != {"ACTUAL", "FORECASTED"}:
            yield f"{name} tells of {told}"
