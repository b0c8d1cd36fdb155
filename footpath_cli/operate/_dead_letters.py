"""Out of the dead-letter queue: back to the trace queue, or away with a record of who, when and why."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from footpath.archive import ObjectStore
    from footpath_cli.operate._queues import Desk, Parked

DISCARDS = "discards/"
"""Where the records lie in the archive bucket, one object a discarded message."""


class Discard(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What is left of a message that an operator threw away. The body is not kept: it may be the reason.

    Attributes:
        format, version: "footpath.discard" and 1.
        message_id: in the dead-letter queue.
        trace_id: what the message's attribute said; advisory, empty when absent.
        reason, detail: why it lay there.
        why: the operator's words.
        by: who it was.
        at: when, ISO 8601 in UTC.
        body_sha256, body_bytes: of the body.
    """

    format: str = "footpath.discard"
    version: int = 1
    message_id: str
    trace_id: str
    reason: str
    detail: str
    why: str
    by: str
    at: str
    body_sha256: str
    body_bytes: int


class Choice(NamedTuple):
    """Which messages are meant. A member that is empty excludes none.

    Attributes:
        ids: beginnings of message ids or trace ids.
        reasons: reasons.
    """

    ids: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def takes(self, message: Parked) -> bool:
        """Whether a message is meant."""
        names = (message.message_id, message.attributes.get("traceId", ""))
        return (not self.reasons or message.reason in self.reasons) and (
            not self.ids or any(name.startswith(one) for one in self.ids for name in names)
        )


def redrive(dead: Desk, queue: Desk, choice: Choice, *, limit: int | None = None) -> int:
    """Send chosen messages to the trace queue again, and delete each from the dead-letter queue after that.

    A crash between the two leaves a message in both; its trace has one identity, so it is archived once.

    Args:
        dead: from where.
        queue: where to.
        choice: which.
        limit: at most so many.

    Returns:
        How many were sent.

    Raises:
        CommandError: a queue refused or did not answer; what was sent until then stays sent.
    """
    return _each(dead, choice, limit, lambda message: queue.send(message.body, message.attributes))


def discard(
    dead: Desk, store: ObjectStore, choice: Choice, *, why: str, by: str, at: str, limit: int | None = None
) -> int:
    """Delete chosen messages, each after its record lies in the archive bucket.

    Args:
        dead: from where.
        store: the archive; takes the records.
        choice: which.
        why: for the records, in the operator's words.
        by: for the records: who it was.
        at: for the records: when, ISO 8601 in UTC.
        limit: at most so many.

    Returns:
        How many were deleted.

    Raises:
        CommandError: the queue refused or did not answer.
        ArchiveUnavailableError: a record could not be put; its message stays.
    """

    def keep_record(message: Parked) -> None:
        body = message.body.encode("utf-8", "surrogatepass")
        sha256 = hashlib.sha256(body).hexdigest()
        record = Discard(
            message_id=message.message_id,
            trace_id=message.attributes.get("traceId", ""),
            reason=message.reason,
            detail=message.detail,
            why=why,
            by=by,
            at=at,
            body_sha256=sha256,
            body_bytes=len(body),
        )
        # The same message has the same key: a second try after a crash finds its record there.
        store.put_new(f"{DISCARDS}{message.message_id}-{sha256[:12]}.json", msgspec.json.encode(record) + b"\n")

    return _each(dead, choice, limit, keep_record)


def _each(dead: Desk, choice: Choice, limit: int | None, act: Callable[[Parked], None]) -> int:
    done: set[str] = set()
    others: list[Parked] = []
    try:
        for message in dead.messages():
            if message.message_id not in done:
                if (limit is not None and len(done) >= limit) or not choice.takes(message):
                    others.append(message)
                    continue
                act(message)
                done.add(message.message_id)
            dead.delete(message)  # of a message that came twice, the second delivery, too
    finally:
        _give_back(dead, others)
    return len(done)


def _give_back(dead: Desk, messages: Iterable[Parked]) -> None:
    from contextlib import suppress

    from footpath_cli._exits import CommandError

    with suppress(CommandError):  # they come back by themselves, a little later
        dead.give_back(messages)
