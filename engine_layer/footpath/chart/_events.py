"""Structure events: fired while a chart is built, and told again from its spec document.

Both go through `StructureLog`: the builder feeds it call by call, `structure_events` feeds it what the document holds. So
a recorder cannot tell a chart being built from one read back. Event types are loaded when somebody listens: a chart is built at
every cold start, and seldom heard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw

from footpath.chart._document import (
    BRANCHING_TYPES,
    MOUNT_TYPES,
    SpecChart,
    SpecDocument,
    SpecNode,
    StepKind,
    load_document,
)
from footpath.chart._nested import Layout, branch_ids, nested_json_or_none, node_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
        return node_json(
            self.chart,
            self.layout,
            index,
            complete=not (self.open_branches and index == self.cursor),
            looped=self._looped and index == self.cursor,
            mounted_json=self.mounted_json,
        )


def structure_events(document: SpecDocument | dict[str, Any] | bytes | Raw) -> Iterator[tuple[str, Any]]:
    """Tell the building of a chart again: every event that was fired then, in the same order, with the same payload.

    Args:
        document: the spec document of the chart, in any form.

    Yields:
        The name of a hook and the event for it.

    Raises:
        SpecDocumentError: it is not a spec document.
    """
    loaded = load_document(document)
    told: list[tuple[str, Any]] = []
    known: dict[int, bytes | None] = {}

    def mounted_json(number: int) -> bytes | None:
        if number not in known:
            known[number] = nested_json_or_none(loaded, number)
        return known[number]

    log = StructureLog(lambda hook, event: told.append((hook, event)), mounted_json)
    yield from _retell(loaded.charts[-1], log, told)


def _retell(chart: SpecChart, log: StructureLog, told: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Take every node back to what it was when it was added, and declare the rest of it in its turn.

    Tags and attempts are declared once a node: where a step declares them, the node came without.
    """
    later = _declared_later(chart)
    steps = iter(chart.steps)
    position, kind = next(steps, (0, None))
    for index, node in enumerate(chart.nodes):
        if log.open_branches and node.branch_of is UNSET:
            log.complete()
        kinds = later.get(index, ())
        added = msgspec.structs.replace(
            node,
            fork=False,
            tags=UNSET if "tag" in kinds else node.tags,
            retry_attempts=UNSET if "retry" in kinds else node.retry_attempts,
        )
        log.add(added)
        while kind is not None and position == index + 1:
            if log.open_branches:
                log.complete()
            current, declared = log.chart.nodes[log.cursor], chart.nodes[log.cursor]
            if kind == "tag":
                current.tags = declared.tags
            elif kind == "retry":
                current.retry_attempts = declared.retry_attempts
            log.step(kind)
            position, kind = next(steps, (0, None))
        yield from told
        told.clear()
    if log.open_branches:
        log.complete()
    yield from told


def _declared_later(chart: SpecChart) -> dict[int, set[StepKind]]:
    """Give, by line node, what steps declare on it."""
    later: dict[int, set[StepKind]] = {}
    steps = iter(chart.steps)
    position, kind = next(steps, (0, None))
    line = -1
    for index, node in enumerate(chart.nodes):
        if node.branch_of is UNSET and node.child_of is UNSET:
            line = index
        while kind is not None and position == index + 1:
            later.setdefault(line, set()).add(kind)
            position, kind = next(steps, (0, None))
    return later
