"""Handing events to recorders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw
from msgspec.json import encode

from footpath.channels._events import EmitEvent, ScopeErrorEvent
from footpath.channels._hooks import EMIT_HOOKS, FLOW_HOOKS, SCOPE_HOOKS, STRUCTURE_HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable

    Hook = Callable[[Any], Any]
    Table = tuple[tuple[str, "Hook"], ...]


_CHANNELS = {"scope": SCOPE_HOOKS, "flow": FLOW_HOOKS, "emit": EMIT_HOOKS, "structure": STRUCTURE_HOOKS}
_NOBODY: dict[tuple[str, str], Table] = {(channel, hook): () for channel, hooks in _CHANNELS.items() for hook in hooks}
_OPERATIONS = {"on_read": "read", "on_commit": "commit"}


class Dispatcher:
    """Who listens to what, worked out once, so that an event nobody wants is never made.

    A recorder that fails is logged, counted and silenced for that event; nothing else changes.

    Attributes:
        failures: how many calls failed, by recorder id.
    """

    def __init__(self) -> None:
        self._by_channel: dict[str, dict[str, Any]] = {"scope": {}, "flow": {}, "emit": {}, "structure": {}}
        self._tables: dict[tuple[str, str], Table] = _NOBODY
        self.failures: dict[str, int] = {}

    def attach(self, recorder: Any, *channels: str) -> None:
        """Let a recorder listen on some channels, in place of one with the same id.

        Raises:
            TypeError: the recorder has no id, or no hook of the channels asked for.
        """
        identity = getattr(recorder, "id", None)
        if not isinstance(identity, str) or not identity:
            message = f"a recorder needs an `id`, a non-empty string; {type(recorder).__name__} has {identity!r}"
            raise TypeError(message)
        hooks = {hook for channel in channels for hook in _CHANNELS[channel]}
        if not any(callable(getattr(recorder, hook, None)) for hook in hooks):
            message = (
                f"recorder '{identity}' has none of the hooks of {', '.join(channels)}: {', '.join(sorted(hooks))}"
            )
            raise TypeError(message)
        for channel in channels:
            self._by_channel[channel][identity] = recorder
        self._tables = {}

    def detach(self, identity: str, *channels: str) -> None:
        """Let a recorder listen no more; without channels, on none. An unknown id changes nothing."""
        for channel in channels or _CHANNELS:
            self._by_channel[channel].pop(identity, None)
        self._tables = {}

    def recorders(self, channel: str) -> list[Any]:
        """The recorders of a channel, in the order they were attached."""
        return list(self._by_channel[channel].values())

    @property
    def listens(self) -> bool:
        """Whether anybody wants anything of a run."""
        held = self._by_channel
        return bool(held["scope"] or held["flow"] or held["emit"])

    def table(self, channel: str, hook: str) -> Table:
        """The methods that listen to a hook."""
        table = self._tables.get((channel, hook))
        if table is None:
            table = self._tables[channel, hook] = tuple(
                (identity, method)
                for identity, recorder in self._by_channel[channel].items()
                if callable(method := getattr(recorder, hook, None))
            )
        return table

    def fire(self, table: Table, event: Any) -> None:
        """Give an event to each listener of a flow, emit or structure hook."""
        for identity, method in table:
            try:
                method(event)
            except Exception as error:  # noqa: BLE001  # a recorder never changes a run
                self._failed(identity, error)

    def fire_scope(self, hook: str, table: Table, event: Any) -> None:
        """Give an event to each listener of a scope or emit hook; a failure is itself told to the scope recorders."""
        for identity, method in table:
            try:
                method(event)
            except Exception as error:  # noqa: BLE001  # a recorder never changes a run
                self.failed_scope(hook, identity, event, error)

    def failed_scope(self, hook: str, identity: str, event: Any, error: Exception) -> None:
        """A listener of a scope or emit hook failed: count it, and tell the scope recorders."""
        self._failed(identity, error)
        if hook != "on_error":
            self._report(hook, event, error)

    def _failed(self, identity: str, error: Exception) -> None:
        self.failures[identity] = self.failures.get(identity, 0) + 1
        if self.failures[identity] == 1:
            import logging  # 3 ms that a process whose recorders all work need not wait for

            logging.getLogger("footpath").warning(
                "recorder %r failed (further failures are counted only): %r", identity, error
            )

    def _report(self, hook: str, event: Any, error: Exception) -> None:
        table = self.table("scope", "on_error")
        if not table:
            return
        shown = Raw(
            encode({"$error": {"name": getattr(error, "name", None) or type(error).__name__, "message": str(error)}})
        )
        stage_id = event.runtime_stage_id.rpartition("#")[0] if type(event) is EmitEvent else event.stage_id
        report = ScopeErrorEvent(
            event.stage_name,
            stage_id,
            event.runtime_stage_id,
            event.pipeline_id,
            event.timestamp,
            shown,
            _OPERATIONS.get(hook, "write"),
            "scope",
        )
        for identity, method in table:
            try:
                method(report)
            except Exception as again:  # noqa: BLE001
                self._failed(identity, again)
