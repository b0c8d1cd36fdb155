"""Merging recorded forms."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw
from msgspec.json import Decoder, encode

from footpath.replay._mirror import is_tagged
from footpath.state import merge
from footpath.values import ABSENT, ABSENT_FORM, TAG, plain, record, revive

_TAG_BYTES = TAG.encode()
_SCALARS = frozenset({"str", "int", "float", "absent"})
_MAY_BE_TAGGED = frozenset({str, int, float})
_shallow = Decoder(dict[str, Raw]).decode


def merged(base: Any, patch: Any) -> Any:
    """What an update leaves of a recorded value; the same merge as the run's.

    Only the objects that the patch goes through are opened; whatever else they hold is copied as encoded text.
    """
    change = plain(patch)
    if type(base) is Raw and type(change) is dict and _is_object(base) and not _tags_in(patch):
        return _patched(base, change)
    tagged = _tags_in(base) or _tags_in(patch)
    value = merged_json(ABSENT if base is UNSET else plain(base), change, tagged=tagged)
    return Raw(encode(value)) if isinstance(value, (dict, list)) else value


def _patched(base: Raw, change: dict[str, Any]) -> Raw:
    top: dict[str, Any] = {}
    todo: list[tuple[dict[str, Any], Any, dict[str, Any]]] = [(top, base, change)]
    opened: list[tuple[dict[str, Any], str, dict[str, Any]]] = []
    while todo:
        target, held, source = todo.pop()
        target.update(_shallow(held))
        for key, value in source.items():
            below = target.get(key)
            if type(value) is dict and type(below) is Raw and _is_object(below):
                inner: dict[str, Any] = {}
                opened.append((target, key, inner))
                todo.append((inner, below, value))
            elif isinstance(value, (dict, list)):
                target[key] = merged_json(ABSENT if below is None else plain(below), value, tagged=_tags_in(below))
            else:
                target[key] = value
    for holder, key, inner in reversed(opened):  # inner ones first: each text is copied once a level
        holder[key] = Raw(encode(inner))
    return Raw(encode(top))


def _is_object(value: Raw) -> bool:
    """An object, and no tagged form."""
    return bytes(memoryview(value)[:1]) == b"{" and not is_tagged(value)


def _tags_in(value: Any) -> bool:
    return type(value) is Raw and _TAG_BYTES in bytes(value)


def merged_json(base: Any, patch: Any, *, tagged: bool) -> Any:
    """Merge decoded recorded forms.

    `tagged` says that there may be tagged forms among them: objects to JSON, but no objects to a merge.
    """
    if not tagged:
        return merge(base, patch)
    return _bare(merge(_covered(base), _covered(patch)))


def holds_tags(value: Any) -> bool:
    """Whether a decoded value may hold tagged forms."""
    return _TAG_BYTES in encode(value)


class _Cover:
    """Hides a tagged form, so that it is taken as it is."""

    __slots__ = ("form",)

    def __init__(self, form: dict[str, Any]) -> None:
        self.form = form


def _covered(value: Any) -> Any:
    holder: list[Any] = [value]
    todo: list[tuple[Any, Any]] = [(holder, 0)]
    while todo:
        box, at = todo.pop()
        part = box[at]
        if isinstance(part, dict):
            if TAG in part:
                box[at] = _opaque(part)
                continue
            part = box[at] = dict(part)
            todo += [(part, key) for key in part]
        elif isinstance(part, list):
            part = box[at] = list(part)
            todo += [(part, index) for index in range(len(part))]
    return holder[0]


def _opaque(form: dict[str, Any]) -> Any:
    """What a merge takes a tagged form for: a scalar's is the scalar, which lists hold once; any other is like nothing else."""
    if type(form[TAG]) is str and form[TAG] in _SCALARS:
        try:
            return revive(form)
        except ValueError:  # a journal from elsewhere
            pass
    return _Cover(form)


def _bare(value: Any) -> Any:
    holder: list[Any] = [value]
    todo: list[tuple[Any, Any]] = [(holder, 0)]
    while todo:
        box, at = todo.pop()
        part = box[at]
        if isinstance(part, _Cover):
            box[at] = part.form
        elif part is ABSENT:
            box[at] = dict(ABSENT_FORM)
        elif isinstance(part, dict):
            todo += [(part, key) for key in part]
        elif isinstance(part, list):
            todo += [(part, index) for index in range(len(part))]
        elif type(part) in _MAY_BE_TAGGED:
            box[at] = plain(record(part))
    return holder[0]
