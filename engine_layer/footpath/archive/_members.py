"""Reading gzip members: one by its place, all in turn, or whatever a damaged segment still holds."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from footpath.archive._errors import CorruptArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_MEMBER_BYTES = 64 << 20
"""Most bytes a member may unfold to: twice what a line may ever have, so that a forged one can't fill the memory."""

_PIECE = 1 << 16
_GZIP = b"\x1f\x8b\x08"


class Member(NamedTuple):
    """One gzip member of a segment.

    Attributes:
        offset, length: where it lies, in bytes.
        data: what it unfolds to: a line, or nothing for a footer.
    """

    offset: int
    length: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of a segment that could not be read.

    Attributes:
        offset: where it begins, in bytes.
        reason: what is wrong there.
    """

    offset: int
    reason: str


def unfold(member: bytes, *, max_bytes: int = MAX_MEMBER_BYTES) -> bytes:
    """What exactly one gzip member holds.

    Raises:
        CorruptArchiveError: damaged, cut, followed by something, or over `max_bytes`.
    """
    try:
        found = _unfold_at(member, 0, max_bytes)
    except zlib.error as error:
        raise CorruptArchiveError(f"a damaged gzip member: {error}") from error
    if found.length != len(member):
        raise CorruptArchiveError(f"a gzip member of {found.length} bytes where the index says {len(member)}")
    return found.data


def scan_members(segment: bytes) -> Iterator[Member]:
    """Every member from the first to the last, footer included, without help of the index.

    Raises:
        CorruptArchiveError: at the first member that can't be read; its `offset` says where.
    """
    offset = 0
    while offset < len(segment):
        try:
            member = _unfold_at(segment, offset, MAX_MEMBER_BYTES)
        except zlib.error as error:
            raise CorruptArchiveError(f"a damaged gzip member: {error}", offset=offset) from error
        yield member
        offset += member.length


def salvage(segment: bytes) -> Iterator[Member | Damage]:
    """Everything that can still be read of a cut or damaged segment, and a note for each stretch that can't."""
    offset = 0
    while offset < len(segment):
        try:
            member = _unfold_at(segment, offset, MAX_MEMBER_BYTES)
        except (zlib.error, CorruptArchiveError) as error:
            yield Damage(offset, str(error))
            offset = _next_sound_member(segment, offset + 1)
        else:
            yield member
            offset += member.length


def _next_sound_member(segment: bytes, start: int) -> int:
    """Where the next member that unfolds begins; the end when there is none. Compressed data may look like a header."""
    while (found := segment.find(_GZIP, start)) >= 0:
        try:
            _unfold_at(segment, found, MAX_MEMBER_BYTES)
        except (zlib.error, CorruptArchiveError):
            start = found + 1
        else:
            return found
    return len(segment)


def _unfold_at(segment: bytes, offset: int, max_bytes: int) -> Member:
    # Fed in pieces: handing zlib all the rest would copy the rest once per member.
    inflate = zlib.decompressobj(31)
    view = memoryview(segment)
    parts: list[bytes] = []
    room, at = max_bytes, offset
    while not inflate.eof:
        piece = view[at : at + _PIECE]
        if not len(piece):
            raise CorruptArchiveError("a gzip member is cut short", offset=offset)
        at += len(piece)
        part = inflate.decompress(piece, room + 1)
        parts.append(part)
        room -= len(part)
        if room < 0:
            raise CorruptArchiveError(f"a gzip member unfolds to more than {max_bytes} bytes", offset=offset)
    return Member(offset, at - len(inflate.unused_data) - offset, b"".join(parts))
