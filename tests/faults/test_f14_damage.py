"""F14: a bit flips, a line goes missing, two swap, a segment is cut; `verify` names the first bad trace, and never cries wolf."""

from __future__ import annotations

import shutil
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from footpath.archive import (
    SEGMENTS,
    Identity,
    SegmentWriter,
    decode_line,
    document_sha256,
    encode_footer,
    encode_line,
    gzip_member,
    index_by_scan,
    scan_members,
    segment_key,
)
from footpath_cli._exits import Exit
from footpath_cli.operate import verify
from footpath_service.adapters.folder import FolderStore
from footpath_service.adapters.memory import MemoryStore
from footpath_service.process import Processor
from footpath_service.settings import Settings
from tests.unit.archive._traces import line_of, put_large, put_segment
from tests.unit.cli.test_commands import footpath
from tests.unit.service._fakes import CountingMetrics, ListLog
from tests.unit.service._traces import START_MS, message, trace_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from footpath.archive import Line, ObjectStore

COUNT = 5


def archive(store: ObjectStore, count: int = COUNT) -> str:
    """A segment as the processor writes it; its key."""
    from footpath_service.recorders import default_recorders

    processor = Processor(
        store=store,
        dead_letters=None,
        settings=Settings(archive_bucket="archive"),
        make_recorders=lambda: default_recorders()[1:],
        metrics=CountingMetrics(),
        log=ListLog(),
    )
    result = processor.process([message(number) for number in range(count)], lambda: 60_000.0)
    assert result.archived_count == count
    (key,) = store.list_keys(SEGMENTS)
    return key


@pytest.fixture(scope="module")
def sound() -> tuple[str, bytes]:
    store = MemoryStore()
    key = archive(store)
    return key, store.get(key)


def with_segment(key: str, body: bytes) -> MemoryStore:
    store = MemoryStore()
    store.put_new(key, body)
    return store


def members_of(body: bytes) -> list[bytes]:
    """The gzip member of each line, the footer left out."""
    return [body[one.offset : one.offset + one.length] for one in scan_members(body) if one.data]


def put_together(members: Iterable[bytes]) -> bytes:
    """A segment of these members with a footer that fits."""
    body = b"".join(members)
    return body + encode_footer(index_by_scan(body))


def lines_of(body: bytes) -> list[Line]:
    return [decode_line(one.data) for one in scan_members(body) if one.data]


# ── no false alarm ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_sound_archive_has_no_findings(sound: tuple[str, bytes]) -> None:
    """Replayed, too."""
    done = verify(with_segment(*sound), replay=True)
    assert done.findings == []
    assert (done.segments, done.traces) == (1, COUNT)


def test_a_copied_archive_has_no_findings(tmp_path: Path) -> None:
    """Another folder, other file times: CloudTrail's own check can't do that."""
    archive(FolderStore(tmp_path / "a"))
    shutil.copytree(tmp_path / "a", tmp_path / "b", copy_function=shutil.copy)
    shutil.rmtree(tmp_path / "a")
    ended = footpath("traces", "verify", "--replay", "--archive", str(tmp_path / "b"))
    assert ended.code == 0, ended.out
    assert f"{COUNT} traces in 1 segments are as they were written." in ended.out


def test_duplicates_in_two_segments_are_no_finding() -> None:
    """At least once is not damage."""
    store = MemoryStore()
    put_segment(store, line_of(trace_id(1)))
    put_segment(store, line_of(trace_id(1)), line_of(trace_id(2)))
    assert verify(store).findings == []


def test_a_line_of_a_newer_version_is_no_damage(sound: tuple[str, bytes]) -> None:
    """It is counted, and left to a newer Footpath."""
    key, body = sound
    members = members_of(body)
    newer = gzip_member(b'{"format":"footpath.line","version":2}\n')
    body = b"".join([*members, newer]) + encode_footer(index_by_scan(b"".join(members)))
    done = verify(with_segment(key, body))
    assert (done.newer, done.findings) == (1, [])


