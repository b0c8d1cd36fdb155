"""How deep an execution tree nests: a level a stage, which JSON's readers do not bear for long."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any

from footpath.chart import MAX_NESTED_LEVELS
from footpath.errors import NestingTooDeepError


def check_nesting(snapshot: dict[str, Any]) -> None:
    """See that the trees of a snapshot can be written as JSON and read again.

    Raises:
        NestingTooDeepError: one cannot.
    """
    trees = [snapshot.get("executionTree")]
    results = snapshot.get("subflowResults")
    for result in results.values() if isinstance(results, dict) else ():
        context = result.get("treeContext") if isinstance(result, dict) else None
        trees.append(context.get("stageContexts") if isinstance(context, dict) else None)
    levels = max(map(_levels, trees))
    if levels > MAX_NESTED_LEVELS:
        message = (
            f"the execution tree of this run has {levels} levels of JSON, one a stage, and readers of JSON give up near 1,000: the "
            f"limit is {MAX_NESTED_LEVELS}. Ask the trace itself (events, narrative, state_at), whose document is flat"
        )
        raise NestingTooDeepError(message, what="levels", count=levels, limit=MAX_NESTED_LEVELS)


def _levels(tree: Any) -> int:
    deepest = 0
    todo: list[tuple[Any, int]] = [(tree, 1)]
    while todo:
        node, level = todo.pop()
        if not isinstance(node, dict):
            continue
        deepest = max(deepest, level)
        todo.append((node.get("next"), level + 1))
        children = node.get("children")
        if isinstance(children, list):
            todo += [(child, level + 2) for child in children]
    return deepest
