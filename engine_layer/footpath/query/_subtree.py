"""One subflow of a snapshot, by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from msgspec import Struct

from footpath.query._subflows import subflow_results

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class _Told(Protocol):
    """What is asked of an entry of a narrative."""

    @property
    def type(self) -> str: ...
    @property
    def stage_id(self) -> object: ...
    @property
    def subflow_id(self) -> object: ...


class SubtreeSnapshot(Struct, frozen=True, rename="camel"):
    """What a snapshot holds of one subflow; the parts are the snapshot's own.

    Attributes:
        subflow_id: last segment of the path.
        execution_tree: its first node, with what follows.
        shared_state: its state when it was left; None, like `history` and `initial_state`, of one that was not left.
        history: its own commit log. The run's log has what the mount wrote, not the stages inside.
        initial_state: what its history begins with; what was mapped in is the first commit.
        narrative_entries: of those given, the ones that tell of it; None when none were given.
    """

    subflow_id: str
    execution_tree: dict[str, Any] | None
    shared_state: dict[str, Any] | None
    history: list[Any] | None
    initial_state: dict[str, Any] | None
    narrative_entries: list[Any] | None

    @property
    def snapshot(self) -> dict[str, Any]:
        """The subflow as if it had been the run: what the questions of this room are asked of.

        Example:
            >>> lends = flow_chart("A", stage, "a").add_sub_flow_chart_next(
            ...     "loan", chart, "Loan", input_mapper=lambda _: loan
            ... )
            >>> runs = FlowChartExecutor(lends.build())
            >>> loan = {"amount": 100}
            >>> _ = runs.run()
            >>> inside = get_subtree_snapshot(runs.get_snapshot(), "loan")
            >>> state_at(inside.snapshot, 1).state
            {'amount': 100, 'risk': 'low'}
        """
        return {
            "executionTree": self.execution_tree,
            "sharedState": self.shared_state,
            "commitLog": self.history or [],
            "initialState": self.initial_state,
        }


def get_subtree_snapshot(
    snapshot: Mapping[str, Any], path: str, narrative_entries: Iterable[_Told] | None = None
) -> SubtreeSnapshot | None:
    """The part of a snapshot that is one subflow's; None when there is none of that path.

    Args:
        snapshot: of a run, live or from a trace.
        path: ids of mounts, "outer/inner"; or the runtime stage id of a mount, "outer#3", for one pass of a loop. The
            path of a subflow that ran several times is its last pass.
        narrative_entries: of `get_narrative_entries()`, to be sorted out.

    Example:
        >>> lends = flow_chart("A", stage, "a").add_sub_flow_chart_next(
        ...     "loan", chart, "Loan", input_mapper=lambda _: loan
        ... )
        >>> runs = FlowChartExecutor(lends.build())
        >>> loan = {"amount": 100}
        >>> runs.enable_narrative()
        >>> _ = runs.run()
        >>> inside = get_subtree_snapshot(runs.get_snapshot(), "loan", runs.get_narrative_entries())
        >>> inside.shared_state, len(inside.history)
        ({'amount': 100, 'risk': 'low', 'approved': True}, 4)
        >>> inside.narrative_entries[1].text
        'Input: amount = 100'
    """
    segments = [segment for segment in path.split("/") if segment]
    if not segments:
        return None
    last = segments[-1]
    told = None if narrative_entries is None else [entry for entry in narrative_entries if _tells_of(entry, last)]
    result: object = subflow_results(snapshot).get("/".join(segments))
    tree = snapshot.get("executionTree")
    if isinstance(result, dict) and result:
        inside: object = cast("dict[str, Any]", result).get("treeContext")
        context = cast("dict[str, Any]", inside) if isinstance(inside, dict) else {}
        return SubtreeSnapshot(
            subflow_id=last,
            execution_tree=context.get("stageContexts") or _mount_in(tree, last),
            shared_state=context.get("globalContext"),
            history=context.get("history"),
            initial_state=context.get("initialState"),
            narrative_entries=told,
        )
    mount = _mount_in(tree, last)
    return None if mount is None else SubtreeSnapshot(last, mount, None, None, None, told)


def _tells_of(entry: _Told, subflow_id: str) -> bool:
    """By the last segment of a path, as in the reference; entering and leaving are told of the mount."""
    return entry.subflow_id == subflow_id or (entry.type == "subflow" and entry.stage_id == subflow_id)


def _mount_in(tree: object, subflow_id: str) -> dict[str, Any] | None:
    """The first node that entered the subflow: a node before its children, and these before what follows it."""
    waiting: list[object] = [tree]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, dict):
            continue
        node = cast("dict[str, Any]", found)
        if node.get("subflowId") == subflow_id:
            return node
        waiting.append(node.get("next"))
        children: object = node.get("children")
        if isinstance(children, list):
            waiting.extend(reversed(cast("list[object]", children)))
    return None
