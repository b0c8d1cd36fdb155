"""Laws 2 and 5: the journal is enough for every view, and state is the fold of commits."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings

from footpath.replay import NarrativeBuilder, follow, tell
from footpath.state import untracked
from footpath.values import record
from tests.property._budget import examples
from tests.property._runs import Case, Phase, Running, cases, state_folds_commit_by_commit


def as_json(state: dict[str, Any]) -> dict[str, Any]:
    """A live state as JSON values."""
    recorded = {key: record(untracked(value)) for key, value in state.items()}
    return msgspec.json.decode(msgspec.json.encode(recorded))


@settings(max_examples=examples(50))
@given(case=cases())
def test_views_of_a_trace_are_the_views_of_the_run(case: Case) -> None:
    """Snapshot and narrative, from the document alone, say what the executor said; commits are counted as they are logged."""

    def alike(phase: Phase, number: int) -> None:
        snapshot = phase.executor.get_snapshot()
        assert phase.executor.get_commit_count() == len(snapshot["commitLog"])
        if phase.fresh and number == 0:
            assert phase.trace.snapshot == snapshot
            assert phase.trace.narrative == phase.executor.get_narrative_entries()
        elif not phase.fresh:
            # The executor's views are of all phases, the trace's of one.
            assert phase.trace.snapshot["sharedState"] == snapshot["sharedState"]
            logged = phase.trace.snapshot["commitLog"]
            told = snapshot["commitLog"][len(snapshot["commitLog"]) - len(logged) :]
            assert without_index(logged) == without_index(told)

    Running(case).phases(after_phase=alike)


@settings(max_examples=examples(50))
@given(case=cases())
def test_the_story_from_the_journal_is_the_story_from_the_events(case: Case) -> None:
    """Told straight from the entries, as entries or as text alone, or by a recorder that hears the events: the same lines."""

    def alike(phase: Phase, _: int) -> None:
        heard = NarrativeBuilder(**phase.trace.narrative_options)
        follow(phase.trace, heard)
        assert phase.trace.narrative == heard.entries()
        assert tell(phase.trace, text_only=True).lines() == heard.lines()

    Running(case).phases(after_phase=alike)


def without_index(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Bundles without their place in the log."""
    return [{**bundle, "idx": 0} for bundle in log]


@settings(max_examples=examples(50))
@given(case=cases())
def test_the_journal_tells_the_state_that_stages_left(case: Case) -> None:
    """What the engine's live state holds at the end is what the journal says, unless somebody changed it unseen."""
    running = Running(case)

    def same_state(phase: Phase, _: int) -> None:
        if not running.world.kept:
            live = as_json(phase.executor._phases[-1].run.top.plain_view())
            if b'"$footpath":"graph"' in msgspec.json.encode(live):
                return  # what holds itself is recorded from where it was written: the same value in another form
            assert phase.trace.snapshot["sharedState"] == live
            final = phase.trace.final_state()
            assert msgspec.json.decode(msgspec.json.encode(final)) == live

    running.phases(after_phase=same_state)


@settings(max_examples=examples(50))
@given(case=cases())
def test_state_after_n_commits_is_the_fold_of_n_commits(case: Case) -> None:
    """Followed entry by entry, the state after each bundle is what folding the log up to it gives."""

    def folds(phase: Phase, _: int) -> None:
        state_folds_commit_by_commit(phase.trace, case)

    Running(case).phases(after_phase=folds)
