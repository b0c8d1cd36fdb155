"""What is told of a hidden value: that it was written, where, and never what; by every channel and view alike."""

from __future__ import annotations

import contextlib
import json
import math
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
    decode_trace,
    flow_chart,
    ops,
    replay,
)
from footpath.errors import BuildError
from footpath.recorders import EventsRecorder
from footpath.values import ABSENT

SEP = "\u001f"


def begin(scope: Any) -> None:
    scope.person = {"name": "Ada Lovelace", "age": 36}
    scope.card = {"number": "4929-1111-2222"}


def change(scope: Any) -> None:
    scope.person["name"] = "Grace Hopper"
    scope.card["number"] = "5555-1111-2222"
    scope.said = "Grace Hopper pays by 5555-1111-2222"


def heard_live_and_again(chart: FlowChart) -> tuple[EventsRecorder, EventsRecorder]:
    """What a recorder hears of a run, and of its trace."""
    live, again = EventsRecorder(), EventsRecorder()
    executor = FlowChartExecutor(chart)
    executor.attach_combined_recorder(live)
    executor.run()
    replay(decode_trace(executor.get_trace().encoded), again)
    return live, again


def ran(*recorders: Any) -> FlowChartExecutor:
    chart = flow_chart("Begin", begin, "begin").add_function("Change", change, "change").build()
    executor = FlowChartExecutor(chart)
    executor.set_redaction_policy(RedactionPolicy(keys=("card",), fields={"person": ("name",)}))
    for recorder in recorders:
        executor.attach_combined_recorder(recorder)
    executor.run()
    return executor


def test_a_patch_of_a_hidden_field_is_told_as_hidden() -> None:
    """Like a whole write: events say so, the log lists its path, and what it held is taken out of what is written later."""
    live, again = EventsRecorder(), EventsRecorder()
    executor = ran(live)
    trace = decode_trace(executor.get_trace().encoded)
    replay(trace, again)
    for heard in (live, again):
        writes = heard.of("on_write")
        assert [(event.key, event.operation, event.redacted) for event in writes[:4]] == [
            ("person", "set", True),
            ("card", "set", True),
            ("person", "update", True),
            ("card", "update", True),
        ]
        assert writes[2].value == {"name": "[REDACTED]"}
        assert writes[3].value == "[REDACTED]"
        assert writes[4].value == "[REDACTED] pays by [REDACTED]"
    log = executor.get_snapshot(redact=True)["commitLog"]
    assert log[0]["redactedPaths"] == [f"person{SEP}name", "card"]
    assert log[1]["redactedPaths"] == [f"person{SEP}name", "card"]
    assert log[1]["updates"] == {"person": {"name": "REDACTED"}, "card": "REDACTED"}
    assert trace.snapshot["commitLog"] == log
    assert b"Hopper" not in trace.encoded
    assert b"5555" not in trace.encoded


def test_sources_are_noted_one_by_one() -> None:
    """Who looked at the input and at the environment looked at both."""

    def look(scope: Any) -> None:
        scope.both = [ops(scope).args["a"], ops(scope).env["b"], ops(scope).args["a"]]

    executor = FlowChartExecutor(flow_chart("Look", look, "look").build())
    executor.run(input={"a": 1}, env={"b": 2})
    assert executor.get_snapshot()["commitLog"][0]["untrackedSources"] == ["args", "env"]


def test_asking_for_a_key_is_a_read_of_the_stage() -> None:
    """No event and no line: but the tree says that the stage looked, also where nothing was there."""

    def ask(scope: Any) -> bool:
        return "there" in scope or "gone" in scope

    executor = FlowChartExecutor(flow_chart("Ask", ask, "ask").build(), initial_context={"there": 1})
    executor.run()
    assert executor.get_snapshot()["executionTree"]["stageReads"] == {"there": 1}


class Told:
    """Keeps what was told live of emits, errors, retries and pauses, as JSON."""

    id = "told"

    def __init__(self) -> None:
        self.said: list[str] = []

    def hear(self, event: Any) -> None:
        self.said.append(msgspec.json.encode(event).decode())

    on_emit = on_error = on_stage_retry = on_pause = on_run_failed = on_break = on_write = hear


CARD = "4929-1111-2222"


def hides(scope: Any) -> None:
    scope.card = CARD


