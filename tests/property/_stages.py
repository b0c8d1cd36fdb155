"""What generated stages do: lists of operations, drawn as data and carried out on a real scope.

Operations that do not fit what the state holds at the moment are passed over, so that most runs get far.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from functools import partial
from typing import Any

from hypothesis import strategies as st

from footpath import decide, interrupt, ops, select
from footpath.errors import StateError
from footpath.state import untracked
from footpath.values import plain, record, recorded_name
from tests.property._values import ODD, PLAIN, WORDS, Recipe, made, recipes

Op = tuple[Any, ...]
HALF = "half \ud83d"
"""A name that UTF-8 can't hold."""
AS_IF = "half \ufffd\\ud83d"
"""One that reads as if it were one of those, recorded."""
KEYS = (
    "k0",
    "k1",
    "l0",
    "o0",
    "o1",
    "a.b",
    "é",
    "__class__",
    HALF,
    AS_IF,
    "$footpath",
    "",
    "runs/\n\x00[0]#1",
    "\u202e\u0661",
)
INPUT_KEYS = ("i0", "i1", "i\udc00")


class OrderError(Exception):
    """What generated stages raise; has all that an error may carry."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = "E_ORDER"
        self.issues = [{"path": ["a"], "message": text}]


class MuteError(Exception):
    """Has no text, and answers no question."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__

    @property
    def name(self) -> str:
        raise RuntimeError("no name")

    @property
    def code(self) -> str:
        raise RuntimeError("no code")

    @property
    def issues(self) -> list[Any]:
        raise RuntimeError("no issues")


class _Held:
    def __init__(self) -> None:
        self.attempts: dict[str, int] = {}
        self.kept: list[Any] = []
        self.marked: set[tuple[str, Any]] = set()
        self.scopes: list[Any] = []
        self.seen: list[tuple[str, Any]] = []


class World:
    """What stages share besides the state, begun anew for each run.

    It is held by the context of who runs, so that one chart may run many times at once, each run in a world of its own;
    and so that a stage which does not see its caller's context is found out.

    Attributes:
        attempts: executions so far, by stage.
        kept: containers that stages hold on to after they gave them to the state.
        marked: canaries that a write has made secret, and how.
        scopes: scopes, and views that came out of them, that stages let out.
        seen: what stages read, by key, in its recorded form.
    """

    attempts: dict[str, int]
    kept: list[Any]
    marked: set[tuple[str, Any]]
    scopes: list[Any]
    seen: list[tuple[str, Any]]

    def __init__(self) -> None:
        self._held: ContextVar[_Held] = ContextVar("world")
        self.begin()

    def begin(self) -> None:
        self._held.set(_Held())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._held.get(), name)

    def attempt(self, stage_id: str) -> int:
        """Count an execution; gives how many there were before."""
        before = self.attempts.get(stage_id, 0)
        self.attempts[stage_id] = before + 1
        return before


