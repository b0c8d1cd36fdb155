"""One line of the archive: a document, and beside it what a person reads with `zcat | jq` and no software of ours."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from footpath.archive._errors import CorruptArchiveError, UnknownLineVersionError

MAX_LINE_BYTES = 8 << 20
"""Over this a line goes without its views."""

MAX_DOCUMENT_BYTES = 24 << 20
"""Over this a document lies in an object of its own: Athena refuses rows over 32 MB."""

NOTHING = msgspec.Raw()
"""Stands for a member that a line does not have; msgspec has no optional `Raw`."""

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_VERSION = 1
_OMITTED = "omitted"


class Stub(msgspec.Struct, frozen=True, rename="camel"):
    """Stands in a line for a document that lies beside the segment.

    Attributes:
        key: where the gzipped document lies in the same bucket.
        bytes: length of the document, unzipped.
    """

    key: str
    bytes: int


class Line(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A line, in the order in which it is written; the names in JSON are the camelCase of these.

    The header's scalars are copies out of the document, for SQL. Identity is (trace_id, revision, sha256); nothing else
    in the line counts for it.

    Attributes:
        format, version: "footpath.line" and 1, put in when the line is encoded.
        sha256: over the document as captured, lower-case hex.
        status: "completed", "failed", "paused" or "deadline"; "unknown" for a trace of footprintjs.
        started_at: ISO 8601 in UTC; absent when the document does not say.
        duration_ms: of the run.
        error_type, error_message, error_stage: of a failed run; the stage is its id.
        sent_at: when the queue took the message, ISO 8601 in UTC.
        weight: how many runs this one stands for; absent when it is one.
        dropped_entries: how many entries its journal lost to a limit; absent when none.
        views: "omitted" when narrative, state and audit were left out, with `views_reason`.
        narrative: its lines of text.
        state: the final shared state (JSON); `NOTHING` when the line has none, as for the other two of its kind.
        audit: rows chained by hash inside the trace (JSON).
        stub: instead of `document`, when that is too large for a line, or does not fit one (see `fits_a_line`).
        document: the document as captured (JSON, on one line).
    """

    format: str = ""
    version: int = 0
    trace_id: str
    revision: int
    sha256: str
    run_id: str | None = None
    chart: str | None = None
    chart_name: str | None = None
    chart_hash: str | None = None
    status: str
    started_at: str | None = None
    duration_ms: float | None = None
    error_type: str | None = None
    error_message: str | None = None
    error_stage: str | None = None
    sent_at: str | None = None
    weight: float = 1.0
    dropped_entries: int = 0
    views: str | None = None
    views_reason: str | None = None
    narrative: list[str] | None = None
    state: msgspec.Raw = NOTHING
    audit: msgspec.Raw = NOTHING
    stub: Stub | None = None
    document: msgspec.Raw = NOTHING

    @property
    def document_bytes(self) -> bytes | None:
        """The document as captured, to the byte; None when a stub stands for it."""
        return bytes(self.document) or None

    @property
    def views_omitted(self) -> bool:
        """Whether the line was written without narrative, state and audit."""
        return self.views == _OMITTED


_encode = msgspec.json.Encoder().encode
_check = msgspec.json.Decoder(msgspec.Raw).decode
_decode = msgspec.json.Decoder(Line).decode


class _Version(msgspec.Struct):
    format: Any = None
    version: Any = None


_decode_version = msgspec.json.Decoder(_Version).decode


def on_one_line(document: bytes) -> bytes:
    """The document as it is archived and hashed: raw line breaks, which JSON has between its tokens only, as spaces.

    Footpath writes none; a footprintjs trace sent pretty-printed has them, and would tear its line apart.
    """
    if b"\n" not in document and b"\r" not in document:
        return document
    return document.replace(b"\r", b" ").replace(b"\n", b" ")


def fits_a_line(document: bytes) -> bool:
    """Whether a (sound) document can stand in a line, which every reader of JSON must be able to take.

    JavaScript cuts texts between the halves of a surrogate pair and writes the halves; many readers refuse them, ours
    too.
    """
    if _SURROGATE.search(document) is None:
        return True
    try:
        _check(document)
    except msgspec.MsgspecError:
        return False
    return True


def document_sha256(document: bytes) -> str:
    """The hash that is part of a trace's identity, over the document on one line."""
    return hashlib.sha256(document).hexdigest()


def encode_line(line: Line, *, max_bytes: int = MAX_LINE_BYTES) -> bytes:
    """The line's bytes, with its line break. Views that JSON can't hold, or that make it too long, are left out.

    Raises:
        CorruptArchiveError: the document itself is no JSON of one line; nothing that passed the queue's door is.
    """
    reason: str | None = line.views_reason
    if line.views is None:
        try:
            encoded = _encode(_stamped(line))
        except (ValueError, TypeError, msgspec.MsgspecError):
            reason = "rendering failed"
        else:
            if len(encoded) < max_bytes and b"\n" not in encoded:
                return encoded + b"\n"
            reason = f"line over {max_bytes} bytes"
    bare = msgspec.structs.replace(
        _stamped(line), views=_OMITTED, views_reason=reason, narrative=None, state=NOTHING, audit=NOTHING
    )
    encoded = _encode(bare)
    if b"\n" in encoded:
        raise CorruptArchiveError(f"the document of trace {line.trace_id} does not fit one line")
    return encoded + b"\n"


def _stamped(line: Line) -> Line:
    return msgspec.structs.replace(line, format="footpath.line", version=_VERSION)


def decode_line(data: bytes) -> Line:
    """A line read back.

    Raises:
        UnknownLineVersionError: written by a newer Footpath.
        CorruptArchiveError: not a line of an archive.
    """
    try:
        line = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _refuse_newer(data)
        raise CorruptArchiveError(f"not a line of the archive: {error}") from error
    if line.format != "footpath.line" or line.version != _VERSION:
        _refuse_newer(data)
        raise CorruptArchiveError(f"not a line of the archive: format {line.format!r}, version {line.version!r}")
    return line


def _refuse_newer(data: bytes) -> None:
    try:
        found = _decode_version(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    if found.format == "footpath.line" and type(found.version) is int and found.version > _VERSION:
        raise UnknownLineVersionError(found.version)
