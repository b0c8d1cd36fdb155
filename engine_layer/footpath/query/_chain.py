"""The causal chain: from one stage execution back to all that fed it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from footpath.query._ids import step_name
from footpath.query._log import Bundle, CommitIndex, index_of, rows_of
from footpath.query._reads import KeysRead, ReadsLookup, reads_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from footpath.query._control import ControlLookup

DEFAULT_MAX_DEPTH = 20
DEFAULT_MAX_NODES = 100


class CausalEdge(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Why a node depends on another: by reading `key` ("data"), or by a decision, `key` being its label ("control")."""

    parent_id: str
    kind: Literal["data", "control"]
    key: str | UnsetType = UNSET
    weight: float = 1


class Truncation(Struct, frozen=True, rename="camel"):
    """Which limit cut a walk short."""

    by_depth: bool
    by_nodes: bool


class CausalNode(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One stage execution of a chain; `linked_by` is the key (or label) of the edge that found it first.

    `keys_written` repeats a key written by several operations; `incomplete_sources` are inputs that no read records
    ("args", "env").
    """

    runtime_stage_id: str
    stage_id: str
    stage_name: str
    keys_written: tuple[str, ...]
    linked_by: str
    depth: int
    incomplete_sources: tuple[str, ...] | UnsetType = UNSET
    parents: tuple[CausalEdge, ...] = ()


class CausalChain(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A chain, stored flat: `nodes` in breadth-first order, the first being the start; edges name nodes by id."""

    nodes: tuple[CausalNode, ...]
    truncated: Truncation | UnsetType = UNSET


def causal_chain(
    commit_log: Sequence[Bundle] | CommitIndex,
    start: str | None,
    reads: KeysRead | ReadsLookup,
    *,
    max_depth: int = DEFAULT_MAX_DEPTH,
    max_nodes: int = DEFAULT_MAX_NODES,
    control: ControlLookup | None = None,
) -> CausalChain | None:
    """What fed a stage execution, breadth first: for each key it read, the last writer before it, and so on.

    Args:
        commit_log: the log, or its index.
        start: runtime stage id; None, or one that never committed, gives None.
        reads: which keys each execution read.
        max_depth: how many links away from the start to go.
        max_nodes: how many executions to name, the start included.
        control: also link each node to the decision it hangs on.

    A key is matched by its exact path: a fork child's `runs␟child␟key` is no writer of `runs`, so chains end there, as
    they end at a mount (`explain` sees through both).

    Example:
        >>> reads = keys_read_from_execution_tree(snapshot["executionTree"])
        >>> print(format_causal_chain(causal_chain(snapshot["commitLog"], "route#1", reads)))
        Route (route#1)
          Assess (assess#0) ← via risk [wrote: risk]
            ⚠ also consumed args — slice may be incomplete here
    """
    index = index_of(commit_log)
    if start is None or not index.steps(start):
        return None
    return _Walk(index, reads_source(reads).lookup, max_depth, max_nodes, control).from_step(start)


def slice_chain(
    index: CommitIndex,
    key: str,
    start: str,
    reads: ReadsLookup,
    max_depth: int,
    max_nodes: int,
    control: ControlLookup | None,
) -> CausalChain:
    """The chain behind one written key: where rows know what was read before each write, only that counts."""
    return _Walk(index, reads, max_depth, max_nodes, control, per_write=True).from_step(start, key)


_Demand = tuple[int, str]
"""A write to account for: position of the commit, and the key."""


class _Walk:
    """One breadth-first walk. A node found again through another key is expanded for that key as well."""

    def __init__(
        self,
        index: CommitIndex,
        reads: ReadsLookup,
        max_depth: int,
        max_nodes: int,
        control: ControlLookup | None,
        *,
        per_write: bool = False,
    ) -> None:
        self.index = index
        self.reads = reads
        self.max_depth = max_depth
        self.max_nodes = max_nodes
        self.control = control
        self.per_write = per_write
        self.nodes: dict[str, CausalNode] = {}
        self.edges: dict[str, list[CausalEdge]] = {}
        self.queue: deque[tuple[CausalNode, _Demand | None]] = deque()
        self.wanted: dict[str, set[_Demand | None]] = {}
        self.by_depth = self.by_nodes = False

    def from_step(self, start: str, key: str | None = None) -> CausalChain:
        position = self.index.steps(start)[-1]
        self._node(start, self.index.log[position], "", 0)
        self._want(start, None if key is None else (position, key))
        while self.queue:
            self._expand(*self.queue.popleft())
        cut = Truncation(self.by_depth, self.by_nodes) if self.by_depth or self.by_nodes else UNSET
        # Expanding a node again may have linked it to one found deeper: order by the finished graph, not by discovery.
        order = dict.fromkeys([start])
        waiting = deque(order)
        while waiting:
            for edge in self.edges[waiting.popleft()]:
                if edge.parent_id not in order:
                    order[edge.parent_id] = None
                    waiting.append(edge.parent_id)
        return CausalChain(tuple(replace(self.nodes[step], parents=tuple(self.edges[step])) for step in order), cut)

    def _node(self, step: str, bundle: Bundle, linked_by: str, depth: int) -> None:
        sources = bundle.get("untrackedSources")
        self.edges[step] = []
        self.nodes[step] = CausalNode(
            runtime_stage_id=step,
            stage_id=bundle.get("stageId", ""),
            stage_name=bundle.get("stage", ""),
            keys_written=tuple(row["path"] for row in rows_of(bundle)),
            linked_by=linked_by,
            depth=depth,
            incomplete_sources=tuple(sources) if sources else UNSET,
        )

    def _want(self, step: str, demand: _Demand | None) -> None:
        """Have a node expanded: for what one of its writes rests on, or (None) for all that it read."""
        known = self.wanted.setdefault(step, set())
        if not self.per_write or demand is None or self._keys_before(demand) is None:
            demand = None
        if demand not in known and None not in known:
            known.add(demand)
            self.queue.append((self.nodes[step], demand))

    def _keys_before(self, demand: _Demand) -> Sequence[str] | None:
        """The keys read before the first write of a key in a commit; None where the row does not know."""
        position, key = demand
        for row in rows_of(self.index.log[position]):
            if row["path"] == key:
                return row.get("readKeys")
        return None

    def _expand(self, node: CausalNode, demand: _Demand | None) -> None:
        step = node.runtime_stage_id
        keys = (self.reads(step) if demand is None else self._keys_before(demand)) or ()
        decision = self.control(step) if self.control else None
        if node.depth >= self.max_depth:
            self.by_depth = self.by_depth or bool(keys) or decision is not None
            return
        edges = self.edges[step]
        linked = {edge.key for edge in edges if edge.kind == "data"}
        position = self.index.steps(step)[-1]
        for read in keys:
            writer = None if read in linked else self.index.last_writer(read, position)
            if writer is not None:
                linked.add(read)
                self._link(node, writer, CausalEdge("", "data", read), read)
        if decision is not None and not any(edge.kind == "control" for edge in edges):
            commits = self.index.steps(decision.decider_id)
            if commits:
                self._link(node, commits[-1], CausalEdge("", "control", decision.label), None)

    def _link(self, node: CausalNode, position: int, edge: CausalEdge, key: str | None) -> None:
        bundle = self.index.log[position]
        step = bundle.get("runtimeStageId", "")
        if step not in self.nodes:
            if len(self.nodes) >= self.max_nodes:
                self.by_nodes = True
                return
            self._node(step, bundle, key or "", node.depth + 1)
        self.edges[node.runtime_stage_id].append(replace(edge, parent_id=step))
        self._want(step, None if key is None else (position, key))


def format_causal_chain(chain: CausalChain | None) -> str:
    """The chain as indented text, depth first; a node met again is only pointed to."""
    if chain is None or not chain.nodes:
        return ""
    nodes = {node.runtime_stage_id: node for node in chain.nodes}
    lines: list[str] = []
    seen: set[str] = set()
    work: list[tuple[CausalNode, CausalNode | None, int]] = [(chain.nodes[0], None, 0)]
    while work:
        node, child, level = work.pop()
        indent = "  " * level
        if node.runtime_stage_id in seen:
            lines.append(f"{indent}↳ {node.runtime_stage_id} (see above)")
            continue
        seen.add(node.runtime_stage_id)
        lines.append(indent + step_name(node.stage_name, node.runtime_stage_id) + _link_text(node, child))
        if node.incomplete_sources:
            sources = "/".join(node.incomplete_sources)
            lines.append(f"{indent}  ⚠ also consumed {sources} — slice may be incomplete here")
        parents = dict.fromkeys(edge.parent_id for edge in node.parents)
        work.extend((nodes[parent], node, level + 1) for parent in reversed(parents))
    if chain.truncated:
        limits = [("maxDepth", chain.truncated.by_depth), ("maxNodes", chain.truncated.by_nodes)]
        reached = ", ".join(f"{name} reached" for name, hit in limits if hit)
        lines.append(f"⚠ slice truncated ({reached}) — older causes exist beyond this horizon")
    return "\n".join(lines)


def _link_text(node: CausalNode, child: CausalNode | None) -> str:
    text = f" ← via {node.linked_by}" if node.linked_by else ""
    for edge in child.parents if child else ():
        if edge.kind == "control" and edge.parent_id == node.runtime_stage_id:
            text += f" ← [control: {edge.key}]" if edge.key else " ← [control]"
    return text + (f" [wrote: {', '.join(node.keys_written)}]" if node.keys_written else "")
