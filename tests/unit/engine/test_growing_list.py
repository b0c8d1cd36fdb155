"""A list in the state that grows: what is kept of it, and that an addition costs what was added."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from footpath import Child, FlowChart, FlowChartExecutor, RedactionPolicy, RetryPolicy, decode_trace, flow_chart, ops
from footpath.journal.entries import APPEND, CHANGED
from footpath.values import _record
from tests.unit._large_charts import growing


def chart_of(*functions: Callable[[Any], Any], **options: Any) -> FlowChart:
    """A line of stages."""
    builder = flow_chart("S0", functions[0], "s0", **options)
    for number, function in enumerate(functions[1:], 1):
        builder.add_function(f"S{number}", function, f"s{number}")
    return builder.build()


def ran(chart: FlowChart, **options: Any) -> FlowChartExecutor:
    """Run it; the state at the end is what the journal tells."""
    executor = FlowChartExecutor(chart)
    executor.enable_narrative()
    executor.run(**options)
    trace = decode_trace(executor.get_trace().encoded)
    assert trace.snapshot == executor.get_snapshot()
    return executor


def state_of(executor: FlowChartExecutor) -> dict[str, Any]:
    return executor.get_snapshot()["sharedState"]


def entries(executor: FlowChartExecutor, code: int) -> list[Any]:
    """Entries of a kind."""
    journal = decode_trace(executor.get_trace().encoded).document.journal
    return [entry for entry in journal if isinstance(entry, (list, tuple)) and entry[0] == code]


@pytest.mark.parametrize(
    "item", [lambda n: n, lambda n: {"n": n}, lambda n: [str(n)]], ids=["numbers", "objects", "lists"]
)
def test_a_pass_encodes_what_it_adds(item: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the passes encode twice the bytes, though the list is twice as long."""

    def encoded(passes: int) -> int:
        count = 0
        encode = msgspec.json.Encoder().encode

        def counting(value: Any) -> bytes:
            nonlocal count
            data = encode(value)
            count += len(data)
            return data

        with monkeypatch.context() as patch:
            patch.setattr(_record, "_encode", counting)
            FlowChartExecutor(growing(passes, item)).run(max_iterations=passes)
        return count

    few, many = encoded(200), encoded(400)
    assert 0 < many < 2.5 * few


