"""Watching the clock of an invocation, so that a run that is about to be killed leaves its trace behind."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


TICK_S = 0.25
"""How often a run that takes long is looked at: what it records in that time must fit into memory beside its limits."""


class DeadlineGuard:
    """Calls `on_deadline` once, from a thread of its own, unless the guarded block ends before.

    It ends the race between the two: after the block, either `on_deadline` was never called and never will be, or it
    has returned. So there are never two of one revision.

    Args:
        in_s: seconds from now. At zero or less nothing is watched: there would be no time to ship either.
        on_deadline: ships what there is. Its exceptions are swallowed.
        meanwhile: called every `TICK_S` until then, from the same thread, never after the block. Likewise.

    Example:
        >>> with DeadlineGuard(60, lambda: print("too late")):
        ...     pass
    """

    def __init__(
        self, in_s: float, on_deadline: Callable[[], object], meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        self._in_s = in_s
        self._on_deadline = on_deadline
        self._meanwhile = meanwhile
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.fired = False

    def __enter__(self) -> Self:
        if self._in_s > 0:
            # Where the sandbox has no thread left to give, the run goes on unwatched rather than not at all.
            with contextlib.suppress(RuntimeError, MemoryError):
                threading.Thread(target=self._watch, name="footpath-deadline", daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:  # waits for a shipment that has begun
            self._over.set()

    def _watch(self) -> None:
        end_s = time.monotonic() + self._in_s
        while not self._over.wait(min(max(end_s - time.monotonic(), 0), TICK_S)):
            with self._lock:
                if self._over.is_set():
                    return
                self.fired = time.monotonic() >= end_s
                with contextlib.suppress(Exception):  # a guard that fails must not fail the run it guards
                    (self._on_deadline if self.fired else self._meanwhile)()
            if self.fired:
                return
