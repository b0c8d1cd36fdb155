"""Hiding parts of a value by dotted paths."""

from __future__ import annotations

from typing import Any

import pytest

from footpath.values import ABSENT, MARK, hide_fields, plain, record, ways_of


def hidden(value: Any, *paths: str) -> tuple[Any, list[Any]]:
    learned: list[Any] = []
    ways = [way for path in paths for way in ways_of(path)]
    return hide_fields(plain(record(value)), ways, MARK, learned.append)[0], learned


@pytest.mark.parametrize(
    ("value", "path", "shown"),
    [
        ({"a": {"b": 1, "c": 2}}, "a.b", {"a": {"b": MARK, "c": 2}}),
        ({"a.b": 1, "a": {"b": 2}}, "a.b", {"a.b": MARK, "a": {"b": MARK}}),
        ([1, [2, 3]], "1.0", [1, [MARK, 3]]),
        ([1, 2], "01", [1, 2]),
        ([1, 2], "2", [1, 2]),
        ({"a": 5}, "a.b", {"a": 5}),
        ({"t": "text"}, "t.1", {"t": {"1": MARK}}),
        ({"t": "text"}, "t.4", {"t": "text"}),
        ({"t": "text"}, "t.length", {"t": {"length": MARK}}),
        ({"t": "text"}, "t.0.0", {"t": {"0": {"0": MARK}}}),
        ({"t": "\U0001f600"}, "t.1", {"t": {"1": MARK}}),
        ({"a": ABSENT}, "a", {"a": MARK}),
    ],
)
def test_what_a_path_leads_to_is_hidden(value: Any, path: str, shown: Any) -> None:
    """Members and items; of a text, to whose character a path leads, nothing is left."""
    assert hidden(value, path)[0] == shown


def test_what_stood_there_is_told() -> None:
    """A text is told whole, for a part of it would tell the rest."""
    assert hidden({"a": [1, {"b": 2}], "t": "text"}, "a.1", "t.2")[1] == [{"b": 2}, "text"]


def test_keys_that_are_no_texts_hide_no_field() -> None:
    """Such an object is recorded as pairs."""
    shown, learned = hidden({1: "x", "name": "s3cret-name"}, "name")
    assert shown == {"$footpath": "dict", "value": [[1, "x"], ["name", MARK]]}
    assert learned == ["s3cret-name"]


def test_an_object_that_holds_itself_hides_its_fields() -> None:
    """It is recorded as a graph: what only the hidden part led to is not left in it either."""
    value: dict[str, Any] = {"name": "s3cret-name", "card": {"of": ["s3cret-number"]}, "open": [1]}
    value["self"] = value
    shown, learned = hidden(value, "name", "card")
    assert "s3cret" not in str(shown)
    assert "s3cret-name" in str(learned)
    assert "s3cret-number" in str(learned)
    assert "[1]" in str(shown)
