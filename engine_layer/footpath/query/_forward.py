"""Forward slices: who used a value, what they wrote with it, and who used that."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET, Struct, UnsetType, field

from footpath.query._chain import DEFAULT_MAX_DEPTH, DEFAULT_MAX_NODES, Truncation
from footpath.query._ids import step_name
from footpath.query._json import as_json
from footpath.query._log import Bundle, CommitIndex, index_of, last_verb, rows_of
from footpath.query._notes import (
    READS_NOT_RECORDED,
    Note,
    ReadIndex,
    conservative_edges,
    note_lines,
    pre_run_origin,
    unknown_key,
    walk_truncated,
)
from footpath.query._reads import KeysRead, ReadsCoverage, ReadsLookup, reads_source
from footpath.query._timeline import NOTHING_TO_SHOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

READS_SHOWN = 5
_BASIS_WORD = {"per-write": "exact", "stage": "conservative"}


class Consumer(Struct, frozen=True, rename="camel"):
    """A stage execution that read a value while it was current."""

    runtime_stage_id: str
    stage_id: str
    stage_name: str
    commit_idx: int


class FedValue(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One value of one key, from its write (or from before the run) to the next write of that key."""

    id: str
    key: str
    origin: Literal["write", "pre-run"]
    depth: int
    reads: tuple[Consumer, ...]
    runtime_stage_id: str | UnsetType = UNSET
    stage_id: str | UnsetType = UNSET
    stage_name: str | UnsetType = UNSET
    commit_idx: int | UnsetType = UNSET
    verb: str | UnsetType = UNSET
    next_write_idx: int | UnsetType = UNSET
    incomplete_sources: tuple[str, ...] | UnsetType = UNSET


class FedEdge(Struct, frozen=True, rename="camel"):
    """One value fed another. `basis` is "per-write" (read before that very write) or "stage" (by the same stage)."""

    from_: str = field(name="from")
    to: str
    basis: Literal["per-write", "stage"]


