"""SQS messages in the shape Lambda hands to a function."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_EVENT_BYTES = 6 * 1024 * 1024  # the payload quota of a synchronous invocation
_ENVELOPE_BYTES = len('{"Records":[]}')


def sqs_record(message: Mapping[str, Any], queue_arn: str) -> dict[str, Any]:
    """One entry of `Records` from one message as boto3's `receive_message` returns it.

    Names change case on the way, as they do on AWS: `MessageId` becomes `messageId`, `StringValue` `stringValue`.
    """
    record: dict[str, Any] = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if "StringValue" in value:
        answer["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        binary = value["BinaryValue"]
        answer["binaryValue"] = binary if isinstance(binary, str) else b64encode(binary).decode("ascii")
    return answer | {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}


def record_bytes(record: Mapping[str, Any]) -> int:
    """What a record adds to the payload, its comma included."""
    return len(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")) + 1


def sqs_event(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The event of one invocation."""
    return {"Records": [dict(record) for record in records]}


def fits(size_bytes: int, more_bytes: int) -> bool:
    """Whether records of `size_bytes` and one of `more_bytes` go into one payload."""
    return _ENVELOPE_BYTES + size_bytes + more_bytes <= MAX_EVENT_BYTES
