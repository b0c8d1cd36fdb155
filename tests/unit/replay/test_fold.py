"""State at a commit: the fold of the log's bundles, by every verb, and the caller's own."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from footpath import Child, FlowChartExecutor, RedactionPolicy, StageNode, Trace, decode_trace, flow_chart, ops
from footpath.values import ABSENT, ABSENT_FORM, plain, record


class _Code(str):
    __slots__ = ()


INITIAL = {"gone": 1, "stays": {"a": {"b": [1]}}, "items": [1]}


def first(scope: Any) -> None:
    del scope.gone
    scope.items.append(2)
    scope.stays["a"]["c"] = 3


def second(scope: Any) -> None:
    scope.items.append(3)
    ops(scope).update("stays", {"a": {"b": [2]}})
    scope.gone = "back"


def third(scope: Any) -> None:
    del scope.stays
    scope.items = [9]


def branch(scope: Any) -> None:
    scope.own = 1
    scope.lost = 2
    del scope.lost


STATES: list[dict[str, Any]] = [
    INITIAL,
    {"stays": {"a": {"b": [1], "c": 3}}, "items": [1, 2]},
    {"stays": {"a": {"b": [1, 2], "c": 3}}, "items": [1, 2, 3], "gone": "back"},
    {"items": [9], "gone": "back"},
]


def trace_of(commit_values: str) -> tuple[FlowChartExecutor, Trace]:
    chart = (
        flow_chart("First", first, "first")
        .add_function("Second", second, "second")
        .add_function("Third", third, "third")
        .add_list_of_function([Child("x", "X", branch), Child("y", "Y", branch)])
        .build()
    )
    executor = FlowChartExecutor(chart, initial_context=INITIAL, commit_values=commit_values)
    executor.run()
    return executor, decode_trace(executor.get_trace().encoded)


@pytest.mark.parametrize("commit_values", ["full", "delta"])
def test_each_commit_is_folded_by_its_verb(commit_values: str) -> None:
    """Sets, merges, appends and deletions, at the top and in a parallel child; before the first, and at the end."""
    executor, trace = trace_of(commit_values)
    for number, state in enumerate(STATES):
        assert trace.state_at(number) == state
    log = trace.snapshot["commitLog"]
    assert trace.state_at(len(log)) == trace.snapshot["sharedState"] == executor.get_snapshot()["sharedState"]
    verbs = {row["verb"] for bundle in log for row in bundle["trace"]}
    assert verbs == ({"set", "merge", "append", "delete"} if commit_values == "delta" else {"set", "merge"})


@pytest.mark.parametrize("commit_values", ["full", "delta"])
def test_a_state_is_the_callers_own(commit_values: str) -> None:
    """Whatever becomes of it, the next one asked for is what it was, and so is the snapshot."""
    _, trace = trace_of(commit_values)
    state = trace.state_at(2)
    state["stays"]["a"]["b"].append("spoiled")
    state["items"].append("spoiled")
    state.clear()
    assert trace.state_at(2) == STATES[2]
    assert trace.state_at(0) == INITIAL


def test_a_write_of_what_is_there_already_leaves_what_is_there() -> None:
    """1.0 over 1 changes nothing, at the top or in a parallel child: not in the live state, not in what the journal tells of it."""

    def write(scope: Any) -> None:
        scope.n = 1

    def write_again(scope: Any) -> None:
        scope.n = 1.0

    def child(scope: Any) -> StageNode:
        scope.n = 1
        return StageNode("c", "C", next=StageNode("again", "Again", write_again))

    chart = (
        flow_chart("Write", write, "write")
        .add_function("Again", write_again, "write-again")
        .add_list_of_function([Child("x", "X", child)])
        .build()
    )
    executor = FlowChartExecutor(chart)
    executor.run()
    trace = decode_trace(executor.get_trace().encoded)
    whole = b'{"n":1,"runs":{"x":{"n":1}}}'
    assert msgspec.json.encode(executor.get_snapshot()["sharedState"]) == whole
    assert msgspec.json.encode(trace.final_state()) == whole
    assert msgspec.json.encode(executor._phases[-1].run.top.plain_view()) == whole
    assert msgspec.json.encode(trace.state_at(len(trace.snapshot["commitLog"]))) == whole


@pytest.mark.parametrize("scalar", ["\ud83d", float("nan"), float("inf"), 2**16_000, ABSENT, _Code("a")], ids=type)
def test_a_scalar_that_is_recorded_with_a_tag_is_united_by_its_value(scalar: Any) -> None:
    """A list that is patched with it twice has it once, in the state that stages read and in every state from the records."""
    seen: list[Any] = []

    def patch(scope: Any) -> None:
        ops(scope).update("o", {"l": [scalar, {}]})

    def look(scope: Any) -> None:
        seen.append(list(scope.o["l"]))

    chart = flow_chart("A", patch, "a").add_function("B", patch, "b").add_function("C", look, "c").build()
    executor = FlowChartExecutor(chart)
    executor.run()
    trace = decode_trace(executor.get_trace().encoded)
    last = len(trace.snapshot["commitLog"])
    recorded = plain(record(scalar))
    assert [type(item).__name__ for item in seen[0]] == [type(scalar).__name__, "TrackedDict", "TrackedDict"]
    for state in (executor.get_snapshot()["sharedState"], trace.snapshot["sharedState"], trace.state_at(last)):
        assert state == {"o": {"l": [ABSENT_FORM if scalar is ABSENT else recorded, {}, {}]}}


def test_a_delta_of_a_key_that_was_written_and_patched_holds_what_came_of_it() -> None:
    """Once, whole: not the patch beside it."""

    def write(scope: Any) -> None:
        scope.o = {"a": 1}
        scope.o["b"] = 2

    executor = FlowChartExecutor(flow_chart("Write", write, "write").build(), commit_values="delta")
    executor.run()
    (bundle,) = executor.get_snapshot()["commitLog"]
    assert (bundle["overwrite"], bundle["updates"]) == ({"o": {"a": 1, "b": 2}}, {})
    assert [(row["path"], row["verb"]) for row in bundle["trace"]] == [("o", "set")]


def test_a_list_that_a_subflow_adds_to_is_read_before_it_is_written() -> None:
    """With provenance each row of the output names what the mount had read by then."""
    inner = flow_chart("In", lambda scope: None, "in").build()
    chart = (
        flow_chart("Begin", lambda scope: scope.__setitem__("o", {"l": [1]}), "begin")
        .add_sub_flow_chart_next(
            "sub", inner, "Sub", output_mapper=lambda out, parent: {"a": 0, "o": {"l": [2]}, "z": 3}
        )
        .build()
    )
    executor = FlowChartExecutor(chart, write_provenance="reads-prefix")
    executor.run()
    (output,) = [each for each in executor.get_snapshot()["commitLog"] if each["stageId"] == "sub" and each["trace"]]
    assert [(row["path"], row["readKeys"]) for row in output["trace"]] == [
        ("a", []),
        ("o\u001fl", ["o.l"]),
        ("z", ["o.l"]),
    ]


@pytest.mark.parametrize("commit_values", ["full", "delta"])
def test_an_object_handed_out_over_a_text_of_which_something_is_hidden_is_laid_over_what_is_shown(
    commit_values: str,
) -> None:
    """Law 5: of the text the log has the hidden character alone, as a member; what is handed out stands beside it."""

    def hand_over(scope: Any) -> None:
        ops(scope).update("l", "abc")

    def make(scope: Any) -> None:
        scope.made = {"b": [1]}

    chart = (
        flow_chart("A", hand_over, "a")
        .add_sub_flow_chart_next(
            "sub", flow_chart("In", make, "in").build(), "Sub", output_mapper=lambda sub, _: {"l": sub["made"]}
        )
        .build()
    )
    executor = FlowChartExecutor(chart, commit_values=commit_values)
    executor.set_redaction_policy(RedactionPolicy(fields={"l": ["0"]}))
    executor.run()
    trace = decode_trace(executor.get_trace().encoded)
    state = trace.snapshot["sharedState"]
    assert msgspec.json.decode(msgspec.json.encode(state)) == {"l": {"0": "REDACTED", "b": [1]}}
    assert trace.state_at(len(trace.snapshot["commitLog"])) == {"l": {"0": "REDACTED", "b": [1]}}


def test_a_text_of_which_something_is_hidden_is_laid_over_a_list_as_the_log_has_it() -> None:
    """Law 5: the log has the hidden character alone, as a member; a merge leaves the list's other items beside it."""
    chart = flow_chart("A", lambda scope: ops(scope).update("l", "abc"), "a").build()
    executor = FlowChartExecutor(chart, initial_context={"l": [["x"], "y"]})
    executor.set_redaction_policy(RedactionPolicy(fields={"l": ["1"]}))
    executor.run()
    trace = decode_trace(executor.get_trace().encoded)
    state = msgspec.json.decode(msgspec.json.encode(trace.snapshot["sharedState"]))
    assert state == trace.state_at(1) == {"l": {"0": ["x"], "1": "REDACTED"}}
