from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from footpath import channels as ev
from footpath.recorders import GENESIS, AuditRecorder, ChainFault, verify_chain
from tests.unit.recorders._cases import recorded_runs
from tests.unit.recorders._events_from_json import events_of, feed

if TYPE_CHECKING:
    from tests.unit.recorders._cases import RecordedRun


def trail_of(phases: list[dict[str, Any]]) -> AuditRecorder:
    recorder = AuditRecorder()
    for phase in phases:
        feed(recorder, phase)
    return recorder


# ── what is in it ──────────────────────────────────────────────────────────────────────────────────────────────────
def told(phase: dict[str, Any], hook: str, channel: str = "flow") -> list[Any]:
    return [event for where, called, event in events_of(phase) if called == hook and where == channel]


def test_every_decision_error_emit_and_pause_has_its_row(recorded_run: RecordedRun) -> None:
    """One row each, in order, with the evidence and the words of the event."""
    for phase in recorded_run.phases:
        rows = trail_of([phase]).rows()

        def of(kind: str, rows: list[Any] = rows) -> list[Any]:
            return [row for row in rows if row.kind == kind]

        assert [(r.name, r.evidence) for r in of("decision")] == [
            (e.chosen, e.evidence) for e in told(phase, "on_decision")
        ]
        assert [(r.names, r.evidence) for r in of("selection")] == [
            (e.selected, e.evidence) for e in told(phase, "on_selected")
        ]
        assert [(r.name, r.value, r.runtime_stage_id) for r in of("emit")] == [
            (e.name, e.payload, e.runtime_stage_id) for e in told(phase, "on_emit", "emit")
        ]
        assert [r.message for r in of("error")] == [e.structured_error.message for e in told(phase, "on_error")]
        assert [r.value for r in of("pause")] == [e.pause_data for e in told(phase, "on_pause")]
        assert [r.number for r in of("retry")] == [e.attempt for e in told(phase, "on_stage_retry")]
        assert [r.value for r in of("run-start")] == [e.payload for e in told(phase, "on_run_start")]
        assert [r.value for r in of("run-end")] == [e.payload for e in told(phase, "on_run_end")]
        assert len(of("run-failed")) == len(told(phase, "on_run_failed"))


def test_every_committed_mutation_has_one_row(recorded_run: RecordedRun) -> None:
    """However often a stage commits: its last commit lists all its mutations; one whose value changed has a row for each."""
    for phase in recorded_run.phases:
        commits = [event for event in told(phase, "on_commit", "scope") if event.mutations]
        rows = [row for row in trail_of([phase]).rows() if row.kind == "write"]
        for stage, event in {e.runtime_stage_id: e for e in commits}.items():
            written = {r.key: (r.operation, r.value) for r in rows if r.runtime_stage_id == stage}
            assert written == {m.key: (m.operation, m.value) for m in event.mutations}
        committed = {
            (event.runtime_stage_id, at, m.key, m.operation, repr(m.value))
            for event in commits
            for at, m in enumerate(event.mutations)
        }
        assert len(rows) == len(committed)


def test_a_failure_of_another_recorder_leaves_no_row() -> None:
    """It is no part of the run, and a replay does not repeat it."""
    recorder = AuditRecorder()
    recorder.on_error(ev.ScopeErrorEvent("S", "s", "s#0", "", 0.0, "boom", "write", "scope"))
    assert recorder.rows() == []


# ── determinism ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_same_events_give_the_same_bytes(recorded_run: RecordedRun) -> None:
    """Twice the same stream, the second time asked after every event."""
    once, again = AuditRecorder(), AuditRecorder()
    for phase in recorded_run.phases:
        feed(once, phase)
        for _channel, hook, event in events_of(phase):
            if hasattr(again, hook):
                getattr(again, hook)(event)
                again.encoded()
    assert once.encoded() == again.encoded()
    assert once.rows() == again.rows()


def test_a_new_trace_begins_a_new_trail(recorded_run: RecordedRun) -> None:
    """Nothing of the trace before is left, the chain included."""
    recorder = trail_of(recorded_run.phases)
    recorder.clear()
    feed(recorder, recorded_run.phases[0])
    assert recorder.encoded() == trail_of(recorded_run.phases[:1]).encoded()


# ── the chain ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_intact_trail_verifies_in_every_form(recorded_run: RecordedRun) -> None:
    """As bytes, as rows, and as JSON objects that went through another program's JSON reader."""
    recorder = trail_of(recorded_run.phases)
    assert verify_chain(recorder.encoded()) is None
    assert verify_chain(Raw(recorder.encoded())) is None
    assert verify_chain(recorder.rows()) is None
    assert verify_chain(json.loads(recorder.encoded())) is None


