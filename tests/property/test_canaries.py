"""Law 6, place by place: what is hidden stands nowhere in a document, wherever it was written or quoted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

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
    interrupt,
    ops,
    replay,
)
from tests.property._runs import Heard

CANARY = "canary-ÿ-4711"
DERIVED = (f"seen {CANARY}!", f"<{CANARY!r}>", f'{{"of": "{CANARY}"}}')
POLICY = RedactionPolicy(
    keys=("secret", "i_secret"),
    patterns=("^pan",),
    fields={"person": ("name", "address.zip"), "i_person": ("name",), "row": ("0", "1.name"), "word": ("3",)},
    emit_patterns=("^auth",),
)


def no_mark(scope: Any) -> None:
    """Nothing of its own: the input or the first state holds it."""


def holding_itself(value: dict[str, Any]) -> dict[str, Any]:
    value["self"] = value
    return value


def behind_the_scope(scope: Any) -> None:
    held: dict[str, Any] = {"age": 1}
    scope.person = held
    held["name"] = CANARY


WAYS: dict[str, Callable[[Any], None]] = {
    "by key": lambda scope: setattr(scope, "secret", CANARY),
    "by key, deep in it": lambda scope: setattr(scope, "secret", {"a": [{"b": (CANARY,)}]}),
    "by pattern": lambda scope: setattr(scope, "pan_1", [CANARY]),
    "by field": lambda scope: setattr(scope, "person", {"name": CANARY, "age": 1}),
    "by nested field": lambda scope: setattr(scope, "person", {"address": {"zip": CANARY, "city": "here"}}),
    "by an item's place": lambda scope: setattr(scope, "row", [CANARY, 1]),
    "by a member of an item": lambda scope: setattr(scope, "row", [0, {"name": CANARY}]),
    "by one of its characters": lambda scope: setattr(scope, "word", CANARY),
    "by field, of an object that holds itself": lambda scope: setattr(
        scope, "person", holding_itself({"name": CANARY})
    ),
    "by field, beside keys that are no text": lambda scope: setattr(scope, "person", {1: 2, "name": CANARY}),
    "by field, in a change behind the scope": behind_the_scope,
    "by field, in a patch": lambda scope: ops(scope).update("person", {"address": {"zip": [CANARY]}}),
    "by a call": lambda scope: ops(scope).set("once", CANARY, redact=True),
    "by an update": lambda scope: ops(scope).update("secret", {"in": CANARY}),
    "by an append": lambda scope: (setattr(scope, "secret", []), scope.secret.append(CANARY)),
    "by the name of an event": lambda scope: ops(scope).emit("auth.login", {"token": CANARY}),
    "by the input's key": no_mark,
    "by the input's field": no_mark,
    "by the first state": no_mark,
}


def text() -> str:
    return " ".join(DERIVED)


class LeakError(Exception):
    """Holds it in every attribute."""

    def __init__(self) -> None:
        super().__init__(text(), {"in": CANARY})
        self.name = f"Leak {CANARY}"
        self.code = f"code {CANARY}"
        self.issues = [{"path": [CANARY], "message": text()}]


def caused() -> LeakError:
    error = LeakError()
    error.__cause__ = ValueError(text())
    error.add_note(text())
    return error


def decides(scope: Any) -> Any:
    def when(inner: Any) -> bool:
        _ = inner.leak
        raise LeakError

    operators = ("eq", "ne", "gt", "in", "notIn")
    rules: list[dict[str, Any]] = [
        {"when": {key: {operator: [CANARY] if "n" in operator[-2:] else CANARY}}, "then": "b", "label": text()}
        for key in ("secret", "leak", "once", CANARY)
        for operator in operators
    ]
    return decide(scope, [*rules, {"when": when, "then": "b", "label": "raises"}], {"branch": "b", "label": text()})


def leaks(scope: Any) -> None:
    """Everything a stage can say without ending."""
    scope.leak = text()
    scope.same = CANARY
    scope.nested = {"list": [1, {"x": CANARY}], CANARY: 1, f"key {CANARY}": {CANARY: [CANARY]}}
    scope.bytes = [CANARY.encode(), {CANARY}, (CANARY,), {(CANARY, 1): CANARY}]
    scope.items = [1]
    scope.items.append(text())
    scope.nested["more"] = text()
    ops(scope).update("odd", {"of": {CANARY}, text(): [text()]})
    ops(scope).update("odd", {"more": {text()}})
    ops(scope).update("patched", {"a": {"b": text()}})
    ops(scope).set("described", 1, description=text())
    ops(scope).append_all("items", [CANARY])
    scope[f"key {CANARY}"] = 1
    _ = scope[f"key {CANARY}"], f"key {CANARY}" in scope
    del scope[f"key {CANARY}"]
    held: dict[str, Any] = {}
    scope.behind = held
    held["x"] = text()
    ops(scope).emit("app.seen", {"text": text(), CANARY: 1})
    ops(scope).emit(f"app {CANARY}")
    for note in (ops(scope).debug, ops(scope).error, ops(scope).metric, ops(scope).evaluate):
        note(f"note {CANARY}", text())
    ops(scope).log([CANARY])
    ops(scope).token(text()[:9])
    ops(scope).token(text()[9:])
    scope.from_args = ops(scope).args.get("i_secret")
    scope.from_env = (ops(scope).env or {}).get("token")


def fails(scope: Any) -> None:
    leaks(scope)
    raise caused()


def stops(scope: Any) -> Any:
    ops(scope).break_flow(text())
    return {"note": text(), CANARY: [CANARY]}


def asks(scope: Any) -> Any:
    interrupt(scope, {"ask": text(), CANARY: 1})


def line(*functions: Callable[[Any], Any]) -> Any:
    builder = flow_chart("First", functions[0], "first")
    for number, function in enumerate(functions[1:], 1):
        builder.add_function(f"Then {number}", function, f"then{number}")
    return builder


def subflows(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> FlowChart:
    inner = flow_chart("Inner", leaks, "inner").add_function("Give", lambda scope: {"of": text()}, "give").build()
    item = flow_chart("Item", leaks, "item").build()
    return (
        line(first)
        .add_sub_flow_chart_next(
            "sub",
            inner,
            "Sub",
            input_mapper=lambda parent: {"given": text(), "secret": CANARY, "member": {CANARY: CANARY}},
            output_mapper=lambda sub, parent: {
                "out": sub,
                "object": {CANARY: text()},
                "secret": CANARY,
                "list": [CANARY],
            },
        )
        .add_parallel_for_each(
            "Each", "each", items=lambda scope: [CANARY, text()], branch=lambda each: item, max_branches=3, into="all"
        )
        .add_list_of_function([Child("c", "C", fails), Child("d", "D", leaks)])
        .add_function("Last", second, "last")
        .build()
    )


def branches(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> FlowChart:
    builder = line(first).add_decider_function("Decide", decides, "decide").add_function_branch("b", "B", stops).end()
    return builder.add_function("Last", second, "last").build()


def retried(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> FlowChart:
    return line(first, fails).retry(RetryPolicy(2)).add_function("Last", second, "last").build()


def pausing(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> FlowChart:
    halves = Pausable(
        lambda scope: {"ask": text(), CANARY: [CANARY]}, lambda scope, answer: setattr(scope, "answer", answer)
    )
    return line(first, asks).add_pausable_function("Ask", halves, "ask").add_function("Last", second, "last").build()


def streaming(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> FlowChart:
    return line(first).add_streaming_function("Stream", leaks, "stream", None).add_function("Last", second, "l").build()


CHARTS = {
    "in a line": lambda first, second: line(first, second, stops).build(),
    "in subflows and parallel children": subflows,
    "in branches and rules": branches,
    "in errors": retried,
    "in pauses": pausing,
    "in streams": streaming,
}


@pytest.mark.parametrize("late", [False, True], ids=["known first", "known last"])
@pytest.mark.parametrize("where", CHARTS)
@pytest.mark.parametrize("way", WAYS)
def test_a_canary_is_nowhere(way: str, where: str, late: bool) -> None:
    """Whichever way it is hidden, before it leaks or after, in whatever is recorded."""
    marked: list[str] = [way] if WAYS[way] is no_mark else []

    def mark(scope: Any) -> None:
        WAYS[way](scope)
        marked.append(way)

    chart = CHARTS[where](*((leaks, mark) if late and not marked else (mark, leaks)))
    given: dict[str, Any] = {"plain": text()}
    initial: dict[str, Any] = {"at_first": text()}
    if way == "by the input's key":
        given["i_secret"] = {"in": [CANARY]}
    elif way == "by the input's field":
        given["i_person"] = {"name": CANARY}
    elif way == "by the first state":
        initial["pan_0"] = CANARY
    executor = FlowChartExecutor(chart, initial_context=initial, traceback=True)
    executor.enable_narrative()
    executor.set_redaction_policy(POLICY)
    executor.attach_combined_recorder(Heard())
    try:
        executor.run(input=given, env={"token": CANARY})
    except LeakError:
        assert where == "in errors"  # its caller gets the error as it is
    for answer in ("first", {"answer": text()}, None):
        if marked:
            unseen(executor)
        if not executor.is_paused():
            break
        checkpoint = executor.get_checkpoint()
        assert checkpoint is not None
        executor.resume(json.loads(json.dumps(checkpoint)), answer)
    assert not executor.is_paused()
    # A branch that stops its line, and an error, leave what comes after them undone.
    assert marked or where in {"in branches and rules", "in errors"}


def unseen(executor: FlowChartExecutor) -> None:
    """Not in the document, not in what is made of it, and not in what the executor shows as redacted."""
    trace = decode_trace(executor.get_trace(context={"request": CANARY}).encoded)
    told = [
        trace.encoded,
        json.dumps(trace.snapshot, ensure_ascii=False).encode(),
        "\n".join(entry.text for entry in trace.narrative).encode(),
    ]
    again = Heard()
    replay(trace, again)
    told += [call[2] for call in again.calls]
    live = executor.get_snapshot(redact=True)
    told += [json.dumps(live, ensure_ascii=False).encode(), "\n".join(executor.get_narrative()).encode()]
    spellings = (CANARY.encode(), json.dumps(CANARY)[1:-1].encode())
    for part in told:
        for spelling in spellings:
            assert spelling not in part, part[max(0, part.index(spelling) - 120) :][:300]
