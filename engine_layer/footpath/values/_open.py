"""Values with parts: opened into a flat list of parts and a way to close them again as JSON."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from msgspec.json import encode

from footpath.values._absent import ABSENT, ABSENT_RAW, TAG
from footpath.values._tags import escape_key, text_form, type_name

Close = Callable[[list[Any]], Any]
"""Makes the JSON form of a value from those of its parts, in the same order."""
_UNSET: Final = object()


def open_parts(value: Any) -> tuple[list[Any], Close, int] | None:
    """Give the parts of a value, how to close them, and how many levels of JSON lie between it and them.

    None for a value that can only be marked lossy. Raises what a stage's own attribute access or iteration raises.
    """
    cls = type(value)
    if issubclass(cls, dict):
        return _open_dict(list(dict.items(value)))
    if issubclass(cls, list):
        return list(list.__iter__(value)), _array, 1
    if issubclass(cls, tuple):
        names = getattr(cls, "_fields", None)
        parts = list(tuple.__iter__(value))
        if isinstance(names, tuple) and len(names) == len(parts):
            return parts, _tagged("namedtuple", _object(map(str, names)), cls), 2
        return parts, _array, 1
    if issubclass(cls, (set, frozenset)):
        base = frozenset if issubclass(cls, frozenset) else set
        return list(base.__iter__(value)), _tagged(base.__name__, _sorted_array), 2
    if issubclass(cls, Enum):
        return [value._value_], _tagged("enum", _first, cls, name=value._name_), 1
    if cls is deque:
        return list(value), _tagged("deque", _array, max_length=value.maxlen), 2
    if cls is MappingProxyType:
        parts, close, levels = _open_dict(list(value.items()))
        return parts, _tagged("mappingproxy", close), levels + 1
    declared = _declared_fields(cls)
    if declared is None:
        return None
    kind, names = declared
    present = [(name, part) for name in names if (part := getattr(value, name, _UNSET)) is not _UNSET]
    extra = getattr(value, "__pydantic_extra__", None) if kind == "model" else None
    if isinstance(extra, dict):
        present += [(str(name), part) for name, part in extra.items()]
    return [part for _, part in present], _tagged(kind, _fields(name for name, _ in present), cls), 2


def _declared_fields(cls: type) -> tuple[str, list[str]] | None:
    """Kind and field names of a class that declares its fields."""
    if issubclass(cls, Struct):
        return "struct", list(cls.__struct_fields__)
    for kind, attribute in (("dataclass", "__dataclass_fields__"), ("model", "model_fields"), ("model", "__fields__")):
        fields = getattr(cls, attribute, None)
        if isinstance(fields, dict):
            return kind, [str(name) for name in fields]
    attributes = getattr(cls, "__attrs_attrs__", None)
    if isinstance(attributes, tuple):
        return "attrs", [str(attribute.name) for attribute in attributes]
    return None


def _open_dict(items: list[tuple[Any, Any]]) -> tuple[list[Any], Close, int]:
    if all(_is_text_key(key) for key, _ in items):
        return [part for _, part in items], _object(str.__str__(key) for key, _ in items), 1
    return [part for item in items for part in item], _tagged("dict", _pairs), 3


def _is_text_key(key: Any) -> bool:
    return issubclass(type(key), str) and type(text_form(str.__str__(key))) is str


def _first(parts: list[Any]) -> Any:
    return parts[0]


def _array(parts: list[Any]) -> list[Any]:
    return [ABSENT_RAW if part is ABSENT else part for part in parts]


def _sorted_array(parts: list[Any]) -> list[Any]:
    return sorted(_array(parts), key=encode)  # the order of a set differs from process to process


def _pairs(parts: list[Any]) -> list[Any]:
    flat = _array(parts)
    return [flat[at : at + 2] for at in range(0, len(flat), 2)]


def _object(keys: Iterable[str]) -> Close:
    names = [escape_key(key) for key in keys]
    return lambda parts: dict(zip(names, _array(parts), strict=True))


def _fields(keys: Iterable[str]) -> Close:
    """Declared fields: one that is not set is left out."""
    names = [escape_key(key) for key in keys]
    return lambda parts: {name: part for name, part in zip(names, parts, strict=True) if part is not ABSENT}


def _tagged(kind: str, close: Close, cls: type | None = None, **more: Any) -> Close:
    head: dict[str, Any] = {TAG: kind}
    if cls is not None:
        head["type"] = type_name(cls)
    head.update(more)
    return lambda parts: {**head, "value": close(parts)}
