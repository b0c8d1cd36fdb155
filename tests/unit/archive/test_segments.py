from __future__ import annotations

import gzip
import json
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footpath.archive import (
    MAX_FOOTER_BYTES,
    MAX_TRACES,
    CorruptArchiveError,
    Damage,
    Identity,
    IndexEntry,
    Line,
    SegmentWriter,
    UnknownLineVersionError,
    decode_footer,
    decode_line,
    document_sha256,
    encode_footer,
    encode_line,
    gzip_member,
    index_by_scan,
    on_one_line,
    parse_segment_key,
    salvage,
    scan_members,
    unfold,
)
from tests.unit.archive._traces import START_MS, document, line_of, trace_id


def writer_of(*numbers: int) -> SegmentWriter:
    writer = SegmentWriter("dt=2025-11-24/hr=16")
    for number in numbers:
        assert writer.add(*line_of(trace_id(number)))
    return writer


# ── segments ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_segment_is_one_gzip_stream_with_one_line_a_trace() -> None:
    """`zcat | jq` reads it all, with no software of ours."""
    segment = writer_of(3, 1, 2).finish()
    lines = [json.loads(line) for line in gzip.decompress(segment.body).splitlines()]
    assert [line["traceId"] for line in lines] == [trace_id(1), trace_id(2), trace_id(3)]
    assert lines[0]["narrative"] == [f"Story of {trace_id(1)}"]
    assert lines[0]["document"] == {"traceId": trace_id(1), "revision": 1}


def test_the_name_of_a_segment_says_its_hour_and_its_ids() -> None:
    """A reader chooses segments by name alone."""
    segment = writer_of(7, 5, 6).finish()
    name = parse_segment_key(segment.key)
    assert name is not None
    assert (name.hour, name.min_id, name.max_id) == ("dt=2025-11-24/hr=16", trace_id(5), trace_id(7))


@given(st.permutations(list(range(6))))
def test_the_same_traces_in_any_order_give_the_same_object(order: list[int]) -> None:
    """A batch delivered again in another order must meet its own key, not make a second segment."""
    first, again = writer_of(*range(6)).finish(), writer_of(*order).finish()
    assert (first.key, first.body) == (again.key, again.body)


def test_another_document_gives_another_name() -> None:
    """The name carries a hash over the documents: two revisions or clashing copies never share a key."""
    writer = SegmentWriter("dt=2025-11-24/hr=16")
    writer.add(*line_of(trace_id(1), body=document(trace_id(1), other="content")))
    assert writer.finish().key != writer_of(1).finish().key


def test_the_name_does_not_depend_on_the_compression() -> None:
    """Another zlib level or version writes other bytes for the same documents."""
    fast = SegmentWriter("dt=2025-11-24/hr=16", level=1)
    fast.add(*line_of(trace_id(1)))
    assert fast.finish().key == writer_of(1).finish().key


def test_the_same_identity_is_taken_once() -> None:
    """One logical trace, however often it came in the batch."""
    writer = writer_of(1)
    assert not writer.add(*line_of(trace_id(1)))
    assert len(writer) == 1


def test_a_revision_and_a_clash_are_both_kept() -> None:
    """A partial and a final trace, and two contents under one revision, are different identities."""
    writer = writer_of(1)
    assert writer.add(*line_of(trace_id(1), revision=0))
    assert writer.add(*line_of(trace_id(1), body=document(trace_id(1), other="content")))
    assert len(writer.finish().identities) == 3


def test_a_trace_of_another_hour_is_refused() -> None:
    """One segment, one hour: an id must find its trace."""
    with pytest.raises(ValueError, match="belongs to dt=2025-11-24/hr=17"):
        writer_of(1).add(*line_of(trace_id(2, START_MS + 3_600_000)))


@pytest.mark.parametrize("line", [b"", b"{}", b"{}\n{}\n", b"{\n}\n"])
def test_what_is_not_exactly_one_line_is_refused(line: bytes) -> None:
    """A line break inside a line would make two rows of one trace."""
    with pytest.raises(ValueError, match="line break"):
        writer_of(1).add(Identity(trace_id(9), 1, "00" * 32), line)


