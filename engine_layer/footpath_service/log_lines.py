"""A trace as log lines: the way it takes when neither queue nor bucket do. Written here, and read back here.

A body (see `wire`) is cut into numbered pieces; each line carries the header, a checksum of its piece and the hash of
the whole, so that a line lost or damaged on the way is known, and pieces of several traces may interleave.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_LINE_BYTES = 200_000
"""CloudWatch Logs takes 256 KB an event, its own framing included."""

_PIECE = 190_000


class LogHeader(msgspec.Struct, frozen=True, rename="camel"):
    """What every line says of its trace."""

    trace_id: str
    revision: int
    chart: str
    status: str


class _TraceLine(msgspec.Struct, frozen=True, rename="camel", tag_field="footpath", tag="trace"):
    trace_id: str
    revision: int
    chart: str
    status: str
    sha256: str
    part: int
    parts: int
    crc32: int
    data: str


class DroppedTrace(msgspec.Struct, frozen=True, rename="camel", tag_field="footpath", tag="dropped"):
    """A trace of which only this is left.

    Attributes:
        bytes: length of its document; 0 when it could not even be made.
        failures: why each way did not take it.
    """

    trace_id: str
    revision: int
    chart: str
    status: str
    bytes: int
    failures: list[str]


class LoggedTrace(msgspec.Struct, frozen=True):
    """A trace recovered from log lines.

    Attributes:
        header: what its lines say of it.
        body: as it would have been on the queue; None when pieces are missing or damaged.
        missing: numbers of the pieces that are, from 1.
    """

    header: LogHeader
    body: str | None
    missing: tuple[int, ...]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_TraceLine | DroppedTrace).decode


def trace_lines(header: LogHeader, body: str) -> Iterator[str]:
    """The lines of a body of ASCII characters, each at most `MAX_LINE_BYTES` long."""
    # Quotes and backslashes of plain text take two bytes each in a line; packed text has none.
    size = _PIECE // 2 if body.startswith("{") else _PIECE
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    sha256 = hashlib.sha256(body.encode("ascii")).hexdigest()
    for number, piece in enumerate(pieces, start=1):
        line = _TraceLine(
            trace_id=header.trace_id,
            revision=header.revision,
            chart=header.chart[:256],
            status=header.status,
            sha256=sha256,
            part=number,
            parts=len(pieces),
            crc32=zlib.crc32(piece.encode("ascii")),
            data=piece,
        )
        yield _encode(line).decode()


def dropped_line(header: LogHeader, document_bytes: int, failures: Sequence[str]) -> str:
    """The line of a trace that is given up."""
    said = [failure.encode(errors="replace").decode() for failure in failures]
    chart = header.chart[:256].encode(errors="replace").decode()
    line = DroppedTrace(header.trace_id, header.revision, chart, header.status, document_bytes, said)
    return _encode(line).decode()


def read_log_lines(lines: Iterable[str]) -> Iterator[LoggedTrace | DroppedTrace]:
    """The traces that log lines hold; lines of anything else are passed over.

    A line may have something before its JSON, as log viewers print it. Each trace comes once, however often its lines
    do.
    """
    found: dict[tuple[str, int, str, int], dict[int, str]] = {}
    headers: dict[tuple[str, int, str, int], LogHeader] = {}
    dropped: set[bytes] = set()
    for line in lines:
        start = line.find('{"footpath":"')
        if start < 0:
            continue
        try:
            entry = _decode(line[start:].strip().encode())
        except (msgspec.MsgspecError, UnicodeError):
            continue
        if isinstance(entry, DroppedTrace):
            key = _encode(entry)
            if key not in dropped:
                dropped.add(key)
                yield entry
        elif zlib.crc32(entry.data.encode()) == entry.crc32:
            place = (entry.trace_id, entry.revision, entry.sha256, entry.parts)
            headers[place] = LogHeader(entry.trace_id, entry.revision, entry.chart, entry.status)
            found.setdefault(place, {})[entry.part] = entry.data
    for place, pieces in found.items():
        *_, sha256, parts = place
        missing = tuple(number for number in range(1, min(parts, 10_000) + 1) if number not in pieces)
        body = None if missing else "".join(pieces[number] for number in sorted(pieces))
        if body is not None and hashlib.sha256(body.encode()).hexdigest() != sha256:
            body = None
        yield LoggedTrace(headers[place], body, missing)
