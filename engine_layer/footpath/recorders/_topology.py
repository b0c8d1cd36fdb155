"""How a run was composed: its subflows, parallel branches and decisions, and what led to what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET, Struct, UnsetType

from footpath.recorders._bundle import RecorderBundle, as_json, numbered
from footpath.values import js_reason

if TYPE_CHECKING:
    from footpath.channels import (
        DecisionEvent,
        FlowEvent,
        ForkEvent,
        LoopEvent,
        SubflowEntryEvent,
        SubflowExitEvent,
    )

TopologyNodeKind = Literal["subflow", "fork-branch", "decision-branch"]
_next_id = numbered("topology")


class TopologyNode(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A subflow that was entered, a parallel branch that began, or a branch that was chosen.

    Attributes:
        id: a subflow's path of mount ids, with `#1`, `#2`, ... when it is entered again; for branches
            `fork-{runtime stage id}-{index}-{name}` and `decision-{runtime stage id}-{name}`.
        parent_id: the subflow it happened in, or the branch that a subflow is; absent at the top.
        depth: how many parents it has.
        incoming_kind: "root" for a subflow at the top, "next" for one inside another node, else the node's kind.
        entered_at: runtime stage id of the event that made the node.
        exited_at: where a subflow ended; absent while it goes on, and for branches.
        metadata: `description` of a subflow, `forkParent` of a parallel branch, `decider`, `rationale` and
            `description` of a chosen one.
    """

    id: str
    kind: TopologyNodeKind
    name: str
    parent_id: str | UnsetType = UNSET
    depth: int
    incoming_kind: Literal["root", "next", "fork-branch", "decision-branch"]
    entered_at: str
    exited_at: str | UnsetType = UNSET
    metadata: dict[str, str] | UnsetType = UNSET


class TopologyEdge(Struct, frozen=True, rename={"source": "from", "target": "to"}, kw_only=True):
    """A step from one node to another; `at` is the runtime stage id of the event that took it."""

    source: str
    target: str
    kind: Literal["next", "fork-branch", "decision-branch", "loop-iteration"]
    at: str


class Topology(Struct, rename="camel", kw_only=True):
    """The graph so far; `active_node_id` is the innermost subflow that goes on, `root_id` the first node there was."""

    nodes: list[TopologyNode]
    edges: list[TopologyEdge]
    active_node_id: str | None
    root_id: str | None


