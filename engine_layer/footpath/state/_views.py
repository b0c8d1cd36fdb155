"""Views: the containers of the state as a stage sees them.

A view is a dict or list (`isinstance` says so, `==`, `json.dumps` and msgspec treat it so) that also knows its place: the
state key and the path below it. A change made through it is told to the owner when it happens, as in footprintjs: an
assignment along objects only is a nested set, any other change sets the whole root value anew.

A view is its place, not the object that was there. Views of one place show one content, whichever of them changed it,
and a view of item 0 shows whatever is item 0 now. Below a view lie plain values; a container among them becomes a view
when it is taken out. Values in the state are never changed in place: a view copies one level when it is made, and the
containers along its path when it writes.

C code that changes a list past its methods (`heapq`) is found by `settle`.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import pairwise
from operator import is_
from typing import Any, Final, Protocol, SupportsIndex, TypeVar

from msgspec import Raw

from footpath.state._untracked import private_copy
from footpath.values import ABSENT, ATOMS, CONTAINERS, encode_json, is_json, record

_MISSING: Final = object()
_Result = TypeVar("_Result")


class Owner(Protocol):
    """What a view needs of the stage it belongs to. A method that changes state has done so when it returns.

    Values handed over are plain: they hold no views.
    """

    def current_value(self, key: str) -> Any:
        """The plain value of a key as the stage would read it now, without an event; `ABSENT` when there is none."""

    def nested_set(self, key: str, path: tuple[Any, ...], value: Any) -> None:
        """A member below objects was assigned: an update with the patch that `path` and `value` spell."""

    def root_set(self, key: str, value: Any) -> None:
        """The value of the key is another now."""

    def root_extend(self, key: str, items: list[Any]) -> None:
        """The list that is the value of the key grew at its end."""


class Place:
    """Where a view stands, and what was there when it last looked.

    Attributes:
        in_list: whether a list lies on the way from the root (the container at this place not counted).
        kept: the list views of one root by path, for `settle`.
        seen: of a list view, the items it took over last.
        in_place: set by `+=` and its kin, whose assignment is still to come: see `is_echo`.
    """

    __slots__ = ("in_list", "in_place", "kept", "key", "owner", "path", "root", "seen", "source")

    def __init__(
        self, owner: Owner, key: str, path: tuple[Any, ...], in_list: bool, kept: dict[tuple[Any, ...], TrackedList]
    ) -> None:
        self.owner = owner
        self.key = key
        self.path = path
        self.in_list = in_list
        self.kept = kept
        self.root: Any = None
        self.source: Any = None
        self.seen: list[Any] = []
        self.in_place = False

    def find(self) -> Any:
        """The plain container that stands here below `root`; `ABSENT` when the path leads nowhere."""
        node = self.root
        for step in self.path:
            if type(node) is dict:
                node = node.get(step, ABSENT)
            elif type(node) is list and type(step) is int and step < len(node):
                node = node[step]
            else:
                return ABSENT
        return node

    def replace(self, container: Any) -> None:
        """Set the root value anew, with `container` at this place.

        Raises:
            IndexError: the path goes through a list item that is no longer there.
        """
        path = self.path
        if not path:
            self.owner.root_set(self.key, container)
            return
        root = node = self._opened(self.root, path[0])
        for step, after in pairwise(path):
            below = self._opened(node.get(step, ABSENT) if type(node) is dict else node[step], after)
            node[step] = below
            node = below
        node[path[-1]] = container
        self.owner.root_set(self.key, root)

    def _opened(self, node: Any, step: Any) -> Any:
        if type(node) is dict:
            return dict(node)
        if type(node) is list and type(step) is int and step < len(node):
            return list(node)
        if self.in_list:
            where = "".join(f"[{part!r}]" for part in self.path)
            message = f"nothing stands at {self.key}{where} any more: a list on the way is shorter; read it again"
            raise IndexError(message)
        return {}  # as in the reference: an object on the way that is gone comes back

    def child(self, step: Any, value: Any) -> Any:
        """What a stage gets for a part of this container: a view of a dict or list, else the value itself."""
        kind = type(value)
        if kind is not dict and kind is not list:
            return value
        place = Place(self.owner, self.key, (*self.path, step), self.in_list or type(self.source) is list, self.kept)
        place.root = self.root
        return _view_of(value, place)


def _view_of(value: Any, place: Place) -> Any:
    if type(value) is dict:
        view = dict.__new__(TrackedDict)
        view.place = place
        place.source = value
        dict.update(view, value)
        return view
    items = place.kept.get(place.path)
    if items is not None and items.place.source is value:
        items.look_again()  # one view for one list: what C code did to it is not lost when the list is read twice
        return items
    items = place.kept[place.path] = list.__new__(TrackedList)
    items.place = place
    place.source = value
    place.seen = list(value)
    list.extend(items, value)
    return items


def track(value: Any, owner: Owner, key: str, before: Any = None) -> Any:
    """Give what a stage gets for the value of a key: a view of a dict or list, any other value itself.

    Dicts and lists of a class of their own (`OrderedDict`, ...) and tuples are given as they are. `before` is what the
    same owner got for the same key earlier, if it did: `settle` of the newest view then sees to all of them.
    """
    if type(value) is not dict and type(value) is not list:
        return value
    place = Place(owner, key, (), False, before.place.kept if is_tracked(before) else {})
    place.root = owner.current_value(key)
    return _view_of(value, place)


def is_tracked(value: Any) -> bool:
    """Is it a view?"""
    kind = type(value)
    return kind is TrackedDict or kind is TrackedList


def untracked(value: Any) -> Any:
    """Give the plain value: of a view, or of a value that holds views, a private deep copy; any other value itself.

    Dicts, lists and tuples are copied, other objects inside are shared.
    """
    kind = type(value)
    if kind is TrackedDict or kind is TrackedList:
        value.sync()
        return private_copy(value, _plain_kind)
    if kind in CONTAINERS and not is_json(value) and _holds_views(value):
        return private_copy(value, _plain_kind)
    return value


def capture(value: Any) -> tuple[Any, Any]:
    """Give a value as the state may keep it, without views, and its recorded form; plain JSON is looked through once."""
    if type(value) in CONTAINERS:
        encoded = encode_json(value)
        if encoded is not None:
            return value, Raw(encoded)
    if is_tracked(value) or (type(value) in CONTAINERS and _holds_views(value)):
        value = untracked(value)
    return value, record(value)


def _plain_kind(kind: type) -> type:
    return dict if kind is TrackedDict else list if kind is TrackedList else kind


def _holds_views(value: Any) -> bool:
    todo = [value]
    seen: set[int] = set()
    while todo:
        box = todo.pop()
        kind = type(box)
        if kind is TrackedDict or kind is TrackedList:
            return True
        if (kind is dict or kind is list or kind is tuple) and id(box) not in seen:
            seen.add(id(box))
            todo.extend(box.values() if kind is dict else box)
    return False


def is_echo(value: Any, owner: Owner, key: str, path: tuple[Any, ...] = ()) -> bool:
    """Is this assignment the second half of `scope.key += ...`, which the view has told already? Asked once per `+=`."""
    if not is_tracked(value):
        return False
    place: Place = value.place
    echo = place.in_place and place.owner is owner and place.key == key and place.path == path
    if echo:
        place.in_place = False
    return echo


def settle(view: Any) -> bool:
    """Tell the owner of changes that C code made to list views behind their methods; True when there were any.

    `view` is the view of a root value; all list views that came out of it are looked at.
    """
    if not is_tracked(view):
        return False
    found = False
    for items in list(view.place.kept.values()):
        place = items.place
        if type(place.source) is not list or not items.drifted():
            continue
        last_root, place.root = place.root, place.owner.current_value(place.key)
        if place.find() is not place.source:
            place.root = last_root  # written anew since: the next look at the view takes that over
            continue
        place.replace(list.copy(items))
        items.sync()
        found = True
    return found


def _content(view: TrackedDict) -> dict[Any, Any]:
    return dict(dict.items(view))  # `dict.copy` would ask the view's own methods and get views


def _alike(one: list[Any], other: list[Any]) -> bool:
    return list.__len__(one) == list.__len__(other) and all(map(is_, list.__iter__(one), list.__iter__(other)))


class TrackedDict(dict[Any, Any]):
    """A dict of the state, seen by a stage. Made by `track`; calling the class makes a plain dict."""

    __slots__ = ("place",)
    place: Place

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return dict(*args, **kwargs)

    def sync(self) -> None:
        """Take over what stands at this place now; where no dict stands any more, keep showing the last one."""
        place = self.place
        root = place.owner.current_value(place.key)
        if root is place.root:
            return
        place.root = root
        now = place.find()
        if now is not place.source and type(now) is dict:
            place.source = now
            dict.clear(self)
            dict.update(self, now)

    def _replace(self, content: dict[Any, Any]) -> None:
        self.place.replace(content)
        self.sync()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────
    def __getitem__(self, key: Any) -> Any:
        self.sync()
        value = dict.__getitem__(self, key)
        return value if type(value) in ATOMS else self.place.child(key, value)

    def get(self, key: Any, default: Any = None) -> Any:
        self.sync()
        value = dict.get(self, key, _MISSING)
        return default if value is _MISSING else self.place.child(key, value)

    def __contains__(self, key: object) -> bool:
        self.sync()
        return dict.__contains__(self, key)

    def __len__(self) -> int:
        self.sync()
        return dict.__len__(self)

    def __iter__(self) -> Iterator[Any]:
        self.sync()
        return iter(list(dict.__iter__(self)))

    def __reversed__(self) -> Iterator[Any]:
        self.sync()
        return iter(list(dict.__reversed__(self)))

    def keys(self) -> Any:
        return KeysView(self)

    def values(self) -> Any:
        return ValuesView(self)

    def items(self) -> Any:
        return ItemsView(self)

    def copy(self) -> dict[Any, Any]:
        return {key: self[key] for key in self}

    __copy__ = copy

    def __deepcopy__(self, _memo: Any) -> dict[Any, Any]:
        plain: dict[Any, Any] = untracked(self)
        return plain

    def __reduce_ex__(self, _protocol: SupportsIndex) -> tuple[Any, ...]:
        return dict, (untracked(self),)

    def __repr__(self) -> str:
        self.sync()
        return dict.__repr__(self)

    def __eq__(self, other: object) -> bool:
        self.sync()
        if is_tracked(other):
            other.sync()  # type: ignore[attr-defined]  # a view
        return dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]  # as a dict

    def __or__(self, other: Any) -> Any:
        return self.copy() | other if isinstance(other, dict) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return other | self.copy() if isinstance(other, dict) else NotImplemented

    @classmethod
    def fromkeys(cls, iterable: Iterable[Any], value: Any = None) -> dict[Any, Any]:
        return dict.fromkeys(iterable, value)

    # ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────
    def __setitem__(self, key: Any, value: Any) -> None:
        self.sync()
        place = self.place
        path = (*place.path, key)
        if is_echo(value, place.owner, place.key, path):
            return
        is_array = isinstance(value, (list, tuple))
        value = untracked(value)
        if place.in_list or is_array:
            self._replace({**_content(self), key: value})
        else:
            place.owner.nested_set(place.key, path, value)
            self.sync()

    def __delitem__(self, key: Any) -> None:
        self.sync()
        content = _content(self)
        del content[key]
        self._replace(content)

    def pop(self, key: Any, default: Any = _MISSING) -> Any:
        self.sync()
        content = _content(self)
        if default is not _MISSING and key not in content:
            return default
        value = content.pop(key)
        self._replace(content)
        return private_copy(value)

    def popitem(self) -> tuple[Any, Any]:
        self.sync()
        content = _content(self)
        key, value = content.popitem()
        self._replace(content)
        return key, private_copy(value)

    def clear(self) -> None:
        self.sync()
        self._replace({})

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Assign member by member, each an event of its own, as `Object.assign` does."""
        for key, value in dict[Any, Any](*args, **kwargs).items():
            self[key] = value

    def __ior__(self, other: Any) -> Any:
        if not isinstance(other, (Mapping, Iterable)):
            return NotImplemented
        self.update(other)
        self.place.in_place = True
        return self


