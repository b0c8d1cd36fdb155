"""Turns the programs of a case into stage functions (FORMAT, "Programs").

A program runs as a generator that yields the seconds to wait, so that the same code serves a plain function (which may
not wait) and an `async def`. State is reached as a user would: `scope[key]`, views of containers, and `ops(scope)`.
"""

from __future__ import annotations

import asyncio
import copy
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from footpath import DynamicSubflow, StageNode, decide, interrupt, ops, select
from footpath.state import untracked
from tests.conformance import _js
from tests.conformance._expressions import CaseError, CaseFormatError, evaluate, segments, walk
from tests.conformance._hiding import Hiding
from tests.conformance._js import ABSENT

__all__ = ["ARRAY_METHODS", "OPS", "Runtime", "StageContext", "resume_function", "stage_function"]

Steps = Generator[float, None, "Return | None"]
Program = list[list[Any]]


class Runtime:
    """What all programs of a case share.

    Attributes:
        failures: executions so far of each `fail_times` op, by the op's identity; emptied before each run.
        goes_on: whether the stage that begins next is the one that a pause stopped.
        resume_input_given: whether the resume at hand came with an input. Python says None for both "no input" and
            null; the case tells them apart, so the interpreter does.
        chart_of: builds the chart of a chart position; set, as the next, by `ChartBuilding`.
        mount_options: the keyword arguments of a mount.
        hiding: learns what the run at hand writes where it is to be hidden.
        merged_whole: dates and errors that the run at hand merged into something; see `_js.mergeable`.
        hung: ids of the mounts that in the run at hand handed out members by name over a list or a date.
    """

    def __init__(self) -> None:
        self.failures: dict[int, int] = {}
        self.resume_input_given = False
        self.goes_on = False
        self.chart_of: Callable[[Any], Any] = _unset
        self.mount_options: Callable[[Any], dict[str, Any]] = _unset
        self.hiding = Hiding()
        self.merged_whole: list[Any] = []
        self.hung: list[str] = []


def _unset(_: Any) -> Any:
    raise CaseFormatError("no chart is being built")


