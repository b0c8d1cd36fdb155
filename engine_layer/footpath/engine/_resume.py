"""From a checkpoint back into a run: which stage goes on, and what comes after it."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from footpath.engine._run import Reentry, Resuming
from footpath.errors import RunError
from footpath.values import revive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from footpath.chart import FlowChart, Node
    from footpath.engine._run import Run
    from footpath.scope import Paused


def enter_again(
    run: Run,
    chart: FlowChart,
    checkpoint: Mapping[str, Any],
    given: Any,
    states: Mapping[str, Mapping[str, Any]] | None,
) -> Node:
    """Prepare a run to go on where another paused; gives the node to begin with.

    Args:
        run: the new phase.
        chart: the chart that paused.
        checkpoint: what the pause left; plain JSON.
        given: the answer.
        states: live states of the subflows around the stage, by path, when the executor is the same.

    Raises:
        RunError: the checkpoint does not fit the chart.
    """
    stage_id = str(checkpoint["pausedStageId"])
    path = [str(step) for step in checkpoint.get("subflowPath") or ()]
    prefix = "/".join(path)
    own = stage_id[len(prefix) + 1 :] if prefix and stage_id.startswith(prefix + "/") else stage_id
    mounts: list[Node] = []
    flow = chart
    for step in path:
        mount = _find(flow, step)
        if mount.mount is None:
            message = f"the checkpoint's subflow path names '{step}', which mounts no chart"
            raise RunError(message)
        mounts.append(mount)
        flow = run.resolve(mount.mount)
    node = _continued(flow, _find(flow, own))
    half = None if checkpoint.get("pausedBy") == "interrupt" else node.resume_fn
    run.resuming = Resuming(node, half, half is not None and _takes_two(half), given)
    frozen = checkpoint.get("subflowStates") or {}
    for depth in range(len(mounts) - 1, -1, -1):
        key = "/".join(path[: depth + 1])
        state = states.get(key) if states is not None else None
        if state is None:
            state = {name: revive(value) for name, value in (frozen.get(key) or {}).items()}
        outer = chart if depth == 0 else run.resolve(mounts[depth - 1].mount)  # type: ignore[arg-type]
        mount = _continued(outer, mounts[depth])
        run.reentries[id(mount)] = Reentry(node, state)
        node = mount
    return node


def _find(flow: FlowChart, stage_id: str) -> Node:
    node = flow.nodes_by_id.get(stage_id)
    if node is None and stage_id == "default":
        node = next((each for each in flow.nodes_by_id.values() if each.default_branch is not None), None)
        if node is not None:
            branch = next((child for child in node.children if child.id == node.default_branch), None)
            return node if branch is None else branch
    if node is None:
        message = f"the checkpoint paused at '{stage_id}', which this chart does not have; was it another chart?"
        raise RunError(message)
    return node


def _continued(flow: FlowChart, node: Node) -> Node:
    """The node as its line goes on from it: a branch goes on where the one that took it would.

    A parallel child does not: its line ends with it, and the run then too, as in footprintjs. Its siblings have ended before
    the pause, and their join is not made up for.
    """
    copy = replace(node, shape=-1)  # what follows it may be another: see `shape_of`
    if copy.kind == "stage":
        # footprintjs goes on without the parallel children that hang on a stage that has paused.
        copy.children = []
    if copy.next is None and copy.loop_target is None:
        for parent in flow.nodes_by_id.values():
            if parent.kind != "stage" and any(child is node for child in parent.children):
                copy.next = parent.next
                copy.loop_target = parent.loop_target
                break
    return copy


def _takes_two(half: Any) -> bool:
    try:
        import inspect  # 5 ms that a run which never pauses need not wait for

        parameters = inspect.signature(half).parameters.values()
    except (TypeError, ValueError):
        return True
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return len(positional) > 1 or any(each.kind == each.VAR_POSITIONAL for each in parameters)
