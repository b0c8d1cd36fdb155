"""The rules that the template must keep; each says what it found wrong, so an empty answer means it is kept.

They look at the transformed template: what CloudFormation will get, not what SAM was told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from infra import Stack

Rule = Callable[[Stack], Iterator[str]]
RULES: dict[str, Rule] = {}

# What each function may do: (action, resource). Its role is named after it, its log too; a new function gets a row
# here.
FUNCTIONS: dict[str, set[tuple[str, str]]] = {
    # Adds to the queue, to `claims/` and to `spool/`, and reads nothing.
    "RequestHandler": {
        ("sqs:SendMessage", "<TraceQueue.Arn>"),
        ("s3:PutObject", "<ArchiveBucket.Arn>/claims/*"),
        ("s3:PutObject", "<ArchiveBucket.Arn>/spool/*"),
    },
    # Takes from the queue, reads claims, adds to the archive; no delete and no list. Poison goes to the DLQ.
    "TraceProcessor": {
        ("sqs:ReceiveMessage", "<TraceQueue.Arn>"),
        ("sqs:DeleteMessage", "<TraceQueue.Arn>"),
        ("sqs:GetQueueAttributes", "<TraceQueue.Arn>"),
        ("sqs:SendMessage", "<DeadLetterQueue.Arn>"),
        ("s3:GetObject", "<ArchiveBucket.Arn>/claims/*"),
        ("s3:PutObject", "<ArchiveBucket.Arn>/segments/*"),
        ("s3:PutObject", "<ArchiveBucket.Arn>/large/*"),
    },
    # Lists and reads segments and digests, and adds digests; it signs where there is a key.
    "TraceSealer": {
        ("s3:ListBucket", "<ArchiveBucket.Arn>"),
        ("s3:GetObject", "<ArchiveBucket.Arn>/segments/*"),
        ("s3:GetObject", "<ArchiveBucket.Arn>/digests/*"),
        ("s3:PutObject", "<ArchiveBucket.Arn>/digests/*"),
    },
}
# With a key of one's own, whoever uses queue or bucket uses the key as well, through them only.
KEY_GRANTS = {("kms:GenerateDataKey", "<ArchiveKey.Arn>"), ("kms:Decrypt", "<ArchiveKey.Arn>")}
BUCKETS = ("ArchiveBucket", "QueryResults")
QUEUES = ("TraceQueue", "DeadLetterQueue")
OUTAGE_S = 48 * 3600
LONGEST_WINDOW_S = 300  # the most that a batch window can be


def rule(check: Rule) -> Rule:
    """Registers a rule under its function's name."""
    RULES[check.__name__] = check
    return check


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def grants(stack: Stack, role: str) -> set[tuple[str, str]]:
    """What a role allows: (action, resource)."""
    return {
        (action, resource)
        for policy in stack.properties(role).get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }


# ── who may do what ────────────────────────────────────────────────────────────────────────────────────────────────
@rule
def each_function_has_a_role_of_its_own_written_here(stack: Stack) -> Iterator[str]:
    """SAM's generated roles come with AWS's managed policies, whose resources are wildcards."""
    roles = [stack.properties(name).get("Role") for name in FUNCTIONS]
    for name, role in zip(FUNCTIONS, roles, strict=True):
        if role != f"<{name}Role.Arn>":
            yield f"{name} runs as {role}"
    for name, role in stack.of_type("AWS::IAM::Role").items():
        if "ManagedPolicyArns" in role:
            yield f"{name} takes managed policies: {role['ManagedPolicyArns']}"
        trusted = [statement["Principal"] for statement in role["AssumeRolePolicyDocument"]["Statement"]]
        if trusted != [{"Service": "lambda.amazonaws.com"}]:
            yield f"{name} may be taken by {trusted}"


@rule
def nobody_is_allowed_wildcards(stack: Stack) -> Iterator[str]:
    """An action is named; a resource is one, or the objects under one named prefix of a bucket."""
    for name in stack.of_type("AWS::IAM::Role"):
        for action, resource in grants(stack, name):
            if "*" in action:
                yield f"{name} is allowed {action}"
            if "*" in re.sub(r"^<\w+\.Arn>/[a-z]+/\*$", "", resource):
                yield f"{name} is allowed {action} on {resource}"


