"""What JavaScript takes for an index or for blank, and the order in which it lists an object's members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection

K = TypeVar("K")
JS_WHITESPACE: Final = " \t\n\r\v\f\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""What `trim` takes away."""

_LAST_INDEX = 2**32 - 2
_MAX_GAP = 10_000
"""How far behind a list's end an item may be put: JavaScript's lists have holes, ours are as long as they look."""


def _is_index(name: str) -> bool:
    """Whether a member's name is a whole number as JavaScript writes it, of at most ten digits."""
    return name.isdigit() and name.isascii() and len(name) <= 10 and (name[0] != "0" or len(name) == 1)


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
    indices = sorted((int(key), key) for key in keys if _is_index(key) and int(key) <= _LAST_INDEX)  # type: ignore[arg-type,type-var,call-overload]
    if not indices:
        return keys
    first = dict.fromkeys([key for _, key in indices])
    return [*first, *[key for key in keys if key not in first]]


def index_in(name: str, count: int) -> int:
    """Which item of a list of `count` a member's name stands for, or would stand for behind its end; -1 when it stands for none."""
    index = int(name) if _is_index(name) else -1
    return index if index <= count + _MAX_GAP else -1


def put_item(items: list[Any], name: str, value: Any, nothing: Any) -> None:
    """Put a member into a list, as an assignment does in JavaScript: at an index, with `nothing` in a gap before it.

    Under any other name nothing is kept: JavaScript hangs it on the list, where its JSON does not see it.
    """
    index = index_in(name, len(items))
    if index >= 0:
        items.extend([nothing] * (index + 1 - len(items)))
        items[index] = value
