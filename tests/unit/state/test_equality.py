from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footpath.state import same, track
from footpath.values import ABSENT
from tests.unit.state._owner import RecordingOwner
from tests.unit.values._kinds import LOSSLESS, RaisingBool, anything, nested, plain_json, ring, texts

NAN = float("nan")

REFERENCE: list[tuple[Any, Any, bool]] = [
    (NAN, float("nan"), True),
    ([NAN], [float("nan")], True),
    (0, -0.0, True),
    ([0.0], [-0.0], True),
    (1, 1.0, True),
    (1, True, False),
    (0, False, False),
    ("1", 1, False),
    (None, ABSENT, False),
    (ABSENT, ABSENT, True),
    ({"a": ABSENT}, {}, True),
    ({}, {"a": ABSENT}, True),
    ({"a": ABSENT, "b": 1}, {"c": ABSENT, "b": 1}, True),
    ({"a": ABSENT, "b": 1}, {"c": 2, "b": 1}, False),
    ({"a": {"b": ABSENT}}, {"a": {}}, True),
    ([{"a": ABSENT}], [{}], True),
    ([ABSENT], [None], False),
    ([ABSENT], [], False),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
    ({"a": 1}, {"b": 1}, False),
    ({"a": None}, {}, False),
    ([1, 2], [2, 1], False),
    ([], {}, False),
    ({"0": 1}, [1], False),
    ("", "", True),
    (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), True),
    ({"d": datetime(2026, 1, 1, tzinfo=UTC)}, {"d": datetime(2026, 1, 2, tzinfo=UTC)}, False),
    ({1}, {2}, False),
]
"""Two values, and whether footprintjs's commit takes the second for no change."""


@pytest.mark.parametrize(("a", "b", "expected"), REFERENCE)
def test_two_values_are_the_same_where_the_reference_says_so(a: Any, b: Any, expected: bool) -> None:
    """Either way round."""
    assert same(a, b) is same(b, a) is expected


@dataclass
class Box:
    value: Any


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((1, 2), [1, 2]),
        ({1}, {True}),
        ({1}, frozenset({1})),
        (Box(1), Box(True)),
        (Decimal(1), 1),
        (Decimal("1.0"), Decimal("1.00")),
        ({1: "a"}, {True: "a"}),
        (b"a", "a"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
        ({"a": 1}, type("D", (dict,), {})(a=1)),
        (object(), object()),
    ],
)
def test_a_change_of_type_is_a_change(a: Any, b: Any) -> None:
    """What a stage reads has the type that was written last."""
    assert not same(a, b)
    assert not same([a], [b])


@pytest.mark.parametrize("name", LOSSLESS)
def test_a_value_is_the_same_as_its_copy(name: str) -> None:
    """Every kind that says when it is equal."""
    value = LOSSLESS[name]
    twin = value if name == "mapping proxy" else copy.deepcopy(value)
    assert same(value, twin)
    assert same({"x": [value]}, {"x": [twin]})


@given(a=plain_json, b=plain_json)
def test_plain_values_are_the_same_when_their_types_and_content_are(a: Any, b: Any) -> None:
    """Against a comparison of values spelled out with their types."""
    assert same(a, b) is (spelled(a) == spelled(b))


def spelled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: spelled(part) for key, part in value.items()}
    if isinstance(value, list):
        return [spelled(part) for part in value]
    return (isinstance(value, bool), isinstance(value, str), value)


@given(value=st.dictionaries(texts, plain_json, max_size=4), key=texts, other=plain_json)
def test_one_changed_member_is_seen(value: dict[str, Any], key: str, other: Any) -> None:
    """Wherever it stands."""
    assert same(value, {**value, key: other}) is (key in value and same(value[key], other))


@given(a=anything, b=anything)
def test_comparing_never_raises(a: Any, b: Any) -> None:
    """A stage's own `__eq__` may do what it likes."""
    assert isinstance(same(a, b), bool)


def test_an_object_whose_equality_raises_equals_only_itself() -> None:
    """Numpy's arrays, for one."""
    thing = RaisingBool()
    assert same([thing], [thing])
    assert not same([thing], [RaisingBool()])


def test_deep_and_circular_values_are_compared_without_recursion() -> None:
    """And without an end to it, where there is none."""
    assert same(nested(3000), nested(3000))
    assert not same(nested(3000), nested(2999))
    assert same(ring(), ring())
    assert not same(ring(), [1, {"again": 2}])


def test_a_view_is_the_same_as_what_it_shows() -> None:
    """Either side may be a view."""
    owner = RecordingOwner(o={"a": [1, {"b": 2}]})
    view = track(owner.state["o"], owner, "o")
    assert same(view, {"a": [1, {"b": 2}]})
    assert same({"a": [1, {"b": 2}]}, view)
    assert not same(view, {"a": [1, {"b": True}]})