@rule
def each_function_may_do_what_it_needs_and_no_more(stack: Stack) -> Iterator[str]:
    """Its row of the table, writing its own log, and using the key where there is one."""
    for name, needed in FUNCTIONS.items():
        log = {(action, f"<{name}Log.Arn>") for action in ("logs:CreateLogStream", "logs:PutLogEvents")}
        key = KEY_GRANTS if has_own_key(stack) else set[tuple[str, str]]()
        if name == "TraceSealer" and "DigestKey" in stack.resources:
            key = key | {("kms:Sign", "<DigestKey.Arn>")}
        if name == "RequestHandler" and "CheckpointKey" in stack.resources:
            key = key | {("kms:GenerateMac", "<CheckpointKey.Arn>")}
        yield from _differ(f"{name}Role", grants(stack, f"{name}Role"), needed | log | key)


def has_own_key(stack: Stack) -> bool:
    """Whether the stack was asked to have one."""
    return "ArchiveKey" in stack.resources


@rule
def checkpoints_are_signed_by_a_key_that_leaves_kms_never(stack: Stack) -> Iterator[str]:
    """Where they are: the function knows its name, and the key can do nothing else."""
    told = stack.properties("RequestHandler")["Environment"]["Variables"].get("CHECKPOINT_KEY_IDS")
    if "CheckpointKey" not in stack.resources:
        if told:
            yield f"checkpoints are signed with {told}, which is not the stack's"
        return
    if told != "<CheckpointKey.Arn>":
        yield f"there is a key for checkpoints, and the request handler is told {told}"
    key = stack.properties("CheckpointKey")
    if (key.get("KeySpec"), key.get("KeyUsage")) != ("HMAC_256", "GENERATE_VERIFY_MAC"):
        yield f"CheckpointKey can't sign checkpoints: {key.get('KeySpec')}, {key.get('KeyUsage')}"
    if key.get("PendingWindowInDays") != 30:
        yield "CheckpointKey is deleted in a hurry, and with it every paused run"
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if stack.resources["CheckpointKey"].get(policy) != "Retain":
            yield f"CheckpointKey: {policy} is {stack.resources['CheckpointKey'].get(policy)}"
    (statement,) = key["KeyPolicy"]["Statement"]
    if statement["Principal"] != {"AWS": "arn:<AWS::Partition>:iam::<AWS::AccountId>:root"}:
        yield f"CheckpointKey serves {statement['Principal']}"


@rule
def digests_outlive_the_stack_with_the_key_that_signs_them(stack: Stack) -> Iterator[str]:
    """And somebody calls the sealer every hour."""
    if "DigestKey" in stack.resources:
        key = stack.properties("DigestKey")
        if (key.get("KeySpec"), key.get("KeyUsage")) != ("ECC_NIST_P256", "SIGN_VERIFY"):
            yield f"DigestKey can't sign digests: {key.get('KeySpec')}, {key.get('KeyUsage')}"
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if stack.resources["DigestKey"].get(policy) != "Retain":
                yield f"DigestKey: {policy} is {stack.resources['DigestKey'].get(policy)}"
        (statement,) = key["KeyPolicy"]["Statement"]
        if statement["Principal"] != {"AWS": "arn:<AWS::Partition>:iam::<AWS::AccountId>:root"}:
            yield f"DigestKey serves {statement['Principal']}"
    schedules = {
        schedule.get("ScheduleExpression"): [target["Arn"].startswith("<TraceSealer") for target in schedule["Targets"]]
        for schedule in stack.of_type("AWS::Events::Rule").values()
    }
    if schedules != {"rate(1 hour)": [True]}:
        yield f"schedules: {schedules}"


def _differ(role: str, found: set[tuple[str, str]], expected: set[tuple[str, str]]) -> Iterator[str]:
    yield from (f"{role} does not need {action} on {resource}" for action, resource in sorted(found - expected))
    yield from (f"{role} lacks {action} on {resource}" for action, resource in sorted(expected - found))


