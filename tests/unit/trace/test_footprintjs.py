from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from footpath import decode_trace
from footpath.channels import EMIT_HOOKS, FLOW_HOOKS, SCOPE_HOOKS, STRUCTURE_HOOKS
from footpath.chart import spec_from_document, structure_events
from footpath.errors import ReplayError, TraceDecodeError
from footpath.ids import id_from_document
from footpath.trace._footprintjs import FootprintjsTrace, read_footprintjs
from footpath.trace._footprintjs_spec import document_from_nested
from footpath.trace._repair import whole_characters

TESTS = Path(__file__).parents[2]
ANSWERS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((TESTS / "conformance" / "expected").glob("*.json"))
}
BUILT = {name: answer for name, answer in ANSWERS.items() if "spec" in answer["build"]}
# A snapshot does not tell a stage that never started, or that was left behind by one that failed fast, from one that
# ran; nor from each other charts that a stage returned under one id.
_NOT_TOLD_APART = frozenset(
    {
        "abort-before-a-fork",
        "abort-before-children",
        "dynamic-chart-of-a-lazy-charts-id",
        "dynamic-charts-of-one-id",
        "for-each-fails-fast",
        "fork-child-without-function",
        "fork-of-a-chart-not-entered",
        "loop-edge-in-a-lazy-chart",
        "loop-of-a-selector-inside-a-for-each",
    }
)
RUNS = {
    f"{name}-{number}": (answer["build"]["spec"], run["phases"][0])
    for name, answer in BUILT.items()
    for number, run in enumerate(answer["runs"])
    if len(run["phases"]) == 1 and run["phases"][0]["events"] and name not in _NOT_TOLD_APART
}
# Parallel children interleave, and recorders that failed have no place.
IN_ORDER = [
    name
    for name, (_, phase) in RUNS.items()
    if not any(call["method"] in ("onFork", "onError") for call in phase["events"])
]


class Heard:
    """Keeps every call, hooks in camelCase as the reference's answers have them."""

    id = "heard"

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        for hook in (*STRUCTURE_HOOKS, *SCOPE_HOOKS, *FLOW_HOOKS, *EMIT_HOOKS):
            head, *rest = hook.split("_")
            name = head + "".join(map(str.title, rest))
            setattr(self, hook, lambda event, name=name: self.calls.append((name, as_json(event))))


