"""Fast paths are never seen: what the engine does with all its care is what it does in a hurry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from footpath import FlowChart
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


@settings(max_examples=examples(25))
@given(case=cases())
def test_a_journal_gathered_in_a_hurry_says_what_one_followed_with_care_says(case: Case) -> None:
    """What nobody hears is followed by a loop of its own: the same snapshot, the same story, the same state."""

    def alike(phase: Phase, _: int) -> None:
        found: list[Any] = []
        for quiet in (True, False):
            options = {"commit_values": case.options.get("commit_values", "full")}
            views, story = Views(**options), Story(**phase.trace.narrative_options)
            cursor = cursor_for(phase.trace, Dispatcher(), views, story=story)
            cursor.quiet = cursor.quiet and quiet
            run_through(phase.trace, cursor)
            lines = Story(**phase.trace.narrative_options, text_only=True)
            alone = cursor_for(phase.trace, Dispatcher(), story=lines)
            alone.quiet = alone.quiet and quiet
            run_through(phase.trace, alone)
            assert lines.lines() == story.lines()
            assert alone.top.recorded_state() == cursor.top.recorded_state()
            found.append((views.snapshot(cursor.top, phase.trace.run_id), story.entries(), cursor.top.commits))
        assert found[0] == found[1]

    Running(case).phases(after_phase=alike)
