"""The view of a dict."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from types import MappingProxyType
from typing import Any, Final, SupportsIndex

from footpath.state._place import MAKERS, Place, View, is_echo, is_tracked
from footpath.state._untracked import private_copy, untracked
from footpath.values import ATOMS

_MISSING: Final = object()


class _Keys(KeysView[Any]):
    """What `keys()` gives: all that `dict.keys()` can do."""

    _mapping: Any

    @property
    def mapping(self) -> Any:
        return MappingProxyType(self._mapping)

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self._mapping)


class _Values(ValuesView[Any]):
    """Likewise `values()`; members that are containers come out as views."""

    _mapping: Any

    @property
    def mapping(self) -> Any:
        return MappingProxyType(self._mapping)

    def __reversed__(self) -> Iterator[Any]:
        return (self._mapping[key] for key in reversed(self._mapping))


class _Items(ItemsView[Any, Any]):
    """Likewise `items()`."""

    _mapping: Any

    @property
    def mapping(self) -> Any:
        return MappingProxyType(self._mapping)

    def __reversed__(self) -> Iterator[Any]:
        return ((key, self._mapping[key]) for key in reversed(self._mapping))


class TrackedDict(View, dict[Any, Any]):
    """A dict of the state, seen by a stage. Made by `track`; calling the class makes a plain dict."""

    __slots__ = ("place",)

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
        return _Keys(self)

    def values(self) -> Any:
        return _Values(self)

    def items(self) -> Any:
        return _Items(self)

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


def _content(view: TrackedDict) -> dict[Any, Any]:
    return dict(dict.items(view))  # `dict.copy` would ask the view's own methods and get views


def _dict_view(value: dict[Any, Any], place: Place) -> TrackedDict:
    view = dict.__new__(TrackedDict)
    view.place = place
    place.source = value
    dict.update(view, value)
    return view


MAKERS[dict] = _dict_view
