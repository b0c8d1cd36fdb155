"""footprintjs's nested spec as a view of the flat document, as dicts and as JSON.

Nothing here recurses: mounted charts are entered on a stack of our own, the line of a chart is a loop. Dicts may nest
as deep as the chart is long (Python bears that, as long as nobody compares or prints them); JSON text is refused beyond
`MAX_NESTED_LEVELS`, because its readers are recursive: CPython's stops near 1,000 levels, orjson's at 254.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from footpath.chart._document import (
    BRANCHING_TYPES,
    MOUNT_TYPES,
    Layout,
    SpecChart,
    SpecDocument,
    SpecNode,
    branch_ids,
    load_document,
)
from footpath.errors import NestingTooDeepError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_NESTED_LEVELS = 500
"""Levels of objects and arrays in nested JSON; half of what CPython's readers bear, as the reader's own stack counts."""

MAX_NESTED_NODES = 1_000_000
"""Nodes of a chart with all its mounts written out; mounts of mounts can double at every level."""

_SUBFLOW_KEY = b',"subflowStructure":'

_encode = msgspec.json.Encoder().encode


def own_members(node: SpecNode, *, parent_id: str | None, forked: bool, complete: bool) -> dict[str, Any]:
    """Give the members of a node's spec that are not other nodes, in footprintjs's order.

    Args:
        node: the node.
        parent_id: id of the fork that it is a parallel child of.
        forked: it has parallel children.
        complete: it is no decider or selector, or all its branches are known.
    """
    kind = node.type
    if kind in MOUNT_TYPES:
        members: dict[str, Any] = {
            "name": node.name,
            "type": "fork" if forked else "stage",
            "id": node.id,
            "isSubflowRoot": True,
            "subflowId": node.id,
            "subflowName": node.name,
        }
    else:
        shown = "fork" if forked or kind == "forEach" else kind
        if not complete and shown == kind:
            shown = "stage"
        members = {"name": node.name, "id": node.id, "type": shown}
    if parent_id is not None:
        members["isParallelChild"] = True
        members["parallelGroupId"] = parent_id
    if kind == "lazySubflow":
        members["isLazy"] = True
    elif kind == "streaming":
        members["isStreaming"] = True
        members["streamId"] = node.name if node.stream_id is UNSET else node.stream_id
    elif kind == "decider":
        members["hasDecider"] = True
    elif kind == "selector":
        members["hasSelector"] = True
    elif kind == "forEach":
        members["isDynamicParallel"] = True
    if node.is_pausable:
        members["isPausable"] = True
    if node.converge_at is not UNSET:
        members["convergeAt"] = node.converge_at
    if node.description is not UNSET:
        members["description"] = node.description
    if node.retry_attempts is not UNSET:
        members["retryAttempts"] = node.retry_attempts
    if node.tags is not UNSET:
        members["tags"] = node.tags
    return members


def loop_reference(target: str) -> dict[str, Any]:
    """Give the spec that stands in the place of `next` where a loop edge leads back."""
    return {"name": target, "id": target, "type": "loop", "isLoopReference": True}


def spec_from_document(document: SpecDocument | dict[str, Any] | bytes | msgspec.Raw) -> dict[str, Any]:
    """Give footprintjs's spec as nested dicts; a fresh copy at each call.

    Raises:
        SpecDocumentError: it is not a spec document.
        NestingTooDeepError: with all mounts written out it has more than `MAX_NESTED_NODES` nodes.
    """
    loaded = load_document(document)
    _check_count(loaded)
    root: dict[str, Any] = {}
    pending = [(len(loaded.charts) - 1, root)]
    while pending:
        number, spec = pending.pop()
        chart = loaded.charts[number]
        layout = Layout(chart)
        for position, index in enumerate(layout.line):
            node = chart.nodes[index]
            _fill(spec, node, parent_id=None, forked=index in layout.forked, pending=pending)
            children = layout.children.get(index)
            if children is not None:
                specs: list[dict[str, Any]] = []
                spec["children"] = specs
                for child in children:
                    child_node = chart.nodes[child]
                    child_spec: dict[str, Any] = {}
                    parallel = child_node.child_of is not UNSET
                    _fill(
                        child_spec, child_node, parent_id=node.id if parallel else None, forked=False, pending=pending
                    )
                    if child_node.loop_target is not UNSET:
                        child_spec["loopTarget"] = child_node.loop_target
                        child_spec["next"] = loop_reference(child_node.loop_target)
                    specs.append(child_spec)
                if node.type in BRANCHING_TYPES:
                    spec["branchIds"] = branch_ids(chart, children)
            if node.loop_target is not UNSET:
                spec["loopTarget"] = node.loop_target
            if position + 1 < len(layout.line):
                spec["next"] = spec = {}
            elif node.loop_target is not UNSET:
                spec["next"] = loop_reference(node.loop_target)
    return root


def _fill(
    spec: dict[str, Any],
    node: SpecNode,
    *,
    parent_id: str | None,
    forked: bool,
    pending: list[tuple[int, dict[str, Any]]],
) -> None:
    """Put a node's own members into its dict, and its mounted chart on the list of what is still to do."""
    spec.update(own_members(node, parent_id=parent_id, forked=forked, complete=True))
    if node.tags is not UNSET:
        spec["tags"] = list(node.tags)
    if node.chart is not UNSET:
        mounted: dict[str, Any] = {}
        spec["subflowStructure"] = mounted
        pending.append((node.chart, mounted))


