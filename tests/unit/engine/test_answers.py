"""What an executor answers about its run, and its dials between runs. That the answers are the reference's: `tests/conformance/test_recorders.py`."""

from __future__ import annotations

from typing import Any

import pytest

from footpath import Child, FlowChart, FlowChartExecutor, decode_trace, flow_chart, interrupt
from footpath.channels import CommitEvent, StageStartEvent
from footpath.errors import RunError
from footpath.query import get_subtree_snapshot, state_at


def nothing(_: Any) -> None:
    pass


def write(scope: Any) -> None:
    scope.tags = [*(scope.tags or []), "a"]


def long(steps: int = 3) -> FlowChart:
    chart = flow_chart("S0", write, "s0")
    for step in range(1, steps):
        chart = chart.add_function(f"S{step}", write, f"s{step}")
    return chart.build()


# ── counting commits ───────────────────────────────────────────────────────────────────────────────────────────────
def test_commits_are_counted_while_the_run_goes_on_without_a_recorder() -> None:
    """A stage that asks sees what was committed before it, though nobody listens."""
    seen: list[int] = []

    def ask(_: Any) -> None:
        seen.append(executor.get_commit_count())

    chart = flow_chart("A", ask, "a").add_list_of_function([Child("p", "P", ask), Child("q", "Q", ask)])
    executor = FlowChartExecutor(chart.add_function("Z", ask, "z").build())
    executor.run()
    assert seen == [0, 1, 1, 5]
    assert executor.get_commit_count() == len(executor.get_snapshot()["commitLog"]) == 6


def test_a_commit_is_counted_when_it_is_told_of() -> None:
    """Not before, though the journal may say in one entry that a stage ended, committed and went on."""
    seen: list[tuple[str, int]] = []

    class Counts:
        id = "counts"

        def on_stage_start(self, event: StageStartEvent) -> None:
            seen.append((event.stage_id, executor.get_commit_count()))

        on_stage_end = on_stage_start

        def on_commit(self, event: CommitEvent) -> None:
            seen.append((event.stage_id, executor.get_commit_count()))

    executor = FlowChartExecutor(long(2))
    executor.attach_scope_recorder(Counts())
    executor.run()
    assert seen == [("s0", 0), ("s0", 0), ("s0", 1), ("s1", 1), ("s1", 1), ("s1", 2)]


def test_a_refused_child_is_counted_as_the_log_has_it() -> None:
    """Nested too deep it has no frame, and a bundle all the same."""
    executor = FlowChartExecutor(flow_chart("A", nothing, "a").add_list_of_function([Child("c", "C", nothing)]).build())
    executor.run(max_depth=1)
    assert executor.get_commit_count() == len(executor.get_snapshot()["commitLog"]) == 2  # as in the reference


# ── dials ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_dial_counts_from_the_next_run_on() -> None:
    """What was run before is shown as it was recorded, by snapshot and trace alike."""
    executor = FlowChartExecutor(long())
    executor.run()
    before = executor.get_snapshot()
    executor.set_commit_values("delta")
    executor.set_write_tracking("off")
    executor.set_read_tracking("summary")
    assert executor.get_snapshot() == before
    assert decode_trace(executor.get_trace().encoded).document.options == {}
    executor.run()
    after = executor.get_snapshot()
    assert (before["commitValues"], after["commitValues"]) == ("full", "delta")
    assert [commit["trace"][0]["verb"] for commit in after["commitLog"]] == ["set", "append", "append"]
    assert "stageWrites" in before["executionTree"]
    assert "stageWrites" not in after["executionTree"]
    assert executor.get_trace().document.options == {
        "commitValues": "delta",
        "writeTracking": "off",
        "readTracking": "summary",
    }
    executor.set_commit_values("full")
    executor.set_write_tracking("full")
    executor.set_read_tracking("full")
    executor.run()
    again = executor.get_snapshot()
    assert again["commitLog"] == before["commitLog"]
    assert again["executionTree"]["stageWrites"] == before["executionTree"]["stageWrites"]
    assert executor.get_trace().document.options == {}


def test_a_dial_set_while_the_run_goes_on_leaves_that_run_alone() -> None:
    """It counts for the next, as a recorder attached then does."""

    def turn(scope: Any) -> None:
        executor.set_commit_values("delta")
        write(scope)

    executor = FlowChartExecutor(flow_chart("A", write, "a").add_function("B", turn, "b").build())
    executor.run()
    assert executor.get_snapshot()["commitValues"] == "full"
    assert executor.get_trace().snapshot["commitLog"] == executor.get_snapshot()["commitLog"]


