"""Ranges of commits, each with a label."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

L = TypeVar("L")


class RangeEntry(NamedTuple, Generic[L]):
    """A range as questions find it: both ends belong to it; without `end_index` it is still open."""

    label: L
    start_index: int
    end_index: int | None = None


class RangeToken:
    """Stands for a range that was opened; of use to `close` alone."""

    __slots__ = ()


class CommitRangeIndex(Generic[L]):
    """Knows which ranges of the commit log a commit lies in: a model call, a turn, a branch; the labels are yours.

    Example:
        >>> index = CommitRangeIndex[str]()
        >>> turn = index.open("turn 1", 0)
        >>> call = index.open("call", 1)
        >>> index.close(call, 2)
        >>> [found.label for found in index.enclosing(2)], [found.label for found in index.overlapping(3, 9)]
        (['turn 1', 'call'], ['turn 1'])
    """

    def __init__(self) -> None:
        self._ranges: dict[RangeToken, RangeEntry[L]] = {}

    def open(self, label: L, start_index: int) -> RangeToken:
        """Begin a range at a commit; the token closes it."""
        token = RangeToken()
        self._ranges[token] = RangeEntry(label, start_index)
        return token

    def close(self, token: RangeToken, end_index: int) -> None:
        """End a range with a commit. A token of another index, of before `clear` or used before changes nothing."""
        known = self._ranges.get(token)
        if known is not None and known.end_index is None:
            self._ranges[token] = known._replace(end_index=end_index)

    def enclosing(self, commit_index: int) -> tuple[RangeEntry[L], ...]:
        """The ranges that a commit lies in, from the outermost in."""
        return self.overlapping(commit_index, commit_index)

    def overlapping(self, start_index: int, end_index: int) -> tuple[RangeEntry[L], ...]:
        """The ranges that share a commit with `start_index` to `end_index`, both included, from the outermost in.

        Ranges that begin together: the one that ends later is the outer one, an open one ends last.
        """
        found = [
            known
            for known in self._ranges.values()
            if known.start_index <= end_index and (known.end_index is None or known.end_index >= start_index)
        ]
        return tuple(sorted(found, key=_outer_first))

    @property
    def size(self) -> int:
        """How many ranges there are, open or closed."""
        return len(self._ranges)

    def clear(self) -> None:
        """Forget every range; their tokens are of no use any more."""
        self._ranges.clear()


def _outer_first(known: RangeEntry[Any]) -> tuple[int, float]:
    return known.start_index, float("-inf") if known.end_index is None else -known.end_index
