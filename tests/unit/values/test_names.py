"""Names and texts as UTF-8 can hold them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footpath.values import error_text, live_name, recorded_name, whole_text

NAMES = st.text(alphabet="\ufffd\ud83d\udc00\\ud83dfa9é", max_size=12)


@given(NAMES, NAMES)
def test_names_are_recorded_so_that_each_comes_back_and_none_becomes_another(name: str, other: str) -> None:
    """Whatever stands in them, also what reads like a half spelled out."""
    recorded = recorded_name(name)
    recorded.encode()
    assert live_name(recorded) == name
    assert (recorded_name(other) == recorded) == (other == name)


@pytest.mark.parametrize(
    "name", ["", "key", "größe", "日本", "😀", "\\ud83d", "\ufffd", "\ufffd\\uD83D", "a\x00\n/#[0]."]
)
def test_an_ordinary_name_is_recorded_as_it_is(name: str) -> None:
    """Also one with the mark in it, or one that is written as Python would escape a half."""
    assert recorded_name(name) == name
    assert live_name(name) == name


def test_a_text_is_changed_only_where_utf8_cannot_hold_it() -> None:
    """It need not come back, so nothing is doubled."""
    assert whole_text("no \ud83d") == "no \ufffd\\ud83d"
    assert whole_text("no \ufffd\\ud83d") == "no \ufffd\\ud83d"


def test_the_text_of_an_error_can_always_be_had() -> None:
    """Whatever its class answers when it is asked."""

    class RudeError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert error_text(ValueError("no \ud83d")) == "no \ufffd\\ud83d"
    assert error_text(RudeError()) == "<RudeError without a text>"