def test_the_dials_of_a_paused_run_stay() -> None:
    """Its log would be of two kinds; the error says the way out."""

    def ask(scope: Any) -> None:
        scope.answer = interrupt(scope, {"reason": "?"})

    executor = FlowChartExecutor(flow_chart("Ask", ask, "ask").build())
    executor.run()
    with pytest.raises(RunError, match="set commit_values before run"):
        executor.set_commit_values("delta")
    executor.resume(executor.get_checkpoint() or {}, "yes")
    assert executor.get_snapshot()["commitValues"] == "full"
    executor.set_commit_values("delta")


def test_a_dial_has_its_modes_and_no_other() -> None:
    """The message names them; the dial stays as it was."""
    executor = FlowChartExecutor(long())
    with pytest.raises(RunError, match="read_tracking is one of full, summary, off, not 'all'"):
        executor.set_read_tracking("all")
    executor.run()
    assert executor.get_trace().document.options == {}


# ── subflows ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_pass_of_a_looping_subflow_is_found_by_its_mount() -> None:
    """By path it is the last pass; a question asked of the part is answered as of a run."""

    def count(scope: Any) -> None:
        scope.n = scope.before + 1

    inner = flow_chart("In", count, "in").build()
    chart = (
        flow_chart("Start", nothing, "start")
        .add_sub_flow_chart_next(
            "sub",
            inner,
            "Sub",
            input_mapper=lambda state: {"before": state.get("n", 0)},
            output_mapper=lambda out, _: {"n": out["n"]},
        )
        .add_decider_function("Again", lambda scope: "yes" if scope.n < 3 else "no", "again")
        .add_function_branch("yes", "Yes", nothing, loop_to="sub")
        .add_function_branch("no", "No", nothing)
        .end()
        .build()
    )
    executor = FlowChartExecutor(chart)
    executor.run()
    snapshot = executor.get_snapshot()
    mounts = [key for key in executor.get_subflow_results() if "#" in key]
    states = {}
    for key in ("sub", *mounts):
        part = get_subtree_snapshot(snapshot, key)
        assert part is not None
        assert state_at(part.snapshot).state == part.shared_state
        states[key] = part.shared_state
    assert list(states.values()) == [{"before": n - 1, "n": n} for n in (3, 1, 2, 3)]


def test_a_subflow_that_was_not_left_is_found_in_the_tree_alone() -> None:
    """Nothing is known of its state; the path may be written loosely, as in the reference."""

    def ask(scope: Any) -> None:
        scope.answer = interrupt(scope, {"reason": "?"})

    inner = flow_chart("In", ask, "in").build()
    executor = FlowChartExecutor(flow_chart("A", nothing, "a").add_sub_flow_chart_next("sub", inner, "Sub").build())
    executor.run()
    part = get_subtree_snapshot(executor.get_snapshot(), "/sub/")
    assert part is not None
    assert (part.subflow_id, part.shared_state, part.history) == ("sub", None, None)
    assert part.execution_tree is not None
    assert part.execution_tree["runtimeStageId"] == "sub#1"
    assert get_subtree_snapshot(executor.get_snapshot(), "other") is None


# ── deferred recorders ─────────────────────────────────────────────────────────────────────────────────────────────
def test_deferred_recorders_can_be_told_in_the_middle_of_a_run() -> None:
    """Before something that may end the process; nothing is told twice or lost."""
    told: list[str] = []
    seen: list[tuple[int, list[str]]] = []

    class Writes:
        id = "writes"

        def on_write(self, event: Any) -> None:
            told.append(event.key)

    def stage(scope: Any) -> None:
        scope.a = 1
        scope.b = 2
        early = list(told)
        seen.append((executor.drain_observers(), early))
        scope.c = 3

    executor = FlowChartExecutor(flow_chart("A", stage, "a").build())
    assert executor.drain_observers() == 0
    executor.attach_scope_recorder(Writes(), delivery="deferred")
    executor.run()
    assert seen == [(0, [])]
    assert told == ["a", "b", "c"]
    stats = executor.get_observer_stats()
    assert stats is not None
    assert (stats.captured, stats.delivered, stats.depth, stats.terminal_stranded) == (3, 3, 0, 0)


def test_a_drain_that_has_no_time_says_what_is_left() -> None:
    """One event is told in any case; the rest comes when the run ends."""
    left: list[int] = []

    class Writes:
        id = "writes"
        told = 0

        def on_write(self, _: Any) -> None:
            self.told += 1

    def stage(scope: Any) -> None:
        scope.a = scope.b = scope.c = 1
        left.append(executor.drain_observers(timeout_ms=0))

    executor = FlowChartExecutor(flow_chart("A", stage, "a").build())
    writes = Writes()
    executor.attach_scope_recorder(writes, delivery="deferred")
    executor.run()
    assert left == [2]
    assert writes.told == 3
