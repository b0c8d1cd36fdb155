"""A queue as an operator meets it: list what lies there, send, delete. AWS's own console does no more."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from footpath_cli._exits import CommandError, Exit
from footpath_service.poison import FACTS

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

MOVED_BY_POLICY = "too-many-receives"
"""Reason of a message that nobody judged: the queue's own policy moved it after `maxReceiveCount` receives."""

_MOST = 10  # SQS: messages a receive gives, and entries a batch takes
_HIDE_S = 300  # while an operator's command looks at a message, another one does not see it
_EMPTY_RECEIVES = 3  # a receive asks a part of SQS's servers; one empty answer does not mean an empty queue


@dataclass(frozen=True, slots=True)
class Parked:
    """A message of a dead-letter queue.

    Attributes:
        message_id, receipt: as the dead-letter queue names it.
        body: as it was sent, untouched.
        attributes: the message's own, without what the processor added.
        reason: the processor's word for what is wrong, or `MOVED_BY_POLICY`.
        detail: the processor's sentence; empty where it gave none.
        sent_at_ms: when it was sent first, in milliseconds since the Unix epoch; None when unknown.
        receive_count: how often it had been received when it was parked; empty when unknown.
    """

    message_id: str
    receipt: str
    body: str
    attributes: Mapping[str, str]
    reason: str
    detail: str
    sent_at_ms: int | None
    receive_count: str


class Desk:
    """One queue, by its URL.

    Args:
        client: boto3's, for SQS.
        url: the queue.
    """

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self.url = url

    @contextmanager
    def _asking(self) -> Generator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            cure = "check credentials, region, the queue's URL, and the right to receive, send and delete there"
            message = f"the queue {self.url} did not do what was asked: {error}"
            raise CommandError(message, cure, exit_code=Exit.UNREACHABLE) from error

    def attributes(self) -> dict[str, str]:
        """All that SQS says of the queue.

        Raises:
            CommandError: it can't be asked; so for every method here.
        """
        with self._asking():
            answer: dict[str, str] = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])[
                "Attributes"
            ]
        return answer

    def count(self) -> int:
        """Messages, in flight and delayed ones included; SQS calls it approximate."""
        found = self.attributes()
        names = [f"ApproximateNumberOfMessages{suffix}" for suffix in ("", "NotVisible", "Delayed")]
        return sum(int(found.get(name, "0")) for name in names)

    def messages(self) -> Iterator[Parked]:
        """What lies there and is visible. All of it stays; give back what you do not delete.

        A message is hidden for five minutes from the moment it is listed. It comes again when the listing takes longer,
        or when SQS delivers it twice: each delivery has a receipt of its own, and the same `message_id`.
        """
        seen: set[str] = set()
        empty = stale = 0
        # Nothing new for as many receives as all that was seen would fill: what comes now has come before. Fewer would
        # not do: where a queue holds copies, many receives in a row may bring nothing but copies, with news behind
        # them.
        while empty < _EMPTY_RECEIVES and stale <= _EMPTY_RECEIVES + len(seen):
            with self._asking():
                found: list[dict[str, Any]] = self._client.receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=_MOST,
                    VisibilityTimeout=_HIDE_S,
                    MessageAttributeNames=["All"],
                    MessageSystemAttributeNames=["All"],
                ).get("Messages", [])
            ids = {message["MessageId"] for message in found}
            empty = 0 if found else empty + 1
            stale = stale + 1 if found and ids <= seen else 0
            seen |= ids
            listed = [_parked(message) for message in found]
            for at, message in enumerate(listed):
                try:
                    yield message
                except GeneratorExit:  # whoever has seen enough must not hide the rest
                    self.give_back(listed[at + 1 :])
                    raise

    def give_back(self, messages: Iterable[Parked]) -> None:
        """Let messages be seen again at once."""
        for some in _tens(messages):
            entries = [
                {"Id": str(at), "ReceiptHandle": message.receipt, "VisibilityTimeout": 0}
                for at, message in enumerate(some)
            ]
            with self._asking():  # an entry that fails is visible again within five minutes, too
                self._client.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        """Send one message."""
        typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        with self._asking():
            self._client.send_message(QueueUrl=self.url, MessageBody=body, MessageAttributes=typed)

    def delete(self, message: Parked) -> None:
        """Delete one message."""
        with self._asking():
            self._client.delete_message(QueueUrl=self.url, ReceiptHandle=message.receipt)


def _parked(message: Mapping[str, Any]) -> Parked:
    texts = {
        name: str(value["StringValue"])
        for name, value in message.get("MessageAttributes", {}).items()
        if "StringValue" in value
    }
    system: Mapping[str, str] = message.get("Attributes", {})
    sent_at = texts.get("sentAt") or system.get("SentTimestamp", "")
    return Parked(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        attributes={name: text for name, text in texts.items() if name not in FACTS},
        reason=texts.get("reason") or MOVED_BY_POLICY,
        detail=texts.get("detail", ""),
        sent_at_ms=int(sent_at) if sent_at.isascii() and sent_at.isdigit() else None,
        receive_count=texts.get("receiveCount") or system.get("ApproximateReceiveCount", ""),
    )


def _tens(messages: Iterable[Parked]) -> Iterator[list[Parked]]:
    some: list[Parked] = []
    for message in messages:
        some.append(message)
        if len(some) == _MOST:
            yield some
            some = []
    if some:
        yield some
