"""Telling a narrative's lines in words of one's own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from msgspec.structs import replace

from footpath.values import summarize

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.channels import (
        BreakEvent,
        DecisionEvent,
        FlowErrorEvent,
        FlowPauseEvent,
        FlowResumeEvent,
        ForkEvent,
        LoopEvent,
        SelectedEvent,
        StageExecutedEvent,
        SubflowEntryEvent,
        SubflowExitEvent,
    )
    from footpath.replay import NarrativeEntry

RENDERS = {
    "stage": "render_stage",
    "step": "render_op",
    "condition": "render_decision",
    "selector": "render_selected",
    "fork": "render_fork",
    "subflow": "render_subflow",
    "loop": "render_loop",
    "break": "render_break",
    "error": "render_error",
    "emit": "render_emit",
    "retry": "render_retry",
    "pause": "render_pause",
    "resume": "render_resume",
}
"""By a line's type, the method that may word it."""


class NarrativeFormatter:
    """What a `renderer` of `NarrativeRecorder` looks like to a type checker and an editor; nothing has to be inherited.

    Each method is given a line as it would be told, and the event that it is told of (of a read, a write, an emit or a
    retry, that of its stage). It gives the line's text, or None to leave the line out. Lines whose method is not there
    stay as they are, and so does a line whose method raises.

    Example:
        >>> class Headings(NarrativeFormatter):
        ...     def render_stage(self, entry, event):
        ...         return f"## {entry.stage_name}"
        ...
        ...     def render_op(self, entry, event):
        ...         return None
        ...
        ...     def render_decision(self, entry, event):
        ...         return f"{event.decider}: {event.chosen}, by {event.evidence['rules'][0]['label']}"
        >>> told = NarrativeRecorder(renderer=Headings())
        >>> replay(trace, told)
        >>> told.lines()
        ['## Assess', '## Route', 'Route: Approve, by low risk', '## Approve']
    """

    if TYPE_CHECKING:

        def render_stage(self, entry: NarrativeEntry, event: StageExecutedEvent | DecisionEvent) -> str | None:
            """A stage was executed."""

        def render_op(
            self, entry: NarrativeEntry, event: StageExecutedEvent | DecisionEvent | SubflowEntryEvent
        ) -> str | None:
            """A read, a write, or what a subflow was given: `entry.key` and `entry.value`."""

        def render_decision(self, entry: NarrativeEntry, event: DecisionEvent) -> str | None:
            """A decider chose; `event.evidence` says why."""

        def render_selected(self, entry: NarrativeEntry, event: SelectedEvent) -> str | None:
            """A selector chose."""

        def render_fork(self, entry: NarrativeEntry, event: ForkEvent) -> str | None:
            """Parallel children begin."""

        def render_subflow(self, entry: NarrativeEntry, event: SubflowEntryEvent | SubflowExitEvent) -> str | None:
            """A mounted chart begins or ends; `entry.direction` is "entry" or "exit"."""

        def render_loop(self, entry: NarrativeEntry, event: LoopEvent) -> str | None:
            """A loop edge was taken."""

        def render_break(self, entry: NarrativeEntry, event: BreakEvent) -> str | None:
            """A stage stopped its line."""

        def render_error(self, entry: NarrativeEntry, event: FlowErrorEvent) -> str | None:
            """A stage raised."""

        def render_emit(self, entry: NarrativeEntry, event: StageExecutedEvent | DecisionEvent) -> str | None:
            """A stage emitted an event."""

        def render_retry(self, entry: NarrativeEntry, event: StageExecutedEvent | DecisionEvent) -> str | None:
            """An attempt failed, and another followed."""

        def render_pause(self, entry: NarrativeEntry, event: FlowPauseEvent) -> str | None:
            """The run waits at a stage."""

        def render_resume(self, entry: NarrativeEntry, event: FlowResumeEvent) -> str | None:
            """The run goes on at a stage."""


def reworded(
    entry: NarrativeEntry,
    event: Any,
    renderer: object | None,
    format_value: Callable[[Any, int], str] | None,
    max_value_length: int,
) -> NarrativeEntry | None:
    """The line in the words that were asked for; None where it is left out."""
    try:
        if format_value is not None and entry.type == "step" and entry.held is not UNSET:
            entry = _with_value(entry, format_value, max_value_length)
        render = getattr(renderer, RENDERS.get(entry.type, ""), None)
        if not callable(render):
            return entry
        text = render(entry, event)
        return None if text is None else replace(entry, text=str(text))
    except Exception as error:  # noqa: BLE001  # the story is worth more than its wording
        logging.getLogger("footpath").warning("a line of the narrative keeps its own words: %r", error)
        return entry


def _with_value(
    entry: NarrativeEntry, format_value: Callable[[Any, int], str], max_value_length: int
) -> NarrativeEntry:
    """The line with its value said as `format_value` does; as it is where it says none."""
    said = summarize(entry.raw_value, max_value_length)
    if not entry.text.endswith(f"{entry.key} = {said}"):
        return entry
    lead = entry.text[: len(entry.text) - len(said)]
    return replace(entry, text=lead + str(format_value(entry.value, max_value_length)))
