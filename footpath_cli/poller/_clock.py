"""The two clocks a simulation can run on."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

VIRTUAL_START_MS = (
    1_767_225_600_000  # 2026-01-01T00:00:00Z: a round instant, so that hours in test output are easy to read
)


class FunctionTimedOut(BaseException):
    """The function's time is over; what it was doing stops here.

    Not an `Exception`: on AWS the sandbox is killed, so no `except Exception` of the handler may see it.
    """


class Clock(Protocol):
    """What the poller asks of time."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        ...

    def sleep_ms(self, duration_ms: int) -> None:
        """Let time pass."""
        ...

    def limit(self, at_ms: int) -> contextlib.AbstractContextManager[None]:
        """Inside the block, `sleep_ms` beyond `at_ms` raises FunctionTimedOut, where the clock can do that."""
        ...


class VirtualClock:
    """Time that stands still until somebody sleeps; an hour costs nothing."""

    def __init__(self, start_ms: int = VIRTUAL_START_MS) -> None:
        self._now_ms = start_ms
        self._limit_ms: int | None = None

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return self._now_ms

    def sleep_ms(self, duration_ms: int) -> None:
        """Jump ahead.

        Raises:
            ValueError: for a negative duration; time does not run backwards.
            FunctionTimedOut: inside `limit`, when the jump would pass it; the clock then stands at the limit.
        """
        if duration_ms < 0:
            raise ValueError(f"cannot sleep {duration_ms} ms: time does not run backwards")
        target_ms = self._now_ms + duration_ms
        if self._limit_ms is not None and target_ms > self._limit_ms:
            self._now_ms = max(self._now_ms, self._limit_ms)
            raise FunctionTimedOut(f"the function's time was over at {self._limit_ms} ms")
        self._now_ms = target_ms

    @contextlib.contextmanager
    def limit(self, at_ms: int) -> Generator[None]:
        """Kill what runs in the block when it sleeps beyond `at_ms`."""
        before = self._limit_ms
        self._limit_ms = at_ms
        try:
            yield
        finally:
            self._limit_ms = before


class WallClock:
    """Real time. `limit` does nothing: a handler that is slow for real cannot be stopped from the outside."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def sleep_ms(self, duration_ms: int) -> None:
        """Wait for real."""
        time.sleep(duration_ms / 1000)

    @contextlib.contextmanager
    def limit(self, at_ms: int) -> Generator[None]:  # noqa: ARG002 - the port's signature
        """Run the block; a wall clock cannot kill it."""
        yield
