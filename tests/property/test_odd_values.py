"""Laws 1, 2 and 3 for values of every kind, each in every place where a value can stand."""

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
from footpath.recorders import AuditRecorder, ChartMetricsRecorder
from tests.property._runs import Heard
from tests.property._values import ODD, deep, deep_dicts

Make = Callable[[], Any]


def written(make: Make) -> FlowChart:
    """As it is, as a member, as an item, patched in, united with itself, appended, replaced, deleted, copied."""

    def write(scope: Any) -> None:
        scope.value = make()
        scope.member = {"in": make(), "l": [make()]}
        scope.items = [make()]
        scope.over = 1

    def change(scope: Any) -> None:
        scope.over = make()
        scope.member["more"] = make()
        scope.member["in"] = make()
        scope.member["l"].append(make())
        scope.items.append(make())
        scope.items.extend([make(), make()])
        scope.items[0] = make()
        ops(scope).update("member", {"patched": make()})
        ops(scope).update("items", [make()])
        ops(scope).update("value", make())
        ops(scope).append_all("items", [make()])
        ops(scope).set("described", make(), description="why")

    def read(scope: Any) -> None:
        scope.copy = scope.value
        scope.nested = {"copy": [scope.member, scope.value]}
        _ = scope.value, scope.member["in"], scope.items[0], "value" in scope, ops(scope).get("value", 1)
        scope.items.pop()
        scope.value = make()
        scope.value = scope.value
        del scope.over

    return (
        flow_chart("Write", write, "write").add_function("Change", change, "change").add_function("Read", read, "read")
    ).build()


def said(make: Make) -> FlowChart:
    """Emitted, noted, returned, given as a reason, as a token, as evidence."""

    def say(scope: Any) -> Any:
        scope.value = make()
        ops(scope).emit("app.x", make())
        ops(scope).emit("app.y", {"in": [make()]})
        for note in (ops(scope).debug, ops(scope).error, ops(scope).metric, ops(scope).evaluate):
            note("n", make())
        ops(scope).log(make())
        return make()

    def choose(scope: Any) -> Any:
        operators = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "notIn")
        rules = [{"when": {"value": {operator: make()}}, "then": "b", "label": operator} for operator in operators]
        rules += [{"when": {"value": {"in": [make(), 1]}}, "then": "b"}, {"when": lambda s: s.value, "then": "b"}]
        select(scope, rules)
        return decide(scope, rules, "b")

    def stop(scope: Any) -> Any:
        ops(scope).break_flow(make())
        return make()

    return (
        flow_chart("Say", say, "say")
        .add_decider_function("Choose", choose, "choose")
        .add_function_branch("b", "B", stop)
        .end()
        .build()
    )


def handed(make: Make) -> FlowChart:
    """Through mappings, as an item, from parallel children, from a child that returns it."""
    inner = flow_chart("Inner", lambda scope: scope.given, "inner").build()
    item = flow_chart("Item", lambda scope: scope.item, "item").build()

    def child(scope: Any) -> Any:
        scope.mine = make()
        return make()

    return (
        flow_chart("Write", lambda scope: setattr(scope, "value", make()), "write")
        .add_sub_flow_chart_next(
            "sub",
            inner,
            "Sub",
            input_mapper=lambda parent: {"given": make(), "same": parent["value"]},
            output_mapper=lambda sub, parent: {"out": sub, "object": {"m": sub, "n": [sub]}, "list": [sub]},
        )
        .add_parallel_for_each(
            "Each",
            "each",
            items=lambda scope: [make(), make()],
            branch=lambda item_: item,
            max_branches=5,
            into="all",
        )
        .add_list_of_function([Child("c", "C", child), Child("d", "D", child)])
        .add_function("After", lambda scope: setattr(scope, "joined", scope.runs), "after")
        .build()
    )


def failed(make: Make) -> FlowChart:
    """In an error that is retried, then raised."""

    def fail(scope: Any) -> None:
        scope.value = make()
        error = ValueError(make(), {"in": make()})
        error.code = make()  # type: ignore[attr-defined]  # as users do
        error.issues = [make()]  # type: ignore[attr-defined]
        raise error

    return flow_chart("Fail", fail, "fail", retry=RetryPolicy(2)).build()


def paused(make: Make) -> FlowChart:
    """As what a pause asks, and what it is answered."""

    def resumed(scope: Any, answer: Any) -> Any:
        scope.answer = answer
        return answer

    return (
        flow_chart("Write", lambda scope: setattr(scope, "value", make()), "write")
        .add_pausable_function("Ask", Pausable(lambda scope: {"ask": make()}, resumed), "ask")
        .build()
    )


CHARTS = {"written": written, "said": said, "handed": handed, "failed": failed, "paused": paused}
POLICY = RedactionPolicy(keys=("copy",), patterns=("^mine$",), fields={"member": ("in",)}, emit_patterns=(r"^app\.x",))


FLATTER: dict[str, Make] = {"deep": lambda: deep(150), "dicts and lists deep": lambda: deep_dicts(150)}
"""Deeper than what is recorded as nested JSON will do here."""


@pytest.mark.parametrize("hidden", [False, True], ids=["shown", "hidden"])
@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("kind", sorted(ODD))
def test_any_value_may_stand_anywhere(kind: str, name: str, hidden: bool) -> None:
    """The run comes to what it comes to without recorders; the trace travels and tells what was heard live."""
    make = FLATTER.get(kind) or ODD[kind]
    chart = CHARTS[name](make)
    outcomes: list[Any] = []
    for live in (None, Heard()):
        executor = FlowChartExecutor(chart, initial_context={"first": make()}, clock=lambda: 0, wall_clock=lambda: 0)
        executor.enable_narrative()
        if hidden:
            executor.set_redaction_policy(POLICY)
        if live is not None:
            executor.attach_combined_recorder(live)
        try:
            result = executor.run(input={"given": make()}, env={"e": make()})
        except ValueError as error:
            outcomes.append(type(error))
            assert name == "failed"
        else:
            outcomes.append(type(result))
            assert name != "failed"
        start = len(live.calls) if live is not None else 0
        check(executor, live, 0, hidden=hidden, first=True)
        if executor.is_paused():
            checkpoint = executor.get_checkpoint()
            assert checkpoint is not None
            json.dumps(checkpoint, allow_nan=False)
            executor.resume(checkpoint, make())
            check(executor, live, start, hidden=hidden, first=False)
    assert outcomes[0] is outcomes[1]


def check(executor: FlowChartExecutor, live: Heard | None, start: int, *, hidden: bool, first: bool) -> None:
    """The trace of the last phase."""
    trace = decode_trace(executor.get_trace().encoded)
    json.loads(trace.encoded.decode(), parse_constant=refuse)
    again = Heard()
    replay(trace, again)
    if live is not None:
        heard = live.calls[start:]
        assert [call[:2] for call in heard] == [call[:2] for call in again.calls]
        assert hidden or heard == again.calls
    for recorder in (AuditRecorder(), ChartMetricsRecorder()):
        replay(trace, recorder)
    assert trace.narrative
    state = msgspec.json.decode(msgspec.json.encode(trace.final_state()))
    assert trace.snapshot["sharedState"].keys() == state.keys()
    exported = trace.to_footprintjs()
    assert msgspec.json.decode(msgspec.json.encode(exported)) == exported
    if first and not hidden:
        assert trace.snapshot == executor.get_snapshot()


def refuse(constant: str) -> Any:
    """NaN and its kin are no JSON."""
    raise AssertionError(constant)
