"""A message and a queue, as the in-memory model of SQS holds them."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from base64 import b64decode
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES = 1_048_576  # a message and a whole batch alike, attributes included
MAX_ENTRIES = 10
MAX_ATTRIBUTES = 10

# The characters SQS admits: tab, line feed, carriage return and the printable planes; anything else is refused.
ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_RANGES = {
    "VisibilityTimeout": (0, 43_200),
    "MessageRetentionPeriod": (60, 1_209_600),
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1_024, MAX_BODY_BYTES),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
}


class SqsError(Exception):
    """An error the service answers. `code` and `query_code` are the two spellings that SQS sends."""

    def __init__(self, code: str, message: str, *, query_code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.query_code = query_code or code
        self.message = message
        self.status = status


@dataclass(slots=True, eq=False)
class Message:
    """One message.

    Attributes:
        slot: its place in the queue's tables: the id, or another one for a copy that a server kept.
        is_copy: whether it is such a copy. Copies are not copied again.
        deliveries: how often it was received; the number behind the last receipt handle too.
        visible_at_ms: hidden until then. The message is in its queue's heap while hidden.
        sent_at_ms: start of its retention, kept when it moves to a dead-letter queue.
    """

    id: str
    slot: str
    body: str
    attributes: dict[str, Any]
    system: dict[str, str]
    sent_at_ms: int
    visible_at_ms: int
    deliveries: int = 0
    first_received_at_ms: int | None = None
    source_arn: str | None = None
    is_copy: bool = False

    def wire(self, receipt: str) -> dict[str, Any]:
        """The message as ReceiveMessage answers it, everything asked for."""
        system = dict(self.system) | {
            "ApproximateReceiveCount": str(self.deliveries),
            "ApproximateFirstReceiveTimestamp": str(self.first_received_at_ms),
            "SentTimestamp": str(self.sent_at_ms),
        }
        if self.source_arn is not None:
            system["DeadLetterQueueSourceArn"] = self.source_arn
        answer: dict[str, Any] = {
            "MessageId": self.id,
            "ReceiptHandle": receipt,
            "MD5OfBody": md5_of_body(self.body),
            "Body": self.body,
            "Attributes": system,
        }
        if self.attributes:
            answer["MessageAttributes"] = self.attributes
            answer["MD5OfMessageAttributes"] = md5_of_attributes(self.attributes)
        return answer


@dataclass(slots=True, eq=False)
class Queue:
    """One standard queue.

    Attributes:
        visible: what a receive may return, oldest first, by slot.
        hidden: in flight or delayed: heap of (visible_at_ms, sequence, message).
        alive: all there is, visible or not, by slot.
        settings: queue attributes as given, strings.
    """

    name: str
    url: str
    arn: str
    settings: dict[str, str] = field(default_factory=dict[str, str])
    visible: OrderedDict[str, Message] = field(default_factory=OrderedDict[str, Message])
    hidden: list[tuple[int, int, Message]] = field(default_factory=list[tuple[int, int, Message]])
    alive: dict[str, Message] = field(default_factory=dict[str, Message])
    expired_count: int = 0

    def seconds(self, name: str, default: int) -> int:
        """A numeric queue attribute."""
        return int(self.settings.get(name, default))

    def redrive(self) -> tuple[str, int] | None:
        """(ARN of the dead-letter queue, maxReceiveCount), if set."""
        text = self.settings.get("RedrivePolicy")
        if not text:
            return None
        policy: dict[str, Any] = json.loads(text)
        return str(policy["deadLetterTargetArn"]), int(policy["maxReceiveCount"])


def check_body(body: object, attributes: Mapping[str, Any]) -> int:
    """The size of a message in bytes, attributes included.

    Raises:
        SqsError: if SQS would refuse it.
    """
    if not isinstance(body, str) or not body:
        raise SqsError("MissingParameter", "The request must contain the parameter MessageBody.")
    found = ILLEGAL.search(body)
    if found is not None:
        text = f"Invalid binary character '#x{ord(found[0]):X}' was found in the message body"
        raise SqsError("InvalidMessageContents", text)
    if len(attributes) > MAX_ATTRIBUTES:
        raise SqsError(
            "InvalidParameterValue",
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [10].",
        )
    size = len(body.encode())
    for name, value in attributes.items():
        size += len(name.encode()) + len(str(value["DataType"]).encode()) + len(_attribute_bytes(value))
    return size


def check_settings(attributes: Mapping[str, str]) -> Mapping[str, str]:
    """Queue attributes, unchanged.

    Raises:
        SqsError: one is out of its range.
    """
    for name, value in attributes.items():
        limits = _RANGES.get(name)
        if limits is not None and not limits[0] <= int(value) <= limits[1]:
            raise SqsError("InvalidAttributeValue", f"Invalid value for the parameter {name}.")
    return attributes


def check_entries(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a batch request.

    Raises:
        SqsError: there are none or too many, or their ids are malformed or not distinct.
    """
    entries: list[dict[str, Any]] = params.get("Entries") or []
    prefix = "AWS.SimpleQueueService."
    if not entries:
        text = "There should be at least one entry in the request."
        raise SqsError("EmptyBatchRequest", text, query_code=prefix + "EmptyBatchRequest")
    if len(entries) > MAX_ENTRIES:
        text = f"Maximum number of entries per request are 10. You have sent {len(entries)}."
        raise SqsError("TooManyEntriesInBatchRequest", text, query_code=prefix + "TooManyEntriesInBatchRequest")
    ids = [str(entry.get("Id", "")) for entry in entries]
    if not all(_ENTRY_ID.fullmatch(entry_id) for entry_id in ids):
        text = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
        raise SqsError("InvalidBatchEntryId", text, query_code=prefix + "InvalidBatchEntryId")
    if len(set(ids)) != len(ids):
        raise SqsError(
            "BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
            query_code=prefix + "BatchEntryIdsNotDistinct",
        )
    return entries


def md5_of_body(body: str) -> str:
    """The digest SQS answers for a body."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def md5_of_attributes(attributes: Mapping[str, Any]) -> str:
    """The digest SQS answers for message attributes: sorted names, each part with its length in front."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        value = attributes[name]
        kind = str(value["DataType"])
        payload = _attribute_bytes(value)
        for part in (name.encode(), kind.encode()):
            digest.update(struct.pack("!I", len(part)) + part)
        digest.update(b"\x02" if kind.startswith("Binary") else b"\x01")
        digest.update(struct.pack("!I", len(payload)) + payload)
    return digest.hexdigest()


def _attribute_bytes(value: Mapping[str, Any]) -> bytes:
    if "BinaryValue" in value:
        return b64decode(value["BinaryValue"])
    return str(value.get("StringValue", "")).encode()