def test_a_full_segment_says_so_and_its_footer_still_fits() -> None:
    """2,000 traces fill a segment; its footer is within gzip's 64 KB field and the reader's suffix."""
    writer = SegmentWriter("dt=2025-11-24/hr=16", level=1)
    for number in range(MAX_TRACES):
        writer.add(Identity(trace_id(number), 1, f"{number:064x}"), b"{}\n")
    assert writer.is_full
    with pytest.raises(ValueError, match="full"):
        writer.add(Identity(trace_id(MAX_TRACES), 1, "00" * 32), b"{}\n")
    body = writer.finish().body
    entries = decode_footer(body[-MAX_FOOTER_BYTES:], len(body))
    assert [entry.trace_id for entry in entries] == [trace_id(number) for number in range(MAX_TRACES)]
    assert gzip.decompress(body) == b"{}\n" * MAX_TRACES


def test_an_empty_segment_is_refused() -> None:
    """There is no name for it."""
    with pytest.raises(ValueError, match="at least one trace"):
        SegmentWriter("dt=2025-11-24/hr=16").finish()


# ── the footer ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_footer_finds_each_trace_by_its_range() -> None:
    """One ranged GET is one trace."""
    body = writer_of(1, 2, 3).finish().body
    for entry in decode_footer(body[-MAX_FOOTER_BYTES:], len(body)):
        line = decode_line(unfold(body[entry.offset : entry.offset + entry.length]))
        assert line.trace_id == entry.trace_id


def test_offsets_over_four_gigabytes_survive() -> None:
    """A segment may grow past 32 bits."""
    entry = IndexEntry(trace_id(1), 3, (5 << 32) + 7, 9)
    assert decode_footer(encode_footer([entry]), 1 << 40) == [entry]


def test_a_footer_has_a_limit() -> None:
    """Over 2,000 entries the gzip field has no room."""
    with pytest.raises(ValueError, match="at most 2000"):
        encode_footer([IndexEntry(trace_id(1), 1, 0, 1)] * 2001)


def test_every_flipped_bit_of_a_footer_is_found() -> None:
    """A damaged index must never send a reader to a wrong place."""
    footer = encode_footer([IndexEntry(trace_id(1), 1, 0, 50), IndexEntry(trace_id(2), 1, 50, 60)])
    for at in range(len(footer)):
        for bit in range(8):
            broken = bytearray(footer)
            broken[at] ^= 1 << bit
            try:
                entries = decode_footer(bytes(broken), len(footer) + 110)
            except CorruptArchiveError:
                continue
            # Only gzip's own header fields that nobody reads may change unseen.
            assert 10 <= at < 16, f"byte {at} bit {bit} changed unseen"
            assert [entry.offset for entry in entries] == [0, 50]


@given(st.binary(max_size=200))
def test_anything_that_is_no_footer_is_refused(noise: bytes) -> None:
    """A stranger's object in the folder is an error of ours, not a crash."""
    with pytest.raises(CorruptArchiveError):
        decode_footer(noise, len(noise))


def test_a_footer_that_points_behind_the_members_is_refused() -> None:
    """The index can't make a reader fetch the footer, or more, as a trace."""
    with pytest.raises(CorruptArchiveError, match="behind its members"):
        decode_footer(encode_footer([IndexEntry(trace_id(1), 1, 0, 50)]), 60)


# ── without the footer, and damaged ────────────────────────────────────────────────────────────────────────────────
def test_a_segment_without_its_footer_is_scanned() -> None:
    """The index is a convenience: the lines say the same."""
    segment = writer_of(1, 2, 3).finish()
    entries = decode_footer(segment.body[-MAX_FOOTER_BYTES:], len(segment.body))
    bare = segment.body[: entries[-1].offset + entries[-1].length]
    assert index_by_scan(bare) == entries
    assert index_by_scan(segment.body) == entries
    assert [member.offset for member in scan_members(bare)] == [entry.offset for entry in entries]


def test_a_cut_segment_gives_back_every_whole_trace() -> None:
    """Truncated anywhere, all that lies before the cut is read, and the place of the damage is named."""
    body = writer_of(1, 2, 3, 4).finish().body
    entries = decode_footer(body[-MAX_FOOTER_BYTES:], len(body))
    for cut in random.Random(5).sample(range(1, len(body)), 60):
        whole = [entry for entry in entries if entry.offset + entry.length <= cut]
        assert index_by_scan(body[:cut]) == whole
        notes = [found for found in salvage(body[:cut]) if isinstance(found, Damage)]
        ends = {0, len(body), *(entry.offset + entry.length for entry in entries)}
        assert bool(notes) == (cut not in ends)
        assert all(note.offset >= (whole[-1].offset + whole[-1].length if whole else 0) for note in notes)


