"""The nested spec of a footprintjs trace as a flat spec document, from which structure events can be had.

What a nested spec does not say stays unsaid: a decider's default branch, a for-each's limits, and what of a node was
declared after it was added (its tags count as there from the beginning).
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any

import msgspec

from footpath.chart import SpecDocument, load_document
from footpath.errors import SpecDocumentError

_COPIED = {
    "description": "description",
    "isPausable": "isPausable",
    "retryAttempts": "retryAttempts",
    "tags": "tags",
    "convergeAt": "convergeAt",
    "loopTarget": "loopTarget",
}
BRANCHING = ("decider", "selector")
_MAX_NODES = 1_000_000


def document_from_nested(spec: dict[str, Any]) -> SpecDocument:
    """Lay a nested spec out flat.

    Raises:
        SpecDocumentError: it has a shape that no builder of ours or of footprintjs makes.
    """
    charts: list[dict[str, Any]] = []
    numbers: dict[int, int] = {}
    pending: list[tuple[dict[str, Any], bool]] = [(spec, False)]
    while pending:
        chart, mounted_ones_done = pending.pop()
        mounts = [node["subflowStructure"] for node in _nodes(chart) if isinstance(node.get("subflowStructure"), dict)]
        if mounts and not mounted_ones_done:
            pending.append((chart, True))
            pending += [(mounted, False) for mounted in reversed(mounts)]
            continue
        charts.append(_flat(chart, numbers))
        numbers[id(chart)] = len(charts) - 1
    try:
        return load_document(msgspec.json.encode({"charts": charts}))
    except (TypeError, ValueError, RecursionError) as error:
        raise SpecDocumentError(f"the spec of the trace is malformed: {error!s:.200}") from error


def _kind(node: dict[str, Any]) -> Any:
    """A node's type; one that chooses and has parallel children, too, is called a fork, and says so beside it."""
    return "decider" if node.get("hasDecider") else "selector" if node.get("hasSelector") else node.get("type")


def kinds_of(spec: dict[str, Any]) -> dict[str, str]:
    """The type of each node by its id as it runs, with the mounts around it; of lazy mounts nothing is known."""
    kinds: dict[str, str] = {}
    pending: list[tuple[dict[str, Any], str]] = [(spec, "")]
    while pending and len(kinds) <= _MAX_NODES:
        chart, prefix = pending.pop()
        for node in _nodes(chart):
            node_id, kind, mounted = node.get("id"), _kind(node), node.get("subflowStructure")
            if isinstance(node_id, str) and isinstance(kind, str):
                kinds[prefix + node_id] = kind
                if isinstance(mounted, dict):
                    pending.append((mounted, f"{prefix}{node_id}/"))
    return kinds


def _line(chart: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes that follow each other."""
    line: list[dict[str, Any]] = []
    node: Any = chart
    while isinstance(node, dict) and not node.get("isLoopReference"):
        line.append(node)
        node = node.get("next")
    return line


def _children(node: dict[str, Any]) -> list[dict[str, Any]]:
    children = node.get("children")
    return [child for child in children if isinstance(child, dict)] if isinstance(children, list) else []


def _nodes(chart: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for node in _line(chart) for each in (node, *_children(node))]


def _flat(chart: dict[str, Any], numbers: dict[int, int]) -> dict[str, Any]:
    nodes: list[dict[str, Any]] = []
    steps: list[list[Any]] = []
    for node in _line(chart):
        index = len(nodes)
        nodes.append(_own(node, numbers))
        for child in _children(node):
            after = child.get("next")
            if isinstance(after, dict) and not after.get("isLoopReference"):
                raise SpecDocumentError(f"branch {child.get('id')!r:.60} of the spec has a line of its own")
            flat = _own(child, numbers)
            flat["childOf" if child.get("isParallelChild") else "branchOf"] = index
            nodes.append(flat)
        if node.get("loopTarget") is not None:
            steps.append([len(nodes), "loop"])
    return {"nodes": nodes, "steps": steps}


def _own(node: dict[str, Any], numbers: dict[int, int]) -> dict[str, Any]:
    kind = node.get("type")
    flat: dict[str, Any] = {"id": node.get("id"), "name": node.get("name")}
    mounted = node.get("subflowStructure")
    if node.get("isSubflowRoot"):
        lazy = node.get("isLazy") or not isinstance(mounted, dict)
        flat["type"] = "lazySubflow" if lazy else "subflow"
        if not lazy:
            flat["chart"] = numbers[id(mounted)]
    elif node.get("isStreaming"):
        flat["type"] = "streaming"
        if node.get("streamId") != node.get("name"):
            flat["streamId"] = node.get("streamId")
    elif node.get("isDynamicParallel"):
        flat["type"] = "forEach"
    elif _kind(node) in BRANCHING:
        flat["type"] = _kind(node)
    if kind == "fork" and not _children(node) and flat.get("type") != "forEach":
        flat["fork"] = True
    for name, flat_name in _COPIED.items():
        if node.get(name) is not None:
            flat[flat_name] = node[name]
    return flat
