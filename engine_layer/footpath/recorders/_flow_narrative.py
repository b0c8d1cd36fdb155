"""A run told in plain sentences, of its flow alone, and ways to tell a loop briefly.

The words are footprintjs's, to the character.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from footpath.channels import FlowErrorEvent, FlowPauseEvent, FlowResumeEvent
from footpath.values import js_number, js_reason

if TYPE_CHECKING:
    from footpath.channels import (
        BreakEvent,
        DecisionEvent,
        ForkEvent,
        LoopEvent,
        NextEvent,
        ScopeErrorEvent,
        ScopePauseEvent,
        ScopeResumeEvent,
        SelectedEvent,
        StageExecutedEvent,
        StageRetryEvent,
        SubflowEntryEvent,
        SubflowExitEvent,
    )


class NarrativeFlowRecorder:
    """Tells where the run went, a sentence per event; a flow recorder.

    The combined narrative (`NarrativeRecorder`, `executor.enable_narrative`) also says what was read and written. This
    one sees the flow channel alone, and each of its kinds below tells loops in its own way. `clear` begins anew; an
    executor calls it before each run, and not before a resume.

    Example:
        >>> story = NarrativeFlowRecorder()
        >>> executor.attach_flow_recorder(story)
        >>> _ = executor.run(input={"amount": 100})
        >>> print(*story.get_sentences(), sep="; ")
        Next, it moved on to Assess.; Next, it moved on to Route.; A decision was made, ...; Next, it moved on to Approve.
    """

    def __init__(self, id: str = "narrative") -> None:  # the recorder contract's name
        self.id = id
        self._sentences: list[str] = []

    def get_sentences(self) -> list[str]:
        """The sentences so far, in a list of the caller's own."""
        return list(self._sentences)

    def clear(self) -> None:
        """Forget the run before."""
        self._sentences.clear()

    # ── the events ───────────────────────────────────────────────────────────────────────────────────────────────────
    def on_stage_executed(self, event: StageExecutedEvent) -> None:
        """A plain stage ran; the other kinds have sentences of their own."""
        if event.stage_type == "linear":
            self._sentences.append(_moved_on(event.stage_name, event.description))

    def on_next(self, event: NextEvent) -> None:
        """The run moves on."""
        self._sentences.append(_moved_on(event.to, event.description))

    def on_decision(self, event: DecisionEvent) -> None:
        """A decider chose."""
        reason = js_reason(event.rationale)
        if event.description:
            how = f"{event.description} and" if reason is None else f"{event.description}: {reason}, so it"
            sentence = f"It {how} chose {event.chosen}."
        elif reason is not None:
            sentence = f"A decision was made: {reason}, so the path taken was {event.chosen}."
        else:
            sentence = f"A decision was made, and the path taken was {event.chosen}."
        self._sentences.append(sentence)

    def on_fork(self, event: ForkEvent) -> None:
        """Parallel children begin."""
        self._sentences.append(f"Forking into {len(event.children)} parallel paths: {', '.join(event.children)}.")

    def on_selected(self, event: SelectedEvent) -> None:
        """A selector chose."""
        chosen = event.selected
        self._sentences.append(f"{len(chosen)} of {event.total} paths were selected: {', '.join(chosen)}.")

    def on_subflow_entry(self, event: SubflowEntryEvent) -> None:
        """A mounted chart begins."""
        about = f": {event.description}" if event.description else ""
        self._sentences.append(f"Entering the {event.name} subflow{about}.")

    def on_subflow_exit(self, event: SubflowExitEvent) -> None:
        """A mounted chart ended."""
        self._sentences.append(f"Exiting the {event.name} subflow.")

    def on_loop(self, event: LoopEvent) -> None:
        """A loop edge was taken."""
        self._sentences.append(_pass_sentence(event))

    def on_break(self, event: BreakEvent) -> None:
        """A stage stopped its line."""
        self._sentences.append(f"Execution stopped at {event.stage_name}.")

    def on_stage_retry(self, event: StageRetryEvent) -> None:
        """An attempt failed and another follows."""
        waited = f" after waiting {js_number(float(event.delay_ms))}ms" if event.delay_ms else ""
        self._sentences.append(
            f"Attempt {event.attempt} of {event.max_attempts} at {event.stage_name} failed"
            f" ({event.message}), so it tried again{waited}."
        )

    def on_error(self, event: FlowErrorEvent | ScopeErrorEvent) -> None:
        """A stage raised; a scope recorder's failure is not told."""
        if type(event) is FlowErrorEvent:
            issues = _issues(event.structured_error.issues)
            told = f" Validation issues: {issues}." if issues else ""
            self._sentences.append(f"An error occurred at {event.stage_name}: {event.message}.{told}")

    def on_pause(self, event: FlowPauseEvent | ScopePauseEvent) -> None:
        """The run waits at a stage."""
        if type(event) is FlowPauseEvent:
            self._sentences.append(f"Execution paused at {event.stage_name}.")

    def on_resume(self, event: FlowResumeEvent | ScopeResumeEvent) -> None:
        """The run goes on at a stage."""
        if type(event) is FlowResumeEvent:
            given = " with input" if event.has_input else ""
            self._sentences.append(f"Execution resumed at {event.stage_name}{given}.")


