"""The world made small: a clock, a log and metrics to look at, and queues and stores that misbehave on demand."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from footpath.errors import ArchiveUnavailableError
from footpath_service.adapters.memory import MemoryQueue, MemoryStore
from footpath_service.errors import QueueUnavailableError
from footpath_service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A budget that a busy machine keeps; tests of the budget set their own.
SETTINGS = Settings(archive_bucket="archive", trace_queue_url="https://sqs.example/1/traces", ship_budget_ms=20_000)


class ListLog:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, dict[str, object]]] = []

    def info(self, message: str, **facts: object) -> None:
        self.entries.append(("info", message, facts))

    def warning(self, message: str, **facts: object) -> None:
        self.entries.append(("warning", message, facts))

    def error(self, message: str, **facts: object) -> None:
        self.entries.append(("error", message, facts))

    def told(self, level: str) -> list[dict[str, object]]:
        return [{"message": message, **facts} for at, message, facts in self.entries if at == level]


class CountingMetrics:
    """Adds up."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.durations: list[tuple[str, float]] = []

    def count(self, name: str, value: float = 1, **dimensions: str) -> None:
        self.counts[name] += int(value)

    def measure_ms(self, name: str, value_ms: float) -> None:
        self.durations.append((name, value_ms))


class FaultyQueue(MemoryQueue):
    """Raises, or hangs, before or after it has taken the message."""

    def __init__(self, fault: Callable[[], Any] | None = None, *, after: bool = False) -> None:
        super().__init__()
        self.fault = fault
        self.after = after

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        if self.after:
            super().send(body, attributes)
        if self.fault is not None:
            self.fault()
        if not self.after:
            super().send(body, attributes)


class FaultyStore(MemoryStore):
    """Raises, or hangs, before or after it has written; `only` limits that to keys that begin so."""

    def __init__(self, fault: Callable[[], Any] | None = None, *, after: bool = False, only: str = "") -> None:
        super().__init__()
        self.fault = fault
        self.after = after
        self.only = only

    def put_new(self, key: str, body: bytes) -> bool:
        faulty = self.fault is not None and key.startswith(self.only)
        if faulty and not self.after:
            assert self.fault is not None
            self.fault()
        done = super().put_new(key, body)
        if faulty and self.after:
            assert self.fault is not None
            self.fault()
        return done


def queue_down() -> None:
    raise QueueUnavailableError("throttled")


def store_down() -> None:
    raise ArchiveUnavailableError("SlowDown")


def hang() -> None:
    time.sleep(5)
