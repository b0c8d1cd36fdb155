"""Values of every kind that a stage may hold: by name for the tables, and as strategies for what nobody thought of."""

from __future__ import annotations

import enum
from collections import OrderedDict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import strategies as st


class Color(enum.Enum):
    RED = "red"
    PAIR = (1, 2)


class Grade(enum.StrEnum):
    A = "a"


class Level(enum.IntEnum):
    LOW = 1


class Right(enum.Flag):
    READ = 1
    WRITE = 2


@dataclass
class Order:
    id: int
    tags: list[Any] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Point:
    x: Any
    y: Any


@dataclass(eq=False)
class Family:
    name: str
    parent: Family | None = None
    children: list[Family] = field(default_factory=list)


class Struct(msgspec.Struct):
    a: Any
    b: Any = 0


Pair = namedtuple("Pair", "left right")  # noqa: PYI024  # the kind that is tested
TYPES = [Color, Grade, Level, Right, Order, Point, Family, Struct, Pair]

LOSSLESS: dict[str, Any] = {
    "none": None,
    "true": True,
    "int": -7,
    "int of 64 bits": 2**63,
    "int beyond 64 bits": 2**64 + 1,
    "int beyond the digits": 10**5000,
    "float": 0.1,
    "negative zero": -0.0,
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "complex": complex(1, -2),
    "text": "Zoë \U0001f600 \u2028 \x00",
    "half a pair": "a\ud800\\n\udfffé",
    "backslash": "\\ud800",
    "bytes": b"\x00\xff",
    "bytearray": bytearray(b"ab"),
    "decimal": Decimal("1.50"),
    "decimal infinity": Decimal("-Infinity"),
    "naive datetime": datetime(2026, 5, 24, 2, 13, 51, 7),  # noqa: DTZ001
    "datetime": datetime(2026, 5, 24, 2, 13, 51, tzinfo=UTC),
    "datetime with offset": datetime(2026, 5, 24, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
    "datetime in a zone": datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Paris"), fold=1),
    "date": date(1, 1, 1),
    "time": time(23, 59, 59, 999999),
    "timedelta": timedelta(days=-3, microseconds=1),
    "uuid": UUID(int=5),
    "range": range(1, 10, 3),
    "list": [1, [2, {"a": None}]],
    "dict": {"b": 1, "a": [True]},
    "empty": {"list": [], "dict": {}},
    "set": {1, 2, 3},
    "set of texts": {"b", "a", "c"},
    "frozenset": frozenset({"a", frozenset({1})}),
    "set of tuples": {(1, 2), (3, ("a", ()))},
    "tuples of tuples as keys": {((1, 2), (3, (4,))): "x"},
    "deque": deque([1, 2], maxlen=5),
    "int keys": {1: "a", 2: {3: 4}},
    "mixed keys": {None: 1, True: 2, 1.5: 3, (1, "x"): 4, b"k": 5, Color.RED: 6},
    "key with half a pair": {"\ud83d": 1},
    "key like the tag": {"$footpath": "decimal", "value": "1"},
    "key like an escaped tag": {"$$footpath": 1, "$footpathology": 2, "footpath": 3, "$": 4},
    "nested tag": {"a": [{"$footpath": {"$footpath": 1}}]},
    "mapping proxy": MappingProxyType({"a": [1]}),
    "enum": Color.RED,
    "enum of a tuple": Color.PAIR,
    "str enum": Grade.A,
    "int enum": Level.LOW,
    "flags": Right.READ | Right.WRITE,
    "dataclass": Order(1, ["x", {"y": Decimal(2)}]),
    "slots dataclass": Point(1, {2}),
    "struct": Struct([1], {"k": datetime(2026, 1, 1, tzinfo=UTC)}),
    "named tuple": Pair(1, [2]),
    "tag text": "$footpath",
}
"""Values that `revive(record(value), TYPES)` gives back equal and of the same type."""


class Quiet:
    """An object with nothing to record but its repr."""

    def __repr__(self) -> str:
        return "quiet"


class RaisingRepr:
    def __repr__(self) -> str:
        message = "no repr today"
        raise ValueError(message)


class RaisingField(Quiet):
    """Declares a field that can't be read."""

    __dataclass_fields__: ClassVar[dict[str, Any]] = {"a": None}

    @property
    def a(self) -> int:
        message = "no field today"
        raise OSError(message)


class RaisingBool:
    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        message = "truth is ambiguous"
        raise ValueError(message)


class Liar(Quiet):
    """Says that it is a dict."""

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        return dict


class Wild(type):
    """A class whose own name can't be read."""

    def __getattribute__(cls, name: str) -> Any:
        if name == "__qualname__":
            message = "no name today"
            raise RuntimeError(message)
        return super().__getattribute__(name)


class Unnamed(metaclass=Wild):
    pass


LOSSY: dict[str, Any] = {
    "object": object(),
    "class": int,
    "function": len,
    "lambda": lambda: 0,
    "generator": (n for n in ()),
    "ellipsis": ...,
    "exception": ValueError("x"),
    "repr that raises": RaisingRepr(),
    "field that raises": RaisingField(),
    "ambiguous truth": RaisingBool(),
    "liar": Liar(),
    "class without a name": Unnamed(),
    "long repr": type("Long", (), {"__repr__": lambda _: "x" * 10_000})(),
    "repr with half a pair": type("Half", (), {"__repr__": lambda _: "\ud800"})(),
}
"""Values that nothing can hold: marked, never raising."""

SUBCLASSED: dict[str, tuple[Any, Any]] = {
    "tuple": ((1, (2,)), [1, [2]]),
    "ordered dict": (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    "dict subclass": (type("D", (dict,), {})(a=1), {"a": 1}),
    "list subclass": (type("L", (list,), {})([1]), [1]),
    "str subclass": (type("S", (str,), {})("x"), "x"),
    "int subclass": (type("I", (int,), {})(5), 5),
    "float subclass": (type("F", (float,), {})(0.5), 0.5),
    "datetime subclass": (
        type("Stamp", (datetime,), {})(2026, 1, 1, tzinfo=UTC),
        {"$footpath": "datetime", "value": "2026-01-01T00:00:00+00:00"},
    ),
    "decimal subclass": (type("Money", (Decimal,), {})("1.5"), {"$footpath": "decimal", "value": "1.5"}),
    "str subclass with a text of its own": (type("T", (str,), {"__str__": lambda _: "other"})("x"), "x"),
    "int subclass of all digits": (type("B", (int,), {"__int__": lambda _: 0})(2**70), 2**70),
    "text enum as key": ({Grade.A: 1}, {"a": 1}),
}
"""Values recorded as the JSON type they are: value, and what comes back."""


def nested(depth: int, shell: type = list) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value] if shell is list else {"a": value} if shell is dict else (value,)
    return value


def ring() -> list[Any]:
    value: list[Any] = [1]
    value.append({"again": value})
    return value


def bomb(depth: int = 60) -> list[Any]:
    """2**depth items when written out, `depth` lists in memory."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value, value]
    return value


texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
any_text = st.text(max_size=6) | st.sampled_from(["$footpath", "$$footpath", "\ud800", "value", "null"])
json_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
plain_json = st.recursive(
    json_scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
"""JSON values as a decoder makes them."""

_exact_scalars = (
    json_scalars
    | st.floats(allow_nan=False)
    | any_text
    | st.binary(max_size=4)
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
    | st.sampled_from([*Color, *Grade, *Level, Right.READ | Right.WRITE])
    | st.complex_numbers(allow_nan=False)
)
_hashable = _exact_scalars.filter(lambda value: type(value) is not complex)
lossless = st.recursive(
    _exact_scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(any_text | _hashable, inner, max_size=4)
        | st.builds(Order, st.integers(), st.lists(inner, max_size=2))
        | st.builds(Struct, inner, inner)
        | st.builds(Pair, inner, inner)
        | st.lists(inner, max_size=3).map(deque)
    ),
    max_leaves=10,
)
"""Values of all lossless kinds, nested in each other (tuples, which come back as lists, and sets aside)."""

anything = st.recursive(
    _exact_scalars
    | st.sampled_from([float("nan"), msgspec.UNSET])
    | st.sampled_from(sorted(LOSSY)).map(lambda name: LOSSY[name]),  # by name: hypothesis prints what it samples
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(any_text | _hashable, inner, max_size=4)
        | st.builds(Point, inner, inner)
    ),
    max_leaves=10,
)
"""Whatever a stage may come up with."""