class TrackedList(list[Any]):
    """A list of the state, seen by a stage. Made by `track`; calling the class makes a plain list."""

    __slots__ = ("place",)
    place: Place

    def __new__(cls, *args: Any) -> Any:
        return list(*args)

    def sync(self) -> None:
        """Take over what stands at this place now; where no list stands any more the view is empty."""
        place = self.place
        root = place.owner.current_value(place.key)
        if root is place.root:
            return
        place.root = root
        now = place.find()
        if now is place.source:
            return
        place.source = now
        self._take(now if type(now) is list else [])

    def _take(self, items: list[Any]) -> None:
        self.place.seen = list(items)
        list.clear(self)
        list.extend(self, items)

    def drifted(self) -> bool:
        """Did C code change this view behind its methods since it last took over what is there?"""
        return not _alike(self, self.place.seen)

    def look_again(self) -> None:
        """Take over what somebody did to the list itself, past the state, unless C code changed the view, too."""
        source = self.place.source
        if not _alike(source, self.place.seen) and not self.drifted():
            self._take(source)

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
        if place.path or type(place.root) is not list or self.drifted():
            self._change(lambda content: content.extend(items))
        else:
            place.owner.root_extend(place.key, items)
            self.sync()

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
        at = index.__index__()
        return self.place.child(at + list.__len__(self) if at < 0 else at, value)

    def __iter__(self) -> Iterator[Any]:
        """Go over the items by index as a list does: items added meanwhile are met, too."""
        place = self.place
        current = place.owner.current_value
        index = 0
        while True:
            if current(place.key) is not place.root:
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
        at = index.__index__()
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
        """Sort in place; `key` is called with plain values."""
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