class _SelectiveNarrative(NarrativeFlowRecorder):
    """Tells some passes of a loop and counts the others; which ones, `_tells` says."""

    def __init__(self, id: str) -> None:  # the recorder contract's name
        super().__init__(id)
        self._suppressed = 0

    def _tells(self, iteration: int) -> bool:
        raise NotImplementedError

    def on_loop(self, event: LoopEvent) -> None:
        """A loop edge was taken."""
        if self._tells(event.iteration):
            super().on_loop(event)
        else:
            self._suppressed += 1

    def get_suppressed_count(self) -> int:
        """How many passes were not told."""
        return self._suppressed

    def clear(self) -> None:
        """Forget the run before."""
        super().clear()
        self._suppressed = 0


class AdaptiveNarrativeFlowRecorder(_SelectiveNarrative):
    """Tells the first passes of a loop, then every so many: for loops whose length nobody knows beforehand.

    Args:
        threshold: how many passes are told one by one.
        sample_rate: of the passes after those, every which one is told.

    Raises:
        ValueError: `threshold` is negative, or `sample_rate` not positive.

    Example:
        >>> story = AdaptiveNarrativeFlowRecorder(threshold=2, sample_rate=3)
        >>> for iteration in range(1, 10):
        ...     story.on_loop(LoopEvent(target="Ask", iteration=iteration))
        >>> story.get_sentences()
        ['On pass 1 through Ask.', 'On pass 2 through Ask.', 'On pass 5 through Ask.', 'On pass 8 through Ask.']
        >>> story.get_suppressed_count()
        5
    """

    def __init__(self, threshold: int = 5, sample_rate: int = 10, id: str = "narrative-adaptive") -> None:
        super().__init__(id)
        _at_least(0, threshold=threshold)
        _at_least(1, sample_rate=sample_rate)
        self._threshold = threshold
        self._sample_rate = sample_rate

    def _tells(self, iteration: int) -> bool:
        beyond = iteration - self._threshold
        return beyond <= 0 or beyond % self._sample_rate == 0


class MilestoneNarrativeFlowRecorder(_SelectiveNarrative):
    """Tells every so manyth pass of a loop: for long loops of which only the progress matters.

    Args:
        interval: every which pass is told.
        always_emit_first: tell the first pass, too.

    Raises:
        ValueError: `interval` is not positive.

    Example:
        >>> story = MilestoneNarrativeFlowRecorder(10)
        >>> for iteration in range(1, 26):
        ...     story.on_loop(LoopEvent(target="Ask", iteration=iteration))
        >>> story.get_sentences()
        ['On pass 1 through Ask.', 'On pass 10 through Ask.', 'On pass 20 through Ask.']
    """

    def __init__(self, interval: int = 10, always_emit_first: bool = True, id: str = "narrative-milestone") -> None:
        super().__init__(id)
        _at_least(1, interval=interval)
        self._interval = interval
        self._always_first = always_emit_first

    def _tells(self, iteration: int) -> bool:
        return (self._always_first and iteration == 1) or iteration % self._interval == 0