def _pool() -> tuple[Op, ...]:
    """Operations over every key, with values of every kind; drawing one is then a single choice."""
    dice = random.Random(7)
    plain: tuple[Recipe, ...] = tuple(("json", value) for value in PLAIN)
    odd: tuple[Recipe, ...] = tuple((kind, name) for name in sorted(ODD) for kind in ("odd", "around odd"))
    values = (*plain, *plain, *odd)

    def key() -> str:
        return dice.choice(KEYS)

    def value() -> Recipe:
        return dice.choice(values)

    makers: tuple[tuple[int, Callable[[], Op]], ...] = (
        (3, lambda: ("set", dice.choice(("l0", "o0")), dice.choice(plain))),
        (2, lambda: ("set", "l0", ("json", [1, {"a": [2]}]))),
        (2, lambda: ("set", "o0", ("json", {"a": {"b": 1}, "l": [1, 2]}))),
        (1, lambda: ("nested", key(), dice.randint(1, 3), value())),
        (2, lambda: ("nested", "o0", dice.randint(1, 3), value())),
        (2, lambda: ("list", "l0", dice.choice(sorted(LIST_CHANGES)), value())),
        (1, lambda: ("list", "o0", dice.choice(sorted(LIST_CHANGES)), value())),
        (1, lambda: ("drop member", dice.choice(("o0", "o1")))),
        (2, lambda: ("update", key(), value())),
        (1, lambda: ("append all", dice.choice(("l0", "k0")), value())),
        (1, lambda: ("delete", key())),
        (2, lambda: ("read", dice.choice((*KEYS, "never", *INPUT_KEYS)))),
        (1, lambda: ("has", key())),
        (1, lambda: ("get", key())),
        (1, lambda: ("names",)),
        (1, lambda: ("copy", key(), key())),
        (1, lambda: ("derive", key(), dice.choice(KEYS[:2]))),
        (1, lambda: ("keep", key(), ("json", dice.choice(([1], {"a": 1}, {"l": [1]}))))),
        (1, lambda: ("change kept",)),
        (1, lambda: ("change at once", dice.choice(KEYS[:4]))),
        (1, lambda: ("described", key(), value())),
        (1, lambda: ("args", dice.choice(KEYS[:2]))),
        (1, lambda: ("env", dice.choice(KEYS[:2]))),
        (1, lambda: ("emit", dice.choice(("app.x", "app.y", "é", HALF)), value())),
        (1, lambda: ("emit nothing", "app.z")),
        (1, lambda: ("note", dice.choice(("debug", "error", "metric", "evaluate")), dice.choice(("n", HALF)), value())),
        (1, lambda: ("log", value())),
        (1, lambda: ("token", dice.choice(WORDS))),
        (2, lambda: ("wait", dice.choice(sorted(WAITS)), dice.randint(1, 3))),
        (1, lambda: ("append kept", dice.choice(("l0", "o0")), ("json", dice.choice(([1], {"a": 1}))))),
        (1, lambda: ("by c code", dice.choice(("l0", "o0")))),
        (1, lambda: ("let out", dice.choice(("l0", "o0")))),
        (1, lambda: ("use what was let out",)),
        (1, lambda: ("in place", dice.choice(("l0", "o0", "k1")), value())),
        (1, lambda: ("copy inside", dice.choice(("l0", "o0")), dice.choice(KEYS[:4]))),
        (1, lambda: ("again and again", dice.randint(2, 5))),
    )
    found: list[Op] = [("set", name, one) for one in dict.fromkeys((*plain[:8], *odd)) for name in ("k0",)]
    for weight, make in makers:
        found += [make() for _ in range(weight * 24)]
    dice.shuffle(found)
    return (("read", "k0"), *found)  # what a shrunk example is made of comes first


_LAST: tuple[Op | None, ...] = (
    *(None,) * 16,
    ("return", ("json", {"a": 1})),
    ("return", ("json", "text")),
    ("return", ("odd", "nan")),
    ("return", ("odd", "list knot")),
    ("break", None),
    ("break", ("json", "why")),
    ("break", ("odd", "dataclass")),
    ("raise", "value"),
    ("raise", "order"),
    ("raise", "mute"),
    ("raise", "half"),
    ("raise", "from state"),
)


def operations() -> st.SearchStrategy[Op]:
    """One operation; mostly of a fixed choice, now and then with a value that hypothesis invents."""
    known = st.sampled_from(POOL)
    return st.one_of(known, known, known, st.tuples(st.just("set"), st.sampled_from(KEYS), recipes()))


def bodies(size: int = 4) -> st.SearchStrategy[tuple[Op, ...]]:
    """A stage's operations, and how it ends."""
    return st.builds(
        lambda body, last: (*body, last) if last is not None else tuple(body),
        st.lists(operations(), max_size=size),
        st.sampled_from(_LAST),
    )


