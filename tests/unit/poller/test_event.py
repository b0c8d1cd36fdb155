"""The event a function gets."""

from __future__ import annotations

import json
from typing import Any

from footpath_cli.poller import sqs_event, sqs_record

ARN = "arn:aws:sqs:eu-west-1:123456789012:traces"
MESSAGE: dict[str, Any] = {
    "MessageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "ReceiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
    "Body": "Test message.",
    "MD5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
    "Attributes": {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": "1545082649183",
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": "1545082649185",
    },
}


def test_a_record_has_the_documented_members() -> None:
    """The record of AWS's own example, member for member."""
    assert sqs_record(MESSAGE, ARN) == {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": "Test message.",
        "attributes": MESSAGE["Attributes"],
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN,
        "awsRegion": "eu-west-1",
    }


def test_attributes_change_case_and_keep_their_lists() -> None:
    """String and binary attributes arrive as Lambda spells them, binary as base64."""
    attributes = {
        "chart": {"DataType": "String", "StringValue": "credit"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    record = sqs_record({**MESSAGE, "MessageAttributes": attributes, "MD5OfMessageAttributes": "abc"}, ARN)
    lists: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    assert record["messageAttributes"] == {
        "chart": {"stringValue": "credit", **lists, "dataType": "String"},
        "raw": {"binaryValue": "AP8=", **lists, "dataType": "Binary"},
    }
    assert record["md5OfMessageAttributes"] == "abc"


def test_an_event_is_json_and_not_shared_with_the_poller() -> None:
    """What a function does to its event changes nothing outside."""
    record = sqs_record(MESSAGE, ARN)
    event = sqs_event([record])
    assert json.loads(json.dumps(event)) == event
    event["Records"][0]["body"] = "changed"
    assert record["body"] == "Test message."
