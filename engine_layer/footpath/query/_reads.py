"""Which keys a stage execution read: the other half of every slice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from msgspec import UNSET, Struct, UnsetType

from footpath.errors import TraceDecodeError
from footpath.values import in_js_order

ReadsLookup = Callable[[str], Sequence[str]]
"""Runtime stage id to the keys that the execution read, in order of first read."""


class ReadsCoverage(Struct, frozen=True, rename="camel"):
    """How much of the run has reads on record: executions in the tree, and those of them with at least one read."""

    steps: int
    steps_with_reads: int


class KeysRead(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A source of reads. `kind` is "execution-tree", "map" or "custom-fn"; only the first knows its coverage."""

    kind: str
    lookup: ReadsLookup
    coverage: ReadsCoverage | UnsetType = UNSET


def tree_nodes(execution_tree: object) -> Iterator[Mapping[str, Any]]:
    """Every node of an execution tree; a node before its children, and those before what comes next.

    Raises:
        TraceDecodeError: a node is no object, or its children are no list.
    """
    work: list[object] = [execution_tree] if execution_tree else []
    while work:
        node = work.pop()
        if not isinstance(node, dict):
            raise TraceDecodeError(f"the execution tree is malformed: {type(node).__name__} where a node should be")
        members = cast("dict[str, Any]", node)
        children: object = members.get("children") or []
        if not isinstance(children, (list, tuple)) or not isinstance(members.get("runtimeStageId", ""), str):
            raise TraceDecodeError("the execution tree is malformed: children are no list, or an id is no text")
        yield members
        following = members.get("next")
        if following:
            work.append(following)
        work.extend(reversed(cast("list[object]", children)))


def keys_in(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a node of the tree read: key to value."""
    reads = node.get("stageReads")
    return cast("Mapping[str, Any]", reads) if isinstance(reads, dict) else {}


def keys_read_from_execution_tree(
    execution_tree: Mapping[str, Any] | None, events: Iterable[tuple[str, Any]] = ()
) -> KeysRead:
    """Reads as the snapshot's execution tree keeps them (`stageReads`).

    A tree in JSON has lost the reads of keys that were absent. With the run's events, (hook, event) pairs, they count.

    Example:
        >>> reads = keys_read_from_execution_tree(snapshot["executionTree"])
        >>> slice_for_key(snapshot["commitLog"], "risk", reads).key
        'risk'
    """
    reads: dict[str, dict[str, None]] = {}
    for hook, event in events:
        if hook == "on_read":
            reads.setdefault(event.runtime_stage_id, {})[event.key] = None
    steps = 0
    known: dict[str, list[str]] = {}
    for node in tree_nodes(execution_tree):
        step = node.get("runtimeStageId")
        if step:
            steps += 1
            keys = [*reads.get(step, ()), *(key for key in keys_in(node) if key not in reads.get(step, ()))]
            if keys:
                known[step] = [*in_js_order(keys)]  # as the members of a tree's node stand
    return KeysRead("execution-tree", lambda step: known.get(step, ()), ReadsCoverage(steps, len(known)))


def keys_read_from_map(reads: Mapping[str, Sequence[str]]) -> KeysRead:
    """Reads collected by other means, as runtime stage id to keys.

    Example:
        >>> reads = keys_read_from_map({"route#1": ["risk"]})
        >>> [node.runtime_stage_id for node in causal_chain(snapshot["commitLog"], "route#1", reads).nodes]
        ['route#1', 'assess#0']
    """
    return KeysRead("map", lambda step: reads.get(step, ()))


def reads_source(reads: KeysRead | ReadsLookup) -> KeysRead:
    """A source of reads from what callers give: one already, or a bare lookup."""
    return reads if isinstance(reads, KeysRead) else KeysRead("custom-fn", reads)
