"""Laws 3 and 8: watching changes nothing, and nothing that is kept changes afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from footpath import FlowChartExecutor, decode_trace, encode_trace, replay
from footpath.errors import InputValidationError
from tests.property._budget import examples
from tests.property._runs import RUN_HOOKS, Case, Heard, Ids, Phase, Running, cases, limited


class Recorder:
    """A recorder with every hook, each of which does the same."""

    def __init__(self, id: str) -> None:
        self.id = id
        for hook in RUN_HOOKS:
            setattr(self, hook, self.hear)

    def hear(self, event: Any) -> None:
        raise NotImplementedError


class Throwing(Recorder):
    """Fails at every call."""

    def hear(self, event: Any) -> None:
        raise RuntimeError("recorder")


class Stop(BaseException):
    """Stops a program, as an interrupt does, and is nothing that Python knows."""


STOPS: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, Stop)
"""What passes every `except Exception`: not a failure of the recorder that raises it, but the end of the program."""


class Stopping(Recorder):
    """Stops the program when it has been called so many times."""

    def __init__(self, id: str, stop: type[BaseException], after: int) -> None:
        super().__init__(id)
        self.stop = stop
        self.left = after

    def hear(self, event: Any) -> None:
        self.left -= 1
        if not self.left:
            raise self.stop


class Vandal(Recorder):
    """Changes whatever it is given."""

    def hear(self, event: Any) -> None:
        for name in ("value", "payload", "mapped_input", "output_state", "pause_data", "evidence", "spec_structure"):
            with contextlib.suppress(AttributeError):
                spoil(getattr(event, name))
        for mutation in getattr(event, "mutations", ()):
            spoil(mutation.value)


class Burglar(Recorder):
    """Changes frozen events past their guard, so what others hear after it is its fault; the run's record is not to be."""

    def hear(self, event: Any) -> None:
        for part in (event, getattr(event, "traversal_context", None)):
            if isinstance(part, msgspec.Struct):
                for field in part.__struct_fields__:
                    msgspec.structs.force_setattr(part, field, "spoiled")


class Meddler(Recorder):
    """Calls the executor back in the middle of its run."""

    executor: FlowChartExecutor

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.calls = 0

    def bind(self, executor: FlowChartExecutor) -> None:
        self.executor = executor

    def hear(self, event: Any) -> None:
        self.calls += 1
        if self.calls % 5 == 1:  # each of these follows the journal from its beginning
            executor = self.executor
            executor.get_snapshot()
            executor.get_trace().events()
            executor.get_narrative()
            executor.get_checkpoint()
            executor.get_redaction_report()
        other = Throwing(f"added by {self.id}")
        self.executor.attach_combined_recorder(other)
        self.executor.detach_combined_recorder(other.id)
        for act in (self.executor.run, lambda: self.executor.resume({})):
            with contextlib.suppress(Exception):
                act()


class Passing(Recorder):
    """Comes and goes while it is called: detaches itself, attaches others, takes another's place and gives it back.

    Attributes:
        late: what a recorder heard that was attached in the middle of each phase.
    """

    executor: FlowChartExecutor

    def __init__(self, id: str, after: int) -> None:
        super().__init__(id)
        self.after = after
        self.heard: list[tuple[str, bytes]] = []
        self.late: list[Heard] = []

    def bind(self, executor: FlowChartExecutor) -> None:
        self.executor = executor

    def hear(self, event: Any) -> None:
        self.heard.append((type(event).__name__, msgspec.json.encode(event)))
        if len(self.heard) % self.after == 0:
            executor = self.executor
            executor.detach_combined_recorder(self.id)
            executor.detach_scope_recorder("first")
            late = Heard("late")
            self.late.append(late)
            executor.attach_combined_recorder(late)
            executor.attach_combined_recorder(Throwing("first"))  # in the place of one that was there
            executor.detach_combined_recorder("first")
            executor.detach_combined_recorder("late")


def spoil(value: Any) -> None:
    """Change a container through and through, also one of a class of its own, whose methods are of no use."""
    if isinstance(value, dict):
        for member in dict.values(value):
            spoil(member)
        dict.__setitem__(value, "spoiled", True)
    elif isinstance(value, list):
        for item in list.__iter__(value):
            spoil(item)
        list.append(value, "spoiled")


def left_by(phases: list[Phase]) -> list[tuple[Any, ...]]:
    """What a run comes to, but for its values' identity."""
    return [
        (
            phase.outcome,
            repr(type(phase.result)),
            phase.document,
            phase.executor.get_snapshot(),
            [entry.text for entry in phase.executor.get_narrative_entries()],
        )
        for phase in phases
    ]


@settings(max_examples=examples(30))
@given(case=cases())
def test_recorders_change_nothing(case: Case) -> None:
    """With recorders that fail, spoil and meddle: the same results, state, story and bytes as with none."""
    running = Running(case)
    alone = left_by(running.phases(step=0))
    listener = Heard()
    assert left_by(running.phases(listener, step=0)) == alone
    before = list(listener.calls)
    # Each hears all, also behind one that fails. Only what is spoiled in the event itself is another's fault.
    watched = Heard("first"), Throwing("throwing"), Meddler("meddler"), Heard("last"), Vandal("vandal")
    assert left_by(running.phases(*watched, step=0)) == alone
    for heard in (watched[0], watched[3]):
        assert [call for call in heard.calls if call[1] != "ScopeErrorEvent"] == before
    assert left_by(running.phases(Burglar("burglar"), step=0)) == alone


