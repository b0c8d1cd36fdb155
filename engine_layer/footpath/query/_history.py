"""One key's values over time, for asking about many moments of a long run."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

from footpath.query._log import rows_of
from footpath.query._patch import Patcher, copied, segments_of
from footpath.values import ABSENT

if TYPE_CHECKING:
    from footpath.query._log import CommitIndex

STOPOVERS = 16
_WORTH_IT = 1_024  # writes; a fold over fewer is as fast as finding where to begin


class KeyHistory:
    """What a key was at any position, the key having been `base` at the start.

    A value is the fold of all writes since the last whole one. The first long fold leaves values at a few stopovers,
    from which later ones begin, so that asking k times of n writes costs about n + k * n / 16 steps and not k * n.
    """

    __slots__ = ("_base", "_index", "_kept", "_key", "_ordinals", "_positions", "_whole")

    def __init__(self, index: CommitIndex, key: str, base: Any = ABSENT) -> None:
        self._index = index
        self._key = key
        self._base = base
        self._positions = index.writers(key)
        self._whole: list[int] = []
        last = -1
        for ordinal, position in enumerate(self._positions):
            rows = rows_of(index.log[position])
            if any(row["path"] == key and row["verb"] in {"set", "delete"} for row in rows):
                last = ordinal
            self._whole.append(last)
        self._ordinals: list[int] = []
        self._kept: list[Any] = []

    def before(self, end: int) -> Any:
        """A private copy of the value just before position `end`; `ABSENT` where there was none."""
        ordinal = bisect_left(self._positions, end) - 1
        if ordinal < 0:
            return copied(self._base)
        begin, value = self._whole[ordinal], ABSENT
        if begin < 0:
            begin, value = 0, self._base
        stopover = bisect_right(self._ordinals, ordinal) - 1
        if stopover >= 0 and self._ordinals[stopover] >= begin:
            begin, value = self._ordinals[stopover] + 1, copied(self._kept[stopover])
        length = ordinal + 1 - begin
        keeping = length // STOPOVERS if length >= _WORTH_IT and not self._ordinals else 0
        segments = segments_of(self._key)
        fold = Patcher(merging_copies=True)
        for at in range(begin, ordinal + 1):
            bundle = self._index.log[self._positions[at]]
            for row in rows_of(bundle):
                if row["path"] == self._key:
                    value = fold.applied(value, row["verb"], bundle, segments)
            if keeping and (at - begin) % keeping == keeping - 1:
                self._ordinals.append(at)
                self._kept.append(copied(value))
        return copied(value)
