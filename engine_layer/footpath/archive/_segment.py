"""Writing a segment: one gzip member a trace, one line a member, and a footer that says where each lies."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import NamedTuple

from footpath.archive._footer import MAX_TRACES, IndexEntry, encode_footer
from footpath.archive._ids import hour_of_id
from footpath.archive._keys import documents_sha12, segment_key


class Identity(NamedTuple):
    """What makes two deliveries one trace.

    Attributes:
        trace_id: canonical.
        revision: 0 for a partial trace, 1 for a final one; the higher supersedes.
        sha256: over the document as captured.
    """

    trace_id: str
    revision: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished segment, ready to be put.

    Attributes:
        key: where it goes.
        body: the object.
        identities: the traces inside, in the order of their lines.
    """

    key: str
    body: bytes
    identities: tuple[Identity, ...]


class SegmentWriter:
    r"""Collects the traces of one hour, one at a time; only their compressed lines are held.

    Lines are sorted by identity at the end, so that the same traces give the same object in whatever order they came.
    Not safe across threads.

    Args:
        hour: `dt=YYYY-MM-DD/hr=HH`, the hour of every id that is added.
        level: zlib's, 1 to 9.

    Example:
        >>> document = encode_trace(trace)
        >>> identity = Identity(trace.trace_id, trace.revision, document_sha256(document))
        >>> writer = SegmentWriter(hour_of_id(trace.trace_id))
        >>> writer.add(identity, document + b"\n")
        True
        >>> line, footer = scan_members(writer.finish().body)
        >>> decode_trace(line.data).trace_id == trace.trace_id, footer.data
        (True, b'')
    """

    def __init__(self, hour: str, *, level: int = 6) -> None:
        self.hour = hour
        self._level = level
        self._members: dict[Identity, bytes] = {}
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, identity: object) -> bool:
        return identity in self._members

    @property
    def size_bytes(self) -> int:
        """Compressed bytes held."""
        return self._size_bytes

    @property
    def is_full(self) -> bool:
        """Whether the footer has no room for another trace."""
        return len(self._members) >= MAX_TRACES

    def add(self, identity: Identity, line: bytes) -> bool:
        """Take one trace's line, ending with its line break. False when that identity is held already.

        Raises:
            ValueError: the segment is full, the id belongs to another hour, or the line is not exactly one.
        """
        if identity in self._members:
            return False
        if self.is_full:
            raise ValueError(f"the segment is full: it holds {MAX_TRACES} traces; finish it and begin another")
        if hour_of_id(identity.trace_id) != self.hour:
            raise ValueError(f"trace {identity.trace_id} belongs to {hour_of_id(identity.trace_id)}, not {self.hour}")
        if not line.endswith(b"\n") or line.count(b"\n") != 1:
            raise ValueError(f"the line of trace {identity.trace_id} must have one line break, at its end")
        member = gzip_member(line, self._level)
        self._members[identity] = member
        self._size_bytes += len(member)
        return True

    def finish(self) -> Segment:
        """The segment of everything added. May be called again, after further traces too.

        Raises:
            ValueError: nothing was added.
        """
        if not self._members:
            raise ValueError("a segment holds at least one trace: add() one before finish()")
        identities = sorted(self._members)
        parts: list[bytes] = []
        entries: list[IndexEntry] = []
        offset = 0
        for identity in identities:
            member = self._members[identity]
            entries.append(IndexEntry(identity.trace_id, identity.revision, offset, len(member)))
            parts.append(member)
            offset += len(member)
        parts.append(encode_footer(entries))
        sha12 = documents_sha12(identity.sha256 for identity in identities)
        key = segment_key(identities[0].trace_id, identities[-1].trace_id, sha12)
        return Segment(key, b"".join(parts), tuple(identities))


def gzip_member(data: bytes, level: int = 6) -> bytes:
    """One gzip member, without name or time: the same data gives the same bytes."""
    deflate = zlib.compressobj(level, zlib.DEFLATED, 31)
    return deflate.compress(data) + deflate.flush()
