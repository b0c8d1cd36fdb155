"""Smaller versions of a case: what delta debugging tries when two engines differ on it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

__all__ = ["reductions"]

Json = Any
Path = tuple[str | int, ...]

_LISTS = frozenset({"chart", "branches", "children", "rules", "queries", "resume", "program", "runs", "names", "tags"})
_NEEDED = frozenset(
    {"call", "name", "id", "program", "chart", "branches", "children", "then", "when", "q", "key", "idx", "target"}
    | {"items", "branch", "maxBranches", "into", "rules", "decide", "kind", "features", "about", "policy", "attempts"}
)


def reductions(case: Json) -> Iterator[Json]:
    """Cases with one thing less: halves of lists first, then items, members, and expressions made simpler.

    Some are no valid cases; the reference then says so, and they are passed over.
    """
    sites = list(_sites(case))
    for path, value in sites:
        if len(value) >= 4:
            half = len(value) // 2
            yield _with(case, path, value[:half])
            yield _with(case, path, value[half:])
    for path, value in sites:
        for index in range(len(value)):
            yield _with(case, path, value[:index] + value[index + 1 :])
    for path, member in _members(case):
        yield _without(case, path, member)
    for path, op in _walk(case):
        if isinstance(op, list) and len(op) > 2 and op[0] == "if" and isinstance(op[2], list) and path:
            *above, index = path
            program = _at(case, tuple(above))
            for ops in op[2:]:
                yield _with(case, tuple(above), [*program[:index], *ops, *program[index + 1 :]])
    for path, expression in _expressions(case):
        for part in expression[1:]:
            yield _with(case, path, part)
        if expression != ["$lit", 0]:
            yield _with(case, path, 0)


def _walk(case: Json) -> Iterator[tuple[Path, Json]]:
    stack: list[tuple[Path, Json]] = [((), case)]
    while stack:
        path, value = stack.pop()
        yield path, value
        if isinstance(value, dict):
            stack += [((*path, key), member) for key, member in reversed(value.items())]
        elif isinstance(value, list):
            stack += [((*path, index), item) for index, item in reversed(list(enumerate(value)))]


def _sites(case: Json) -> Iterator[tuple[Path, list[Json]]]:
    """The lists whose items may go: calls, branches, ops, queries."""
    for path, value in _walk(case):
        if not isinstance(value, list) or not value:
            continue
        is_named_list = bool(path) and (path[-1] in _LISTS or (len(path) == 2 and path[0] == "charts"))
        is_program = all(isinstance(op, list) and op and isinstance(op[0], str) for op in value)
        is_literal = bool(path) and isinstance(path[-1], int) and not isinstance(value[0], str)
        if is_named_list or (is_program and bool(path) and isinstance(path[-1], int)) or is_literal:
            yield path, value


def _members(case: Json) -> Iterator[tuple[Path, str]]:
    """Members that may go: everything that a case can do without."""
    for path, value in _walk(case):
        if isinstance(value, dict):
            for key in value:
                if key not in _NEEDED:
                    yield path, key


def _expressions(case: Json) -> Iterator[tuple[Path, list[Json]]]:
    for path, value in _walk(case):
        if isinstance(value, list) and len(value) > 1 and isinstance(value[0], str) and value[0].startswith("$"):
            yield path, value


def _at(case: Json, path: Path) -> Json:
    for step in path:
        case = case[step]
    return case


def _with(case: Json, path: Path, value: Json) -> Json:
    made = copy.deepcopy(case)
    _at(made, path[:-1])[path[-1]] = copy.deepcopy(value)
    return made


def _without(case: Json, path: Path, member: str) -> Json:
    made = copy.deepcopy(case)
    del _at(made, path)[member]
    return made
