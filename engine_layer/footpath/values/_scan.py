"""Is a value plain JSON? Decided before it is encoded, level by level, at C speed where a level is wide.

msgspec writes sets, bytes, dates, decimals, enums, dataclasses, NaN and integer keys as some JSON text without a word,
and has no hook for the types that it knows. So a value is looked through first. What lost, all measured against one
encode: decoding and comparing (4x, and still takes an enum for its text), `msgspec.convert` (1.5-2.5x, takes sets for
lists and decimals for floats), a `pickle.Pickler` that refuses (1.4x, blind to keys, NaN and depth; with the passes
that see those no faster than this one), `marshal` (1-2.5x, blind to sets and bytes as well).
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from gc import get_referents
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

ATOMS: Final = frozenset({str, int, float, bool, type(None)})
"""The exact types of JSON's scalars."""
CONTAINERS: Final = frozenset({dict, list, tuple})
"""The exact types that are JSON's containers; a tuple is an array."""
EXACT: Final[dict[type, Callable[[Any], Any]]] = {str: str.__str__, int: int.__int__, float: float.__float__}
"""From an instance of a subclass to the base type's own value, past what the subclass makes of itself."""
MAX_DEPTH: Final = 100
"""Deepest nesting recorded as nested JSON: less than half of what orjson reads, a tenth of what msgspec and json read."""
MOST_DIGITS: Final = 4300
"""Of an integer recorded as a JSON number: msgspec reads no more, and Python writes no more unless a program has it so."""

NOT_JSON: Final = 0
JSON: Final = 1
JSON_IF_FINITE: Final = 2
"""Plain JSON, but for floats that nobody looked at yet: msgspec writes a NaN or an infinity as `null`."""

_KNOWN: Final = ATOMS | CONTAINERS
_FEW: Final = 8  # containers of a level that a Python loop still takes faster than calls to C
_MANY: Final = 64  # likewise, items of one container
_CROWD: Final = 1 << 17  # items of a level from which on a value is suspected of holding its parts over and over


def scan(value: Any, depth: int = MAX_DEPTH) -> int:
    """Say whether a container's JSON text loses nothing: exact known types, text keys, at most `depth` levels deep.

    Lone surrogates and integers too long for text are left to the encoder, which refuses them. A value that holds
    itself, or very many times the same container, is not JSON.
    """
    level: list[Any] = [value]  # containers only
    while depth > 0:
        if len(level) > _FEW:
            return _scan_wide(level, depth)
        depth -= 1
        below: list[Any] | None = None  # most containers hold none
        for box in level:
            if len(box) > _MANY:
                return _scan_wide(level, depth + 1)
            if type(box) is dict:
                for key in box:
                    if type(key) is not str:
                        return NOT_JSON
                items: Any = box.values()
            else:
                items = box
            for item in items:
                kind = type(item)
                if kind is str or kind is int:
                    continue
                if kind is dict or kind is list or kind is tuple:
                    if below is None:
                        below = [item]
                    else:
                        below.append(item)
                elif kind is float:
                    if item - item != 0.0:
                        return NOT_JSON
                elif kind is not bool and item is not None:
                    return NOT_JSON
        if below is None:
            return JSON
        level = below
    return NOT_JSON


def _scan_wide(level: list[Any], depth: int) -> int:
    """The same for a wide level of mixed items: types and keys of a whole level go through single calls."""
    verdict = JSON
    while depth >= 0:
        kinds = set(map(type, level))
        if float in kinds:
            verdict = JSON_IF_FINITE
        if kinds <= ATOMS:
            return verdict
        if not kinds <= _KNOWN:
            return NOT_JSON
        if dict in kinds:
            dicts: list[dict[Any, Any]] = level if len(kinds) == 1 else [item for item in level if type(item) is dict]
            for key in set[Any]().union(*dicts):
                if type(key) is not str:
                    return NOT_JSON
        if len(level) > _CROWD:
            boxes = [id(item) for item in level if type(item) in CONTAINERS]
            if len(set(boxes)) * 8 < len(boxes):
                return NOT_JSON
        depth -= 1
        level = get_referents(
            *level
        )  # items of lists, values of dicts; in some dicts the (text) keys, which is harmless
    return NOT_JSON


def is_json(value: Any) -> bool:
    """True when `value` is made of dicts, lists, tuples and JSON's scalars alone, all of exactly those types."""
    return type(value) in ATOMS or (type(value) in CONTAINERS and scan(value) != NOT_JSON)


def is_finite(value: Any) -> bool:
    """True when no NaN and no infinity is in a value that `scan` found to be plain JSON."""
    level: list[Any] = [value]
    while level:
        level = get_referents(*level)
        total = sum([item for item in level if type(item) is float])
        if total - total != 0.0:  # a sum that overflows takes the careful way, which is right as well
            return False
    return True