def says(scope: Any) -> Any:
    ops(scope).emit("auth.login", {"token": "tok-778899"})
    ops(scope).emit("app.seen", f"card {CARD}")
    ops(scope).metric("secret", 918_273_645)
    ops(scope).debug("note", [f"card {CARD}"])
    ops(scope).log(f"card {CARD}")
    scope.later = ["tok-778899", 918_273_645]
    return {"question": f"charge {CARD}?"}


def fails(scope: Any) -> None:
    raise ValueError(f"no credit on {CARD}")


def stops(scope: Any) -> None:
    ops(scope).break_flow(f"no credit on {CARD}")


@pytest.mark.parametrize("ending", ["pauses", "stops", "fails", "fails and is tried again"])
def test_a_live_recorder_hears_no_secret_that_was_known(ending: str) -> None:
    """Emits, diagnostics, errors, retries and what a stage pauses with: not the document alone is without it."""
    builder = flow_chart("Hide", hides, "hide").add_function("Say", says, "say")
    if ending == "pauses":
        builder.add_pausable_function("Ask", Pausable(says, lambda scope, answer: None), "ask")
    elif ending == "stops":
        inner = flow_chart("Stop", stops, "stop").build()
        builder.add_sub_flow_chart_next("in", inner, propagate_break=True)
    else:
        builder.add_function("Fail", fails, "fail")
        if "again" in ending:
            builder.retry(RetryPolicy(2))
    executor = FlowChartExecutor(builder.build())
    executor.set_redaction_policy(RedactionPolicy(keys=("card",), emit_patterns=("^auth", r"metric\.secret")))
    told = Told()
    executor.attach_combined_recorder(told)
    with contextlib.suppress(ValueError):
        executor.run()
    text = "\n".join(told.said)
    assert text.count("[REDACTED]") > 6
    for secret in (CARD, "tok-778899", "918273645"):
        assert secret not in text


def test_patches_that_undo_one_another_leave_in_the_journal_what_they_left_in_the_state() -> None:
    """All patches of a stage are applied together, as in the reference: what comes of it is recorded where it is not what was seen."""

    def patch(scope: Any) -> list[int]:
        ops(scope).update("o", {"l": []})
        ops(scope).update("o", {"l": [5]})
        return list(scope.o["l"])

    chart = flow_chart("Patch", patch, "patch").add_function("Look", lambda scope: list(scope.o["l"]), "look").build()
    executor = FlowChartExecutor(chart, initial_context={"o": {"l": [1]}})
    live = EventsRecorder()
    executor.attach_combined_recorder(live)
    assert executor.run() == [1, 5]
    trace = decode_trace(executor.get_trace().encoded)
    assert trace.state_at(2) == trace.snapshot["sharedState"] == {"o": {"l": [1, 5]}}
    assert executor.get_snapshot()["sharedState"] == {"o": {"l": [1, 5]}}
    again = EventsRecorder()
    replay(trace, again)
    for heard in (live, again):
        assert [event.value for event in heard.of("on_read")] == [{"l": [5]}, {"l": [1, 5]}]


def test_a_commit_shows_the_mark_for_what_became_hidden_before_it() -> None:
    """One child of a fork writes a key openly, another one hides it: by the time of the first one's commit it is hidden."""

    def openly(scope: Any) -> None:
        scope.once = "tok-778899"

    def hidden(scope: Any) -> None:
        ops(scope).set("once", "tok-112233", redact=True)

    chart = (
        flow_chart("Fork", lambda scope: None, "fork")
        .add_list_of_function([Child("a", "A", openly), Child("b", "B", hidden)])
        .build()
    )
    for heard in heard_live_and_again(chart):
        shown = [mutation.value for event in heard.of("on_commit") for mutation in event.mutations]
        assert shown == ["[REDACTED]"] * len(shown)
        assert len(shown) > 1


SHORT = {"no": "x1"}
"""Too short to be looked for in texts: only the mark in its place hides it."""

HIDDEN = ({"card": "[REDACTED]", "n": 1}, {"card": "REDACTED", "n": 1})
"""The state, by the events' mark or by the log's."""


