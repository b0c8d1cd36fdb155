"""Time travel: the places in a run where one can stop and look at the state."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET, Struct, UnsetType

from footpath.query._ids import parse_runtime_stage_id
from footpath.query._log import Bundle, index_of
from footpath.query._reads import tree_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Stop(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A stop: the state after commits `commit_idx` to `last_commit_idx` of one stage execution.

    `kind` is "start" and "end" (no execution), "commit", or "mount" (a subflow to step into). `prologue` marks a start
    that stands for commits before the first tagged one; `meta` holds a tagged stop's tags.
    """

    step: int
    runtime_stage_id: str
    commit_idx: int
    last_commit_idx: int
    stage_id: str
    label: str
    kind: Literal["start", "commit", "mount", "end"]
    subflow_path: str | UnsetType = UNSET
    prologue: bool | UnsetType = UNSET
    meta: tuple[str, ...] | UnsetType = UNSET


def stops(snapshot: Mapping[str, Any]) -> list[Stop]:
    """A stop for each stage execution, in order of its first commit, between a start and an end; none in an empty log.

    Example:
        >>> [(stop.kind, stop.label) for stop in stops(snapshot)]
        [('start', 'Run start'), ('commit', 'Assess'), ('commit', 'Route'), ('commit', 'Approve'), ('end', 'Run end')]
    """
    log = _log(snapshot)
    return _axis(snapshot, log, _first_commits(log))


def tag_stops(snapshot: Mapping[str, Any], tags: str | Iterable[str] = ()) -> list[Stop]:
    """A stop for each execution whose first commit carries one of `tags` (default: any tag).

    Example:
        >>> paid = FlowChartExecutor(flow_chart("A", stage, "a").tag("money").add_function("B", stage, "b").build())
        >>> paid.run()
        >>> [stop.label for stop in tag_stops(paid.get_snapshot(), "money")]
        ['Run start', 'A', 'Run end']
    """
    wanted = {tags} if isinstance(tags, str) else set(tags)
    log = _log(snapshot)
    every = _first_commits(log)
    chosen: list[int] = []
    for position in every:
        found: Sequence[str] = log[position].get("tags") or ()
        if found and (not wanted or not wanted.isdisjoint(found)):
            chosen.append(position)
    return _axis(snapshot, log, chosen, tagged=True, prologue=chosen[:1] != every[:1])


def _first_commits(log: Sequence[Bundle]) -> list[int]:
    """Position of the first commit of each execution; commits of none, such as a subflow's seed, are left out."""
    seen: set[str] = set()
    first: list[int] = []
    for position, bundle in enumerate(log):
        step = bundle.get("runtimeStageId", "")
        if step and step not in seen:
            seen.add(step)
            first.append(position)
    return first


def _log(snapshot: Mapping[str, Any]) -> Sequence[Bundle]:
    return index_of(snapshot.get("commitLog") or ()).log


def _axis(
    snapshot: Mapping[str, Any],
    log: Sequence[Bundle],
    chosen: list[int],
    *,
    tagged: bool = False,
    prologue: bool = False,
) -> list[Stop]:
    """Stops at the chosen positions, each reaching to the next, between a start and an end."""
    if not log:
        return []
    mounts = _mounts(snapshot, log)
    last = len(log) - 1
    before_first = (chosen[0] if chosen else len(log)) - 1
    axis = [Stop(0, "", -1, before_first, "", "Run start", "start", prologue=prologue or UNSET)]
    for at, position in enumerate(chosen):
        bundle = log[position]
        step: str = bundle.get("runtimeStageId", "")
        axis.append(
            Stop(
                step=len(axis),
                runtime_stage_id=step,
                commit_idx=position,
                last_commit_idx=chosen[at + 1] - 1 if at + 1 < len(chosen) else last,
                stage_id=bundle.get("stageId", ""),
                label=bundle.get("stage") or bundle.get("stageId", ""),
                kind="mount" if step in mounts else "commit",
                subflow_path=parse_runtime_stage_id(step).subflow_path,
                meta=tuple(bundle["tags"]) if tagged else UNSET,
            )
        )
    axis.append(Stop(len(axis), "", last, last, "", "Run end", "end"))
    return axis


def _mounts(snapshot: Mapping[str, Any], log: Sequence[Bundle]) -> set[str]:
    """Executions that are subflow mounts: the execution tree says; without one, two commits in a row give them away."""
    tree = snapshot.get("executionTree")
    if tree:
        return {node["runtimeStageId"] for node in tree_nodes(tree) if node.get("subflowId")}
    steps = [bundle.get("runtimeStageId", "") for bundle in log]
    return {step for step, following in pairwise(steps) if step == following}
