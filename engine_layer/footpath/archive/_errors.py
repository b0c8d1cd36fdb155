"""The archive's branch of the error tree (`footpath.errors`).

::

    ArchiveError
    ├── ArchiveUnavailableError  (in `footpath.errors`) refused for now, or no answer; the only one worth another try
    ├── MalformedIdError         not a trace id, nor the beginning of one
    ├── TraceNotFoundError       nothing under that id (yet: see `may_be_in_flight`)
    ├── AmbiguousPrefixError     several ids begin like that
    ├── CorruptArchiveError      what lies there is not what was put there
    ├── UnknownLineVersionError  a line written by a newer Footpath
    ├── UnknownDigestVersionError  a digest written by a newer Footpath
    ├── ObjectMissingError       no object under that key
    └── ObjectTooLargeError      an object over the size the caller allows
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Sequence


class MalformedIdError(ArchiveError):
    """A text that was to be a trace id, or the beginning of one, is not."""


class TraceNotFoundError(ArchiveError):
    """No segment holds the id, in its hour or beside it.

    Attributes:
        trace_id: the id asked for.
        may_be_in_flight: the id is so young that its trace may still be on the way.
    """

    def __init__(self, trace_id: str, *, may_be_in_flight: bool) -> None:
        hint = "; it is young and may still be in flight: try again in a minute" if may_be_in_flight else ""
        super().__init__(f"no trace {trace_id} in the archive{hint}")
        self.trace_id = trace_id
        self.may_be_in_flight = may_be_in_flight


class AmbiguousPrefixError(ArchiveError):
    """Several traces begin with the given text.

    Attributes:
        prefix: what was asked for.
        candidates: some of the ids that begin with it, newest first.
    """

    def __init__(self, prefix: str, candidates: Sequence[str]) -> None:
        super().__init__(f"{prefix!r} is the beginning of several traces, among them {', '.join(candidates[:3])}")
        self.prefix = prefix
        self.candidates = tuple(candidates)


class CorruptArchiveError(ArchiveError):
    """Bytes in the archive are damaged, cut, or contradict their own index or hash.

    Attributes:
        key: the object; empty while only bytes are known.
        offset: where in the object the damage begins, in bytes; None when unknown.
    """

    def __init__(self, message: str, *, key: str = "", offset: int | None = None) -> None:
        where = f" (in {key}, at byte {offset})" if key and offset is not None else f" (in {key})" if key else ""
        super().__init__(message + where)
        self.key = key
        self.offset = offset


class UnknownLineVersionError(ArchiveError):
    """A line whose version this Footpath does not know; a newer one reads it.

    Attributes:
        version: what the line says.
    """

    def __init__(self, version: int) -> None:
        super().__init__(f"archive line of version {version}: this Footpath reads version 1; install a newer one")
        self.version = version


class UnknownDigestVersionError(ArchiveError):
    """A digest whose version this Footpath does not know; a newer one reads it.

    Attributes:
        version: what the digest says.
    """

    def __init__(self, version: int) -> None:
        super().__init__(f"archive digest of version {version}: this Footpath reads version 1; install a newer one")
        self.version = version


class ObjectMissingError(ArchiveError):
    """There is no object under the key.

    Attributes:
        key: the key asked for.
    """

    def __init__(self, key: str) -> None:
        super().__init__(f"no object {key!r} in the store")
        self.key = key


class ObjectTooLargeError(ArchiveError):
    """The object is larger than the caller allows; nothing of it was read.

    Attributes:
        key: the object.
        size_bytes, limit_bytes: its size, and the most that was allowed.
    """

    def __init__(self, key: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"object {key!r} has {size_bytes} bytes, over the limit of {limit_bytes}")
        self.key = key
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