@rule
def no_role_both_writes_and_deletes_the_archive(stack: Stack) -> Iterator[str]:
    """Whoever can write a trace can't make one go away: deleting is for claims alone, and never of a version."""
    for name in stack.of_type("AWS::IAM::Role"):
        for action, resource in grants(stack, name):
            if action in {"s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutLifecycleConfiguration"}:
                yield f"{name} may make things go away for good: {action} on {resource}"
            if action == "s3:DeleteObject" and resource != "<ArchiveBucket.Arn>/claims/*":
                yield f"{name} may delete {resource}"
            if action == "s3:DeleteObject" and ("s3:PutObject", resource) in grants(stack, name):
                yield f"{name} both writes and deletes {resource}"


@rule
def environments_hold_no_secrets(stack: Stack) -> Iterator[str]:
    """Whoever may look at a function sees its environment: settings live there, and nothing else."""
    for name, function in stack.of_type("AWS::Lambda::Function").items():
        for variable, value in function.get("Environment", {}).get("Variables", {}).items():
            if re.search(r"SECRET|PASSW|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|_KEYS$", variable):
                yield f"{name}: {variable} sounds like a secret"
            if "{{resolve:" in str(value):
                yield f"{name}: {variable} holds what {value} resolves to"


@rule
def x_ray_is_off(stack: Stack) -> Iterator[str]:
    """The trace that counts is ours; X-Ray's costs 300 ms of import, a right on every resource, and 5 USD per million."""
    for name, function in stack.of_type("AWS::Lambda::Function").items():
        if "TracingConfig" in function:
            yield f"{name} traces to X-Ray"


@rule
def http_is_throttled(stack: Stack) -> Iterator[str]:
    """What an account's whole Lambda concurrency is worth, one caller must not use up."""
    for name, stage in stack.of_type("AWS::ApiGatewayV2::Stage").items():
        settings = stage.get("DefaultRouteSettings", {})
        for limit in ("ThrottlingRateLimit", "ThrottlingBurstLimit"):
            if not 1 <= settings.get(limit, 0) <= 10_000:
                yield f"{name}: {limit} is {settings.get(limit)}"


@rule
def callers_and_the_queue_call_what_is_live(stack: Stack) -> Iterator[str]:
    """An alias points at a version, and taking a version back is moving the alias; earlier versions and layers stay."""
    uris = re.findall(r"functions/([^/']+)/invocations", str(stack.properties("ChartApi")))
    called = {
        *(mapping.get("FunctionName") for mapping in stack.of_type("AWS::Lambda::EventSourceMapping").values()),
        *uris,
        *(target["Arn"] for schedule in stack.of_type("AWS::Events::Rule").values() for target in schedule["Targets"]),
        *(grant.get("FunctionName") for grant in stack.of_type("AWS::Lambda::Permission").values()),
    }
    versions = stack.of_type("AWS::Lambda::Version")
    aliases = stack.of_type("AWS::Lambda::Alias")
    for name in called - {f"<{alias}>" for alias in aliases}:
        yield f"{name} is called, which is no alias"
    for name in FUNCTIONS:
        (alias,) = [alias for alias in aliases.values() if alias["FunctionName"] == f"<{name}>"] or [{}]
        version = str(alias.get("FunctionVersion")).removeprefix("<").removesuffix(".Version>")
        if alias.get("Name") != "live" or versions.get(version, {}).get("FunctionName") != f"<{name}>":
            yield f"{name} is live as {alias}"
    for kind in ("AWS::Lambda::Version", "AWS::Lambda::LayerVersion"):
        for name in stack.of_type(kind):
            if stack.resources[name].get("DeletionPolicy") != "Retain":
                yield f"{name} is gone after the next deployment"