# ── damage ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_every_flipped_byte_is_found(sound: tuple[str, bytes]) -> None:
    """At every place of a segment; but for unused bits of the packing, which change nothing that anybody reads."""
    key, body = sound
    lines = lines_of(body)
    ends = {one.offset + one.length - 9 for one in scan_members(body)}  # the last byte before CRC and length
    for at in range(0, len(body), 3):
        damaged = bytearray(body)
        damaged[at] ^= 0xFF
        found = verify(with_segment(key, bytes(damaged))).findings
        assert found or (at in ends and lines_of(bytes(damaged)) == lines), at


def test_a_flipped_bit_names_its_trace(sound: tuple[str, bytes]) -> None:
    """The index knows whose line became unreadable."""
    key, body = sound
    members = [one for one in scan_members(body) if one.data]
    for number, member in enumerate(members):
        damaged = bytearray(body)
        damaged[member.offset + member.length // 2] ^= 1
        first = verify(with_segment(key, bytes(damaged))).findings[0]
        assert first.trace_id == trace_id(number), first


def test_the_first_bad_trace_comes_first(sound: tuple[str, bytes]) -> None:
    """Of several, in the order of the archive."""
    key, body = sound
    damaged = bytearray(body)
    for member in [one for one in scan_members(body) if one.data][2:4]:
        damaged[member.offset + 40] ^= 0x10
    found = verify(with_segment(key, bytes(damaged))).findings
    assert [one.trace_id for one in found] == [trace_id(2), trace_id(3)]


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_cut_segment_is_found(sound: tuple[str, bytes], keep: float) -> None:
    """Wherever it is cut."""
    key, body = sound
    assert verify(with_segment(key, body[: int(len(body) * keep)])).findings


def test_a_missing_line_is_found(sound: tuple[str, bytes]) -> None:
    """With the old footer by the index; with a footer made to fit, by the name."""
    key, body = sound
    members = members_of(body)
    footer = body[len(b"".join(members)) :]
    for at in range(COUNT):
        rest = members[:at] + members[at + 1 :]
        assert verify(with_segment(key, b"".join(rest) + footer)).findings
        (found,) = verify(with_segment(key, put_together(rest))).findings
        assert "added, dropped or replaced" in found.what


def test_swapped_lines_are_found(sound: tuple[str, bytes]) -> None:
    """With a footer that fits them."""
    key, body = sound
    for at, _ in pairwise(range(COUNT)):
        members = members_of(body)
        members[at], members[at + 1] = members[at + 1], members[at]
        first = verify(with_segment(key, put_together(members))).findings[0]
        assert first.trace_id == trace_id(at)
        assert "order" in first.what


def test_an_added_line_is_found(sound: tuple[str, bytes]) -> None:
    """A forged trace among true ones, footer and all."""
    key, body = sound
    _, line = line_of(trace_id(99))
    found = verify(with_segment(key, put_together([*members_of(body), gzip_member(line)]))).findings
    assert [one.what for one in found] == ["its name is that of other documents: a line was added, dropped or replaced"]


def test_bytes_behind_the_footer_are_found(sound: tuple[str, bytes]) -> None:
    """As an append would leave them."""
    key, body = sound
    assert verify(with_segment(key, body + gzip_member(line_of(trace_id(9))[1]))).findings
    assert verify(with_segment(key, body + b"\0")).findings


def forged(body: bytes, number: int, **changed: Any) -> bytes:
    """A segment with one line written anew; everything about it fits but its content."""
    lines = lines_of(body)
    lines[number] = msgspec.structs.replace(lines[number], **changed)
    return put_together(gzip_member(encode_line(line)) for line in lines)


def test_a_forged_document_is_found(sound: tuple[str, bytes]) -> None:
    """Its hash beside it tells; with a hash made to fit, the segment's name does."""
    key, body = sound
    document = bytes(lines_of(body)[2].document).replace(b"500", b"900")
    (found, *_) = verify(with_segment(key, forged(body, 2, document=msgspec.Raw(document)))).findings
    assert found.trace_id == trace_id(2)
    assert "does not have its hash" in found.what
    fitting = forged(body, 2, document=msgspec.Raw(document), sha256=document_sha256(document))
    assert "replaced" in verify(with_segment(key, fitting)).findings[-1].what


def test_a_document_under_another_id_is_found(sound: tuple[str, bytes]) -> None:
    """Identity is in the document, too."""
    _, body = sound
    line = lines_of(body)[1]
    other = trace_id(7)
    moved = encode_line(msgspec.structs.replace(line, trace_id=other))
    writer = SegmentWriter("dt=2025-11-24/hr=16")
    writer.add(Identity(other, line.revision, line.sha256), moved)
    segment = writer.finish()
    (found,) = verify(with_segment(segment.key, segment.body)).findings
    assert found == (segment.key, other, f"the document is that of trace {trace_id(1)}, revision 1")


@pytest.mark.parametrize("row", [0, 2])
def test_a_forged_audit_row_is_found(sound: tuple[str, bytes], row: int) -> None:
    """By its chain, at the row."""
    key, body = sound
    rows = msgspec.json.decode(lines_of(body)[3].audit)
    rows[row]["kind"] = "forged"
    (found,) = verify(with_segment(key, forged(body, 3, audit=msgspec.Raw(msgspec.json.encode(rows))))).findings
    assert found.trace_id == trace_id(3)
    assert f"row {row}" in found.what


@pytest.mark.parametrize(
    "changed",
    [
        {"narrative": ["Nothing happened."]},
        {"state": msgspec.Raw(b'{"decision":"approved by me"}')},
        {"audit": msgspec.Raw(b"[]")},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_forged_view_is_found_by_replaying(sound: tuple[str, bytes], changed: dict[str, Any]) -> None:
    """What stands beside the document has to be what the document tells."""
    key, body = sound
    store = with_segment(key, forged(body, 0, **changed))
    assert verify(store).findings == []
    (found,) = verify(store, replay=True).findings
    assert found.trace_id == trace_id(0)


def test_a_segment_under_another_name_is_found(sound: tuple[str, bytes]) -> None:
    """No reader would look for its traces there."""
    key, body = sound
    for other in (
        segment_key(trace_id(0), trace_id(COUNT - 1), "0" * 12),
        segment_key(trace_id(1), trace_id(COUNT - 1), key[-21:-9]),
        segment_key(trace_id(0, START_MS + 3_600_000), trace_id(9, START_MS + 3_600_000), key[-21:-9]),
        "segments/dt=2025-11-24/hr=16/copy.jsonl.gz",
    ):
        assert verify(with_segment(other, body)).findings, other


def test_a_clash_is_found() -> None:
    """The same id and revision with two documents."""
    store = MemoryStore()
    put_segment(store, line_of(trace_id(1), body=b'{"a":1}'))
    put_segment(store, line_of(trace_id(1), body=b'{"a":2}'))
    (found,) = verify(store).findings
    assert found.trace_id == trace_id(1)
    assert "clashes" in found.what


@pytest.mark.parametrize("fate", ["gone", "flipped", "another"])
def test_a_large_document_is_checked_where_it_lies(fate: str) -> None:
    """The stub's line says what it has to be."""
    store = MemoryStore()
    put_segment(store, put_large(store, trace_id(1), b'{"large":true}'))
    assert verify(store).findings == []
    (key,) = store.list_keys("large/")
    body = store._objects.pop(key)
    if fate == "flipped":
        store.put_new(key, body[:-1] + b"\0\0")
    elif fate == "another":
        store.put_new(key, gzip_member(b'{"large":null}'))
    (found,) = verify(store).findings
    assert found.trace_id == trace_id(1)


def test_the_command_names_the_first_bad_trace_and_fails(tmp_path: Path) -> None:
    """Exit code 5, as for everything damaged; findings as data with --json."""
    key = archive(FolderStore(tmp_path))
    path = tmp_path / key
    body = bytearray(path.read_bytes())
    body[60] ^= 1
    path.write_bytes(bytes(body))
    ended = footpath("traces", "verify", "--archive", str(tmp_path))
    assert ended.code == Exit.DAMAGED
    assert f"the first bad trace is {trace_id(0)}" in ended.err
    lines = footpath("traces", "verify", "--json", "--archive", str(tmp_path)).out.splitlines()
    assert msgspec.json.decode(lines[0])["trace"] == trace_id(0)
    assert footpath("traces", "verify", "--archive", str(tmp_path / "nowhere")).code == Exit.NOT_FOUND
