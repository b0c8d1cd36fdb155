from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from msgspec import Raw

from footpath import channels as ev
from footpath.recorders import (
    BoundaryStateStore,
    ChartMetricsRecorder,
    CommitRangeIndex,
    CompositeRecorder,
    DebugRecorder,
    EventsRecorder,
    KeyedStore,
    ManifestFlowRecorder,
    MetricRecorder,
    ProgressiveNarrativeFlowRecorder,
    QualityRecorder,
    Score,
    SequenceStore,
    WindowedNarrativeFlowRecorder,
)
from tests.unit.recorders._cases import recorded_runs
from tests.unit.recorders._events_from_json import events_of, feed

if TYPE_CHECKING:
    from tests.unit.recorders._cases import RecordedRun


def phase_of(name: str) -> dict[str, Any]:
    return next(run.phases[0] for run in recorded_runs() if run.name.startswith(name))


# ── events ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_events_keeps_every_event_in_order(recorded_run: RecordedRun) -> None:
    """Nothing is missed, nothing comes twice."""
    recorder = EventsRecorder()
    for phase in recorded_run.phases:
        feed(recorder, phase)
    expected = [(hook, event) for phase in recorded_run.phases for _channel, hook, event in events_of(phase)]
    assert recorder.events == expected
    assert recorder.of("on_commit", "on_emit") == [e for hook, e in expected if hook in {"on_commit", "on_emit"}]


# ── composite ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_composite_tells_its_parts_what_they_would_hear_alone(recorded_run: RecordedRun) -> None:
    """And has no hook that none of them has."""
    parts = EventsRecorder(), ChartMetricsRecorder()
    alone = EventsRecorder(), ChartMetricsRecorder()
    composite = CompositeRecorder("both", parts)
    for phase in recorded_run.phases:
        feed(composite, phase)
        for recorder in alone:
            feed(recorder, phase)
    assert parts[0].events == alone[0].events
    assert parts[1].summary() == alone[1].summary()


def test_a_composite_has_only_its_parts_hooks() -> None:
    """So that nobody makes events for it in vain."""
    composite = CompositeRecorder("m", [ManifestFlowRecorder()])
    assert hasattr(composite, "on_subflow_entry")
    assert not hasattr(composite, "on_read")
    assert not hasattr(composite, "end_trace")


class Failing:
    id = "failing"

    def on_emit(self, event: Any) -> None:
        raise ValueError(event.name)


def test_a_failing_part_keeps_nothing_from_the_others() -> None:
    """All parts are told, then the failures come out together."""
    first, last = EventsRecorder(), EventsRecorder()
    composite: Any = CompositeRecorder("all", [first, Failing(), last])
    with pytest.raises(ExceptionGroup, match="1 of 3 recorders failed in on_emit"):
        composite.on_emit(ev.EmitEvent("e"))
    assert len(first.events) == len(last.events) == 1


def test_a_composite_clears_and_shows_its_parts() -> None:
    """Parts are found by class; what they show stands under their own ids; a part that cannot forget is told no such thing."""
    part = MetricRecorder("numbers")
    composite: Any = CompositeRecorder("all", [Failing(), part])
    composite.on_read(ev.ReadEvent(*AT, "a", 1))
    assert composite.get(MetricRecorder) is part
    assert composite.get(DebugRecorder) is None
    assert composite.get_children()[1] is part
    [shown] = composite.to_snapshot()["data"]["children"]
    assert (shown["id"], shown["data"]["totalReads"]) == ("numbers", 1)
    composite.clear()
    assert part.size == 0


# ── debug, quality, narratives: what the reference's answers do not show ───────────────────────────────────────────
AT = ("S", "s", "s#0", "", 0.0)


def test_a_debug_recorder_may_become_verbose_on_the_way() -> None:
    """Minimal keeps errors, pauses and resumes; another word is refused."""
    recorder = DebugRecorder(verbosity="minimal")
    recorder.on_stage_start(ev.StageStartEvent(*AT))
    recorder.set_verbosity("verbose")
    recorder.on_write(ev.WriteEvent(*AT, "a", Raw(b"[1]"), "set"))
    [entry] = recorder.get_entries()
    assert entry.data == {"key": "a", "value": [1], "operation": "set", "pipelineId": ""}
    assert recorder.get_verbosity() == "verbose"
    with pytest.raises(ValueError, match="'loud'"):
        recorder.set_verbosity("loud")  # type: ignore[arg-type]


def test_recorders_that_may_be_many_have_ids_of_their_own() -> None:
    """Two of a kind attached to one executor must not replace each other."""
    for kind in (MetricRecorder, DebugRecorder):
        assert kind().id != kind().id


