"""What ids stand for in a flow whose stages return charts: whoever came first under an id keeps it."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from footpath.chart import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from footpath.chart import FlowChart
    from footpath.engine._run import Run
    from footpath.state import Region


class Known(NamedTuple):
    """A chart that an id stands for, and the prefixes that its region has: none if a stage returned it."""

    chart: FlowChart
    prefix: str = ""
    mounted: str = ""


class Registry(NamedTuple):
    """What stages of a flow, and of those around it, have returned to be run. Never changed: a flow entered meanwhile keeps its own.

    Attributes:
        charts: by id; charts that are mounted in a returned one stand under their mounts' ids.
        stages: all that have a function, by id; those of a mounted chart have its mount's id and "/" in front.
        before: what was known before.
    """

    charts: Mapping[str, Known]
    stages: Mapping[str, Node]
    before: Registry | None

    def chart(self, chart_id: str) -> Known | None:
        """The chart of an id."""
        return next((known.charts[chart_id] for known in self._newest_first() if chart_id in known.charts), None)

    def stage(self, stage_id: str) -> Node | None:
        """The stage of an id."""
        return next((known.stages[stage_id] for known in self._newest_first() if stage_id in known.stages), None)

    def _newest_first(self) -> Iterator[Registry]:
        known: Registry | None = self
        while known is not None:
            yield known
            known = known.before


def register(top: Region, region: Region, chart_id: str, chart: FlowChart) -> bool:
    """Take in a chart that a stage of the region returned; says whether its id was free."""
    is_new = find_chart(top, region, chart_id) is None
    known: Registry | None = region.registered
    charts = {chart_id: Known(chart)} if is_new else {}
    stages: dict[str, Node] = {}
    for lead, nodes in _flows(chart):
        for node in nodes.values():
            full_id = lead + node.id
            if node.mount is not None and node.mount.chart is not None:
                if full_id not in charts and (known is None or known.chart(full_id) is None):
                    charts[full_id] = Known(node.mount.chart, full_id, full_id)
            elif node.fn is not None and (known is None or known.stage(full_id) is None):
                stages[full_id] = node
    if charts or stages:
        region.registered = Registry(charts, stages, known)
    return is_new


def register_lazy(region: Region, chart_id: str, chart: FlowChart) -> bool:
    """Take in a lazy chart that was resolved; says whether it takes another's place: the last one of an id is what the id stands for."""
    known: Registry = region.registered
    before = known.chart(chart_id)
    if before is None or before.chart is not chart:
        region.registered = Registry({chart_id: Known(chart, chart_id)}, {}, known)
    return before is not None and before.chart is not chart


def find_chart(top: Region, region: Region, chart_id: str) -> Known | None:
    """What a mount of that id leads to: a chart that was mounted when the run's own was built comes before those returned since."""
    for nodes, rest in _on_the_way(top.nodes, chart_id):
        node = nodes.get(rest)
        if node is not None and node.mount is not None and node.mount.chart is not None:
            return Known(node.mount.chart, chart_id, chart_id)
    known: Registry | None = region.registered
    return None if known is None else known.chart(chart_id)


def once_more(run: Run, region: Region, stage_id: str) -> Node:
    """What follows a mount, a for-each or a selector with a loop edge.

    footprintjs does not loop there: the target's function runs once more, under a node named by its id, and the line
    ends. It looks for the function by that id, which is another's in a chart that a stage returned, if one of the run's
    own charts has it, and nobody's in a chart mounted in a lazy one or in a for-each's.
    """
    target: Node | None = region.nodes[stage_id]
    if region is not run.top and region.prefix == region.mounted:
        target = _find_stage(run.top, region, f"{region.prefix}/{stage_id}" if region.prefix else stage_id)
    if target is None:
        return Node(stage_id, stage_id)
    return Node(stage_id, stage_id, fn=target.fn, is_silent=target.is_streaming)


def _find_stage(top: Region, region: Region, stage_id: str) -> Node | None:
    """The stage that stands under a whole id, with the mounts before it; None when there is none."""
    for nodes, rest in _on_the_way(top.nodes, stage_id):
        node = nodes.get(rest)
        if node is not None and node.fn is not None:
            return node
    known: Registry | None = region.registered
    return None if known is None else known.stage(stage_id)


def _flows(chart: FlowChart) -> Iterator[tuple[str, Mapping[str, Node]]]:
    """The nodes of a chart and of all that are mounted in it, with what stands before their ids."""
    todo = [("", chart.nodes_by_id)]
    while todo:
        lead, nodes = todo.pop()
        yield lead, nodes
        todo += [
            (f"{lead}{node.id}/", node.mount.chart.nodes_by_id)
            for node in nodes.values()
            if node.mount is not None and node.mount.chart is not None
        ]


def _on_the_way(nodes: Mapping[str, Node], full_id: str) -> Iterator[tuple[Mapping[str, Node], str]]:
    """Each flow that an id may lead into through the mounts it names, with what is left of the id there."""
    todo = [(nodes, full_id)]
    while todo:
        nodes, rest = todo.pop()
        yield nodes, rest
        cut = rest.find("/")
        while cut >= 0:
            node = nodes.get(rest[:cut])
            if node is not None and node.mount is not None and node.mount.chart is not None:
                todo.append((node.mount.chart.nodes_by_id, rest[cut + 1 :]))
            cut = rest.find("/", cut + 1)
