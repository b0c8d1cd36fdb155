from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Raw

from footpath.values import ABSENT, cut, js_number, js_units, members, plain, record, summarize
from tests.conformance._js import number_text, utf16
from tests.unit.values._kinds import Color, Order, Pair, Right, anything, nested, plain_json, ring

EMOJI = "\U0001f600"


@given(number=st.floats())
def test_floats_print_as_in_javascript(number: float) -> None:
    """Against the conformance runner's own rendering of ECMAScript's Number::toString."""
    assert js_number(number) == number_text(number)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1"), (-0.0, "0"), (1e21, "1e+21"), (1.5e300, "1.5e+300"), (1e20, "100000000000000000000"),
        (123456789012345680000.0, "123456789012345680000"), (1e-6, "0.000001"), (1.234e-6, "0.000001234"),
        (-1.5e-5, "-0.000015"), (1e-7, "1e-7"), (1.23e-18, "1.23e-18"), (5e-324, "5e-324"), (0.1 + 0.2, "0.30000000000000004"),
        (float("nan"), "NaN"), (float("-inf"), "-Infinity"), (2**53, "9007199254740992"),
    ],
)  # fmt: skip
def test_known_numbers(number: float, text: str) -> None:
    """Printed by Node."""
    assert js_number(number) == text


def test_ints_print_all_their_digits() -> None:
    """A parity rule: a JavaScript number would round 64-bit ids, and an audit must not."""
    assert js_number(12345678901234567891) == "12345678901234567891"
    assert summarize(2**70) == "1180591620717411303424"


ORACLE: list[tuple[Any, dict[int, str]]] = [
    ("abcde", {80: '"abcde"', 3: '"..."', 2: '"abcd..."', 0: '"ab..."'}),
    ("abcdefghijk", {80: '"abcdefghijk"', 11: '"abcdefghijk"', 10: '"abcdefg..."', 2: '"abcdefghij..."'}),
    ('say "hi"\n', {80: '"say "hi"\n"'}),
    ("y" * 81, {80: '"' + "y" * 77 + '..."'}),
    ({"aaa": 1, "bbb": 2}, {80: "{aaa, bbb}", 10: "{aaa, bbb}", 3: "{2 keys}"}),
    ({"aaaaaaaa": 1}, {10: "{aaaaaaaa}"}),
    ({"aaaaaaaaa": 1}, {10: "{1 keys}"}),
    ({"k" * 78: 1}, {80: "{" + "k" * 78 + "}"}),
    ({"k" * 79: 1}, {80: "{1 keys}"}),
    ({"a": 1, "b": 2, "c": 3, "d": 4}, {80: "{a, b, c, d}"}),
    ({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, {80: "{a, b, c, d, ... (5 keys)}", 20: "{5 keys}"}),
    ({"": 1}, {80: "{}", 0: "{1 keys}"}),
    ({}, {80: "{}", 0: "{}"}),
    ([], {80: "[]"}),
    ([1], {80: "(1 item)", 0: "(1 item)"}),
    ([1, 2, 3], {80: "(3 items)"}),
    (None, {80: "null"}),
    (True, {80: "true", 0: "true"}),
    (False, {80: "false"}),
    (12345678.5, {80: "12345678.5", 0: "12345678.5"}),
    (float("nan"), {80: "NaN"}),
]  # fmt: skip
"""What footprintjs prints, by its `maxValueLength`."""


@pytest.mark.parametrize(
    ("value", "limit", "text"), [(value, *case) for value, cases in ORACLE for case in cases.items()]
)
def test_summaries_are_the_references(value: Any, limit: int, text: str) -> None:
    """Live and recorded values alike."""
    assert summarize(value, limit) == text
    assert summarize(record(value), limit) == text


@given(value=anything, limit=st.integers(0, 100))
def test_a_live_value_and_its_record_have_one_summary(value: Any, limit: int) -> None:
    """Evidence is summarized live, the narrative from records."""
    assert summarize(value, limit) == summarize(record(value), limit)


@given(value=plain_json, limit=st.integers(3, 100))
def test_texts_and_objects_keep_the_limit(value: Any, limit: int) -> None:
    """Quotes not counted; a count of items or keys is printed whole."""
    text = summarize(value, limit)
    if isinstance(value, str):
        assert len(utf16(text)) // 2 <= limit + 2
    elif isinstance(value, dict) and not text.endswith(" keys}"):
        assert len(utf16(text)) // 2 <= max(limit, 2)


@given(text=st.text(alphabet=st.sampled_from(["a", "é", EMOJI, "\ud800"]), max_size=30), limit=st.integers(0, 30))
def test_a_cut_counts_utf16_units_and_keeps_pairs_whole(text: str, limit: int) -> None:
    """The reference cuts through a pair; half of one can't be written as UTF-8, so here both halves go."""
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) // 2 <= limit:
        assert cut(text, limit) == text
        return
    keep = limit - 3 if limit >= 3 else max(0, len(units) // 2 + limit - 3)
    head = cut(text, limit).removesuffix("...")
    kept = head.encode("utf-16-le", "surrogatepass")
    assert units.startswith(kept)
    assert keep - 1 <= len(kept) // 2 <= keep
    if len(kept) // 2 < keep:
        assert units[len(kept) + 1] & 0xFC == 0xD8


def test_a_cut_through_an_emoji_leaves_it_out() -> None:
    """The reference shows 38 of them and half of one."""
    assert summarize(EMOJI * 41) == '"' + EMOJI * 38 + '..."'
    assert summarize(EMOJI * 40) == '"' + EMOJI * 40 + '"'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (ABSENT, "undefined"), (UNSET, "undefined"), (datetime(2026, 1, 1, tzinfo=UTC), "{}"), (date(2026, 1, 1), "{}"),
        ({1, 2}, "(2 items)"), (frozenset(), "[]"), (range(4), "(4 items)"), (range(5, 5, -2), "[]"), (range(10**30, 0, -3), "(333333333333333333333333333334 items)"), ((1, 2), "(2 items)"),
        (Decimal("1.50"), "1.50"), (UUID(int=1), "00000000-0000-0000-0000-000000000001"), (Order(1), "{id, tags}"),
        (Pair(1, 2), "{left, right}"), (Color.RED, "Color.RED"), (Right.READ | Right.WRITE, "Right.READ|WRITE"),
        ({1: "a", "b": 2}, "{1, b}"), ({"\ud800": 1}, "{\\ud800}"), (object, "<class 'object'>"), (ring(), "(2 items)"),
        (nested(3000), "(1 item)"), (nested(3000, dict), "{a}"), ({"a": ABSENT}, "{a}"), ({"$footpath": 1}, "{$footpath}"),
        (OrderedDict(b=1), "{b}"),
    ],
)  # fmt: skip
def test_what_javascript_lacks_is_shown_by_its_content(value: Any, text: str) -> None:
    """Dates are `{}` as in the reference; the rest says something."""
    assert summarize(record(value)) == text == summarize(value)