def test_a_step_without_start_has_no_score_and_scores_are_cut_off() -> None:
    """Scores lie between 0 and 1; a plain number will do, factors are optional."""
    recorder = QualityRecorder(lambda _step, context: Score(7, ["much"]) if context.keys_read else -3)
    recorder.on_stage_end(ev.StageEndEvent(*AT))
    assert (recorder.size, recorder.get_overall_score(), recorder.get_lowest()) == (0, 1.0, None)
    recorder.on_stage_start(ev.StageStartEvent(*AT))
    recorder.on_stage_end(ev.StageEndEvent(*AT))
    assert recorder.get_score_up_to({"s#0"}) == 0.0
    recorder.on_read(ev.ReadEvent(*AT, "a", 1))
    recorder.on_stage_end(ev.StageEndEvent(*AT))
    entry = recorder.get_by_key("s#0")
    assert entry is not None
    assert (entry.score, entry.factors) == (1.0, ["much"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ProgressiveNarrativeFlowRecorder(1), "greater than 1, not 1"),
        (lambda: ProgressiveNarrativeFlowRecorder(float("nan")), "not nan"),
        (lambda: WindowedNarrativeFlowRecorder(head=-1), "head is a number of at least 0, not -1"),
    ],
)
def test_ways_to_tell_a_loop_refuse_what_would_never_end(make: Any, message: str) -> None:
    """The reference's progressive narrative hangs on a base of 1."""
    with pytest.raises(ValueError, match=message):
        make()


# ── stores: behaviour taken from the reference's, run on the same calls ────────────────────────────────────────────
class Entry(NamedTuple):
    runtime_stage_id: str | None
    n: int


def test_a_sequence_store_knows_steps_ranges_and_what_lies_between() -> None:
    """Markers belong to no step: they extend the range of the step before, and show between visible ones."""
    store = SequenceStore[Entry]()
    steps = [None, "a#0", "a#0", None, "b#1", None, "a#0", None, "c#2", None]
    for n, step in enumerate(steps):
        store.push(Entry(step, n))
    assert store.get_entry_ranges() == {"a#0": (1, 8), "b#1": (4, 6), "c#2": (8, 10)}
    assert (store.size, store.key_count, store.get_by_key("zz")) == (10, 3, [])
    expected = {
        ("a#0",): ([1, 2, 3, 5, 6], 9),
        ("b#1",): ([4], 4),
        ("a#0", "b#1"): ([1, 2, 3, 4, 5, 6], 13),
        ("a#0", "b#1", "c#2"): ([1, 2, 3, 4, 5, 6, 7, 8], 21),
        ("c#2",): ([8], 8),
        (): ([], 0),
    }
    for keys, (shown, total) in expected.items():
        assert [entry.n for entry in store.get_entries_up_to(keys)] == shown
        assert store.accumulate(lambda so_far, entry: so_far + entry.n, 0, keys) == total
    assert store.aggregate(lambda so_far, entry: so_far + entry.n, 0) == 45
    store.clear()
    assert (store.get_all(), store.get_entry_ranges()) == ([], {})


def test_a_keyed_store_keeps_one_entry_a_key_in_order() -> None:
    """Replacing an entry leaves its place; an entry of None is an entry."""
    store = KeyedStore[int | None]()
    for key, entry in [("a", 1), ("b", None), ("a", 3)]:
        store.set(key, entry)
    assert list(store.get_map().items()) == [("a", 3), ("b", None)]
    assert store.has("b")
    assert store.delete("b")
    assert not store.delete("b")
    assert store.filter_by_keys({"a", "zz"}) == [3]
    store.clear()
    assert store.size == 0


def test_a_boundary_store_forgets_what_has_ended() -> None:
    """Starting twice begins anew; what is not open is neither updated nor found."""
    store = BoundaryStateStore[int]("calls")
    store.update("q", lambda n: n + 1)
    assert (store.stop("q"), store.get("q"), store.has_active) == (None, None, False)
    store.start("q", 1)
    store.start("q", 5)
    store.update("q", lambda n: n + 1)
    assert (dict(store.get_all()), store.active_count) == ({"q": 6}, 1)
    assert (store.stop("q"), store.active_count) == (6, 0)


def test_commit_ranges_are_found_from_the_outermost_in() -> None:
    """Both ends belong to a range; an open one reaches to the end; tokens are good once, and for their own index."""
    index = CommitRangeIndex[str]()
    outer, inner, later = index.open("outer", 0), index.open("inner", 0), index.open("later", 3)
    index.close(inner, 2)
    assert [found.label for found in index.enclosing(1)] == ["outer", "inner"]
    assert [found.label for found in index.enclosing(3)] == ["outer", "later"]
    assert [found.label for found in index.overlapping(2, 3)] == ["outer", "inner", "later"]
    index.close(inner, 9)
    CommitRangeIndex[str]().close(later, 1)
    assert [found.label for found in index.enclosing(9)] == ["outer", "later"]
    index.clear()
    index.close(outer, 2)
    assert index.size == 0