def test_a_first_state_a_result_and_a_resumed_state_show_the_mark_under_a_hidden_key() -> None:
    """Whole, as a write of that key does; in the journal, in every view of it, and to who listens."""
    chart = (
        flow_chart("Begin", lambda scope: None, "begin")
        .add_pausable_function("Ask", Pausable(lambda scope: {"ask": 1}, lambda scope, answer: None), "ask")
        .add_function("End", lambda scope: {"card": SHORT, "ok": 1}, "end")
        .build()
    )
    traces = []
    executor = FlowChartExecutor(chart, initial_context={"card": SHORT, "n": 1})
    executor.set_redaction_policy(RedactionPolicy(keys=("card",)))
    executor.run()
    traces.append(executor.get_trace())
    assert executor.get_snapshot(redact=True)["sharedState"] in HIDDEN
    other = FlowChartExecutor(chart)
    other.set_redaction_policy(RedactionPolicy(keys=("card",)))
    ended = EventsRecorder()
    other.attach_combined_recorder(ended)
    assert other.resume(executor.get_checkpoint(), 1) == {"card": SHORT, "ok": 1}  # type: ignore[arg-type]
    traces.append(other.get_trace())
    assert [event.payload for event in ended.of("on_run_end")] == [{"card": "[REDACTED]", "ok": 1}]
    for trace in map(decode_trace, [trace.encoded for trace in traces]):
        assert trace.state_at(0) in HIDDEN
        assert trace.snapshot["sharedState"] in HIDDEN
        assert b"x1" not in trace.encoded
    assert traces[1].result == {"card": "[REDACTED]", "ok": 1}


def test_what_parallel_children_hid_stays_hidden_when_the_run_goes_on() -> None:
    """A child's key is below `runs` in the state that a phase begins with, and its fields are, too."""

    def left(scope: Any) -> None:
        scope.card, scope.person, scope.open = 7, {"age": 8}, 9

    chart = (
        flow_chart("Begin", lambda scope: None, "begin")
        .add_list_of_function([Child("left", "Left", left)])
        .add_pausable_function("Ask", Pausable(lambda scope: {"ask": 1}, lambda scope, answer: None), "ask")
        .build()
    )
    policy = RedactionPolicy(keys=("card",), fields={"person": ("age",)})
    executor, other = FlowChartExecutor(chart), FlowChartExecutor(chart)
    for each in (executor, other):
        each.set_redaction_policy(policy)
    executor.run()
    checkpoint = executor.get_checkpoint()
    assert checkpoint is not None
    assert checkpoint["sharedState"]["runs"]["left"] == {"card": 7, "person": {"age": 8}, "open": 9}
    for each in (executor, other):
        each.resume(checkpoint, 1)
        trace = decode_trace(each.get_trace().encoded)
        for state in (trace.state_at(0), trace.snapshot["sharedState"], each.get_snapshot(redact=True)["sharedState"]):
            own = state["runs"]["left"]
            assert own == {"card": own["card"], "person": {"age": own["person"]["age"]}, "open": 9}
            assert {own["card"], own["person"]["age"]} <= {"[REDACTED]", "REDACTED"}


def test_a_diagnostic_is_hidden_by_name_as_a_whole_and_by_what_it_says_alone() -> None:
    """Live and replayed; a hidden event without a payload shows the mark, too, as in the reference."""

    def begin(scope: Any) -> None:
        say = ops(scope)
        scope.pin = "x1"
        say.metric("secret", 5)
        say.metric("secret", ABSENT)
        say.log("x1")
        say.emit("my.secret")
        say.emit("bare")

    executor = FlowChartExecutor(flow_chart("Begin", begin, "begin").build())
    executor.set_redaction_policy(RedactionPolicy(keys=("pin",), emit_patterns=("secret$",)))
    live, replayed = EventsRecorder(), EventsRecorder()
    executor.attach_combined_recorder(live)
    executor.run()
    replay(decode_trace(executor.get_trace().encoded), replayed)
    said = {"value": "[REDACTED]", "level": "debug"}
    for heard in (live, replayed):
        payloads = [None if event.payload is msgspec.UNSET else event.payload for event in heard.of("on_emit")]
        assert payloads == ["[REDACTED]", "[REDACTED]", said, "[REDACTED]", None]


def test_a_key_that_was_hidden_and_deleted_may_be_seen_again() -> None:
    """What one call hid is hidden until it is deleted; what is written there afterwards is shown, in commits too."""

    def hide(scope: Any) -> None:
        ops(scope).set("once", "tok-778899", redact=True)

    def delete(scope: Any) -> None:
        del scope.once

    def show(scope: Any) -> None:
        scope.once = "open"

    chart = (
        flow_chart("Hide", hide, "hide")
        .add_function("Delete", delete, "delete")
        .add_function("Show", show, "show")
        .build()
    )
    executor = FlowChartExecutor(chart)
    live = EventsRecorder()
    executor.attach_combined_recorder(live)
    executor.run()
    assert [[mutation.value for mutation in event.mutations] for event in live.of("on_commit")][-1] == ["open"]
    assert executor.get_trace().snapshot["sharedState"] == {"once": "open"}


