"""Finding a value again on the other side of a mapping.

A mapping is code that left no record; what came through is found by its name or by being equal. Values that are equal
by chance all the time (true, small numbers, one letter, nothing, masks) say nothing and are not looked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from footpath.query._patch import same

if TYPE_CHECKING:
    from collections.abc import Iterator

MASKS: Final = frozenset({"REDACTED", "[REDACTED]"})
MAX_DEPTH: Final = 3
MAX_VISITED: Final = 2_000


def telling(value: Any) -> bool:
    """Whether a value is rare enough for equality to mean something."""
    if isinstance(value, str):
        return len(value) > 1 and value not in MASKS
    if isinstance(value, (dict, list)):
        return bool(cast("Any", value))
    return isinstance(value, (int, float)) and not isinstance(value, bool) and (abs(value) >= 10 or value % 1 != 0)


def is_tail(value: Any, tail: Any) -> bool:
    """Whether a list ends in another, as when a mapped list was concatenated to what was there."""
    if not isinstance(value, list) or not isinstance(tail, list):
        return False
    items, last = cast("list[Any]", value), cast("list[Any]", tail)
    return 0 < len(last) < len(items) and same(items[len(items) - len(last) :], last)


def path_to(value: Any, within: Any, name: str = "") -> str | None:
    """Where `value` is inside a container, as `a.b[0]`: an equal member, one called `name` rather than another."""
    equal = (path for path, member in _members(within) if type(member) is type(value) and same(member, value))
    first: str | None = None
    for path in equal:
        if name and path.rpartition(".")[2] == name:
            return path
        first = path if first is None else first
    return first


def path_in_input(value: Any, given: dict[str, Any], name: str) -> str | None:
    """Where the run's input holds a value; a small number counts if the input holds it once."""
    if telling(value):
        return path_to(value, given, name)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value in {0, 1}:
        return None
    paths = [path for path, member in _members(given) if type(member) is type(value) and member == value]
    return paths[0] if len(paths) == 1 else None


def _members(container: Any) -> Iterator[tuple[str, Any]]:
    """Members level by level, down to `MAX_DEPTH` and up to `MAX_VISITED` of them."""
    level: list[tuple[str, Any]] = [("", container)]
    visited = 0
    for _ in range(MAX_DEPTH):
        below: list[tuple[str, Any]] = []
        for path, holder in level:
            if isinstance(holder, dict):
                names = cast("dict[str, Any]", holder).items()
                found = [(f"{path}.{name}" if path else name, member) for name, member in names]
            elif isinstance(holder, list):
                found = [(f"{path}[{at}]", member) for at, member in enumerate(cast("list[Any]", holder))]
            else:
                continue
            for item in found:
                visited += 1
                if visited > MAX_VISITED:
                    return
                yield item
            below.extend(found)
        level = below
