"""State keys that are no ordinary texts."""

from __future__ import annotations

import enum
from typing import Any

import pytest

from footpath import (
    FlowChartExecutor,
    RedactionPolicy,
    decide,
    decode_trace,
    flow_chart,
    interrupt,
    ops,
    replay,
)
from footpath.errors import StateError
from tests.property._runs import Heard

HALF = "half \ud83d"
RECORDED = "half \ufffd\\ud83d"


class Key(enum.StrEnum):
    """Names of keys, as an application lists them."""

    AGE = "age"
    ITEMS = "items"
    NONE = ""


def heard_both_ways(executor: FlowChartExecutor, **arguments: Any) -> list[Any]:
    """What a live run says, and once more its trace; the same, and as many views as there are the same, too."""
    live, replayed = Heard(), Heard()
    executor.enable_narrative()
    executor.attach_combined_recorder(live)
    executor.run(**arguments)
    trace = decode_trace(executor.get_trace().encoded)
    replay(trace, replayed)
    assert replayed.calls == live.calls
    snapshot = executor.get_snapshot()
    assert trace.snapshot == snapshot
    assert trace.narrative_lines() == executor.get_narrative()
    return live.calls


def test_a_member_of_a_str_enum_names_the_key_that_it_says() -> None:
    """Read and written by item and by attribute; recorded as the text that it is."""

    def stage(scope: Any) -> None:
        setattr(scope, Key.AGE, 3)
        setattr(scope, Key.ITEMS, [1])
        assert getattr(scope, Key.AGE) == scope.age == scope[Key.AGE] == 3
        assert getattr(scope, Key.ITEMS) == scope["items"]
        scope[Key.AGE] += 1
        setattr(scope, Key.NONE, 1)
        assert getattr(scope, Key.NONE) == 1
        assert Key.AGE in scope
        assert ops(scope).get(Key.AGE) == 4
        assert (
            decide(scope, [{"when": lambda scope: getattr(scope, Key.AGE) == 4, "then": "yes"}], "no").branch == "yes"
        )
        ops(scope).emit(Key.AGE, 1)
        delattr(scope, Key.ITEMS)

    executor = FlowChartExecutor(flow_chart("A", stage, "a").build())
    heard_both_ways(executor)
    assert executor.get_snapshot()["sharedState"] == {"age": 4, "": 1}
    assert executor.get_trace().final_state() == {"age": 4, "": 1}


def test_a_key_that_is_no_text_is_refused_by_name() -> None:
    """JSON would not bring it back."""

    def stage(scope: Any) -> None:
        scope[1] = 2

    with pytest.raises(StateError, match=r"a state key is a string, not int \(1\)"):
        FlowChartExecutor(flow_chart("A", stage, "a").build()).run()


def test_a_key_with_half_a_character_is_the_stages_own_and_spelled_out_for_others() -> None:
    """In every place where a stage meets or names it; beside it the key that reads as it is recorded."""
    met: list[Any] = []

    def write(scope: Any) -> None:
        setattr(scope, HALF, 1)
        scope[RECORDED] = 2
        met.append((getattr(scope, HALF), getattr(scope, RECORDED), scope[HALF], scope[RECORDED], list(scope)))
        with pytest.raises(StateError, match="readonly"):
            scope["in \udc00"] = 1
        ops(scope).set("late \ud83d", [1], description="why \ud83d")
        scope["late \ud83d"].append(2)
        ops(scope).update("late \ud83d", [3])
        assert "late \ud83d" in scope
        assert ops(scope).read("late \ud83d.2") == 3
        scope["gone \ud83d"] = 1
        del scope["gone \ud83d"]

    def choose(scope: Any) -> Any:
        met.append(getattr(scope, HALF))
        return decide(scope, [{"when": {HALF: {"eq": 1}}, "then": "b", "label": HALF}], "b")

    inner = flow_chart("Inner", lambda scope: met.append((scope[HALF], dict(ops(scope).args))), "inner").build()
    chart = (
        flow_chart("A", write, "a")
        .add_decider_function("Choose", choose, "choose")
        .add_function_branch("b", "B", lambda scope: None)
        .end()
        .add_sub_flow_chart_next(
            "sub",
            inner,
            "Sub",
            input_mapper=lambda parent: {HALF: parent[HALF], "list": [parent[RECORDED]]},
            output_mapper=lambda sub, parent: {"out \ud83d": [sub[HALF], parent[HALF]]},
        )
        .build()
    )
    executor = FlowChartExecutor(chart, initial_context={"first \ud83d": {"a": 1}})
    assert executor.get_snapshot()["sharedState"] == {"first \ufffd\\ud83d": {"a": 1}}
    heard_both_ways(executor, input={"in \udc00": 1, "list": [1]})
    assert met == [
        (1, 2, 1, 2, ["first \ud83d", HALF, RECORDED]),
        1,
        (1, {HALF: 1, "list": [2]}),
    ]
    assert executor.get_snapshot()["sharedState"] == {
        "first \ufffd\\ud83d": {"a": 1},
        RECORDED: 1,
        "half \ufffd\ufffd\\ud83d": 2,
        "late \ufffd\\ud83d": [1, 2, 3],
        "out \ufffd\\ud83d": [1, 1],
    }


def test_a_key_with_half_a_character_is_there_after_a_pause() -> None:
    """On the same executor and, from the checkpoint, on a fresh one."""
    found: list[Any] = []

    def ask(scope: Any) -> None:
        scope[HALF] = 1
        scope["answer"] = interrupt(scope, "?")
        found.append((getattr(scope, HALF), list(scope)))

    chart = (
        flow_chart("Ask", ask, "ask").add_function("After", lambda scope: found.append(scope[HALF]), "after").build()
    )
    for fresh in (False, True):
        executor = FlowChartExecutor(chart)
        executor.run()
        checkpoint = executor.get_checkpoint()
        assert checkpoint is not None
        if fresh:
            executor = FlowChartExecutor(chart)
        executor.resume(checkpoint, "yes")
        assert found[-2:] == [(1, [HALF, "answer"]), 1]


def test_a_policy_hides_a_key_with_half_a_character() -> None:
    """By its name, by a pattern; in the state and in the input."""

    def stage(scope: Any) -> None:
        scope[HALF] = "a secret"
        scope["by pattern \ud83d"] = "another one"

    executor = FlowChartExecutor(flow_chart("A", stage, "a").build())
    executor.set_redaction_policy(RedactionPolicy(keys=[HALF, "in \ud83d"], patterns=["^by pattern \ud83d$"]))
    executor.run(input={"in \ud83d": "the third one", "more": [1]})
    document = executor.get_trace().encoded
    for secret in (b"a secret", b"another one", b"the third one"):
        assert secret not in document
