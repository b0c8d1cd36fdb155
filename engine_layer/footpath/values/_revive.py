"""From plain JSON with tagged forms back to Python values."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from binascii import a2b_base64
from collections import deque
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from msgspec import UNSET, Raw, Struct

from footpath.values._absent import ABSENT, TAG
from footpath.values._record import plain
from footpath.values._tags import text_of_form, type_name, unescape_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Tagged(Struct, frozen=True):
    """A tagged form that stays one: of a class that `revive` was not given, or of a value that was marked lossy.

    Attributes:
        kind: what the value was: "dataclass", "enum", "lossy", ...
        type: its class, as `module:Name`.
        value: its content, revived; of a lossy value the text.
        name: of an enum's member.
    """

    kind: str
    type: str
    value: Any
    name: str | None = None


def revive(recorded: Any, types: Iterable[type] = ()) -> Any:
    """Give the Python value that a recorded form, or the plain JSON of one, was made from.

    Tuples come back as lists; subclasses of dict, list, str and numbers as those. Dataclasses, Structs, named tuples,
    models and enums are made of the classes in `types` alone (nothing is imported by a name in a trace), dataclasses
    without `__init__`; others, and lossy values, come back as `Tagged`. An absent value is `ABSENT`.

    Raises:
        ValueError: a tagged form that `record` does not write.
    """
    if recorded is UNSET or recorded is ABSENT:
        return ABSENT
    value = plain(recorded)
    by_name = {type_name(cls): cls for cls in types}
    try:
        if isinstance(value, dict) and value.get(TAG) == "graph":
            return _graph(value["value"], by_name)
        return _tree(value, by_name, [])
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        message = f"not a tagged form that footpath writes: {error}"
        raise ValueError(message) from error


# ── values without parts ───────────────────────────────────────────────────────────────────────────────────────────
def _float(form: dict[str, Any]) -> float:
    return {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}[form["value"]]


def _moment(cls: type[datetime | time]) -> Callable[[dict[str, Any]], Any]:
    def make(form: dict[str, Any]) -> Any:
        moment = cls.fromisoformat(form["value"])
        if "zone" in form:
            from zoneinfo import ZoneInfo  # few need it, and it takes its time to import

            moment = moment.replace(tzinfo=ZoneInfo(form["zone"]))
        return moment.replace(fold=form.get("fold", 0))

    return make


def _octets(cls: type) -> Callable[[dict[str, Any]], Any]:
    return lambda form: cls(a2b_base64(form["value"], strict_mode=True))


_LEAVES: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "float": _float,
    "int": lambda form: int(form["value"], 16),
    "str": lambda form: text_of_form(form["value"]),
    "bytes": _octets(bytes),
    "bytearray": _octets(bytearray),
    "memoryview": _octets(memoryview),
    "raw": _octets(Raw),
    "decimal": lambda form: Decimal(form["value"]),
    "uuid": lambda form: UUID(form["value"]),
    "datetime": _moment(datetime),
    "date": lambda form: date.fromisoformat(form["value"]),
    "time": _moment(time),
    "timedelta": lambda form: timedelta(microseconds=form["value"]),
    "range": lambda form: range(*form["value"]),
    "lossy": lambda form: Tagged("lossy", form["type"], form["text"]),
    "absent": lambda _: ABSENT,
}

# ── values with parts: the parts are revived first, then closed ────────────────────────────────────────────────────
_Types = dict[str, type]


def _closed(form: dict[str, Any], value: Any, types: _Types) -> Any:
    """Make the value of a tagged form whose content has been revived."""
    kind = form[TAG]
    if kind == "complex":
        real, imaginary = value
        return complex(real, imaginary)
    if kind == "set":
        return set(map(_as_key, value))
    if kind == "frozenset":
        return frozenset(map(_as_key, value))
    if kind == "deque":
        return deque(value, form["max_length"])
    if kind == "dict":
        return {_as_key(key): part for key, part in value}
    if kind == "mappingproxy":
        return MappingProxyType(value)
    if kind in ("dataclass", "struct", "attrs", "model", "namedtuple", "enum"):
        cls = types.get(form["type"])
        if cls is None:
            return Tagged(kind, form["type"], value, form.get("name"))
        return _made(kind, cls, value, form.get("name"))
    message = f"unknown kind {kind!r}"
    raise ValueError(message)


def _as_key(key: Any) -> Any:
    """What was a key or in a set: of a list only a tuple can have been, and of the lists in it, too."""
    if type(key) is not list:
        return key
    closed: dict[int, tuple[Any, ...]] = {}
    open_now: set[int] = set()
    stack: list[list[Any]] = [key]
    while stack:
        part = stack[-1]
        missing = [item for item in part if type(item) is list and id(item) not in closed]
        if not missing:
            closed[id(part)] = tuple([closed[id(item)] if type(item) is list else item for item in part])
            stack.pop()
        elif id(part) in open_now:
            message = "a key that holds itself"
            raise ValueError(message)
        else:
            open_now.add(id(part))
            stack.extend(missing)
    return closed[id(key)]


def _made(kind: str, cls: type, value: Any, name: Any) -> Any:
    if kind == "enum" and issubclass(cls, Enum):
        return cls.__members__[name] if name in cls.__members__ else cls(value)
    if kind == "namedtuple" and issubclass(cls, tuple):
        return tuple.__new__(cls, value.values())
    if kind == "struct":
        return cls(**value)
    made = cls.model_construct() if hasattr(cls, "model_construct") else object.__new__(cls)  # type: ignore[attr-defined]
    for field, part in value.items():
        object.__setattr__(made, field, part)
    return made


_ONE: Final = object()
_NOT_YET: Final = object()


class _NotYetError(Exception):
    """A graph's node refers to one that is not made yet."""