@rule
def http_wants_iam_signatures(stack: Stack) -> Iterator[str]:
    """Every route of the API."""
    api = stack.properties("ChartApi").get("Body", {})
    scheme = api.get("components", {}).get("securitySchemes", {}).get("AWS_IAM", {})
    if scheme.get("x-amazon-apigateway-authtype") != "awsSigv4":
        yield "the API knows no IAM signatures"
    routes = {
        (method.upper(), path): body
        for path, methods in api.get("paths", {}).items()
        for method, body in methods.items()
    }
    expected = {("POST", "/charts/{chart}/runs"), ("GET", "/charts"), ("GET", "/charts/{chart}")}
    if set(routes) != expected:
        yield f"the API serves {sorted(routes)}"
    for (method, path), body in routes.items():
        if body.get("security") != [{"AWS_IAM": []}]:
            yield f"{method} {path} takes {body.get('security')}"
    for name, url in stack.of_type("AWS::Lambda::Url").items():
        if url.get("AuthType") != "AWS_IAM":
            yield f"{name} is open to everyone"


# ── nothing is lost ────────────────────────────────────────────────────────────────────────────────────────────────
@rule
def batches_fail_message_by_message(stack: Stack) -> Iterator[str]:
    """And nothing between queue and processor deletes messages or burns their receive counts."""
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping")
    if [mapping.get("EventSourceArn") for mapping in mappings.values()] != ["<TraceQueue.Arn>"]:
        yield f"event sources: {mappings}"
    for name, mapping in mappings.items():
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield f"{name}: one bad message would bring its whole batch back"
        if "FilterCriteria" in mapping:
            yield f"{name}: a filter deletes what it does not let through"
        if not mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 0) >= 2:
            yield f"{name}: no limit on concurrency"
        if not 1 <= mapping.get("BatchSize", 0) <= 2000:
            yield f"{name}: a segment holds at most 2,000 traces, a batch {mapping.get('BatchSize')}"
    for name in FUNCTIONS:
        if "ReservedConcurrentExecutions" in stack.properties(name):
            yield f"{name}: reserved concurrency throttles, and each throttled receive counts towards the DLQ"


@rule
def a_message_outlasts_its_processing(stack: Stack) -> Iterator[str]:
    """Visibility covers six timeouts and the longest window, as AWS advises."""
    visibility_s = stack.properties("TraceQueue").get("VisibilityTimeout", 30)
    timeout_s = stack.properties("TraceProcessor").get("Timeout", 3)
    if visibility_s < 6 * timeout_s + LONGEST_WINDOW_S:
        yield f"visible again after {visibility_s} s, with a timeout of {timeout_s} s"


@rule
def an_outage_of_two_days_sends_nothing_to_the_dlq(stack: Stack) -> Iterator[str]:
    """Receives x visibility: how long a good message can fail before it is taken for a bad one."""
    queue = stack.properties("TraceQueue")
    redrive = queue.get("RedrivePolicy", {})
    if redrive.get("deadLetterTargetArn") != "<DeadLetterQueue.Arn>":
        yield f"the trace queue's DLQ is {redrive.get('deadLetterTargetArn')}"
    patience_s = redrive.get("maxReceiveCount", 0) * queue.get("VisibilityTimeout", 30)
    if patience_s < OUTAGE_S:
        yield f"a good message is given up after {patience_s / 3600:.1f} h"


@rule
def queues_keep_messages_as_long_as_sqs_can(stack: Stack) -> Iterator[str]:
    """14 days each; a message brings its age along into the DLQ."""
    for name in QUEUES:
        if stack.properties(name).get("MessageRetentionPeriod") != 14 * 86400:
            yield f"{name} keeps messages {stack.properties(name).get('MessageRetentionPeriod')} s"


@rule
def the_archive_outlives_the_stack(stack: Stack) -> Iterator[str]:
    """Bucket and request log (which may hold traces) stay when the stack is deleted or replaces them."""
    for name in ("ArchiveBucket", "RequestHandlerLog"):
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if stack.resources[name].get(policy) != "Retain":
                yield f"{name}: {policy} is {stack.resources[name].get(policy)}"
    if stack.properties("ArchiveBucket").get("VersioningConfiguration") != {"Status": "Enabled"}:
        yield "an overwritten object of the archive would be gone"


