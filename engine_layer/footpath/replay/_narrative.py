"""The story of a run, from its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from footpath.channels import (
    BreakEvent,
    DecisionEvent,
    EmitEvent,
    FlowErrorEvent,
    FlowPauseEvent,
    FlowResumeEvent,
    ForkEvent,
    LoopEvent,
    ReadEvent,
    SelectedEvent,
    StageExecutedEvent,
    StageRetryEvent,
    SubflowEntryEvent,
    SubflowExitEvent,
    WriteEvent,
)
from footpath.journal.entries import TRUNCATED
from footpath.replay import _wording as wording
from footpath.replay._story import EMITTED, RETRIED, Story
from footpath.values import SUMMARY_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.replay._story import NarrativeEntry, Place

    Step = tuple[str, str, Any]
    """Key, verb and value of a read or write in recorded form; see `Story.step`."""


class NarrativeBuilder:
    """Tells what happened in a run, line by line: an ordinary combined recorder, so live and replayed runs tell the same.

    While the run goes on it only keeps the events: each hook *is* the `append` of one list, which cannot fail and costs
    what an append costs. Counters, summaries and sentences happen when somebody asks, in one loop over what came since.

    It may be asked in the middle of a run and again later; lines once told never change. One builder may follow a run
    through its pauses: the lines go on and stage numbers continue. Not to be shared by runs.

    Args:
        include_values: say the value of each read and write, not only its key.
        include_step_numbers: begin each read and write with "Step N: ".
        max_value_length: longest value summary, in UTF-16 units.
    """

    def __init__(
        self,
        *,
        include_values: bool = True,
        include_step_numbers: bool = True,
        max_value_length: int = SUMMARY_LENGTH,
        id: str = "narrative",  # the recorder contract's name
    ) -> None:
        self.id = id
        self._story = Story(
            include_values=include_values,
            include_step_numbers=include_step_numbers,
            max_value_length=max_value_length,
        )
        self._heard: list[Any] = []
        # By runtime stage id: what a stage that has not completed yet did so far.
        self._pending: dict[str, list[Step]] = {}
        self._tell: dict[type, Callable[[Any], None]] = {
            StageExecutedEvent: self._tell_executed,
            DecisionEvent: self._tell_decision,
            SelectedEvent: self._tell_selected,
            ForkEvent: self._tell_fork,
            SubflowEntryEvent: self._tell_entry,
            SubflowExitEvent: self._tell_exit,
            LoopEvent: self._tell_loop,
            BreakEvent: self._tell_break,
            FlowPauseEvent: self._tell_pause,
            FlowResumeEvent: self._tell_resume,
            FlowErrorEvent: self._tell_error,
        }
        hear: Callable[[Any], None] = self._heard.append
        self.on_read = hear
        self.on_write = hear
        self.on_emit = hear
        self.on_stage_retry = hear
        self.on_stage_executed = hear
        self.on_decision = hear
        self.on_selected = hear
        self.on_fork = hear
        self.on_subflow_entry = hear
        self.on_subflow_exit = hear
        self.on_loop = hear
        self.on_break = hear
        # Scope events come to these three as well; `_catch_up` passes over what nobody tells.
        self.on_error = hear
        self.on_pause = hear
        self.on_resume = hear

    def tell_with(
        self,
        *,
        include_values: bool = True,
        include_step_numbers: bool = True,
        max_value_length: int = SUMMARY_LENGTH,
    ) -> None:
        """Tell what is still untold with these options; what is left out takes its default."""
        self._story.tell_with(
            include_values=include_values,
            include_step_numbers=include_step_numbers,
            max_value_length=max_value_length,
        )

    def begin_trace(self, _trace: object) -> None:
        """Begin another run's story; the old one is gone."""
        # In place: the hooks are bound to the list.
        self._heard.clear()
        self._pending.clear()
        self._story.begin()

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def entries(self) -> list[NarrativeEntry]:
        """Every line so far, as data; the list is the caller's own."""
        self._catch_up()
        return self._story.entries()

    def lines(self) -> list[str]:
        """Every line so far, as text."""
        self._catch_up()
        return self._story.lines()

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _catch_up(self) -> None:
        heard = self._heard
        pending = self._pending
        tell = self._tell
        for event in heard:
            kind = type(event)  # pyright: ignore[reportUnknownVariableType]
            if kind is ReadEvent:
                stage = event.runtime_stage_id
                step = (event.key, "read", event.raw_value)
            elif kind is WriteEvent:
                stage = event.runtime_stage_id
                step = (event.key, event.operation, event.raw_value)
            elif kind is EmitEvent:
                if event.name == TRUNCATED:
                    self._story.cut(event.raw_payload)
                    continue
                stage = event.runtime_stage_id
                step = (event.name, EMITTED, event.raw_payload)
            elif kind is StageRetryEvent:
                stage = _nowhere(event)[1]
                told = (event.stage_name, event.attempt, event.max_attempts, event.delay_ms, event.message)
                step = (wording.retried(*told), RETRIED, UNSET)
            else:
                telling = tell.get(kind)  # pyright: ignore[reportUnknownArgumentType]
                if telling is not None:
                    telling(event)
                continue
            steps = pending.get(stage)
            if steps is None:
                pending[stage] = [step]
            else:
                steps.append(step)
        heard.clear()

    def _steps(self, name: str, place: Place) -> list[Any]:
        told: list[Any] = []
        say = self._story.step
        for key, verb, raw in self._pending.pop(place[1], ()):
            say(told, key, verb, raw, name, place)
        return told

    def _tell_executed(self, event: StageExecutedEvent) -> None:
        # The other kinds of node have lines of their own, or none.
        if event.stage_type == "linear":
            place = _nowhere(event)
            self._story.stage(event.stage_name, event.description, place, self._steps(event.stage_name, place))

    def _tell_decision(self, event: DecisionEvent) -> None:
        place = _nowhere(event)
        self._story.decision(
            event.decider,
            event.description,
            event.chosen,
            event.rationale,
            event.raw_evidence,
            place,
            self._steps(event.decider, place),
        )

    def _tell_selected(self, event: SelectedEvent) -> None:
        self._story.selected(event.selected, event.total, event.raw_evidence, _place(event))

    def _tell_fork(self, event: ForkEvent) -> None:
        self._story.forked(event.children, _place(event))

    def _tell_entry(self, event: SubflowEntryEvent) -> None:
        self._story.entered(event.name, event.description, event.subflow_id, event.raw_mapped_input, _nowhere(event))

    def _tell_exit(self, event: SubflowExitEvent) -> None:
        self._story.left(event.name, event.subflow_id, _nowhere(event))

    def _tell_loop(self, event: LoopEvent) -> None:
        self._story.passed(event.target, event.description, event.iteration, _place(event))

    def _tell_break(self, event: BreakEvent) -> None:
        self._story.stopped(event.stage_name, _place(event))

    def _tell_pause(self, event: FlowPauseEvent) -> None:
        self._story.paused(event.stage_name, _place(event))

    def _tell_resume(self, event: FlowResumeEvent) -> None:
        self._story.resumed(event.stage_name, with_input=event.has_input, place=_place(event))

    def _tell_error(self, event: FlowErrorEvent) -> None:
        self._story.failed(event.stage_name, event.message, _place(event))


def _place(event: Any) -> Place | None:
    context = event.traversal_context
    return None if context is UNSET else (context.stage_id, context.runtime_stage_id, context.subflow_id)


def _nowhere(event: Any) -> Place:
    """The event's place; an empty one for an event that lacks it, which only a foreign trace can bring."""
    return _place(event) or ("", "", UNSET)
