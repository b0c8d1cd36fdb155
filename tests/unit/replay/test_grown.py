from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from footpath import FlowChartExecutor, decode_trace, flow_chart, ops
from footpath.replay import NarrativeEntry
from footpath.replay._grown import Grown, extended
from footpath.values import MARK, summarize

ITEMS = st.lists(st.one_of(st.integers(-5, 5), st.text(max_size=4), st.just({"a": [1]}), st.none()), max_size=3)


def recorded(items: list[Any]) -> Raw:
    return Raw(msgspec.json.encode(items))


@given(
    first=ITEMS, steps=st.lists(st.tuples(st.integers(0, 30), ITEMS, st.booleans()), max_size=12), order=st.randoms()
)
def test_versions_are_the_lists_they_stand_for(
    first: list[Any], steps: list[tuple[int, list[Any], bool]], order: Any
) -> None:
    """Each version grown from any earlier one, looked at in any order: text, values, length and summary are the list's own."""
    versions: list[tuple[Any, list[Any]]] = [(recorded(first), first)]
    for number, more, encoded in steps:
        held, known = versions[number % len(versions)]
        versions.append((extended(held, recorded(more) if encoded else more), [*known, *more]))
    order.shuffle(versions)
    for held, known in versions:
        text = held.packed() if type(held) is Grown else held
        assert text == recorded(known)
        if type(held) is Grown:
            assert held == text
            assert held.plain() == known
            assert held.count == len(known)
            assert held.summary() == summarize(known)


def test_the_difference_of_two_versions_is_what_came_between() -> None:
    """A delta log holds the tail alone; of versions that went different ways there is none."""
    one = extended(recorded([1]), [2])
    two = extended(extended(one, [3]), [4, 5])
    other = extended(one, ["another way"])
    assert two.since(one) == recorded([3, 4, 5])
    assert one.since(two) is None
    assert other.since(two) is None
    assert other.packed() == recorded([1, 2, "another way"])


@pytest.mark.parametrize("held", [recorded([MARK]), recorded([1])])
def test_a_list_with_something_hidden_stays_one_text(held: Raw) -> None:
    """Marks are looked for, and changed, in the text as a whole."""
    assert extended(held, [MARK]) == recorded([*msgspec.json.decode(held), MARK])


def test_what_was_no_list_is_one_now() -> None:
    """An absent key, or one that held something else in a journal that nobody of ours wrote."""
    assert extended(msgspec.UNSET, [1]) == recorded([1])
    assert extended(3, [1]) == recorded([1])


def test_a_line_about_a_grown_list_shows_it_whole() -> None:
    """The line holds the version; its value, its recorded form and its JSON are the list's."""
    grown = extended(recorded([1]), [2])
    entry = NarrativeEntry("step", "Step 1: Write items = (2 items)", 1, key="items", held=grown)
    assert entry.value == [1, 2]
    assert entry.raw_value == recorded([1, 2])
    assert entry.as_json()["rawValue"] == [1, 2]


def growing(passes: int, **dials: str) -> dict[str, Any]:
    """The snapshot of a loop whose list grows by an object a pass."""

    def grow(scope: Any) -> None:
        scope.n = (scope.n or 0) + 1
        if scope.n == 1:
            scope.items = []
        scope.items.append({"number": scope.n})
        if scope.n >= passes:
            ops(scope).break_flow()

    executor = FlowChartExecutor(flow_chart("Grow", grow, "grow").loop_to("grow").build(), **dials)  # type: ignore[arg-type]
    executor.run()
    return decode_trace(executor.get_trace().encoded).snapshot


def test_versions_of_a_list_share_their_items() -> None:
    """Each version is shown whole, and no item is made anew for it; but for those of the first, which nothing had grown from yet."""
    log = growing(20)["commitLog"]
    versions = [bundle["overwrite"]["items"] for bundle in log]
    assert [len(version) for version in versions] == list(range(1, 21))
    for before, after in pairwise(versions[1:]):
        assert all(old is new for old, new in zip(before, after, strict=False))


def test_with_delta_and_summaries_a_snapshot_holds_what_was_added() -> None:
    """Twice the passes, twice the JSON."""
    dials = {"commit_values": "delta", "read_tracking": "summary", "write_tracking": "summary"}
    few, many = (len(msgspec.json.encode(growing(n, **dials))) for n in (100, 200))
    assert many < 2.1 * few
