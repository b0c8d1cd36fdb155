"""What an answer must admit: remarks that timelines and forward slices carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from footpath.query._json import utf16

if TYPE_CHECKING:
    from footpath.query._log import CommitIndex
    from footpath.query._reads import KeysRead

KNOWN_KEYS_SHOWN = 10


class Note(Struct, frozen=True):
    """A remark: a stable `code` and a sentence."""

    code: str
    detail: str


class ReadIndex:
    """Who read what, by position in the log; built in one pass, as every commit repeats the reads of its execution."""

    __slots__ = ("_readers",)

    def __init__(self, index: CommitIndex, reads: KeysRead) -> None:
        self._readers: dict[str, list[int]] = {}
        for position, bundle in enumerate(index.log):
            for key in dict.fromkeys(reads.lookup(bundle.get("runtimeStageId", ""))):
                self._readers.setdefault(key, []).append(position)

    def __bool__(self) -> bool:
        """Whether any read at all is on record."""
        return bool(self._readers)

    def readers(self, key: str) -> list[int]:
        """Positions of the commits whose execution read `key`, ascending."""
        return self._readers.get(key, [])

    def keys(self) -> list[str]:
        """All keys read."""
        return list(self._readers)


def unknown_key(key: str, index: CommitIndex, readers: ReadIndex) -> Note:
    """Nothing wrote the key and nothing read it: a typing error, or the wrong scope."""
    known = sorted({*index.paths(), *readers.keys()}, key=utf16)
    shown = ", ".join(known[:KNOWN_KEYS_SHOWN]) or "(none)"
    more = f" (+{len(known) - KNOWN_KEYS_SHOWN} more)" if len(known) > KNOWN_KEYS_SHOWN else ""
    return Note(
        "unknown-key",
        f"unknown key '{key}' — this commit log has no write and no recorded read of it. Known keys: {shown}{more}. "
        "If the key is real, check that the commit log and the reads provider come from the SAME scope (a subflow has "
        "its own).",
    )


READS_NOT_RECORDED = Note(
    "reads-not-recorded",
    "reads were not recorded (readTracking may be 'off') — 'nothing read this value' is UNKNOWABLE here, not true.",
)


def pre_run_origin(key: str) -> Note:
    """The value was there before the run."""
    return Note(
        "pre-run-origin",
        f"'{key}' has no write before this point — the value came from initial state, frozen run input (args), or a "
        "closure. The reads listed did see it; who put it there is outside the commit log.",
    )


def conservative_edges(key: str) -> Note:
    """Some edges stand for "read it and wrote this", no more."""
    return Note(
        "conservative-fed-edges",
        "some 'fed' edges are CONSERVATIVE (stage-level): those writes carry no per-write read provenance, so a stage "
        f"that read '{key}' and wrote another key may not actually have used it. Run with writeProvenance: "
        "'reads-prefix' to get exact edges.",
    )


def walk_truncated(*, by_depth: bool, by_nodes: bool) -> Note:
    """A limit cut the walk short."""
    limits = [("maxDepth", by_depth), ("maxNodes", by_nodes)]
    reached = ", ".join(f"{name} reached" for name, hit in limits if hit)
    return Note("truncated", f"walk truncated ({reached}) — more consumers of this value exist beyond this horizon.")


def note_lines(notes: tuple[Note, ...]) -> list[str]:
    """Notes as the last lines of a text."""
    return [f"⚠ {note.detail}" for note in notes]
