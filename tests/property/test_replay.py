"""Law 1: a recorder cannot tell a live run from a replayed one."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from footpath import FlowChartExecutor, replay
from footpath.channels import STRUCTURE_HOOKS
from footpath.values import plain
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


@settings(max_examples=examples(25))
@given(case=cases(), queue=st.sampled_from(({}, {"max_queue": 1, "overflow": "block"}, {"flush_budget_ms": 1e-6})))
def test_a_recorder_that_is_told_later_is_told_the_same(case: Case, queue: dict[str, Any]) -> None:
    """Deferred, with a queue of any size that loses nothing: the calls of one told at once, in the same order, by the phase's end."""
    running = Running(case)
    live, later = Heard(), Heard("later")

    class Attaching:
        """Lets the one that is told later listen, when it is itself attached."""

        id = "attaching"
        on_run_start = on_run_end = staticmethod(lambda event: None)

        def bind(self, executor: FlowChartExecutor) -> None:
            executor.attach_combined_recorder(later, delivery="deferred", **queue)

    def told_by_now(phase: Phase, _: int) -> None:
        assert later.calls == live.calls
        stats = phase.executor.get_observer_stats()
        assert stats is not None
        assert (stats.depth, stats.drops, stats.terminal_stranded) == (0, 0, 0)

    running.phases(live, Attaching(), after_phase=told_by_now)


@settings(max_examples=examples(40))
@given(case=cases())
def test_a_read_is_told_with_what_the_stage_got(case: Case) -> None:
    """The journal holds the key alone: its value is worked out from the entries before, live and replayed, and is what the stage saw."""
    running = Running(case)
    told: list[tuple[str, Any]] = []

    class Reads:
        id = "reads"

        def on_read(self, event: Any) -> None:
            told.append((event.key, event.value))

    def as_seen(phase: Phase, _: int) -> None:
        seen = running.world.seen
        if not running.world.kept:
            # Whatever else a stage reads is told as well, so these are looked for one after the other.
            rest = iter([(key, as_told(value)) for key, value in told])
            for key, value in seen:
                assert (key, value) in rest
        told.clear()
        seen.clear()

    running.phases(Reads(), after_phase=as_seen)


def as_told(value: Any) -> Any:
    """A read's value as plain JSON; None for nothing, as a stage gets it."""
    return plain(value)


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
