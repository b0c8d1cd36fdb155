"""A chart in words and pictures: description, Mermaid diagram, OpenAPI document, MCP tool."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from footpath.chart._document import Layout
from footpath.errors import NestingTooDeepError
from footpath.values import JS_WHITESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from footpath.chart._chart import FlowChart
    from footpath.chart._contract import Contract
    from footpath.chart._document import SpecChart


MAX_DESCRIPTION_CHARACTERS = 100_000_000
"""Of a description with all mounts written out; mounts of mounts can double at every level, and indent."""


def describe(chart: FlowChart) -> str:
    """Write a chart's description, with those of its mounts indented under their headings.

    Raises:
        NestingTooDeepError: with all mounts written out it would have more than `MAX_DESCRIPTION_CHARACTERS`.
    """
    texts: list[str] = [f"FlowChart: {chart.name}", "Steps:"]
    characters = 0
    stack: list[tuple[Iterator[str | tuple[str, FlowChart]], str]] = [(iter(chart.outline.lines), "")]
    while stack:
        lines, indent = stack[-1]
        line = next(lines, None)
        if line is None:
            stack.pop()
            continue
        if isinstance(line, str):
            texts.append(_indented(line, indent))
        else:
            heading, mounted = line
            title, rest = _split_title(mounted.name)
            inner = indent + "   "
            texts.append(_indented(f"{heading} — {title}", indent))
            texts.extend(_indented(text, inner) for text in rest)
            stack.append((iter(mounted.outline.lines), inner))
        characters += len(texts[-1]) + 1
        if characters > MAX_DESCRIPTION_CHARACTERS:
            msg = (
                f"the description of chart '{chart.name}' has more than {MAX_DESCRIPTION_CHARACTERS} characters with all "
                "its mounts written out"
            )
            raise NestingTooDeepError(msg, what="characters", count=characters, limit=MAX_DESCRIPTION_CHARACTERS)
    return "\n".join(texts)


def _indented(text: str, indent: str) -> str:
    """A text at its place; of a mounted chart, without lines that show nothing."""
    return "\n".join(indent + line for line in text.split("\n") if line.strip(JS_WHITESPACE)) if indent else text


def _split_title(name: str) -> tuple[str, list[str]]:
    """Split the head of a description at its first line "Steps:"; a name of several lines may hold one itself."""
    lines = [*f"FlowChart: {name}".split("\n"), "Steps:"]
    cut = next(index for index, line in enumerate(lines) if line.startswith("Steps:"))
    return " ".join(lines[:cut]).strip(JS_WHITESPACE), lines[cut + 1 :]


# ── Mermaid ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _mermaid_id(stage_id: str) -> str:
    """Keep what Mermaid reads; a character outside the basic plane is two in JavaScript."""
    return re.sub(r"[^A-Za-z0-9_]", lambda found: "__" if found[0] > "\uffff" else "_", stage_id) or "_"


def mermaid(chart: SpecChart) -> str:
    """Draw a chart as Mermaid text, mounts as single boxes.

    As in footprintjs, a node whose id reads like one already drawn ends its line there.
    """
    nodes = chart.nodes
    layout = Layout(chart)
    texts = ["flowchart TD"]
    drawn: set[str] = set()

    def draw(mermaid_id: str, name: str) -> bool:
        if mermaid_id in drawn:
            return False
        drawn.add(mermaid_id)
        texts.append(f'{mermaid_id}["{name}"]')
        return True

    def draw_leaf(parent: str, leaf_id: str, name: str, loop_target: object) -> None:
        texts.append(f"{parent} --> {leaf_id}")
        if draw(leaf_id, name) and isinstance(loop_target, str):
            texts.append(f"{leaf_id} --> {_mermaid_id(loop_target)}")

    previous: str | None = None
    for position, index in enumerate(layout.line):
        node = nodes[index]
        node_id = _mermaid_id(node.id)
        if previous is not None:
            texts.append(f"{previous} --> {node_id}")
        if not draw(node_id, node.name):
            break
        children = [nodes[child] for child in layout.children.get(index, ())]
        branches = [child for child in children if child.branch_of is not UNSET]
        chosen = [child for child in branches if child.id == node.default]
        for child in branches:
            draw_leaf(node_id, _mermaid_id(child.id), child.name, child.loop_target)
        for child in chosen:
            draw_leaf(node_id, "default", child.name, child.loop_target)
        for child in children[len(branches) :]:
            draw_leaf(node_id, _mermaid_id(child.id), child.name, UNSET)
        if node.loop_target is not UNSET and position + 1 == len(layout.line):
            texts.append(f"{node_id} --> {_mermaid_id(node.loop_target)}")
        previous = node_id
    return "\n".join(texts)


# ── OpenAPI, MCP ───────────────────────────────────────────────────────────────────────────────────────────────────
def openapi(
    chart_id: str,
    description: str,
    contract: Contract,
    *,
    title: str | None,
    version: str,
    about: str | None,
    path: str | None,
) -> dict[str, Any]:
    """Describe a chart as the one operation of an OpenAPI 3.1 document."""
    if title is None:
        title = description.split("\n", 1)[0]
    if path is None:
        path = "/" + (re.sub(r"[^a-z0-9]+", "-", chart_id.lower()).strip("-") or "execute")
    operation: dict[str, Any] = {"summary": title, "description": description}
    if contract.input is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": contract.input}}}
    success: dict[str, Any] = {"description": "Success"}
    if contract.output is not None:
        success["content"] = {"application/json": {"schema": contract.output}}
    operation["responses"] = {"200": success}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description if about is None else about},
        "paths": {path: {"post": operation}},
    }


def mcp_tool(chart_id: str, description: str, contract: Contract) -> dict[str, Any]:
    """Describe a chart as a tool of the Model Context Protocol."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", chart_id).strip("_") or "execute"
    schema = contract.input
    if schema is None:
        schema = dict[str, Any](type="object", properties={}, additionalProperties=False)
    return {"name": name, "description": description, "inputSchema": schema}
