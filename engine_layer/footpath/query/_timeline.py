"""The life of one key: every write and every read of it, in commit order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import UNSET, Struct, UnsetType

from footpath.query._ids import step_name
from footpath.query._log import Bundle, CommitIndex, index_of, last_verb
from footpath.query._notes import READS_NOT_RECORDED, Note, ReadIndex, note_lines, pre_run_origin, unknown_key
from footpath.query._reads import KeysRead, ReadsCoverage, ReadsLookup, reads_source

if TYPE_CHECKING:
    from collections.abc import Sequence

MOMENTS_SHOWN = 60


class Moment(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A write (with its `verb`) or a read (with the commit that wrote what it saw; absent when before the run).

    `commit_idx` of a read is the commit of the execution that read: its reads came before its own write.
    """

    kind: Literal["read", "write"]
    commit_idx: int
    runtime_stage_id: str
    stage_id: str
    stage_name: str
    verb: str | UnsetType = UNSET
    from_write_idx: int | UnsetType = UNSET


class KeyTimeline(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The moments of a key, in order, and what they cannot tell; no moments where `missing` says why."""

    key: str
    keys_read_kind: str
    notes: tuple[Note, ...]
    moments: tuple[Moment, ...] | UnsetType = UNSET
    before: int | UnsetType = UNSET
    reads_coverage: ReadsCoverage | UnsetType = UNSET
    missing: str | UnsetType = UNSET


def key_timeline(
    commit_log: Sequence[Bundle] | CommitIndex,
    key: str,
    reads: KeysRead | ReadsLookup,
    *,
    before: int | None = None,
) -> KeyTimeline:
    """Every write and read of `key` before position `before` (default: the end).

    Example:
        >>> reads = keys_read_from_execution_tree(snapshot["executionTree"])
        >>> print(format_timeline(key_timeline(snapshot["commitLog"], "risk", reads)))
        TIMELINE for 'risk' — reads via: execution-tree
        @0 write set — Assess (assess#0)
        @1 read  — Route (route#1) (value from commit 0)
    """
    index = index_of(commit_log)
    source = reads_source(reads)
    end = len(index) if before is None else before
    readers = ReadIndex(index, source)
    written = {position: True for position in index.writers(key) if position < end}
    read = {position: True for position in readers.readers(key) if position < end}
    moments: list[Moment] = []
    last_write: int | UnsetType = UNSET
    from_before_the_run = False
    for position in sorted(written | read):
        bundle = index.log[position]
        if position in read:
            from_before_the_run = from_before_the_run or last_write is UNSET
            moments.append(_moment("read", position, bundle, from_write_idx=last_write))
        if position in written:
            verb = last_verb(bundle, key)
            moments.append(_moment("write", position, bundle, verb=verb))
            last_write = position
    notes: list[Note] = []
    missing: str | UnsetType = UNSET
    if not len(index):
        missing = "empty-log"
    else:
        known = bool(index.writers(key)) or bool(readers.readers(key))
        if not known:
            notes.append(unknown_key(key, index, readers))
        if not readers:
            notes.append(READS_NOT_RECORDED)
        elif not known:
            missing = "never-written"
        if from_before_the_run:
            notes.append(pre_run_origin(key))
    return KeyTimeline(
        key=key,
        keys_read_kind=source.kind,
        moments=UNSET if missing else tuple(moments),
        notes=tuple(notes),
        before=UNSET if before is None else before,
        reads_coverage=source.coverage,
        missing=missing,
    )


def _moment(
    kind: Literal["read", "write"],
    position: int,
    bundle: Bundle,
    verb: str | UnsetType = UNSET,
    from_write_idx: int | UnsetType = UNSET,
) -> Moment:
    return Moment(
        kind=kind,
        commit_idx=position,
        runtime_stage_id=bundle.get("runtimeStageId", ""),
        stage_id=bundle.get("stageId", ""),
        stage_name=bundle.get("stage", ""),
        verb=verb,
        from_write_idx=from_write_idx,
    )


NOTHING_TO_SHOW = {
    "empty-log": "the commit log is empty (nothing has executed).",
    "never-written": "'{key}' was never written and never read in this log.",
}


def format_timeline(timeline: KeyTimeline) -> str:
    """The timeline as text, a line a moment."""
    span = "" if timeline.before is UNSET else f" (before commit {timeline.before})"
    lines = [f"TIMELINE for '{timeline.key}'{span} — reads via: {timeline.keys_read_kind}"]
    if timeline.missing:
        lines.append(f"no timeline: {NOTHING_TO_SHOW[timeline.missing].format(key=timeline.key)}")
    elif not timeline.moments:
        lines.append("(no recorded moment for this key)")
    moments = timeline.moments or ()
    for moment in moments[:MOMENTS_SHOWN]:
        who = step_name(moment.stage_name, moment.runtime_stage_id)
        if moment.kind == "write":
            lines.append(f"@{moment.commit_idx} write {moment.verb} — {who}")
        else:
            came = "BEFORE the run" if moment.from_write_idx is UNSET else f"commit {moment.from_write_idx}"
            lines.append(f"@{moment.commit_idx} read  — {who} (value from {came})")
    if len(moments) > MOMENTS_SHOWN:
        lines.append(f"… and {len(moments) - MOMENTS_SHOWN} more moments (bounded output)")
    return "\n".join([*lines, *note_lines(timeline.notes)])