# ── carrying out ─────────────────────────────────────────────────────────────────────────────────────────────────────
class Returned:
    """The end of a body, with a value."""

    def __init__(self, value: Any) -> None:
        self.value = value


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def _set_later(count: int) -> None:
    """A future that somebody else sets, so many turns from now."""
    future = asyncio.get_running_loop().create_future()

    def soon(left: int) -> None:
        if left:
            asyncio.get_running_loop().call_soon(soon, left - 1)
        else:
            future.set_result(None)

    soon(count)
    await future


async def _told(count: int) -> None:
    """An event, which another task tells."""
    event = asyncio.Event()

    async def tell() -> None:
        await _turns(count)
        event.set()

    telling = asyncio.create_task(tell())
    await event.wait()
    await telling


async def _gathered(count: int) -> None:
    await asyncio.gather(*(_turns(each) for each in range(count + 1)))


async def _failed_inside(count: int) -> None:
    """An error that ends inside of what was waited for."""

    async def fail() -> None:
        await _turns(count)
        raise OrderError("inside")

    with contextlib.suppress(OrderError):
        await asyncio.create_task(fail())


WAITS: dict[str, Callable[[int], Coroutine[Any, Any, None]]] = {
    "turns": _turns,
    "set later": _set_later,
    "told": _told,
    "gathered": _gathered,
    "failed inside": _failed_inside,
}
"""How an async stage waits. By turns of the loop alone, so that who comes first does not hang on a clock."""


def carried_out(
    body: tuple[Op, ...], scope: Any, world: World
) -> Generator[Callable[[], Coroutine[Any, Any, None]], None, Any]:
    """Do each operation; yields where an async stage waits, for what. Gives what the stage returns."""
    for name, *rest in body:
        if name == "wait":
            yield partial(WAITS[rest[0]], rest[1])
            continue
        done = DO[name](scope, world, *rest)
        if type(done) is Returned:
            return done.value
    return None


def _set(scope: Any, _: World, key: str, value: Recipe) -> None:
    scope[key] = made(value)


def _read(scope: Any, world: World, key: str) -> None:
    value = scope[key]
    world.seen.append((recorded_name(key), plain(record(untracked(value)))))


def _nested(scope: Any, _: World, key: str, levels: int, value: Recipe) -> None:
    holder = scope[key]
    for _ in range(levels - 1):
        inner = holder.get("a") if isinstance(holder, dict) else None
        if not isinstance(inner, dict):
            break
        holder = inner
    if isinstance(holder, dict):
        holder["a" if levels == 1 else "n"] = made(value)
    elif type(holder).__name__ == "TrackedList":
        holder[:] = [made(value), *holder]


LIST_CHANGES: dict[str, Callable[[Any, Any], Any]] = {
    "append": lambda items, value: items.append(value),
    "extend": lambda items, value: items.extend([value, value]),
    "insert": lambda items, value: items.insert(0, value),
    "pop": lambda items, _: items and items.pop(),
    "reverse": lambda items, _: items.reverse(),
    "clear": lambda items, _: items.clear(),
    "set item": lambda items, value: items and items.__setitem__(0, value),
    "delete item": lambda items, _: items and items.__delitem__(-1),
    "inside": lambda items, value: items and isinstance(items[-1], dict) and items[-1].update(z=value),
}


def _list(scope: Any, _: World, key: str, change: str, value: Recipe) -> None:
    items = scope[key]
    if type(items).__name__ == "TrackedDict":
        items = items.get("l")
    if type(items).__name__ == "TrackedList":
        LIST_CHANGES[change](items, made(value))


def _drop_member(scope: Any, _: World, key: str) -> None:
    holder = scope[key]
    if isinstance(holder, dict) and holder:
        del holder[next(iter(holder))]


def _append_all(scope: Any, _: World, key: str, value: Recipe) -> None:
    if not ops(scope).get(key) or isinstance(scope[key], list):
        ops(scope).append_all(key, [made(value), 1])


def _copy(scope: Any, _: World, key: str, to: str) -> None:
    scope[to] = scope[key]


def _derive(scope: Any, _: World, key: str, to: str) -> None:
    value = scope[key]
    if isinstance(value, (str, int, float)):
        scope[to] = f"saw {value}"


