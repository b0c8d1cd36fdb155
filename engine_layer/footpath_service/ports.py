"""The ports behind which the world stands. Each has an AWS form and one without, and one contract test for all.

The object store's port is `footpath.archive.ObjectStore`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Log", "MessageQueue", "Metrics", "Signer"]


class MessageQueue(Protocol):
    """A queue one can send to. Methods may be called from several threads at once."""

    def prepare(self) -> None:
        """Do now what the first send would do once: imports, clients. Safe to call again. Never raises."""
        ...

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        """Send one message.

        Args:
            body: of characters that SQS admits (see `footpath_service.wire`).
            attributes: at most 10, none empty.

        Raises:
            QueueRefusedError: the queue says that this message can't be taken, now or later.
            QueueUnavailableError: it refused, throttled or did not answer; the outcome may be unknown.
        """
        ...


class Metrics(Protocol):
    """Counters and durations for operators: approximate, best effort. Never raises."""

    def count(self, name: str, value: float = 1, **dimensions: str) -> None:
        """Add to a counter."""
        ...

    def measure_ms(self, name: str, value_ms: float) -> None:
        """Record a duration in milliseconds."""
        ...


class Log(Protocol):
    """Structured log lines for operators. Values of traces never go there: they may be somebody's secret."""

    def info(self, message: str, **facts: object) -> None:
        """What went as it should."""
        ...

    def warning(self, message: str, **facts: object) -> None:
        """What will be tried again, or was done without."""
        ...

    def error(self, message: str, **facts: object) -> None:
        """What somebody should look at."""
        ...


class Signer(Protocol):
    """Signs with a key that never leaves its place."""

    @property
    def algorithm(self) -> str:
        """The one there is: "ECDSA_SHA_256"."""
        ...

    @property
    def key_id(self) -> str:
        """Names the key to whoever verifies: an ARN of KMS."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The DER-encoded signature of a message of at most 4,096 bytes, KMS's limit.

        Raises:
            SigningError: the key is gone, not ours to use, or nobody answered.
        """
        ...
