"""The port behind which an object store stands: S3, a folder, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Suffix(NamedTuple):
    """The end of an object.

    Attributes:
        data: its last bytes; the whole object when that is shorter than what was asked for.
        size_bytes: length of the whole object.
    """

    data: bytes
    size_bytes: int


class Listed(NamedTuple):
    """An object as a listing shows it.

    Attributes:
        key: its name.
        size_bytes: its length.
        modified_ms: when the store took it, in milliseconds since the Unix epoch, by the store's clock; S3 knows
            seconds.
    """

    key: str
    size_bytes: int
    modified_ms: int


class ObjectStore(Protocol):
    """Objects under keys, never changed once written.

    Every method may raise `ArchiveUnavailableError`, which alone is worth another try. Methods may be called from
    several threads at once.
    """

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """The whole object.

        Raises:
            ObjectMissingError: there is none.
            ObjectTooLargeError: it is over `max_bytes`; checked before anything is read.
        """
        ...

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer only where the object ends.

        Raises:
            ObjectMissingError: there is no object, or it ends before `offset`.
        """
        ...

    def get_suffix(self, key: str, length: int) -> Suffix:
        """The last `length` bytes, in one call.

        Raises:
            ObjectMissingError: there is no object, or it is empty.
        """
        ...

    def list_keys(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        """Keys with the prefix, ascending, those after `start_after` only; pages are fetched as they are needed."""
        ...

    def list_objects(self, prefix: str, *, start_after: str = "") -> Iterator[Listed]:
        """The same with what a listing tells besides, at no further call."""
        ...

    def list_folders(self, prefix: str) -> list[str]:
        """What follows the prefix up to the next slash, each once, ascending: `["dt=2026-01-01/", ...]`."""
        ...

    def put_new(self, key: str, body: bytes) -> bool:
        """Write an object unless the key is taken. False when it was: the object there stays as it is."""
        ...
