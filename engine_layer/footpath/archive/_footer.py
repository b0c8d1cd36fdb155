"""The index at the end of a segment: where each trace's gzip member lies.

It travels in the FEXTRA field of an empty last gzip member, so that the object stays one valid gzip stream and a reader
finds any trace with a suffix GET and one ranged GET. Layout (little-endian, as gzip itself):

    1f 8b 08 04 | mtime 0 (4) | 00 ff | XLEN (2)      gzip header with the FEXTRA flag
    "FP" | length (2)                                  one RFC 1952 subfield
      "FPIX" | version 1 (1) | 0 (1) | count (2)
      count x [ id (16) | revision (2) | offset (6) | length (4) ]
      CRC-32 of everything from "FPIX" (4) | length of the whole member (4) | "XIPF"
    03 00 | 0 (4) | 0 (4)                              an empty deflate block, CRC and size of nothing
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from footpath.archive._errors import CorruptArchiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_TRACES = 2_000
"""Most traces of a segment: 28 bytes each must fit the 65,535 bytes of a FEXTRA field."""

_HEADER = b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff"
_EMPTY = b"\x03\x00" + bytes(8)
_OPEN = struct.Struct("<4sBBH")
_ENTRY = struct.Struct("<16sHHLL")  # the offset's 48 bits are its upper 16 and its lower 32
_CLOSE = struct.Struct("<LL4s")
_MAGIC, _CIGAM, _VERSION = b"FPIX", b"XIPF", 1

MAX_FOOTER_BYTES = len(_HEADER) + 6 + _OPEN.size + MAX_TRACES * _ENTRY.size + _CLOSE.size + len(_EMPTY)


class IndexEntry(NamedTuple):
    """One trace of a segment.

    Attributes:
        trace_id: its id, canonical.
        revision: 0 for a partial trace, 1 for a final one.
        offset, length: where its gzip member lies in the object, in bytes.
    """

    trace_id: str
    revision: int
    offset: int
    length: int


def encode_footer(entries: Sequence[IndexEntry]) -> bytes:
    """The last gzip member of a segment with these members.

    Raises:
        ValueError: more than `MAX_TRACES` entries.
    """
    if len(entries) > MAX_TRACES:
        raise ValueError(f"{len(entries)} traces in a segment: at most {MAX_TRACES} fit its footer")
    data = bytearray(_OPEN.pack(_MAGIC, _VERSION, 0, len(entries)))
    for trace_id, revision, offset, length in entries:
        packed_id = bytes.fromhex(trace_id.replace("-", ""))
        data += _ENTRY.pack(packed_id, revision, offset >> 32, offset & 0xFFFF_FFFF, length)
    total = len(_HEADER) + 6 + len(data) + _CLOSE.size + len(_EMPTY)
    data += _CLOSE.pack(zlib.crc32(data), total, _CIGAM)
    field = b"FP" + len(data).to_bytes(2, "little") + data
    return _HEADER + len(field).to_bytes(2, "little") + field + _EMPTY


def decode_footer(suffix: bytes, size_bytes: int) -> list[IndexEntry]:
    """The index, from the last bytes of a segment.

    Args:
        suffix: the object's end, `MAX_FOOTER_BYTES` of it at most are looked at.
        size_bytes: length of the whole object.

    Raises:
        CorruptArchiveError: there is no footer there, or it is damaged; the segment can still be scanned.
    """
    close_at = len(suffix) - len(_EMPTY) - _CLOSE.size
    if close_at < 0 or not suffix.endswith(_EMPTY):
        raise CorruptArchiveError("the segment has no footer: it is cut, or not a segment")
    crc, total, cigam = _CLOSE.unpack_from(suffix, close_at)
    start = len(suffix) - total
    open_at = start + len(_HEADER) + 6
    if cigam != _MAGIC[::-1] or start < 0 or open_at + _OPEN.size > close_at or suffix[start : start + 10] != _HEADER:
        raise CorruptArchiveError("the segment has no footer: it is cut, or not a segment")
    magic, version, _, count = _OPEN.unpack_from(suffix, open_at)
    if magic != _MAGIC or zlib.crc32(suffix[open_at:close_at]) != crc:
        raise CorruptArchiveError(
            "the segment's footer is damaged; `footpath traces verify` says which traces are whole"
        )
    if version != _VERSION:
        raise CorruptArchiveError(f"the segment's footer has version {version}; this Footpath reads {_VERSION}")
    if open_at + _OPEN.size + count * _ENTRY.size != close_at:
        raise CorruptArchiveError("the segment's footer does not hold what it counts")
    entries: list[IndexEntry] = []
    for packed_id, revision, high, low, length in _ENTRY.iter_unpack(suffix[open_at + _OPEN.size : close_at]):
        digits, offset = packed_id.hex(), high << 32 | low
        if offset + length > size_bytes - total:
            raise CorruptArchiveError("the segment's footer points behind its members")
        trace_id = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
        entries.append(IndexEntry(trace_id, revision, offset, length))
    return entries
