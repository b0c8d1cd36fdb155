"""Cutting a trace short, so that a run that never stops saying things still leaves one that can be read.

What is kept is a beginning of the journal, which replays as far as it goes; one event of the engine's own, which says
where it was cut; and the run's end, or what it pauses at. The header's facts (status, result, error, duration) are the
whole run's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw

from footpath.journal.entries import (
    EMIT,
    PAUSE,
    PAUSED_BOTH,
    PAUSED_LINE,
    PAUSED_SCOPE,
    RUN_END,
    RUN_FAILED,
    TRUNCATED,
)
from footpath.trace._document import encode_document
from footpath.values import plain

if TYPE_CHECKING:
    from footpath.trace._document import Document

_CHUNK = 1_000
_NAMED = 5
"""Length of a pause that says who pauses; those of old documents don't, and tell nothing without their frame."""
_ROOM = 256
"""Bytes kept free for the mark, in the journal and in the header."""


def cut_to_entries(
    document: Document, max_entries: int, *, already_dropped: int = 0, reason: str = "entries"
) -> Document:
    """The document with at most so many entries of its journal, the mark and the run's end beside them.

    Args:
        document: as captured; it is not changed.
        max_entries: how many entries of the run are kept.
        already_dropped: how many more there were, which the journal does not hold any more.
        reason: "entries" or "bytes", whichever limit was reached.

    Returns:
        The same document when it holds no more than that.
    """
    journal, after, already_dropped = _uncut(document, already_dropped)
    ending = _ending(document, journal, after)
    if ending and journal and _is_ending(journal[-1]):
        journal = journal[:-1]
    dropped = already_dropped + max(len(journal) - max_entries, 0)
    if not dropped:
        return document
    at = min(max_entries, len(journal))
    if document.status == "paused":
        ending = _pauses(journal[:at], [*journal[at:], *after])
    truncated = {"at": at, "reason": reason, "dropped": dropped}
    mark = (EMIT, int(document.duration * 1000), TRUNCATED, Raw(msgspec.json.encode(truncated)))
    return msgspec.structs.replace(document, journal=[*journal[:at], mark, *ending], truncated=truncated)


def cut_to_bytes(document: Document, max_bytes: int) -> Document | None:
    """The document cut so that it encodes to at most so many bytes; the same one when it does already.

    Returns:
        None when not even its header fits.
    """
    if len(encode_document(document)) <= max_bytes:
        return document
    journal, after, _ = _uncut(document, 0)
    ending = _pauses([], [*journal, *after]) if document.status == "paused" else _ending(document, journal, after)
    bare = len(encode_document(msgspec.structs.replace(document, journal=ending)))
    room = max_bytes - bare - _ROOM
    if room < 0:
        return None
    return cut_to_entries(document, fitting(journal, room), reason="bytes")


def fitting(journal: list[Any], max_bytes: int) -> int:
    """How many entries, from the first, encode to at most so many bytes, commas included."""
    size = 0
    for start in range(0, len(journal), _CHUNK):
        chunk = journal[start : start + _CHUNK]
        whole = encoded_bytes(chunk)
        if size + whole <= max_bytes:
            size += whole
            continue
        for number, entry in enumerate(chunk):
            size += encoded_bytes([entry])
            if size > max_bytes:
                return start + number
    return len(journal)


def encoded_bytes(entries: list[Any]) -> int:
    """What entries add to a document, their commas included; a guess where one of them can't be encoded as it is."""
    try:
        return len(msgspec.json.encode(entries)) - 1
    except (ValueError, TypeError, RecursionError):
        return sum(len(repr(entry)) + 1 for entry in entries)


def _uncut(document: Document, already_dropped: int) -> tuple[list[Any], list[Any], int]:
    """The entries of the run itself, what an earlier cut put behind its mark, and how many more there were."""
    if document.truncated is UNSET:
        return document.journal, [], already_dropped
    before: dict[str, Any] = document.truncated  # pyright: ignore[reportAssignmentType]
    at = before["at"]
    return document.journal[:at], document.journal[at + 1 :], already_dropped + before["dropped"]


def _is_ending(entry: Any) -> bool:
    return isinstance(entry, (tuple, list)) and entry[0] in (RUN_END, RUN_FAILED)


def _pauses(kept: list[Any], rest: list[Any]) -> list[Any]:
    """The pauses of the part that is left out, so that whoever listens to a replay hears of them as in the run."""
    told = sum(1 if _half(entry) == PAUSED_SCOPE else -1 if _half(entry) == PAUSED_LINE else 0 for entry in kept)
    pauses: list[Any] = []
    for entry in rest:
        half = _half(entry)
        if half is None or half == PAUSED_SCOPE or len(entry) < _NAMED:
            continue
        if half == PAUSED_LINE and told > 0:
            told -= 1
        else:
            half = PAUSED_BOTH
        pauses.append((PAUSE, half, *entry[2:]))
    return pauses


def _half(entry: Any) -> int | None:
    """Which half of a pause an entry is, if it is one."""
    return entry[1] if type(entry) is not str and entry[0] == PAUSE else None


def _ending(document: Document, journal: list[Any], after: list[Any]) -> list[Any]:
    """The entry that ends the run: the journal's own, or one out of the header; none while it is paused or under way."""
    if after and _is_ending(after[-1]):
        return [after[-1]]
    if journal and _is_ending(journal[-1]):
        return [journal[-1]]
    if document.status == "completed":
        return [(RUN_END,) if document.result is UNSET else (RUN_END, None, 1)]
    error: Any = document.error
    if document.status == "failed" and error is not UNSET:
        return [(RUN_FAILED, [error.type, plain(error.message)])]
    return []
