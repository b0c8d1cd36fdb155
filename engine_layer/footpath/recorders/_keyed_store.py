"""One entry per execution step."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

T = TypeVar("T")
R = TypeVar("R")


class KeyedStore(Generic[T]):
    """Storage for a recorder that knows one thing of each step: an entry per key, in the order of first arrival.

    Keys are runtime stage ids as a rule, any string will do. It is storage only: a recorder owns one and gives its
    answers. The three ways to read it are those of footprintjs: one step (`get`), all up to a point (`accumulate` with
    the keys seen so far), everything (`aggregate`). Not for several threads at once.

    Example:
        >>> store = KeyedStore[int]()
        >>> store.set("load#0", 3)
        >>> store.set("price#1", 4)
        >>> store.get("load#0"), store.aggregate(lambda total, n, key: total + n, 0)
        (3, 7)
        >>> store.accumulate(lambda total, n, key: total + n, 0, keys={"load#0"})
        3
    """

    def __init__(self) -> None:
        self._entries: dict[str, T] = {}

    def set(self, key: str, entry: T) -> None:
        """Keep an entry, in place of the one before it under that key; the key keeps its place in the order."""
        self._entries[key] = entry

    def get(self, key: str) -> T | None:
        """The entry of a key, itself and no copy; None when there is none."""
        return self._entries.get(key)

    def has(self, key: str) -> bool:
        """Whether the key has an entry."""
        return key in self._entries

    def delete(self, key: str) -> bool:
        """Drop an entry; says whether there was one."""
        return self._entries.pop(key, _NOTHING) is not _NOTHING

    def get_map(self) -> Mapping[str, T]:
        """A read-only view of all entries; it shows what is stored later, too."""
        return MappingProxyType(self._entries)

    def values(self) -> list[T]:
        """All entries, in a list of the caller's own."""
        return list(self._entries.values())

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def aggregate(self, fold: Callable[[R, T, str], R], initial: R) -> R:
        """Fold all entries, in order: `fold(so_far, entry, key)`."""
        return self.accumulate(fold, initial)

    def accumulate(self, fold: Callable[[R, T, str], R], initial: R, keys: Collection[str] | None = None) -> R:
        """Fold the entries of some keys, in the order they are stored; without keys, all."""
        result = initial
        for key, entry in self._entries.items():
            if keys is None or key in keys:
                result = fold(result, entry, key)
        return result

    def filter_by_keys(self, keys: Collection[str]) -> list[T]:
        """The entries of some keys, in the order they are stored."""
        return [entry for key, entry in self._entries.items() if key in keys]

    def clear(self) -> None:
        """Forget everything: what a recorder's own `clear` calls."""
        self._entries.clear()


_NOTHING = object()
