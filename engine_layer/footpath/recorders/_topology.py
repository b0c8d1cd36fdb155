"""The part of the chart that was walked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType

if TYPE_CHECKING:
    from footpath.channels import (
        DecisionEvent,
        ForkEvent,
        LoopEvent,
        StageExecutedEvent,
        SubflowEntryEvent,
    )


class WalkedNode(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A node that was executed.

    Attributes:
        kinds: "linear", "decider", "selector", "fork", "subflow-mount": a stage with parallel children is two of them.
        executions: how often it ran, counted once per execution.
    """

    id: str
    name: str
    kinds: list[str]
    executions: int
    subflow_id: str | UnsetType = UNSET


class WalkedEdge(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A step from one node to another (ids), and how often it was taken.

    `kind` is "next", "decision-branch", "fork-branch", "subflow" (into a mounted chart) or "loop".
    """

    source: str
    target: str
    kind: str
    count: int


class TopologyRecorder:
    """Draws the nodes and edges a run really took, loops folded onto their nodes.

    An edge is drawn when the node it leads to has been executed; a stage that failed or waits is no node of it.
    """

    def __init__(self, id: str = "topology") -> None:  # the recorder contract's name
        self.id = id
        self._nodes: dict[str, WalkedNode] = {}
        self._edges: dict[tuple[str, str, str], WalkedEdge] = {}
        # Executions counted already: a fork's parent and a selector are told of twice.
        self._seen: set[str] = set()
        # By execution that branched: its chosen or parallel children's names, and what kind of edge leads to them.
        # The stage after the branches names the same parent.
        self._branches: dict[str, dict[str, str]] = {}
        # A mount is told of under its first stage's name; its own is on its entry.
        self._mounts: dict[str, str] = {}
        # Loop edges taken that have not arrived yet, by the target's name: some carry no other mark.
        self._looping: dict[str, int] = {}

    def begin_trace(self, _trace: object) -> None:
        """Begin an empty drawing."""
        self._nodes.clear()
        self._edges.clear()
        self._seen.clear()
        self._branches.clear()
        self._mounts.clear()
        self._looping.clear()

    def nodes(self) -> list[WalkedNode]:
        """The nodes, in the order of their first execution; the recorder's own, not copies."""
        return list(self._nodes.values())

    def edges(self) -> list[WalkedEdge]:
        """The edges, in the order they were first taken; the recorder's own, not copies."""
        return list(self._edges.values())

    def on_decision(self, event: DecisionEvent) -> None:
        """A decider chose."""
        if event.traversal_context is not UNSET:
            self._branches[event.traversal_context.runtime_stage_id] = {event.chosen: "decision-branch"}

    def on_fork(self, event: ForkEvent) -> None:
        """Parallel children begin; a selector's, too."""
        if event.traversal_context is not UNSET:
            branches = dict.fromkeys(event.children, "fork-branch")
            self._branches[event.traversal_context.runtime_stage_id] = branches

    def on_loop(self, event: LoopEvent) -> None:
        """A loop edge was taken."""
        self._looping[event.target] = self._looping.get(event.target, 0) + 1

    def on_subflow_entry(self, event: SubflowEntryEvent) -> None:
        """A mounted chart begins."""
        if event.traversal_context is not UNSET:
            self._mounts[event.traversal_context.runtime_stage_id] = event.name

    def on_stage_executed(self, event: StageExecutedEvent) -> None:
        """A node of any kind was executed."""
        context = event.traversal_context
        if context is UNSET:
            return
        execution = context.runtime_stage_id
        # A context's subflow is, for a mount, the one it mounts.
        mount = event.stage_type == "subflow-mount"
        name = self._mounts.get(execution, event.stage_name) if mount else event.stage_name
        node = self._nodes.get(context.stage_id)
        if node is None:
            subflow = context.stage_id.rpartition("/")[0] or UNSET if mount else context.subflow_id
            node = self._nodes[context.stage_id] = WalkedNode(
                id=context.stage_id, name=name, kinds=[], executions=0, subflow_id=subflow
            )
        if event.stage_type not in node.kinds:
            node.kinds.append(event.stage_type)
        if execution in self._seen:
            return
        self._seen.add(execution)
        node.executions += 1
        parent = context.parent_runtime_stage_id
        if parent is not UNSET:
            self._walk(parent, node, name, into_subflow=context.parent_stage_id is UNSET)

    def _walk(self, parent: str, node: WalkedNode, name: str, *, into_subflow: bool) -> None:
        looping = self._looping.get(name, 0)
        if looping:
            self._looping[name] = looping - 1
            kind = "loop"
        elif into_subflow:
            kind = "subflow"
        else:
            kind = self._branches.get(parent, {}).get(name, "next")
        source = parent.rpartition("#")[0]
        edge = self._edges.get((source, node.id, kind))
        if edge is None:
            edge = self._edges[source, node.id, kind] = WalkedEdge(source=source, target=node.id, kind=kind, count=0)
        edge.count += 1
