"""State as the fold of commits."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.json import decode, encode

from footpath.replay._merge import holds_tags, merged_json
from footpath.replay._mirror import SEPARATOR
from footpath.values import ABSENT_FORM, TAG, escape_key, index_in, put_item

if TYPE_CHECKING:
    from collections.abc import Sequence

_GONE: Any = object()
_MOST_STEPS = 32
"""Of a path whose names are looked for; one of the engine's own has three."""


class _Opened(dict[str, Any]):
    """An object below which something was written: its keys are a stage's own, so none of them makes it a tagged form."""


def fold(initial: dict[str, Any], bundles: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The state after commit bundles, applied in order to an initial state (all as JSON); a private copy."""
    # Values are shared with the log on the way, and whatever changes below a key is a copy: a value that is overwritten
    # a thousand times is never copied, and only what is left at the end is.
    state = dict(initial)
    merges = any(row["verb"] == "merge" for bundle in bundles for row in bundle["trace"])
    tagged = merges and any(
        map(holds_tags, (state, *[(each["overwrite"], each["updates"], each.get("results")) for each in bundles]))
    )
    for bundle in bundles:
        for row in bundle["trace"]:
            path = _steps(row["path"], bundle["overwrite"], bundle["updates"], state)
            verb = row["verb"]
            if verb == "delete":
                _remove(state, path)
            elif verb == "merge":
                after = _get(bundle.get("results"), path, _GONE)
                if after is _GONE:
                    after = merged_json(_get(state, path, {}), _get(bundle["updates"], path, {}), tagged=tagged)
                _put(state, path, after)
            elif verb == "append":
                before, tail = _get(state, path, []), _get(bundle["overwrite"], path, [])
                grows = isinstance(before, list) and isinstance(tail, list)  # not where one of them is hidden
                _put(state, path, [*before, *tail] if grows else tail)
            else:
                value = _get(bundle["overwrite"], path, _GONE)
                if value is _GONE:
                    _remove(state, path)
                else:
                    _put(state, path, value)
    return decode(encode(state))


def _steps(text: str, *holders: Any) -> list[str]:
    """The members of a path, told apart by what was written there: a name may hold the separator itself, or have one more `$` there.

    The last of the holders, the state, is asked when the others know nothing: a deletion leaves nothing there.
    """
    steps = text.split(SEPARATOR)
    if not 1 < len(steps) <= _MOST_STEPS:
        return steps
    if any(isinstance(holder, dict) and text in holder for holder in holders[:-1]):
        return [text]
    for holder in holders:
        ways: list[tuple[Any, list[str], int]] = [(holder, [], 0)]
        while ways:
            held, way, start = ways.pop()
            if start == len(steps):
                return way
            if not isinstance(held, dict):
                continue
            for end in range(start + 1, len(steps) + 1):  # the longest name comes last and is tried first
                name = SEPARATOR.join(steps[start:end])
                if start and (escaped := escape_key(name)) in held:
                    ways.append((held[escaped], [*way, escaped], end))
                elif name in held:
                    ways.append((held[name], [*way, name], end))
    return steps


def _get(holder: Any, path: list[str], default: Any) -> Any:
    for step in path:
        if isinstance(holder, list):
            index = index_in(step, len(holder))
            if not 0 <= index < len(holder):
                return default
            holder = holder[index]
        elif not isinstance(holder, dict) or step not in holder:
            return default
        else:
            holder = holder[step]
    return holder


def _put(holder: dict[str, Any], path: list[str], value: Any) -> None:
    """Put a value at a path, as the run's state does."""
    for at, step in enumerate(path[:-1], 1):
        inner = holder.get(step)
        if isinstance(inner, list):
            if at == len(path) - 1:
                holder[step] = items = list(inner)
                put_item(items, path[at], value, ABSENT_FORM)
            return
        tagged = type(inner) is dict and TAG in inner
        holder[step] = holder = _Opened(inner) if isinstance(inner, dict) and not tagged else _Opened()
    holder[path[-1]] = value


def _remove(holder: dict[str, Any], path: list[str]) -> None:
    for at, step in enumerate(path[:-1]):
        inner = holder.get(step)
        if isinstance(inner, list):
            _put(holder, path[at:], ABSENT_FORM)
            return
        if not isinstance(inner, dict):
            return
        holder[step] = holder = _Opened(inner)
    holder.pop(path[-1], None)
