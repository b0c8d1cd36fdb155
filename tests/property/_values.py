"""Values of every JSON kind, and of every kind that JSON does not know.

A drawn value is a *recipe*, so that a stage that changes what it was given changes nothing for the next run: `made`
gives a fresh value at each call.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import uuid
from collections import OrderedDict, deque, namedtuple
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st

from footpath import ABSENT

Recipe = tuple[str, Any]


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Order:
    id: int
    lines: list[Any]


class Packet(msgspec.Struct):
    code: str
    parts: list[int]


class Rude:
    """Raises whatever it is asked."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no ==")

    __hash__ = None


class Hostile:
    """Like an array of numpy's, only worse: whatever it is asked it answers with something useless, or not at all."""

    def __init__(self) -> None:
        self.shape = (2,)

    def __eq__(self, other: object) -> Any:
        return self

    __ne__ = __lt__ = __gt__ = __eq__

    def __bool__(self) -> bool:
        raise ValueError("the truth value of an array is ambiguous")

    def __hash__(self) -> int:
        raise TypeError("unhashable")

    def __len__(self) -> int:
        raise OverflowError("len")

    def __iter__(self) -> Any:
        raise RuntimeError("no iteration")

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __copy__(self) -> Any:
        raise RuntimeError("no copy")

    def __deepcopy__(self, memo: Any) -> Any:
        raise RuntimeError("no deep copy")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError("no pickle")

    def __json__(self) -> Any:
        raise RuntimeError("no JSON")

    def __index__(self) -> int:
        raise RuntimeError("no index")


class Obliging:
    """Has every attribute that anybody asks for."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self


class Text(str):
    """A text of a class of its own, that lies about itself."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__

    def __len__(self) -> int:
        raise RuntimeError("no len")

    def __iter__(self) -> Any:
        raise RuntimeError("no iteration")


class Number(int):
    """A number of a class of its own."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no ==")

    __hash__ = int.__hash__

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    __str__ = __repr__


class Mapped(dict):  # type: ignore[type-arg]
    """A dict of a class of its own, whose methods are of no use."""

    def items(self) -> Any:
        raise RuntimeError("no items")

    keys = values = __iter__ = __len__ = items

    def __getitem__(self, key: Any) -> Any:
        raise RuntimeError("no item")


class Row(list):  # type: ignore[type-arg]
    """Likewise a list."""

    def __iter__(self) -> Any:
        raise RuntimeError("no iteration")

    def __len__(self) -> int:
        raise RuntimeError("no len")

    def __getitem__(self, index: Any) -> Any:
        raise RuntimeError("no item")


@dataclasses.dataclass
class Lazy:
    """Has a field that can't be read."""

    a: int

    def __getattribute__(self, name: str) -> Any:
        if name == "a":
            raise RuntimeError("no a")
        return object.__getattribute__(self, name)


Pair = namedtuple("Pair", "left right")  # noqa: PYI024  # the untyped kind is the one to test


def _knot_list() -> list[Any]:
    knot: list[Any] = [1]
    knot.append(knot)
    return knot


def _knot_dict() -> dict[str, Any]:
    knot: dict[str, Any] = {"a": 1}
    knot["self"] = knot
    return knot


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def deep_dicts(levels: int) -> Any:
    value: Any = {}
    for level in range(levels):
        value = {"a": value} if level % 2 else [value, level]
    return value


def _shared() -> dict[str, Any]:
    part = {"n": [1]}
    return {"a": part, "b": part, "c": [part, part]}


