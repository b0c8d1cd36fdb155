"""A narrative in words of one's own: live and replayed, line by line, and never at the story's expense."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from footpath import (
    Child,
    FlowChartExecutor,
    RedactionPolicy,
    RetryPolicy,
    decide,
    decode_trace,
    flow_chart,
    ops,
    replay,
)
from footpath.recorders import NarrativeFormatter, NarrativeRecorder
from footpath.recorders._narrative_format import RENDERS


def fill(scope: Any) -> None:
    scope.items = [1, 2, 3]
    scope["odd = key = "] = {"a": 1}
    scope.secret = "hush-hush"
    ops(scope).emit("app.seen", 5)
    del scope.items


def executor() -> FlowChartExecutor:
    tried: list[int] = []

    def again(scope: Any) -> None:
        scope.n = 1
        tried.append(1)
        if len(tried) == 1:
            raise ValueError("not yet")

    inner = flow_chart("Inner", lambda scope: None, "inner").build()
    chart = (
        flow_chart("Fill", fill, "fill")
        .add_function("Again", again, "again")
        .retry(RetryPolicy(2))
        .add_sub_flow_chart_next("sub", inner, "Sub", input_mapper=lambda state: {"given": [1]})
        .add_list_of_function([Child("x", "X", lambda scope: None)])
        .add_decider_function(
            "Judge",
            lambda scope: decide(scope, [{"when": {"n": {"gte": 1}}, "then": "b", "label": "some"}], "b"),
            "judge",
        )
        .add_function_branch("b", "B", lambda scope: ops(scope).break_flow("done"))
        .end()
        .build()
    )
    made = FlowChartExecutor(chart)
    made.set_redaction_policy(RedactionPolicy(keys=("secret",)))
    return made


class Everything(NarrativeFormatter):
    """Words each line by its type, and by what it is told of."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("render_"):
            raise AttributeError(name)
        return lambda entry, event: f"{name} {entry.type} {type(event).__name__}: {entry.text}"


def told_by(recorder: NarrativeRecorder, after: int = 0) -> tuple[list[str], list[str]]:
    """Its lines of a live run, asked for in the middle too, and another's of the replay."""
    run = executor()
    run.attach_combined_recorder(recorder)
    run.run()
    live = recorder.lines()
    recorder.clear()
    replay(decode_trace(run.get_trace().encoded), recorder)
    return live, recorder.lines()


def test_each_line_is_worded_with_what_it_is_told_of() -> None:
    """By the method of its type, with the event of the flow that brought it; the same live and replayed."""
    live, replayed = told_by(NarrativeRecorder(renderer=Everything()))
    plain, _ = told_by(NarrativeRecorder())
    assert live == replayed
    assert [line.partition(": ")[2] for line in live] == plain
    kinds = {line.split()[1]: line.split()[0] for line in live}
    assert kinds == {kind: RENDERS[kind] for kind in kinds}
    assert set(kinds) == {"stage", "step", "emit", "retry", "subflow", "fork", "condition", "break"}
    assert [line.split(":")[0] for line in live if "Judge" in line] == ["render_stage stage DecisionEvent"]
    assert any(line.startswith("render_decision condition DecisionEvent: ") for line in live)
    assert any(line.startswith("render_op step SubflowEntryEvent: Input: given") for line in live)


def test_a_line_worded_as_none_is_left_out() -> None:
    """And lines whose method is not there stay as they are."""

    class Short:
        def render_op(self, entry: Any, event: Any) -> str | None:
            return None if entry.key == "n" else f"{entry.key}!"

    live, replayed = told_by(NarrativeRecorder(renderer=Short()))
    plain, _ = told_by(NarrativeRecorder())
    assert live == replayed
    assert "items!" in live
    assert not [line for line in live if " n" in line and "Step" in line]
    assert [line for line in plain if line.startswith("Stage")] == [line for line in live if line.startswith("Stage")]


def test_values_are_said_as_the_formatter_says_them() -> None:
    """With the longest length as asked for; a hidden one comes as the mark, and an absent one not at all."""
    said: list[Any] = []

    def shout(value: Any, most: int) -> str:
        said.append((value, most))
        return f"<{value}>"

    live, replayed = told_by(NarrativeRecorder(format_value=shout, max_value_length=10))
    assert live == replayed
    assert live[1:4] == [
        "Step 1: Write items = <[1, 2, 3]>",
        "Step 2: Write odd = key =  = <{'a': 1}>",
        "Step 3: Write secret = <[REDACTED]>",
    ]
    assert "Input: given = <[1]>" in live
    assert {most for _, most in said} == {10}
    assert not [value for value, _ in said if value is None]
    without, _ = told_by(NarrativeRecorder(format_value=shout, include_values=False))
    assert without == told_by(NarrativeRecorder(include_values=False))[0]


def test_a_formatter_that_fails_costs_no_line(caplog: pytest.LogCaptureFixture) -> None:
    """Its lines keep their own words; the log says so."""

    class Broken:
        def render_stage(self, entry: Any, event: Any) -> str:
            raise RuntimeError("out of words")

    with caplog.at_level(logging.WARNING, logger="footpath"):
        live, replayed = told_by(NarrativeRecorder(renderer=Broken(), format_value=lambda value, most: 1 / 0))  # type: ignore[arg-type, return-value]
    assert live == replayed == told_by(NarrativeRecorder())[0]
    assert "out of words" in caplog.text


def test_lines_once_told_are_worded_once() -> None:
    """However often it is asked, and in the middle of a run."""
    asked: list[str] = []

    class Counting:
        def render_stage(self, entry: Any, event: Any) -> str:
            asked.append(entry.text)
            return entry.text.upper()

    story = NarrativeRecorder(renderer=Counting())
    chart = flow_chart("A", lambda scope: None, "a").add_function("B", lambda scope: len(story.lines()), "b").build()
    run = FlowChartExecutor(chart)
    run.attach_combined_recorder(story)
    assert run.run() == 1
    assert story.lines() == story.lines() == [text.upper() for text in asked]
    assert len(asked) == 2
    assert [entry["text"] for entry in run.get_snapshot()["recorders"][0]["data"]] == story.lines()
    run.run()
    assert len(story.lines()) == 2