class ProgressiveNarrativeFlowRecorder(_SelectiveNarrative):
    """Tells passes 1, 2, 4, 8, ... of a loop: for loops that settle, whose beginning says most.

    Args:
        base: the powers of which number are told.

    Raises:
        ValueError: `base` is not greater than 1: its powers would never grow.

    Example:
        >>> story = ProgressiveNarrativeFlowRecorder(3)
        >>> for iteration in range(1, 20):
        ...     story.on_loop(LoopEvent(target="Ask", iteration=iteration))
        >>> story.get_sentences()
        ['On pass 1 through Ask.', 'On pass 3 through Ask.', 'On pass 9 through Ask.']
    """

    def __init__(self, base: float = 2, id: str = "narrative-progressive") -> None:
        super().__init__(id)
        if not base > 1:
            message = f"base is a number greater than 1, not {base!r}"
            raise ValueError(message)
        self._base = base

    def _tells(self, iteration: int) -> bool:
        power = 1.0
        while power < iteration:
            power *= self._base
        return power == iteration


class RLENarrativeFlowRecorder(NarrativeFlowRecorder):
    """Tells passes of one loop that follow each other in one sentence: for loops whose passes are all alike.

    Those sentences stand after all others. A single pass is told as ever.

    Example:
        >>> story = RLENarrativeFlowRecorder()
        >>> for iteration in range(1, 51):
        ...     story.on_loop(LoopEvent(target="Ask", iteration=iteration))
        >>> story.get_sentences()
        ['Looped through Ask 50 times (passes 1–50).']
    """  # noqa: RUF002  # footprintjs's dash

    def __init__(self, id: str = "narrative-rle") -> None:  # the recorder contract's name
        super().__init__(id)
        # Of each stretch its first event, its last iteration, and how many there were.
        self._stretches: list[tuple[LoopEvent, int, int]] = []

    def on_loop(self, event: LoopEvent) -> None:
        """A loop edge was taken."""
        if self._stretches and self._stretches[-1][0].target == event.target:
            first, _, count = self._stretches[-1]
            self._stretches[-1] = (first, event.iteration, count + 1)
        else:
            self._stretches.append((event, event.iteration, 1))

    def get_sentences(self) -> list[str]:
        """The sentences so far, the loops' at the end."""
        loops = [
            _pass_sentence(first)
            if count == 1
            else f"Looped through {first.target} {count} times (passes {first.iteration}–{last})."  # noqa: RUF001  # as above
            for first, last, count in self._stretches
        ]
        return [*self._sentences, *loops]

    def clear(self) -> None:
        """Forget the run before."""
        super().clear()
        self._stretches.clear()


class SeparateNarrativeFlowRecorder(NarrativeFlowRecorder):
    """Keeps loops out of the story and tells them apart: for a view that shows them only when asked.

    Example:
        >>> story = SeparateNarrativeFlowRecorder()
        >>> for iteration in range(1, 3):
        ...     story.on_loop(LoopEvent(target="Ask", iteration=iteration))
        >>> story.get_sentences(), story.get_loop_sentences(), story.get_loop_counts()
        ([], ['On pass 1 through Ask.', 'On pass 2 through Ask.'], {'Ask': 2})
    """

    def __init__(self, id: str = "narrative-separate") -> None:  # the recorder contract's name
        super().__init__(id)
        self._loops: list[str] = []
        self._counts: dict[str, int] = {}

    def on_loop(self, event: LoopEvent) -> None:
        """A loop edge was taken."""
        self._loops.append(_pass_sentence(event))
        self._counts[event.target] = self._counts.get(event.target, 0) + 1

    def get_loop_sentences(self) -> list[str]:
        """A sentence per pass, in order."""
        return list(self._loops)

    def get_loop_counts(self) -> dict[str, int]:
        """How many passes went back to each target."""
        return dict(self._counts)

    def clear(self) -> None:
        """Forget the run before."""
        super().clear()
        self._loops.clear()
        self._counts.clear()


