"""The view of a list."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from operator import index as index_of
from operator import is_
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar

from footpath.state._place import MAKERS, Place, View, is_echo, is_tracked
from footpath.state._untracked import private_copy, untracked
from footpath.values import ATOMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Result = TypeVar("_Result")


class TrackedList(View, list[Any]):
    """A list of the state, seen by a stage. Made by `track`; calling the class makes a plain list."""

    __slots__ = ("place",)

    def __new__(cls, *args: Any) -> Any:
        return list(*args)

    def sync(self) -> None:
        """Take over what stands at this place now; where no list stands any more the view is empty."""
        place = self.place
        root = place.owner.current_value(place.key)
        if root is place.root:
            if place.source is root and place.length != list.__len__(root):
                self._catch_up() if place.seen is root else self.look_again()
            return
        place.root = root
        now = place.find()
        if now is place.source:
            return
        place.source = now
        self._take(now if type(now) is list else [])

    def _take(self, items: list[Any]) -> None:
        place = self.place
        place.seen = list(items)
        place.length = list.__len__(items)
        list.clear(self)
        list.extend(self, items)

    def _catch_up(self) -> None:
        """Another view of this list has let it grow."""
        place = self.place
        list.extend(self, place.seen[place.length :])
        place.length = list.__len__(place.seen)

    def drifted(self) -> bool:
        """Did C code change this view behind its methods since it last took over what is there?"""
        place = self.place
        if place.seen is not place.source:
            return not _alike(self, place.seen)
        if place.length != list.__len__(place.seen):
            self._catch_up()
        return not _alike_in_c(self, place.seen)

    def look_again(self) -> None:
        """Take over what somebody did to the list itself, past the state, unless C code changed the view, too."""
        place = self.place
        if place.seen is not place.source and not _alike(place.source, place.seen) and not self.drifted():
            self._take(place.source)

    def _change(self, change: Callable[[list[Any]], _Result]) -> _Result:
        self.sync()
        content = list.copy(self)
        result = change(content)
        self.place.replace(content)
        self.sync()
        return result

    def _grow(self, items: list[Any]) -> None:
        self.sync()
        place = self.place
        items = untracked(items)
        if place.path or type(place.root) is not list or self._drifted_for_sure():
            self._change(lambda content: content.extend(items))
            return
        place.owner.root_extend(place.key, items)
        now = place.owner.current_value(place.key)
        list.extend(self, items)
        place.root = place.source = place.seen = now
        place.length = list.__len__(now)

    def _drifted_for_sure(self) -> bool:
        """Likewise, but of a list that nobody else holds its length alone is looked at: what else there is, `settle` finds."""
        place = self.place
        return list.__len__(self) != place.length if place.seen is place.source else self.drifted()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────
    def __getitem__(self, index: Any) -> Any:
        self.sync()
        if isinstance(index, slice):
            return [
                self.place.child(at, list.__getitem__(self, at)) for at in range(*index.indices(list.__len__(self)))
            ]
        value = list.__getitem__(self, index)
        if type(value) in ATOMS:
            return value
        at = index_of(index)
        return self.place.child(at + list.__len__(self) if at < 0 else at, value)

    def __iter__(self) -> Iterator[Any]:
        """Go over the items by index as a list does: items added meanwhile are met, too."""
        place = self.place
        current = place.owner.current_value
        index = 0
        while True:
            root = current(place.key)
            if root is not place.root or (place.source is root and place.length != list.__len__(root)):
                self.sync()
            if index >= list.__len__(self):
                return
            value = list.__getitem__(self, index)
            yield value if type(value) in ATOMS else place.child(index, value)
            index += 1

    def __reversed__(self) -> Iterator[Any]:
        for index in range(len(self) - 1, -1, -1):
            if index < len(self):
                yield self[index]

    def __len__(self) -> int:
        self.sync()
        return list.__len__(self)

    def __contains__(self, item: object) -> bool:
        self.sync()
        return list.__contains__(self, item)

    def index(self, item: Any, *bounds: Any) -> int:
        self.sync()
        return list.index(self, item, *bounds)

    def count(self, item: Any) -> int:
        self.sync()
        return list.count(self, item)

    def copy(self) -> list[Any]:
        return self[:]

    __copy__ = copy

    def __deepcopy__(self, _memo: Any) -> list[Any]:
        plain: list[Any] = untracked(self)
        return plain

    def __reduce_ex__(self, _protocol: SupportsIndex) -> tuple[Any, ...]:
        return list, (untracked(self),)

    def __repr__(self) -> str:
        self.sync()
        return list.__repr__(self)

    def _with(self, other: object) -> list[Any]:
        self.sync()
        if is_tracked(other):
            other.sync()  # type: ignore[attr-defined]  # a view
        return self

    def __eq__(self, other: object) -> bool:
        return list.__eq__(self._with(other), other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: list[Any]) -> bool:
        return list.__lt__(self._with(other), other)

    def __le__(self, other: list[Any]) -> bool:
        return list.__le__(self._with(other), other)

    def __gt__(self, other: list[Any]) -> bool:
        return list.__gt__(self._with(other), other)

    def __ge__(self, other: list[Any]) -> bool:
        return list.__ge__(self._with(other), other)

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __add__(self, other: Any) -> Any:
        return self.copy() + list(other) if isinstance(other, list) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return list(other) + self.copy() if isinstance(other, list) else NotImplemented

    def __mul__(self, times: SupportsIndex) -> list[Any]:
        return self.copy() * times

    __rmul__ = __mul__

    # ── changing: each one set of the whole root value ───────────────────────────────────────────────────────────
    def __setitem__(self, index: Any, value: Any) -> None:
        self.sync()
        if isinstance(index, slice):
            items = untracked(list(value))
            self._change(lambda content: content.__setitem__(index, items))
            return
        place = self.place
        at = index_of(index)
        if is_echo(value, place.owner, place.key, (*place.path, at + list.__len__(self) if at < 0 else at)):
            return
        plain = untracked(value)
        self._change(lambda content: content.__setitem__(at, plain))

    def __delitem__(self, index: Any) -> None:
        self._change(lambda content: content.__delitem__(index))

    def append(self, item: Any) -> None:
        self._grow([item])

    def extend(self, items: Iterable[Any]) -> None:
        self._grow(list(items))

    def insert(self, index: SupportsIndex, item: Any) -> None:
        plain = untracked(item)
        self._change(lambda content: content.insert(index, plain))

    def pop(self, index: SupportsIndex = -1) -> Any:
        return private_copy(self._change(lambda content: content.pop(index)))

    def remove(self, item: Any) -> None:
        self._change(lambda content: content.remove(item))

    def clear(self) -> None:
        self._change(lambda content: content.clear())

    def sort(self, *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> None:
        """Sort in place, or not at all where items do not compare; `key` is called with plain values."""
        self._change(lambda content: content.sort(key=key, reverse=reverse))  # type: ignore[arg-type]

    def reverse(self) -> None:
        self._change(lambda content: content.reverse())

    def __iadd__(self, items: Iterable[Any]) -> Any:
        self._grow(list(items))
        self.place.in_place = True
        return self

    def __imul__(self, times: SupportsIndex) -> Any:
        self._change(lambda content: content.__imul__(times))
        self.place.in_place = True
        return self


def _alike(one: list[Any], other: list[Any]) -> bool:
    return list.__len__(one) == list.__len__(other) and all(map(is_, list.__iter__(one), list.__iter__(other)))


def _alike_in_c(one: list[Any], other: list[Any]) -> bool:
    """The same, twenty times as fast: `==` looks at identity first, and asks items only where C code has moved some."""
    try:
        return list.__eq__(one, other)
    except Exception:  # noqa: BLE001  # an item's own __eq__
        return False


def _list_view(value: list[Any], place: Place) -> TrackedList:
    items = place.kept.get(place.path)
    if items is not None and items.place.source is value:
        items.look_again()  # one view for one list: what C code did to it is not lost when the list is read twice
        return items
    items = place.kept[place.path] = list.__new__(TrackedList)
    items.place = place
    place.source = value
    place.seen = value if place.own else list(value)
    place.length = list.__len__(value)
    list.extend(items, value)
    return items


MAKERS[list] = _list_view
