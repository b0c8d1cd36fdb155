"""Watching the clock of an invocation, so that a run that is about to be killed leaves its trace behind."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class DeadlineGuard:
    """Calls `on_deadline` once, from a thread of its own, unless the guarded block ends before.

    It ends the race between the two: after the block, either `on_deadline` was never called and never will be, or it
    has returned. So there are never two of one revision.

    Args:
        in_s: seconds from now. At zero or less nothing is watched: there would be no time to ship either.
        on_deadline: ships what there is. Its exceptions are swallowed.

    Example:
        >>> with DeadlineGuard(60, lambda: print("too late")):
        ...     pass
    """

    def __init__(self, in_s: float, on_deadline: Callable[[], object]) -> None:
        self._on_deadline = on_deadline
        self._lock = threading.Lock()
        self._over = False
        self.fired = False
        self._timer = threading.Timer(in_s, self._fire) if in_s > 0 else None
        if self._timer is not None:
            self._timer.daemon = True

    def __enter__(self) -> Self:
        if self._timer is not None:
            self._timer.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        with self._lock:  # waits for a shipment that has begun
            self._over = True

    def _fire(self) -> None:
        with self._lock:
            if self._over:
                return
            self.fired = True
            with contextlib.suppress(Exception):  # a guard that fails must not fail the run it guards
                self._on_deadline()
