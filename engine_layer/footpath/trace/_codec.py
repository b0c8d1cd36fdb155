"""Bytes to traces."""

from __future__ import annotations

import math

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from footpath.errors import TraceDecodeError, UnknownVersionError
from footpath.trace._document import FORMAT, STATUSES, VERSION, Document
from footpath.trace._options import check_options
from footpath.trace._repair import whole_characters
from footpath.trace._time import us_of_iso
from footpath.trace._trace import Trace


class Probe(Struct):
    """The members that say what a document is, before any other is believed."""

    format: str | UnsetType = UNSET
    version: int | UnsetType = UNSET
    spec: Raw | UnsetType = UNSET
    snapshot: Raw | UnsetType = UNSET
    narrative: Raw | UnsetType = UNSET


_decode_document = msgspec.json.Decoder(Document).decode
_decode_probe = msgspec.json.Decoder(Probe).decode


def decode_trace(data: bytes, *, sent_at_ms: int | None = None) -> Trace:
    """Read a trace document; one made by footprintjs (`{spec, snapshot, narrative}`) is read too.

    Args:
        data: the document.
        sent_at_ms: when it was sent, if known; only a trace of footprintjs without any time needs it, for its id.

    Raises:
        UnknownVersionError: the document is of a newer version than this code knows.
        TraceDecodeError: the bytes are not a trace; the same bytes will fail again.

    Example:
        >>> again = decode_trace(trace.encoded)
        >>> again.status, again.input, again.final_state() == trace.final_state()
        ('completed', {'amount': 100}, True)
    """
    probe = _probe(data)
    if probe.format is UNSET and probe.snapshot is not UNSET and probe.spec is not UNSET:
        from footpath.trace._footprintjs import read_footprintjs

        return read_footprintjs(data, sent_at_ms)
    if probe.format != FORMAT:
        message = f"not a trace document: its `format` is {probe.format!r:.60}, not {FORMAT!r}"
        raise TraceDecodeError(message)
    if probe.version is UNSET or probe.version < 1:  # type: ignore[operator]
        message = f"not a trace document: its `version` is {probe.version!r}, and versions count from 1"
        raise TraceDecodeError(message)
    if probe.version > VERSION:  # type: ignore[operator]
        message = f"this trace is of version {probe.version}; this code reads up to {VERSION}: deploy a newer Footpath"
        raise UnknownVersionError(message, version=probe.version)  # type: ignore[arg-type]
    try:
        str(data, "utf-8")  # msgspec does not look into the parts that it keeps raw
        document = _decode_document(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"malformed trace document: {_short(error)}"
        raise TraceDecodeError(message) from error
    _check(document)
    return Trace(document, bytes(data))


def _probe(data: bytes) -> Probe:
    """The members that say what a document is."""
    try:
        return _decode_probe(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        whole = whole_characters(data)
        if whole != data:  # what JavaScript wrote, and cut a surrogate pair in two
            return _probe(whole)
        message = f"not a trace document: {_short(error)}"
        raise TraceDecodeError(message) from error


def _check(document: Document) -> None:
    if document.status not in STATUSES:
        message = f"malformed trace document: status {document.status!r:.40} is none of {', '.join(STATUSES)}"
        raise TraceDecodeError(message)
    try:
        us_of_iso(document.started_at)
    except (ValueError, OverflowError) as error:
        message = f"malformed trace document: startedAt {document.started_at!r:.60} is no ISO 8601 time"
        raise TraceDecodeError(message) from error
    if not 1 <= document.weight < math.inf:
        message = f"malformed trace document: weight {document.weight!r} is not a number from 1 up"
        raise TraceDecodeError(message)
    check_options(document.options)


def _short(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."
