"""Law 1: a recorder cannot tell a live run from a replayed one."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from footpath import replay
from footpath.channels import STRUCTURE_HOOKS
from tests.property._budget import examples
from tests.property._runs import RUN_HOOKS, Case, Heard, Phase, Running, cases, structure_recorder


@settings(max_examples=examples(80))
@given(case=cases())
def test_replay_makes_the_calls_of_the_live_run(case: Case) -> None:
    """Same hooks, same order, same payloads to the byte, of every phase, through the document and back."""
    built = structure_recorder()
    running = Running(case, (built,))
    live = Heard()
    start = 0

    def same_again(phase: Phase, _: int) -> None:
        nonlocal start
        again = Heard(hooks=(*STRUCTURE_HOOKS, *RUN_HOOKS))
        replay(phase.trace, again)
        assert [call for call in again.calls if call[0] not in STRUCTURE_HOOKS] == live.calls[start:]
        assert [call for call in again.calls if call[0] in STRUCTURE_HOOKS] == built.calls
        start = len(live.calls)

    running.phases(live, after_phase=same_again)


def without_surroundings(call: tuple[str, str, bytes]) -> tuple[Any, ...]:
    """A pause as far as it is told where the stage's beginning was cut away: who, and with what."""
    event = json.loads(call[2])
    context = event.get("traversalContext", event)
    data = event.get("pauseData")
    return call[0], call[1], event["stageName"], event["stageId"], context["runtimeStageId"], data


@settings(max_examples=examples(40))
@given(case=cases(), most=st.integers(1, 80))
def test_a_cut_trace_replays_the_run_up_to_the_cut_then_its_end(case: Case, most: int) -> None:
    """The calls of the live run, from the first, without a gap; the mark; then its end, or every pause not told before."""
    live = Heard()
    start = 0

    def as_far(phase: Phase, _: int) -> None:
        nonlocal start
        heard, start = live.calls[start:], len(live.calls)
        again = Heard()
        replay(phase.trace, again)
        phase.executor.get_snapshot()
        assert phase.trace.snapshot["commitLog"] is not None
        if phase.trace.truncated is None:
            assert again.calls == heard
            return
        at = next(n for n, call in enumerate(again.calls) if b"footpath.truncated" in call[2])
        assert again.calls[:at] == heard[:at]
        ending, left = again.calls[at + 1 :], heard[at:]
        if phase.outcome != "paused":
            assert ending == heard[-1:]
        else:
            pauses = [call for call in left if call[0] == "on_pause"]
            assert [without_surroundings(call) for call in ending] == [without_surroundings(call) for call in pauses]

    Running(dataclasses.replace(case, options={**case.options, "max_entries": most})).phases(live, after_phase=as_far)
