"""Delivery a beat later: events wait in one bounded queue until the next stage begins, or the run ends."""

from __future__ import annotations

import time
from collections import deque
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Literal, get_args

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    Hook = Callable[[Any], Any]
    Listeners = tuple[tuple[str, Hook], ...]
    Failed = Callable[[str, str, str, Any, Exception], None]

Delivery = Literal["inline", "deferred"]
OverflowPolicy = Literal["drop-oldest", "drop-newest", "sample", "block"]
DEFAULT_MAX_QUEUE = 10_000
DEFAULT_SAMPLE_EVERY = 10
_DURATIONS_KEPT = 128
_MAX_ROUNDS = 1_000
"""How often a last flush delivers what recorders themselves brought about; then it says what is left."""


class DeliveryOptions(Struct, frozen=True):
    """How a recorder is told: at once, or later.

    Attributes:
        delivery: "inline" calls a hook in the moment; "deferred" queues the event until the next stage begins or the
            run ends, pauses or fails.
        max_queue: how many events may wait.
        overflow: what a full queue does with one more: "drop-oldest" loses the one that waits longest, "drop-newest"
            the new one, "sample" keeps every `sample_every`-th in place of the oldest, "block" loses none: it delivers
            what waits there and then. What recorders bring about while they are told waits too, with "block" even
            beyond `max_queue`.
        sample_every: see `overflow`.
        flush_budget_ms: how long a flush between two stages may take; what is left waits for the next. The last flush
            takes the time it needs.

    Example:
        >>> options = DeliveryOptions(delivery="deferred", max_queue=100, overflow="sample", sample_every=5)
        >>> DeliveryOptions(overflow="drop")
        Traceback (most recent call last):
            ...
        ValueError: overflow is one of drop-oldest, drop-newest, sample, block, not 'drop'
    """

    delivery: Delivery = "inline"
    max_queue: int = DEFAULT_MAX_QUEUE
    overflow: OverflowPolicy = "drop-oldest"
    sample_every: int = DEFAULT_SAMPLE_EVERY
    flush_budget_ms: float = inf

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: a word that is none of those allowed, or a number that is not positive.
        """
        _one_of("delivery", self.delivery, get_args(Delivery))
        _one_of("overflow", self.overflow, get_args(OverflowPolicy))
        for name in ("max_queue", "sample_every"):
            number = getattr(self, name)
            if type(number) is not int or number < 1:
                message = f"{name} is a whole number of at least 1, not {number!r}"
                raise ValueError(message)
        budget: Any = self.flush_budget_ms
        if isinstance(budget, bool) or not isinstance(budget, int | float) or not budget > 0:
            message = f"flush_budget_ms is a number of milliseconds above 0 (infinity for no limit), not {budget!r}"
            raise ValueError(message)

    @property
    def queue(self) -> tuple[int, str, int, float]:
        """What all deferred recorders share."""
        return self.max_queue, self.overflow, self.sample_every, self.flush_budget_ms


class ListenerStats(Struct, rename="camel"):
    """What one deferred recorder was told.

    Attributes:
        events: calls, those that failed included.
        failures: calls that failed.
        total_ms: milliseconds spent in it.
        last_flush_ms: of those, since the last flush began.
    """

    events: int = 0
    failures: int = 0
    total_ms: float = 0
    last_flush_ms: float = 0


class ObserverStats(Struct, rename="camel", kw_only=True):
    """What became of the events of deferred recorders; counts go on from run to run.

    Always: `captured == delivered + drops + depth + terminal_stranded`. An event that several recorders want is one.

    Attributes:
        captured: events that were to be told later.
        delivered: told.
        drops: lost to a full queue.
        failed: calls of recorders that failed; their events count as delivered.
        depth: waiting now; 0 whenever `run` has returned.
        flushes: times that waiting events were told.
        budget_exhausted: flushes that their time cut short.
        p95_flush_ms: milliseconds that 95 of 100 of the last flushes did not take longer than.
        inline_deliveries: events that were told early because the queue was full ("block").
        inflight: always 0: hooks are plain functions, so nothing goes on behind them.
        terminal_stranded: given up after the run's end, because recorders kept bringing about new events.
        per_listener: by recorder id.
    """

    captured: int
    delivered: int
    drops: int
    failed: int
    depth: int
    flushes: int
    budget_exhausted: int
    p95_flush_ms: float
    inline_deliveries: int
    inflight: int = 0
    terminal_stranded: int
    per_listener: dict[str, ListenerStats]


class DeferredQueue:
    """Events that wait, in the order they happened across all channels, and the calls they are owed."""

    def __init__(self, options: DeliveryOptions) -> None:
        self.options = options
        self._waiting: deque[tuple[str, str, Listeners, Failed, Any]] = deque()
        self._saturated = 0
        self._flushing = False
        self._captured = self._delivered = self._drops = self._failures = 0
        self._flushes = self._exhausted = self._inline = self._stranded = 0
        self._durations: deque[float] = deque(maxlen=_DURATIONS_KEPT)
        self._listeners: dict[str, ListenerStats] = {}

    def capturing(self, channel: str, hook: str, listeners: Listeners, failed: Failed) -> Hook:
        """A hook that keeps an event for some recorders' hooks. Events never change, so none is copied.

        `failed` is told of each call that fails.
        """

        def capture(event: Any) -> None:
            self._captured += 1
            if len(self._waiting) >= self.options.max_queue and not self._admits():
                self._drops += 1
                return
            self._waiting.append((channel, hook, listeners, failed, event))

        return capture

    def _admits(self) -> bool:
        """A queue that is full: make room, or refuse."""
        overflow = self.options.overflow
        if overflow == "drop-newest":
            return False
        if overflow == "block":
            # In order: what waits is told first, and then there is room. In the middle of a flush there is some
            # already.
            if not self._flushing:
                self._inline += len(self._waiting)
                self._deliver(rounds=1, budget_s=inf)
            return True
        if overflow == "sample":
            self._saturated += 1
            if self._saturated % self.options.sample_every:
                return False
        self._waiting.popleft()
        self._drops += 1
        return True

    def checkpoint(self, _event: Any = None) -> None:
        """Between two stages: tell what waits now, for as long as the budget allows."""
        if self._waiting and not self._flushing:
            self._deliver(rounds=1, budget_s=self.options.flush_budget_ms / 1000)

    def drain(self) -> None:
        """At the end of a run: tell all that waits, and what comes of that."""
        if self._waiting and not self._flushing:
            try:
                self._deliver(rounds=_MAX_ROUNDS, budget_s=inf)
            finally:  # what is left when a recorder stops the program is not the next run's
                self._stranded += len(self._waiting)
                self._waiting.clear()

    def flush(self, timeout_ms: float | None) -> int:
        """In the middle of a run: tell all that waits, and what comes of that, for so long at most; gives what is left."""
        if self._waiting and not self._flushing:
            self._deliver(rounds=_MAX_ROUNDS, budget_s=inf if timeout_ms is None else timeout_ms / 1000)
        return len(self._waiting)

    def _deliver(self, *, rounds: int, budget_s: float) -> None:
        self._flushing = True
        began = time.perf_counter()
        for listener in self._listeners.values():
            listener.last_flush_ms = 0
        try:
            while self._waiting and rounds:
                rounds -= 1
                if not self._tell(len(self._waiting), began + budget_s):
                    self._exhausted += 1
                    break
        finally:
            self._flushing = False
            self._flushes += 1
            self._saturated = 0
            self._durations.append((time.perf_counter() - began) * 1000)

    def _tell(self, count: int, until: float) -> bool:
        bounded = isfinite(until)
        for number in range(count):
            if bounded and number and time.perf_counter() >= until:
                return False
            channel, hook, listeners, failed, event = self._waiting.popleft()
            self._delivered += 1
            for identity, method in listeners:
                stats = self._listeners.setdefault(identity, ListenerStats())
                began = time.perf_counter()
                try:
                    method(event)
                except Exception as error:  # noqa: BLE001  # a recorder never changes a run
                    stats.failures += 1
                    self._failures += 1
                    failed(channel, hook, identity, event, error)
                took = (time.perf_counter() - began) * 1000
                stats.events += 1
                stats.total_ms += took
                stats.last_flush_ms += took
        return True

    def stats(self) -> ObserverStats:
        """The counts as they stand; the caller's own."""
        durations = sorted(self._durations)
        return ObserverStats(
            captured=self._captured,
            delivered=self._delivered,
            drops=self._drops,
            failed=self._failures,
            depth=len(self._waiting),
            flushes=self._flushes,
            budget_exhausted=self._exhausted,
            p95_flush_ms=durations[(len(durations) * 95 - 1) // 100] if durations else 0,
            inline_deliveries=self._inline,
            terminal_stranded=self._stranded,
            per_listener={
                identity: ListenerStats(one.events, one.failures, one.total_ms, one.last_flush_ms)
                for identity, one in list(self._listeners.items())  # somebody may look on from another thread
            },
        )


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        message = f"{name} is one of {', '.join(allowed)}, not {value!r}"
        raise ValueError(message)
