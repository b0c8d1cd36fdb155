"""What is told of a hidden value: that it was written, where, and never what; by every channel and view alike."""

from __future__ import annotations

from typing import Any

from footpath import FlowChartExecutor, RedactionPolicy, decode_trace, flow_chart, ops, replay
from footpath.recorders import EventsRecorder

SEP = "\u001f"


def begin(scope: Any) -> None:
    scope.person = {"name": "Ada Lovelace", "age": 36}
    scope.card = {"number": "4929-1111-2222"}


def change(scope: Any) -> None:
    scope.person["name"] = "Grace Hopper"
    scope.card["number"] = "5555-1111-2222"
    scope.said = "Grace Hopper pays by 5555-1111-2222"


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
