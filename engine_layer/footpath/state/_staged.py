"""Staged writes of a run whose commits keep what changed only."""

from __future__ import annotations

from typing import Any


class LastWritten(dict[str, Any]):
    """Staged writes in the order of each key's last write: so they reach the state with delta commits, as in footprintjs."""

    __slots__ = ()

    def __setitem__(self, key: str, value: Any) -> None:
        self.pop(key, None)
        super().__setitem__(key, value)
