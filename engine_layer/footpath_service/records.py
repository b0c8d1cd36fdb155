"""Messages as Lambda hands them to the processor, read with suspicion: anybody with the right may invoke it by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Mapping


class SqsRecord(NamedTuple):
    """One message.

    Attributes:
        message_id: empty when the record has none; returned as a failure it then returns the whole batch, as Lambda
            reads it, which is safer than to drop a message that can't be named.
        body: None when the record has none that is a text.
        sent_at_ms: when the queue took it, in milliseconds since the Unix epoch; None when unknown.
        receive_count: how often it was received, as the queue says; empty when unknown.
        attributes: those of its message attributes that are texts.
    """

    message_id: str
    body: str | None
    sent_at_ms: int | None
    receive_count: str
    attributes: Mapping[str, str]


def read_records(event: object) -> list[SqsRecord]:
    """The messages of an event.

    Raises:
        ValueError: it is no event of SQS: nothing was received, so nothing can be lost.
    """
    records = _members(event).get("Records")
    if not isinstance(records, list):
        raise ValueError("not an SQS event: it has no list `Records`")  # noqa: TRY004  # one error for a wrong event
    return [read_record(record) for record in cast("list[object]", records)]


def read_record(record: object) -> SqsRecord:
    """One message, whatever it is."""
    members = _members(record)
    system = _members(members.get("attributes"))
    own = _members(members.get("messageAttributes"))
    texts = {name: _text(_members(value).get("stringValue")) for name, value in own.items()}
    sent_at = _text(system.get("SentTimestamp"))
    body = members.get("body")
    return SqsRecord(
        message_id=_text(members.get("messageId")),
        body=body if isinstance(body, str) else None,
        sent_at_ms=int(sent_at) if sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 15 else None,
        receive_count=_text(system.get("ApproximateReceiveCount")),
        attributes={name: text for name, text in texts.items() if text},
    )


def _members(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
