from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from footpath.query import CommitIndex, commit_value_at
from footpath.query import _history as history
from footpath.values import ABSENT
from tests.unit.query._made import commit

VERBS = st.sampled_from(["set", "append", "append", "merge", "merge", "delete"])


@given(st.lists(VERBS, max_size=60), st.data())
def test_a_history_says_what_a_fold_from_the_start_says(verbs: list[str], data: st.DataObject) -> None:
    """At any position, in any order of asking, with and without stopovers."""
    log: list[dict[str, Any]] = []
    for at, verb in enumerate(verbs):
        patch = {"l": [at % 3], f"k{at % 5}": at}
        values = {"x": [at] if at % 4 else {"a": at}} if verb in {"set", "append"} else {}
        log.append({**commit(at, f"s#{at}", **values), "trace": [{"path": "x", "verb": verb}], "updates": {"x": patch}})
    limits = history._WORTH_IT, history.STOPOVERS
    history._WORTH_IT, history.STOPOVERS = 4, 3
    try:
        index = CommitIndex(log)
        asked = history.KeyHistory(index, "x")
        for end in data.draw(st.lists(st.integers(0, len(log)), max_size=8)):
            assert asked.before(end) == commit_value_at(index, end - 1, "x", ABSENT)
    finally:
        history._WORTH_IT, history.STOPOVERS = limits


def test_a_history_begins_with_what_was_there() -> None:
    """A merge builds on the initial state; a whole write forgets it."""
    log = [
        {**commit(0, "a#0"), "trace": [{"path": "x", "verb": "merge"}], "updates": {"x": {"b": 2}}},
        commit(1, "b#1", x=[3]),
    ]
    asked = history.KeyHistory(CommitIndex(log), "x", {"a": 1})
    assert [asked.before(at) for at in range(3)] == [{"a": 1}, {"a": 1, "b": 2}, [3]]
