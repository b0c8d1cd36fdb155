"""Merging recorded forms."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw
from msgspec.json import encode

from footpath.state import merge
from footpath.values import ABSENT, TAG, plain

_TAG_BYTES = TAG.encode()


def merged(base: Any, patch: Any) -> Any:
    """What an update leaves of a recorded value; the same merge as the run's."""
    tagged = any(type(part) is Raw and _TAG_BYTES in bytes(part) for part in (base, patch))
    value = merged_json(ABSENT if base is UNSET else plain(base), plain(patch), tagged=tagged)
    return Raw(encode(value)) if isinstance(value, (dict, list)) else value


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
                box[at] = _Cover(part)
                continue
            part = box[at] = dict(part)
            todo += [(part, key) for key in part]
        elif isinstance(part, list):
            part = box[at] = list(part)
            todo += [(part, index) for index in range(len(part))]
    return holder[0]


def _bare(value: Any) -> Any:
    holder: list[Any] = [value]
    todo: list[tuple[Any, Any]] = [(holder, 0)]
    while todo:
        box, at = todo.pop()
        part = box[at]
        if isinstance(part, _Cover):
            box[at] = part.form
        elif isinstance(part, dict):
            todo += [(part, key) for key in part]
        elif isinstance(part, list):
            todo += [(part, index) for index in range(len(part))]
    return holder[0]
