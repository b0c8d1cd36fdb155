from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from footpath import (
    DynamicSubflow,
    FlowChart,
    FlowChartExecutor,
    Pausable,
    RedactionPolicy,
    StageNode,
    Trace,
    decide,
    decode_trace,
    encode_trace,
    flow_chart,
    interrupt,
    ops,
)
from footpath.errors import RunError
from footpath.journal import entries
from footpath.trace import _seal, sealed
from footpath.values import Secrets, plain

SECRET = "4929-1234-5678"


def run(*stages: Callable[[Any], Any], policy: RedactionPolicy | None = None, input: Any = None) -> Trace:
    """The trace of a line of stages, read back from its bytes."""
    names = [f"s{number}" for number in range(len(stages))]
    builder = flow_chart("First stage", stages[0], names[0])
    for name, stage in zip(names[1:], stages[1:], strict=True):
        builder.add_function(f"Stage {name}", stage, name)
    return traced(builder.build(), policy, input)


def traced(chart: FlowChart, policy: RedactionPolicy | None = None, input: Any = None) -> Trace:
    executor = FlowChartExecutor(chart)
    executor.enable_narrative()
    if policy is not None:
        executor.set_redaction_policy(policy)
    with contextlib.suppress(LookupError, ValueError):
        executor.run(input=input)
    return decode_trace(encode_trace(executor.get_trace()))


def hides(trace: Trace, secret: str = SECRET) -> bool:
    """Whether a secret stands nowhere: not in the bytes, and in no view made of them."""
    views = json.dumps([trace.snapshot, [entry.as_json() for entry in trace.narrative]], ensure_ascii=False)
    return secret.encode() not in trace.encoded and secret not in views


CARD = RedactionPolicy(keys=("card",))


def mark(scope: Any) -> None:
    scope.card = SECRET


