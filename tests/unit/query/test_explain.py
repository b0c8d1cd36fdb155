from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from footpath import FlowChartExecutor, Pausable, RedactionPolicy, RetryPolicy, Trace, decide, flow_chart, ops
from footpath.query import Explanation, TraceView, explain, format_explanation
from footpath.query._preview import columns
from footpath.trace import decode_trace, encode_trace
from tests.unit.query._asking import GOLDEN, MADE_UP, events_of, golden
from tests.unit.query._made import commit, node

WHY = sorted((GOLDEN / "why").glob("*.txt"))


def view_of(trace: Trace, *before: Trace) -> TraceView:
    """What an explanation needs of a trace and of the phases before it."""
    return TraceView(trace.snapshot, list(trace.events()), trace.input, tuple(view_of(each) for each in before))


def why(trace: Trace, key: str | None = None, **limits: int) -> str:
    return format_explanation(explain(view_of(trace), key, **limits))


# ── against the reference's runs ───────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("path", WHY, ids=lambda path: path.stem)
def test_explanations_of_recorded_runs_stay_as_they_were_read(path: Path) -> None:
    """Forks, nested mounts, loops, masks, resumes, failures: each text was read against its chart before it was kept."""
    name, _, key = path.stem.partition("@")
    recorded = golden(name)
    events = [event for phase in recorded["phases"] for event in events_of(phase["events"])]
    view = TraceView(recorded["phases"][-1]["snapshot"], events, recorded["input"] or UNSET)
    text = format_explanation(explain(view, None if key == "END" else key))
    assert text + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.json") if path.stem not in MADE_UP))
def test_every_line_of_every_explanation_fits_a_terminal(name: str) -> None:
    """120 columns, with and without events, for every key and for the end of the run."""
    for phase in golden(name)["phases"]:
        snapshot = phase["snapshot"]
        for events in ([], events_of(phase["events"])):
            for key in [None, *snapshot["sharedState"]]:
                text = format_explanation(explain(TraceView(snapshot, events), key))
                assert max(columns(line) for line in text.splitlines()) <= 120
                assert text.startswith("WHY ")


def test_an_explanation_never_shows_what_the_log_masks() -> None:
    """Not from the state, the input or the initial state; the reference keeps all three unmasked."""
    secrets = ("4111111111111111", "123456789", "0150", "0151", "t0ps3cret")
    recorded = golden("masked")
    phase = recorded["phases"][0]
    vault = {"old": [{"ssn": "123456789"}], "zip": "0150", "name": "Ada"}
    snapshot = {**phase["snapshot"], "initialState": {"vault": vault, "token": "t0ps3cret"}}
    assert "4111111111111111" in str(snapshot["sharedState"]), "else this test could not fail"
    for key in [None, *snapshot["sharedState"], "patient.ssn", "card.number", "vault", "vault.zip", "vault.old"]:
        for events in ([], events_of(phase["events"])):
            explanation = explain(TraceView(snapshot, events, recorded["input"]), key)
            shown = format_explanation(explanation) + str(msgspec.to_builtins(explanation))
            assert not any(secret in shown for secret in secrets)
    assert '"Ada"' in format_explanation(explain(TraceView(snapshot), "vault"))


# ── through the engine ─────────────────────────────────────────────────────────────────────────────────────────────
def run_of(chart: Any, data: Any = None, **options: Any) -> Trace:
    """A run's trace as it comes out of the archive."""
    executor = FlowChartExecutor(chart)
    if "redaction" in options:
        executor.set_redaction_policy(options["redaction"])
    try:
        executor.run(input={} if data is None else data)
    except RuntimeError:
        assert options["fails"]
    return decode_trace(encode_trace(executor.get_trace()))


