from __future__ import annotations

import json
import math
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from footpath.values import MARK, SECRET_LENGTH, Secrets, plain, record
from tests.unit.values._kinds import Color, Order, anything, lossless, plain_json


def secrets_of(*values: Any) -> Secrets:
    secrets = Secrets()
    for value in values:
        secrets.add(value)
    return secrets


def strings_in(value: Any) -> list[str]:
    """All keys, texts and printed numbers of plain JSON."""
    if isinstance(value, dict):
        return [text for key, part in value.items() for text in (key, *strings_in(part))]
    if isinstance(value, list):
        return [text for part in value for text in strings_in(part)]
    return [value] if isinstance(value, str) else [json.dumps(value)]


long_texts = st.text(alphabet='abc1 "\\é\n\U0001f600', min_size=SECRET_LENGTH, max_size=12).filter(str.strip)


@given(secret=long_texts, value=plain_json, before=st.text(max_size=3), after=st.text(max_size=3), data=st.data())
def test_a_long_secret_occurs_nowhere(secret: str, value: Any, before: str, after: str, data: st.DataObject) -> None:
    """Law 6: in no text, no key, no number, wherever it was put and however JSON escapes it."""
    secrets = secrets_of({"deep": [secret]})
    where = data.draw(st.sampled_from(["value", "inside", "key", "list", "bare"]))
    hidden = {
        "value": {"x": secret, "rest": value},
        "inside": {"x": [before + secret + after, value]},
        "key": {before + secret + after: value},
        "list": [[secret], value],
        "bare": secret,
    }[where]
    shown = plain(secrets.scrub_recorded(record(hidden)))
    assert not any(secret in text for text in strings_in(shown))


@given(value=anything)
def test_gathering_secrets_never_raises(value: Any) -> None:
    """Whatever was redacted."""
    secrets = secrets_of(value)
    secrets.scrub_recorded(record(value))


@given(value=lossless, other=plain_json)
def test_a_record_without_secrets_is_given_back_as_it_is(value: Any, other: Any) -> None:
    """The same object: nothing is decoded and encoded for nothing."""
    recorded = record(other)
    assert Secrets().scrub_recorded(recorded) is recorded
    assert secrets_of("not in there: \x00 4711 0815").scrub_recorded(recorded) is recorded


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        (123456, {"a": 123456, "b": "no. 123456!", "c": 9123456.5}),
        (123456.0, {"a": 123456, "b": "no. 123456!"}),
        ("123456", {"a": 123456, "b": "no. 123456!"}),
        (Decimal("1234.50"), {"a": Decimal("1234.50"), "b": "1234.50"}),
        (date(2001, 2, 3), {"a": date(2001, 2, 3), "b": "born 2001-02-03"}),
        (b"password", {"a": b"password", "b": "the password"}),
        (Order(7, ["hunter22"]), {"a": {"hunter22"}, "b": "hunter22"}),
        ("1e+2100", {"b": "1e+2100"}),
    ],
)
def test_secrets_of_other_kinds_are_found_in_all_their_forms(secret: Any, shown: dict[str, Any]) -> None:
    """A number is a secret by its text, a tagged value by its content."""
    got = plain(secrets_of(secret).scrub_recorded(record(shown)))
    for name in shown:
        assert MARK in json.dumps(got[name]), name
    assert str(shown["b"]) not in json.dumps(got)


def test_a_tagged_form_that_shows_a_secret_becomes_the_mark() -> None:
    """A decimal whose digits are masked is no decimal."""
    secrets = secrets_of("1234.50", "password")
    assert plain(secrets.scrub_recorded(record([Decimal("1234.50"), b"my password", {b"x"}]))) == [
        MARK, MARK, {"$footpath": "set", "value": [{"$footpath": "bytes", "value": "eA=="}]},
    ]  # fmt: skip


def test_short_secrets_are_replaced_where_they_are_the_whole_value() -> None:
    """A four-digit PIN would be found in half of all texts."""
    secrets = secrets_of({"pin": "1234", "cvv": 987})
    got = plain(secrets.scrub_recorded(record({"a": "1234", "b": 1234, "c": "12345", "d": ["987", 987.0], "1234": 1})))
    assert got == {"a": MARK, "b": MARK, "c": "12345", "d": [MARK, MARK], "1234": 1}
    assert secrets.scrub_recorded("1234") == MARK
    assert secrets.scrub_recorded(1234) == MARK
    assert secrets.scrub_recorded(12345) == 12345
    assert secrets.scrub_text("1234") == MARK
    assert secrets.scrub_text("pin 1234") == "pin 1234"


def test_common_tokens_are_no_secrets() -> None:
    """They would hide half of the document and tell nothing."""
    secrets = secrets_of(
        [True, False, None, "true", "null", "undefined", "", "   ", 0, 1, 99, -5, 0.5, "[REDACTED]", "REDACTED"],
        [math.nan, math.inf, -math.inf, "-Infinity"],
    )
    assert not secrets
    assert len(secrets) == 0


def test_keys_of_redacted_objects_are_no_secrets() -> None:
    """The names of fields are in the code, not in the customer."""
    assert secrets_of({"address_line": 1}).scrub_text("address_line") == "address_line"


def test_type_names_and_tags_are_no_secrets() -> None:
    """Only what a tagged value holds."""
    secrets = secrets_of(Order(123456, ["hunter22"]), Color.RED)
    assert (
        secrets.scrub_text("tests.unit.values._kinds:Order $footpath dataclass")
        == "tests.unit.values._kinds:Order $footpath dataclass"
    )


def test_longer_secrets_win_over_the_ones_they_hold() -> None:
    """Nothing of the longer one is left over."""
    secrets = secrets_of("secret", "secret-and-more")
    assert secrets.scrub_text("a secret-and-more, a secret") == f"a {MARK}, a {MARK}"


def test_keys_that_fall_together_are_kept_apart() -> None:
    """Two members do not become one."""
    secrets = secrets_of("4711-001", "4711-002")
    got = plain(secrets.scrub_recorded(record({"4711-001": 1, "4711-002": 2, "x": 3})))
    assert got == {MARK: 1, f"{MARK} (2)": 2, "x": 3}


@pytest.mark.parametrize("count", [1, 64, 65, 2000])
def test_many_secrets_are_all_found(count: int) -> None:
    """By one expression or position by position: the same result."""
    names = [f"customer-{n:05}" for n in range(count)]
    secrets = secrets_of(names)
    text = " and ".join(names[:50])
    assert "customer" not in secrets.scrub_text(text)
    assert "customer" not in bytes(secrets.scrub_recorded(record({"t": [text], "names": names[-3:]}))).decode()
    assert secrets.scrub_text("customer-99999") == "customer-99999"


def test_a_secret_of_any_length_is_found() -> None:
    """A document is a secret like any other."""
    document = "Lorem ipsum ()[]*+? " * 5000
    assert secrets_of(document).scrub_text(f"<{document}>") == f"<{MARK}>"


def test_recorded_and_plain_values_are_gathered_alike() -> None:
    """`add` takes what the caller has."""
    for value in (record({"ssn": "078-05-1120"}), plain(record({"ssn": "078-05-1120"})), {"ssn": "078-05-1120"}):
        assert secrets_of(value).scrub_text("078-05-1120") == MARK
    assert type(secrets_of("078-05-1120").scrub_recorded(record(["078-05-1120"]))) is Raw