class ForwardSlice(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What became of a value: flat, `nodes` in breadth-first order from `root_id`."""

    key: str
    keys_read_kind: str
    notes: tuple[Note, ...]
    before: int | UnsetType = UNSET
    missing: str | UnsetType = UNSET
    reads_coverage: ReadsCoverage | UnsetType = UNSET
    root_id: str | UnsetType = UNSET
    nodes: tuple[FedValue, ...] | UnsetType = UNSET
    edges: tuple[FedEdge, ...] | UnsetType = UNSET
    truncated: Truncation | UnsetType = UNSET


def forward_slice_for_key(
    commit_log: Sequence[Bundle] | CommitIndex,
    key: str,
    reads: KeysRead | ReadsLookup,
    *,
    before: int | None = None,
    max_depth: int = DEFAULT_MAX_DEPTH,
    max_nodes: int = DEFAULT_MAX_NODES,
) -> ForwardSlice:
    """What the value that `key` had just before commit `before` (default: at the end) went into.

    Example:
        >>> reads = keys_read_from_execution_tree(snapshot["executionTree"])
        >>> print(format_forward_slice(forward_slice_for_key(snapshot["commitLog"], "risk", reads)))
        FORWARD SLICE for 'risk' — reads via: execution-tree
        'risk' set by Assess (assess#0) @0 — live to the end of the run
          ⚠ its writer also consumed args — untracked
          read by Route (route#1) @1
    """
    index = index_of(commit_log)
    source = reads_source(reads)
    readers = ReadIndex(index, source)
    at = UNSET if before is None else before
    known = bool(index.writers(key)) or bool(readers.readers(key))
    if not len(index):
        return ForwardSlice(key, source.kind, (), at, "empty-log", source.coverage)
    if not known and readers:
        return ForwardSlice(key, source.kind, (unknown_key(key, index, readers),), at, "never-written", source.coverage)
    walk = _Walk(index, readers, max_depth, max_nodes)
    walk.run(key, index.last_writer(key, before))
    notes: list[Note] = [] if known else [unknown_key(key, index, readers)]
    if not readers:
        notes.append(READS_NOT_RECORDED)
    if walk.nodes[0].origin == "pre-run":
        notes.append(pre_run_origin(key))
    if walk.conservative:
        notes.append(conservative_edges(key))
    cut = walk.by_depth or walk.by_nodes
    if cut:
        notes.append(walk_truncated(by_depth=walk.by_depth, by_nodes=walk.by_nodes))
    return ForwardSlice(
        key=key,
        keys_read_kind=source.kind,
        notes=tuple(notes),
        before=at,
        reads_coverage=source.coverage,
        root_id=walk.nodes[0].id,
        nodes=tuple(walk.nodes),
        edges=tuple(walk.edges),
        truncated=Truncation(walk.by_depth, walk.by_nodes) if cut else UNSET,
    )


class _Walk:
    """Breadth first over values, a value being named by its key and the position of its write (None: before the run)."""

    def __init__(self, index: CommitIndex, readers: ReadIndex, max_depth: int, max_nodes: int) -> None:
        self.index = index
        self.readers = readers
        self.max_depth = max_depth
        self.max_nodes = max_nodes
        self.nodes: list[FedValue] = []
        self.edges: list[FedEdge] = []
        self.places: dict[tuple[str, int | None], int] = {}
        self.by_depth = self.by_nodes = False
        self.conservative = False

    def run(self, key: str, writer: int | None) -> None:
        self._add(key, writer, 0)
        queue = deque([(key, writer)])
        while queue:
            for found in self._expand(*queue.popleft()):
                queue.append(found)

    def _expand(self, key: str, writer: int | None) -> Iterator[tuple[str, int]]:
        node = self.nodes[self.places[key, writer]]
        if not node.reads:
            return
        fed: dict[str, str] = {}
        for consumer in node.reads:
            for path, basis in _fed_by(self.index.log[consumer.commit_idx], key):
                self.conservative = self.conservative or basis == "stage"
                target = (path, consumer.commit_idx)
                if target not in self.places:
                    if len(self.nodes) >= self.max_nodes:
                        self.by_nodes = True
                        continue
                    self._add(path, consumer.commit_idx, node.depth + 1)
                    yield target
                to = self.nodes[self.places[target]].id
                if to not in fed:
                    fed[to] = basis
                    self.edges.append(FedEdge(node.id, to, basis))

    def _add(self, key: str, writer: int | None, depth: int) -> None:
        self.places[key, writer] = len(self.nodes)
        following = self.index.next_writer(key, -1 if writer is None else writer)
        readers = self.readers.readers(key)
        start = 0 if writer is None else bisect_right(readers, writer)
        end = len(readers) if following is None else bisect_right(readers, following)
        consumers: tuple[Consumer, ...] = ()
        if depth >= self.max_depth:
            self.by_depth = self.by_depth or end > start
        else:
            consumers = tuple(self._consumer(position) for position in readers[start:end])
        name = f"n{len(self.nodes)}"
        next_write_idx = UNSET if following is None else following
        if writer is None:
            node = FedValue(name, key, "pre-run", depth, consumers, next_write_idx=next_write_idx)
        else:
            bundle = self.index.log[writer]
            sources = bundle.get("untrackedSources")
            node = FedValue(
                id=name,
                key=key,
                origin="write",
                depth=depth,
                reads=consumers,
                runtime_stage_id=bundle.get("runtimeStageId", ""),
                stage_id=bundle.get("stageId", ""),
                stage_name=bundle.get("stage", ""),
                commit_idx=writer,
                verb=last_verb(bundle, key),
                next_write_idx=next_write_idx,
                incomplete_sources=tuple(sources) if sources else UNSET,
            )
        self.nodes.append(node)

    def _consumer(self, position: int) -> Consumer:
        bundle = self.index.log[position]
        return Consumer(bundle.get("runtimeStageId", ""), bundle.get("stageId", ""), bundle.get("stage", ""), position)


def _fed_by(bundle: Bundle, key: str) -> Iterator[tuple[str, Literal["per-write", "stage"]]]:
    """Paths of a commit that a read of `key` went into; where a path has several rows, the last one decides."""
    last: dict[str, Mapping[str, Any]] = {}
    for row in rows_of(bundle):
        last[row["path"]] = row
    for path, row in last.items():
        read_keys = row.get("readKeys")
        if read_keys is None:
            yield path, "stage"
        elif key in read_keys:
            yield path, "per-write"


def forward_slice_to_json(answer: ForwardSlice) -> dict[str, Any]:
    """The forward slice as JSON.

    Example:
        >>> reads = keys_read_from_execution_tree(snapshot["executionTree"])
        >>> forward_slice_to_json(forward_slice_for_key(snapshot["commitLog"], "risk", reads))["key"]
        'risk'
    """
    return as_json(answer)


def format_forward_slice(answer: ForwardSlice) -> str:
    """The forward slice as indented text, depth first; a value met again is only pointed to."""
    span = "" if answer.before is UNSET else f" (as of before commit {answer.before})"
    lines = [f"FORWARD SLICE for '{answer.key}'{span} — reads via: {answer.keys_read_kind}"]
    if answer.missing:
        lines.append(f"no forward slice: {NOTHING_TO_SHOW[answer.missing].format(key=answer.key)}")
    elif answer.nodes:
        lines.extend(_tree_lines(answer.nodes, answer.edges or ()))
    return "\n".join([*lines, *note_lines(answer.notes)])


def _tree_lines(nodes: Sequence[FedValue], edges: Sequence[FedEdge]) -> Iterator[str]:
    by_id = {node.id: node for node in nodes}
    fed: dict[str, list[FedEdge]] = {}
    for edge in edges:
        fed.setdefault(edge.from_, []).append(edge)
    seen: set[str] = set()
    work: list[tuple[FedValue, str, int]] = [(nodes[0], "", 0)]
    while work:
        node, arrow, level = work.pop()
        indent = "  " * level
        again = node.id in seen
        yield f"{indent}{arrow}{_value_text(node)}{' ↳ (see above)' if again else ''}"
        if again:
            continue
        seen.add(node.id)
        if node.incomplete_sources:
            yield f"{indent}  ⚠ its writer also consumed {'/'.join(node.incomplete_sources)} — untracked"
        if not node.reads:
            yield f"{indent}  (no recorded read of this value)"
        for consumer in node.reads[:READS_SHOWN]:
            yield f"{indent}  read by {step_name(consumer.stage_name, consumer.runtime_stage_id)} @{consumer.commit_idx}"
        if len(node.reads) > READS_SHOWN:
            yield f"{indent}  … and {len(node.reads) - READS_SHOWN} more reads"
        followers = reversed(fed.get(node.id, ()))
        work.extend((by_id[edge.to], f"→ fed [{_BASIS_WORD[edge.basis]}] ", level + 1) for edge in followers)


def _value_text(node: FedValue) -> str:
    live = "live to the end of the run" if node.next_write_idx is UNSET else f"live until commit {node.next_write_idx}"
    if node.origin == "pre-run":
        return f"'{node.key}' from BEFORE the run (initial state / input / closure) — {live}"
    who = step_name(node.stage_name or "", node.runtime_stage_id or "")
    return f"'{node.key}' {node.verb} by {who} @{node.commit_idx} — {live}"