def test_rows_and_bytes_say_the_same() -> None:
    """`rows` is what `encoded` holds, and the first row is chained to the genesis hash."""
    recorder = trail_of(long_trail())
    assert json.loads(msgspec.json.encode(recorder.rows())) == json.loads(recorder.encoded())
    first = json.loads(recorder.encoded())[0]
    assert len(first["hash"]) == len(GENESIS)


def long_trail() -> list[dict[str, Any]]:
    return next(run.phases for run in recorded_runs() if run.name.startswith("subflow-mappings"))


INTACT: bytes = trail_of(long_trail()).encoded()
ROWS: list[dict[str, Any]] = json.loads(INTACT)
ANY_ROW = st.integers(0, len(ROWS) - 1)
JSON_VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()) | st.just({"a": 1})


def test_the_trail_under_attack_is_long_enough() -> None:
    """Guards the tests below: several kinds of row, decisions or subflows among them."""
    assert len(ROWS) >= 8
    assert len({row["kind"] for row in ROWS}) >= 4


@given(ANY_ROW, st.data())
def test_a_member_changed_in_any_row_is_found_there(index: int, data: st.DataObject) -> None:
    """Whatever the member, its hash and its number included."""
    row = dict(ROWS[index])
    member = data.draw(st.sampled_from(sorted(row)))
    row[member] = data.draw(
        JSON_VALUES.filter(lambda value: value != row[member] or type(value) is not type(row[member]))
    )
    fault = verify_chain([*ROWS[:index], row, *ROWS[index + 1 :]])
    assert isinstance(fault, ChainFault)
    assert fault.index == index


@given(ANY_ROW, st.data())
def test_a_member_added_or_dropped_is_found_there(index: int, data: st.DataObject) -> None:
    """A row is what it was, no more and no less."""
    row = dict(ROWS[index])
    if data.draw(st.booleans()):
        row[data.draw(st.text().filter(lambda name: name not in row))] = data.draw(JSON_VALUES)
    else:
        del row[data.draw(st.sampled_from(sorted(row)))]
    fault = verify_chain([*ROWS[:index], row, *ROWS[index + 1 :]])
    assert isinstance(fault, ChainFault)
    assert fault.index == index


@given(st.integers(0, len(ROWS) - 2))
def test_a_row_left_out_is_found_at_its_place(index: int) -> None:
    """Any row but the last: what a chain can't see at its end, the archive's digests do."""
    fault = verify_chain([*ROWS[:index], *ROWS[index + 1 :]])
    assert isinstance(fault, ChainFault)
    assert fault.index == index


@given(st.sets(ANY_ROW, min_size=2, max_size=2))
def test_two_rows_swapped_are_found_at_the_first(pair: set[int]) -> None:
    """Order is part of the trail."""
    first, second = sorted(pair)
    rows = list(ROWS)
    rows[first], rows[second] = rows[second], rows[first]
    fault = verify_chain(rows)
    assert isinstance(fault, ChainFault)
    assert fault.index == first


@given(ANY_ROW, ANY_ROW)
def test_a_row_said_twice_is_found(index: int, place: int) -> None:
    """A copy of a row fits nowhere."""
    rows = [*ROWS[:place], ROWS[index], *ROWS[place:]]
    fault = verify_chain(rows)
    assert isinstance(fault, ChainFault)
    assert fault.index in {place, place + 1}


@given(st.integers(0, len(INTACT) - 1), st.integers(1, 255))
def test_any_flipped_byte_of_the_archived_trail_is_found(position: int, mask: int) -> None:
    """At its row, or at the start when the array is no JSON any more."""
    flipped = bytearray(INTACT)
    flipped[position] ^= mask
    row = INTACT[:position].count(b'"hash":"')
    fault = verify_chain(bytes(flipped))
    assert isinstance(fault, ChainFault)
    assert fault.index <= row


@pytest.mark.parametrize(
    "rows", [b"", b"{}", b"[1]", b'[{"seq":0}]', b"[[]]", b"\xff", b'["x"]', b"null", b"[" * 100_000, b'[{"hash":"0"}]']
)
def test_what_is_no_trail_is_a_fault_and_no_crash(rows: bytes) -> None:
    """Hostile bytes get an answer."""
    assert verify_chain(rows) is not None
