"""Applying what a commit recorded: set, merge, append and delete rows over plain JSON values.

A `Patcher` never changes what it reads from the log. Containers it made itself it changes in place, so that a list
grown by 100,000 appends costs 100,000 steps and not their square. All walks are iterative.
"""

from __future__ import annotations

from typing import Any, cast

from footpath.query._log import PATH_SEPARATOR, Bundle
from footpath.values import ABSENT, TAG, escape_key, index_in, put_item

Values = dict[str, Any]
_RUNS = "runs"
_SCALARS = frozenset({"absent", "float", "str"})
"""Tagged forms of what is no object to anybody."""


def recorded_at(patch: object, segments: list[str]) -> Any:
    """What a patch holds at a path, or `ABSENT`."""
    at = patch
    for segment in segments:
        at = _member(at, segment)
        if at is ABSENT:
            return ABSENT
    return at


def _has_no_parts(members: Values) -> bool:
    """Whether it is the tagged form of another value, which names its kind; a member of that name is written by its path, too."""
    return isinstance(members.get(TAG), str)


def _member(container: object, segment: str) -> Any:
    if isinstance(container, dict):
        members = cast("Values", container)
        return ABSENT if _has_no_parts(members) else members.get(segment, ABSENT)
    if isinstance(container, list):
        items = cast("list[Any]", container)
        index = index_in(segment, len(items))
        return items[index] if 0 <= index < len(items) else ABSENT
    return ABSENT


def list_of(value: object) -> list[Any] | None:
    """The value if it is a list, else None."""
    return cast("list[Any]", value) if isinstance(value, list) else None


def segments_of(path: str) -> list[str]:
    """The names of a trace path, outermost first, as recorded values have them: one that reads like a tag with one more `$`."""
    key, *members = path.split(PATH_SEPARATOR)
    own = 2 if key == _RUNS else 0  # a parallel child and its key
    return [key, *members[:own], *map(escape_key, members[own:])]


def copied(value: Any) -> Any:
    """A private copy of a JSON value, however deep."""
    if not isinstance(value, (dict, list)):
        return value
    top: list[Any] = [value]
    work: list[tuple[Any, Any]] = [(top, 0)]
    while work:
        holder, key = work.pop()
        inner = holder[key]
        if isinstance(inner, dict):
            twin: Any = dict(cast("Values", inner))
            holder[key] = twin
            work.extend((twin, name) for name, member in twin.items() if isinstance(member, (dict, list)))
        elif isinstance(inner, list):
            twin = list(cast("list[Any]", inner))
            holder[key] = twin
            work.extend((twin, at) for at, member in enumerate(twin) if isinstance(member, (dict, list)))
    return top[0]


def same(left: Any, right: Any) -> bool:
    """JSON equality: `True` is not 1, 1 is 1.0, member order does not count."""
    work = [(left, right)]
    while work:
        one, other = work.pop()
        if one is other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            ones, others = cast("Values", one), cast("Values", other)
            if ones.keys() != others.keys():
                return False
            work.extend((member, others[name]) for name, member in ones.items())
        elif isinstance(one, list) and isinstance(other, list):
            items, twins = cast("list[Any]", one), cast("list[Any]", other)
            if len(items) != len(twins):
                return False
            work.extend(zip(items, twins, strict=True))
        elif isinstance(one, (dict, list, bool)) or isinstance(other, (dict, list, bool)) or one != other:
            return False
    return True


def _identity(value: Any) -> tuple[str, Any]:
    """What makes two items of a merged list the same: scalars by value, containers by being the same object."""
    if isinstance(value, dict) and cast("Values", value).get(TAG) in _SCALARS:
        members = cast("Values", value)
        return (members[TAG], members.get("value"))
    if isinstance(value, (dict, list)):
        return ("container", id(cast("object", value)))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return ("number", value)
    return (type(value).__name__, value)


