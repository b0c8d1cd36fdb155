from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec import UNSET, Raw

from footpath import channels as ev
from footpath.recorders import (
    CompositeRecorder,
    DebugRecorder,
    InOutRecorder,
    ManifestRecorder,
    MetricsRecorder,
    TopologyRecorder,
)
from tests.unit.recorders._cases import recorded_runs
from tests.unit.recorders._events_from_json import events_of, feed

if TYPE_CHECKING:
    from tests.unit.recorders._cases import RecordedRun


def phase_of(name: str) -> dict[str, Any]:
    return next(run.phases[0] for run in recorded_runs() if run.name.startswith(name))


# ── debug ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_debug_keeps_every_event_in_order(recorded_run: RecordedRun) -> None:
    """Nothing is missed, nothing comes twice."""
    recorder = DebugRecorder()
    for phase in recorded_run.phases:
        feed(recorder, phase)
    expected = [(hook, event) for phase in recorded_run.phases for _channel, hook, event in events_of(phase)]
    assert recorder.events == expected
    assert recorder.of("on_commit", "on_emit") == [e for hook, e in expected if hook in {"on_commit", "on_emit"}]


# ── composite ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_composite_tells_its_parts_what_they_would_hear_alone(recorded_run: RecordedRun) -> None:
    """And has no hook that none of them has."""
    parts = DebugRecorder(), MetricsRecorder()
    alone = DebugRecorder(), MetricsRecorder()
    composite = CompositeRecorder("both", parts)
    for phase in recorded_run.phases:
        feed(composite, phase)
        for recorder in alone:
            feed(recorder, phase)
    assert parts[0].events == alone[0].events
    assert parts[1].summary() == alone[1].summary()


def test_a_composite_has_only_its_parts_hooks() -> None:
    """So that nobody makes events for it in vain."""
    composite = CompositeRecorder("m", [ManifestRecorder()])
    assert hasattr(composite, "on_subflow_entry")
    assert hasattr(composite, "begin_trace")
    assert not hasattr(composite, "on_read")
    assert not hasattr(composite, "end_trace")


class Failing:
    id = "failing"

    def on_emit(self, event: Any) -> None:
        raise ValueError(event.name)


def test_a_failing_part_keeps_nothing_from_the_others() -> None:
    """All parts are told, then the failures come out together."""
    first, last = DebugRecorder(), DebugRecorder()
    composite: Any = CompositeRecorder("all", [first, Failing(), last])
    with pytest.raises(ExceptionGroup, match="1 of 3 recorders failed in on_emit"):
        composite.on_emit(ev.EmitEvent("e"))
    assert len(first.events) == len(last.events) == 1


# ── manifest ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_manifest_is_a_tree_of_the_mounts_entered() -> None:
    """Inner mounts hang under the outer ones; the shape is footprintjs's `getSubflowManifest`."""
    recorder = ManifestRecorder()
    here = ev.TraversalContext("r", "sf", "sf#1", "SF")
    for path, name, description in [("sf", "SF", "inner thing"), ("sf/sf2", "SF2", UNSET), ("sf", "SF", "inner thing")]:
        recorder.on_subflow_entry(
            ev.SubflowEntryEvent(traversal_context=here, name=name, subflow_id=path, description=description)
        )
    assert msgspec.to_builtins(recorder.manifest()) == [
        {
            "subflowId": "sf",
            "name": "SF",
            "description": "inner thing",
            "children": [{"subflowId": "sf/sf2", "name": "SF2", "children": []}],
        }
    ]


def test_every_subflow_of_a_run_is_in_the_manifest_once(recorded_run: RecordedRun) -> None:
    """Loops and retries add no second entry."""
    recorder = ManifestRecorder()
    for phase in recorded_run.phases:
        feed(recorder, phase)
    entered = [e.subflow_id for p in recorded_run.phases for _c, hook, e in events_of(p) if hook == "on_subflow_entry"]
    found: list[str] = []
    waiting = list(recorder.manifest())
    while waiting:
        entry = waiting.pop()
        found.append(entry.subflow_id)
        waiting.extend(entry.children)
    assert sorted(found) == sorted(set(entered))


def test_specs_are_kept_whether_built_or_returned() -> None:
    """A mount shows its spec at build time, a returned chart at run time, a lazy mount none."""
    recorder = ManifestRecorder()
    recorder.on_subflow_mounted(ev.SubflowMountedEvent("a", "A", "r", Raw(b'{"id":"r"}')))
    recorder.on_subflow_mounted(ev.SubflowMountedEvent("lazy", "L", "r", UNSET, True))
    recorder.on_subflow_registered(ev.SubflowRegisteredEvent("b", "B", UNSET, Raw(b'{"id":"s"}')))
    assert recorder.spec("a") == {"id": "r"}
    assert recorder.spec("b") == {"id": "s"}
    assert recorder.spec("lazy") is None


