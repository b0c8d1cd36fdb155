from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footpath.query._preview import columns, fitted, harmless, preview, wrapped
from footpath.values import plain, record

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(json_values, st.integers(12, 80))
def test_a_preview_is_one_harmless_line_of_limited_width(value: Any, limit: int) -> None:
    """Whatever the value holds: escapes, line ends, text that runs backwards, wide letters."""
    text = preview(value, limit)
    assert columns(text) <= limit
    assert not {unicodedata.category(char) for char in text} & {"Cc", "Cf", "Zl", "Zp"}


@given(st.text(), st.integers(20, 120), st.integers(0, 6), st.integers(0, 8))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int, indent: int, hanging: int) -> None:
    """Not even of a word longer than a line."""
    lines = wrapped(harmless(text), width, indent, hanging)
    assert all(columns(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == harmless(text).replace(" ", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1.0, "1"),
        (0.47, "0.47"),
        (10**400, "(a number of 1329 bits)"),
        ("a\nb\x1b[31m", '"a\\nb\\u001b[31m"'),
        ("\u202eabc", '"\\u202eabc"'),
        ("x" * 80, '"' + "x" * 58 + "…"),
        ([], "[]"),
        ({}, "{}"),
        ([1, [2, {"a": None}]], "[1, [2, {a: null}]]"),
        ([[[[[[1]]]]]], "[[[[[…]]]]]"),
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, "{a: {b: {c: {d: {…}}}}}"),
        ([*range(100)], "[… 99 more, 99]"),
        ([{"text": "word " * 20}] * 2, '[… 1 more, {text: "word word word word word word word word…]'),
        ("日本語" * 20, '"' + "日本語" * 9 + "日本…"),
    ],
)
def test_values_are_shown_so(value: Any, text: str) -> None:
    """Compact JSON; of a long list the end, where it grew."""
    assert preview(value) == text
    assert columns(text) <= 60


def test_recorded_python_values_are_shown_without_their_tags() -> None:
    """A set is a set, not an object that says so."""
    assert preview(plain(record({1, 2}))) == "set [1, 2]"
    assert preview(plain(record(b"ab"))).startswith("bytes ")


def test_a_huge_value_costs_no_more_than_what_is_shown() -> None:
    """A million items are not visited for sixty columns, and a deep list is not climbed."""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert preview(deep) == "[[[[[…]]]]]"
    assert preview({"key" * 1_000_000: "v" * 10_000_000}).startswith("{keykey")


def test_fitting_cuts_by_columns() -> None:
    """Wide letters count twice, combining marks not at all."""
    assert fitted("日本語", 6) == "日本語"
    assert fitted("日本語", 5) == "日本…"
    assert fitted("e\u0301" * 5, 5) == "e\u0301" * 5
