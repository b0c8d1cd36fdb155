from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from footpath import channels as ev
from footpath.recorders import ArchiveRecorder, AuditRecorder, NarrativeRecorder, TraceViews, verify_chain
from tests.unit.recorders._cases import StandInTrace, recorded_runs
from tests.unit.recorders._events_from_json import feed

if TYPE_CHECKING:
    from tests.unit.recorders._cases import RecordedRun

STATE = Raw(b'{"tier":"low"}')


def rendered(recorder: ArchiveRecorder, phase: dict[str, Any], state: Any = STATE) -> TraceViews:
    told = NarrativeRecorder()
    feed(told, phase)
    trace = StandInTrace(state=state, lines=told.lines())
    recorder.begin_trace(trace)
    assert recorder.views is None
    feed(recorder, phase)
    recorder.end_trace(trace)
    assert recorder.views is not None
    return recorder.views


def test_views_are_what_the_other_recorders_say(recorded_run: RecordedRun) -> None:
    """The same narrative lines, the same audit bytes, trace after trace with one recorder."""
    recorder = ArchiveRecorder()
    for phase in recorded_run.phases:
        views = rendered(recorder, phase)
        narrative, audit = NarrativeRecorder(), AuditRecorder()
        feed(narrative, phase)
        feed(audit, phase)
        assert views == TraceViews(narrative=narrative.lines(), state=STATE, audit=Raw(audit.encoded()))


def test_the_archived_trail_verifies() -> None:
    """The chain is over the bytes that are archived."""
    [phase, *_] = next(run.phases for run in recorded_runs() if run.name.startswith("for-each-items"))
    views = rendered(ArchiveRecorder(), phase)
    assert views.audit is not None
    assert len(json.loads(bytes(views.audit))) > 5
    assert verify_chain(views.audit) is None


def test_a_scalar_state_is_encoded() -> None:
    """A state in recorded form may be a bare scalar."""
    [phase, *_] = recorded_runs()[0].phases
    assert rendered(ArchiveRecorder(), phase, state=None).state == Raw(b"null")


def test_views_that_cannot_be_rendered_are_omitted_as_a_whole() -> None:
    """The reason names the error's type and quotes nothing: its message may hold a value."""
    recorder = ArchiveRecorder()
    [phase, *_] = recorded_runs()[0].phases
    assert rendered(recorder, phase, ValueError("ssn 123-45-6789")) == TraceViews(
        omitted="rendering failed: ValueError"
    )
    assert rendered(recorder, phase).omitted is None


def test_an_event_nobody_can_render_costs_the_views_and_not_the_replay() -> None:
    """Hooks never raise; what is wrong with an event shows when it is rendered."""
    recorder = ArchiveRecorder()
    trace = StandInTrace(state=STATE)
    recorder.begin_trace(trace)
    recorder.on_commit(ev.CommitEvent("S", "s", "s#0", "", 0.0, (object(),)))  # type: ignore[arg-type]
    recorder.end_trace(trace)
    assert recorder.views == TraceViews(omitted="rendering failed: AttributeError")


def test_large_views_are_omitted_with_their_limit() -> None:
    """The document is kept all the same; that is the archive's business."""
    [phase, *_] = recorded_runs()[0].phases
    recorder = ArchiveRecorder(max_bytes=200)
    assert rendered(recorder, phase, Raw(b'"%b"' % (b"x" * 200))) == TraceViews(omitted="over 200 bytes")
