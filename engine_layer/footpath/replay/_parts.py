"""Recorded values as plain JSON for one snapshot: each decoded once, however often it was read, written and committed.

A value of a megabyte that a loop reads a thousand times stands in a thousand stages. A list that grows by one item a
pass stands in the log as often as it grew; its versions share their items. So parts of a snapshot may be the same
object: change a copy of it, not it.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw
from msgspec.json import decode

from footpath.replay._grown import Grown
from footpath.replay._mirror import packed
from footpath.values import ATOMS, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONG = 256
"""Bytes of a list from which on it is worth a look whether it has only grown."""


class Parts:
    """What was decoded so far."""

    __slots__ = ("_decoded", "_kept", "_lists")

    def __init__(self) -> None:
        self._decoded: dict[int, Any] = {}
        self._kept: list[Any] = []  # keeps a value alive, so that its id stays its own
        self._lists: dict[str, tuple[bytes, list[Any]]] = {}

    def of(self, key: str, value: Any) -> Any:
        """A value of a key."""
        if type(value) in ATOMS:
            return value
        known = self._decoded.get(id(value))
        if known is None:
            self._kept.append(value)
            made = value.plain() if type(value) is Grown else packed(value)
            known = self._decoded[id(value)] = self._list(key, made) if type(made) is Raw else plain(made)
        return known

    def members(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """An object's members, those that have a value."""
        return {key: self.of(key, value) for key, value in values.items() if value is not UNSET}

    def nested(self, values: dict[str, Any]) -> dict[str, Any]:
        """Likewise, where a member may itself be a dict of values."""
        top: dict[str, Any] = {}
        todo: list[tuple[dict[str, Any], dict[str, Any]]] = [(top, values)]
        while todo:
            shown, source = todo.pop()
            for key, value in source.items():
                if type(value) is dict:
                    shown[key] = {}
                    todo.append((shown[key], value))
                elif value is not UNSET:
                    shown[key] = self.of(key, value)
        return top

    def _list(self, key: str, value: Raw) -> Any:
        text = memoryview(value)
        if len(text) < _LONG or text[0] != 0x5B:
            return plain(value)
        encoded = bytes(text)
        before = self._lists.get(key)
        items: list[Any] | None = None
        if before is not None:
            head, known = before
            if encoded == head:
                items = known
            elif len(encoded) > len(head) and encoded.startswith(head[:-1]) and encoded[len(head) - 1] == 0x2C:
                items = [*known, *decode(b"[" + encoded[len(head) :])]
        whole: list[Any] = decode(encoded) if items is None else items
        self._lists[key] = (encoded, whole)
        return whole
