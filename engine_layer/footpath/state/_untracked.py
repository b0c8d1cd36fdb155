"""Deep copies of plain containers, without recursion."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.values import ATOMS

if TYPE_CHECKING:
    from collections.abc import Callable


def _as_it_is(kind: type) -> type:
    return kind


def private_copy(value: Any, plain_kind: Callable[[type], type] = _as_it_is) -> Any:
    """Copy dicts, lists and tuples all the way down; other objects are shared.

    Parts that are shared, or that hold themselves, are so in the copy. `plain_kind` says as what a subclass is copied.
    """
    kind = plain_kind(type(value))
    if kind is not dict and kind is not list and kind is not tuple:
        return value
    holder: list[Any] = [value]
    made: dict[int, Any] = {}
    tuples: list[tuple[Any, Any, list[Any]]] = []  # holder, place in it, parts; inner ones later
    todo: list[tuple[Any, Any]] = [(holder, 0)]
    while todo:
        box, at = todo.pop()
        part = box[at]
        kind = plain_kind(type(part))
        if kind is dict:
            copy = made.get(id(part))
            if copy is None:
                copy = made[id(part)] = dict(dict.items(part))
                todo.extend([(copy, key) for key, item in copy.items() if type(item) not in ATOMS])
            box[at] = copy
        elif kind is list:
            copy = made.get(id(part))
            if copy is None:
                copy = made[id(part)] = list(list.__iter__(part))
                todo.extend([(copy, index) for index, item in enumerate(copy) if type(item) not in ATOMS])
            box[at] = copy
        elif kind is tuple and not _is_frozen(part):
            parts = list(part)
            tuples.append((box, at, parts))
            todo.extend([(parts, index) for index in range(len(parts))])
    for box, at, parts in reversed(tuples):
        box[at] = tuple(parts)
    return holder[0]


def _is_frozen(value: tuple[Any, ...]) -> bool:
    """Is there nothing but tuples and scalars inside?"""
    todo: list[tuple[Any, ...]] = [value]
    seen: set[int] = set()
    while todo:
        for item in todo.pop():
            if type(item) is tuple:
                if id(item) not in seen:
                    seen.add(id(item))
                    todo.append(item)
            elif type(item) not in ATOMS:
                return False
    return True
