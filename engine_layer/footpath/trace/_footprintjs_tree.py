"""What a footprintjs snapshot says of each step of a run, laid out in the order of the steps.

The execution tree nests one level a stage, and every subflow entered has a tree and a log of its own beside it. Here
all of that is one flat list, read without recursion and without trust.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

FATAL = ("stageExecutionError", "subflowError", "deciderError", "selectorError")
"""Remarks in a node's `errors` bag that footprintjs itself leaves, each where something ended its line."""


class Step(Struct, eq=False):
    """One node of the tree.

    Attributes:
        number: the step number in its runtime stage id.
        subflow: id of the subflow it stands in, UNSET at the top.
        is_mount: whether it entered a subflow.
        is_main: whether it stands on the outermost line, or on the branch that a decider on that line took.
        bundles: what it committed, in order.
        following: the node after it on its line.
    """

    id: str
    runtime_id: str
    name: str
    number: int
    node: dict[str, Any]
    subflow: str | UnsetType
    is_mount: bool
    is_main: bool
    bundles: list[dict[str, Any]]
    following: dict[str, Any] | None

    def messages(self) -> list[dict[str, Any]]:
        """What the engine noted of the flow, in order."""
        return objects(self.node.get("flowMessages"))

    def bag(self, name: str) -> dict[str, Any]:
        """One of the side bags."""
        return _object(self.node.get(name))


class Subflow(Struct, eq=False):
    """One entry of a mounted chart.

    Attributes:
        mapped, state: what was mapped in, and what it ended with; UNSET when not known.
        first: the first node in it.
        last_number: step number of the last step in it, or in a subflow of it.
    """

    id: str
    name: str
    mapped: Any
    state: Any
    first: dict[str, Any]
    last_number: int


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def text(value: Any, otherwise: Any = UNSET) -> Any:
    """A text, or what stands for none."""
    return value if isinstance(value, str) else otherwise


def step_number(runtime_id: str) -> int:
    """The number in a runtime stage id; -1 when there is none that this code would count to."""
    digits = runtime_id.rpartition("#")[2]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else -1


def steps_of(snapshot: dict[str, Any]) -> tuple[list[Step], dict[str, Subflow]]:
    """Every step of a run in order, and the subflows by the runtime stage id of their mount."""
    steps: list[Step] = []
    subflows: dict[str, Subflow] = {}
    results = snapshot.get("subflowResults")
    _walk(snapshot.get("executionTree"), _by_step(snapshot.get("commitLog")), UNSET, steps)
    for key, result in results.items() if isinstance(results, dict) else ():
        context = result.get("treeContext") if isinstance(result, dict) else None
        if not isinstance(context, dict) or step_number(key) < 0:
            continue  # under its id alone the last entry stands once more
        history = objects(context.get("history"))
        inner: list[Step] = []
        subflow_id = text(result.get("subflowId"), key.rpartition("#")[0])
        _walk(context.get("stageContexts"), _by_step(history), subflow_id, inner)
        seeded = next((bundle for bundle in history if bundle.get("runtimeStageId") == ""), None)
        subflows[key] = Subflow(
            subflow_id,
            text(result.get("subflowName"), ""),
            UNSET if seeded is None else seeded.get("overwrite", UNSET),
            context.get("globalContext", UNSET),
            _object(context.get("stageContexts")),
            max([step.number for step in inner], default=step_number(key)),
        )
        steps += inner
    steps.sort(key=lambda step: step.number)
    for key in sorted(subflows, key=step_number, reverse=True):  # inner ones have the higher numbers
        for other, outer in subflows.items():
            if step_number(other) < step_number(key) <= outer.last_number:
                outer.last_number = max(outer.last_number, subflows[key].last_number)
    return steps, subflows


def _by_step(log: Any) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for bundle in objects(log):
        found.setdefault(text(bundle.get("runtimeStageId"), ""), []).append(bundle)
    return found


def _walk(root: Any, bundles: dict[str, list[dict[str, Any]]], subflow: str | UnsetType, steps: list[Step]) -> None:
    todo: list[tuple[Any, bool]] = [(root, subflow is UNSET)]
    while todo:
        node, is_main = todo.pop()
        if not isinstance(node, dict):
            continue
        following = node.get("next")
        runtime_id = text(node.get("runtimeStageId"), "")
        number = step_number(runtime_id)
        stage_id = text(node.get("id"), "")
        messages = objects(node.get("flowMessages"))
        if number >= 0 and stage_id:
            steps.append(
                Step(
                    stage_id,
                    runtime_id,
                    text(node.get("name"), stage_id),
                    number,
                    node,
                    subflow,
                    isinstance(node.get("subflowId"), str),
                    is_main,
                    bundles.get(runtime_id, []),
                    following if isinstance(following, dict) else None,
                )
            )
        decided = any(message.get("type") == "branch" for message in messages)
        todo += [(child, is_main and decided) for child in objects(node.get("children"))]
        todo.append((following, is_main))