def test_a_flipped_bit_costs_one_trace_only() -> None:
    """Damage inside one member: the members before and after it are read, and a scan names the place."""
    body = writer_of(1, 2, 3, 4).finish().body
    entries = decode_footer(body[-MAX_FOOTER_BYTES:], len(body))
    hurt = entries[1]
    for at in range(hurt.offset, hurt.offset + hurt.length, 7):
        broken = bytearray(body)
        broken[at] ^= 0x10
        found = [entry.trace_id for entry in index_by_scan(bytes(broken))]
        assert [one for one in found if one != trace_id(2)] == [trace_id(1), trace_id(3), trace_id(4)]
    broken[hurt.offset] ^= 0xFF
    with pytest.raises(CorruptArchiveError) as caught:
        list(scan_members(bytes(broken)))
    assert caught.value.offset == hurt.offset


def test_a_member_that_unfolds_without_end_is_refused() -> None:
    """A forged member can't fill the memory."""
    with pytest.raises(CorruptArchiveError, match="more than 1000 bytes"):
        unfold(gzip_member(bytes(1_000_000)), max_bytes=1000)
    assert unfold(gzip_member(bytes(1000)), max_bytes=1000) == bytes(1000)


def test_a_member_followed_by_another_is_not_one_member() -> None:
    """An index that covers two members is wrong."""
    with pytest.raises(CorruptArchiveError, match="where the index says"):
        unfold(gzip_member(b"a\n") * 2)


# ── lines ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_line_keeps_the_document_to_the_byte() -> None:
    """The hash of the identity must be computable from the line for ever."""
    body = b'{"traceId" : "x",  "n":1.0e5, "u":"\\u00e9\xc3\xa9\xe2\x80\xa8", "dup":1, "dup":2}'
    _, line = line_of(trace_id(1), body=body)
    read = decode_line(line)
    assert read.document_bytes == body
    assert document_sha256(read.document_bytes) == read.sha256


def test_a_pretty_printed_document_becomes_one_line_and_stays_the_same_json() -> None:
    """A footprintjs trace may come with line breaks between its tokens; a line may not."""
    pretty = json.dumps({"spec": {"a": "x\ny"}, "n": [1, 2]}, indent=2).replace("\n", "\r\n").encode()
    flat = on_one_line(pretty)
    assert b"\n" not in flat
    assert b"\r" not in flat
    assert json.loads(flat) == json.loads(pretty)
    assert on_one_line(b"{}") == b"{}"


def test_views_too_large_are_omitted_and_the_document_stays() -> None:
    """A person loses a convenience, never the trace."""
    identity, line = line_of(trace_id(1))
    big = msgspec.structs.replace(decode_line(line), narrative=["x" * 500])
    read = decode_line(encode_line(big, max_bytes=400))
    assert read.views_omitted
    assert read.views_reason == "line over 400 bytes"
    assert (read.narrative, bytes(read.state), bytes(read.audit)) == (None, b"", b"")
    assert read.document_bytes == document(identity.trace_id)


@pytest.mark.parametrize("narrative", [["lone \ud800"], [object()]])
def test_views_that_json_cannot_hold_are_omitted(narrative: list[str]) -> None:
    """If rendering fails the line keeps the document."""
    _, line = line_of(trace_id(1))
    read = decode_line(encode_line(msgspec.structs.replace(decode_line(line), narrative=narrative)))
    assert (read.views, read.views_reason) == ("omitted", "rendering failed")
    assert read.document_bytes == document(trace_id(1))


def test_a_document_of_two_lines_is_refused() -> None:
    """The last guard before the archive."""
    line = Line(trace_id=trace_id(1), revision=1, sha256="00", status="completed", document=msgspec.Raw(b"{\n}"))
    with pytest.raises(CorruptArchiveError, match="one line"):
        encode_line(line)


def test_a_line_of_a_newer_footpath_is_known_as_such() -> None:
    """A newer version is parked, not taken for damage."""
    with pytest.raises(UnknownLineVersionError) as caught:
        decode_line(b'{"format":"footpath.line","version":2,"everything":"else"}')
    assert caught.value.version == 2


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"format":"footpath.line","version":1}', b'{"format":"other","version":9}', b"[" * 9999],
)
def test_what_is_no_line_is_refused(data: bytes) -> None:
    """Hostile bytes get our error."""
    with pytest.raises(CorruptArchiveError):
        decode_line(data)