def loan_chart() -> Any:
    def receive(scope: Any) -> None:
        form = ops(scope).args["application"]
        scope.name, scope.credit_score = form["name"], form["credit_score"]
        scope.debt, scope.income = form["debt"], form["income"]

    def ratios(scope: Any) -> None:
        scope.dti = round(scope.debt / scope.income, 2)

    def risk(scope: Any) -> None:
        scope.tier = "low" if scope.credit_score >= 740 else "medium"

    def classify(scope: Any) -> Any:
        prime = {"when": {"tier": {"eq": "low"}, "dti": {"lte": 0.43}}, "then": "approve", "label": "Prime"}
        high = {"when": {"dti": {"gt": 0.43}}, "then": "review", "label": "High DTI"}
        return decide(scope, [prime, high], "reject")

    def registry(scope: Any) -> None:
        scope.hit = scope.person.startswith("Ada")

    def address(scope: Any) -> None:
        scope.flags = ["address mismatch"] if scope.hit else []

    def review(scope: Any) -> None:
        scope.decision = f"review: {scope.pending[0]}"

    identity = flow_chart("Registry", registry, "registry").add_function("Address", address, "address").build()
    return (
        flow_chart("Receive", receive, "receive")
        .add_function("Ratios", ratios, "ratios")
        .add_function("Risk", risk, "risk")
        .add_sub_flow_chart_next(
            "identity",
            identity,
            "Identity",
            input_mapper=lambda parent: {"person": parent["name"]},
            output_mapper=lambda sub, parent: {"pending": sub["flags"]},
        )
        .add_decider_function("Classify", classify, "classify")
        .add_function_branch("approve", "Approve", lambda scope: None)
        .add_function_branch("review", "Manual Review", review)
        .add_function_branch("reject", "Reject", lambda scope: None)
        .set_default("reject")
        .end()
        .build()
    )


APPLICATION = {"application": {"name": "Ada Lovelace", "credit_score": 620, "debt": 2350, "income": 5000}}


def test_a_trace_is_no_view_and_the_error_says_how_to_make_one() -> None:
    """The first thing that one tries is told what to give."""
    given: Any = "a trace"
    with pytest.raises(TypeError, match=r"takes a TraceView\(trace.snapshot, trace.events\(\), trace.input\), not str"):
        explain(given, "approved")


def test_why_a_loan_went_to_review_fits_one_screen() -> None:
    """From the decision through every rule tried, into the subflow, down to the fields of the application."""
    text = why(run_of(loan_chart(), APPLICATION), "decision")
    assert (
        text
        == """\
WHY decision = "review: address mismatch"
[1] Manual Review (review#7) wrote decision = "review: address mismatch"
    read pending = ["address mismatch"] ← [3]
    ran because [2] Classify chose Manual Review: rule "High DTI"
[2] Classify (classify#6) chose Manual Review
    ✗ "Prime" → approve: tier eq "low" ✗ (it was "medium"), dti lte 0.43 ✗ (it was 0.47)
    ✓ "High DTI" → review: dti gt 0.43 ✓ (it was 0.47)
    read tier ← [4], dti ← [5]
[3] Identity (identity#3) gave pending = ["address mismatch"]
    from its flags [6] (equal value)
[4] Risk (risk#2) wrote tier = "medium"
    read credit_score = 620 ← [7]
[5] Ratios (ratios#1) wrote dti = 0.47
    read debt = 2350 ← [7], income = 5000 ← [7]
[6] Address (identity/address#5) wrote flags = ["address mismatch"]
    read hit = true ← [8]
[7] Receive (receive#0) wrote credit_score = 620, debt = 2350, income = 5000, name = "Ada Lovelace"
    took input.application.credit_score, input.application.debt, input.application.income, input.application.name
[8] Registry (identity/registry#4) wrote hit = true
    read person = "Ada Lovelace" ← [7] name through Identity"""
    )


def test_an_explanation_is_plain_data_with_steps_numbered_from_one() -> None:
    """Flat: steps refer to each other by number, and all of it goes through JSON and back."""
    trace = run_of(loan_chart(), APPLICATION)
    explanation = explain(view_of(trace), "decision")
    assert [step.number for step in explanation.steps] == list(range(1, 9))
    first, classify = explanation.steps[:2]
    assert first.because
    assert (first.because.step, first.because.label, first.because.rule) == (2, "High DTI", 1)
    assert classify.decision
    assert [(rule.branch, rule.matched) for rule in classify.decision.rules] == [("approve", False), ("review", True)]
    condition = classify.decision.rules[0].conditions[1]
    assert (condition.key, condition.op, condition.threshold, condition.actual) == ("dti", "lte", 0.43, "0.47")
    assert msgspec.json.decode(msgspec.json.encode(explanation), type=Explanation) == explanation


def test_the_end_of_a_run_is_explained_without_a_key() -> None:
    """Completed: its last write."""
    explanation = explain(view_of(run_of(loan_chart(), APPLICATION)))
    assert explanation.subject == "outcome"
    assert explanation.steps[0].stage_name == "Manual Review"


