"""Comparing as footprintjs does: JavaScript's equality and order, over recorded and live values."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import operator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from footpath.values import ABSENT, JS_WHITESPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NO_MORE: Any = object()
_INFINITY = float("inf")
_NAN = float("nan")


def strictly_equal(left: Any, right: Any) -> bool:
    """Equality without coercion: numbers by value, texts by text, True and None only with themselves, containers never."""
    kind, other = type(left), type(right)
    if kind is bool or other is bool:
        return kind is bool and other is bool and left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right
    if kind is str:
        return other is str and left == right
    return left is right and (left is None or left is ABSENT)


def _same_value(left: Any, right: Any) -> bool:
    both_nan = type(left) is float and type(right) is float and left != left and right != right
    return both_nan or strictly_equal(left, right)


def _primitive(value: Any) -> Any:
    """A container as the text that JavaScript would compare."""
    if isinstance(value, (list, tuple)):
        return _array_text(value)
    return "[object Object]" if isinstance(value, dict) else _moment(value)


def length(threshold: Any) -> int:
    """Of a list or tuple, also one of a class of its own; of anything else 0."""
    if isinstance(threshold, list):
        return list.__len__(threshold)
    return tuple.__len__(threshold) if isinstance(threshold, tuple) else 0


def _moment(value: Any) -> Any:
    """A point in time as milliseconds, any other value itself."""
    return value.timestamp() * 1000 if isinstance(value, datetime) else value


def _array_text(array: Any) -> str:
    """Items with commas between, arrays in it likewise; an array that stands in itself is empty there."""
    from footpath.values import js_text  # rules compare scalars, as a rule

    texts: list[str] = []
    todo: list[tuple[Any, Iterator[Any]]] = [(array, iter(array))]
    under = {id(array)}
    first = True
    while todo:
        box, items = todo[-1]
        item = next(items, _NO_MORE)
        if item is _NO_MORE:
            todo.pop()
            under.discard(id(box))
            first = False
            continue
        if not first:
            texts.append(",")
        first = False
        if isinstance(item, (list, tuple)):
            if id(item) not in under:
                under.add(id(item))
                todo.append((item, iter(item)))
                first = True
        elif isinstance(item, dict):
            texts.append("[object Object]")
        elif isinstance(item, datetime):
            texts.append(f"{item.astimezone(UTC):%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)")
        elif item is not None and item is not ABSENT:
            texts.append(js_text(item))
    return "".join(texts)


def _number(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, (bool, int, float)):
        try:
            return float(value)
        except OverflowError:
            return _INFINITY if value > 0 else -_INFINITY
    if isinstance(value, str):
        text = value.strip(JS_WHITESPACE)
        if not text:
            return 0.0
        if text[:2].lower() in ("0x", "0o", "0b"):
            try:
                return float(int(text, 0))
            except ValueError:
                return _NAN
        if text in ("Infinity", "+Infinity", "-Infinity"):
            return _INFINITY if text[0] != "-" else -_INFINITY
        if text[-1:].isdigit() or text[-1:] == ".":
            try:
                return _NAN if "_" in text else float(text)
            except ValueError:
                return _NAN
    return _NAN


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(actual: Any, threshold: Any) -> bool:
        kind, other = type(actual), type(threshold)
        if (kind is int or kind is float) and (other is int or other is float):
            try:
                return test(float(actual), float(threshold))
            except OverflowError:
                pass
        if actual is ABSENT or threshold is ABSENT:
            return False
        left, right = _primitive(actual), _primitive(threshold)
        if isinstance(left, str) and isinstance(right, str):
            # JavaScript orders texts by UTF-16 unit, which differs from Python's order beyond the basic plane.
            return test(left.encode("utf-16-be", "surrogatepass"), right.encode("utf-16-be", "surrogatepass"))
        return test(_number(left), _number(right))

    return compare


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": strictly_equal,
    "ne": lambda actual, threshold: not strictly_equal(actual, threshold),
    "gt": _ordered(operator.gt),
    "gte": _ordered(operator.ge),
    "lt": _ordered(operator.lt),
    "lte": _ordered(operator.le),
    "in": lambda actual, threshold: (
        isinstance(threshold, (list, tuple)) and any(_same_value(actual, item) for item in threshold)
    ),
    "notIn": lambda actual, threshold: (
        not (isinstance(threshold, (list, tuple)) and any(_same_value(actual, item) for item in threshold))
    ),
}