ODD: dict[str, Callable[[], Any]] = {
    "nan": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "minus zero": lambda: -0.0,
    "set": lambda: {"a", "b", 3},
    "frozenset": lambda: frozenset({(1, 2)}),
    "bytes": lambda: b"\x00\xff",
    "bytearray": lambda: bytearray(b"ab"),
    "decimal": lambda: decimal.Decimal("1.50"),
    "fraction": lambda: fractions.Fraction(1, 3),
    "datetime": lambda: dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
    "date": lambda: dt.date(2026, 1, 2),
    "timedelta": lambda: dt.timedelta(days=1, microseconds=2),
    "uuid": lambda: uuid.UUID(int=7),
    "enum": lambda: Colour.RED,
    "int enum": lambda: [Level.HIGH],
    "dataclass": lambda: Order(1, [{"sku": "x"}]),
    "struct": lambda: Packet("p", [1, 2]),
    "namedtuple": lambda: Pair(1, [2]),
    "tuple": lambda: (1, ("two", [3])),
    "int keys": lambda: {1: "one", None: 2, (1, 2): 3},
    "tag key": lambda: {"$footpath": "decimal", "value": "1", "$$footpath": 2},
    "surrogate": lambda: "half \ud800 pair",
    "surrogate key": lambda: {"\udc00": 1},
    "list knot": _knot_list,
    "dict knot": _knot_dict,
    "deep": lambda: deep(3_000),
    "deepest as JSON": lambda: deep(98),
    "shared": _shared,
    "big int": lambda: 10**30,
    "huge int": lambda: [10**5_000],
    "object": object,
    "function": lambda: len,
    "generator": lambda: (n for n in (1, 2)),
    "rude": Rude,
    "ordered dict": lambda: OrderedDict(b=1, a=2),
    "deque": lambda: deque([1, 2], maxlen=3),
    "range": lambda: range(3),
    "complex": lambda: 1 + 2j,
    "absent inside": lambda: {"a": ABSENT, "b": [ABSENT, 1]},
    "raw": lambda: msgspec.Raw(b'{"a":1}'),
    "noncharacter": lambda: "\ufffe\x00\x1f</script>",
    "type": lambda: int,
    "hostile": Hostile,
    "obliging": Obliging,
    "text of a class": lambda: Text("abcdefgh"),
    "number of a class": lambda: Number(7),
    "dict of a class": lambda: Mapped(a=1),
    "list of a class": lambda: Row([1, 2]),
    "lazy": lambda: Lazy(1),
    "iterator": lambda: iter([1]),
    "exception": lambda: ValueError("a value", {"in": 1}),
    "memoryview": lambda: memoryview(b"ab"),
    "time with fold": lambda: dt.time(2, 30, fold=1),
    "wide": lambda: {str(number): [number] for number in range(300)},
    "minus infinity inside": lambda: [[float("-inf")], {"nan": float("nan")}],
    "set of tuples": lambda: {(1, "a"), (2, None)},
    "dicts and lists deep": lambda: deep_dicts(3_000),
}

WORDS = ("", "a", "word", "10", "é", "😀", 'say "hi"', "line\nbreak", "x" * 90)


PLAIN: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    10,
    2**53,
    2**63,
    -(2**64),
    0.5,
    1.0,
    1e21,
    1e-7,
    *WORDS,
    [],
    {},
    [1, 2],
    [1, 1, "1", True],
    {"a": 1},
    {"a": {"b": [1]}, "l": [1, 2]},
    [{"a": 1}, [2]],
    {"": None, "1": [], "é": {}},
    list(range(30)),
)


def scalars() -> st.SearchStrategy[Any]:
    """JSON's scalars, the awkward ones among them."""
    return st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from((0, 1, 2, -1, 3, 10, 2**53, 2**63, -(2**64), 0.5, 1.0, 1e21, 1e-7)),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(WORDS),
        st.text(max_size=6),
    )


def json_values(leaves: int = 6) -> st.SearchStrategy[Any]:
    """Plain JSON, nested a little."""
    keys = st.sampled_from(("a", "b", "c", "1", "é", ""))
    return st.recursive(
        scalars(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=leaves,
    )


def recipes() -> st.SearchStrategy[Recipe]:
    """A value of any kind."""
    return st.one_of(
        st.tuples(st.just("json"), json_values()),
        st.tuples(st.just("json"), scalars()),
        st.tuples(st.just("odd"), st.sampled_from(sorted(ODD))),
        st.tuples(st.just("around odd"), st.sampled_from(sorted(ODD))),
    )


def made(recipe: Recipe) -> Any:
    """A fresh value of a recipe."""
    kind, of = recipe
    if kind == "json":
        return copy.deepcopy(of)
    value = ODD[of]()
    return {"in": [value, 1], "list": [value]} if kind == "around odd" else value