def _keep(scope: Any, world: World, key: str, value: Recipe) -> None:
    held = made(value)
    world.kept.append(held)
    scope[key] = held


def _append_kept(scope: Any, world: World, key: str, value: Recipe) -> None:
    items = scope[key]
    if type(items).__name__ == "TrackedDict":
        items = items.get("l")
    if type(items).__name__ == "TrackedList":
        held = made(value)
        world.kept.append(held)
        items.append(held)


def _by_c_code(scope: Any, _: World, key: str) -> None:
    items = scope[key]
    if type(items).__name__ == "TrackedDict":
        items = items.get("l")
    if type(items).__name__ == "TrackedList" and all(type(item) is int for item in items):
        heapq.heappush(items, 0)
        heapq.heapreplace(items, 7)


def _let_out(scope: Any, world: World, key: str) -> None:
    world.scopes.extend((scope, scope[key]))  # not `+=`, which would keep them in the world of every run


def _use_what_was_let_out(scope: Any, world: World) -> None:
    for held in world.scopes:
        with contextlib.suppress(StateError, IndexError):
            if isinstance(held, list):
                held.append("late")
            elif isinstance(held, dict):
                held["late"] = 1
            elif held is not scope and held is not None:
                held["k1"] = "late"


def _in_place(scope: Any, _: World, key: str, value: Recipe) -> None:
    held = scope[key]
    if isinstance(held, list):
        scope[key] += [made(value)]
    elif isinstance(held, dict):
        scope[key] |= {"z": made(value)}
    elif isinstance(held, (str, int)) and not isinstance(held, bool):
        scope[key] *= 2


def _copy_inside(scope: Any, _: World, key: str, to: str) -> None:
    scope[to] = {"copied": [scope[key]], "n": 1}


def _again_and_again(scope: Any, _: World, times: int) -> None:
    scope["l0"] = []
    for number in range(times):
        scope["l0"].append({"n": number})
        scope["l0"].extend([number, [number]])


def _change_kept(_: Any, world: World) -> None:
    for held in world.kept:
        if isinstance(held, list):
            held.append("behind")
        else:
            held["behind"] = True


def _change_at_once(scope: Any, world: World, key: str) -> None:
    _keep(scope, world, key, ("json", {"a": 1}))
    _change_kept(scope, world)


def _args(scope: Any, _: World, key: str) -> None:
    args = ops(scope).args
    scope[key] = args.get("i0") if isinstance(args, dict) else None


def _env(scope: Any, _: World, key: str) -> None:
    scope[key] = dict(ops(scope).env)


def _raise(scope: Any, _: World, kind: str) -> None:
    if kind == "value":
        raise ValueError("bad value")
    if kind == "mute":
        raise MuteError
    if kind == "half":
        raise OrderError(HALF)
    if kind == "order":
        raise OrderError("out of order")
    raise OrderError(f"not {scope['k0']!r:.40}" if isinstance(scope["k0"], (str, int, float)) else "not that")


DO: dict[str, Callable[..., Any]] = {
    "set": _set,
    "nested": _nested,
    "list": _list,
    "drop member": _drop_member,
    "update": lambda scope, _, key, value: ops(scope).update(key, made(value)),
    "append all": _append_all,
    "delete": lambda scope, _, key: ops(scope).delete(key),
    "read": _read,
    "has": lambda scope, _, key: (key in scope) and None,
    "get": lambda scope, _, key: ops(scope).get(key, "nothing") and None,
    "names": lambda scope, _: list(scope) and None,
    "copy": _copy,
    "derive": _derive,
    "keep": _keep,
    "change kept": _change_kept,
    "append kept": _append_kept,
    "by c code": _by_c_code,
    "let out": _let_out,
    "use what was let out": _use_what_was_let_out,
    "in place": _in_place,
    "copy inside": _copy_inside,
    "again and again": _again_and_again,
    "change at once": _change_at_once,
    "described": lambda scope, _, key, value: ops(scope).set(key, made(value), description="why"),
    "args": _args,
    "env": _env,
    "emit": lambda scope, _, name, value: ops(scope).emit(name, made(value)),
    "emit nothing": lambda scope, _, name: ops(scope).emit(name),
    "note": lambda scope, _, kind, key, value: getattr(ops(scope), kind)(key, made(value)),
    "log": lambda scope, _, value: ops(scope).log(made(value)),
    "token": lambda scope, _, text: ops(scope).token(text),
    "return": lambda scope, _, value: Returned(made(value)),
    "break": lambda scope, _, value: ops(scope).break_flow(None if value is None else made(value)),
    "raise": _raise,
    "interrupt": lambda scope, _, key, value: scope.__setitem__(key, interrupt(scope, made(value))),
}


