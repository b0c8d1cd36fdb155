"""Recorders that note every event when it fires, and recorders that fail."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tests.conformance._expressions import CaseError
from tests.conformance._view import json_view

__all__ = ["Events", "camel", "recorder", "snake", "throwing_recorder"]

METHODS = {
    "structure": "onStageAdded onStageTagged onEdgeAdded onLoopEdgeAdded onDeciderComplete onSubflowMounted",
    "scope": "onRead onWrite onCommit onError onStageStart onStageEnd onPause onResume",
    "flow": "onStageExecuted onNext onDecision onFork onSelected onSubflowEntry onSubflowExit onSubflowRegistered "
    "onLoop onBreak onError onStageRetry onPause onResume onRunStart onRunEnd onRunFailed",
    "emit": "onEmit",
}


def snake(camel: str) -> str:
    """`onStageStart` to `on_stage_start`."""
    return re.sub(r"[A-Z]", lambda m: "_" + m[0].lower(), camel)


def camel(snake_name: str) -> str:
    """`on_stage_start` to `onStageStart`."""
    return re.sub(r"_([a-z])", lambda m: m[1].upper(), snake_name)


class Events:
    """Everything that fired, in order. An event is encoded when it fires, so that a later change would not show."""

    def __init__(self) -> None:
        self._fired: list[tuple[str, str, bytes | Exception]] = []

    def __len__(self) -> int:
        return len(self._fired)

    def note(self, channel: str, method: str, event: Any) -> None:
        """Keep one event. Never raises, since a recorder's failure would be an event of its own."""
        try:
            encoded: bytes | Exception = msgspec.json.encode(event)
        except Exception as error:  # noqa: BLE001  # shown in place of the event, where it fails the comparison
            encoded = error
        self._fired.append((channel, method, encoded))

    def since(self, start: int) -> list[dict[str, Any]]:
        """The events from the `start`-th on, as the reference's runner shows them."""
        return [
            {"channel": channel, "method": method, "event": _event_view(encoded)}
            for channel, method, encoded in self._fired[start:]
        ]


def _event_view(encoded: bytes | Exception) -> Any:
    if isinstance(encoded, Exception):
        return {"not JSON": f"{type(encoded).__name__}: {encoded}"}
    return json_view(msgspec.json.decode(encoded))


def recorder(recorder_id: str, channels: tuple[str, ...], events: Events) -> Any:
    """A recorder with the hooks of those channels, each noting what it is given."""
    hooks: dict[str, Any] = {"id": recorder_id}
    for channel in channels:
        for method in METHODS[channel].split():
            hooks[snake(method)] = _noting(events, channel, method)
    return type("NotingRecorder", (), hooks)()


def _noting(events: Events, channel: str, method: str) -> Any:
    def hook(_self: Any, event: Any) -> None:
        events.note(channel, method, event)

    return hook


def throwing_recorder(recorder_id: str, methods: list[str]) -> Any:
    """A recorder that raises in those hooks (camelCase names, as cases write them)."""
    hooks: dict[str, Any] = {"id": recorder_id}
    for method in methods:
        hooks[snake(method)] = _raising(f"recorder {recorder_id} failed in {method}")
    return type("ThrowingRecorder", (), hooks)()


def _raising(message: str) -> Any:
    def hook(_self: Any, event: Any) -> None:
        raise CaseError(message)

    return hook