def test_a_failure_is_explained_by_what_the_stage_had_read() -> None:
    """With its attempts, its partial write and the decision that led there."""

    def load(scope: Any) -> None:
        scope.plan, scope.price = "gold", 30

    def charge(scope: Any) -> None:
        scope.total = scope.price * 2
        _ = scope.plan
        raise RuntimeError("card declined")

    chart = (
        flow_chart("Load", load, "load")
        .add_decider_function("Route", lambda scope: "charge", "route")
        .add_function_branch("charge", "Charge", charge, retry=RetryPolicy(attempts=2))
        .end()
        .build()
    )
    assert (
        why(run_of(chart, fails=True))
        == """\
WHY the run failed: card declined
[1] Charge (charge#2) wrote total = 60 and failed
    this was attempt 2
    failed: RuntimeError: card declined
    read price = 30 ← [3], plan = "gold" ← [3]
    ran because [2] Route chose Charge
[2] Route (route#1) chose Charge
    no rules are on record: its function returned the branch itself
[3] Load (load#0) wrote price = 30, plan = "gold\""""
    )


def test_what_a_failed_attempt_read_explains_nothing() -> None:
    """Only the attempt that counted wrote the value."""
    attempts: list[int] = []

    def seed(scope: Any) -> None:
        scope.noise, scope.price = 1, 30

    def charge(scope: Any) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            _ = scope.noise
            raise RuntimeError("busy")
        scope.total = scope.price * 2

    chart = (
        flow_chart("Seed", seed, "seed").add_function("Charge", charge, "charge").retry(RetryPolicy(attempts=2)).build()
    )
    step = explain(view_of(run_of(chart)), "total").steps[0]
    assert step.attempts == 2
    assert [source.key for source in step.sources] == ["price"]


def test_a_resumed_run_is_explained_over_both_phases() -> None:
    """The decision lies in the first phase, the answer from outside in the second."""

    def seed(scope: Any) -> None:
        scope.amount = 900

    def route(scope: Any) -> Any:
        return decide(scope, [{"when": {"amount": {"gt": 100}}, "then": "human", "label": "Large"}], "auto")

    def close(scope: Any) -> None:
        scope.closed = scope.answer

    def answer(scope: Any, given: Any) -> None:
        scope.answer = given["ok"]

    chart = (
        flow_chart("Seed", seed, "seed")
        .add_decider_function("Route", route, "route")
        .add_pausable_function_branch("human", "Human", Pausable(lambda scope: {"ask": "ok?"}, answer))
        .add_function_branch("auto", "Auto", lambda scope: None)
        .end()
        .add_function("Close", close, "close")
        .build()
    )
    executor = FlowChartExecutor(chart)
    executor.run(input={})
    asked = executor.get_trace()
    assert why(asked).startswith(
        "WHY the run paused\n[1] Human (human#2) paused\n    ran because [2] Route chose Human"
    )
    executor.resume(executor.get_checkpoint(), {"ok": "granted"})
    explanation = explain(view_of(executor.get_trace(), asked), "closed")
    close_step, human, route_step, seed_step = explanation.steps
    assert seed_step.writes[0].key == "amount"
    assert close_step.because is UNSET, "what follows the branch runs whatever was decided"
    assert human.resumed
    assert human.because
    assert human.because.label == "Large"
    assert route_step.decision
    whole = TraceView(executor.get_snapshot(), view_of(executor.get_trace()).events, earlier=(view_of(asked),))
    assert explain(whole, "closed") == explanation, "an executor's snapshot holds both phases already"


def test_parallel_children_are_seen_through_the_join() -> None:
    """Their writes lie below `runs`; each child's own reads look at its own first."""

    def seed(scope: Any) -> None:
        scope.n = 10

    def left(scope: Any) -> None:
        scope.n = scope.n + 5
        scope.l = scope.n * 2

    def right(scope: Any) -> None:
        scope.r = scope.n * 3

    def join(scope: Any) -> None:
        scope.total = scope.runs["left"]["l"] + scope.runs["right"]["r"]

    chart = (
        flow_chart("Seed", seed, "seed")
        .add_list_of_function(
            [{"id": "left", "name": "Left", "fn": left}, {"id": "right", "name": "Right", "fn": right}]
        )
        .add_function("Join", join, "join")
        .build()
    )
    trace = run_of(chart)
    assert (
        why(trace, "total")
        == """\
WHY total = 60
[1] Join (join#3) wrote total = 60
    read runs = {left: {n: 15, l: 30}, right: {r: 30}} ← [2] runs.left.n, runs.left.l; [3] runs.right.r
[2] Left (left#1) wrote runs.left.n = 15, runs.left.l = 30
    read n = 10 ← [4]
[3] Right (right#2) wrote runs.right.r = 30
    read n = 10 ← [4]
[4] Seed (seed#0) wrote n = 10"""
    )
    for key in ("runs.right.r", "runs\x1fright\x1fr", "r"):
        assert explain(view_of(trace), key).steps[0].stage_name == "Right"


