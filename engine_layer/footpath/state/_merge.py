"""Merging a patch into a value: what an update and a nested assignment leave."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from itertools import chain
from typing import Any

from footpath.values import ABSENT, ATOMS

_MANY = 64  # visits of one object of a patch after which it is taken as it is: it may hold itself


def merge(base: Any, patch: Any) -> Any:
    """Give a new value: `patch` merged into `base`; neither argument is changed.

    An object merges member by member; over anything but an object it starts from `{}` (over a list, from the list's items
    by their index, as in the reference). An empty list clears. Any other list is united with a list: scalars once by
    value, other items once by identity, so equal objects are kept twice; over anything else it is taken as it is. All
    else replaces, `ABSENT` too, which stays as a member. What no patch touches is shared with `base`, not copied.
    """
    if isinstance(patch, dict):
        merged: dict[Any, Any] = _start(base)
        todo = [(merged, patch)]
        visits: dict[int, int] = {}
        while todo:
            target, source = todo.pop()
            for key, value in dict.items(source):
                if isinstance(value, dict):
                    count = visits[id(value)] = visits.get(id(value), 0) + 1
                    if count > _MANY:
                        target[key] = value
                        continue
                    below = _start(target.get(key, ABSENT))
                    target[key] = below
                    todo.append((below, value))
                elif isinstance(value, list):
                    target[key] = _united(target.get(key, ABSENT), value)
                else:
                    target[key] = value
        return merged
    return _united(base, patch) if isinstance(patch, list) else patch


def _start(base: Any) -> dict[Any, Any]:
    if isinstance(base, dict):
        return dict(dict.items(base))
    if isinstance(base, list):
        return {str(index): item for index, item in enumerate(list.__iter__(base))}
    return {}


def _united(base: Any, patch: list[Any]) -> list[Any]:
    if not list.__len__(patch) or not isinstance(base, list):
        return list(list.__iter__(patch))
    united: dict[Any, Any] = {}
    for item in chain(list.__iter__(base), list.__iter__(patch)):
        united.setdefault(_identity(item), item)
    return list(united.values())


def _identity(item: Any) -> Any:
    """Scalars by value and JSON type (True is not 1), the rest by identity."""
    kind = type(item)
    if kind is bool:
        return (kind, item)
    if kind in ATOMS:
        return (kind, "NaN") if kind is float and item != item else item
    return (id(item),)
