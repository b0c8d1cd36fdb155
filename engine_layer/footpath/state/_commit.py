"""The two rules of a commit: how a patch merges into a value, and which written value is the one that is there already."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from enum import Enum
from itertools import chain
from typing import Any

from footpath.state._place import is_tracked
from footpath.state._untracked import untracked
from footpath.values import ABSENT, ATOMS, EXACT, record

_MANY = 64  # visits of one object of a patch after which it is taken as it is: it may hold itself
_join = "".join


def merge(base: Any, patch: Any) -> Any:
    """Give a new value: `patch` merged into `base`; neither argument is changed.

    An object merges member by member; over anything but an object it starts from `{}` (over a list, from the list's
    items by their index, as in the reference). An empty list clears. Any other list is united with a list: scalars once
    by value, other items once by identity, so equal objects are kept twice; over anything else it is taken as it is.
    All else replaces, `ABSENT` too, which stays as a member. What no patch touches is shared with `base`, not copied.
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
    """Scalars by value and JSON type (True is not 1), of classes of their own, too; the rest by identity."""
    kind = type(item)
    if kind not in ATOMS:
        for base, exact in () if isinstance(item, Enum) else EXACT.items():
            if isinstance(item, base):  # recorded as the text or number that it is
                kind, item = base, exact(item)
                break
        else:
            return (id(item),)
    if kind is bool:
        return (kind, item)
    return (kind, "NaN") if kind is float and item != item else item


def just_grew(before: list[Any], after: list[Any]) -> bool:
    """Whether a list is another one with more items at its end."""
    return len(before) < len(after) and same(before, after[: len(before)])


def same(a: Any, b: Any) -> bool:
    """Deep equality of two values, by which a commit knows a write that changes nothing.

    Types count (True is not 1, "1" is not 1, a tuple is not a list), except that 1 and 1.0 are one number, 0 and -0
    too, and NaN equals NaN. The order of an object's members does not count, and a member that is `ABSENT` equals one
    that is not there. Any other object equals one of its own class when it says so (`==`) and is recorded alike; one
    whose `==` raises equals only itself. Never raises.
    """
    todo: list[tuple[Any, Any]] = [(a, b)]
    compared: set[tuple[int, int]] = set()  # pairs of containers under way or done: cycles end, shared parts count once
    kept: list[Any] = []  # what stands for views, alive so that an id stays theirs
    while todo:
        a, b = todo.pop()
        kind = type(a)
        if type(b) is kind and (kind is dict or kind is list or kind is tuple):
            if a is b or (id(a), id(b)) in compared:
                continue
            compared.add((id(a), id(b)))
            pairs = _members(a, b) if kind is dict else _items(a, b)
            if pairs is None:
                return False
            for x, y in pairs:
                if x is not y:
                    part = type(x)
                    if type(y) is part and (part is str or part is int or part is float or part is bool):
                        if x != y and not (part is float and x != x and y != y):
                            return False
                    else:
                        todo.append((x, y))
        elif is_tracked(a) or is_tracked(b):
            a, b = untracked(a), untracked(b)
            kept.append((a, b))
            todo.append((a, b))
        elif a is not b and not _same_leaf(a, b):
            return False
    return True


def _same_leaf(a: Any, b: Any) -> bool:
    kind = type(a)
    other = type(b)
    if (kind is int or kind is float) and (other is int or other is float):
        return bool(a == b) or (kind is float and other is float and a != a and b != b)
    if kind is not other:
        return False
    if kind is str or kind is bool:
        return bool(a == b)
    try:
        if not bool(a == b):
            return False
    except Exception:  # noqa: BLE001  # a stage's own __eq__
        return False
    return bool(record(a) == record(b))


def _items(a: Any, b: Any) -> Any:
    return zip(a, b, strict=True) if len(a) == len(b) else None


def _members(a: dict[Any, Any], b: dict[Any, Any]) -> Any:
    """The values to compare, in pairs; None when the keys say that the objects differ."""
    try:
        _join(a)
    except TypeError:
        # Keys that Python takes for one (1 and True) must be of one type.
        kinds = {key: type(key) for key in b}
        if any(kinds.get(key, type(key)) is not type(key) for key in a):
            return None
    if a.keys() == b.keys():
        return [(value, b[key]) for key, value in a.items()]
    if any(value is not ABSENT and key not in a for key, value in b.items()):
        return None
    return [(value, b.get(key, ABSENT)) for key, value in a.items()]