def test_a_child_of_a_fork_in_a_loop_builds_on_its_own_last_pass() -> None:
    """It reads its own key before the shared one of the same name."""

    def child(scope: Any) -> None:
        scope.n = scope.n + 1

    def seed(scope: Any) -> None:
        scope.n, scope.passes = 10, 0

    def gate(scope: Any) -> None:
        scope.passes = scope.passes + 1

    def stop(scope: Any) -> None:
        if scope.passes == 2:
            ops(scope).break_flow("twice")

    chart = (
        flow_chart("Seed", seed, "seed")
        .add_function("Gate", gate, "gate")
        .add_list_of_function(
            [{"id": "left", "name": "Left", "fn": child}, {"id": "right", "name": "Right", "fn": seed}]
        )
        .add_function("Stop", stop, "stop")
        .loop_to("gate")
        .build()
    )
    steps = explain(view_of(run_of(chart)), "runs.left.n").steps
    assert [(step.stage_id, step.writes[0].key, step.writes[0].value) for step in steps] == [
        ("left", "runs\x1fleft\x1fn", 12),
        ("left", "runs\x1fleft\x1fn", 11),
        ("seed", "n", 10),
    ]


def test_parallel_subflows_are_not_fed_by_each_other() -> None:
    """What the first one gave came after the second had begun, though it was committed before."""

    def flow(name: str) -> Any:
        def work(scope: Any) -> None:
            scope.out = f"{scope.topic} {name}"

        return flow_chart("Work", work, "work").build()

    def seed(scope: Any) -> None:
        scope.topic = "rates"

    mount = {
        "input_mapper": lambda parent: {"topic": parent["topic"]},
        "output_mapper": lambda sub, parent: {"topic": sub["out"]},
    }
    chart = (
        flow_chart("Seed", seed, "seed")
        .add_sub_flow_chart("one", flow("one"), "One", **mount)
        .add_sub_flow_chart("two", flow("two"), "Two", **mount)
        .add_function("Join", lambda scope: None, "join")
        .build()
    )
    steps = explain(view_of(run_of(chart)), "topic").steps
    assert [(step.stage_name, step.writes[0].value) for step in steps] == [
        ("Two", "rates two"),
        ("two/Work", "rates two"),
        ("Seed", "rates"),
    ]


def test_a_question_about_many_parts_starts_at_the_newest() -> None:
    """And says that there are more."""
    log = [commit(at, f"c{at}#{at}", **{f"runs\x1fc{at}\x1fv": at}) for at in range(10)]
    explanation = explain(TraceView({"commitLog": log}), "runs")
    assert [step.stage_id for step in explanation.steps] == [f"c{at}" for at in range(9, 1, -1)]
    assert explanation.truncated


def test_a_key_of_the_input_is_named_and_never_quoted() -> None:
    """By its name, or by an equal value; a masked one by its name alone."""

    def take(scope: Any) -> None:
        given = ops(scope).args
        scope.card_number, scope.user = given["card"]["number"], given["id"]

    trace = run_of(
        flow_chart("Take", take, "take").build(),
        {"card": {"number": "4111222233334444"}, "id": "user-17"},
        redaction=RedactionPolicy(keys=("card_number",)),
    )
    view = TraceView(trace.snapshot, list(trace.events()), {"card": {"number": "4111222233334444"}, "id": "user-17"})
    assert "took input.id" in format_explanation(explain(view, "user"))
    masked = format_explanation(explain(view, "card_number"))
    assert "4111222233334444" not in masked
    assert "which fields is not recorded" in masked


def test_without_events_an_explanation_says_what_it_cannot_know() -> None:
    """A snapshot alone, as footprintjs writes it: reads of the whole stage, and no decisions."""
    trace = run_of(loan_chart(), APPLICATION)
    explanation = explain(TraceView(trace.snapshot), "decision")
    assert [note.code for note in explanation.notes] == ["no-events"]
    assert [step.stage_name for step in explanation.steps][:2] == ["Manual Review", "Identity"]
    assert all(step.because is UNSET and step.decision is UNSET for step in explanation.steps)


