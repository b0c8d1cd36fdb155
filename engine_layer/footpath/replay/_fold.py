"""State as the fold of commits."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownVariableType=false
from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from footpath.replay._merge import holds_tags, merged_json

if TYPE_CHECKING:
    from collections.abc import Iterable

SEPARATOR = "\u001f"
_GONE: Any = object()


def fold(initial: dict[str, Any], bundles: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Apply commit bundles, in order, to a copy of an initial state (all as JSON)."""
    state = deepcopy(initial)
    tagged = holds_tags(state)
    for bundle in bundles:
        tagged = tagged or holds_tags((bundle["overwrite"], bundle["updates"]))
        for row in bundle["trace"]:
            path = row["path"].split(SEPARATOR)
            verb = row["verb"]
            if verb == "delete":
                _remove(state, path)
            elif verb == "merge":
                after = _get(bundle.get("results"), path, _GONE)
                if after is _GONE:
                    patch = deepcopy(_get(bundle["updates"], path, {}))
                    after = merged_json(_get(state, path, {}), patch, tagged=tagged)
                _put(state, path, deepcopy(after))
            elif verb == "append":
                _put(state, path, [*_get(state, path, []), *_get(bundle["overwrite"], path, [])])
            else:
                value = _get(bundle["overwrite"], path, _GONE)
                if value is _GONE:
                    _remove(state, path)
                else:
                    _put(state, path, deepcopy(value))
    return state


def _get(holder: Any, path: list[str], default: Any) -> Any:
    for step in path:
        if not isinstance(holder, dict) or step not in holder:
            return default
        holder = holder[step]
    return holder


def _put(holder: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        inner = holder.get(step)
        if not isinstance(inner, dict):
            inner = holder[step] = {}
        holder = inner
    holder[path[-1]] = value


def _remove(holder: dict[str, Any], path: list[str]) -> None:
    for step in path[:-1]:
        inner = holder.get(step)
        if not isinstance(inner, dict):
            return
        holder = inner
    holder.pop(path[-1], None)