class _Frame:
    """A container being revived."""

    __slots__ = ("done", "form", "next_part", "shape")

    def __init__(self, shape: Any, parts: Iterable[Any], form: dict[str, Any] | None) -> None:
        self.shape = shape  # member names of an object, None for a list
        self.form = form  # the tagged form that the container is the content of
        self.next_part = iter(parts).__next__
        self.done: list[Any] = []


def _opened(node: Any, refs: list[Any]) -> Any:
    """A revived leaf, or a frame; a reference into a graph is looked up in `refs`."""
    form: dict[str, Any] | None = None
    if isinstance(node, dict) and TAG in node:
        form = node
        kind = node[TAG]
        if kind == "ref":
            part = refs[node["value"]]
            if part is _NOT_YET:
                raise _NotYetError
            return part
        make = _LEAVES.get(kind)
        if make is not None:
            return make(node)
        node = node["value"]
        if not isinstance(node, (dict, list)) or TAG in node:
            return _Frame(_ONE, [node], form)
    if isinstance(node, dict):
        return _Frame([unescape_key(key) for key in node], node.values(), form)
    if isinstance(node, list):
        return _Frame(None, node, form)
    return node


def _close(frame: _Frame, types: _Types) -> Any:
    if frame.shape is None:
        value: Any = frame.done
    elif frame.shape is _ONE:
        value = frame.done[0]
    else:
        value = dict(zip(frame.shape, frame.done, strict=True))
    return value if frame.form is None else _closed(frame.form, value, types)


def _tree(node: Any, types: _Types, refs: list[Any]) -> Any:
    top = _opened(node, refs)
    if type(top) is not _Frame:
        return top
    stack: list[_Frame] = [top]
    while True:
        frame = stack[-1]
        try:
            part = frame.next_part()
        except StopIteration:
            value = _close(frame, types)
            stack.pop()
            if not stack:
                return value
            stack[-1].done.append(value)
            continue
        form = _opened(part, refs)
        if type(form) is _Frame:
            stack.append(form)
        else:
            frame.done.append(form)


# ── graphs ─────────────────────────────────────────────────────────────────────────────────────────────────────────
_MADE_EMPTY: Final = frozenset({"dataclass", "attrs", "model"})


def _graph(nodes: list[Any], types: _Types) -> Any:
    """Revive the containers of a graph.

    Those that can be filled later stand empty first. The others, and whatever is hashed as a key or in a set, are made
    whole as soon as their parts are there; of those that wait for each other, one after another becomes a `Tagged`.
    """
    hashed = _hashed(nodes)
    made = [_shell(node, number in hashed, types) for number, node in enumerate(nodes)]
    waiting = [number for number in range(len(nodes) - 1, -1, -1) if made[number] is _NOT_YET]
    empty = [number for number in range(len(nodes)) if made[number] is not _NOT_YET]
    while waiting:
        left: list[int] = []
        for number in waiting:
            try:
                whole = _tree(nodes[number], types, made)
                made[number] = tuple(whole) if type(whole) is list else whole  # only a tuple can be hashed
            except _NotYetError:
                left.append(number)
        if len(left) == len(waiting):
            number = left.pop()
            form = nodes[number]
            if not isinstance(form, dict):
                message = "a key that holds itself"
                raise ValueError(message)
            made[number] = Tagged(form[TAG], form.get("type", form[TAG]), {}, form.get("name"))
            empty.append(number)
        waiting = left
    for number in sorted(empty, key=lambda number: type(made[number]) is set):  # sets last: what they hold is hashed
        _fill(nodes[number], made[number], types, made)
    return made[0]


def _hashed(nodes: list[Any]) -> set[int]:
    """Numbers of the nodes that are keys or in sets, and of all that they hold."""
    todo: list[Any] = []
    for node in nodes:
        kind = node.get(TAG) if isinstance(node, dict) else None
        if kind == "dict":
            todo.extend([key for key, _ in node["value"]])
        elif kind in ("set", "frozenset"):
            todo.append(node["value"])
    found: set[int] = set()
    while todo:
        part = todo.pop()
        if isinstance(part, list):
            todo.extend(part)
        elif isinstance(part, dict):
            if part.get(TAG) != "ref":
                todo.extend(part.values())
            elif part["value"] not in found:
                found.add(part["value"])
                todo.append(nodes[part["value"]])
    return found


def _shell(node: Any, is_hashed: bool, types: _Types) -> Any:
    kind = node.get(TAG, "dict") if isinstance(node, dict) else "list"
    if kind == "dict":
        return {}
    if kind == "set":
        return set[Any]()
    if kind == "deque":
        return deque[Any](maxlen=node["max_length"])
    if is_hashed:
        return _NOT_YET
    if kind == "list":
        return list[Any]()
    if kind in _MADE_EMPTY:
        cls = types.get(node["type"])
        return Tagged(kind, node["type"], {}) if cls is None else _made(kind, cls, {}, None)
    return _NOT_YET


def _fill(node: Any, shell: Any, types: _Types, made: list[Any]) -> None:
    if isinstance(shell, list):
        shell.extend(_tree(node, types, made))
    elif isinstance(shell, deque):
        shell.extend(_tree(node["value"], types, made))
    elif isinstance(shell, (dict, set)):
        shell.update(_tree(node, types, made))
    else:
        content = _tree(node["value"], types, made)
        if type(shell) is Tagged:
            shell.value.update(content if type(content) is dict else {"value": content})
        else:
            for field, part in content.items():
                object.__setattr__(shell, field, part)
