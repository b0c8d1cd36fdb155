"""Through a subflow's mappings, in and out.

What a mapping did is not recorded, only what went in and what came out. So a link through one is found by name, or by
an equal value, and says which.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import UNSET, Struct, UnsetType

from footpath.query._log import PATH_SEPARATOR, rows_of
from footpath.query._matches import is_tail, path_to, telling
from footpath.query._patch import same
from footpath.values import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from footpath.query._explanation import Basis, Origin
    from footpath.query._scopes import Scope, Scopes

MAX_LEADS = 12
MAX_UNMATCHED = 4
_ITEM_OF = re.compile(r"~([0-9]{1,9})#[0-9]+\Z")
_ITEM_KEYS: Final = frozenset({"item", "index"})


class Lead(Struct, frozen=True):
    """Where a value may have come from: a commit (`scope`, `position`, `path`), or an `origin` with no commit."""

    origin: Origin
    basis: Basis
    path: str | UnsetType = UNSET
    mount: str | UnsetType = UNSET
    scope: Scope | None = None
    position: int = -1
    inside: str = ""


def leads_in(scope: Scope, path: str) -> list[Lead]:
    """Where a value that `scope` began with came from: searched in the state its mount saw, and on outward."""
    key = path.partition(PATH_SEPARATOR)[0]
    basis: Basis = "recorded"
    passed: set[str] = set()  # mounts; a damaged snapshot may close a ring
    while scope.mount is not None and scope.mount not in passed:
        mount, outer = scope.mount, scope.parent
        passed.add(mount)
        before = None if outer is None else outer.start_of(mount)
        if outer is None or before is None:
            return [Lead("subflow-input", "unknown", mount=mount)]
        item = _ITEM_OF.search(mount)
        if item and key == "index":
            return [Lead("subflow-input", "recorded", mount=mount)]
        value = scope.value_before(key, scope.seeded())
        match = _find_input(outer, before, key, value, int(item[1]) if item else None)
        if match is None:
            return [Lead("subflow-input", "unknown", mount=mount)]
        key, inside, found = match
        basis = found if basis in {"recorded", "same-name"} else basis
        writers = outer.writers(key, before)
        if not writers:
            return [Lead("initial-state", basis, key + inside, mount)]
        steps = [(at, part) for at, part in writers if outer.step_at(at)][-MAX_LEADS:]
        if steps:
            return [Lead("step", basis, part, mount, outer, at, inside) for at, part in steps]
        scope = outer
    return []


def leads_out(scopes: Scopes, mount: str, path: str, value: Any, whole: Any) -> list[Lead] | None:
    """Where a value that a mount gave came from inside; None without an inner history.

    `whole` is the value of the state key that `path` leads into: an object is mapped out member by member. Both are
    UNSET when masked.
    """
    inner = scopes.inside(mount)
    if inner is None:
        return None
    end = len(inner.index)
    root, nested, rest = path.partition(PATH_SEPARATOR)
    match = _find_output(inner, end, (root,), whole) if nested else None
    if match is not None and match[2] != "tail" and same(inner.value_before(match[0], end), whole):
        match = (match[0], f"{match[1]}.{rest.replace(PATH_SEPARATOR, '.')}", match[2])
    else:
        match = _find_output(inner, end, (path.rpartition(PATH_SEPARATOR)[2], root), value)
    if match is None:
        return list(_last_writes(inner, mount, MAX_UNMATCHED)) or [Lead("unknown", "unknown", mount=mount)]
    key, inside, basis = match
    leads: list[Lead] = []
    for at, part in inner.writers(key, end)[-MAX_LEADS:]:
        if inner.step_at(at):
            leads.append(Lead("step", basis, part, mount, inner, at, inside))
        else:
            leads.extend(leads_in(inner, part))
    return leads or [Lead("initial-state", basis, key + inside, mount)]


def lead_of_item(scopes: Scopes, mount: str) -> Lead | None:
    """What one branch of a for-each gave: its last write stands for it. None without an inner history."""
    inner = scopes.inside(mount)
    if inner is None:
        return None
    return next(_last_writes(inner, mount, 1), Lead("unknown", "unknown", mount=mount))


def _last_writes(inner: Scope, mount: str, most: int) -> Iterator[Lead]:
    """The last writes of the stages that wrote last, newest first."""
    seen: set[str] = set()
    for position in range(len(inner.index) - 1, -1, -1):
        step = inner.step_at(position)
        rows = rows_of(inner.index.log[position])
        if step and rows and step not in seen:
            seen.add(step)
            yield Lead("step", "unknown", rows[-1]["path"], mount, inner, position)
            if len(seen) == most:
                return


def _find_input(scope: Scope, before: int, name: str, value: Any, item: int | None) -> tuple[str, str, Basis] | None:
    """Where a state holds what a mapping took in: key, path inside it, and how sure that is."""
    roots = scope.roots(before)
    if name in roots and not (item is not None and name in _ITEM_KEYS):
        return name, "", "same-name"
    if value is ABSENT or (item is None and not telling(value)):
        return None
    states = [(key, scope.value_before(key, before)) for key in roots]
    if item is not None:
        for key, held in states:
            items = cast("list[Any]", held) if isinstance(held, list) else []
            if item < len(items) and same(items[item], value):
                return key, f"[{item}]", "same-value"
        return None
    for key, held in states:
        if same(held, value):
            return key, "", "same-value"
    return _find_inside(states, value, name)


def _find_output(inner: Scope, end: int, names: tuple[str, ...], value: Any) -> tuple[str, str, Basis] | None:
    """The inner key that an output mapping took a value from."""
    states = [(key, inner.value_before(key, end)) for key in inner.roots(end)]
    named = [(key, held) for key, held in states if key in names]
    if value is not UNSET:
        for key, held in named:
            if same(held, value):
                return key, "", "same-name"
            if is_tail(value, held):
                return key, "", "tail"
        if telling(value):
            for key, held in states:
                if same(held, value):
                    return key, "", "same-value"
            for key, held in states:
                if is_tail(value, held):
                    return key, "", "tail"
            found = _find_inside(states, value, names[0])
            if found is not None:
                return found
    return (named[0][0], "", "same-name") if named else None


def _find_inside(states: list[tuple[str, Any]], value: Any, name: str) -> tuple[str, str, Basis] | None:
    for key, held in states:
        inside = path_to(value, held, name)
        if inside is not None:
            return key, inside if inside.startswith("[") else f".{inside}", "same-value"
    return None
