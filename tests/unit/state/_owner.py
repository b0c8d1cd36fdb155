"""A stage as views see it: keeps state, notes events, and remembers what each recorded value looked like."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from footpath.state import merge
from footpath.values import ABSENT


class RecordingOwner:
    """Events are `(operation, key, value)`; a value is a copy taken when the event fired."""

    def __init__(self, **state: Any) -> None:
        self.state: dict[str, Any] = state
        self.events: list[tuple[str, str, Any]] = []

    def current_value(self, key: str) -> Any:
        return self.state.get(key, ABSENT)

    def nested_set(self, key: str, path: tuple[Any, ...], value: Any) -> None:
        patch = value
        for step in reversed(path):
            patch = {step: patch}
        self.events.append(("update", key, deepcopy(patch)))
        self.state[key] = merge(self.current_value(key), patch)

    def root_set(self, key: str, value: Any) -> None:
        self.events.append(("set", key, deepcopy(value)))
        self.state[key] = value

    def root_extend(self, key: str, items: list[Any]) -> None:
        self.events.append(("append", key, deepcopy(items)))
        self.state[key] = [*self.state[key], *items]
