from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footpath import FlowChartExecutor, flow_chart, ops
from footpath.errors import TraceDecodeError
from footpath.query import (
    CommitIndex,
    causal_chain,
    commit_value_at,
    explain,
    find_commit,
    find_commits,
    find_last_writer,
    key_timeline,
    keys_read_from_execution_tree,
    keys_read_from_map,
    list_subflow_paths,
    slice_for_key,
    state_at,
    stops,
    tag_stops,
)
from footpath.query import TraceView as View
from tests.unit.query._made import commit, node, writes


def test_the_last_writer_before_a_position_is_found_with_and_without_an_index() -> None:
    """`before` counts positions and is clamped; an exact path is asked for, not what lies below it."""
    log = [commit(0, "a#0", x=1), commit(1, "b#1", **{"x\x1fpart": 1}), commit(2, "a#2", x=2)]
    for asked in (log, CommitIndex(log)):
        assert find_last_writer(asked, "x") is log[2]
        assert find_last_writer(asked, "x", 2) is log[0]
        assert find_last_writer(asked, "x", 0) is None
        assert find_last_writer(asked, "x", 99) is log[2]
        assert find_last_writer(asked, "x\x1fpart") is log[1]
        assert find_commits(asked, "a") == [log[0], log[2]]
        assert find_commit(asked, "a") is log[0]
        assert find_commit(asked, "a", "nope") is None
        assert find_commit(asked, "b", "x\x1fpart") is log[1]


@given(
    st.lists(st.lists(st.sampled_from("xyz"), max_size=3), max_size=12),
    st.sampled_from("xyz"),
    st.none() | st.integers(0, 14),
)
def test_an_index_finds_what_a_walk_finds(written: list[list[str]], key: str, before: int | None) -> None:
    """Whatever was written where."""
    log = [writes(at, f"s#{at}", keys) for at, keys in enumerate(written)]
    assert find_last_writer(CommitIndex(log), key, before) is find_last_writer(log, key, before)


def test_a_deleted_key_has_the_default_and_a_null_does_not() -> None:
    """Absent is not null."""
    log = [
        commit(0, "a#0", x=None),
        {**commit(1, "b#1"), "trace": [{"path": "x", "verb": "delete"}]},
        {**commit(2, "c#2"), "trace": [{"path": "y", "verb": "set"}]},
    ]
    assert commit_value_at(log, 0, "x", "gone") is None
    assert commit_value_at(log, 1, "x", "gone") == "gone"
    assert commit_value_at(log, None, "y", "gone") == "gone"
    assert commit_value_at(log, -1, "x", "gone") == "gone"


def test_answers_are_private_copies() -> None:
    """Who changes an answer does not change the snapshot."""
    log = [commit(0, "a#0", x={"list": [1]})]
    snapshot = {"commitLog": log, "initialState": {"y": {"z": [0]}}}
    commit_value_at(log, 0, "x")["list"].append(2)
    state = state_at(snapshot).state
    state["x"]["list"].append(3)
    state["y"]["z"].append(4)
    assert log == [commit(0, "a#0", x={"list": [1]})]
    assert snapshot["initialState"] == {"y": {"z": [0]}}


def test_reads_of_absent_keys_come_from_events() -> None:
    """JSON loses them from the tree; a timeline that knows the events shows them."""
    log = [commit(0, "a#0", x=1), commit(1, "b#1")]
    tree = node("a#0", following=node("b#1", reads={}))

    class Read:
        runtime_stage_id = "b#1"
        key = "x"

    blind = key_timeline(log, "x", keys_read_from_execution_tree(tree))
    seeing = key_timeline(log, "x", keys_read_from_execution_tree(tree, [("on_read", Read)]))
    assert [each.kind for each in blind.moments or ()] == ["write"]
    assert [each.kind for each in seeing.moments or ()] == ["write", "read"]


def test_tags_may_be_given_as_one_text() -> None:
    """A text is one tag, not its letters."""
    snapshot = {"commitLog": [{**commit(0, "a#0"), "tags": ["turn"]}, {**commit(1, "b#1"), "tags": ["t"]}]}
    assert [stop.runtime_stage_id for stop in tag_stops(snapshot, "turn")] == ["", "a#0", ""]
    assert [stop.runtime_stage_id for stop in tag_stops(snapshot)] == ["", "a#0", "b#1", ""]


# ── size ───────────────────────────────────────────────────────────────────────────────────────────────────────────
COMMITS = 100_000


@pytest.fixture(scope="module")
def long_run() -> dict[str, Any]:
    """A loop of 100,000 passes: each reads what the one before wrote, adds to a list and to an object."""
    log: list[dict[str, Any]] = []
    tree: dict[str, Any] | None = None
    for at in range(COMMITS):
        rows = [{"path": "n", "verb": "set"}, {"path": "log", "verb": "append"}, {"path": "o", "verb": "merge"}]
        log.append({**commit(at, f"turn#{at}", n=at, log=[at]), "updates": {"o": {"last": at}}, "trace": rows})
    for at in range(COMMITS - 1, -1, -1):
        tree = node(f"turn#{at}", reads={"n": at}, following=tree)
    return {"commitLog": log, "executionTree": tree, "initialState": {}}


