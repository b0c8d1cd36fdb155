"""The first place where two JSON documents differ; walks through one of them, and through two side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = [
    "HIDDEN",
    "MISSING",
    "STATES",
    "Difference",
    "dicts_in",
    "dicts_in_both",
    "difference",
    "let_pass",
    "phases_of",
    "same_scalar",
]

Json = Any

MISSING = object()
HIDDEN = "\N{FULL BLOCK}hidden\N{FULL BLOCK}"
"""Stands for a value that the rules hide; equal to any mark of redaction."""
_MARKS = frozenset({HIDDEN, "[REDACTED]", "REDACTED"})
_SHOWN_CHARACTERS = 400
STATES = ("snapshot", "snapshotRedacted", "checkpoint", "queries")
"""Members of a phase that show states."""


@dataclass(frozen=True)
class Difference:
    """The first place where two results differ, as a JSON path, and what stands there on each side."""

    path: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"at {self.path}\n    expected {self.expected}\n    got      {self.got}"


_TELLING = ("error", "outcome", "failedCall", "structure", "events", "result", "checkpoint", "narrative", "snapshot")
"""Members looked at first, where both sides have them: what happened before what it left behind."""


def difference(expected: Json, got: Json) -> Difference | None:
    """The first difference; numbers are equal by value, members in any order."""
    stack: list[tuple[str, Json, Json]] = [("$", expected, got)]
    while stack:
        path, left, right = stack.pop()
        if isinstance(left, dict) and isinstance(right, dict):
            names = [*left, *(name for name in right if name not in left)]
            names.sort(key=lambda name: _TELLING.index(name) if name in _TELLING else len(_TELLING))
            stack += [(f"{path}.{name}", left.get(name, MISSING), right.get(name, MISSING)) for name in reversed(names)]
        elif isinstance(left, list) and isinstance(right, list):
            longest = max(len(left), len(right))
            stack += [
                (f"{path}[{i}]", left[i] if i < len(left) else MISSING, right[i] if i < len(right) else MISSING)
                for i in range(longest - 1, -1, -1)
            ]
        elif not same_scalar(left, right):
            return Difference(path, _shown(left), _shown(right))
    return None


def same_scalar(left: Json, right: Json) -> bool:
    """Whether two values that are not both objects or both lists are the same JSON value."""
    if left == HIDDEN or right == HIDDEN:
        return isinstance(left, str) and isinstance(right, str) and {left, right} <= _MARKS
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right
    return type(left) is type(right) and left == right


def _shown(value: Json) -> str:
    text = "nothing" if value is MISSING else json.dumps(value, ensure_ascii=False)
    text = text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate can't be printed
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}... ({len(text)} characters)"


def dicts_in(value: Json) -> Iterator[dict[str, Json]]:
    """Every object in a JSON value, itself too; in no promised order."""
    stack: list[Json] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
            stack += item.values()
        elif isinstance(item, list):
            stack += item


def phases_of(expected: dict[str, Json], got: dict[str, Json]) -> Iterator[tuple[Json, Json]]:
    """The phases of both sides, as far as both have them."""
    for theirs, ours in zip(expected["runs"], got["runs"], strict=False):
        yield from zip(theirs["phases"], ours["phases"], strict=False)


def dicts_in_both(theirs: Json, ours: Json) -> Iterator[tuple[dict[str, Json], dict[str, Json]]]:
    """Every object that stands at the same place on both sides."""
    stack = [(theirs, ours)]
    while stack:
        one, other = stack.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            yield one, other
            stack += [(one[key], other[key]) for key in one if key in other]
        elif isinstance(one, list) and isinstance(other, list):
            stack += zip(one, other, strict=False)


def let_pass(theirs: Json, ours: Json, lost: Callable[[Json, Json], bool], names: Iterable[str]) -> None:
    """Put what the reference has in place of ours where `lost` says that it lost it; in the named parts of a phase."""
    stack = [(theirs, ours, name) for name in names if name in theirs and name in ours]
    while stack:
        left, right, at = stack.pop()
        one, other = left[at], right[at]
        if lost(one, other):
            right[at] = one
        elif isinstance(one, dict) and isinstance(other, dict):
            stack += [(one, other, key) for key in one if key in other]
        elif isinstance(one, list) and isinstance(other, list):
            stack += [(one, other, index) for index in range(min(len(one), len(other)))]
