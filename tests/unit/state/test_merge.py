from __future__ import annotations

import copy
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footpath.state import merge
from footpath.values import ABSENT
from tests.unit.values._kinds import nested, plain_json, texts

NAN = float("nan")
ONE = {"id": 1}

REFERENCE: list[tuple[Any, Any, Any]] = [
    # objects
    ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
    (ABSENT, {"b": 2}, {"b": 2}),
    (5, {"a": 1}, {"a": 1}),
    (None, {"a": 1}, {"a": 1}),
    ("s", {"a": 1}, {"a": 1}),
    ({"a": 5}, {"a": {"x": 1}}, {"a": {"x": 1}}),
    ({"a": {"x": 1}}, {"a": 5}, {"a": 5}),
    ({"a": {"x": 1}}, {"a": {}}, {"a": {"x": 1}}),
    ({"a": 1}, {"a": {}}, {"a": {}}),
    ({}, {"a": {}}, {"a": {}}),
    ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ({"z": 1, "a": 1}, {"a": 2, "b": 3, "z": 4}, {"z": 4, "a": 2, "b": 3}),
    ({"a": {"b": 1, "c": {"d": 1}}}, {"a": {"c": {"e": 2}}}, {"a": {"b": 1, "c": {"d": 1, "e": 2}}}),
    # an object over a list takes its items by index
    ([1, 2], {"a": 1}, {"0": 1, "1": 2, "a": 1}),
    ([1, 2], {"0": 9}, {"0": 9, "1": 2}),
    ({"a": [1]}, {"a": {"x": 1}}, {"a": {"0": 1, "x": 1}}),
    ({"a": [1]}, {"a": {}}, {"a": {"0": 1}}),
    # everything else replaces
    ({"a": 1}, 5, 5),
    ({"a": 1}, None, None),
    ({"a": 1}, [1], [1]),
    (ABSENT, 5, 5),
    ({"a": 1, "b": 2}, {"a": ABSENT}, {"a": ABSENT, "b": 2}),
    ({"a": {"x": 1, "y": 2}}, {"a": {"x": ABSENT}}, {"a": {"x": ABSENT, "y": 2}}),
    # lists
    ([1, 2], [2, 3], [1, 2, 3]),
    ([1, 1, 2], [3, 3], [1, 2, 3]),
    ([1, 1, 2], [2], [1, 2]),
    ([1, 2], [], []),
    (ABSENT, [1, 1], [1, 1]),
    ({"a": 5}, {"a": [1, 1]}, {"a": [1, 1]}),
    ({"a": [3, 1]}, {"a": [2, 1, 0]}, {"a": [3, 1, 2, 0]}),
    ({"a": {"x": 1}}, {"a": [1]}, {"a": [1]}),
    ({"a": [1]}, {"a": []}, {"a": []}),
    ({"a": [1, "1", True, None]}, {"a": ["1", 1, True, None, ABSENT, 0]}, {"a": [1, "1", True, None, ABSENT, 0]}),
    ({"a": [-0.0]}, {"a": [0, 1.0, 1]}, {"a": [-0.0, 1.0]}),
    ({"a": [[1], [2]]}, {"a": [[1], [3]]}, {"a": [[1], [2], [1], [3]]}),
    ({"l": [{"id": 1}, 1, "x"]}, {"l": [{"id": 1}, 1, "y", "y"]}, {"l": [{"id": 1}, 1, "x", {"id": 1}, "y"]}),
    ({"l": [1]}, {"l": [ONE, ONE]}, {"l": [1, ONE]}),
]
"""Base, patch and result, as footprintjs gave them."""


@pytest.mark.parametrize(("base", "patch", "expected"), REFERENCE)
def test_a_merge_gives_what_the_reference_gives(base: Any, patch: Any, expected: Any) -> None:
    """Values and their order."""
    merged = merge(base, patch)
    assert merged == expected
    assert repr(merged) == repr(expected)


def test_nan_is_united_with_nan() -> None:
    """As a JavaScript Set has it; equality of floats would keep both."""
    merged = merge([NAN, None], [float("nan"), None])
    assert [type(item) for item in merged] == [float, type(None)]


class _Code(str):
    __slots__ = ()


class _Color(StrEnum):
    RED = "red"


def test_a_text_of_a_class_of_its_own_is_united_with_its_like() -> None:
    """It is recorded as the text that it is, so the state from the records has it once; an enum's member is no text there."""
    assert merge(["a", 1], [_Code("a"), _Code("b"), _Color.RED, "red", True]) == ["a", 1, "b", _Color.RED, "red", True]


@given(base=plain_json, patch=plain_json)
def test_neither_argument_is_changed(base: Any, patch: Any) -> None:
    """Whoever holds the old value keeps it."""
    before = copy.deepcopy((base, patch))
    merge(base, patch)
    assert (base, patch) == before


@given(base=st.dictionaries(texts, plain_json, max_size=4), patch=st.dictionaries(texts, plain_json, max_size=4))
def test_untouched_members_are_shared_and_touched_objects_are_new(base: dict[str, Any], patch: dict[str, Any]) -> None:
    """A small update of a large value costs little, and never reaches the old one."""
    merged = merge(base, patch)
    for key, value in base.items():
        if key not in patch:
            assert merged[key] is value
    for key, value in patch.items():
        if isinstance(value, (dict, list)):
            assert merged[key] is not value
            assert merged[key] is not base.get(key)


@given(base=plain_json, patch=st.dictionaries(texts, plain_json, max_size=4))
def test_merging_the_same_patch_again_changes_nothing_but_lists_of_objects(base: Any, patch: Any) -> None:
    """Lists of scalars are sets; lists of containers grow, in the reference, too."""
    once = merge(base, patch)
    if "[[" not in repr(patch) and "[{" not in repr(patch) and ", [" not in repr(patch) and ", {" not in repr(patch):
        assert merge(once, patch) == merge(merge(once, patch), patch)


def test_a_merge_does_not_recurse() -> None:
    """3,000 levels are as good as three."""
    deep = nested(3000, dict)
    merged = merge(deep, deep)
    for _ in range(3000):
        merged = merged["a"]
    assert merged == 0


def test_a_patch_that_holds_itself_ends() -> None:
    """It is taken as it is after a while."""
    patch: dict[str, Any] = {"n": 1}
    patch["again"] = patch
    assert merge({}, patch)["again"]["again"]["n"] == 1


def test_a_date_or_an_error_in_a_patch_replaces() -> None:
    """They are values, not objects with members; the reference loses them here (docs/parity.md, rule 1)."""
    moment, error = datetime(2026, 1, 1, tzinfo=UTC), ValueError("broken")
    assert merge({"when": {"old": 1}, "n": 1}, {"when": moment, "why": error}) == {"when": moment, "why": error, "n": 1}
    assert merge({"old": 1}, moment) is moment
    assert merge(moment, {"new": 1}) == {"new": 1}
