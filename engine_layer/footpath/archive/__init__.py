"""The archive's formats: bytes, keys and paths, and nothing of AWS.

What a trace becomes when it is kept: a line (`Line`) in a gzip member of a segment (`SegmentWriter`), under a key that
its id names (`hour_of_id`, `segment_key`), found again by `ArchiveReader` over any `ObjectStore`. Digests say what was
there. A trace is identified by (trace id, revision, SHA-256 of its document): archived twice it is one, and a higher
revision supersedes a lower one. Segments are written once and never changed. Everything written here can be read with
`zcat | jq` alone. `docs/trace-format.md` has the formats in full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath._on_demand import on_demand as _on_demand
from footpath.ids import id_from_document

if TYPE_CHECKING:
    from footpath.archive._digest import (
        DIGESTS,
        MAX_DIGEST_BYTES,
        MAX_SEALED,
        Digest,
        Link,
        SealedSegment,
        Signature,
        SignedDigest,
        decode_digest,
        digest_key,
        encode_digest,
        envelop_digest,
        message_of,
        number_of_digest_key,
    )
    from footpath.archive._errors import (
        AmbiguousPrefixError,
        CorruptArchiveError,
        MalformedIdError,
        ObjectMissingError,
        ObjectTooLargeError,
        TraceNotFoundError,
        UnknownDigestVersionError,
        UnknownLineVersionError,
    )
    from footpath.archive._footer import MAX_FOOTER_BYTES, MAX_TRACES, IndexEntry, decode_footer, encode_footer
    from footpath.archive._ids import hour_of_id, hour_of_ms, parse_trace_id, start_of_hour_ms, time_of_id_ms
    from footpath.archive._keys import (
        CLAIMS,
        LARGE,
        SEGMENTS,
        SPOOL,
        SegmentName,
        claim_key,
        documents_sha12,
        is_sha256,
        large_key,
        parse_segment_key,
        segment_key,
        spool_key,
    )
    from footpath.archive._line import (
        MAX_DOCUMENT_BYTES,
        MAX_LINE_BYTES,
        NOTHING,
        Line,
        Stub,
        decode_line,
        document_sha256,
        encode_line,
        fits_a_line,
        on_one_line,
    )
    from footpath.archive._members import Damage, Member, salvage, scan_members, unfold
    from footpath.archive._reader import ArchiveReader, Place, StoredTrace, index_by_scan
    from footpath.archive._segment import Identity, Segment, SegmentWriter, gzip_member
    from footpath.archive._store import Listed, ObjectStore, Suffix

__all__ = [  # by meaning, as every door
    "ArchiveReader",
    "StoredTrace",
    "Place",
    "ObjectStore",
    "Suffix",
    "Listed",
    "SegmentWriter",
    "Segment",
    "Identity",
    "MAX_TRACES",
    "Line",
    "NOTHING",
    "Stub",
    "MAX_LINE_BYTES",
    "MAX_DOCUMENT_BYTES",
    "encode_line",
    "decode_line",
    "document_sha256",
    "on_one_line",
    "fits_a_line",
    "gzip_member",
    "unfold",
    "scan_members",
    "salvage",
    "Member",
    "Damage",
    "index_by_scan",
    "IndexEntry",
    "encode_footer",
    "decode_footer",
    "MAX_FOOTER_BYTES",
    "parse_trace_id",
    "id_from_document",
    "time_of_id_ms",
    "hour_of_id",
    "hour_of_ms",
    "start_of_hour_ms",
    "SEGMENTS",
    "LARGE",
    "CLAIMS",
    "SPOOL",
    "SegmentName",
    "segment_key",
    "parse_segment_key",
    "large_key",
    "claim_key",
    "spool_key",
    "documents_sha12",
    "is_sha256",
    "Digest",
    "SignedDigest",
    "SealedSegment",
    "Link",
    "Signature",
    "encode_digest",
    "message_of",
    "envelop_digest",
    "decode_digest",
    "DIGESTS",
    "digest_key",
    "number_of_digest_key",
    "MAX_SEALED",
    "MAX_DIGEST_BYTES",
    "MalformedIdError",
    "TraceNotFoundError",
    "AmbiguousPrefixError",
    "CorruptArchiveError",
    "UnknownLineVersionError",
    "UnknownDigestVersionError",
    "ObjectMissingError",
    "ObjectTooLargeError",
]

__getattr__ = _on_demand(
    __name__,
    {
        "._digest": (
            "DIGESTS",
            "MAX_DIGEST_BYTES",
            "MAX_SEALED",
            "Digest",
            "Link",
            "SealedSegment",
            "Signature",
            "SignedDigest",
            "decode_digest",
            "digest_key",
            "encode_digest",
            "envelop_digest",
            "message_of",
            "number_of_digest_key",
        ),
        "._errors": (
            "AmbiguousPrefixError",
            "CorruptArchiveError",
            "MalformedIdError",
            "ObjectMissingError",
            "ObjectTooLargeError",
            "TraceNotFoundError",
            "UnknownDigestVersionError",
            "UnknownLineVersionError",
        ),
        "._footer": ("MAX_FOOTER_BYTES", "MAX_TRACES", "IndexEntry", "decode_footer", "encode_footer"),
        "._ids": ("hour_of_id", "hour_of_ms", "parse_trace_id", "start_of_hour_ms", "time_of_id_ms"),
        "._keys": (
            "CLAIMS",
            "LARGE",
            "SEGMENTS",
            "SPOOL",
            "SegmentName",
            "claim_key",
            "documents_sha12",
            "is_sha256",
            "large_key",
            "parse_segment_key",
            "segment_key",
            "spool_key",
        ),
        "._line": (
            "MAX_DOCUMENT_BYTES",
            "MAX_LINE_BYTES",
            "NOTHING",
            "Line",
            "Stub",
            "decode_line",
            "document_sha256",
            "encode_line",
            "fits_a_line",
            "on_one_line",
        ),
        "._members": ("Damage", "Member", "salvage", "scan_members", "unfold"),
        "._reader": ("ArchiveReader", "Place", "StoredTrace", "index_by_scan"),
        "._segment": ("Identity", "Segment", "SegmentWriter", "gzip_member"),
        "._store": ("Listed", "ObjectStore", "Suffix"),
    },
)