class Return:
    """The end of a program with a value."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class StageContext:
    """What a stage's expressions see: its scope, the run's args and env, the resume input."""

    def __init__(self, scope: Any, runtime: Runtime, resume_input: Any = ABSENT, *, streaming: bool = False) -> None:
        self.scope = scope
        self.ops = ops(scope)
        self.runtime = runtime
        self.variables: dict[str, Any] = {}
        self.resume_input = resume_input
        self.streaming = streaming

    def get(self, path: list[str]) -> Any:
        return walk(self.ops.get(path[0], ABSENT), path[1:])

    def has(self, key: str) -> bool:
        return key in self.scope

    def source(self, name: str) -> Any:
        if name == "args":
            return self.ops.args
        if name == "env":
            return self.ops.env
        return self.resume_input if name == "input" else ABSENT


# ── stage functions ──────────────────────────────────────────────────────────────────────────────────────────────────
def stage_function(spec: Mapping[str, Any], runtime: Runtime, *, streaming: bool = False) -> Callable[..., Any]:
    """The function of a stage, decider or selector: `async def`, or plain when the case says `sync`."""

    def body(scope: Any) -> Generator[float, None, Any]:
        # The reference gives a stage that goes on nothing to send tokens with, so they are not evaluated there.
        goes_on, runtime.goes_on = runtime.goes_on, False
        context = StageContext(scope, runtime, streaming=streaming and not goes_on)
        ended = yield from _run(spec.get("program"), context)
        if ended and ended.value is None and "resume" in spec and not goes_on:
            # A pausable stage's own None would say that it does not pause; one that goes on never does by what it returns.
            return {"pause": True, "data": None}
        if ended:
            return _returned(ended)
        if spec.get("decide"):
            return decide(scope, _rules(spec["decide"]["rules"], context), spec["decide"].get("default"))
        if spec.get("select"):
            return select(scope, _rules(spec["select"]["rules"], context))
        return None

    if spec.get("sync"):

        def stage(scope: Any) -> Any:
            return _at_once(body(scope))

        return stage

    async def async_stage(scope: Any) -> Any:
        return await _waiting(body(scope))

    return async_stage


def resume_function(spec: Mapping[str, Any], runtime: Runtime) -> Callable[..., Any]:
    """The resume half of a pausable stage, called with the scope and the input."""

    def body(scope: Any, resume_input: Any) -> Generator[float, None, Any]:
        runtime.goes_on = False
        given = resume_input if runtime.resume_input_given else ABSENT
        ended = yield from _run(spec.get("resume"), StageContext(scope, runtime, given))
        return _returned(ended) if ended else None

    if spec.get("sync"):

        def resume(scope: Any, resume_input: Any) -> Any:
            return _at_once(body(scope, resume_input))

        return resume

    async def async_resume(scope: Any, resume_input: Any) -> Any:
        return await _waiting(body(scope, resume_input))

    return async_resume


def _at_once(steps: Generator[float, None, Any]) -> Any:
    try:
        next(steps)
    except StopIteration as end:
        return end.value
    raise CaseFormatError("sleep in a sync stage")


async def _waiting(steps: Generator[float, None, Any]) -> Any:
    while True:
        try:
            delay_s = next(steps)
        except StopIteration as end:
            return end.value
        await asyncio.sleep(delay_s)


def _returned(ended: Return) -> Any:
    """A Python stage that returns nothing returns None."""
    return None if ended.value is ABSENT else ended.value


def _rules(rules: list[dict[str, Any]], context: StageContext) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for rule in rules:
        when = rule.get("when")
        if isinstance(when, dict) and "fn" in when:
            when = _function_rule(when["fn"], context)
        made.append({"when": when, **{key: rule[key] for key in ("then", "label") if key in rule}})
    return made


def _function_rule(expression: Any, context: StageContext) -> Callable[..., bool]:
    return lambda _scope: _js.truthy(evaluate(expression, context))


# ── ops ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _run(program: Program | None, c: StageContext) -> Steps:
    """Run ops in order until one ends the program."""
    for op in program or ():
        name, *a = op
        if name == "sleep":
            yield a[0] / 1000
        elif name == "if":
            holds = _js.truthy(evaluate(a[0], c))
            ended = yield from _run(a[1] if holds else a[2] if len(a) > 2 else None, c)
            if ended:
                return ended
        elif name == "return":
            return Return(evaluate(a[0], c))
        elif name == "return_next":
            return Return(_next_node(a[0], c.runtime))
        elif name == "return_subflows":
            return Return(_subflows_node(a[0], a[1], c.runtime))
        elif name == "fail_times":
            _fail_times(op, a, c)
        else:
            effect = _EFFECTS.get(name)
            if effect is None:
                raise CaseFormatError(f"unknown op {name}")
            effect(a, c)
    return None


def _write(a: list[Any], c: StageContext) -> None:
    value = evaluate(a[1], c)
    options = a[2] if len(a) > 2 and a[2] else {}
    c.runtime.hiding.wrote(a[0], value, redact=options.get("redact") is True)
    if options:
        c.ops.set(a[0], value, redact=options.get("redact") is True, description=options.get("description"))
    else:
        c.scope[a[0]] = value


def _args(a: list[Any], c: StageContext) -> None:
    value = evaluate(["$args", a[0]], c)
    c.runtime.hiding.wrote(a[1], value)
    c.scope[a[1]] = value


def _read(a: list[Any], c: StageContext) -> None:
    c.ops.get(a[0])


def _read_path(a: list[Any], c: StageContext) -> None:
    c.get(segments(a[0]))


def _update(a: list[Any], c: StageContext) -> None:
    patch = evaluate(a[1], c)
    c.runtime.hiding.wrote(a[0], patch)
    c.ops.update(a[0], _js.mergeable(patch, c.runtime.merged_whole.append))


def _delete(a: list[Any], c: StageContext) -> None:
    c.ops.delete(a[0])


def _batch(a: list[Any], c: StageContext) -> None:
    c.ops.append_all(a[0], [evaluate(x, c) for x in a[1]])
    _note_whole(a[0], c)


def _note_whole(key: str, c: StageContext) -> None:
    """A change inside of a list writes the whole of what stands under its key."""
    held = c.ops._frame.lookup(key)
    if held is not ABSENT:
        c.runtime.hiding.wrote(key, copy.deepcopy(untracked(held)))


def _let(a: list[Any], c: StageContext) -> None:
    c.variables[a[0]] = evaluate(a[1], c)


def _emit(a: list[Any], c: StageContext) -> None:
    if len(a) > 1:
        payload = evaluate(a[1], c)
        c.runtime.hiding.emitted(a[0], payload)
        c.ops.emit(a[0], payload)
    else:
        c.ops.emit(a[0])


def _diagnostic(prefix: str, a: list[Any], c: StageContext) -> Any:
    """The value of a diagnostic, which is emitted, too, by a name of its own."""
    value = evaluate(a[1], c)
    c.runtime.hiding.emitted(prefix + a[0], value)
    return value


def _break(a: list[Any], c: StageContext) -> None:
    if a:
        c.ops.break_flow(evaluate(a[0], c))
    else:
        c.ops.break_flow()


def _throw(a: list[Any], c: StageContext) -> None:
    raise _error(evaluate(a[0], c), a[1] if len(a) > 1 else None)


def _token(a: list[Any], c: StageContext) -> None:
    if c.streaming:  # elsewhere the token is not even evaluated
        c.ops.token(evaluate(a[0], c))


def _interrupt(a: list[Any], c: StageContext) -> None:
    answer = interrupt(c.scope, evaluate(a[0], c))
    if len(a) > 1 and a[1]:
        c.runtime.hiding.wrote(a[1], answer)
        c.scope[a[1]] = answer if c.runtime.resume_input_given else ABSENT


def _fail_times(op: list[Any], a: list[Any], c: StageContext) -> None:
    seen = c.runtime.failures.get(id(op), 0)
    if seen < a[0]:
        c.runtime.failures[id(op)] = seen + 1
        raise _error(evaluate(a[1], c), a[2] if len(a) > 2 else None)


def _error(message: Any, options: Mapping[str, Any] | None) -> CaseError:
    chosen = options or {}
    return CaseError(_js.add("", message), chosen.get("name") or "Error", chosen.get("code") or None)


# ── nested access ────────────────────────────────────────────────────────────────────────────────────────────────────
def _reach(c: StageContext, path: list[str]) -> Any:
    """Follow a path by subscripts, as `scope["a"]["b"][0]` does: one tracked read, of the root key."""
    place = c.scope
    for segment in path:
        place = _inside(place, segment, c)
    return place


def _inside(place: Any, segment: str, c: StageContext) -> Any:
    return _something(place, segment)[_subscript(place, segment, c)]


def _something(place: Any, segment: str) -> Any:
    """A place that has members.

    Raises:
        CaseFormatError: it is nothing. JavaScript fails in its own words there, and Python in others.
    """
    if place is None or place is ABSENT:
        raise CaseFormatError(f"there is nothing that has a member {segment!r}")
    return place


def _list_at(c: StageContext, path: list[str]) -> Any:
    """The list at a path.

    Raises:
        CaseFormatError: there is none. JavaScript fails in its own words there, and Python in others.
    """
    place = _reach(c, path)
    if not isinstance(place, list):
        raise CaseFormatError(f"there is no list at {path}")
    return place


def _subscript(place: Any, segment: str, c: StageContext) -> Any:
    """An item's number, in a list; of a list's other members, which JavaScript would look for by their names, the name."""
    if place is c.scope or isinstance(place, Mapping):
        return segment
    index = _js.number(segment)
    return int(index) if index >= 0 and index.is_integer() else segment


def _update_path(a: list[Any], c: StageContext) -> None:
    value = evaluate(a[1], c)
    path = segments(a[0])
    c.runtime.hiding.wrote_at(path, value)
    *above, last = path
    place, in_list = c.scope, False
    for segment in above:
        place = _inside(place, segment, c)
        in_list = in_list or not isinstance(place, Mapping)
    if above and not in_list and not isinstance(value, list):
        value = _js.mergeable(value, c.runtime.merged_whole.append)
    key = _subscript(_something(place, last), last, c)
    if isinstance(key, str) and isinstance(place, Sequence):
        if key == "length" and _js.whole(_js.number(value)) == value:
            place[value:] = [None] * (value - len(place))
        return  # the reference takes no other name on a list
    if isinstance(key, int) and key >= len(place):
        place.extend([*[None] * (key - len(place)), value])  # a JavaScript array grows; the gap is kept as null
    else:
        place[key] = value
    if in_list:
        _note_whole(path[0], c)


def _delete_path(a: list[Any], c: StageContext) -> None:
    *above, last = segments(a[0])
    if not above:
        c.ops.delete(last)
        return
    root = c.scope[above[0]]
    place = root
    for segment in above[1:]:
        place = place[_subscript(place, segment, c)]
    if isinstance(place, (bool, int, float, str)):
        return  # JavaScript finds nothing to delete in a number or a text
    key = _subscript(place, last, c)
    if isinstance(key, str) and isinstance(place, Mapping) and key in place:
        del place[key]
    elif isinstance(key, int) and key < len(place):
        place[key] = None  # `delete` leaves a hole in a JavaScript array, which is kept as null
    else:
        c.scope[above[0]] = root  # of what is not there, it writes the root again as it was
    _note_whole(above[0], c)


def _push(a: list[Any], c: StageContext) -> None:
    values = [evaluate(x, c) for x in a[1:]]
    path = _path(a[0])
    place = _list_at(c, path)
    if len(values) == 1:
        place.append(values[0])
    else:
        place.extend(values)
    _note_whole(path[0], c)


def _path(key_or_path: Any) -> list[str]:
    return segments(key_or_path) if isinstance(key_or_path, list) else [key_or_path]


def _array(a: list[Any], c: StageContext) -> None:
    values = [evaluate(x, c) for x in (a[2] if len(a) > 2 else [])]
    method = ARRAY_METHODS.get(a[1])
    if method is None:
        raise CaseFormatError(f"unknown array method {a[1]}")
    path = _path(a[0])
    method(_list_at(c, path), values)
    _note_whole(path[0], c)


def _pop(place: Any, _: list[Any]) -> None:
    if len(place):
        place.pop()
    else:
        place.extend([])


def _shift(place: Any, _: list[Any]) -> None:
    if len(place):
        place.pop(0)
    else:
        place.extend([])


def _unshift(place: Any, values: list[Any]) -> None:
    place[0:0] = values


def _splice(place: Any, values: list[Any]) -> None:
    length = len(place)
    start = _clamped(values[0], length) if values else 0
    if len(values) > 1:
        removed = min(max(0, int(_finite(values[1], length))), length - start)
    else:
        removed = length - start if values else 0
    place[start : start + removed] = values[2:]


def _clamped(value: Any, length: int) -> int:
    index = int(_finite(value, length))
    return max(0, length + index) if index < 0 else min(index, length)


def _finite(value: Any, length: int) -> float:
    x = _js.number(value)
    return 0 if math.isnan(x) else max(-length, min(length, x))


def _sort(place: Any, _: list[Any]) -> None:
    place.sort(key=lambda item: (item is ABSENT, _js.utf16(_js.add("", item))))


def _reverse(place: Any, _: list[Any]) -> None:
    place.reverse()


ARRAY_METHODS: dict[str, Callable[[Any, list[Any]], None]] = {
    "pop": _pop,
    "shift": _shift,
    "unshift": _unshift,
    "splice": _splice,
    "sort": _sort,
    "reverse": _reverse,
}

_EFFECTS: dict[str, Callable[[list[Any], StageContext], None]] = {
    "write": _write,
    "read": _read,
    "read_path": _read_path,
    "args": _args,
    "update": _update,
    "update_path": _update_path,
    "delete": _delete,
    "delete_path": _delete_path,
    "push": _push,
    "array": _array,
    "batch": _batch,
    "let": _let,
    "emit": _emit,
    "debug": lambda a, c: c.ops.debug(a[0], _diagnostic("log.debug.", a, c)),
    "log": lambda a, c: c.ops.log(evaluate(a[0], c)),
    "metric": lambda a, c: c.ops.metric(a[0], _diagnostic("metric.", a, c)),
    "eval": lambda a, c: c.ops.evaluate(a[0], _diagnostic("eval.", a, c)),
    "error_info": lambda a, c: c.ops.error(a[0], _diagnostic("log.error.", a, c)),
    "break": _break,
    "throw": _throw,
    "token": _token,
    "interrupt": _interrupt,
}


OPS = frozenset({"sleep", "if", "return", "return_next", "return_subflows", "fail_times", *_EFFECTS})
"""Every op that a program may hold."""


# ── nodes that stages return ─────────────────────────────────────────────────────────────────────────────────────────
def _next_node(node: Mapping[str, Any], runtime: Runtime) -> StageNode:
    """A node whose next is a new stage, or an existing id."""
    if "target" in node:
        following = StageNode(node["target"], node["target"])
    else:
        following = StageNode(node["id"], node["name"], stage_function(node, runtime))
    return StageNode(node["id"], node["name"], next=following)


_BUILD_TIME = frozenset({"tags", "converge_at"})
"""Options of a mount that only its builder knows: a node that a stage returns has none."""


def _subflows_node(name: str, children: list[Mapping[str, Any]], runtime: Runtime) -> StageNode:
    """A node whose children are mounted charts."""
    made = [
        DynamicSubflow(
            child["id"],
            child["name"],
            runtime.chart_of(child["chart"]),
            **{name: held for name, held in runtime.mount_options(child).items() if name not in _BUILD_TIME},
        )
        for child in children
    ]
    return StageNode(name, name, children=made)
