"""Operations that make values secret, and operations that let them leak, for charts of law 6.

Canaries are texts and numbers that occur nowhere else. A marking operation makes one secret, in one of the ways there
are; leaks carry it elsewhere, before or after. What is marked by the end of a phase must not stand in its document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from footpath import decide, ops
from tests.property._stages import DO, Op, Returned, World

CANARIES: tuple[Any, ...] = (
    "qx7-Vera Kowalski",
    "zz-4929-1111-77",
    918_273_645,
    "ÿ-Zürich-9é",
    'q"uo\\te-77',
    "tok/en-5551",
    "qx7-Vera",  # what another one begins with
)
HIDDEN_KEYS = ("ssn", "pan_1", "person", "row", "word")

POLICY: dict[str, Any] = {
    "keys": ("ssn", "i_secret"),
    "patterns": ("^pan",),
    "fields": {"person": ("name", "address.zip"), "row": ("0", "1.name"), "word": ("2",)},
    "emit_patterns": ("^auth", r"metric\.secret"),
}


def _mark(scope: Any, world: World, how: str, which: int) -> None:
    canary = CANARIES[which]
    if how == "key":
        scope["ssn"] = canary
    elif how == "pattern":
        scope["pan_1"] = {"deep": [canary]}
    elif how == "field":
        scope["person"] = {"name": canary, "age": 3, "address": {"zip": "12345", "city": "here"}}
    elif how == "nested field":
        scope["person"] = {"age": 3, "address": {"city": "here"}}
        scope["person"]["address"]["zip"] = canary
    elif how == "item":
        scope["row"] = [canary, {"name": "one", "age": 3}]
        scope["row"].append(4)
    elif how == "member of an item":
        scope["row"] = [0, {"name": [canary], "age": 3}]
    elif how == "character":
        scope["word"] = str(canary)
    elif how == "holds itself":
        person: dict[str, Any] = {"name": {"of": [canary]}}
        person["self"] = person
        scope["person"] = person
    elif how == "behind":
        held: dict[str, Any] = {"age": 3, 4: 5}
        scope["person"] = held
        held["name"] = canary
    elif how == "patch":
        ops(scope).update("person", {"address": {"zip": [canary]}})
    elif how == "update":
        ops(scope).update("ssn", {"part": canary})
    elif how == "call":
        ops(scope).set("once", {"v": canary}, redact=True)
    elif how == "emit":
        ops(scope).emit("auth.token", {"token": canary})
    elif how == "metric":
        ops(scope).metric("secret", canary)
    world.marked.add((how, canary))


class Card:
    """Its repr is all that can be recorded of it."""

    def __init__(self, number: Any) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"Card {self.number}"


class CardError(Exception):
    """Carries a canary everywhere it can."""

    def __init__(self, canary: Any) -> None:
        super().__init__(f"no credit for {canary}!")
        self.name = f"Refused{canary}"
        self.code = f"code-{canary}"
        self.issues = [{"path": [str(canary)], "message": f"{canary}"}]


def _leak(scope: Any, _: World, how: str, which: int) -> Any:
    canary = CANARIES[which]
    text = f"seen {canary}."
    if how == "text":
        scope["k0"] = text
    elif how == "same":
        scope["k1"] = canary
    elif how == "inside":
        scope["o0"] = {"list": [1, {"x": canary}], f"key {canary}": 2}
    elif how == "key name":
        scope[f"user {canary}"] = 1
        _ = scope[f"user {canary}"], f"user {canary}" in scope
        del scope[f"user {canary}"]
    elif how == "append":
        scope["l1"] = [1]
        scope["l1"].append(text)
    elif how == "update":
        ops(scope).update("o1", {"a": {"b": text}})
    elif how == "updates":
        ops(scope).update("o3", {"a": {text}, "b": [text]})
        ops(scope).update("o3", {"c": {1}, text: canary})
    elif how == "behind":
        held: dict[str, Any] = {}
        scope["o2"] = held
        held["x"] = [text]
    elif how == "bytes":
        scope["k2"] = [str(canary).encode(), {text}, Card(canary)]
    elif how == "emit":
        ops(scope).emit(f"app.{canary}", [text])
    elif how == "note":
        ops(scope).debug(str(canary), text)
        ops(scope).log(text)
    elif how == "described":
        ops(scope).set("k3", 1, description=text)
    elif how == "tokens":
        middle = len(text) // 2
        ops(scope).token(text[:middle])
        ops(scope).token(text[middle:])
    elif how == "decide":
        decide(
            scope,
            [
                {"when": {"k0": {"eq": text}}, "then": "a", "label": text},
                {"when": {"k1": {"in": [canary, text]}}, "then": "b"},
                {"when": _raising(text), "then": "c"},
                {"when": {"ssn": {"eq": canary}, "once": {"ne": canary}}, "then": "d"},
            ],
            {"branch": "e", "label": text},
        )
    elif how == "break":
        ops(scope).break_flow(text)
    elif how == "raise":
        raise CardError(canary)
    elif how == "return":
        return Returned({"note": text, "raw": canary, text: [text]})
    return None


def _raising(text: str) -> Callable[[Any], Any]:
    def when(scope: Any) -> bool:
        _ = scope["k0"], scope["ssn"]
        raise CardError(text)

    return when


DO["mark"] = _mark
DO["leak"] = _leak

MARKS = (
    "key",
    "pattern",
    "field",
    "nested field",
    "item",
    "member of an item",
    "character",
    "holds itself",
    "behind",
    "patch",
    "update",
    "call",
    "emit",
    "metric",
)
LEAKS = (
    "text",
    "same",
    "inside",
    "key name",
    "append",
    "update",
    "updates",
    "behind",
    "bytes",
    "emit",
    "note",
    "described",
    "tokens",
    "decide",
)
LAST_LEAKS = ("break", "raise", "return")


def canary_operations() -> st.SearchStrategy[Op]:
    """Something that marks or leaks."""
    which = st.integers(0, len(CANARIES) - 1)
    leak = st.tuples(st.just("leak"), st.sampled_from(LEAKS), which)
    return st.one_of(leak, leak, st.tuples(st.just("mark"), st.sampled_from(MARKS), which))


def last_canary_operations() -> st.SearchStrategy[Op]:
    """A leak that ends the stage."""
    return st.tuples(st.just("leak"), st.sampled_from(LAST_LEAKS), st.integers(0, len(CANARIES) - 1))