class Patcher:
    """Folds rows into values; one for each fold, as it remembers the containers that are its own.

    `merging_copies`: whether every merge row brings its own copy of the items it adds to a list. An object added by two
    rows of one commit is then added twice, as `commit_value_at` has it; else once, as `state_at` has it.
    """

    __slots__ = ("_kept", "_merging_copies", "_owned")

    def __init__(self, *, merging_copies: bool = False) -> None:
        self._merging_copies = merging_copies
        self._owned: set[int] = set()
        self._kept: list[Any] = []  # keeps owned containers alive, so that an id in `_owned` is never reused

    def own(self, container: Any) -> Any:
        """Mark a container that nobody else holds."""
        self._owned.add(id(container))
        self._kept.append(container)
        return container

    def applied(self, current: Any, row_verb: str, bundle: Bundle, segments: list[str]) -> Any:
        """The value at a path after one row of `bundle`; `ABSENT` when it is gone or was never recorded."""
        if row_verb == "delete":
            return ABSENT
        if row_verb == "set":
            return recorded_at(bundle.get("overwrite"), segments)
        if row_verb == "append":
            return self._appended(current, recorded_at(bundle.get("overwrite"), segments))
        if not self._merging_copies:
            after = recorded_at(bundle.get("results"), segments)
            if after is not ABSENT:
                return after
        return self._merged(current, recorded_at(bundle.get("updates"), segments))

    def _appended(self, current: Any, tail: Any) -> Any:
        added = copied(tail)
        if not isinstance(added, list) or not isinstance(current, list):
            return cast("Any", added)
        items = cast("list[Any]", current)
        grown = items if id(items) in self._owned else self.own(list(items))
        grown.extend(cast("list[Any]", added))
        return grown

    def _merged(self, current: Any, patch: Any) -> Any:
        top: Values = {"": current}
        work: list[tuple[Values, str, Any]] = [(top, "", copied(patch) if self._merging_copies else patch)]
        while work:
            holder, name, part = work.pop()
            before = holder.get(name, ABSENT)
            if isinstance(part, list):
                holder[name] = self._united(before, cast("list[Any]", part))
            elif isinstance(part, dict) and TAG not in part:
                target = self._as_object(before)
                holder[name] = target
                work.extend((target, name, value) for name, value in reversed(cast("Values", part).items()))
            else:
                holder[name] = part
        return top[""]

    def _as_object(self, before: Any) -> Values:
        if isinstance(before, dict) and TAG not in before:
            members = cast("Values", before)
            return members if id(members) in self._owned else self.own(dict(members))
        if isinstance(before, list):
            return self.own({str(at): item for at, item in enumerate(cast("list[Any]", before))})
        return self.own({})

    def _united(self, before: Any, patch: list[Any]) -> list[Any]:
        if not patch or not isinstance(before, list):
            return self.own(list(patch))
        return self.own(list({_identity(item): item for item in (*cast("list[Any]", before), *patch)}.values()))

    def put(self, state: Values, segments: list[str], value: Any, *, making_room: bool) -> None:
        """Store a value at a path of `state`, which must be owned; `ABSENT` removes it.

        `making_room`: put objects where the path leads through something else.
        """
        holder: Any = state
        for segment in segments[:-1]:
            inner = _member(holder, segment)
            if id(inner) not in self._owned:
                if isinstance(inner, list) or (isinstance(inner, dict) and not _has_no_parts(cast("Values", inner))):
                    inner = self.own(cast("Any", inner).copy())
                elif making_room:
                    inner = self.own({})
                else:
                    return
                _store(holder, segment, inner)
            holder = inner
        _store(holder, segments[-1], value)


def _store(holder: Any, segment: str, value: Any) -> None:
    if isinstance(holder, dict):
        members = cast("Values", holder)
        if value is ABSENT:
            members.pop(segment, None)
        else:
            members[segment] = value
        return
    items = cast("list[Any]", holder)
    put_item(items, segment, None if value is ABSENT else value, None)
