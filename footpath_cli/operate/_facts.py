"""What is configured: asked of a deployed stack, or read from a template."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from footpath.archive import LARGE, SEGMENTS, SPOOL
from footpath_cli._exits import CommandError, Exit
from footpath_cli.operate._doctor import Expiry, Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_COUNT_AT_MOST = 1_000
_UNREADABLE = ("GLACIER", "DEEP_ARCHIVE")
"""Storage classes from which an object must be restored first, in hours."""


# ── a stack ────────────────────────────────────────────────────────────────────────────────────────────────────────
def facts_of_stack(outputs: Mapping[str, str], client: Callable[[str], Any]) -> Facts:
    """Ask AWS.

    Args:
        outputs: the stack's.
        client: gives a boto3 client of a service.

    Raises:
        CommandError: the stack is not ours, or AWS refuses or does not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        facts = Facts(
            queue_url=outputs["TraceQueueUrl"],
            dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
            bucket=outputs["ArchiveBucketName"],
        )
        queue_arn = _ask_queues(facts, outputs, client("sqs"))
        log_groups = _ask_functions(facts, outputs, client("lambda"), queue_arn)
        _ask_logs(facts, log_groups, client("logs"))
        _ask_bucket(facts, outputs["ArchiveBucketName"], client("s3"))
    except KeyError as error:
        cure = "is it a stack of this repository's template.yaml?"
        raise CommandError(f"the stack has no output {error}", cure, exit_code=Exit.NOT_FOUND) from error
    except (BotoCoreError, ClientError) as error:
        cure = "check credentials and region, and the rights to read queues, functions and the bucket's configuration"
        raise CommandError(f"AWS could not be asked: {error}", cure, exit_code=Exit.UNREACHABLE) from error
    return facts


def _ask_queues(facts: Facts, outputs: Mapping[str, str], sqs: Any) -> str:
    def attributes(url: str) -> dict[str, str]:
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    queue, dead = attributes(outputs["TraceQueueUrl"]), attributes(outputs["DeadLetterQueueUrl"])
    facts.visibility_s = int(queue["VisibilityTimeout"])
    facts.retention_s = int(queue["MessageRetentionPeriod"])
    facts.max_message_bytes = int(queue["MaximumMessageSize"]) if "MaximumMessageSize" in queue else None
    policy: dict[str, Any] = json.loads(queue.get("RedrivePolicy") or "{}")
    facts.max_receive_count = int(policy.get("maxReceiveCount", 0))
    facts.dead_letter_arn = policy.get("deadLetterTargetArn")
    facts.dead_letter_queue_arn = dead["QueueArn"]
    facts.dead_letter_retention_s = int(dead["MessageRetentionPeriod"])
    facts.encrypted = {"trace queue": _is_encrypted(queue), "dead-letter queue": _is_encrypted(dead)}
    facts.waiting["dead letters"] = int(dead.get("ApproximateNumberOfMessages", "0"))
    return queue["QueueArn"]


def _is_encrypted(queue: Mapping[str, Any]) -> bool:
    """Whether a queue's attributes, or its properties in a template, say so; "false" is what AWS answers for no."""
    return bool(queue.get("KmsMasterKeyId")) or str(queue.get("SqsManagedSseEnabled", False)).lower() != "false"


def _ask_functions(facts: Facts, outputs: Mapping[str, str], functions: Any, queue_arn: str) -> dict[str, str]:
    """Gives the functions' log groups."""
    # What is live is what callers and the queue call, not what was deployed last.
    name, live = outputs["TraceProcessorName"], {"Qualifier": outputs["FunctionAlias"]}
    processor = functions.get_function_configuration(FunctionName=name, **live)
    facts.processor_timeout_s = processor.get("Timeout", 3)
    facts.processor_environment = _environment_of(processor)
    facts.reserved_concurrency = functions.get_function_concurrency(FunctionName=name).get(
        "ReservedConcurrentExecutions"
    )
    # By its queue: Lambda lists a mapping to an alias under the alias alone.
    mappings = functions.list_event_source_mappings(EventSourceArn=queue_arn)["EventSourceMappings"]
    if len(mappings) != 1:
        raise CommandError(
            f"{name} has {len(mappings)} event source mappings, not one", "deploy the template again: messages wait"
        )
    mapping: dict[str, Any] = mappings[0]
    _take_mapping(facts, mapping)
    facts.consumer, facts.processor = (_name_of(str(one["FunctionArn"])) for one in (mapping, processor))
    facts.enabled = mapping.get("State", "Enabled") not in {"Disabled", "Disabling"}
    request = functions.get_function_configuration(FunctionName=outputs["RequestHandlerName"], **live)
    facts.request_timeout_s = request.get("Timeout", 3)
    facts.request_environment = _environment_of(request)
    facts.log_filter = _log_filter(request)
    facts.settings = {
        "processor": facts.processor_environment or {},
        "request handler": facts.request_environment or {},
    }
    if "TraceSealerName" in outputs:
        sealer = functions.get_function_configuration(FunctionName=outputs["TraceSealerName"], **live)
        facts.settings["sealer"] = _environment_of(sealer)
    return {
        who: function.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function['FunctionName']}"
        for who, function in (("processor", processor), ("request handler", request))
    }


