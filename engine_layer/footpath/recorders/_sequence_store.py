"""Many entries per execution step, in one order."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from msgspec import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

T = TypeVar("T")
R = TypeVar("R")


class EntryRange(NamedTuple):
    """Where a step's entries lie: from index `first_index` up to, not including, `end_index`."""

    first_index: int
    end_index: int


class SequenceStore(Generic[T]):
    """Storage for a recorder that knows many things of each step and their order.

    An entry is any object; its `runtime_stage_id` says which step it belongs to. One without it (or with None or UNSET
    there) is a marker: it stands between steps and belongs to none. All entries stand in one sequence, those of a step
    can be asked for at once, and nothing is copied but the lists that are handed out. Not for several threads at once.

    Example:
        >>> from types import SimpleNamespace as Entry
        >>> store = SequenceStore()
        >>> for step, n in [("a#0", 1), ("a#0", 2), ("b#1", 3)]:
        ...     store.push(Entry(runtime_stage_id=step, n=n))
        >>> [entry.n for entry in store.get_by_key("a#0")]
        [1, 2]
        >>> store.get_entry_ranges()["b#1"]
        EntryRange(first_index=2, end_index=3)
    """

    def __init__(self) -> None:
        self._entries: list[T] = []
        self._by_step: dict[str, list[T]] = {}
        self._ranges: dict[str, EntryRange] = {}
        self._last_step: str | None = None

    def push(self, entry: T) -> None:
        """Add an entry at the end."""
        entries = self._entries
        entries.append(entry)
        step = step_of(entry)
        if step is None:
            step = self._last_step
            if step is None:
                return
        else:
            self._last_step = step
            of_step = self._by_step.get(step)
            if of_step is None:
                self._by_step[step] = [entry]
            else:
                of_step.append(entry)
        known = self._ranges.get(step)
        self._ranges[step] = EntryRange(len(entries) - 1 if known is None else known.first_index, len(entries))

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries)

    def get_all(self) -> list[T]:
        """Every entry in order, in a list of the caller's own; the entries are the store's."""
        return list(self._entries)

    def get_by_key(self, runtime_stage_id: str) -> list[T]:
        """A step's entries, in a list of the caller's own; empty for a step that has none."""
        return list(self._by_step.get(runtime_stage_id, ()))

    @property
    def size(self) -> int:
        """How many entries there are, markers included."""
        return len(self._entries)

    @property
    def key_count(self) -> int:
        """How many steps have an entry."""
        return len(self._by_step)

    def for_each(self, visit: Callable[[T], Any]) -> None:
        """Call `visit` with each entry in order."""
        for entry in self._entries:
            visit(entry)

    def get_entry_ranges(self) -> Mapping[str, EntryRange]:
        """For each step, the part of the sequence that reaches from its first entry to its last.

        Markers right after a step's entry belong to its range; so do the entries of other steps that came in between.
        """
        return MappingProxyType(self._ranges)

    def aggregate(self, fold: Callable[[R, T], R], initial: R) -> R:
        """Fold every entry, in order: `fold(so_far, entry)`."""
        return self.accumulate(fold, initial)

    def accumulate(self, fold: Callable[[R, T], R], initial: R, keys: Collection[str] | None = None) -> R:
        """Fold the entries of some steps, in order, without markers; without keys, every entry."""
        result = initial
        for entry in self._entries:
            if keys is None or step_of(entry) in keys:
                result = fold(result, entry)
        return result

    def get_entries_up_to(self, visible_ids: Collection[str]) -> list[T]:
        """The entries of some steps, in order, with the markers that stand between the first and the last of them.

        For a slider: give the steps up to it. What a marker after the last visible entry leads to is not visible yet.
        """
        found: list[T] = []
        waiting: list[T] = []
        for entry in self._entries:
            step = step_of(entry)
            if step is None:
                if found:
                    waiting.append(entry)
            elif step in visible_ids:
                found.extend(waiting)
                waiting.clear()
                found.append(entry)
        return found

    def clear(self) -> None:
        """Forget everything: what a recorder's own `clear` calls."""
        self._entries.clear()
        self._by_step.clear()
        self._ranges.clear()
        self._last_step = None


def step_of(entry: object) -> str | None:
    """Which step an entry belongs to."""
    step = getattr(entry, "runtime_stage_id", None)
    return None if step is UNSET else step
