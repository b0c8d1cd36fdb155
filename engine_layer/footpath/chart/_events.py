"""Structure events: fired while a chart is built, and told again from its spec document.

Both go through `StructureLog`: the builder feeds it call by call, `structure_events` in `_retold` feeds it what the
document holds. So a recorder cannot tell a chart being built from one read back. Event types, and what writes nested
specs into them, are loaded when somebody listens: a chart is built at every cold start, and seldom heard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw

from footpath.chart._document import BRANCHING_TYPES, MOUNT_TYPES, Layout, SpecChart, branch_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.chart._document import SpecNode, StepKind

    Emit = Callable[[str, Any], None]


class StructureLog:
    """The structure of one chart, growing; tells each step to `emit`, unless that is None.

    `mounted_json` gives the nested JSON of a mounted chart by its number in the nodes, None where it is too deep to be
    written: events then lack it.
    """

    __slots__ = ("_looped", "chart", "cursor", "emit", "layout", "mounted_json", "open_branches")

    def __init__(self, emit: Emit | None, mounted_json: Callable[[int], bytes | None]) -> None:
        """Begin an empty chart."""
        self.chart = SpecChart([])
        self.layout = Layout()
        self.emit = emit
        self.mounted_json = mounted_json
        self.cursor = -1
        """Index of the last line node."""
        self.open_branches = False
        """The line's last node is a decider or selector whose branches are still being declared."""
        self._looped = False

    def add(self, node: SpecNode) -> int:
        """Add a node; give its index."""
        nodes = self.chart.nodes
        index = len(nodes)
        previous = self.cursor
        nodes.append(node)
        self.layout.add(index, node)
        on_line = node.branch_of is UNSET and node.child_of is UNSET
        if on_line:
            self.cursor = index
            self._looped = False
            self.open_branches = node.type in BRANCHING_TYPES
        if self.emit is not None:
            self._tell_added(self.emit, node, index, previous if on_line else None)
        if node.loop_target is not UNSET and not on_line:
            self.branch_loop(index)
        return index

    def _tell_added(self, emit: Emit, node: SpecNode, index: int, previous: int | None) -> None:
        from footpath.channels import EdgeAddedEvent, StageAddedEvent, SubflowMountedEvent

        emit(
            "on_stage_added",
            StageAddedEvent(
                node.id,
                node.name,
                "fork" if node.type == "forEach" else "streaming" if node.type == "streaming" else "stage",
                is_pausable=node.is_pausable or UNSET,
                tags=UNSET if node.tags is UNSET else tuple(node.tags),
                raw_spec=Raw(self._spec(index)),
            ),
        )
        if node.branch_of is not UNSET:
            parent = self.chart.nodes[node.branch_of]
            emit("on_edge_added", EdgeAddedEvent(parent.id, node.id, "decision-branch", node.id))
        elif node.child_of is not UNSET:
            parent = self.chart.nodes[node.child_of]
            emit("on_edge_added", EdgeAddedEvent(parent.id, node.id, "fork-branch"))
        elif previous is not None and previous >= 0:
            self._tell_next(emit, previous, node.id)
        if node.type in MOUNT_TYPES:
            mounted = None if node.chart is UNSET else self.mounted_json(node.chart)
            event = SubflowMountedEvent(
                node.id,
                node.name,
                node.id,
                raw_subflow_spec=UNSET if mounted is None else Raw(mounted),
                is_lazy=True if node.type == "lazySubflow" else UNSET,
                subflow_path=node.id,
            )
            emit("on_subflow_mounted", event)

    def _tell_next(self, emit: Emit, previous: int, to: str) -> None:
        """A branching node is left by each of its children that does not loop back."""
        from footpath.channels import EdgeAddedEvent

        nodes = self.chart.nodes
        children = self.layout.children.get(previous)
        if children is None:
            emit("on_edge_added", EdgeAddedEvent(nodes[previous].id, to, "next"))
            return
        for child in children:
            leaf = nodes[child]
            if leaf.loop_target is UNSET:
                target = to if leaf.converge_at is UNSET else leaf.converge_at
                emit("on_edge_added", EdgeAddedEvent(leaf.id, target, "next"))

    def branch_loop(self, index: int) -> None:
        """Tell the loop of a branch; its node holds the target."""
        node = self.chart.nodes[index]
        if self.emit is not None and node.loop_target is not UNSET:
            from footpath.channels import LoopEdgeAddedEvent

            self.emit("on_loop_edge_added", LoopEdgeAddedEvent(node.id, node.loop_target))

    def complete(self) -> None:
        """All branches of the line's last node are known."""
        self.open_branches = False
        if self.emit is not None:
            from footpath.channels import DeciderCompleteEvent

            node = self.chart.nodes[self.cursor]
            ids = tuple(branch_ids(self.chart, self.layout.children.get(self.cursor, [])))
            self.emit("on_decider_complete", DeciderCompleteEvent(node.id, node.type, ids, node.default))

    def step(self, kind: StepKind) -> None:
        """Something was declared on the line's last node, which holds it already."""
        self.chart.steps.append((len(self.chart.nodes), kind))
        node = self.chart.nodes[self.cursor]
        if kind == "loop":
            self._looped = True
        if self.emit is None:
            return
        from footpath.channels import LoopEdgeAddedEvent, StageTaggedEvent

        if kind == "tag":
            tags = () if node.tags is UNSET else tuple(node.tags)
            self.emit("on_stage_tagged", StageTaggedEvent(node.id, node.name, tags, Raw(self._spec(self.cursor))))
        elif kind == "loop" and node.loop_target is not UNSET:
            self.emit("on_loop_edge_added", LoopEdgeAddedEvent(node.id, node.loop_target))

    def _spec(self, index: int) -> bytes:
        from footpath.chart._nested import node_json

        return node_json(
            self.chart,
            self.layout,
            index,
            complete=not (self.open_branches and index == self.cursor),
            looped=self._looped and index == self.cursor,
            mounted_json=self.mounted_json,
        )