def test_a_run_of_100000_commits_is_answered_without_recursion(long_run: dict[str, Any]) -> None:
    """Chains, slices, timelines, states and explanations as long as the run; quadratic work would take hours."""
    index = CommitIndex(long_run["commitLog"])
    reads = keys_read_from_execution_tree(long_run["executionTree"])
    chain = causal_chain(index, f"turn#{COMMITS - 1}", reads, max_depth=COMMITS, max_nodes=COMMITS)
    assert chain is not None
    assert len(chain.nodes) == COMMITS
    assert chain.nodes[-1].depth == COMMITS - 1
    assert state_at(long_run).state["log"] == list(range(COMMITS))
    assert state_at(long_run, 10).state == {"n": 10, "log": list(range(11)), "o": {"last": 10}}
    assert len(key_timeline(index, "n", reads).moments or ()) == 2 * COMMITS
    assert len(stops(long_run)) == COMMITS + 2
    explanation = explain(View(long_run), "n", max_steps=50)
    assert len(explanation.steps) > 20
    assert explanation.truncated


def test_deep_values_are_carried_through() -> None:
    """A list in a list, 50,000 times, is patched, copied and compared without recursion."""
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    log = [commit(0, "a#0", x=deep), {**commit(1, "b#1", x=[2]), "trace": [{"path": "x", "verb": "append"}]}]
    assert len(commit_value_at(log, 1, "x")) == 2
    assert len(state_at({"commitLog": log}).state["x"]) == 2
    assert explain(View({"commitLog": log}), "x").steps[0].writes[0].verb == "append"


# ── hostile input ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "bundle",
    [
        None,
        "text",
        [],
        {"trace": "x"},
        {"trace": [None]},
        {"trace": [{"verb": "set"}]},
        {"trace": [{"path": 1, "verb": "set"}]},
        {"trace": [{"path": "x", "verb": "set", "readKeys": [1]}]},
        {"runtimeStageId": 7},
        {"redactedPaths": ["a", None]},
        {"tags": {"a": 1}},
    ],
)
def test_a_malformed_commit_is_refused_by_name(bundle: Any) -> None:
    """A snapshot may come from anywhere; the error says which commit is wrong, and how."""
    log = [commit(0, "a#0", x=1), bundle]
    reads = keys_read_from_map({})
    for ask in (
        lambda: CommitIndex(log),
        lambda: slice_for_key(log, "x", reads),
        lambda: state_at({"commitLog": log}),
        lambda: stops({"commitLog": log}),
        lambda: explain(View({"commitLog": log}), "x"),
        lambda: find_last_writer(log, "nope"),
    ):
        with pytest.raises(TraceDecodeError, match="commit 1 of the log is malformed: "):
            ask()


@pytest.mark.parametrize(
    "tree", ["text", {"next": 3}, {"children": {"a": 1}}, {"children": [None]}, {"runtimeStageId": 1}]
)
def test_a_malformed_tree_is_refused(tree: Any) -> None:
    """With an error of this code's own."""
    with pytest.raises(TraceDecodeError, match="the execution tree is malformed"):
        keys_read_from_execution_tree(tree)
    with pytest.raises(TraceDecodeError):
        explain(View({"commitLog": [commit(0, "a#0", x=1)], "executionTree": tree}), "x")


def test_malformed_subflow_results_are_refused_or_passed_over() -> None:
    """No object at all is an error; a result without a history is one that the snapshot does not hold."""
    with pytest.raises(TraceDecodeError, match="subflowResults"):
        list_subflow_paths({"subflowResults": ["a"]})
    snapshot = {"commitLog": [commit(0, "a#0", x=1)], "subflowResults": {"sf#1": None, "sf#2": {"treeContext": 4}}}
    assert explain(View(snapshot), "x").steps[0].stage_name == "A"


def test_what_came_of_a_patch_that_json_cannot_follow_is_in_the_state() -> None:
    """A list unites dates once that are one object, which JSON does not show; the commit says what came of it."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    def first(scope: Any) -> None:
        scope.log = {"at": [moment]}

    def second(scope: Any) -> None:
        ops(scope).update("log", {"at": [moment], "n": 1})

    executor = FlowChartExecutor(flow_chart("A", first, "a").add_function("B", second, "b").build())
    executor.run()
    snapshot = executor.get_snapshot()
    assert [len(state_at(snapshot, at).state["log"]["at"]) for at in range(2)] == [1, 1]
    assert state_at(snapshot, 1).state == snapshot["sharedState"]