def test_appends_in_one_stage_encode_what_they_add(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether one view is kept or the key is read again for each."""

    def again(scope: Any) -> None:
        scope.items = []
        for number in range(500):
            scope.items.append(number)

    def kept(scope: Any) -> None:
        items = scope.items
        for number in range(500):
            items += [number]

    count = 0
    encode = msgspec.json.Encoder().encode

    def counting(value: Any) -> bytes:
        nonlocal count
        data = encode(value)
        count += len(data)
        return data

    monkeypatch.setattr(_record, "_encode", counting)
    executor = FlowChartExecutor(chart_of(again, kept))
    executor.run()
    assert count < 20_000  # once the 500 numbers take 1,900 bytes
    assert state_of(executor)["items"] == [*range(500), *range(500)]


def test_the_journal_holds_what_was_added() -> None:
    """Not the list."""
    executor = ran(growing(50, lambda n: n), max_iterations=50)
    assert [entry[2] for entry in entries(executor, APPEND)] == [[n] for n in range(1, 51)]
    assert entries(executor, CHANGED) == []


def test_an_item_changed_behind_the_scopes_back_is_found_at_the_commit() -> None:
    """As any other container is; also among items that came before."""
    held: dict[str, Any] = {"a": 1}

    def first(scope: Any) -> None:
        scope.items = []
        scope.items.append(0)

    def second(scope: Any) -> None:
        scope.items.append(held)
        held["b"] = 2

    executor = ran(chart_of(first, second))
    assert state_of(executor)["items"] == [0, {"a": 1, "b": 2}]
    assert len(entries(executor, CHANGED)) == 1


def test_an_item_is_the_states_own_once_it_is_committed() -> None:
    """What becomes of the object that was appended is nobody's business any more."""
    held: dict[str, Any] = {"a": [1]}

    def first(scope: Any) -> None:
        scope.items = []
        scope.items.append(held)

    def second(scope: Any) -> Any:
        held["a"].append("later")
        return scope.items[0]["a"]

    chart = chart_of(first, second)
    executor = FlowChartExecutor(chart)
    assert executor.run() == [1]
    assert state_of(executor)["items"] == [{"a": [1]}]
    assert entries(executor, CHANGED) == []


def test_items_that_json_does_not_know_keep_their_type() -> None:
    """And are looked at again at each commit, for nobody can tell who holds them."""

    def first(scope: Any) -> None:
        scope.items = []
        scope.items.append(Decimal("1.50"))

    def second(scope: Any) -> Any:
        scope.items.append({1, 2})
        return list(scope.items)

    assert FlowChartExecutor(chart_of(first, second)).run() == [Decimal("1.50"), {1, 2}]
    executor = ran(chart_of(first, second))
    assert state_of(executor)["items"][0] == {"$footpath": "decimal", "value": "1.50"}


def test_a_failed_attempt_leaves_nothing_of_what_it_added() -> None:
    """Neither in the list nor in the record."""
    attempts: list[int] = []

    def first(scope: Any) -> None:
        scope.items = []
        scope.items.append("a")

    def second(scope: Any) -> None:
        attempts.append(1)
        scope.items.append(f"try {len(attempts)}")
        if len(attempts) < 3:
            raise ValueError

    def third(scope: Any) -> None:
        scope.items.append("z")

    chart = (
        flow_chart("First", first, "first")
        .add_function("Second", second, "second")
        .retry(RetryPolicy(3))
        .add_function("Third", third, "third")
        .build()
    )
    executor = ran(chart)
    assert state_of(executor)["items"] == ["a", "try 3", "z"]
    assert entries(executor, CHANGED) == []


def test_each_parallel_child_lets_its_own_list_grow() -> None:
    """From what stood there when they began."""

    def seed(scope: Any) -> None:
        scope.items = []
        scope.items.append("seed")

    def adds(name: str) -> Callable[[Any], None]:
        def add(scope: Any) -> None:
            for number in range(3):
                scope.items.append(f"{name}{number}")

        return add

    chart = (
        flow_chart("Seed", seed, "seed")
        .add_list_of_function([Child(name, name, adds(name)) for name in "ab"])
        .add_function("After", lambda scope: scope.items.append("after"), "after")
        .build()
    )
    state = state_of(ran(chart))
    assert state["items"] == ["seed", "after"]
    assert {name: run["items"] for name, run in state["runs"].items()} == {
        name: ["seed", *(f"{name}{number}" for number in range(3))] for name in "ab"
    }


def test_a_mapping_that_changes_what_it_is_shown_is_found_out() -> None:
    """A mapping is given the state itself; from then on somebody else holds the list."""

    def first(scope: Any) -> None:
        scope.items = []
        scope.items.append({"a": 1})

    def meddling(parent: dict[str, Any]) -> dict[str, Any]:
        parent["items"][0]["a"] = 2
        return {"given": parent["items"]}

    inner = flow_chart("Inner", lambda scope: scope.given[0]["a"], "inner").build()
    chart = (
        flow_chart("First", first, "first")
        .add_sub_flow_chart_next("sub", inner, "Sub", input_mapper=meddling)
        .add_function("Last", lambda scope: scope.items.append("z"), "last")
        .build()
    )
    executor = FlowChartExecutor(chart)
    executor.run()
    assert state_of(executor)["items"] == [{"a": 2}, "z"]
    assert len(entries(executor, CHANGED)) == 1


def test_c_code_that_moves_items_before_an_append_is_found_at_the_commit() -> None:
    """`heapreplace` leaves the length as it was."""

    def first(scope: Any) -> None:
        scope.heap = []
        scope.heap.extend([1, 5, 3])

    def second(scope: Any) -> None:
        heap = scope.heap
        heapq.heapreplace(heap, 4)
        heap.append(9)
        assert list(scope.heap) == [3, 5, 4, 9]

    executor = ran(chart_of(first, second))
    assert state_of(executor)["heap"] == [3, 5, 4, 9]


def test_two_views_of_a_growing_list_show_the_same() -> None:
    """Also one that was taken before the list was replaced, and while it is walked."""

    def stage(scope: Any) -> Any:
        scope.items = [1]
        old = scope.items
        scope.items = [5]
        new = scope.items
        new.append(6)
        assert old == [5, 6]
        new.append(7)
        assert old == [5, 6, 7] == list(old)
        old.append(8)
        seen = []
        for item in new:
            seen.append(item)
            if len(old) < 6:
                old.append(item)
        assert len(new) == 6
        return seen

    assert FlowChartExecutor(chart_of(stage)).run() == [5, 6, 7, 8, 5, 6]


def test_a_growing_list_under_a_policy_holds_no_secret() -> None:
    """A hidden list is hidden as a whole; a secret that is appended elsewhere is taken out."""

    def stage(scope: Any) -> None:
        scope.secret = []
        scope.secret.append("canary-4711")
        scope.items = ["first"]

    def later(scope: Any) -> None:
        scope.items.append("has canary-4711 in it")
        scope.secret.append("canary-4712")
        del scope.secret

    def last(scope: Any) -> None:
        scope.items.append("and canary-4712")

    executor = FlowChartExecutor(chart_of(stage, later, last))
    executor.set_redaction_policy(RedactionPolicy(keys=("secret",)))
    executor.enable_narrative()
    executor.run()
    trace = executor.get_trace()
    assert b"canary" not in trace.encoded
    assert trace.snapshot["sharedState"]["items"] == ["first", "has [REDACTED] in it", "and [REDACTED]"]


def test_a_list_that_was_hidden_and_comes_back_is_written_whole() -> None:
    """After a delete that an attempt took back, what replays knows the mark alone."""
    attempts: list[int] = []

    def first(scope: Any) -> None:
        ops(scope).set("items", ["canary-4711"], redact=True)

    def second(scope: Any) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            del scope.items
            raise ValueError
        scope.items.append("x")

    chart = flow_chart("A", first, "a").add_function("B", second, "b").retry(RetryPolicy(2)).build()
    executor = FlowChartExecutor(chart)
    executor.run()
    trace = executor.get_trace()
    assert b"canary" not in trace.encoded
    assert trace.snapshot["sharedState"]["items"] == ["[REDACTED]", "x"]
    assert state_of(executor)["items"] == ["canary-4711", "x"]


def test_an_append_to_a_deleted_list_and_to_what_is_none() -> None:
    """A deleted key reads as what was committed until the stage ends: the reference's rule."""

    def first(scope: Any) -> None:
        scope.items = [1]

    def second(scope: Any) -> None:
        del scope.items
        scope.items.append(2)

    assert state_of(ran(chart_of(first, second)))["items"] == [1, 2]


def test_append_all_adds_in_one_event() -> None:
    """One read and one write, whatever stood there."""

    def first(scope: Any) -> None:
        ops(scope).append_all("items", [1])
        ops(scope).append_all("items", (n for n in (2, 3)))

    def second(scope: Any) -> None:
        ops(scope).append_all("items", [])
        ops(scope).append_all("items", [scope.items])

    executor = ran(chart_of(first, second))
    assert state_of(executor)["items"] == [1, 2, 3, [1, 2, 3]]
    assert [entry[2] for entry in entries(executor, APPEND)] == [[2, 3], [], [[1, 2, 3]]]
