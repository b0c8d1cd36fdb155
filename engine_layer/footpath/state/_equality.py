"""Is a written value the one that is there already?"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from math import isnan
from typing import Any

from footpath.state._views import TrackedDict, TrackedList
from footpath.values import ABSENT, record

_KINDS: dict[type, type] = {TrackedDict: dict, TrackedList: list}


def same(a: Any, b: Any) -> bool:
    """Deep equality of two values, by which a commit knows a write that changes nothing.

    Types count (True is not 1, "1" is not 1, a tuple is not a list), except that 1 and 1.0 are one number, 0 and -0 too,
    and NaN equals NaN. The order of an object's members does not count, and a member that is `ABSENT` equals one that is
    not there. Any other object equals one of its own class when it says so (`==`) and is recorded alike; one whose `==`
    raises equals only itself. Never raises.
    """
    todo: list[tuple[Any, Any]] = [(a, b)]
    compared: set[tuple[int, int]] = set()  # container pairs under way or done: cycles end, shared parts count once
    while todo:
        a, b = todo.pop()
        if a is b:
            continue
        kind = type(a)
        other = type(b)
        if kind is not other:
            kind = _KINDS.get(kind, kind)
            other = _KINDS.get(other, other)
        if kind is not other:
            if (kind is int or kind is float) and (other is int or other is float) and a == b:
                continue
            return False
        if kind is str or kind is int or kind is bool:
            if a != b:
                return False
        elif kind is float:
            if a != b and not (isnan(a) and isnan(b)):
                return False
        elif kind is dict or kind is TrackedDict:
            if not _begin(compared, a, b):
                continue
            if not _keys_alike(a, b):
                return False
            todo.extend([(value, b.get(key, ABSENT)) for key, value in a.items()])
            if len(a) != len(b) or any(value is ABSENT for value in a.values()):
                if any(value is not ABSENT and key not in a for key, value in b.items()):
                    return False
            elif a.keys() != b.keys():
                return False
        elif kind is list or kind is tuple or kind is TrackedList:
            if len(a) != len(b):
                return False
            if _begin(compared, a, b):
                todo.extend(zip(a, b, strict=True))
        elif not _same_object(a, b):
            return False
    return True


def _begin(compared: set[tuple[int, int]], a: Any, b: Any) -> bool:
    pair = (id(a), id(b))
    if pair in compared:
        return False
    compared.add(pair)
    return True


def _keys_alike(a: dict[Any, Any], b: dict[Any, Any]) -> bool:
    """Keys that Python takes for one (1 and True) must be of one type."""
    if all(type(key) is str for key in a):
        return True
    kinds = {key: type(key) for key in b}
    return all(kinds.get(key, type(key)) is type(key) for key in a)


def _same_object(a: Any, b: Any) -> bool:
    try:
        if not bool(a == b):
            return False
    except Exception:  # noqa: BLE001  # a stage's own __eq__
        return False
    return bool(record(a) == record(b))