def as_json(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def captured(spec: Any, phase: Any) -> bytes:
    return json.dumps({"spec": spec, "snapshot": phase["snapshot"], "narrative": phase.get("narrative")}).encode()


def told(trace: FootprintjsTrace) -> list[tuple[str, dict[str, Any]]]:
    """What a replay tells of the run, without the structure."""
    heard = Heard()
    for hook, event in trace.events():
        getattr(heard, hook)(event)
    return heard.calls


def where(call: tuple[str, dict[str, Any]]) -> tuple[Any, ...]:
    """Which stage execution a call is about."""
    name, event = call
    context = event.get("traversalContext", {})
    return name, event.get("runtimeStageId") or context.get("runtimeStageId"), event.get("channel")


# ── against what the reference itself told ───────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("name", RUNS)
def test_nothing_is_told_that_did_not_happen(name: str) -> None:
    """Each event is one that footprintjs fired for that stage; members that it has too are equal, but for hidden values."""
    spec, phase = RUNS[name]
    trace = read_footprintjs(captured(spec, phase))
    events = json.loads(whole_characters(json.dumps(phase["events"]).encode()))
    fired = [(call["method"], call["event"]) for call in events if call["channel"] not in ("stream", "structure")]
    left: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for call in fired:
        left.setdefault(where(call), []).append(call[1])
    for call in told(trace):
        same_place = left.get(where(call))
        assert same_place, call
        original = same_place.pop(0)
        for member, value in call[1].items():
            if member in ("structuredError", "mutations", "outputState", "mappedInput", "value"):
                continue
            if member == "traversalContext":
                value.pop("runId")
                assert value.items() <= original[member].items()
            elif (call[0], member) != ("onBreak", "stageName"):
                assert value == original[member], (call[0], member)


@pytest.mark.parametrize("name", IN_ORDER)
def test_the_order_of_stages_is_that_of_the_run(name: str) -> None:
    """Commits, decisions and the rest come in the order in which footprintjs fired them, where children do not interleave."""
    spec, phase = RUNS[name]
    kinds = (
        "onCommit",
        "onDecision",
        "onStageExecuted",
        "onSubflowEntry",
        "onSubflowExit",
        "onNext",
        "onLoop",
        "onBreak",
    )
    fired = [where((call["method"], call["event"])) for call in phase["events"] if call["method"] in kinds]
    ours = [where(call) for call in told(read_footprintjs(captured(spec, phase))) if call[0] in kinds]
    positions = [fired.index(each) for each in ours if each in fired]
    if len(set(fired)) == len(fired):
        assert positions == sorted(positions)


@pytest.mark.parametrize("name", RUNS)
def test_what_it_says_of_itself_is_shown_as_it_is(name: str) -> None:
    """Spec, snapshot, story and final state are footprintjs's own."""
    spec, phase = RUNS[name]
    data = captured(spec, phase)
    trace = decode_trace(data)
    given = json.loads(whole_characters(data))
    assert trace.to_footprintjs() == given
    assert [entry.as_json() for entry in trace.narrative] == (given["narrative"] or [])
    assert as_json(trace.final_state()) == given["snapshot"]["sharedState"]
    assert trace.status in (phase["outcome"], "unknown")
    assert (trace.error is None) or phase["outcome"] == "failed"


def test_most_endings_are_known() -> None:
    """That one is unknown is said honestly, and seldom."""
    known = [read_footprintjs(captured(*RUNS[name])).status != "unknown" for name in RUNS]
    assert sum(known) / len(known) > 0.7


# ── structure ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("name", BUILT)
def test_a_nested_spec_lies_flat_and_back(name: str) -> None:
    """Nothing that the nested spec says is lost on the way."""
    spec = BUILT[name]["build"]["spec"]
    document = document_from_nested(spec)
    assert spec_from_document(document) == spec
    hooks = [hook for hook, _ in structure_events(document)]
    fired = [call["method"] for call in BUILT[name]["build"]["structure"]]
    assert hooks.count("on_stage_added") == fired.count("onStageAdded")
    assert hooks.count("on_loop_edge_added") == fired.count("onLoopEdgeAdded")
    assert hooks.count("on_edge_added") == fired.count("onEdgeAdded")


def test_a_spec_that_no_builder_makes_has_no_structure_events() -> None:
    """What cannot be said rightly is not said; the spec itself is shown."""
    branch = {"name": "B", "id": "b", "type": "stage", "next": {"name": "C", "id": "c", "type": "stage"}}
    spec = {"name": "A", "id": "a", "type": "decider", "children": [branch]}
    trace = read_footprintjs(document(spec=spec))
    assert list(trace.structure()) == []
    assert trace.spec == spec


# ── identity and what is absent ──────────────────────────────────────────────────────────────────────────────────────
def document(**changes: Any) -> bytes:
    """A small captured run."""
    node = {
        "id": "a",
        "runtimeStageId": "a#0",
        "name": "A",
        "logs": {},
        "errors": {},
        "flowMessages": [
            {"type": "next", "description": "Moving to B", "timestamp": 1_764_000_000_500, "targetStage": "B"}
        ],
        "next": {"id": "b", "runtimeStageId": "b#1", "name": "B", "logs": {}, "errors": {}},
    }
    bundle = {"overwrite": {"x": 1}, "updates": {}, "trace": [{"path": "x", "verb": "set"}], "runtimeStageId": "a#0"}
    parts: dict[str, Any] = {
        "spec": {"name": "A", "id": "a", "type": "stage", "next": {"name": "B", "id": "b", "type": "stage"}},
        "snapshot": {
            "sharedState": {"x": 1},
            "executionTree": node,
            "initialState": {},
            "commitLog": [bundle],
            "runId": "r",
        },
        "narrative": ["Stage 1: The process began with A."],
    }
    return json.dumps(parts | changes).encode()


def test_its_id_is_made_of_what_it_says() -> None:
    """Of the earliest flow message and the document's hash; the time it was sent counts only where there is no other."""
    trace = decode_trace(document(), sent_at_ms=1_900_000_000_000)
    assert trace.trace_id == id_from_document(1_764_000_000_500, trace.sha256)
    assert trace.started_at == "2025-11-24T16:00:00.500000Z"
    untimed = json.loads(document())
    del untimed["snapshot"]["executionTree"]["flowMessages"]
    data = json.dumps(untimed).encode()
    later = decode_trace(data, sent_at_ms=1_900_000_000_000)
    assert later.trace_id == id_from_document(1_900_000_000_000, later.sha256)
    assert later.started_at == ""
    assert decode_trace(data).trace_id.startswith("00000000-0000-7")


def test_what_it_lacks_is_absent() -> None:
    """No input, no result, no times of its own making."""
    trace = decode_trace(document())
    assert (trace.input, trace.result, trace.error, trace.duration_ms, trace.started_ms) == (None,) * 5
    assert trace.chart.hash == ""
    assert trace.narrative_options == {}
    (commit,) = [event for hook, event in trace.events() if hook == "on_commit"]
    assert as_json(commit) == {
        "stageName": "A",
        "stageId": "a",
        "runtimeStageId": "a#0",
        "mutations": [{"key": "x", "value": 1, "operation": "set"}],
    }
    assert as_json(trace.events()[0][1]) == {
        "traversalContext": {
            "runId": "r",
            "stageId": "__root__",
            "runtimeStageId": "__root__#0",
            "stageName": "__root__",
            "depth": 0,
        }
    }


def test_its_states_are_folded_from_its_log() -> None:
    """A redacted snapshot does not say what it began with, so its states are not to be had."""
    trace = decode_trace(document())
    assert (trace.state_at(0), trace.state_at(1)) == ({}, {"x": 1})
    redacted = json.loads(document())
    del redacted["snapshot"]["initialState"]
    with pytest.raises(ReplayError, match="redacted snapshot"):
        decode_trace(json.dumps(redacted).encode()).state_at(1)


def test_half_characters_that_javascript_cut_are_read() -> None:
    """JSON.stringify writes them as escapes, which are no characters to anybody else."""
    data = document(narrative=["cut \ud83d", "whole \ud83d\ude00", "a backslash \\ud83d", "\ude00 first"])
    lines = [entry.text for entry in decode_trace(data).narrative]
    assert lines == ["cut \ufffd", "whole 😀", "a backslash \\ud83d", "\ufffd first"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"spec": None}, "its spec is None, no object"),
        ({"spec": {"id": 1, "name": "x"}}, "the spec's id is 1, no text"),
        ({"snapshot": []}, r"its snapshot is \[\]"),
        ({"snapshot": {"executionTree": {}, "sharedState": 1, "commitLog": []}}, "its sharedState is 1"),
        ({"snapshot": {"executionTree": {}, "sharedState": {}, "commitLog": {}}}, "commitLog is no list"),
        ({"narrative": "once"}, "narrative is no list of entries"),
        ({"narrative": [{"type": "stage"}]}, "narrative is no list of entries"),
    ],
)
def test_a_malformed_one_is_refused_with_what_is_wrong(changes: dict[str, Any], says: str) -> None:
    """Permanent: it will be malformed again."""
    with pytest.raises(TraceDecodeError, match=says):
        decode_trace(document(**changes))


def test_one_that_nests_too_deep_is_refused() -> None:
    """A level a stage, as footprintjs nests them; JSON readers give up near a thousand."""
    levels = 200_000  # newer Pythons bear as many as their stack holds
    deep = b'{"id":"a","next":' * levels + b"{}" + b"}" * levels
    with pytest.raises(TraceDecodeError):
        decode_trace(document().replace(b'"snapshot": {', b'"x": ' + deep + b', "snapshot": {', 1))
