"""From views back to plain values, without recursion."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw

from footpath.state._place import View, is_tracked
from footpath.values import ABSENT, ATOMS, CONTAINERS, encode_json, is_json, record


def untracked(value: Any) -> Any:
    """Give the plain value: of a view, or of a value that holds views, a private deep copy; any other value itself.

    Dicts, lists and tuples are copied, other objects inside are shared.
    """
    if is_tracked(value):
        value.sync()
        return private_copy(value)
    if type(value) in CONTAINERS and not is_json(value) and _holds_views(value):
        return private_copy(value)
    return value


def capture(value: Any) -> tuple[Any, Any]:
    """Give a value as the state may keep it, without views, and its recorded form; plain JSON is looked through once."""
    if type(value) in CONTAINERS:
        encoded = encode_json(value)
        if encoded is not None:
            return value, Raw(encoded)
    if is_tracked(value) or (type(value) in CONTAINERS and _holds_views(value)):
        value = untracked(value)
    recorded = record(value)
    return (value if recorded is not UNSET else ABSENT), recorded


def _plain_kind(kind: type) -> type:
    if not issubclass(kind, View):
        return kind
    return dict if issubclass(kind, dict) else list


def _holds_views(value: Any) -> bool:
    todo = [value]
    seen: set[int] = set()
    while todo:
        box = todo.pop()
        kind = type(box)
        if issubclass(kind, View):
            return True
        if (kind is dict or kind is list or kind is tuple) and id(box) not in seen:
            seen.add(id(box))
            todo.extend(box.values() if kind is dict else box)
    return False


def private_copy(value: Any) -> Any:
    """Copy dicts, lists, tuples and views all the way down, views as plain containers; other objects are shared.

    Parts that are shared, or that hold themselves, are so in the copy.
    """
    kind = _plain_kind(type(value))
    if kind is not dict and kind is not list and kind is not tuple:
        return value
    holder: list[Any] = [value]
    made: dict[int, Any] = {}
    tuples: list[tuple[Any, Any, list[Any]]] = []  # holder, place in it, parts; inner ones later
    todo: list[tuple[Any, Any]] = [(holder, 0)]
    while todo:
        box, at = todo.pop()
        part = box[at]
        kind = _plain_kind(type(part))
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
