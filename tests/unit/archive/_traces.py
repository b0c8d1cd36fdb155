"""Small archives made by hand, for the tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from footpath.archive import (
    Identity,
    Line,
    SegmentWriter,
    Stub,
    document_sha256,
    encode_line,
    gzip_member,
    hour_of_id,
    large_key,
)

if TYPE_CHECKING:
    from footpath_service.adapters.memory import MemoryStore

START_MS = 1_764_000_000_000  # dt=2025-11-24/hr=16


def trace_id(number: int, at_ms: int = START_MS) -> str:
    digits = f"{at_ms:012x}7000a000{number:012x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def document(of: str, revision: int = 1, **more: Any) -> bytes:
    return msgspec.json.encode({"traceId": of, "revision": revision, **more})


def line_of(of: str, revision: int = 1, body: bytes | None = None, **more: Any) -> tuple[Identity, bytes]:
    body = document(of, revision) if body is None else body
    sha256 = document_sha256(body)
    more = {"status": "completed", "narrative": [f"Story of {of}"], "state": msgspec.Raw(b'{"a":1}')} | more
    line = Line(trace_id=of, revision=revision, sha256=sha256, document=msgspec.Raw(body), **more)
    return Identity(of, revision, sha256), encode_line(line)


def put_segment(store: MemoryStore, *lines: tuple[Identity, bytes]) -> str:
    writer = SegmentWriter(hour_of_id(lines[0][0].trace_id))
    for identity, line in lines:
        writer.add(identity, line)
    segment = writer.finish()
    assert store.put_new(segment.key, segment.body)
    return segment.key


def put_large(store: MemoryStore, of: str, body: bytes) -> tuple[Identity, bytes]:
    sha256 = document_sha256(body)
    key = large_key(of, sha256)
    store.put_new(key, gzip_member(body))
    line = Line(trace_id=of, revision=1, sha256=sha256, status="completed", stub=Stub(key, len(body)))
    return Identity(of, 1, sha256), encode_line(line)
