"""One history of a run that paused: the phases of it, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.query._log import index_of
from footpath.query._subflows import subflow_results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def joined(snapshots: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The snapshot of a whole run from those of its phases, oldest first.

    A snapshot that holds the phases before it already, as an executor's does that ran and resumed, takes their place.
    """
    whole: Mapping[str, Any] = snapshots[0]
    for snapshot in snapshots[1:]:
        before, after = index_of(whole.get("commitLog") or ()), index_of(snapshot.get("commitLog") or ())
        if any(after.steps(step) for step in _first_step(before.log)):
            whole = snapshot
            continue
        trees: list[Any] = [tree for tree in (whole.get("executionTree"), snapshot.get("executionTree")) if tree]
        both: dict[str, Any] = {
            **snapshot,
            "commitLog": [{**bundle, "idx": at} for at, bundle in enumerate([*before.log, *after.log])],
            "executionTree": {"children": trees},
            "initialState": whole.get("initialState"),
            "subflowResults": {**subflow_results(whole), **subflow_results(snapshot)},
        }
        whole = both
    return whole


def _first_step(log: Sequence[Mapping[str, Any]]) -> list[str]:
    return [bundle["runtimeStageId"] for bundle in log if bundle.get("runtimeStageId")][:1]
