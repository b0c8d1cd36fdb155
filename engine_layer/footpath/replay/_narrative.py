"""The story of a run, from its events.

`NarrativeBuilder` is an ordinary combined recorder, so live and replayed runs tell the same story. While the run goes
on it only keeps the events: each hook *is* the `append` of one list, which cannot fail and costs what an append costs.
Counters, summaries and sentences happen when somebody asks, in one loop over what came since.

What a stage read and wrote is told when the stage completes. What belongs to a stage that failed, or to a selector,
is therefore never told: footprintjs's narrative is a story of what happened to state, not a log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import decode, encode

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
    TraversalContext,
    WriteEvent,
)
from footpath.journal.entries import TRUNCATED
from footpath.replay import _wording as wording
from footpath.values import SUMMARY_LENGTH, js_number, members, plain, summarize

if TYPE_CHECKING:
    from collections.abc import Callable

_VERBS = {"set": "Write", "update": "Update", "append": "Append", "delete": "Delete"}
_ALWAYS_SHORT = 40
"""Characters; twice as many UTF-16 units at most, so such a string needs no cut at the default limit."""


class NarrativeEntry(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """One line of the narrative.

    `type` is "stage", "step", "condition", "selector", "fork", "subflow", "loop", "break", "pause", "resume", "error",
    "emit", "retry" or "truncated"; `depth` 0 or 1 is how far a reader would indent it. `step_number` counts from 1 what one stage
    execution did. `raw_value` is the value in recorded form, `value` a fresh copy of it.
    """

    type: str
    text: str
    depth: int
    stage_name: str | UnsetType = UNSET
    stage_id: str | UnsetType = UNSET
    runtime_stage_id: str | UnsetType = UNSET
    step_number: int | UnsetType = UNSET
    subflow_id: str | UnsetType = UNSET
    direction: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    raw_value: Any = UNSET

    @property
    def value(self) -> Any:
        """The value read, written or mapped in, as JSON; None when absent."""
        return plain(self.raw_value)

    def as_json(self) -> dict[str, Any]:
        """The entry as footprintjs has it: camelCase, absent members left out, the value decoded."""
        return decode(encode(self))


class NarrativeBuilder:
    """Tells what happened in a run, line by line; the engine's built-in narrative and the processor's alike.

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
        self.tell_with(
            include_values=include_values,
            include_step_numbers=include_step_numbers,
            max_value_length=max_value_length,
        )
        self._heard: list[Any] = []
        self._entries: list[NarrativeEntry] = []
        # By runtime stage id: what a stage that has not completed yet did so far.
        self._pending: dict[str, list[Any]] = {}
        # Stage numbers count per subflow id (UNSET at the top), passes per stage id.
        self._stage_numbers: dict[Any, int] = {}
        self._visits: dict[str, int] = {}
        # Whether the story was joined in the middle: by a resume, in a trace or an executor of its own.
        self._joined = False
        # By identity of a recorded container; its entry keeps it alive, so the identity stays its own.
        self._summaries: dict[int, str] = {}
        self._tell = {
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
        self._include_values = include_values
        self._include_step_numbers = include_step_numbers
        self._limit = max_value_length

    def begin_trace(self, _trace: object) -> None:
        """Begin another run's story; the old one is gone."""
        # In place: the hooks are bound to the list.
        self._heard.clear()
        self._entries.clear()
        self._pending.clear()
        self._stage_numbers.clear()
        self._visits.clear()
        self._summaries.clear()
        self._joined = False

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def entries(self) -> list[NarrativeEntry]:
        """Every line so far, as data; the list is the caller's own."""
        self._catch_up()
        return list(self._entries)

    def lines(self) -> list[str]:
        """Every line so far, as text."""
        self._catch_up()
        return [entry.text for entry in self._entries]

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _catch_up(self) -> None:
        heard = self._heard
        pending = self._pending
        tell = self._tell
        for event in heard:
            kind = type(event)  # pyright: ignore[reportUnknownVariableType]
            if kind is ReadEvent or kind is WriteEvent or kind is EmitEvent:
                if kind is EmitEvent and event.name == TRUNCATED:
                    self._tell_cut(event)
                    continue
                stage = event.runtime_stage_id
            elif kind is StageRetryEvent:
                stage = _context(event).runtime_stage_id
            else:
                telling = tell.get(kind)  # pyright: ignore[reportUnknownArgumentType]
                if telling is not None:
                    telling(event)
                continue
            steps = pending.get(stage)
            if steps is None:
                pending[stage] = [event]
            else:
                steps.append(event)
        heard.clear()

    def _tell_stage(self, name: str, sentence: str, number: int, context: TraversalContext) -> None:
        """The stage's own line, then what it did."""
        append = self._entries.append
        stage_id = context.stage_id
        stage = context.runtime_stage_id
        subflow = context.subflow_id
        append(NarrativeEntry("stage", f"Stage {number}: {sentence}", 0, name, stage_id, stage, UNSET, subflow))
        steps = self._pending.pop(stage, None)
        if steps is None:
            return
        limit = self._limit
        short = _ALWAYS_SHORT if limit >= SUMMARY_LENGTH else 0
        values = self._include_values
        numbers = self._include_step_numbers
        summaries = self._summaries
        step = 0
        for event in steps:
            step += 1
            kind = type(event)  # pyright: ignore[reportUnknownVariableType]
            if kind is ReadEvent:
                if not event.key:
                    step -= 1  # footprintjs takes a read of "" for one without a key, and passes over it
                    continue
                what = "Read"
            elif kind is WriteEvent:
                what = _VERBS.get(event.operation, "Write")
            elif kind is EmitEvent:
                text = f"[emit] {event.name}: {summarize(event.raw_payload, limit)}"
                append(NarrativeEntry("emit", text, 1, name, stage_id, stage, step, subflow))
                continue
            else:
                append(NarrativeEntry("retry", wording.retried(event), 1, name, stage_id, stage, step, subflow))
                continue
            key = event.key
            raw = event.raw_value
            if values and numbers and type(raw) is int and what != "Delete":
                # The commonest line, in one go.
                text = f"Step {step}: {what} {key} = {raw}"
                append(NarrativeEntry("step", text, 1, name, stage_id, stage, step, subflow, UNSET, key, raw))
                continue
            if values and what != "Delete":
                of = type(raw)  # pyright: ignore[reportUnknownVariableType]
                if of is int:
                    text = f"{what} {key} = {raw}"
                elif of is str and len(raw) <= short:  # type: ignore[arg-type]
                    text = f'{what} {key} = "{raw}"'
                elif of is float:
                    text = f"{what} {key} = {js_number(raw)}"
                elif of is Raw:
                    summary = summaries.get(id(raw))
                    if summary is None:
                        summaries[id(raw)] = summary = summarize(raw, limit)
                    text = f"{what} {key} = {summary}"
                else:
                    text = f"{what} {key} = {summarize(raw, limit)}"
            else:
                text = f"{what} {key}"
            if numbers:
                text = f"Step {step}: {text}"
            append(NarrativeEntry("step", text, 1, name, stage_id, stage, step, subflow, UNSET, key, raw))

    def _next_number(self, context: TraversalContext) -> int:
        numbers = self._stage_numbers
        numbers[context.subflow_id] = number = numbers.get(context.subflow_id, 0) + 1
        return number

    def _begins(self, context: TraversalContext) -> bool:
        """Whether stage number 1 begins its line: not where a resume was the first thing heard of the run.

        footprintjs tells nothing then; a trace of the phase after a pause must not claim that the process began there.
        """
        return not self._joined or context.subflow_id is not UNSET

    def _tell_executed(self, event: StageExecutedEvent) -> None:
        # The other kinds of node have lines of their own, or none.
        if event.stage_type != "linear":
            return
        context = _context(event)
        name = event.stage_name
        description = event.description or None
        stage_id = context.stage_id
        visits = self._visits.get(stage_id, 0)
        self._visits[stage_id] = visits + 1
        number = self._next_number(context)
        if number == 1 and self._begins(context):
            sentence = wording.began(name, description)
        elif visits:
            sentence = wording.looped_back(name, description, visits)
        else:
            sentence = wording.moved_on(name, description)
        self._tell_stage(name, sentence, number, context)

    def _tell_decision(self, event: DecisionEvent) -> None:
        context = _context(event)
        name = event.decider
        description = event.description or None
        number = self._next_number(context)
        first = number == 1 and self._begins(context)
        sentence = wording.began(name, description) if first else wording.moved_on(name, description)
        self._tell_stage(name, sentence, number, context)
        text = wording.decided(
            event.chosen, wording.evidence_of(event.raw_evidence), description, event.rationale or None
        )
        self._add("condition", text, 1, name, context)

    def _tell_selected(self, event: SelectedEvent) -> None:
        text = wording.selected(event.selected, event.total, wording.evidence_of(event.raw_evidence))
        self._add("selector", text, 0, UNSET, event.traversal_context)

    def _tell_fork(self, event: ForkEvent) -> None:
        self._add("fork", wording.forked(event.children), 0, UNSET, event.traversal_context)

    def _tell_entry(self, event: SubflowEntryEvent) -> None:
        context = _context(event)
        name = event.name
        subflow = event.subflow_id
        self._stage_numbers[subflow] = 0
        at = (name, context.stage_id, context.runtime_stage_id, UNSET, subflow)
        append = self._entries.append
        append(NarrativeEntry("subflow", wording.entered(name, event.description or None), 0, *at, "entry"))
        for key, raw in members(event.raw_mapped_input):
            text = f"Input: {key} = {summarize(raw, self._limit)}" if self._include_values else f"Input: {key}"
            append(NarrativeEntry("step", text, 1, *at, UNSET, key, raw))

    def _tell_exit(self, event: SubflowExitEvent) -> None:
        context = _context(event)
        self._entries.append(
            NarrativeEntry(
                "subflow",
                wording.left(event.name),
                0,
                event.name,
                context.stage_id,
                context.runtime_stage_id,
                UNSET,
                event.subflow_id,
                "exit",
            )
        )

    def _tell_loop(self, event: LoopEvent) -> None:
        text = wording.passed(event.target, event.description or None, event.iteration)
        self._add("loop", text, 0, UNSET, event.traversal_context)

    def _tell_break(self, event: BreakEvent) -> None:
        self._add("break", wording.stopped(event.stage_name), 0, event.stage_name, event.traversal_context)

    def _tell_pause(self, event: FlowPauseEvent) -> None:
        self._add("pause", wording.paused(event.stage_name), 0, event.stage_name, event.traversal_context)

    def _tell_resume(self, event: FlowResumeEvent) -> None:
        if not self._entries:
            self._joined = True
        text = wording.resumed(event.stage_name, with_input=event.has_input)
        self._add("resume", text, 0, event.stage_name, event.traversal_context)

    def _tell_cut(self, event: EmitEvent) -> None:
        """Told at once: the stage during which the recording was cut never completes in it."""
        found = event.payload
        payload = cast("dict[str, object]", found) if isinstance(found, dict) else {}
        text = wording.cut_short(payload.get("dropped", "some"), payload.get("reason"))
        self._add("truncated", text, 0, UNSET, UNSET)

    def _tell_error(self, event: FlowErrorEvent) -> None:
        text = wording.failed(event.stage_name, event.message)
        self._add("error", text, 0, event.stage_name, event.traversal_context)

    def _add(
        self, kind: str, text: str, depth: int, name: str | UnsetType, context: TraversalContext | UnsetType
    ) -> None:
        if context is UNSET:
            self._entries.append(NarrativeEntry(kind, text, depth, name))
            return
        self._entries.append(
            NarrativeEntry(
                kind, text, depth, name, context.stage_id, context.runtime_stage_id, UNSET, context.subflow_id
            )
        )


_NOWHERE = TraversalContext("", "", "", "")


def _context(event: Any) -> TraversalContext:
    """The event's place; an empty one for an event that lacks it, which only a foreign trace can bring."""
    context = event.traversal_context
    return _NOWHERE if context is UNSET else context
