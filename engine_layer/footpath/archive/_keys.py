"""Names of what lies in the archive bucket: one place that writes them and reads them back."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from footpath.archive._ids import hour_of_id

if TYPE_CHECKING:
    from collections.abc import Iterable

SEGMENTS = "segments/"
LARGE = "large/"
CLAIMS = "claims/"
SPOOL = "spool/"

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SEGMENT = re.compile(
    rf"segments/(?P<hour>dt=\d{{4}}-\d{{2}}-\d{{2}}/hr=\d{{2}})/"
    rf"(?P<min>{_UUID})-(?P<max>{_UUID})-(?P<sha12>[0-9a-f]{{12}})\.jsonl\.gz"
)
_LARGE_KEY = re.compile(rf"large/(?P<id>{_UUID})-(?P<sha12>[0-9a-f]{{12}})\.json\.gz")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SegmentName:
    """What the key of a segment says about it.

    Attributes:
        hour: `dt=YYYY-MM-DD/hr=HH`, the hour of every id inside.
        min_id, max_id: the smallest and largest trace id inside.
        sha12: first 12 hex digits of the hash over its documents (see `documents_sha12`).
    """

    key: str
    hour: str
    min_id: str
    max_id: str
    sha12: str


def documents_sha12(document_sha256s: Iterable[str]) -> str:
    """12 hex digits over the documents of a segment: SHA-256 of their SHA-256 digests, in the order of the lines.

    The gzip bytes stay out of it: another zlib writes other bytes for the same documents.
    """
    total = hashlib.sha256()
    for digest in document_sha256s:
        total.update(bytes.fromhex(digest))
    return total.hexdigest()[:12]


def segment_key(min_id: str, max_id: str, sha12: str) -> str:
    """Where a segment lies: under the hour of its smallest id, which is the hour of all of them."""
    return f"{SEGMENTS}{hour_of_id(min_id)}/{min_id}-{max_id}-{sha12}.jsonl.gz"


def parse_segment_key(key: str) -> SegmentName | None:
    """What a segment's key says; None for a key of another shape (a stranger in the folder is not an error)."""
    found = _SEGMENT.fullmatch(key)
    return SegmentName(key, found["hour"], found["min"], found["max"], found["sha12"]) if found else None


def hour_prefix(hour: str) -> str:
    """The folder of an hour's segments, with its slash."""
    return f"{SEGMENTS}{hour}/"


def large_key(trace_id: str, document_sha256: str) -> str:
    """Where a document too large for a line lies; a stub line in the segment points there."""
    return f"{LARGE}{trace_id}-{document_sha256[:12]}.json.gz"


def is_large_key(key: str, trace_id: str, document_sha256: str) -> bool:
    """Whether a stub's key is the one that its own trace has: a stub can't point anywhere else."""
    return _LARGE_KEY.fullmatch(key) is not None and key == large_key(trace_id, document_sha256)


def claim_key(sha256: str) -> str:
    """Where an oversize body lies: its key is its hash, so a claim can't name another one's content."""
    return f"{CLAIMS}{sha256}"


def is_sha256(text: str) -> bool:
    """Whether a text is a SHA-256 in lower-case hex."""
    return _SHA256.fullmatch(text) is not None


def spool_key(trace_id: str, revision: int, sha256: str) -> str:
    """Where a body that the queue did not take waits for recovery; `sha256` is over the body."""
    return f"{SPOOL}{hour_of_id(trace_id)}/{trace_id}-{revision}-{sha256[:12]}"
