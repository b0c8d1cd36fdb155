"""Hiding parts of a value: members and items that a dotted path names."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.values._absent import TAG
from footpath.values._order import index_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def ways_of(path: str) -> Iterator[tuple[str, ...]]:
    """The ways that a dotted path may mean: a member of that very name, and one step after the other."""
    yield (path,)
    if "." in path:
        yield tuple(path.split("."))


def hide_fields(
    form: Any, ways: Iterable[tuple[str, ...]], mark: Any, learn: Callable[[Any], None] | None = None
) -> tuple[Any, list[tuple[str, ...]]]:
    """Put a mark wherever a way leads in a decoded recorded form, which is changed; gives what has become of it, and those ways.

    A way may lead into a text, to a character of it, as JavaScript has it: of such a text nothing but the way is left,
    so that no part of it is shown.

    Args:
        form: what is looked through. An object in a tagged form (a dataclass, say) has the members that it shows.
        ways: names of members, and indices of items, from the outermost in.
        mark: what is put there.
        learn: is told what stood there.
    """
    box = [form]
    found = [way for way in ways if _hide(box, way, mark, learn)]
    return box[0], found


def _hide(box: Any, way: tuple[str, ...], mark: Any, learn: Callable[[Any], None] | None) -> bool:
    at: Any = 0
    graph: list[Any] = []
    for depth, step in enumerate(way):
        part = box[at]
        kind = part.get(TAG) if isinstance(part, dict) else None
        if kind == "ref":
            part = graph[part["value"]]
            kind = part.get(TAG) if isinstance(part, dict) else None
        if kind == "graph":
            graph = part["value"]
            part = graph[0]
            kind = part.get(TAG) if isinstance(part, dict) else None
        if kind == "str" or isinstance(part, str):
            if not _leads_into(str(part["value"] if isinstance(part, dict) else part), way[depth:]):
                return False
            if learn is not None:
                learn(part)
            shown: Any = mark
            for name in reversed(way[depth:]):
                shown = {name: shown}
            box[at] = shown
            return True
        if kind == "dict":
            # Keys that are no texts, or none that UTF-8 holds: a list of pairs.
            box = next((pair for pair in part["value"] if pair[0] == step), None)
            at = 1
            if box is None:
                return False
            continue
        if kind is not None:
            part = part.get("value")
        if isinstance(part, dict) and step in part:
            box, at = part, step
        elif isinstance(part, list) and 0 <= index_in(step, len(part)) < len(part):
            box, at = part, int(step)
        else:
            return False
    held = box[at]
    if learn is not None:
        learn([held, *[graph[node] for node in _reached(graph, held)]] if graph else held)
    box[at] = mark
    if graph:
        seen = _reached(graph, {TAG: "ref", "value": 0})
        graph[:] = [node if number in seen else [] for number, node in enumerate(graph)]
    return True


def _reached(graph: list[Any], start: Any) -> set[int]:
    """The nodes of a graph that can be come to from a part of it."""
    reached: set[int] = set()
    todo: list[Any] = [start]
    while todo:
        part = todo.pop()
        if isinstance(part, list):
            todo += part
        elif isinstance(part, dict):
            if part.get(TAG) != "ref":
                todo += part.values()
            elif part["value"] not in reached:
                reached.add(part["value"])
                todo.append(graph[part["value"]])
    return reached


def member_of_text(text: str, name: str) -> str | int | None:
    """What JavaScript finds in a text under a member's name: a character, half of one, or how many there are; None when nothing."""
    if not _leads_into(text, (name,)):
        return None
    units = text.encode("utf-16-le", "surrogatepass")
    if name == "length":
        return len(units) // 2
    at = 2 * int(name)
    return units[at : at + 2].decode("utf-16-le", "surrogatepass")


def _leads_into(text: str, way: tuple[str, ...]) -> bool:
    """Whether a way leads to a character of a text in JavaScript, to one of that, or to how many there are."""
    for depth, step in enumerate(way):
        length = len(text.encode("utf-16-le", "surrogatepass")) // 2 if depth == 0 else 1
        if step == "length":
            return depth == len(way) - 1
        if not 0 <= index_in(step, length) < length:
            return False
    return True
