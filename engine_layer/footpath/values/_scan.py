"""Is a value plain JSON? Decided before it is encoded, at C speed where it is large.

msgspec encodes sets, bytes, dates, decimals, enums, dataclasses, NaN and integer keys as some JSON text without a word,
and has no hook for the types that it knows. So a value is looked through first. What lost, as measured in `bench/`:
comparing a decode (4x the encode), `msgspec.convert` (accepts sets and decimals), `pickle` with a refusing
`reducer_override` (blind to keys and NaN), `marshal` (blind to sets and bytes as well).
"""

from __future__ import annotations

from gc import get_referents
from typing import Any, Final

ATOMS: Final = frozenset({str, int, float, bool, type(None)})
"""The exact types of JSON's scalars."""
CONTAINERS: Final = frozenset({dict, list, tuple})
"""The exact types that are JSON's containers; a tuple is an array."""
MAX_DEPTH: Final = 100
"""Deepest nesting recorded as nested JSON: half of what orjson reads, a tenth of what msgspec and json read."""
_KNOWN: Final = ATOMS | CONTAINERS
_FEW: Final = 64  # containers of one level, or items of one container, that a Python loop still takes faster
_CROWD: Final = 1 << 17  # items of one level from which on a value that shares its parts is suspected
_join = "".join


def is_json(value: Any, depth: int = MAX_DEPTH) -> bool:
    """True when a container's JSON text loses nothing: known exact types, text keys, finite numbers, at most `depth` deep.

    Lone surrogates and integers too long for text are left to the encoder, which refuses them. Values that hold the same
    container very often, or themselves, are refused.
    """
    level: list[Any] = [value]  # containers only
    while depth > 0:
        if len(level) > _FEW:
            return _is_json_level(level, depth)
        depth -= 1
        below: list[Any] = []
        for box in level:
            if type(box) is dict:
                try:
                    _join(box)
                except TypeError:
                    return False
                items = box.values()
            else:
                items = box
            if len(box) > _FEW:
                kinds = set(map(type, items))
                if kinds <= ATOMS and float not in kinds:
                    continue
                if not kinds <= _KNOWN:
                    return False
            for item in items:
                kind = type(item)
                if kind is float:
                    if item - item != 0.0:  # NaN and infinities
                        return False
                elif kind not in ATOMS:
                    if kind not in CONTAINERS:
                        return False
                    below.append(item)
        if not below:
            return True
        level = below
    return False


def _is_json_level(level: list[Any], depth: int) -> bool:
    """The same for a wide level of mixed items: whole levels go through C functions."""
    while depth >= 0:
        kinds = set(map(type, level))
        if not kinds <= _KNOWN:
            return False
        if float in kinds:
            total = sum([item for item in level if type(item) is float])
            if total - total != 0.0:  # a NaN or an infinity among them; a sum that overflows takes the slow way, rightly
                return False
        if kinds <= ATOMS:
            return True
        if dict in kinds:
            dicts: list[dict[Any, Any]] = level if len(kinds) == 1 else [item for item in level if type(item) is dict]
            if not all(type(key) is str for key in set[Any]().union(*dicts)):
                return False
        if len(level) > _CROWD:
            boxes = [id(item) for item in level if type(item) in CONTAINERS]
            if len(set(boxes)) * 8 < len(boxes):
                return False
        depth -= 1
        level = get_referents(*level)  # items of lists, values of dicts; text keys too in some dicts, which does no harm
    return False
