"""Sending poison to the dead-letter queue with its reason, so that an operator needs no log to know what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath_service.errors import QueueRefusedError
from footpath_service.wire import admissible, message_size_bytes

if TYPE_CHECKING:
    from footpath_service.ports import MessageQueue
    from footpath_service.records import SqsRecord

_MAX_ATTRIBUTES = 10

FACTS = ("reason", "detail", "messageId", "sentAt", "receiveCount")
"""The attributes that say why a message lies in the dead-letter queue; they are left behind when it is sent again."""


class DeadLetters:
    """Puts messages into a dead-letter queue, body untouched.

    Attributes beside the message's own, as far as ten and the size limit go: `reason`, a short word to count by;
    `detail`, a sentence; `messageId`, `sentAt` (milliseconds since the Unix epoch) and `receiveCount` of the message.

    Args:
        queue: the dead-letter queue.
        max_message_bytes: its limit.
    """

    def __init__(self, queue: MessageQueue, max_message_bytes: int) -> None:
        self._queue = queue
        self._max_message_bytes = max_message_bytes

    def send(self, record: SqsRecord, reason: str, detail: str) -> None:
        """Send one message there.

        Raises:
            QueueRefusedError: no room is left beside its body, even for the reason; the queue's own policy must move
                it.
            QueueUnavailableError: not now.
        """
        # SQS delivers no empty body; whoever invoked us by hand finds a word for it here all the same.
        body = record.body or "(no body)"
        sent_at = "" if record.sent_at_ms is None else str(record.sent_at_ms)
        told = (reason, detail[:1000], record.message_id, sent_at, record.receive_count)
        facts = {name: text for name, fact in zip(FACTS, told, strict=True) if (text := admissible(fact).strip())}
        own = list(record.attributes.items())[: _MAX_ATTRIBUTES - len(facts)]
        for attributes in (dict(own) | facts, facts, facts | {"detail": detail[:100]}, {"reason": reason}):
            if message_size_bytes(body, attributes) <= self._max_message_bytes:
                self._queue.send(body, attributes)
                return
        raise QueueRefusedError("the body leaves no room for the reason")