class TopologyRecorder:
    """Draws how a run was composed while it goes on; a flow recorder.

    Nodes are subflows, parallel branches and chosen branches: plain stages are none, the execution tree has those. A
    branch that is a subflow is two nodes, one inside the other. Subflows that follow each other in one place are joined
    by a "next" edge, a loop is a "loop-iteration" edge of the subflow it happens in. `clear` begins anew; an executor
    calls it before each run, and not before a resume.

    Args:
        id: `topology-1`, `topology-2`, ... unless given.

    Example:
        >>> topology = TopologyRecorder()
        >>> executor.attach_combined_recorder(topology)
        >>> _ = executor.run(input={"amount": 100})
        >>> [(node.kind, node.name) for node in topology.get_topology().nodes]
        [('decision-branch', 'Approve')]
    """

    def __init__(self, id: str | None = None) -> None:  # the recorder contract's name
        self.id = id or _next_id()
        self._nodes: dict[str, TopologyNode] = {}
        self._edges: list[TopologyEdge] = []
        # Subflows that go on, innermost last, each with its path.
        self._open: list[tuple[str, TopologyNode]] = []
        # Branches that may turn out to be subflows: parallel ones by name, the chosen one until the next subflow.
        self._forked: dict[str, TopologyNode] = {}
        self._chosen: TopologyNode | None = None
        self._last_in: dict[str, str] = {}
        self._entries: dict[str, int] = {}

    # ── the events ───────────────────────────────────────────────────────────────────────────────────────────────────
    def on_subflow_entry(self, event: SubflowEntryEvent) -> None:
        """A mounted chart begins."""
        path = event.subflow_id
        at = _place(event)
        chosen, self._chosen = self._chosen, None
        branch = self._forked.pop(event.name, None)
        if branch is None and chosen is not None and chosen.name == event.name:
            branch = chosen
        parent = branch or self._inside(path)
        again = self._entries.get(path, 0)
        self._entries[path] = again + 1
        node = self._add(
            TopologyNode(
                id=f"{path}#{again}" if again else path,
                kind="subflow",
                name=event.name,
                depth=0,
                incoming_kind="root" if parent is None else "next",
                entered_at=at,
                metadata={"description": event.description} if event.description else UNSET,
            ),
            parent,
        )
        before = self._last_in.get(_scope(node))
        if before is not None and branch is None:
            self._edges.append(TopologyEdge(source=before, target=node.id, kind="next", at=at))
        self._open.append((path, node))

    def on_subflow_exit(self, event: SubflowExitEvent) -> None:
        """A mounted chart ended: the innermost of its path."""
        for index in range(len(self._open) - 1, -1, -1):
            path, node = self._open[index]
            if path == event.subflow_id:
                del self._open[index]
                node.exited_at = _place(event)
                self._last_in[_scope(node)] = node.id
                return

    def on_fork(self, event: ForkEvent) -> None:
        """Parallel children begin; a selector's, too."""
        at = _place(event)
        parent = self._inside(_path(event))
        for index, name in enumerate(event.children):
            node = TopologyNode(
                id=f"fork-{at or event.parent}-{index}-{name}",
                kind="fork-branch",
                name=name,
                depth=0,
                incoming_kind="fork-branch",
                entered_at=at,
                metadata={"forkParent": event.parent},
            )
            self._forked[name] = self._add(node, parent)

    def on_decision(self, event: DecisionEvent) -> None:
        """A decider chose."""
        at = _place(event)
        facts = {"decider": event.decider}
        if event.rationale is not UNSET and js_reason(event.rationale) is not None:
            facts["rationale"] = event.rationale
        if event.description:
            facts["description"] = event.description
        node = TopologyNode(
            id=f"decision-{at or event.decider}-{event.chosen}",
            kind="decision-branch",
            name=event.chosen,
            depth=0,
            incoming_kind="decision-branch",
            entered_at=at,
            metadata=facts,
        )
        self._chosen = self._add(node, self._inside(_path(event)))

    def on_loop(self, event: LoopEvent) -> None:
        """A loop edge was taken."""
        here = self._inside(_path(event))
        if here is not None:
            self._edges.append(TopologyEdge(source=here.id, target=here.id, kind="loop-iteration", at=_place(event)))

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def get_topology(self) -> Topology:
        """The graph so far, nodes and edges in the order they came; the nodes are the recorder's own."""
        return Topology(
            nodes=list(self._nodes.values()),
            edges=list(self._edges),
            active_node_id=self._open[-1][1].id if self._open else None,
            root_id=next(iter(self._nodes), None),
        )

    def get_children(self, node_id: str) -> list[TopologyNode]:
        """The nodes whose parent a node is, in order."""
        return [node for node in self._nodes.values() if node.parent_id == node_id]

    def get_by_kind(self, kind: TopologyNodeKind) -> list[TopologyNode]:
        """The nodes of one kind, in order."""
        return [node for node in self._nodes.values() if node.kind == kind]

    def get_subflow_nodes(self) -> list[TopologyNode]:
        """The subflows, in the order they were entered."""
        return self.get_by_kind("subflow")

    def get_parallel_siblings(self, node_id: str) -> list[TopologyNode]:
        """A parallel branch and those beside it, in order; empty for any other node and for branches at the top."""
        node = self._nodes.get(node_id)
        if node is None or node.kind != "fork-branch" or node.parent_id is UNSET:
            return []
        return [
            other for other in self._nodes.values() if other.kind == "fork-branch" and other.parent_id == node.parent_id
        ]

    def to_snapshot(self) -> RecorderBundle:
        """The graph as `get_snapshot()["recorders"]` shows it."""
        return {
            "name": "Topology",
            "description": "Composition graph: subflow boundaries, fork branches, decision branches",
            "preferredOperation": "translate",
            "data": as_json(self.get_topology()),
        }

    def clear(self) -> None:
        """Begin an empty drawing."""
        self._nodes.clear()
        self._edges.clear()
        self._open.clear()
        self._forked.clear()
        self._chosen = None
        self._last_in.clear()
        self._entries.clear()

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _add(self, node: TopologyNode, parent: TopologyNode | None) -> TopologyNode:
        if parent is not None:
            node.parent_id = parent.id
            node.depth = parent.depth + 1
            kind: Any = node.incoming_kind
            self._edges.append(TopologyEdge(source=parent.id, target=node.id, kind=kind, at=node.entered_at))
        self._nodes[node.id] = node
        return node

    def _inside(self, path: str) -> TopologyNode | None:
        """The innermost open subflow that holds a path: with parallel ones open, not simply the last."""
        for open_path, node in reversed(self._open):
            if path == open_path or path.startswith(open_path + "/"):
                return node
        # A chart mounted while the run goes on may be named without what it lies in.
        return self._open[-1][1] if "/" in path and self._open else None


def _scope(node: TopologyNode) -> str:
    return "" if node.parent_id is UNSET else node.parent_id


def _place(event: FlowEvent) -> str:
    context = event.traversal_context
    return "" if context is UNSET else context.runtime_stage_id


def _path(event: FlowEvent) -> str:
    context = event.traversal_context
    return "" if context is UNSET else context.stage_id