def test_the_largest_and_the_oddest_are_shown_too() -> None:
    """An int beyond the digits as hexadecimal, half of a pair as an escape."""
    assert summarize(10**5000).startswith("0x")
    assert len(summarize(10**5000)) == 80
    for text in ("\ud800\\", "\\ud800\ud800"):
        assert summarize(text) == summarize(record(text)) == f'"{text}"'.encode("utf-8", "backslashreplace").decode()


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [
        ("\ud83d", 1, '"\\ud83d"'),
        ("\ud83dab\ude00", 4, '"\\ud83dab\\ude00"'),
        ("\ude00abcd", 4, '"\\ude00..."'),
        ("\ude00\\", 2, '"\\ude00\\"'),
        ({"\ud83d": 1}, 3, "{\\ud83d}"),
        ({"\ud83d": 1}, 2, "{1 keys}"),
    ],
)
def test_half_of_a_character_counts_as_the_one_unit_that_it_is(value: Any, limit: int, text: str) -> None:
    """Not as the six that it is spelled out by: what the reference shows whole is not cut."""
    assert summarize(value, limit) == text == summarize(record(value), limit)


def test_members_give_each_member_in_recorded_form() -> None:
    """For the lines of a subflow's input; a tagged form has no members of its own."""
    got = members(record({"a": 1, "$footpath": [2], "c": {3}}))
    assert [(key, plain(value)) for key, value in got] == [
        ("a", 1),
        ("$footpath", [2]),
        ("c", {"$footpath": "set", "value": [3]}),
    ]
    assert type(got[1][1]) is Raw
    assert members(record([1])) == members(5) == members(record({1: 2})) == members(UNSET) == []


def test_a_texts_members_are_its_utf16_units() -> None:
    """Halves of a pair in their tagged form, for no JSON in UTF-8 can hold them."""
    assert js_units("Zo\u00eb") == ["Z", "o", "\u00eb"]
    assert js_units("a\U0001f600") == ["a", plain(record("\ud83d")), plain(record("\ude00"))]