# ── what is learned late ─────────────────────────────────────────────────────────────────────────────────────────────
LEAKS: dict[str, Callable[[Any], Any]] = {
    "a text": lambda scope: scope.__setitem__("note", f"card {SECRET}!"),
    "the value itself": lambda scope: scope.__setitem__("copy", SECRET),
    "inside a container": lambda scope: scope.__setitem__("deep", {"list": [{"x": SECRET, SECRET: 1}]}),
    "the name of a key": lambda scope: scope.__setitem__(f"user {SECRET}", 1),
    "an asked name": lambda scope: (f"user {SECRET}" in scope) and None,
    "an event": lambda scope: ops(scope).emit(f"seen.{SECRET}", [SECRET]),
    "a diagnostic": lambda scope: ops(scope).metric(SECRET, {"of": SECRET}),
    "a remark": lambda scope: ops(scope).set("a", 1, description=f"of {SECRET}"),
    "an update": lambda scope: ops(scope).update("o", {"a": {"b": [SECRET]}}),
    "a set and bytes": lambda scope: scope.__setitem__("odd", [{SECRET}, SECRET.encode(), (SECRET,)]),
    "evidence": lambda scope: (
        decide(scope, [{"when": {f"k {SECRET}": {"eq": SECRET}}, "then": SECRET, "label": SECRET}], SECRET) and None
    ),
    "a deletion": lambda scope: scope.__delitem__(f"gone {SECRET}"),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_what_was_recorded_before_it_was_secret_is_sealed(leak: str) -> None:
    """A secret told first and marked afterwards stands nowhere in the trace."""
    trace = run(LEAKS[leak], mark, policy=CARD)
    assert hides(trace)
    assert b"[REDACTED]" in trace.encoded


def test_input_result_error_and_context_are_sealed() -> None:
    """The header is no exception."""

    def fails(scope: Any) -> None:
        mark(scope)
        error = LookupError(f"no bank for {SECRET}")
        error.code = f"c-{SECRET}"  # type: ignore[attr-defined]
        raise error

    trace = run(fails, policy=CARD, input={"free text": f"about {SECRET}", SECRET: 1})
    assert hides(trace)
    assert trace.error == {"type": "LookupError", "message": "no bank for [REDACTED]", "stageId": "s0"}
    assert trace.input == {"free text": "about [REDACTED]", "[REDACTED]": 1}
    chart = flow_chart("Only", lambda scope: (mark(scope), {"of": SECRET})[1], "only").build()
    executor = FlowChartExecutor(chart)
    executor.set_redaction_policy(CARD)
    executor.run()
    sealed_trace = executor.get_trace(context={"tenant": f"t {SECRET}"})
    assert hides(sealed_trace)
    assert sealed_trace.result == {"of": "[REDACTED]"}
    assert sealed_trace.context == {"tenant": "t [REDACTED]"}


def test_a_partial_trace_is_sealed_as_well() -> None:
    """It leaves, too."""
    seen: list[bytes] = []

    def look(scope: Any) -> None:
        scope.note = f"card {SECRET}"
        mark(scope)
        seen.append(executor.get_trace().encoded)

    executor = FlowChartExecutor(flow_chart("Look", look, "look").build())
    executor.set_redaction_policy(CARD)
    executor.run()
    assert SECRET.encode() not in seen[0]
    assert json.loads(seen[0])["revision"] == 0


def test_a_run_that_hid_nothing_is_not_touched() -> None:
    """Sealing costs nothing where there is nothing to seal."""
    executor = FlowChartExecutor(flow_chart("Only", lambda scope: None, "only").build())
    executor.run()
    document = executor.get_trace().document
    assert sealed(document, Secrets()) is document


# ── how values become secret ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_change_behind_the_scopes_back_is_secret_too() -> None:
    """What came into a hidden container unseen is learned at commit."""

    def behind(scope: Any) -> None:
        held = {"a": 1}
        scope.card = held
        held["number"] = SECRET

    assert hides(run(lambda scope: scope.__setitem__("note", SECRET), behind, policy=CARD))


def test_hidden_fields_of_an_object_with_a_class_are_hidden() -> None:
    """A dataclass is recorded in a tagged form; its fields are fields all the same."""

    @dataclasses.dataclass
    class Person:
        name: str
        ssn: str

    policy = RedactionPolicy(fields={"person": ("ssn",)})
    trace = run(lambda scope: scope.__setitem__("person", Person("Ada", SECRET)), policy=policy)
    assert hides(trace)
    assert b"Ada" in trace.encoded


def test_tokens_that_make_a_secret_together_are_hidden_together() -> None:
    """No single token shows it; the stream does."""

    def talk(scope: Any) -> None:
        for part in ("it is ", SECRET[:7], SECRET[7:], "."):
            ops(scope).token(part)
        mark(scope)

    chart = flow_chart("Start", lambda scope: None, "start").add_streaming_function("Talk", talk, "talk").build()
    trace = traced(chart, CARD)
    tokens = [entry[2:] for entry in trace.document.journal if entry[0] == entries.TOKEN and len(entry) > 2]
    assert tokens == [["[REDACTED]"]] * 4 + [["it is [REDACTED].", 1]]


def test_tokens_of_a_stream_that_never_ended_are_hidden_together_too() -> None:
    """A plain stage's tokens, or those of a run that broke off: nothing ends their stream."""

    def says(scope: Any) -> None:
        for part in ("it is ", "4929-", "1111", "-77", " indeed"):
            ops(scope).token(part)
        scope.card = "4929-1111-77"

    executor = FlowChartExecutor(flow_chart("Say", says, "say").build())
    executor.set_redaction_policy(RedactionPolicy(keys=("card",)))
    executor.run()
    tokens = [entry[2] for entry in executor.get_trace().document.journal if entry[0] == entries.TOKEN]
    assert tokens == ["[REDACTED]"] * 5


def test_what_a_call_hid_stays_hidden_in_a_phase_that_goes_on_elsewhere() -> None:
    """The checkpoint says which keys; the fresh executor learns their values again."""
    chart = (
        flow_chart("Hide", lambda scope: ops(scope).set("once", SECRET, redact=True), "hide")
        .add_pausable_function("Ask", Pausable(lambda scope: "?", lambda scope, answer: None), "ask")
        .add_function("Leak", lambda scope: scope.__setitem__("note", f"it was {scope.once}"), "leak")
        .build()
    )
    first = FlowChartExecutor(chart)
    first.run()
    checkpoint = json.loads(json.dumps(first.get_checkpoint()))
    assert checkpoint["redactedKeys"] == ["once"]
    second = FlowChartExecutor(chart)
    second.resume(checkpoint, None)
    trace = decode_trace(encode_trace(second.get_trace()))
    assert hides(trace)
    assert trace.final_state() == {"once": "[REDACTED]", "note": "it was [REDACTED]"}


def test_what_an_event_or_a_gone_value_hid_stays_hidden_in_a_phase_that_goes_on_elsewhere() -> None:
    """The checkpoint says where in its states hidden texts stand: in texts, names, numbers and bytes; and has none that they do not have."""
    policy = RedactionPolicy(keys=("card", "pin"), emit_patterns=("^auth",))
    token, elsewhere = "token-ÿ-4711", "nowhere in the state"

    def hide(scope: Any) -> None:
        ops(scope).emit("auth.login", {"token": token, "code": 918_273, "other": elsewhere})
        scope.card, scope.pin = SECRET, "7"
        scope.note = f"seen {token}, then {SECRET}"
        scope.codes = [{"code": 918_273}, f"pin {token}".encode()]
        scope[f"by {token}"] = ["7"]
        scope["$footpath"] = "bytes"  # keys that only look like a form
        scope.value = f"not in base64: {token}"
        del scope.card
        scope.pin = "another"

    def inner(scope: Any) -> None:
        ops(scope).emit("auth.sub", "inner-secret")
        scope.kept = "the inner-secret"

    def leak(scope: Any, answer: Any) -> None:
        scope.again = [scope.kept, "inner-secret", token, SECRET, "7", "918273"]

    sub = flow_chart("In", inner, "in").add_pausable_function("Ask", Pausable(lambda scope: "?", leak), "ask").build()
    chart = flow_chart("Hide", hide, "hide").add_sub_flow_chart_next("sub", sub, "Sub").build()
    first = FlowChartExecutor(chart)
    first.set_redaction_policy(policy)
    first.run()
    checkpoint = json.loads(json.dumps(first.get_checkpoint()))
    assert {"at": ["sharedState", "note"], "from": 24, "to": 38} in checkpoint["redactedTexts"]
    assert elsewhere not in json.dumps(checkpoint)
    checkpoint["redactedTexts"].append({"at": ["sharedState", "nothing there"], "from": 0, "to": 9})
    second = FlowChartExecutor(chart)
    second.set_redaction_policy(policy)
    second.enable_narrative()
    second.resume(checkpoint, None)
    trace = decode_trace(encode_trace(second.get_trace()))
    told = bytes(trace.encoded).decode() + json.dumps(second.get_snapshot(redact=True)["sharedState"])
    assert [text for text in (token, SECRET, "inner-secret", "918273") if text in told] == []
    state = trace.snapshot["sharedState"]
    assert state["note"] == "seen [REDACTED], then [REDACTED]"
    assert plain(state["codes"]) == [{"code": "[REDACTED]"}, "[REDACTED]"]
    assert state["value"] == "not in base64: [REDACTED]"
    assert plain(state["by [REDACTED]"]) == ["[REDACTED]"]


@pytest.mark.parametrize("places", [7, [7], [{"at": "note", "from": 0, "to": 1}], [{"at": ["sharedState"], "from": 0}]])
def test_places_of_hidden_texts_that_are_none_are_refused(places: Any) -> None:
    """By name and value."""
    chart = flow_chart("Ask", lambda scope: interrupt(scope, "?"), "ask").build()
    first = FlowChartExecutor(chart)
    first.run()
    checkpoint = {**(first.get_checkpoint() or {}), "redactedTexts": places}
    with pytest.raises(RunError, match=r"redactedTexts is .* not a list of places"):
        FlowChartExecutor(chart).resume(checkpoint, None)


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_keys_that_would_read_the_same_stay_two_keys() -> None:
    """State at each step is still the fold of the commits, so a replay must tell them apart."""

    def stage(scope: Any) -> None:
        scope[f"user {SECRET}"] = 1
        scope["user 5555-6666-7777"] = 2
        scope["user [REDACTED]"] = 3
        scope.card = [SECRET, "5555-6666-7777"]

    trace = run(stage, lambda scope: scope[f"user {SECRET}"], policy=CARD)
    state = {"user [REDACTED]": 1, "user [REDACTED] (2)": 2, "user [REDACTED] (3)": 3, "card": "[REDACTED]"}
    assert trace.final_state() == state
    assert trace.state_at(2) == state | {"card": "REDACTED"}
    assert [event.key for hook, event in trace.events() if hook == "on_read"] == ["user [REDACTED]"]


def test_names_that_the_chart_tells_anyway_stay() -> None:
    """A secret that is a word of the chart does not tear the chart apart; as a value it is hidden."""

    def stage(scope: Any) -> None:
        scope.card = "approve"
        scope.decision = "approve"

    chart = (
        flow_chart("Start", stage, "start")
        .add_decider_function("Choose", lambda scope: "approve", "choose")
        .add_function_branch("approve", "approve", lambda scope: None)
        .end()
        .build()
    )
    trace = traced(chart, CARD)
    assert trace.final_state()["decision"] == "[REDACTED]"
    assert [event.chosen for hook, event in trace.events() if hook == "on_decision"] == ["approve"]
    assert trace.snapshot["executionTree"]["next"]["children"][0]["id"] == "approve"


def test_names_that_a_stage_made_up_are_sealed() -> None:
    """Charts and stages returned at run time are named by the run, not by the chart."""
    extra = flow_chart(f"Extra {SECRET}", mark, f"extra-{SECRET}", description=SECRET).build()
    child = DynamicSubflow(f"d-{SECRET}", f"D {SECRET}", extra)
    hop = StageNode("hop", "Hop", next=StageNode(f"to-{SECRET}", f"To {SECRET}", mark))
    chart = (
        flow_chart("Start", lambda scope: StageNode("n", "n", children=[child]), "start")
        .add_function("Hop", lambda scope: hop, "hop")
        .build()
    )
    trace = traced(chart, CARD)
    assert hides(trace)
    assert list(trace.events())


def test_a_short_secret_is_hidden_as_a_value_only() -> None:
    """Inside of other texts, and as a name, it may well be there for another reason."""

    def stage(scope: Any) -> None:
        scope.card = "abc"
        scope.abc = ["abc", "abcde", {"abc": "abc"}]

    assert run(stage, policy=CARD).snapshot["sharedState"] == {
        "card": "REDACTED",
        "abc": ["[REDACTED]", "abcde", {"abc": "[REDACTED]"}],
    }


def test_the_engines_own_words_are_left_alone() -> None:
    """A secret like "filter" must not turn evidence into something that nobody can read."""

    def stage(scope: Any) -> Any:
        scope.card = ["filter", "conditions", "matched"]
        scope.a = 1
        return decide(scope, [{"when": {"a": {"gt": 0}}, "then": "go", "label": "matched"}], "go")

    chart = (
        flow_chart("Start", lambda scope: None, "start")
        .add_decider_function("Choose", stage, "choose")
        .add_function_branch("go", "Go", lambda scope: None)
        .end()
        .build()
    )
    trace = traced(chart, CARD)
    (evidence,) = [event.evidence for hook, event in trace.events() if hook == "on_decision"]
    (rule,) = evidence["rules"]
    assert (rule["type"], rule["matched"], rule["label"]) == ("filter", True, "[REDACTED]")
    assert '[Condition]: It evaluated Rule 0 "[REDACTED]": a 1 gt 0 ✓, and chose Go.' in [
        e.text for e in trace.narrative
    ]


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_every_kind_of_entry_is_thought_of() -> None:
    """A new kind of entry must say what of it may show a value."""
    flags = {"REDACTED", "ABSENT_VALUE", "FIELDS", "RESULT"}
    kinds = {
        value
        for name, value in vars(entries).items()
        if name.isupper() and isinstance(value, int) and not name.startswith("LINK_") and name not in flags
    }
    assert kinds == set(_seal.SHAPES) | _seal.NUMBERS_ONLY | {entries.TOKEN}
    assert not set(_seal.SHAPES) & _seal.NUMBERS_ONLY


def test_sealing_a_decoded_document_is_the_same_as_sealing_a_live_one() -> None:
    """Containers may stand decoded in a journal; what comes out is the same."""

    def stage(scope: Any) -> None:
        scope.a = {"x": [SECRET]}
        scope.a["x"].append(f"{SECRET} again")
        ops(scope).emit("e", {"of": SECRET})

    executor = FlowChartExecutor(flow_chart("Only", stage, "only").build())
    executor.run(input={"i": [SECRET]})
    trace = executor.get_trace()
    secrets = Secrets()
    secrets.add(SECRET)
    live = Trace(sealed(trace.document, secrets))
    decoded = Trace(sealed(decode_trace(trace.encoded).document, secrets))
    assert msgspec.json.decode(live.encoded) == msgspec.json.decode(decoded.encoded)
    assert hides(decoded)


def test_what_several_patches_come_to_is_sealed_like_each_of_them() -> None:
    """Where JSON can't follow them, an entry holds all patches of the stage as one: a secret that was not known yet among them."""

    def patch(scope: Any) -> None:
        ops(scope).update("seen", {"by": {SECRET}, "as": f"card {SECRET}"})
        ops(scope).update("seen", {"on": {1}, "at": [SECRET]})

    trace = run(patch, lambda scope: setattr(scope, "card", SECRET), policy=CARD)
    assert any(entry[0] == entries.UPDATE and len(entry) > 6 for entry in trace.document.journal)
    assert hides(trace)
