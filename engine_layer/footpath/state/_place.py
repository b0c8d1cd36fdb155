"""Views: the containers of the state as a stage sees them; where each stands, and how it tells its owner of a change.

A view is a dict or list (`isinstance` says so, `==`, `json.dumps` and msgspec treat it so) that is its place, the state
key and the path below it, not the object that was there. Views of one place show one content, whichever of them changed
it, and a view of item 0 shows whatever is item 0 now. A change made through one is told to the owner when it happens,
as in footprintjs: an assignment along objects only is a nested set, any other change sets the whole root value anew.
Below a view lie plain values; a container among them becomes a view when it is taken out. Values in the state are never
changed in place: a write copies the containers along the path.

C code that changes a list past its methods (`heapq`) is found by `settle`.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from footpath.values import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.state._owner import Owner


class Place:
    """Where a view stands, and what was there when it last looked.

    Attributes:
        in_list: whether a list lies on the way from the root (the container at this place not counted).
        kept: the list views of one root by path, for `settle`.
        own: whether the list that stands here is nobody's but the owner's.
        seen: of a list view, the items it took over last: the first `length` of this list. A copy of `source`, or
            `source` itself where nobody else holds it: then it changes by growing at its end, and in no other way.
        in_place: set by `+=` and its kin, whose assignment is still to come: see `is_echo`.
    """

    __slots__ = ("in_list", "in_place", "kept", "key", "length", "own", "owner", "path", "root", "seen", "source")

    def __init__(
        self, owner: Owner, key: str, path: tuple[Any, ...], in_list: bool, kept: dict[tuple[Any, ...], Any]
    ) -> None:
        self.owner = owner
        self.key = key
        self.path = path
        self.in_list = in_list
        self.kept = kept
        self.root: Any = None
        self.source: Any = None
        self.seen: list[Any] = []
        self.length = 0
        self.own = False
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
        make = MAKERS.get(type(value))
        if make is None:
            return value
        place = Place(self.owner, self.key, (*self.path, step), self.in_list or type(self.source) is list, self.kept)
        place.root = self.root
        return make(value, place)


MAKERS: Final[dict[type, Callable[[Any, Place], Any]]] = {}
"""What makes a view of a container, by the container's exact type; each kind of view enters itself."""


class View:
    """What all views have in common; they are dicts or lists besides."""

    __slots__ = ()
    place: Place

    def sync(self) -> None:
        """Take over what stands at this place now."""
        raise NotImplementedError


def is_tracked(value: Any) -> bool:
    """Is it a view?"""
    return issubclass(type(value), View)


def is_echo(value: Any, owner: Owner, key: str, path: tuple[Any, ...] = ()) -> bool:
    """Is this assignment the second half of `scope.key += ...`, which the view has told already? Asked once per `+=`."""
    if not is_tracked(value):
        return False
    place: Place = value.place
    echo = place.in_place and place.owner is owner and place.key == key and place.path == path
    if echo:
        place.in_place = False
    return echo


def track(value: Any, owner: Owner, key: str, before: Any = None, *, own: bool = False) -> Any:
    """Give what a stage gets for the value of a key: a view of a dict or list, any other value itself.

    Dicts and lists of a class of their own (`OrderedDict`, ...) and tuples are given as they are. `before` is what the
    same owner got for the same key earlier, if it did: `settle` of the newest view then sees to all of them. `own` says
    that the value is a list that nobody else holds.
    """
    make = MAKERS.get(type(value))
    if make is None:
        return value
    place = Place(owner, key, (), False, before.place.kept if is_tracked(before) else {})
    place.root = owner.current_value(key)
    place.own = own
    return make(value, place)


def settle(view: Any) -> bool:
    """Tell the owner of changes that C code made to list views behind their methods; True when there were any.

    `view` is the view of a root value; all list views that came out of it are looked at, and are let go: they are not
    looked at again.
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
    view.place.kept.clear()  # it holds the views that hold it: large lists would have to wait for the garbage collector
    return found