def nested_json(document: SpecDocument | dict[str, Any] | bytes | msgspec.Raw, chart: int = -1) -> bytes:
    """Give footprintjs's spec as JSON text.

    Args:
        document: the spec document.
        chart: index of the chart in the document's table; the last one is the document's own.

    Raises:
        SpecDocumentError: it is not a spec document.
        NestingTooDeepError: it would nest deeper than `MAX_NESTED_LEVELS` or hold more than `MAX_NESTED_NODES` nodes.
    """
    loaded = load_document(document)
    root = range(len(loaded.charts))[chart]
    levels = _nested_levels(loaded, root)
    if levels > MAX_NESTED_LEVELS:
        name = loaded.charts[root].nodes[0].name
        msg = (
            f"the nested spec of chart '{name}' has {levels} levels of JSON, and readers of JSON give up near 1,000: "
            f"the limit is {MAX_NESTED_LEVELS}. Use its spec document, which is flat, or mount parts of it as subflows"
        )
        raise NestingTooDeepError(msg, what="levels", count=levels, limit=MAX_NESTED_LEVELS)
    _check_count(loaded, root)
    pieces: list[bytes] = []
    writers = [_write(loaded.charts[root], pieces)]
    while writers:
        mounted = next(writers[-1], None)
        if mounted is None:
            writers.pop()
        else:
            pieces.append(_SUBFLOW_KEY)
            writers.append(_write(loaded.charts[mounted], pieces))
    return b"".join(pieces)


def nested_json_or_none(document: SpecDocument | dict[str, Any] | bytes | msgspec.Raw, chart: int = -1) -> bytes | None:
    """Give `nested_json` for an event, or None where JSON's readers would not bear it: the event then lacks the spec."""
    try:
        return nested_json(document, chart)
    except NestingTooDeepError:
        return None


def _write(chart: SpecChart, pieces: list[bytes]) -> Iterator[int]:
    """Write one chart; yields the number of a mounted chart where that one is to be written."""
    layout = Layout(chart)
    for position, index in enumerate(layout.line):
        if position:
            pieces.append(b',"next":')
        yield from _write_node(chart, layout, index, pieces, complete=True)
        target = chart.nodes[index].loop_target
        if target is not UNSET:
            more = position + 1 < len(layout.line)
            pieces.append(b',"loopTarget":' + _encode(target) if more else _loop(target))
    pieces.append(b"}" * len(layout.line))


