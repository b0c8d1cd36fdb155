from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from footpath import FlowChartExecutor, StageNode, Trace, decode_trace, encode_trace, flow_chart, ops, replay
from footpath.errors import ReplayError, ReplayTooLargeError, TraceDecodeError, UnknownVersionError
from footpath.trace import iso_of_us, us_of_iso
from footpath.values import revive


def executor_of(*stages: Any, **options: Any) -> FlowChartExecutor:
    builder = flow_chart("Stage 0", stages[0], "s0")
    for number, stage in enumerate(stages[1:], 1):
        builder.add_function(f"Stage {number}", stage, f"s{number}")
    return FlowChartExecutor(builder.build(), **options)


def ran(*stages: Any, **options: Any) -> Trace:
    executor = executor_of(*stages, **options)
    executor.run()
    return executor.get_trace()


def write(scope: Any) -> dict[str, Any]:
    scope.a = 1
    scope.box = {"items": [1, 2]}
    return {"said": [1]}


class Listener:
    """Hears commits, and counts them."""

    id = "listener"

    def __init__(self) -> None:
        self.count = 0

    def on_commit(self, event: Any) -> None:
        self.count += 1


# ── final state ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_final_state_is_in_recorded_form() -> None:
    """Scalars as they are, containers encoded; deleted keys are gone."""

    def drop(scope: Any) -> None:
        del scope.a
        scope.box["items"].append(3)

    state = ran(write, drop).final_state()
    assert list(state) == ["box"]
    assert type(state["box"]) is Raw
    assert bytes(state["box"]) == b'{"items":[1,2,3]}'


def test_the_final_state_is_kept_from_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has told the events once does not follow the journal again."""
    trace = decode_trace(encode_trace(ran(write)))
    replay(trace, Listener())
    monkeypatch.setattr(type(trace), "make_cursor", None)
    state = trace.final_state()
    assert state["a"] == 1
    state["a"] = 2
    assert trace.final_state()["a"] == 1


def test_a_malformed_journal_leaves_no_final_state() -> None:
    """Half a state would pass for the whole one."""
    document = json.loads(ran(write).encoded)
    document["journal"].append([7, 99])
    trace = decode_trace(json.dumps(document).encode())
    for _ in range(2):
        with pytest.raises(ReplayError, match=r"frame 99|out of range"):
            trace.final_state()


# ── what is read ─────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "sleeping"}, "status 'sleeping' is none of completed, failed, paused, deadline"),
        ({"startedAt": "yesterday"}, "startedAt 'yesterday' is no ISO 8601 time"),
        ({"version": 0}, "versions count from 1"),
        ({"version": "1"}, "Expected `int`"),
        ({"format": "other"}, "its `format` is 'other'"),
        ({"journal": {}}, "Expected `array`"),
        ({"chart": 3}, "malformed"),
        ({"options": {"writeTracking": 17}}, "option writeTracking is 17, not full or summary or off"),
        ({"options": {"commitValues": ["full"]}}, "option commitValues"),
        ({"options": {"narrative": [1]}}, "option narrative is"),
        ({"options": {"narrative": {"include_values": "yes"}}}, "not true or false"),
        ({"options": {"narrative": {"max_value_length": 10**9}}}, "whole number up to 10000"),
        ({"options": {"narrative": {"max_value_length": -1}}}, "whole number up to 10000"),
    ],
)
def test_a_wrong_header_is_refused_with_what_is_wrong(change: dict[str, Any], says: str) -> None:
    """The message names the member, its value and what it may be."""
    document = json.loads(ran(write).encoded) | change
    with pytest.raises(TraceDecodeError, match=says):
        decode_trace(json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"format":"footpath.trace"}', b"z1:abc"])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    """Whatever comes on a queue."""
    with pytest.raises(TraceDecodeError):
        decode_trace(data)


def test_a_newer_version_keeps_its_number() -> None:
    """It may be of any shape but for its format and version."""
    with pytest.raises(UnknownVersionError) as caught:
        decode_trace(b'{"format":"footpath.trace","version":7,"all":"new"}')
    assert caught.value.version == 7


def test_the_bytes_of_a_decoded_trace_are_those_it_was_read_from() -> None:
    """Its hash is part of its identity, so nothing is encoded anew."""
    data = json.dumps(json.loads(ran(write).encoded), indent=1).encode()
    trace = decode_trace(data)
    assert encode_trace(trace) == data
    assert trace.sha256 != ran(write).sha256


def test_what_a_reader_changes_changes_nothing() -> None:
    """Input, result and state are the reader's own."""
    executor = executor_of(write)
    executor.run(input={"deep": [1]})
    for trace in (executor.get_trace(), decode_trace(executor.get_trace().encoded)):
        before = trace.encoded
        trace.result["said"].append("changed")
        trace.input["deep"].append("changed")
        trace.final_state()["a"] = "changed"
        assert trace.result == {"said": [1]}
        assert trace.input == {"deep": [1]}
        assert trace.encoded == before
        assert [event.payload for hook, event in trace.events() if hook == "on_run_start"] == [{"deep": [1]}]


