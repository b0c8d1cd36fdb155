"""Law 6 by comparison: whatever the hidden value is, all that can be seen of a run is the same, to the byte.

Searching for a planted text finds no boolean, no small number and no single letter, which stand everywhere. So the same chart
runs twice with two values of a kind, hidden in every way there is, and everything that shows the run is compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from footpath import (
    Child,
    FlowChart,
    FlowChartExecutor,
    Pausable,
    RedactionPolicy,
    RetryPolicy,
    decide,
    decode_trace,
    flow_chart,
    ops,
    replay,
    select,
)
from footpath.query import (
    TraceView,
    array_provenance,
    explain,
    format_explanation,
    format_forward_slice,
    format_slice,
    format_timeline,
    forward_slice_for_key,
    key_timeline,
    keys_read_from_execution_tree,
    slice_for_key,
    state_at,
)
from footpath.recorders import (
    ArchiveRecorder,
    AuditRecorder,
    DebugRecorder,
    InOutRecorder,
    ManifestFlowRecorder,
    MetricRecorder,
    NarrativeRecorder,
    TopologyRecorder,
)
from tests.property._runs import STEP_NS, Heard, Ids, Ticks

POLICY = RedactionPolicy(
    keys=("pin", "i_pin"),
    patterns=("^pan",),
    fields={"person": ("name", "address.zip"), "row": ("0", "1.name")},
    emit_patterns=("^auth", r"metric\.secret"),
)
PAIRS = {
    "booleans": (True, False),
    "small numbers": (7, -3),
    "fractions": (0.5, 2.25),
    "one letter": ("x", "q"),
    "nothing and something": (None, True),
    "an empty text and something": ("", False),
    "objects": ({"a": 1, "b": "x"}, {"a": False, "b": "y"}),
    "texts": ("canary-ÿ-4711", "kanari-é-1147"),
    "numbers": (918_273_645, 564_738_291),
}
KEYS = ("pin", "pan_1", "person", "row", "once", "seen")


def hides(secret: Any) -> Callable[[Any], None]:
    """A stage that hides a value in every way there is, and looks at it."""

    def stage(scope: Any) -> None:
        scope.pin = secret
        scope.pan_1 = {"deep": [secret]}
        scope.person = {"name": secret, "age": 3, "address": {"zip": secret, "city": "here"}}
        scope.row = [secret, {"name": secret, "age": 3}]
        scope.row.append("more")
        ops(scope).set("once", secret, redact=True)
        ops(scope).update("person", {"name": secret})
        ops(scope).emit("auth.login", {"of": secret})
        ops(scope).metric("secret", secret)
        scope.seen = [key for key in KEYS if key in scope]
        _ = scope.pin, scope.pan_1["deep"][0], scope.person["name"], scope.row[0], scope.once

    return stage


def decides(scope: Any) -> Any:
    """By rules that no value of a pair tells apart."""
    operators: tuple[dict[str, Any], ...] = ({"eq": "-"}, {"in": ["-"]}, {"gt": 10**12}, {"ne": "-", "notIn": ["-"]})
    rules = [{"when": {key: how}, "then": "b", "label": "told"} for how in operators for key in ("pin", "once")]
    return decide(scope, rules, "b")


def selects(scope: Any) -> Any:
    return select(scope, [{"when": {"pin": {"ne": "-"}}, "then": "s"}, {"when": {"once": {"in": ["-"]}}, "then": "s"}])


def fails_once(stage: Callable[[Any], None]) -> Callable[[Any], None]:
    tried: list[int] = []

    def again(scope: Any) -> None:
        stage(scope)
        tried.append(1)
        if len(tried) == 1:
            raise LookupError

    return again


def chart_of(secret: Any) -> FlowChart:
    stage = hides(secret)
    each = flow_chart("Item", stage, "item").add_function("Give", lambda scope: [secret], "give").build()
    ask = Pausable(lambda scope: {"asked": "who"}, lambda scope, answer: stage(scope))
    handed = {"pin": secret, "person": {"name": secret, "age": 4}, "once": secret}
    innermost = flow_chart("First", stage, "first").add_pausable_function("Ask", ask, "ask").build()
    inner = (
        flow_chart("In", stage, "in")
        .add_sub_flow_chart_next("deep", innermost, "Deep", output_mapper=lambda sub, parent: handed)
        .build()
    )
    return (
        flow_chart("Hide", stage, "hide")
        .add_list_of_function([Child("c", "C", stage), Child("d", "D", lambda scope: scope.pin)])
        .add_sub_flow_chart_next(
            "sub",
            inner,
            "Sub",
            input_mapper=lambda parent: {"pan_0": secret, "member": {"pin": 1}},
            output_mapper=lambda sub, parent: handed,
        )
        .add_decider_function("Decide", decides, "decide")
        .add_function_branch("b", "B", stage)
        .end()
        .add_parallel_for_each(
            "Each", "each", items=lambda scope: [1, 2], branch=lambda item: each, max_branches=2, into="pan_3"
        )
        .add_function("Again", fails_once(stage), "again")
        .retry(RetryPolicy(2))
        .add_selector_function("Select", selects, "select")
        .add_function_branch("s", "S", stage)
        .end()
        .add_function("Last", lambda scope: {"pin": scope.pin}, "last")
        .build()
    )


def seen_of(secret: Any, options: dict[str, Any]) -> dict[str, Any]:
    """All that shows a run that pauses two mounts deep and goes on in another executor."""
    seen: dict[str, Any] = {}
    chart = chart_of(secret)
    ids = Ids()

    def executor(name: str) -> FlowChartExecutor:
        made = FlowChartExecutor(
            chart,
            clock=Ticks(0, STEP_NS),
            wall_clock=Ticks(1_764_000_000_000_000_000, STEP_NS),
            ids=ids,
            initial_context={"pan_9": secret, "row": [secret]},
            **options,
        )
        made.enable_narrative()
        made.set_redaction_policy(POLICY)
        heard = Heard()
        for recorder in (heard, *(kind(id=kind.__name__) for kind in RECORDERS)):
            made.attach_combined_recorder(recorder)
        seen[name, "heard"] = heard.calls
        return made

    first = executor("first")
    first.run(input={"i_pin": secret, "plain": 1})
    look_at(first, "first", seen)
    checkpoint = first.get_checkpoint()
    assert checkpoint is not None
    assert checkpoint["subflowPath"] == ["sub", "sub/deep"]
    seen["checkpoint"] = {
        name: part for name, part in checkpoint.items() if name not in ("sharedState", "subflowStates")
    }
    second = executor("second")
    second.resume(json.loads(json.dumps(checkpoint)), None)
    assert not second.is_paused()
    look_at(second, "second", seen)
    seen["drawn"] = chart.to_mermaid(), chart.description
    return {str(name): shown(part) for name, part in seen.items()}


RECORDERS: tuple[type[Any], ...] = (
    DebugRecorder,
    InOutRecorder,
    ManifestFlowRecorder,
    MetricRecorder,
    NarrativeRecorder,
    TopologyRecorder,
)


def look_at(executor: FlowChartExecutor, name: str, seen: dict[Any, Any]) -> None:
    """Document, views, recorders of the replay, and every question that can be asked."""
    trace = decode_trace(executor.get_trace().encoded)
    heard, audit, archive, *others = (
        Heard(),
        AuditRecorder(),
        ArchiveRecorder(),
        *(kind(id=kind.__name__) for kind in RECORDERS),
    )
    for recorder in (heard, audit, archive, *others):
        replay(trace, recorder)
    plain = executor.get_snapshot()
    seen[name, "document"] = trace.encoded.decode()
    seen[name, "replayed"] = heard.calls, audit.rows(), archive.views, [each.to_snapshot() for each in others]
    seen[name, "views"] = trace.snapshot, [entry.as_json() for entry in trace.narrative]
    seen[name, "live"] = executor.get_snapshot(redact=True), executor.get_narrative(), executor.get_redaction_report()
    seen[name, "plain"] = plain["commitLog"], plain["executionTree"], plain["recorders"]
    for key in KEYS:
        for at, snapshot in enumerate((plain, trace.snapshot)):
            log, reads = snapshot["commitLog"], keys_read_from_execution_tree(snapshot["executionTree"])
            seen[name, key, at] = [
                format_slice(slice_for_key(log, key, reads)),
                format_forward_slice(forward_slice_for_key(log, key, reads)),
                format_timeline(key_timeline(log, key, reads)),
                array_provenance(log, key),
            ]
        view = TraceView(trace.snapshot, trace.events(), trace.input)
        seen[name, key] = format_explanation(explain(view, key))
    seen[name, "states"] = [state_at(trace.snapshot, index) for index in range(len(trace.snapshot["commitLog"]))]


def shown(part: Any) -> Any:
    """As JSON."""
    return msgspec.json.decode(msgspec.json.encode(part))


OPTIONS: dict[str, dict[str, Any]] = {
    "all": {},
    "what changed": {"commit_values": "delta", "write_provenance": "reads-prefix"},
    "summaries": {"read_tracking": "summary", "write_tracking": "summary", "commit_values": "delta"},
}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((kind, "all") for kind in PAIRS),
        *((kind, dial) for kind in ("booleans", "one letter") for dial in OPTIONS if dial != "all"),
    ],
)
def test_what_is_seen_of_a_run_is_the_same_whatever_is_hidden(kind: str, options: str) -> None:
    """Document, views, events, recorders, questions, drawing, and a checkpoint but for its states."""
    one, other = [seen_of(value, OPTIONS[options]) for value in PAIRS[kind]]
    assert one.keys() == other.keys()
    assert len(one) > 40
    for name, part in one.items():
        assert json.dumps(part).split(",") == json.dumps(other[name]).split(","), name