@settings(max_examples=examples(20))
@given(case=cases(), stop=st.sampled_from(STOPS), after=st.integers(1, 30))
def test_what_stops_the_program_from_a_recorder_leaves_nothing_behind(
    case: Case, stop: type[BaseException], after: int
) -> None:
    """It passes through, the trace holds what was recorded by then, and the executor's next run is as if there had been none."""
    running = Running(case)
    alone = running.phases(step=0)
    heard = Heard()
    running.phases(heard, step=0)
    running.world.begin()
    stopping, until = Stopping("stopping", stop, after), Heard("until")
    executor = running.executor(Ids(), 0, (until, stopping))
    given_input = {"input": copy.deepcopy(case.input), "env": copy.deepcopy(case.env)}
    outcome: Any = None
    try:
        executor.run(**given_input, **limited(case.limits))
    except stop as stopped:
        outcome = stopped
    except Exception:  # noqa: BLE001  # whatever a generated stage raises
        pass
    assert (outcome is None) == (stopping.left > 0)
    if outcome is not None:
        assert until.calls[:after] == heard.calls[:after]
        trace = decode_trace(encode_trace(executor.get_trace()))
        replayed = Heard()
        replay(trace, replayed)
        assert trace.status == "failed"
        assert replayed.calls[:after] == until.calls[:after]
    executor.detach_combined_recorder("stopping")
    running.world.begin()
    try:
        executor.run(**given_input, **limited(case.limits))
    except InputValidationError:
        assert not alone
        return
    except Exception:  # noqa: BLE001
        pass
    assert shown_by(executor) == shown_by(alone[0].executor) if len(alone) == 1 else True


def shown_by(executor: FlowChartExecutor) -> Any:
    """What an executor shows of its run, but for the run's id."""
    return {**executor.get_snapshot(), "runId": ""}, executor.get_narrative()


@settings(max_examples=examples(20))
@given(case=cases(), after=st.integers(1, 9))
def test_recorders_that_come_and_go_in_a_run_hear_all_of_it_or_nothing(case: Case, after: int) -> None:
    """Who was there when the phase began is told to its end; who came later hears nothing of it. The run does not care."""
    running = Running(case)
    listener = Heard()
    alone = left_by(running.phases(listener, step=0))
    assert bool(listener.calls) == bool(alone)
    first, passing = Heard("first"), Passing("passing", after)

    def again(phase: Phase, _: int) -> None:
        for recorder in (first, passing):  # as they were, for the next phase
            phase.executor.attach_combined_recorder(recorder)

    assert left_by(running.phases(first, passing, step=0, after_phase=again)) == alone
    assert first.calls == listener.calls
    assert passing.heard == [call[1:] for call in listener.calls]
    assert [late.calls for late in passing.late] == [[]] * len(passing.late)
    assert len(passing.late) == len(listener.calls) // after


@settings(max_examples=examples(25))
@given(case=cases())
def test_the_same_input_clock_and_ids_give_the_same_bytes(case: Case) -> None:
    """Law 4, in one process; `test_hash_seeds.py` asks it of two."""
    running = Running(case)
    first = [phase.document for phase in running.phases()]
    random.seed(3)
    gc.collect()
    assert [phase.document for phase in running.phases()] == first
    assert [phase.document for phase in Running(copy.deepcopy(case)).phases(Heard())] == first


def shown_of(executor: FlowChartExecutor) -> dict[str, Any]:
    """All that an executor tells of its run when it is asked, as containers that are the caller's own."""
    checkpoint = executor.get_checkpoint()
    return {
        "snapshot": executor.get_snapshot(),
        "redacted": executor.get_snapshot(redact=True),
        "subflows": executor.get_subflow_results(),
        "checkpoint": None if checkpoint is None else {**checkpoint, "pausedAt": 0},
        "narrative": [entry.as_json() for entry in executor.get_narrative_entries()],
        "report": executor.get_redaction_report(),
        "structure": executor.chart.build_time_structure,
    }


@settings(max_examples=examples(25))
@given(case=cases())
def test_nothing_kept_changes_with_what_it_came_from(case: Case) -> None:
    """Results, inputs, kept containers, events' values and views are spoiled after the fact; the record stays."""
    running = Running(case)
    live = Heard()
    values: list[Any] = []

    class Keeping(Recorder):
        def hear(self, event: Any) -> None:
            values.extend(getattr(event, name, None) for name in ("value", "payload", "evidence"))

    def spoil_everything(phase: Phase, _: int) -> None:
        executor = phase.executor
        before = executor.get_trace().encoded
        assert before == phase.document
        told = [msgspec.json.encode(event) for _, event in phase.trace.events()]
        shown = shown_of(executor)
        seen = {name: msgspec.json.encode(told) for name, told in shown.items()}
        held_by_callers = (
            *running.world.kept,
            *values,
            phase.result,
            phase.trace.result,
            phase.trace.input,
            *shown.values(),
        )
        for held in held_by_callers:
            with contextlib.suppress(RecursionError):
                spoil(held)
        assert {name: msgspec.json.encode(told) for name, told in shown_of(executor).items()} == seen
        assert executor.get_trace().encoded == before
        assert [msgspec.json.encode(event) for _, event in phase.trace.events()] == told
        assert phase.trace.encoded == before

    running.phases(live, Keeping("keeping"), after_phase=spoil_everything)