@rule
def only_segments_and_large_documents_may_expire(stack: Stack) -> Iterator[str]:
    """What waits in `claims/` or `spool/` has no other copy; digests must outlive what they prove."""
    rules = stack.properties("ArchiveBucket").get("LifecycleConfiguration", {}).get("Rules", [])
    if not rules:
        yield "the archive has no lifecycle"
    for entry in rules:
        ends = "ExpirationInDays" in entry or "ExpirationDate" in entry or "Transitions" in entry
        if ends and entry.get("Prefix") not in {"segments/", "large/"}:
            yield f"{entry.get('Id')} reaches {entry.get('Prefix') or 'everything'}"


@rule
def what_is_deleted_can_be_restored_while_a_message_may_name_it(stack: Stack) -> Iterator[str]:
    """A claim is named by a message for as long as the queue keeps it, and then the dead-letter queue; its versions last longer."""
    named_s = sum(stack.properties(queue).get("MessageRetentionPeriod", 345_600) for queue in QUEUES)
    for entry in stack.properties("ArchiveBucket").get("LifecycleConfiguration", {}).get("Rules", []):
        days = entry.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays")
        if days is not None and days * 86_400 < named_s:
            yield f"{entry.get('Id')} ends versions after {days} days, a message lasts {named_s / 86_400:.0f}"


@rule
def segments_are_never_overwritten(stack: Stack) -> Iterator[str]:
    """The bucket refuses a PUT under `segments/` or `large/` that is not conditional."""
    statements = _statements(stack, "AWS::S3::BucketPolicy", "Bucket", "<ArchiveBucket>")
    guards = [
        statement
        for statement in statements
        if statement["Effect"] == "Deny"
        and statement["Action"] == "s3:PutObject"
        and statement["Principal"] == "*"
        and statement.get("Condition", {}).get("Null") == {"s3:if-none-match": "true"}
    ]
    guarded = {resource for statement in guards for resource in _list(statement["Resource"])}
    if guarded != {f"<ArchiveBucket.Arn>/{folder}/*" for folder in ("segments", "large", "digests")}:
        yield f"overwriting is refused on {sorted(guarded)}"


# ── nothing is open ────────────────────────────────────────────────────────────────────────────────────────────────
@rule
def buckets_are_encrypted_and_private(stack: Stack) -> Iterator[str]:
    """Encrypted, closed to the public, without access lists."""
    if set(stack.of_type("AWS::S3::Bucket")) != set(BUCKETS):
        yield f"buckets: {sorted(stack.of_type('AWS::S3::Bucket'))}"
    for name, bucket in stack.of_type("AWS::S3::Bucket").items():
        encryption = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        if not any("SSEAlgorithm" in entry.get("ServerSideEncryptionByDefault", {}) for entry in encryption):
            yield f"{name} is not encrypted"
        block = bucket.get("PublicAccessBlockConfiguration", {})
        for switch in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"):
            if block.get(switch) is not True:
                yield f"{name}: {switch} is {block.get(switch)}"
        if bucket.get("OwnershipControls", {}).get("Rules") != [{"ObjectOwnership": "BucketOwnerEnforced"}]:
            yield f"{name} takes access lists"


@rule
def queues_are_encrypted(stack: Stack) -> Iterator[str]:
    """With keys of SQS's own or of KMS."""
    if set(stack.of_type("AWS::SQS::Queue")) != set(QUEUES):
        yield f"queues: {sorted(stack.of_type('AWS::SQS::Queue'))}"
    for name, queue in stack.of_type("AWS::SQS::Queue").items():
        if queue.get("SqsManagedSseEnabled") is not True and "KmsMasterKeyId" not in queue:
            yield f"{name} is not encrypted"


