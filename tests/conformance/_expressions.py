"""Evaluates the expressions of a case: `["$add", ["$get", "n"], 1]` and the like (FORMAT, "Expressions").

What an expression may look at comes as a `Context`, so that stage programs and subflow mappings, which see different
things, share one evaluator. Every access goes to the context once per evaluation: a read is an event.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from tests.conformance import _js
from tests.conformance._js import ABSENT

__all__ = ["FORMS", "CaseError", "CaseFormatError", "Context", "evaluate", "segments", "walk"]


class CaseError(Exception):
    """An error that the case itself raises, with the name and code it asks for.

    Attributes:
        name: what the reference shows as the error's name; "Error" unless the case says otherwise.
        code: present only when the case gives one.
    """

    def __init__(self, message: str, name: str = "Error", code: str | None = None) -> None:
        super().__init__(message)
        self.name = name
        if code is not None:
            self.code = code


class CaseFormatError(Exception):
    """The case says something that FORMAT does not know."""


class Context(Protocol):
    """What expressions see. Each call is one access."""

    variables: dict[str, Any]

    def get(self, path: list[str]) -> Any:
        """A tracked read of the first segment, then own members; ABSENT when missing."""
        ...

    def has(self, key: str) -> bool:
        """Whether the key is in state."""
        ...

    def source(self, name: str) -> Any:
        """The run's `args` or `env`, the resume `input`, or the mapping's `parent`."""
        ...


def segments(path: Any) -> list[str]:
    """A path as a list of keys, from `"a.b"` or `["a", "b"]`."""
    return [_js.text(s) for s in path] if isinstance(path, list) else _js.text(path).split(".")


def walk(value: Any, path: list[str]) -> Any:
    """Follow own members; ABSENT as soon as one is missing."""
    for segment in path:
        value = _js.member(value, segment)
        if value is ABSENT:
            break
    return value


def is_expression(x: Any) -> bool:
    """A list that starts with a `$` word; everything else is a literal."""
    return isinstance(x, list) and bool(x) and isinstance(x[0], str) and x[0].startswith("$")


def evaluate(x: Any, context: Context) -> Any:
    """The value of an expression or literal, always a private copy."""
    if not is_expression(x):
        return _js.copy(x)
    form = FORMS.get(x[0])
    if form is None:
        raise CaseFormatError(f"unknown expression {x[0]}")
    return form(x[1:], context)


Form = Callable[[list[Any], Context], Any]


def _source(name: str) -> Form:
    def form(a: list[Any], c: Context) -> Any:
        value = c.source(name)
        return _js.copy(walk(value, segments(a[0])) if a else value)

    return form


def _variable(a: list[Any], c: Context) -> Any:
    value = c.variables.get(a[0], ABSENT)
    return _js.copy(walk(value, segments(a[1])) if len(a) > 1 else value)


def _object(a: list[Any], c: Context) -> Any:
    return {key: evaluate(x, c) for key, x in a[0].items()}


def _range(a: list[Any], c: Context) -> Any:
    length = _js.number(evaluate(a[0], c))
    return list(range(0 if math.isnan(length) else max(0, int(length))))


def _default(a: list[Any], c: Context) -> Any:
    value = evaluate(a[0], c)
    return evaluate(a[1], c) if value is ABSENT or value is None else value


def _at(a: list[Any], c: Context) -> Any:
    value = evaluate(a[0], c)
    return _js.member(value, evaluate(a[1], c))


def _all(a: list[Any], c: Context) -> bool:
    return all(_js.truthy(evaluate(x, c)) for x in a)


def _any(a: list[Any], c: Context) -> bool:
    return any(_js.truthy(evaluate(x, c)) for x in a)


def _if(a: list[Any], c: Context) -> Any:
    branch = 1 if _js.truthy(evaluate(a[0], c)) else 2
    return evaluate(a[branch], c) if branch < len(a) else ABSENT


def _throw(a: list[Any], c: Context) -> Any:
    raise CaseError(_message(evaluate(a[0], c)))


def _message(value: Any) -> str:
    """An error's message: the value's text, containers as outside JSON."""
    return value if isinstance(value, str) else _js.text(_js.add("", value))


def _two(operation: Callable[[Any, Any], Any]) -> Form:
    def form(a: list[Any], c: Context) -> Any:
        left = evaluate(a[0], c)
        return operation(left, evaluate(a[1], c))

    return form


FORMS: dict[str, Form] = {
    "$lit": lambda a, _: _js.copy(a[0]),
    "$get": lambda a, c: _js.copy(c.get(segments(a[0]))),
    "$has": lambda a, c: c.has(a[0]),
    "$args": _source("args"),
    "$env": _source("env"),
    "$input": _source("input"),
    "$parent": _source("parent"),
    "$var": _variable,
    "$obj": _object,
    "$arr": lambda a, c: [evaluate(x, c) for x in a],
    "$undefined": lambda _a, _c: ABSENT,
    "$nan": lambda _a, _c: math.nan,
    "$inf": lambda _a, _c: math.inf,
    "$date": lambda a, _: _js.date(a[0]),
    "$repeat": lambda a, _: _js.text(a[0]) * int(a[1]),
    "$range": _range,
    "$default": _default,
    "$add": _two(_js.add),
    "$sub": _two(lambda x, y: _js.arithmetic("sub", x, y)),
    "$mul": _two(lambda x, y: _js.arithmetic("mul", x, y)),
    "$div": _two(lambda x, y: _js.arithmetic("div", x, y)),
    "$mod": _two(lambda x, y: _js.arithmetic("mod", x, y)),
    "$concat": lambda a, c: "".join([_js.text(evaluate(x, c)) for x in a]),
    "$len": lambda a, c: _js.size(evaluate(a[0], c)),
    "$at": _at,
    "$eq": _two(_js.strictly_equal),
    "$ne": _two(lambda x, y: not _js.strictly_equal(x, y)),
    "$lt": _two(lambda x, y: _js.less(x, y) is True),
    "$lte": _two(lambda x, y: _js.less(y, x) is False),
    "$gt": _two(lambda x, y: _js.less(y, x) is True),
    "$gte": _two(lambda x, y: _js.less(x, y) is False),
    "$and": _all,
    "$or": _any,
    "$not": lambda a, c: not _js.truthy(evaluate(a[0], c)),
    "$if": _if,
    "$throw": _throw,
}