def _log_filter(function: Mapping[str, Any]) -> str:
    """Lambda filters lines where their format is JSON alone."""
    logging: Mapping[str, Any] = function.get("LoggingConfig") or {}
    return str(logging.get("ApplicationLogLevel", "INFO")) if logging.get("LogFormat") == "JSON" else ""


def _name_of(arn: str) -> str:
    """A function's name, out of its ARN, which may end with a version or an alias."""
    return arn.split(":")[6]


def _ask_logs(facts: Facts, groups: Mapping[str, str], logs: Any) -> None:
    for who, name in groups.items():
        found: list[dict[str, Any]] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        for group in found:
            if group["logGroupName"] == name and "retentionInDays" in group:
                facts.log_days[who] = int(group["retentionInDays"])


def _environment_of(function: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, Any] = function.get("Environment", {}).get("Variables", {})
    return {name: str(value) for name, value in found.items()}  # Lambda says texts; emulators say numbers, too


def _take_mapping(facts: Facts, mapping: Mapping[str, Any]) -> None:
    filters, scaling = (cast("dict[str, Any]", mapping.get(name) or {}) for name in ("FilterCriteria", "ScalingConfig"))
    facts.filters = bool(filters.get("Filters"))
    facts.responses = tuple(mapping.get("FunctionResponseTypes") or ())
    facts.batch_size = int(mapping.get("BatchSize", 10))
    facts.window_s = int(mapping.get("MaximumBatchingWindowInSeconds", 0))
    facts.max_concurrency = int(scaling.get("MaximumConcurrency", 0))


def _ask_bucket(facts: Facts, bucket: str, s3: Any) -> None:
    from botocore.exceptions import ClientError

    facts.versioned = s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"
    try:
        rules: list[dict[str, Any]] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchLifecycleConfiguration":
            raise
        rules = []
    enabled = [rule for rule in rules if rule.get("Status") == "Enabled"]
    ends = [
        Expiry(str(rule.get("ID", "?")), _prefix_of(rule))
        for rule in enabled
        if "Expiration" in rule and "ExpiredObjectDeleteMarker" not in rule["Expiration"]
    ]
    moves = [
        Expiry(str(rule.get("ID", "?")), _prefix_of(rule), str(move["StorageClass"]))
        for rule in enabled
        for move in rule.get("Transitions", ())
        if move.get("StorageClass") in _UNREADABLE
    ]
    facts.expiries = (*ends, *moves)
    try:
        policy: dict[str, Any] = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchBucketPolicy":
            raise
        policy = {}
    facts.conditional = _guarded(policy)
    found = s3.list_objects_v2(Bucket=bucket, Prefix=SPOOL, MaxKeys=_COUNT_AT_MOST)
    facts.waiting["spooled traces"] = int(found.get("KeyCount", 0))


def _prefix_of(rule: Mapping[str, Any]) -> str:
    filtered: dict[str, Any] = rule.get("Filter") or {}
    both: dict[str, Any] = filtered.get("And") or {}
    return str(rule.get("Prefix") or filtered.get("Prefix") or both.get("Prefix") or "")


def _guarded(policy: Mapping[str, Any]) -> tuple[str, ...]:
    """The prefixes under which a bucket policy refuses puts that are not conditional."""
    found: list[str] = []
    for statement in policy.get("Statement", []):
        if statement.get("Effect") == "Deny" and "s3:if-none-match" in statement.get("Condition", {}).get("Null", {}):
            resources = statement.get("Resource", [])
            for resource in cast("list[Any]", resources if isinstance(resources, list) else [resources]):
                text = resource if isinstance(resource, str) else json.dumps(resource)
                found += [prefix for prefix in (SEGMENTS, LARGE) if f"/{prefix}*" in text]
    return tuple(found)


