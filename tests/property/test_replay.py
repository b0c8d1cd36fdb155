"""Law 1: a recorder cannot tell a live run from a replayed one."""

from __future__ import annotations

from hypothesis import given, settings

from footpath import replay
from footpath.channels import STRUCTURE_HOOKS
from tests.property._budget import examples
from tests.property._runs import RUN_HOOKS, Case, Heard, Running, cases, structure_recorder


@settings(max_examples=examples(80))
@given(case=cases())
def test_replay_makes_the_calls_of_the_live_run(case: Case) -> None:
    """Same hooks, same order, same payloads to the byte, of every phase, through the document and back."""
    built = structure_recorder()
    running = Running(case, (built,))
    live = Heard()
    ends = []
    phases = running.phases(live, before_phase=lambda: ends.append(len(live.calls)))
    ends.append(len(live.calls))
    start = 0
    for phase, end in zip(phases, ends, strict=True):
        again = Heard(hooks=(*STRUCTURE_HOOKS, *RUN_HOOKS))
        replay(phase.trace, again)
        told = [call for call in again.calls if call[0] not in STRUCTURE_HOOKS]
        assert told == live.calls[start:end]
        assert [call for call in again.calls if call[0] in STRUCTURE_HOOKS] == built.calls
        start = end
