"""The subflows of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from footpath.errors import TraceDecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def list_subflow_paths(snapshot: Mapping[str, Any]) -> list[str]:
    """Paths of the subflows that left results, in the snapshot's order, each once however often it ran.

    Example:
        >>> outer = FlowChartExecutor(
        ...     flow_chart("A", stage, "a").add_sub_flow_chart_next("loan", chart, "Loan").build()
        ... )
        >>> try:
        ...     _ = outer.run(input={"amount": 100})
        ... except Exception:
        ...     pass
        >>> list_subflow_paths(outer.get_snapshot())
        ['loan']
    """
    return [path for path in subflow_results(snapshot) if "#" not in path]


def subflow_histories(snapshot: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each subflow execution, by its mount's runtime stage id, with its `{history, stageContexts, initialState, ...}`."""
    for mount, result in subflow_results(snapshot).items():
        inside: object = cast("dict[str, Any]", result).get("treeContext") if isinstance(result, dict) else None
        if "#" in mount and isinstance(inside, dict):
            yield mount, cast("dict[str, Any]", inside)


def subflow_results(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """What the snapshot holds of its subflows, by path and by mount.

    Raises:
        TraceDecodeError: it is no object.
    """
    results: object = snapshot.get("subflowResults") or {}
    if not isinstance(results, dict):
        raise TraceDecodeError("the snapshot is malformed: its subflowResults are no object")
    return cast("dict[str, Any]", results)
