"""Views: the containers of the state as a stage sees them.

A view is a dict or list (`isinstance` says so, `==`, `json.dumps` and msgspec treat it so) that also knows its place: the
state key and the path below it. A change made through it is told to the owner when it happens, as in footprintjs: an
assignment along objects only is a nested set, any other change sets the whole root value anew. Below a view lie plain
values; a container among them becomes a view when it is taken out.

C code that changes a list past its methods (`heapq`) is found by `settle`.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.state._dict_view import TrackedDict
from footpath.state._list_view import TrackedList
from footpath.state._place import MAKERS, Place, is_tracked

if TYPE_CHECKING:
    from footpath.state._place import Owner

__all__ = ["TrackedDict", "TrackedList", "settle", "track"]


def track(value: Any, owner: Owner, key: str, before: Any = None, *, own: bool = False) -> Any:
    """Give what a stage gets for the value of a key: a view of a dict or list, any other value itself.

    Dicts and lists of a class of their own (`OrderedDict`, ...) and tuples are given as they are. `before` is what the
    same owner got for the same key earlier, if it did: `settle` of the newest view then sees to all of them. `own` says that
    the value is a list that nobody else holds.
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