@rule
def buckets_and_queues_take_tls_only(stack: Stack) -> Iterator[str]:
    """Each is refused to everyone who comes without TLS."""
    for kind, member, names in (
        ("AWS::S3::BucketPolicy", "Bucket", BUCKETS),
        ("AWS::SQS::QueuePolicy", "Queues", QUEUES),
    ):
        for name in names:
            denied = {
                resource
                for statement in _statements(stack, kind, member, f"<{name}>")
                if statement["Effect"] == "Deny"
                and statement["Principal"] == "*"
                and statement["Action"] in {"s3:*", "sqs:*"}
                and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
                for resource in _list(statement["Resource"])
            }
            needed = {f"<{name}.Arn>", f"<{name}.Arn>/*"} if member == "Bucket" else {f"<{name}.Arn>"}
            if not needed <= denied:
                yield f"{name} takes requests without TLS"


def _statements(stack: Stack, kind: str, member: str, target: str) -> list[dict[str, Any]]:
    return [
        statement
        for policy in stack.of_type(kind).values()
        if target in _list(policy.get(member))
        for statement in policy["PolicyDocument"]["Statement"]
    ]


@rule
def nothing_is_allowed_to_everyone(stack: Stack) -> Iterator[str]:
    """Policies of buckets and queues only refuse; a topic's lets this account's alarms in."""
    for kind in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
        for name, policy in stack.of_type(kind).items():
            for statement in policy["PolicyDocument"]["Statement"]:
                alarms = (
                    kind == "AWS::SNS::TopicPolicy"
                    and statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
                    and statement.get("Condition") == {"StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"}}
                )
                if statement["Effect"] != "Deny" and not alarms:
                    yield f"{name} allows {statement['Action']} to {statement['Principal']}"


# ── functions and logs ─────────────────────────────────────────────────────────────────────────────────────────────
@rule
def functions_run_the_built_layer_on_the_runtime_it_was_built_for(stack: Stack) -> Iterator[str]:
    """The layer's compiled modules are of one Python."""
    layers = stack.of_type("AWS::Lambda::LayerVersion")
    for name in FUNCTIONS:
        function = stack.properties(name)
        for layer in function.get("Layers", []) or [None]:
            body = layers.get(str(layer).strip("<>"), {})
            if function.get("Runtime") not in body.get("CompatibleRuntimes", []):
                yield f"{name} runs {function.get('Runtime')} with {layer}: {body.get('CompatibleRuntimes')}"
            if not set(function.get("Architectures", ["x86_64"])) <= set(body.get("CompatibleArchitectures", [])):
                yield f"{name} runs on {function.get('Architectures')} with {layer}"


@rule
def the_answer_comes_before_http_gives_up(stack: Stack) -> Iterator[str]:
    """An HTTP API waits 30 s at most."""
    if stack.properties("RequestHandler").get("Timeout", 3) >= 30:
        yield f"the request handler may take {stack.properties('RequestHandler').get('Timeout')} s"


@rule
def every_log_ends(stack: Stack) -> Iterator[str]:
    """Logs without retention are kept, and paid for, for ever."""
    for name, group in stack.of_type("AWS::Logs::LogGroup").items():
        if "RetentionInDays" not in group:
            yield f"{name} is kept for ever"
        if stack.resources[name].get("DeletionPolicy") not in {"Delete", "Retain"}:
            yield f"{name}: nobody said what becomes of it"
    for name in FUNCTIONS:
        if stack.properties(name).get("LoggingConfig", {}).get("LogGroup") != f"<{name}Log>":
            yield f"{name} logs to a group that Lambda makes, without retention"


# ── questions ──────────────────────────────────────────────────────────────────────────────────────────────────────
@rule
def queries_have_a_limit_and_encrypted_results(stack: Stack) -> Iterator[str]:
    """The workgroup decides, whatever a client asks for."""
    group = stack.properties("Questions").get("WorkGroupConfiguration", {})
    if group.get("EnforceWorkGroupConfiguration") is not True:
        yield "clients may choose their own limits"
    if not 10_000_000 <= group.get("BytesScannedCutoffPerQuery", 0) <= 10**12:
        yield f"a query may read {group.get('BytesScannedCutoffPerQuery')} bytes"
    result = group.get("ResultConfiguration", {})
    if result.get("OutputLocation") != "s3://<QueryResults>/" or "EncryptionConfiguration" not in result:
        yield f"results go to {result}"
    for name, query in stack.of_type("AWS::Athena::NamedQuery").items():
        if (query.get("WorkGroup"), query.get("Database")) != ("<Questions>", "<TraceDatabase>"):
            yield f"{name} runs in {query.get('WorkGroup')} on {query.get('Database')}"


