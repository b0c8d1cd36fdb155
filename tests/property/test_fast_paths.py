"""Fast paths are never seen: what the engine does with all its care is what it does in a hurry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from footpath import FlowChart, FlowChartExecutor, Trace, flow_chart
from footpath.channels import Dispatcher
from footpath.chart import Node
from footpath.replay import Story, Views, cursor_for, run_through
from tests.property._budget import examples
from tests.property._runs import Case, Heard, Phase, Running, cases


def heard_of(running: Running) -> list[tuple[str, str, bytes]]:
    """All calls of a case's phases; the clock stands still, because the careful way asks it more often."""
    heard = Heard()
    running.phases(heard, step=0)
    return heard.calls


def slowed(chart: FlowChart) -> None:
    """Ask the engine for all its care at every step."""
    todo: list[Node | None] = [chart.root]
    done: set[int] = set()
    while todo:
        node = todo.pop()
        if node is None or id(node) in done:
            continue
        done.add(id(node))
        node.shape = 0
        todo += (node.next, node.fallback, *node.children)
        if node.mount is not None and node.mount.chart is not None:
            todo.append(node.mount.chart.root)


@settings(max_examples=examples(12))
@given(case=cases())
def test_a_step_in_a_hurry_says_what_a_careful_one_says(case: Case) -> None:
    """Entries that stand for several, and frames that the step before opens, make the same events."""
    careful = Running(case)
    slowed(careful.chart)
    assert heard_of(Running(case)) == heard_of(careful)


@settings(max_examples=examples(12))
@given(case=cases(policies=st.none()))
def test_an_access_in_a_hurry_says_what_a_careful_one_says(case: Case) -> None:
    """With something to hide every access is looked at; where nothing is hidden after all, the events are the same."""
    watchful: Any = replace(case, policy={"keys": ("a key that no stage has",)})
    assert heard_of(Running(case)) == heard_of(Running(watchful))


SELDOM = (
    "on_decision",
    "on_selected",
    "on_fork",
    "on_loop",
    "on_break",
    "on_error",
    "on_pause",
    "on_subflow_entry",
    "on_emit",
)
"""Hooks that leave a cursor quiet: whoever hears them alone hears of what the loop in a hurry has passed."""


def told_of(trace: Trace, *, quiet: bool, commit_values: str = "full") -> list[Any]:
    """Snapshot, story, number of commits and rare events of a journal that is followed in a hurry, where it may be, or with care."""
    seldom, dispatcher = Heard(hooks=SELDOM), Dispatcher()
    dispatcher.attach(seldom, "flow", "emit")
    views, story = Views(commit_values=commit_values), Story(**trace.narrative_options)
    cursor = cursor_for(trace, dispatcher, views, story=story)
    cursor.quiet = cursor.quiet and quiet
    run_through(trace, cursor)
    lines = Story(**trace.narrative_options, text_only=True)
    alone = cursor_for(trace, Dispatcher(), story=lines)
    alone.quiet = alone.quiet and quiet
    run_through(trace, alone)
    assert lines.lines() == story.lines()
    assert alone.top.recorded_state() == cursor.top.recorded_state()
    return [views.snapshot(cursor.top, trace.run_id), story.entries(), cursor.top.commits, seldom.calls]


@settings(max_examples=examples(25))
@given(case=cases())
def test_a_journal_gathered_in_a_hurry_says_what_one_followed_with_care_says(case: Case) -> None:
    """What nobody hears is followed by a loop of its own: the same snapshot, the same story, the same state."""

    def alike(phase: Phase, _: int) -> None:
        commit_values = case.options.get("commit_values", "full")
        found = [told_of(phase.trace, quiet=quiet, commit_values=commit_values) for quiet in (True, False)]
        assert found[0] == found[1]

    Running(case).phases(after_phase=alike)


def test_what_a_line_passes_before_a_decision_is_gathered_as_it_is_followed() -> None:
    """Writes that change nothing are dropped, and the depth counts on, also where only the decision is heard."""

    def write(scope: Any) -> None:
        scope.same = 1
        scope.more = scope.same

    chart = (
        flow_chart("A", write, "a")
        .add_function("B", write, "b")
        .add_function("C", write, "c")
        .add_decider_function("D", lambda scope: "e", "d")
        .add_function_branch("e", "E", write)
        .end()
        .build()
    )
    executor = FlowChartExecutor(chart)
    executor.enable_narrative()
    executor.run()
    trace = executor.get_trace()
    hurried, careful = told_of(trace, quiet=True), told_of(trace, quiet=False)
    assert hurried == careful
    assert [bundle["overwrite"] for bundle in hurried[0]["commitLog"][:3]] == [{"same": 1, "more": 1}, {}, {}]
    assert [call[0] for call in hurried[3]] == ["on_decision"]
