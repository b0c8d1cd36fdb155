"""Where the items of a list came from."""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET, Struct, UnsetType

from footpath.query._log import Bundle, CommitIndex, index_of, rows_of
from footpath.query._patch import Patcher, copied, list_of, same, segments_of
from footpath.values import ABSENT

if TYPE_CHECKING:
    from collections.abc import Sequence


Basis = Literal["append-verb", "prefix-inference", "whole-value"]


class ItemBirth(Struct, frozen=True, rename="camel"):
    """The commit that brought one item in.

    `basis` is "append-verb" (the log says so), "prefix-inference" (a longer list that begins with the one before), or
    "whole-value" (the list was replaced; all its items count as new).
    """

    index: int
    commit_idx: int
    runtime_stage_id: str
    stage_id: str
    stage_name: str
    verb: str
    basis: Basis
    value: Any


class ArrayProvenance(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A birth per item; or `missing`: "empty-log", "never-written" or "not-an-array"."""

    key: str
    missing: str | UnsetType = UNSET
    at_idx: int | UnsetType = UNSET
    length: int | UnsetType = UNSET
    births: tuple[ItemBirth, ...] | UnsetType = UNSET


def array_provenance(
    commit_log: Sequence[Bundle] | CommitIndex, key: str, at_idx: int | None = None
) -> ArrayProvenance:
    """Which commit each item of the list under `key`, as of position `at_idx` (default: the end), goes back to.

    Example:
        >>> def first(scope):
        ...     scope.tags = ["new"]
        >>> def second(scope):
        ...     scope.tags.append("vip")
        >>> tagged = FlowChartExecutor(
        ...     flow_chart("First", first, "first").add_function("Second", second, "second").build()
        ... )
        >>> tagged.run()
        >>> answer = array_provenance(tagged.get_snapshot()["commitLog"], "tags")
        >>> [(birth.value, birth.runtime_stage_id) for birth in answer.births]
        [('new', 'first#0'), ('vip', 'second#1')]
    """
    index = index_of(commit_log)
    if not len(index):
        return ArrayProvenance(key, missing="empty-log")
    at = len(index) - 1 if at_idx is None else min(at_idx, len(index) - 1)
    writers = [position for position in index.writers(key) if position <= at]
    if not writers:
        return ArrayProvenance(key, missing="never-written")
    segments = segments_of(key)
    fold = Patcher(merging_copies=True)
    items: list[Any] | None = None
    origins: list[tuple[int, str, Basis]] = []
    for position in writers:
        bundle = index.log[position]
        for row in rows_of(bundle):
            if row["path"] == key:
                verb: str = row["verb"]
                had = ABSENT if items is None else items
                now = list_of(fold.applied(had, verb, bundle, segments))
                basis: Basis = "append-verb" if verb == "append" else _basis(items, now or [])
                if now is None or basis == "whole-value":
                    origins.clear()
                origins.extend((position, verb, basis) for _ in range(len(now or ()) - len(origins)))
                items = now
    if items is None:
        return ArrayProvenance(key, missing="not-an-array")
    births = tuple(_birth(index, at, items[at], *origin) for at, origin in enumerate(origins))
    return ArrayProvenance(key, at_idx=at, length=len(items), births=births)


def _basis(before: list[Any] | None, now: list[Any]) -> Basis:
    """Whether a list that was written whole only grew."""
    if before is None:
        return "whole-value"
    # Versions of one list share their items, and then C compares them; a list of n items is looked at n times, all the
    # same.
    grown = len(before) <= len(now) and (
        all(map(is_, before, now)) or all(old is new or same(old, new) for old, new in zip(before, now, strict=False))
    )
    return "prefix-inference" if grown else "whole-value"


def _birth(index: CommitIndex, item: int, value: Any, position: int, verb: str, basis: Basis) -> ItemBirth:
    bundle = index.log[position]
    return ItemBirth(
        index=item,
        commit_idx=position,
        runtime_stage_id=bundle.get("runtimeStageId", ""),
        stage_id=bundle.get("stageId", ""),
        stage_name=bundle.get("stage", ""),
        verb=verb,
        basis=basis,
        value=copied(value),
    )