@rule
def athena_finds_segments_without_a_crawler(stack: Stack) -> Iterator[str]:
    """Partitions are computed from the keys' own pattern, and reach a day beyond now for clocks that are ahead."""
    table = stack.properties("TracesTable").get("TableInput", {})
    projection = {key: value for key, value in table.get("Parameters", {}).items() if "." in key}
    expected = {
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.interval": "1",
        "projection.dt.interval.unit": "DAYS",
        "projection.dt.range": "2026-01-01,NOW+1DAYS",
        "projection.hr.type": "integer",
        "projection.hr.range": "0,23",
        "projection.hr.digits": "2",
        "storage.location.template": "s3://<ArchiveBucket>/segments/dt=${dt}/hr=${hr}/",
    }
    for key in sorted(expected.keys() | projection.keys()):
        if projection.get(key) != expected.get(key):
            yield f"{key} is {projection.get(key)}, not {expected.get(key)}"
    if [key["Name"] for key in table.get("PartitionKeys", [])] != ["dt", "hr"]:
        yield f"partitions: {table.get('PartitionKeys')}"
    serde = table.get("StorageDescriptor", {}).get("SerdeInfo", {}).get("SerializationLibrary")
    if serde != "org.apache.hive.hcatalog.data.JsonSerDe":
        yield f"lines are read by {serde}"


# ── the template itself ────────────────────────────────────────────────────────────────────────────────────────────
@rule
def no_finding_is_suppressed(stack: Stack) -> Iterator[str]:
    """cfn-lint and its kind get their way."""
    for name, body in [("the template", stack.source), *stack.source["Resources"].items()]:
        silenced = {"cfn-lint", "cfn_nag", "checkov", "guard"} & set(body.get("Metadata", {}))
        if silenced:
            yield f"{name} silences {sorted(silenced)}"


@rule
def parameters_have_defaults_and_descriptions(stack: Stack) -> Iterator[str]:
    """`sam deploy` needs no answer, and its questions explain themselves."""
    for name, body in stack.source["Parameters"].items():
        yield from (f"{name} has no {member}" for member in ("Default", "Description") if member not in body)


@rule
def parameters_are_used(stack: Stack) -> Iterator[str]:
    """A question whose answer changes nothing is a lie."""
    used = repr(stack.source["Resources"]) + repr(stack.source["Conditions"]) + repr(stack.source["Globals"])
    for name in stack.source["Parameters"]:
        if f"'{name}'" not in used and f"${{{name}}}" not in used:
            yield f"{name} is used nowhere"


@rule
def outputs_name_all_that_the_cli_needs(stack: Stack) -> Iterator[str]:
    """Entry points, queues, archive and questions."""
    expected = {
        "ApiUrl": "https://<ChartApi>.execute-api.<AWS::Region>.<AWS::URLSuffix>",
        "ArchiveBucketName": "<ArchiveBucket>",
        "DatabaseName": "<TraceDatabase>",
        "DeadLetterQueueUrl": "<DeadLetterQueue>",
        "FunctionAlias": "live",
        "RequestHandlerLogGroup": "<RequestHandlerLog>",
        "RequestHandlerName": "<RequestHandler>",
        "TraceProcessorName": "<TraceProcessor>",
        "TraceSealerName": "<TraceSealer>",
        "TraceQueueUrl": "<TraceQueue>",
        "WorkGroupName": "<Questions>",
    }
    if "DigestKey" in stack.resources:
        expected["DigestKeyArn"] = "<DigestKey.Arn>"
    for name in sorted(expected.keys() | stack.outputs.keys()):
        if stack.outputs.get(name) != expected.get(name):
            yield f"{name} is {stack.outputs.get(name)}, not {expected.get(name)}"