def test_a_hidden_value_that_json_cannot_hold_hides_no_tag() -> None:
    """What is taken out of the record is what was hidden, not the words by which the record says of what kind it was."""
    chart = (
        flow_chart("Write", lambda scope: setattr(scope, "o", {"m": [math.nan, "s3cret-text"]}), "write")
        .add_function("Tell", lambda scope: setattr(scope, "told", ["float", math.nan, "s3cret-text"]), "tell")
        .build()
    )
    executor = FlowChartExecutor(chart)
    executor.set_redaction_policy(RedactionPolicy(fields={"o": ("m",)}))
    executor.run()
    told = executor.get_trace().snapshot["sharedState"]["told"]
    assert told == ["float", {"$footpath": "float", "value": "NaN"}, "[REDACTED]"]


def test_what_a_subflow_wrote_openly_at_last_is_shown_at_its_exit() -> None:
    """In a run that hides single writes: the key was hidden first, deleted and written openly, and is no hidden key any more."""

    def inside(scope: Any) -> None:
        ops(scope).set("pin", "hidden-4711", redact=True)
        del scope["pin"]
        scope.pin = "open-0815"

    inner = flow_chart("Inside", inside, "inside").build()
    chart = flow_chart("Begin", begin, "begin").add_sub_flow_chart_next("mount", inner, "Mount").build()
    for heard in heard_live_and_again(chart):
        assert [event.output_state for event in heard.of("on_subflow_exit")] == [{"pin": "open-0815"}]


def test_members_of_what_is_hidden_still_are_named_when_it_is_patched() -> None:
    """A parallel child's deletion ends the hiding for all, and leaves the value where others have it: what a patch leaves of it stays hidden."""

    def hide(scope: Any) -> None:
        ops(scope).set("once", {"pin": 4, "of": {"name": "Ada Lovelace"}}, redact=True)

    def delete(scope: Any) -> None:
        del scope.once

    def patch(scope: Any) -> None:
        assert scope.once == {"pin": 4, "of": {"name": "Ada Lovelace"}}
        scope.once["open"] = True
        assert scope.once == {"pin": 4, "of": {"name": "Ada Lovelace"}, "open": True}

    chart = (
        flow_chart("Hide", hide, "hide")
        .add_list_of_function([Child("delete", "Delete", delete), Child("wait", "Wait", lambda scope: None)])
        .add_function("Patch", patch, "patch")
        .add_function("Patch once more", lambda scope: ops(scope).update("once", {"of": {"more": 1}}), "more")
        .add_function("Read", lambda scope: scope.once and None, "read")
        .build()
    )
    for heard in heard_live_and_again(chart):
        reads = [event.value for event in heard.of("on_read")]
        assert json.loads(msgspec.json.encode(reads)) == [
            "[REDACTED]",
            "[REDACTED]",
            {"pin": "[REDACTED]", "of": "[REDACTED]", "open": True},
            {"pin": "[REDACTED]", "of": {"more": 1}, "open": True},
        ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"keys": "card"}, r"keys are 'card': give a list of texts, such as \[.card.\]"),
        ({"keys": ["card", 3]}, r"keys are \['card', 3\]: give a list of texts"),
        ({"keys": None}, "keys are None: give a list of texts"),
        ({"fields": {"person": "ssn"}}, r"fields\['person'\] are 'ssn': give a list of texts"),
        ({"fields": ["person"]}, r"fields are \['person'\]: give \{"),
        ({"patterns": "^secret"}, r"patterns are '\^secret': give a list"),
        ({"patterns": ["("]}, r"pattern '\(' is no regular expression: missing \)"),
        ({"emit_patterns": ["["]}, r"pattern '\[' is no regular expression"),
    ],
)
def test_a_policy_that_would_hide_nothing_of_what_is_meant_is_refused(wrong: dict[str, Any], said: str) -> None:
    """A lone text is a sequence of its letters: keys of one letter would be hidden, and the card number shown."""
    with pytest.raises(BuildError, match=said):
        RedactionPolicy(**wrong)
