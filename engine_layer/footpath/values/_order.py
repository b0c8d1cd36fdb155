"""The order in which the reference lists an object's members."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection

K = TypeVar("K")
_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z")
_LAST_INDEX = 2**32 - 2


def in_js_order(keys: Collection[K]) -> Collection[K]:
    """Keys as JavaScript lists them: those that are indices first, ascending, the rest as they stand.

    The same collection, nearly always: when no key looks like an index.
    """
    if len(keys) < 2:
        return keys
    try:
        if min(keys)[:1] > "9":  # type: ignore[type-var,index]
            return keys
    except TypeError:  # keys that are no texts
        return keys
    indices = sorted((int(key), key) for key in keys if _INDEX.match(key) and int(key) <= _LAST_INDEX)  # type: ignore[arg-type,type-var,call-overload]
    if not indices:
        return keys
    first = dict.fromkeys([key for _, key in indices])
    return [*first, *[key for key in keys if key not in first]]