# ── a template ─────────────────────────────────────────────────────────────────────────────────────────────────────
def facts_of_template(path: Path) -> Facts:
    """Read a template as written here: `template.yaml`, with the logical ids that it has.

    Raises:
        CommandError: there is no such file, or it is no such template.
    """
    document = _load(path)
    defaults = {name: body.get("Default") for name, body in document.get("Parameters", {}).items()}
    resources: dict[str, dict[str, Any]] = _resolved(document.get("Resources", {}), defaults)
    missing = {"TraceQueue", "DeadLetterQueue", "TraceProcessor", "RequestHandler", "ArchiveBucket"} - set(resources)
    if missing:
        cure = "doctor knows the template of this repository by its logical ids"
        raise CommandError(f"{path} has no {', '.join(sorted(missing))}", cure, exit_code=Exit.USAGE)
    properties = {name: body.get("Properties", {}) for name, body in resources.items()}
    queue, dead = properties["TraceQueue"], properties["DeadLetterQueue"]
    policy = queue.get("RedrivePolicy", {})
    processor, request = properties["TraceProcessor"], properties["RequestHandler"]
    sources = [event["Properties"] for event in processor.get("Events", {}).values() if event.get("Type") == "SQS"]
    facts = Facts(
        visibility_s=int(queue.get("VisibilityTimeout", 30)),
        retention_s=int(queue.get("MessageRetentionPeriod", 345_600)),
        max_receive_count=int(policy.get("maxReceiveCount", 0)),
        queue_url="TraceQueue",
        dead_letter_queue_url="DeadLetterQueue",
        bucket="ArchiveBucket",
        max_message_bytes=int(queue.get("MaximumMessageSize", 1 << 20)),
        dead_letter_arn=policy.get("deadLetterTargetArn"),
        dead_letter_queue_arn="DeadLetterQueue.Arn",
        dead_letter_retention_s=int(dead.get("MessageRetentionPeriod", 345_600)),
        processor_timeout_s=int(processor.get("Timeout", 3)),
        reserved_concurrency=processor.get("ReservedConcurrentExecutions"),
        request_timeout_s=int(request.get("Timeout", 3)),
        enabled=bool(sources) and sources[0].get("Enabled", True) is not False,
        versioned=properties["ArchiveBucket"].get("VersioningConfiguration", {}).get("Status") == "Enabled",
        retained=all(
            resources["ArchiveBucket"].get(member) == "Retain" for member in ("DeletionPolicy", "UpdateReplacePolicy")
        ),
        expiries=tuple(_expiries(properties["ArchiveBucket"].get("LifecycleConfiguration", {}).get("Rules", []))),
        conditional=_guarded(properties.get("ArchiveBucketPolicy", {}).get("PolicyDocument", {})),
        settings={
            "processor": _variables(document, processor),
            "request handler": _variables(document, request),
        },
        log_filter=_log_filter(request),
        encrypted={"trace queue": _is_encrypted(queue), "dead-letter queue": _is_encrypted(dead)},
    )
    kept = properties.get("RequestHandlerLog", {}).get("RetentionInDays")
    if kept is not None:
        facts.log_days["request handler"] = int(kept)
    if sources:
        _take_mapping(facts, sources[0])
    return facts


def _expiries(rules: list[Any]) -> list[Expiry]:
    found: list[Expiry] = []
    for rule in rules:
        # A rule under a condition: `Fn::If` with the rule and nothing.
        chosen: Any = rule["Fn::If"][1] if "Fn::If" in rule else rule
        name, prefix = str(chosen.get("Id", "?")), str(chosen.get("Prefix", ""))
        if "ExpirationInDays" in chosen or "ExpirationDate" in chosen:
            found.append(Expiry(name, prefix))
        moves: list[Any] = chosen.get("Transitions") or []
        found += [
            Expiry(name, prefix, str(move["StorageClass"])) for move in moves if move.get("StorageClass") in _UNREADABLE
        ]
    return found


def _variables(document: Mapping[str, Any], function: Mapping[str, Any]) -> dict[str, str]:
    """A function's variables, those of all functions included, as far as a template says them in plain text."""
    shared: dict[str, Any] = document.get("Globals", {}).get("Function", {}).get("Environment", {}).get("Variables", {})
    own: dict[str, Any] = function.get("Environment", {}).get("Variables", {})
    return {name: str(value) for name, value in (shared | own).items() if isinstance(value, str | int)}


def _load(path: Path) -> dict[str, Any]:
    import yaml

    loader: Any = type("_Loader", (yaml.SafeLoader,), {})

    def tagged(parser: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.ScalarNode):
            value: Any = parser.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = parser.construct_sequence(node, deep=True)
        else:
            value = parser.construct_mapping(node, deep=True)
        return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}

    loader.add_multi_constructor("!", tagged)
    try:
        found: Any = yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506 - a SafeLoader, with tags
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        cure = "name a template with --template, or a stack with --stack"
        raise CommandError(f"{path} can't be read: {error}", cure, exit_code=Exit.USAGE) from error
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _resolved(node: Any, defaults: Mapping[str, Any]) -> Any:
    """References to parameters replaced by their defaults, `Fn::GetAtt` by its text. Templates are shallow and our own."""
    if isinstance(node, dict):
        members = cast("dict[str, Any]", node)
        if set(members) == {"Ref"}:
            return defaults.get(members["Ref"], members["Ref"])
        if set(members) == {"Fn::GetAtt"}:
            return members["Fn::GetAtt"]
        return {name: _resolved(member, defaults) for name, member in members.items()}
    if isinstance(node, list):
        return [_resolved(member, defaults) for member in cast("list[Any]", node)]
    return node
