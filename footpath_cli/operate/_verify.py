"""Checking an archive: is what lies there what was put there?

Needs nothing but the objects, so it works on a bucket, on a folder and on a copy of either. It finds what changes
bytes, and what changes, drops, adds or moves lines within a segment; that a whole segment is gone, or was written anew
with a name that fits, the digests tell, as far as there are any.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from footpath.archive import (
    MAX_FOOTER_BYTES,
    SEGMENTS,
    CorruptArchiveError,
    Damage,
    ObjectMissingError,
    ObjectTooLargeError,
    UnknownLineVersionError,
    decode_footer,
    decode_line,
    document_sha256,
    documents_sha12,
    encode_footer,
    hour_of_id,
    large_key,
    parse_segment_key,
    salvage,
    unfold,
)
from footpath.errors import FootpathError
from footpath.recorders import ArchiveRecorder, verify_chain
from footpath.trace import decode_trace
from footpath_cli.operate._digests import check_sealed, read_digests, sha256_of
from footpath_cli.operate._finding import Finding
from footpath_service.playback import Playback
from footpath_service.recorders import ReplayedTrace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from footpath.archive import IndexEntry, Line, Member, ObjectStore
    from footpath_cli.operate._digests import PublicKey

_MAX_LARGE_BYTES = 256 << 20
_PLAIN_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


@dataclass(slots=True)
class Verified:
    """What a check saw.

    Attributes:
        segments, traces, bytes: how much was read; bytes as stored.
        newer: lines of a version that this Footpath does not know: not damaged, and not checked.
        digests, signed: how many digests there are, and how many carry a signature.
        unsealed: segments that no digest lists, because they are younger than the last one, or nothing seals this
            archive.
        findings: in the order of the archive, so the first is the first bad trace; what only the digests tell comes
            last.
    """

    segments: int = 0
    traces: int = 0
    bytes: int = 0
    newer: int = 0
    digests: int = 0
    signed: int = 0
    unsealed: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])


class _Header(msgspec.Struct, rename="camel"):
    format: str = ""
    trace_id: str = ""
    revision: int = 0


_decode_header = msgspec.json.Decoder(_Header).decode


def verify(
    store: ObjectStore,
    *,
    replay: bool = False,
    key: PublicKey | None = None,
    first_hour: str = "",
    tell: Callable[[Verified], None] | None = None,
) -> Verified:
    """Check every segment of an archive, and what its digests say was there.

    Args:
        store: where it lies.
        replay: also replay each document, and compare story, state and audit trail with what it tells. The wording must
            be that of this version of Footpath.
        key: checks the digests' signatures, and wants one on each; without it they are not checked.
        first_hour: sealed segments of hours before it (`dt=YYYY-MM-DD/hr=HH`) may be gone: they expired.
        tell: hears of progress, after each segment.

    Raises:
        ArchiveUnavailableError: the store did not answer; nothing is said of what was not read.
    """
    done = Verified()
    hour = ""
    seen: dict[tuple[str, int], tuple[str, str]] = {}
    found: dict[str, str] = {}
    # First the digests: what they list was there before they were written, so it must be there when it is looked for.
    sealing = read_digests(store, key)
    for name in store.list_keys(SEGMENTS):
        if name.rpartition("/")[0] != hour:  # a trace has one hour, so copies of it can only meet within one
            hour = name.rpartition("/")[0]
            seen = {}
        try:
            body = store.get(name)
        except ObjectMissingError:
            done.findings.append(Finding(name, "", "it was listed and is gone"))
            continue
        found[name] = sha256_of(body)
        check = _Segment(store, name, body, replay=replay)
        done.findings += check.findings()
        done.segments += 1
        done.traces += len(check.lines)
        done.bytes += len(body)
        done.newer += check.newer
        for line in check.lines:
            other = seen.setdefault((line.trace_id, line.revision), (line.sha256, name))
            if other[0] != line.sha256:
                what = f"revision {line.revision} clashes: {other[1]} holds another document of it"
                done.findings.append(Finding(name, line.trace_id, what))
        if tell is not None:
            tell(done)
    done.findings += check_sealed(sealing, found, first_hour=first_hour)
    done.findings += sealing.findings
    done.digests, done.signed = sealing.digests, sealing.signed
    done.unsealed = len(found.keys() - sealing.segments.keys())
    return done


class _Segment:
    """One segment under check."""

    def __init__(self, store: ObjectStore, key: str, body: bytes, *, replay: bool) -> None:
        self._store = store
        self._key = key
        self._body = body
        self._replay = replay
        self._index: dict[int, IndexEntry] = {}
        self._damaged = False
        self._writer = b""
        self.lines: list[Line] = []
        self.newer = 0

    def findings(self) -> Iterator[Finding]:
        """All that is wrong with it, in the order of its bytes; its name last."""
        footer_fault = self._read_footer()
        found_at: set[int] = set()
        members = list(salvage(self._body))
        last = members[-1] if members else None
        for member, following in zip(members, [*members[1:], None], strict=bool(members)):
            if isinstance(member, Damage):
                yield from self._unreadable(member, following.offset if following else len(self._body))
            elif member.data:
                found_at.add(member.offset)
                yield from self._check_frame(member)
                yield from self._check_member(member)
        if footer_fault:
            yield Finding(self._key, "", footer_fault)
        elif isinstance(last, Damage) or (last is not None and last.data):
            yield Finding(self._key, "", "something follows the footer")
        for offset, entry in self._index.items():
            if offset not in found_at and not self._damaged:
                yield Finding(self._key, entry.trace_id, f"no line begins at byte {offset}, where the index has one")
        yield from self._check_name()

    def _read_footer(self) -> str:
        try:
            entries = decode_footer(self._body[-MAX_FOOTER_BYTES:], len(self._body))
        except CorruptArchiveError as error:
            return str(error)
        self._index = {entry.offset: entry for entry in entries}
        footer = encode_footer(entries)
        return "" if self._body.endswith(footer) else "the footer is not as it is written"

    def _finding(self, offset: int, what: str, trace_id: str = "") -> Finding:
        if not trace_id:
            # Damage makes a line unreadable; the index still knows whose it is.
            within = [one for one in self._index.values() if one.offset <= offset < one.offset + one.length]
            trace_id = within[0].trace_id if within else ""
        return Finding(self._key, trace_id, what)

    def _unreadable(self, damage: Damage, end: int) -> Iterator[Finding]:
        """One finding a line of the stretch, as far as the index knows whose they were."""
        self._damaged = True
        what = f"bytes from {damage.offset} to {end} can't be read: {damage.reason}"
        lines = [one for one in self._index.values() if one.offset < end and one.offset + one.length > damage.offset]
        if not lines:
            yield Finding(self._key, "", what)
        for one in lines:
            yield Finding(self._key, one.trace_id, what)

    def _check_frame(self, member: Member) -> Iterator[Finding]:
        """The gzip header, which no checksum covers: no flags, no time, and the same marks of its writer on every line."""
        head = self._body[member.offset : member.offset + 10]
        self._writer = self._writer or head[8:]
        if head[:8] != _PLAIN_HEAD or head[8:] != self._writer:
            yield self._finding(member.offset, f"the gzip header at byte {member.offset} is not as it is written")

    def _check_member(self, member: Member) -> Iterator[Finding]:
        try:
            line = decode_line(member.data)
        except UnknownLineVersionError:
            self.newer += 1
            return
        except CorruptArchiveError as error:
            self._damaged = True
            yield self._finding(member.offset, str(error))
            return
        self.lines.append(line)
        entry = self._index.get(member.offset)
        if self._index and (
            entry is None
            or (entry.trace_id, entry.revision, entry.length) != (line.trace_id, line.revision, member.length)
        ):
            yield Finding(self._key, line.trace_id, f"the index does not have this line at byte {member.offset}")
        for what in self._check_line(line):
            yield Finding(self._key, line.trace_id, what)

    def _check_line(self, line: Line) -> Iterator[str]:
        document = line.document_bytes
        if document is None:
            document = self._large(line)
            if isinstance(document, str):
                yield document
                return
        if document_sha256(document) != line.sha256:
            yield "the document does not have its hash"
            return
        try:
            header = _decode_header(document)
        except msgspec.MsgspecError as error:
            yield f"the document is no trace: {error}"
            return
        if header.format == "footpath.trace" and (header.trace_id, header.revision) != (line.trace_id, line.revision):
            yield f"the document is that of trace {header.trace_id}, revision {header.revision}"
        if line.views_omitted:
            return
        fault = verify_chain(line.audit) if bytes(line.audit) else None
        if fault is not None:
            yield f"the audit trail is broken at row {fault.index}: {fault.reason}"
        if self._replay:
            yield from _check_views(line, document)

    def _large(self, line: Line) -> bytes | str:
        stub = line.stub
        if stub is None:
            return "the line has no document"
        if stub.key != large_key(line.trace_id, line.sha256):
            return f"the line points to {stub.key!r}, which is not its own"
        try:
            return unfold(self._store.get(stub.key, max_bytes=_MAX_LARGE_BYTES), max_bytes=max(stub.bytes, 0))
        except ObjectMissingError:
            return f"its document {stub.key} is gone"
        except (CorruptArchiveError, ObjectTooLargeError) as error:
            return f"its document {stub.key} is damaged: {error}"

    def _check_name(self) -> Iterator[Finding]:
        name = parse_segment_key(self._key)
        if name is None:
            yield Finding(self._key, "", "its name is not that of a segment: no reader finds it")
            return
        if self._damaged or self.newer or not self.lines:
            return  # what is unreadable can't be compared with the name
        identities = [(line.trace_id, line.revision, line.sha256) for line in self.lines]
        if identities != sorted(set(identities)):
            at = next(
                (at for at in range(1, len(identities)) if identities[at - 1] >= identities[at]), len(identities) - 1
            )
            yield Finding(self._key, identities[at][0], "the lines are not in order, or one stands there twice")
        strayed = [one for one in identities if hour_of_id(one[0]) != name.hour]
        if strayed:
            yield Finding(self._key, strayed[0][0], f"its hour is {hour_of_id(strayed[0][0])}, not {name.hour}")
        bounds = (min(identities)[0], max(identities)[0])
        sha12 = documents_sha12(line.sha256 for line in self.lines)
        if bounds != (name.min_id, name.max_id) or sha12 != name.sha12:
            yield Finding(self._key, "", "its name is that of other documents: a line was added, dropped or replaced")


class _Silent:
    def info(self, message: str, **facts: object) -> None: ...
    def warning(self, message: str, **facts: object) -> None: ...
    def error(self, message: str, **facts: object) -> None: ...


def _check_views(line: Line, document: bytes) -> Iterator[str]:
    try:
        trace = decode_trace(document)
        views = Playback([ArchiveRecorder()], _Silent()).play(ReplayedTrace(trace, "verify"))
    except FootpathError as error:
        yield f"the document can't be replayed: {error}"
        return
    if list(views.narrative or []) != (line.narrative or []):
        yield "the story is not the one that the document tells"
    for name, told, kept in (("state", views.state, line.state), ("audit trail", views.audit, line.audit)):
        if bytes(told or b"") != bytes(kept):
            yield f"the {name} is not the one that the document gives"