def test_times_go_there_and_back() -> None:
    """To the microsecond."""
    for us in (0, 1, 1_764_000_000_123_456):
        assert us_of_iso(iso_of_us(us)) == us
    assert iso_of_us(1_764_000_000_000_000) == "2025-11-24T16:00:00.000000Z"
    assert us_of_iso("2025-11-24T17:00:00+01:00") == 1_764_000_000_000_000


# ── names that JSON cannot hold ──────────────────────────────────────────────────────────────────────────────────────
def test_names_with_half_a_character_do_not_lose_the_trace() -> None:
    """The half is spelled out, behind a mark that keeps it apart from what only reads so; live and read back alike."""

    def stage(scope: Any) -> StageNode:
        scope["half \ud800"] = 1
        scope["half \\ud800"] = 2
        scope["half \ufffd\\ud800"] = 3
        ops(scope).emit("event \udfff", 2)
        return StageNode("n", "n", next=StageNode("to \ud800", "To", lambda scope: None))

    trace = ran(stage)
    read = decode_trace(encode_trace(trace))
    assert read.final_state() == {"half \ufffd\\ud800": 1, "half \\ud800": 2, "half \ufffd\ufffd\\ud800": 3}
    assert [event.name for hook, event in read.events() if hook == "on_emit"] == ["event \ufffd\\udfff"]
    assert read.snapshot == trace.snapshot
    assert read.events() == trace.events()


def test_a_context_that_is_no_json_is_recorded_like_a_value() -> None:
    """Who sees a trace off must not be able to lose it."""
    executor = executor_of(write)
    executor.run()
    held = {"when": {1, 2}, "nested": [b"x"]}
    trace = executor.get_trace(context=held)
    held["nested"].append("changed")
    assert decode_trace(encode_trace(trace)).context == {
        "when": {"$footpath": "set", "value": [1, 2]},
        "nested": [{"$footpath": "bytes", "value": "eA=="}],
    }


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_run_that_unfolds_to_much_is_replayed_when_that_is_allowed() -> None:
    """The journal holds each item once; what is told holds the whole list each time."""

    def grow(scope: Any) -> None:
        scope.items = ["x" * 1000]
        for number in range(500):
            scope.items.append(f"{number}")

    trace = ran(grow)
    trace.max_unfolded_bytes = 100_000
    with pytest.raises(ReplayTooLargeError):
        trace.events()
    trace.max_unfolded_bytes = 10_000_000
    writes = [event for hook, event in trace.events() if hook == "on_write"]
    assert len(writes) == 501
    assert writes[-1].value[-1] == "499"


def test_options_of_a_later_version_are_passed_over() -> None:
    """They cannot have mattered to a reader that does not know them."""
    document = json.loads(ran(write).encoded)
    document["options"] = {"narrative": {"include_values": False, "voice": "loud"}, "newDial": {}}
    trace = decode_trace(json.dumps(document).encode())
    assert trace.narrative_options == {"include_values": False}
    assert [entry.text for entry in trace.narrative][1] == "Step 1: Write a"


def test_a_trace_says_what_it_is() -> None:
    """In a debugger, one line."""
    assert "of s0: completed," in repr(ran(write))
    assert msgspec.json.decode(ran(write).encoded)["format"] == "footpath.trace"


def test_a_list_whose_new_items_hold_one_another_is_written_whole() -> None:
    """Such parts are recorded in a tagged form, which can't be joined with an array; the views of the trace are whole."""

    def knot(scope: Any) -> None:
        scope.items = [1]
        one: list[Any] = []
        one.append(one)
        scope.items.append(one)
        scope.items.append(2)

    trace = ran(knot)
    assert revive(trace.final_state()["items"])[::2] == [1, 2]
    assert trace.snapshot["sharedState"]["items"]["$footpath"] == "graph"
    assert trace.narrative[-1].value["$footpath"] == "graph"
