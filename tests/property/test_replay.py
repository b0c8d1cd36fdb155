"""Law 1: a recorder cannot tell a live run from a replayed one."""

from __future__ import annotations

from hypothesis import given, settings

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