def _write_node(chart: SpecChart, layout: Layout, index: int, pieces: list[bytes], *, complete: bool) -> Iterator[int]:
    """Write a node with its children and leave its object open; yields as `_write` does."""
    node = chart.nodes[index]
    parent_id = chart.nodes[node.child_of].id if node.child_of is not UNSET else None
    forked = index in layout.forked
    pieces.append(_open(own_members(node, parent_id=parent_id, forked=forked, complete=complete)))
    if node.chart is not UNSET:
        yield node.chart
    children = layout.children.get(index)
    if children is None or not complete:
        return
    for number, child in enumerate(children):
        child_node = chart.nodes[child]
        pieces.append(b"," if number else b',"children":[')
        parent_id = node.id if child_node.child_of is not UNSET else None
        pieces.append(_open(own_members(child_node, parent_id=parent_id, forked=False, complete=True)))
        if child_node.chart is not UNSET:
            yield child_node.chart
        pieces.append(b"}" if child_node.loop_target is UNSET else _loop(child_node.loop_target) + b"}")
    pieces.append(b"]")
    if node.type in BRANCHING_TYPES:
        pieces.append(b',"branchIds":' + _encode(branch_ids(chart, children)))


def node_json(
    chart: SpecChart,
    layout: Layout,
    index: int,
    *,
    complete: bool,
    looped: bool,
    mounted_json: Callable[[int], bytes | None],
) -> bytes:
    """Encode one node as it stands while its chart is being built: with children, without the stages after it.

    Args:
        chart: the chart so far.
        layout: its layout so far.
        index: the node.
        complete: it is no decider or selector, or all its branches are known.
        looped: its loop is already declared.
        mounted_json: gives the nested JSON of a mounted chart by its number, or None where that would be too deep: the
            spec then lacks `subflowStructure`.
    """
    pieces: list[bytes] = []
    for number in _write_node(chart, layout, index, pieces, complete=complete):
        mounted = mounted_json(number)
        if mounted is not None:
            pieces.append(_SUBFLOW_KEY + mounted)
    target = chart.nodes[index].loop_target
    if looped and target is not UNSET:
        pieces.append(_loop(target))
    pieces.append(b"}")
    return b"".join(pieces)


def _open(members: dict[str, Any]) -> bytes:
    """Encode an object and leave it open for more members."""
    return _encode(members)[:-1]


def _loop(target: str) -> bytes:
    return b',"loopTarget":' + _encode(target) + b',"next":' + _encode(loop_reference(target))


def _nested_levels(document: SpecDocument, root: int) -> int:
    """Count the levels of objects and arrays in the nested spec of a chart."""
    deepest: list[int] = []
    for chart in document.charts[: root + 1]:
        most = position = 0
        for node in chart.nodes:
            if node.branch_of is UNSET and node.child_of is UNSET:
                position += 1
                level = position
            else:
                level = position + 2
            if node.chart is not UNSET:
                level += deepest[node.chart]
            elif node.tags is not UNSET or node.loop_target is not UNSET or node.type in BRANCHING_TYPES:
                level += 1
            most = max(most, level)
        deepest.append(most)
    return deepest[root]


def _check_count(document: SpecDocument, root: int = -1) -> None:
    """Refuse a chart whose mounts, written out, would fill the memory."""
    enough = MAX_NESTED_NODES + 1
    counts: list[int] = []
    for chart in document.charts:
        mounted = sum(counts[node.chart] for node in chart.nodes if node.chart is not UNSET)
        counts.append(min(len(chart.nodes) + mounted, enough))
    if counts[root] == enough:
        name = document.charts[root].nodes[0].name
        msg = (
            f"the nested spec of chart '{name}' has more than {MAX_NESTED_NODES} nodes with all its mounts written out. "
            "Use its spec document, which holds every mounted chart once"
        )
        raise NestingTooDeepError(msg, what="nodes", count=counts[root], limit=MAX_NESTED_NODES)
