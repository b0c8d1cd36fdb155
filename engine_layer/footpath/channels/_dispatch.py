"""Handing events to recorders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw
from msgspec.json import encode

from footpath.channels._hooks import EMIT_HOOKS, FLOW_HOOKS, SCOPE_HOOKS, STRUCTURE_HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.channels._deferred import DeferredQueue, DeliveryOptions, ObserverStats
    from footpath.channels._recorders import AttachOptions

    Hook = Callable[[Any], Any]
    Table = tuple[tuple[str, "Hook"], ...]


_CHANNELS = {"scope": SCOPE_HOOKS, "flow": FLOW_HOOKS, "emit": EMIT_HOOKS, "structure": STRUCTURE_HOOKS}
_NOBODY: dict[tuple[str, str], Table] = {(channel, hook): () for channel, hooks in _CHANNELS.items() for hook in hooks}
_OPERATIONS = {"on_read": "read", "on_commit": "commit"}
_COROUTINE = 0x80 | 0x200
"""The flags of a code object whose call only makes a coroutine or an asynchronous generator (`inspect.CO_COROUTINE`)."""


_BUNDLE = ("name", "description", "preferredOperation", "data", "meta")


class Dispatcher:
    """Who listens to what, worked out once, so that an event nobody wants is never made.

    A recorder that fails is logged, counted and silenced for that event; nothing else changes.

    Attributes:
        failures: how many calls failed, by recorder id.
    """

    def __init__(self) -> None:
        self._by_channel: dict[str, dict[str, Any]] = {"scope": {}, "flow": {}, "emit": {}, "structure": {}}
        self._tables: dict[tuple[str, str], Table] = _NOBODY
        self._deferred: set[str] = set()
        self._queue: DeferredQueue | None = None
        self.failures: dict[str, int] = {}

    def for_run(self) -> Dispatcher:
        """Who is told of the run that begins now: those who listen at this moment, whoever comes and goes while it runs.

        What is counted, and what waits to be told, is counted and waits here.
        """
        those = Dispatcher()
        those._by_channel = {channel: dict(held) for channel, held in self._by_channel.items()}
        those._deferred = set(self._deferred)
        those._queue = self._queue
        those._tables = {}
        those.failures = self.failures
        return those

    def attach(self, recorder: Any, *channels: str, options: DeliveryOptions | None = None) -> None:
        """Let a recorder listen on some channels, in place of one with the same id.

        Without options it is told as its own `delivery` says, inline if it says nothing. All deferred recorders share
        one queue, so that they hear everything in one order; the first one's options make it.

        Raises:
            TypeError: the recorder has no id, no hook of the channels asked for, or one that is asynchronous; or it is
                a class, whose hooks would get the event for `self`.
            ValueError: it is to be deferred with a queue that differs from the one there is, or its `delivery` is
                neither "inline" nor "deferred".
        """
        if isinstance(recorder, type):
            message = f"a recorder is an object, and {recorder.__name__} a class: attach {recorder.__name__}()"
            raise TypeError(message)
        identity = getattr(recorder, "id", None)
        if not isinstance(identity, str) or not identity:
            message = f"a recorder needs an `id`, a non-empty string; {type(recorder).__name__} has {identity!r}"
            raise TypeError(message)
        hooks = {hook for channel in channels for hook in _CHANNELS[channel]}
        methods = {hook: method for hook in hooks if callable(method := getattr(recorder, hook, None))}
        if not methods:
            message = (
                f"recorder '{identity}' has none of the hooks of {', '.join(channels)}: {', '.join(sorted(hooks))}"
            )
            raise TypeError(message)
        for hook, method in methods.items():
            if getattr(getattr(method, "__code__", None), "co_flags", 0) & _COROUTINE:
                message = (
                    f"recorder '{identity}': {hook} is asynchronous, and nobody would await it; make it a plain function "
                    "that keeps what it needs, and do the waiting after the run"
                )
                raise TypeError(message)
        self._tier(recorder, identity, options)
        for channel in channels:
            if not methods.keys().isdisjoint(_CHANNELS[channel]):
                self._by_channel[channel][identity] = recorder
        self._tables = {}

    def _tier(self, recorder: Any, identity: str, options: DeliveryOptions | None) -> None:
        own: Any = getattr(recorder, "delivery", "inline")
        if options is None and own == "inline":
            self._deferred.discard(identity)
            return
        from footpath.channels._deferred import DeferredQueue, DeliveryOptions

        wanted = options or DeliveryOptions(delivery=own)
        if wanted.delivery == "inline":
            self._deferred.discard(identity)
            return
        if self._queue is None:
            self._queue = DeferredQueue(wanted)
        elif options is not None and wanted.queue != self._queue.options.queue:
            message = (
                f"recorder '{identity}' asks for a queue of (max_queue, overflow, sample_every, flush_budget_ms) = "
                f"{wanted.queue}, but deferred recorders share one, and that has {self._queue.options.queue}; "
                "give all of them the same options, or the first one alone"
            )
            raise ValueError(message)
        self._deferred.add(identity)

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
        """The methods that listen to a hook; for deferred recorders, one that keeps the event for them."""
        table = self._tables.get((channel, hook))
        if table is None:
            table = tuple(
                (identity, method)
                for identity, recorder in self._by_channel[channel].items()
                if callable(method := getattr(recorder, hook, None))
            )
            if self._queue is not None:
                table = self._with_deferred(self._queue, channel, hook, table)
            self._tables[channel, hook] = table
        return table

    def _with_deferred(self, queue: DeferredQueue, channel: str, hook: str, table: Table) -> Table:
        later = tuple((identity, method) for identity, method in table if identity in self._deferred)
        found = tuple((identity, method) for identity, method in table if identity not in self._deferred)
        if later:
            found = (*found, ("", queue.capturing(channel, hook, later, self._failed_later)))
        if channel == "scope" and hook == "on_stage_start" and self._deferred:
            found = (("", queue.checkpoint), *found)
        return found

    # ── around a run ─────────────────────────────────────────────────────────────────────────────────────────────────
    def clear(self) -> None:
        """A new run begins: let every recorder that has a `clear` forget the one before. One that fails is counted."""
        for identity, recorder in self._everybody().items():
            forget = getattr(recorder, "clear", None)
            if callable(forget):
                try:
                    forget()
                except Exception as error:  # noqa: BLE001  # a recorder never changes a run
                    self._failed(identity, error)

    def drain(self) -> None:
        """A run has ended: tell deferred recorders all they have not been told yet."""
        if self._queue is not None:
            self._queue.drain()

    def flush(self, timeout_ms: float | None = None) -> int:
        """Tell deferred recorders what waits, for so long at most; gives how many events still wait."""
        return 0 if self._queue is None else self._queue.flush(timeout_ms)

    def observer_stats(self) -> ObserverStats | None:
        """What became of the events of deferred recorders; None when there never was one."""
        return None if self._queue is None else self._queue.stats()

    def bundles(self) -> list[dict[str, Any]]:
        """What recorders put beside a snapshot (`to_snapshot`), each under its id, in the order of channels and attaching.

        One that fails is counted and left out.
        """
        found: list[dict[str, Any]] = []
        for identity, recorder in self._everybody().items():
            show = getattr(recorder, "to_snapshot", None)
            if not callable(show):
                continue
            try:
                bundle: Any = show()
                found.append(
                    {"id": identity} | {name: bundle[name] for name in _BUNDLE if bundle.get(name) is not None}
                )
            except Exception as error:  # noqa: BLE001  # a recorder never changes what is said of a run
                self._failed(identity, error)
        return found

    def _everybody(self) -> dict[str, Any]:
        inline: dict[str, Any] = {}
        later: dict[str, Any] = {}
        for held in self._by_channel.values():
            for identity, recorder in held.items():
                (later if identity in self._deferred else inline).setdefault(identity, recorder)
        return inline | later

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────
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

    def _failed_later(self, channel: str, hook: str, identity: str, event: Any, error: Exception) -> None:
        if channel in {"scope", "emit"}:
            self.failed_scope(hook, identity, event, error)
        else:
            self._failed(identity, error)

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
        from footpath.channels._events import EmitEvent, ScopeErrorEvent

        try:
            name, message = getattr(error, "name", None) or type(error).__name__, str(error)
            shown = Raw(encode({"$error": {"name": name, "message": message}}))
        except Exception:  # noqa: BLE001  # an error of a class of its own: it may raise, or give what JSON can't hold
            shown = Raw(encode({"$error": {"name": type(error).__name__, "message": "<an error without a text>"}}))
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


def delivery_options(options: AttachOptions) -> DeliveryOptions:
    """Keyword arguments as checked options.

    Raises:
        TypeError: there is no such option.
        ValueError: one of them makes no sense.
    """
    from footpath.channels._deferred import DeliveryOptions

    unknown = sorted(set(options) - set(DeliveryOptions.__struct_fields__))
    if unknown:
        message = f"no option of delivery is called {', '.join(unknown)}; there are {', '.join(DeliveryOptions.__struct_fields__)}"
        raise TypeError(message)
    return DeliveryOptions(**options)
