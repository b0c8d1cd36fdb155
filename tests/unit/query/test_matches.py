from __future__ import annotations

from typing import Any

import pytest

from footpath.query._matches import is_tail, path_in_input, path_to, telling


@pytest.mark.parametrize(
    ("value", "tells"),
    [
        (None, False),
        (True, False),
        (0, False),
        (9, False),
        (-9, False),
        (10, True),
        (0.5, True),
        (2.0, False),
        ("", False),
        ("y", False),
        ("NO", True),
        ("REDACTED", False),
        ("[REDACTED]", False),
        ([], False),
        ({}, False),
        ([0], True),
        ({"a": None}, True),
    ],
)
def test_only_values_that_are_rarely_equal_by_chance_tell(value: Any, tells: bool) -> None:
    """Else every flag would be linked to every other."""
    assert telling(value) is tells


def test_a_member_is_found_by_value_and_by_its_name_first() -> None:
    """`True` is not 1; three levels down and no further."""
    within = {"debt": 5000, "list": [{"income": 5000}], "flag": True, "a": {"b": {"c": {"d": "deep"}, "e": "near"}}}
    assert path_to(5000, within) == "debt"
    assert path_to(5000, within, "income") == "list[0].income"
    assert path_to(1, within) is None
    assert path_to("near", within) == "a.b.e"
    assert path_to("deep", within) is None
    assert path_to({"income": 5000}, within) == "list[0]"
    assert path_to("x", "not a container") is None


def test_small_numbers_of_the_input_count_when_they_are_unique() -> None:
    """Input is small; a 3 in it that occurs once is the 3 that was written."""
    assert path_in_input(3, {"start": 3, "other": 4}, "n") == "start"
    assert path_in_input(3, {"start": 3, "other": 3}, "n") is None
    assert path_in_input(1, {"start": 1}, "n") is None
    assert path_in_input(True, {"start": True}, "n") is None
    assert path_in_input("Ada", {"name": "Ada"}, "n") == "name"


def test_a_tail_is_what_was_added_at_the_end() -> None:
    """A list is no tail of itself, and an empty one is no tail at all."""
    assert is_tail([1, {"a": 2}], [{"a": 2}])
    assert not is_tail([1, 2], [1, 2])
    assert not is_tail([1, 2], [])
    assert not is_tail([1, 2], [1])
    assert not is_tail("ab", "b")