class SilentNarrativeFlowRecorder(NarrativeFlowRecorder):
    """Tells only how often each loop went round, after everything else.

    Example:
        >>> story = SilentNarrativeFlowRecorder()
        >>> for iteration in range(1, 51):
        ...     story.on_loop(LoopEvent(target="Ask", iteration=iteration))
        >>> story.get_sentences()
        ['Looped 50 times through Ask.']
    """

    def __init__(self, id: str = "narrative-silent") -> None:  # the recorder contract's name
        super().__init__(id)
        self._counts: dict[str, int] = {}

    def on_loop(self, event: LoopEvent) -> None:
        """A loop edge was taken."""
        self._counts[event.target] = self._counts.get(event.target, 0) + 1

    def get_sentences(self) -> list[str]:
        """The sentences so far, a sum per loop at the end."""
        sums = [
            f"Looped {count} {'time' if count == 1 else 'times'} through {target}."
            for target, count in self._counts.items()
        ]
        return [*self._sentences, *sums]

    def get_loop_counts(self) -> dict[str, int]:
        """How many passes went back to each target."""
        return dict(self._counts)

    def clear(self) -> None:
        """Forget the run before."""
        super().clear()
        self._counts.clear()


class WindowedNarrativeFlowRecorder(NarrativeFlowRecorder):
    """Tells how each loop began and how it ended, after everything else, and how many passes lie between.

    Args:
        head: how many first passes are told.
        tail: how many last ones.

    Raises:
        ValueError: either is negative.

    Example:
        >>> story = WindowedNarrativeFlowRecorder(head=1, tail=1)
        >>> for iteration in range(1, 51):
        ...     story.on_loop(LoopEvent(target="Ask", iteration=iteration))
        >>> story.get_sentences()
        ['On pass 1 through Ask.', '... (48 iterations omitted)', 'On pass 50 through Ask.']
    """

    def __init__(self, head: int = 3, tail: int = 2, id: str = "narrative-windowed") -> None:
        super().__init__(id)
        _at_least(0, head=head, tail=tail)
        self._head = head
        self._tail = tail
        self._passes: dict[str, list[str]] = {}

    def on_loop(self, event: LoopEvent) -> None:
        """A loop edge was taken."""
        self._passes.setdefault(event.target, []).append(_pass_sentence(event))

    def get_sentences(self) -> list[str]:
        """The sentences so far, the loops' at the end."""
        told = list(self._sentences)
        for passes in self._passes.values():
            omitted = self._omitted(passes)
            if not omitted:
                told += passes
                continue
            told += passes[: self._head]
            told.append(f"... ({omitted} iterations omitted)")
            told += passes[len(passes) - self._tail :]
        return told

    def get_suppressed_count(self) -> int:
        """How many passes are not told."""
        return sum([self._omitted(passes) for passes in self._passes.values()])

    def clear(self) -> None:
        """Forget the run before."""
        super().clear()
        self._passes.clear()

    def _omitted(self, passes: list[str]) -> int:
        return max(0, len(passes) - self._head - self._tail)


def _moved_on(name: str, description: Any) -> str:
    return f"Next step: {description}." if description else f"Next, it moved on to {name}."


def _pass_sentence(event: LoopEvent) -> str:
    if event.description:
        return f"On pass {event.iteration}: {event.description} again."
    return f"On pass {event.iteration} through {event.target}."


def _issues(issues: Any) -> str:
    if issues is UNSET or not issues:
        return ""
    return "; ".join(
        [f"{'.'.join(map(str, issue.get('path') or ())) or '(root)'}: {issue.get('message')}" for issue in issues]
    )


def _at_least(least: int, **numbers: int) -> None:
    for name, number in numbers.items():
        if number < least:
            message = f"{name} is a number of at least {least}, not {number!r}"
            raise ValueError(message)