# ── corners ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("snapshot", "key", "heading"),
    [
        ({}, "x", "WHY x — no answer: nothing was executed"),
        ({}, None, "WHY the run ended as it did — no answer: nothing was executed"),
        ({"commitLog": [commit(0, "a#0")]}, None, "WHY the run ended as it did — the run wrote nothing"),
        (
            {"commitLog": [commit(0, "a#0", y=1)]},
            "x",
            "WHY x — no answer: the run never wrote it, and it was not in the initial state",
        ),
        (
            {"commitLog": [commit(0, "a#0", y=1)], "initialState": {"x": {"z": 4}}},
            "x.z",
            "WHY x.z = 4 — it was in the initial state, and the run never wrote it",
        ),
        ({"commitLog": [commit(0, "a#0", **{"a.b": 1})]}, "a.b", "WHY a.b = 1"),
        ({"commitLog": [commit(0, "a#0", a={"b": 2})]}, "a.b", "WHY a.b = 2"),
    ],
)
def test_a_question_without_much_of_an_answer_gets_a_sentence(snapshot: Any, key: str | None, heading: str) -> None:
    """What is known, and no more."""
    explanation = explain(TraceView(snapshot), key)
    assert format_explanation(explanation).splitlines()[0] == heading
    assert bool(explanation.steps) != bool(explanation.missing)


def test_limits_cut_what_lies_far_and_say_so() -> None:
    """The nearest steps stay; a link to what was cut says that it was."""
    log = [commit(at, f"s#{at}", x=at) for at in range(30)]
    tree = None
    for at in reversed(range(30)):
        tree = node(f"s#{at}", reads={"x": at - 1} if at else {}, following=tree)
    view = TraceView({"commitLog": log, "executionTree": tree})
    for limits in ({"max_steps": 3}, {"max_depth": 2}):
        explanation = explain(view, "x", **limits)
        assert [step.runtime_stage_id for step in explanation.steps] == ["s#29", "s#28", "s#27"]
        assert explanation.truncated
        assert "read x = 26 ← (not shown)" in format_explanation(explanation)
    assert not explain(view, "x", max_depth=30).truncated


def test_a_mount_whose_inside_is_missing_is_named() -> None:
    """A trimmed snapshot ends there and says so."""
    tree = node("a#0", following={**node("sf#1"), "subflowId": "sf"})
    snapshot = {"commitLog": [commit(0, "a#0", n=1), commit(1, "sf#1", out=50)], "executionTree": tree}
    explanation = explain(TraceView(snapshot), "out")
    assert explanation.steps[0].kind == "subflow"
    assert "inner-history-missing" in {note.code for note in explanation.notes}


def test_a_snapshot_that_closes_a_ring_of_mounts_ends() -> None:
    """Two subflows, each inside the other: damaged, and no reason to hang."""

    def inside(step: str, other: str) -> dict[str, Any]:
        seed = {**commit(0, "", v="shared"), "stage": "seed"}
        tree = node(step, reads={"v": "shared"})
        return {"treeContext": {"history": [seed, commit(1, step, out=1), commit(2, other)], "stageContexts": tree}}

    results = {"a#1": inside("x#3", "b#2"), "b#2": inside("y#4", "a#1")}
    explanation = explain(TraceView({"commitLog": [commit(0, "c#0", z=1)], "subflowResults": results}), "out")
    assert explanation.steps[0].runtime_stage_id == "y#4"


def test_names_and_values_cannot_write_to_the_terminal() -> None:
    """Stage names, keys, labels and messages are data."""
    evil = "x\x1b[2J\u202e\r\n"
    log = [{**commit(0, "a#0"), "stage": evil, "trace": [{"path": evil, "verb": "set"}], "overwrite": {evil: evil}}]
    context = SimpleNamespace(run_id="r", runtime_stage_id="a#0")
    error = SimpleNamespace(traversal_context=context, message=evil)
    failed = SimpleNamespace(traversal_context=context, structured_error=SimpleNamespace(message=evil))
    view = TraceView({"commitLog": log}, [("on_error", error), ("on_run_failed", failed)])
    for key in (None, evil):
        text = format_explanation(explain(view, key))
        assert not set(text) & {"\x1b", "\r", "\u202e"}
        assert "\\u001b[2J\\u202e" in text