POOL = _pool()


def function_of(
    body: tuple[Op, ...], world: World, *, is_async: bool, fails: int = 0, stage_id: str = "", last: Any = None
) -> Callable[[Any], Any]:
    """A stage's function: fails its first attempts, does its operations, then returns what `last(scope)` gives."""

    def run(scope: Any) -> Generator[Callable[[], Coroutine[Any, Any, None]], None, Any]:
        if fails and world.attempt(stage_id) % (fails + 1) < fails:
            scope["k0"] = "of a failed attempt"
            raise OrderError(f"attempt of {stage_id} failed")
        result = yield from carried_out(body, scope, world)
        return result if last is None else last(scope)

    if is_async:

        async def stage(scope: Any) -> Any:
            steps = run(scope)
            while True:
                try:
                    wait = next(steps)
                except StopIteration as end:
                    return end.value
                await wait()

        return stage

    def plain_stage(scope: Any) -> Any:
        steps = run(scope)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    return plain_stage


# ── choices ──────────────────────────────────────────────────────────────────────────────────────────────────────────
OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "notIn", "like")


def rules() -> st.SearchStrategy[Op]:
    """A rule: a filter, or a function that reads keys and says yes, no or raises."""
    key = st.sampled_from(KEYS)
    condition = st.dictionaries(st.sampled_from(OPERATORS), st.sampled_from(PLAIN), max_size=2)
    return st.one_of(
        st.tuples(st.just("filter"), st.dictionaries(key, condition, max_size=2)),
        st.tuples(st.just("function"), st.lists(key, max_size=2), st.sampled_from(("yes", "no", "raise"))),
    )


def _when(rule: Op) -> Any:
    if rule[0] == "filter":
        return rule[1]

    def when(scope: Any) -> bool:
        for key in rule[1]:
            _ = scope[key]
        if rule[2] == "raise":
            raise ValueError("the rule is broken")
        return rule[2] == "yes"

    return when


def chooser(choice: Op, branches: list[str], *, many: bool) -> Callable[[Any], Any]:
    """What a decider or selector returns: by rules with evidence, or raw."""
    kind, of = choice
    if kind == "raw":
        if many:
            return lambda _: [branches[index % len(branches)] for index in of]
        return lambda _: branches[of[0] % len(branches)] if of else "nowhere"

    def rules_for() -> list[dict[str, Any]]:
        made_rules: list[dict[str, Any]] = []
        for index, rule in enumerate(of):
            made_rules.append(
                {
                    "when": _when(rule),
                    "then": branches[index % len(branches)],
                    "label": f"rule {index} {HALF if index == 2 else ''}",
                }
            )
            if index % 2:
                del made_rules[-1]["label"]
        return made_rules

    if many:
        return lambda scope: select(scope, rules_for())
    return lambda scope: decide(scope, rules_for(), {"branch": branches[-1], "label": "otherwise"})


def choices() -> st.SearchStrategy[Op]:
    """How a decider or selector chooses."""
    return st.one_of(
        st.tuples(st.just("rules"), st.lists(rules(), max_size=3)),
        st.tuples(st.just("raw"), st.lists(st.integers(0, 2), max_size=2, unique=True)),
    )