# ── in and out ─────────────────────────────────────────────────────────────────────────────────────────────────────
AT = ("S", "s", "s#0", "", 0.0)


def test_reads_keep_the_first_value_and_writes_the_last() -> None:
    """What went in is what the stage saw first; what came out is what it left."""
    recorder = InOutRecorder()
    recorder.on_stage_start(ev.StageStartEvent(*AT))
    recorder.on_read(ev.ReadEvent(*AT, "a", 1))
    recorder.on_write(ev.WriteEvent(*AT, "a", 2, "set"))
    recorder.on_read(ev.ReadEvent(*AT, "a", 2))
    recorder.on_write(ev.WriteEvent(*AT, "a", 3, "set"))
    [stage] = recorder.executions()
    assert (stage.reads, stage.writes) == ({"a": 1}, {"a": 3})


def test_a_retried_attempt_begins_afresh() -> None:
    """What a failed attempt staged was dropped."""
    recorder = InOutRecorder()
    for value in (1, 2):
        recorder.on_stage_start(ev.StageStartEvent(*AT))
        recorder.on_write(ev.WriteEvent(*AT, f"k{value}", value, "set"))
    stage = recorder.execution("s#0")
    assert stage is not None
    assert stage.writes == {"k2": 2}


def test_a_subflow_has_its_mapped_input_and_final_state() -> None:
    """The two ends of a mount."""
    recorder = InOutRecorder()
    feed(recorder, phase_of("subflow-mappings"))
    mounts = [stage for stage in recorder.executions() if stage.kind == "subflow"]
    events = list(events_of(phase_of("subflow-mappings")))
    assert mounts
    for mount in mounts:
        [entry] = [e for _c, h, e in events if h == "on_subflow_entry" and _at(e) == mount.runtime_stage_id]
        assert {k: msgspec.json.decode(msgspec.json.encode(v)) for k, v in mount.reads.items()} == entry.mapped_input
        [leave] = [e for _c, h, e in events if h == "on_subflow_exit" and _at(e) == mount.runtime_stage_id]
        assert {k: msgspec.json.decode(msgspec.json.encode(v)) for k, v in mount.writes.items()} == leave.output_state
        assert not mount.open


def _at(event: Any) -> str:
    return event.traversal_context.runtime_stage_id


# ── topology ───────────────────────────────────────────────────────────────────────────────────────────────────────
def walked(name: str) -> tuple[dict[str, int], set[tuple[str, str, str]]]:
    recorder = TopologyRecorder()
    feed(recorder, phase_of(name))
    return (
        {node.id: node.executions for node in recorder.nodes()},
        {(edge.source, edge.target, edge.kind) for edge in recorder.edges()},
    )


def test_every_executed_stage_is_a_node_and_every_edge_joins_two(recorded_run: RecordedRun) -> None:
    """Executions count once, whatever kinds a node has; a run's first node has no edge to it."""
    for phase in recorded_run.phases:
        recorder = TopologyRecorder()
        feed(recorder, phase)
        executed = {
            (e.traversal_context.stage_id, _at(e)) for _c, hook, e in events_of(phase) if hook == "on_stage_executed"
        }
        assert sum(node.executions for node in recorder.nodes()) == len(executed)
        assert {node.id for node in recorder.nodes()} == {stage for stage, _ in executed}
        for edge in recorder.edges():
            assert edge.count >= 1
            assert edge.target in {node.id for node in recorder.nodes()}


def test_loops_are_folded_onto_their_nodes() -> None:
    """A second visit adds to the node; the edge back is a loop, the decider's way on is none."""
    nodes, edges = walked("loop-until")
    assert nodes == {"start": 1, "step": 3, "note": 3, "check": 3, "again": 2, "out": 1, "end": 3}
    assert edges == {
        ("start", "step", "next"),
        ("step", "note", "next"),
        ("note", "check", "next"),
        ("check", "again", "decision-branch"),
        ("check", "out", "decision-branch"),
        ("again", "step", "loop"),
        ("check", "end", "next"),
    }


def test_mounts_stand_between_their_parent_and_what_is_in_them() -> None:
    """A parallel mount is a fork's branch; into it leads a subflow edge; the join follows the fork's parent."""
    nodes, edges = walked("fork-of-subflows")
    assert set(nodes.values()) == {1}
    assert edges == {
        ("start", "sf-one", "fork-branch"),
        ("start", "sf-two", "fork-branch"),
        ("sf-one", "sf-one/inner-start", "subflow"),
        ("sf-two", "sf-two/inner-start", "subflow"),
        ("sf-one/inner-start", "sf-one/inner-end", "next"),
        ("sf-two/inner-start", "sf-two/inner-end", "next"),
        ("start", "join", "next"),
    }
