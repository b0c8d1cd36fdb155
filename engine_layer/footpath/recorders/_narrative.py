"""The narrative as a recorder of its own, beside the one built into an executor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import UNSET

from footpath.recorders._bundle import RecorderBundle, as_json
from footpath.recorders._narrative_format import reworded
from footpath.recorders._sequence_store import SequenceStore
from footpath.replay import NarrativeBuilder
from footpath.values import SUMMARY_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from footpath.recorders._sequence_store import EntryRange
    from footpath.replay import NarrativeEntry

R = TypeVar("R")


class NarrativeRecorder(NarrativeBuilder):
    """Tells a run as lines of text, flow and data together: footprintjs's `CombinedNarrativeRecorder`.

    The same story as `executor.enable_narrative` keeps, for whoever wants it beside that one, told of a replayed trace,
    or with other options; see `NarrativeBuilder` for those. `clear` begins anew; an executor calls it before each run,
    and not before a resume.

    Args:
        include_values: say the value of each read and write, not only its key.
        include_step_numbers: begin each read and write with "Step N: ".
        max_value_length: longest value summary, in UTF-16 units.
        format_value: says a value that was read, written or mapped in: `format_value(value, max_value_length)`; hidden
            values come as the mark.
        renderer: words lines its own way; see `NarrativeFormatter`.
        id: what it is attached and detached by.

    Example:
        >>> story = NarrativeRecorder(include_step_numbers=False)
        >>> executor.attach_combined_recorder(story)
        >>> _ = executor.run(input={"amount": 100})
        >>> for entry in story.get_entries():
        ...     print("  " * entry.depth + entry.text)
        Stage 1: The process began with Assess.
          Write risk = "low"
        Stage 2: Next, it moved on to Route.
          Read risk = "low"
          [Condition]: It evaluated Rule 0 "low risk": risk "low" eq "low" ✓, and chose Approve.
        Stage 3: Next, it moved on to Approve.
          Write approved = true
    """

    def __init__(
        self,
        *,
        include_values: bool = True,
        include_step_numbers: bool = True,
        max_value_length: int = SUMMARY_LENGTH,
        format_value: Callable[[Any, int], str] | None = None,
        renderer: object | None = None,
        id: str = "narrative",  # the recorder contract's name
    ) -> None:
        """Begin with an empty story."""
        super().__init__(
            include_values=include_values,
            include_step_numbers=include_step_numbers,
            max_value_length=max_value_length,
            id=id,
        )
        self._format_value = format_value if include_values else None
        self._renderer = renderer
        self._limit = max_value_length
        self._seen = 0  # of the plain story's lines, how many have been worded
        self._worded: list[NarrativeEntry] = []
        self._told_of: list[Any] = []
        if renderer is not None:
            self._tell = {kind: partial(self._tell_and_note, tell) for kind, tell in self._tell.items()}

    def _tell_and_note(self, tell: Callable[[Any], None], event: Any) -> None:
        """Tell of an event, and note it for each line that comes of it."""
        self._told_of += [None] * (self._story.count - len(self._told_of))  # what no event of the flow told
        tell(event)
        self._told_of += [event] * (self._story.count - len(self._told_of))

    def entries(self) -> list[NarrativeEntry]:
        """Every line so far, as data; the list is the caller's own."""
        if self._renderer is None and self._format_value is None:
            return super().entries()
        lines = super().entries()
        for at in range(self._seen, len(lines)):
            event = self._told_of[at] if at < len(self._told_of) else None
            worded = reworded(lines[at], event, self._renderer, self._format_value, self._limit)
            if worded is not None:
                self._worded.append(worded)
        self._seen = len(lines)
        return list(self._worded)

    def lines(self) -> list[str]:
        """Every line so far, as text."""
        return [entry.text for entry in self.entries()]

    def begin_trace(self, trace: object) -> None:
        """Begin another run's story; the old one is gone."""
        super().begin_trace(trace)
        self._seen = 0
        self._worded = []
        self._told_of.clear()

    def get_entries(self) -> list[NarrativeEntry]:
        """Every line so far, as data, in order; the list is the caller's own."""
        return self.entries()

    @property
    def entry_count(self) -> int:
        """How many lines there are."""
        return len(self.entries())

    @property
    def step_count(self) -> int:
        """How many executions have a line."""
        return self._store().key_count

    def get_entries_for_step(self, runtime_stage_id: str) -> list[NarrativeEntry]:
        """One execution's lines, in order."""
        return self._store().get_by_key(runtime_stage_id)

    def get_entries_by_subflow(self) -> dict[str, list[NarrativeEntry]]:
        """The lines by subflow id, in order; those of the outermost chart, if any, under the empty text."""
        found: dict[str, list[NarrativeEntry]] = {"": []}
        for entry in self.entries():
            found.setdefault("" if entry.subflow_id is UNSET else entry.subflow_id, []).append(entry)
        return found

    def get_entry_ranges(self) -> Mapping[str, EntryRange]:
        """Where each execution's lines lie; see `SequenceStore.get_entry_ranges`."""
        return self._store().get_entry_ranges()

    def get_entries_up_to(self, visible_ids: Collection[str]) -> list[NarrativeEntry]:
        """The lines of some executions, in order, with what stands between them."""
        return self._store().get_entries_up_to(visible_ids)

    def aggregate(self, fold: Callable[[R, NarrativeEntry], R], initial: R) -> R:
        """Fold every line: `fold(so_far, entry)`."""
        return self._store().aggregate(fold, initial)

    def accumulate(self, fold: Callable[[R, NarrativeEntry], R], initial: R, keys: Collection[str] | None = None) -> R:
        """Fold the lines of some executions; without keys, every line."""
        return self._store().accumulate(fold, initial, keys)

    def to_snapshot(self) -> RecorderBundle:
        """The lines as `get_snapshot()["recorders"]` shows them: without the values, which their texts sum up."""
        entries = as_json(self.entries())
        for entry in entries:
            entry.pop("rawValue", None)
        return {
            "name": "Narrative",
            "description": "Translator (SequenceStore) — plain-English trace merged from flow + data events",
            "preferredOperation": "translate",
            "data": entries,
        }

    def clear(self) -> None:
        """Forget the run before."""
        self.begin_trace(None)

    def _store(self) -> SequenceStore[NarrativeEntry]:
        # Made when somebody asks: while the run goes on, keeping an event is one append.
        store: SequenceStore[NarrativeEntry] = SequenceStore()
        for entry in self.entries():
            store.push(entry)
        return store
