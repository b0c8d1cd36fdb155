from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footpath.archive import (
    MalformedIdError,
    hour_of_id,
    hour_of_ms,
    id_from_document,
    parse_trace_id,
    start_of_hour_ms,
    time_of_id_ms,
)
from footpath.ids import IdMaker

if TYPE_CHECKING:
    from collections.abc import Callable

MS = 1_764_000_000_123


def fixed(byte: int) -> Callable[[int], bytes]:
    return lambda count: bytes([byte]) * count


def test_an_id_is_a_uuid_of_version_7_and_names_its_millisecond() -> None:
    """The id alone finds the trace, so its time and version bits are those of RFC 9562."""
    made = IdMaker(lambda: MS, fixed(0xFF))()
    assert made == "019ab697-e87b-7fff-bfff-ffffffffffff"
    assert parse_trace_id(made) == made
    assert time_of_id_ms(made) == MS


def test_the_same_clock_and_randomness_give_the_same_ids() -> None:
    """Time and chance are arguments: the same input gives the same bytes."""
    assert [IdMaker(lambda: MS, fixed(7))() for _ in range(2)] == [IdMaker(lambda: MS, fixed(7))() for _ in range(2)]


@given(
    st.lists(st.integers(min_value=0, max_value=(1 << 48) - 1), min_size=1, max_size=40),
    st.integers(min_value=0, max_value=255),
)
def test_ids_only_grow_whatever_the_clock_does(times: list[int], byte: int) -> None:
    """Inside one millisecond, and when the clock steps back or stands, a later id is a greater id."""
    clock = iter(times)
    maker = IdMaker(lambda: next(clock), fixed(byte))
    if max(times) > (1 << 48) - 40:
        times[:] = times[:1]  # at the very end of time there is nowhere left to carry to
    ids = [maker() for _ in times]
    assert ids == sorted(set(ids))


def test_a_full_millisecond_carries_into_the_next() -> None:
    """All random bits set: the carry goes into the time, as RFC 9562 allows, and the id stays well formed."""
    maker = IdMaker(lambda: MS, fixed(0xFF))
    first, second = maker(), maker()
    assert first < second
    assert time_of_id_ms(second) == MS + 1
    assert parse_trace_id(second) == second


def test_an_id_made_from_a_document_is_the_same_for_every_delivery() -> None:
    """A footprintjs trace has no id of ours; delivered twice it must still be one trace."""
    digest = "ab" * 32
    made = id_from_document(MS, digest)
    assert made == id_from_document(MS, digest)
    assert made != id_from_document(MS, "cd" * 32)
    assert time_of_id_ms(parse_trace_id(made)) == MS


@pytest.mark.parametrize("at_ms", [-5, 1 << 60])
def test_an_id_from_an_impossible_time_is_still_an_id(at_ms: int) -> None:
    """A hostile message gives the time; it must not break the archive's hour."""
    made = parse_trace_id(id_from_document(at_ms, "00" * 32))
    assert hour_of_id(made).startswith("dt=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "019ab697-e87b-4fff-bfff-ffffffffffff",  # version 4
        "019ab697-e87b-7fff-cfff-ffffffffffff",  # another variant
        "ffffffff-ffff-7fff-bfff-ffffffffffff",  # after the year 9999
        "019ab697e87b7fffbfffffffffffffff",
        "../../../../etc/passwd",
        "019ab697-e87b-7fff-bfff-fffffffffff\u0664",  # a digit, but not of ASCII
    ],
)
def test_what_is_no_trace_id_is_refused_with_an_example_of_one(text: str) -> None:
    """Ids reach us from people and messages, and become keys: only a UUIDv7 passes."""
    with pytest.raises(MalformedIdError, match="trace id"):
        parse_trace_id(text)


def test_an_id_is_read_with_spaces_and_capitals() -> None:
    """People paste ids."""
    assert parse_trace_id(" 019AB697-E87B-7FFF-BFFF-FFFFFFFFFFFF\n") == "019ab697-e87b-7fff-bfff-ffffffffffff"


@given(st.integers(min_value=0, max_value=253_402_300_799_999))
def test_the_hour_of_a_time_is_its_utc_hour(at_ms: int) -> None:
    """The folder of a trace follows from its time, in UTC, on every machine."""
    hour = hour_of_ms(at_ms)
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    assert hour == f"dt={moment.year:04d}-{moment.month:02d}-{moment.day:02d}/hr={moment.hour:02d}"
    assert start_of_hour_ms(hour) == at_ms // 3_600_000 * 3_600_000
