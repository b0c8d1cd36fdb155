from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from footpath.archive import Identity, Line, SegmentWriter, document_sha256, encode_line, hour_of_id
from footpath_service.adapters.folder import FolderStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START_MS = 1_764_000_000_000  # dt=2025-11-24/hr=16


def make_id(number: int, at_ms: int = START_MS) -> str:
    digits = f"{at_ms:012x}7000a000{number:012x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def make_line(of: str, *, revision: int = 1, audit: Any = None, **more: Any) -> tuple[Identity, bytes]:
    body = msgspec.json.encode({"traceId": of, "revision": revision})
    sha256 = document_sha256(body)
    defaults: dict[str, Any] = {"status": "completed", "chart": "credit", "state": msgspec.Raw(b'{"a":1}')}
    if audit is not None:
        defaults["audit"] = msgspec.Raw(msgspec.json.encode(audit))
    line = Line(trace_id=of, revision=revision, sha256=sha256, document=msgspec.Raw(body), **(defaults | more))
    return Identity(of, revision, sha256), encode_line(line)


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Put lines into a segment of the archive in the test's folder."""

    def write(*lines: tuple[Identity, bytes]) -> Path:
        writer = SegmentWriter(hour_of_id(lines[0][0].trace_id))
        for identity, line in lines:
            writer.add(identity, line)
        segment = writer.finish()
        FolderStore(tmp_path).put_new(segment.key, segment.body)
        return tmp_path / segment.key

    return write
