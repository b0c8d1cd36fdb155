"""Queue and object store in memory: for tests, and for runs that keep nothing."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from footpath.archive import Listed, ObjectMissingError, ObjectTooLargeError, Suffix
from footpath.ids import system_clock_ms
from footpath_service.errors import QueueRefusedError
from footpath_service.wire import MAX_MESSAGE_BYTES, inadmissible_character, message_size_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class MemoryStore:
    """An object store in a dict; see `footpath.archive.ObjectStore`.

    Args:
        clock_ms: dates what is put, in milliseconds since the Unix epoch.
    """

    def __init__(self, *, clock_ms: Callable[[], int] = system_clock_ms) -> None:
        self._objects: dict[str, bytes] = {}
        self._modified_ms: dict[str, int] = {}
        self._clock_ms = clock_ms
        self._lock = threading.Lock()

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """The whole object."""
        body = self._body(key)
        if max_bytes is not None and len(body) > max_bytes:
            raise ObjectTooLargeError(key, len(body), max_bytes)
        return body

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Part of an object."""
        body = self._body(key)
        if offset >= len(body):
            raise ObjectMissingError(key)
        return body[offset : offset + length]

    def get_suffix(self, key: str, length: int) -> Suffix:
        """The end of an object."""
        body = self._body(key)
        if not body:
            raise ObjectMissingError(key)
        return Suffix(body[-length:], len(body))

    def list_keys(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        """Keys with a prefix, ascending."""
        keys = sorted(self._objects)
        for key in keys[max(bisect_left(keys, prefix), bisect_right(keys, start_after)) :]:
            if not key.startswith(prefix):
                return
            yield key

    def list_objects(self, prefix: str, *, start_after: str = "") -> Iterator[Listed]:
        """Keys with a prefix, ascending, with sizes and times."""
        for key in self.list_keys(prefix, start_after=start_after):
            yield Listed(key, len(self._objects[key]), self._modified_ms[key])

    def list_folders(self, prefix: str) -> list[str]:
        """The folders right under a prefix."""
        rests = [key[len(prefix) :] for key in self._objects if key.startswith(prefix)]
        return sorted({rest[: rest.index("/") + 1] for rest in rests if "/" in rest})

    def put_new(self, key: str, body: bytes) -> bool:
        """Write an object unless its key is taken."""
        with self._lock:
            if key in self._objects:
                return False
            self._modified_ms[key] = self._clock_ms()
            self._objects[key] = bytes(body)
            return True

    def _body(self, key: str) -> bytes:
        try:
            return self._objects[key]
        except KeyError:
            raise ObjectMissingError(key) from None


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message as the memory queue holds it."""

    body: str
    attributes: dict[str, str]


@dataclass(slots=True)
class MemoryQueue:
    """A queue that keeps what it is sent, and refuses what SQS would; see `footpath_service.ports.MessageQueue`.

    Attributes:
        messages: everything sent, in order.
    """

    messages: list[SentMessage] = field(default_factory=list[SentMessage])

    def prepare(self) -> None:
        """Nothing to do."""

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        """Keep one message."""
        if not body:
            raise QueueRefusedError("the queue refuses an empty body")
        if (found := inadmissible_character(body)) is not None:
            raise QueueRefusedError(f"the queue refuses a body with {found}")
        if len(attributes) > 10 or not all(attributes.values()):
            raise QueueRefusedError("the queue takes at most 10 attributes, none of them empty")
        if (size := message_size_bytes(body, attributes)) > MAX_MESSAGE_BYTES:
            raise QueueRefusedError(f"the queue refuses a message of {size} bytes, over {MAX_MESSAGE_BYTES}")
        self.messages.append(SentMessage(body, dict(attributes)))
