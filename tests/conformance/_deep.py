"""Room for deep documents: the reference nests its execution tree one level a step, which Python's own JSON refuses."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["deeply"]

T = TypeVar("T")
_STACK_BYTES = 512 * 1024 * 1024
_FRAMES = 400_000


def deeply(act: Callable[[], T]) -> T:
    """Call `act`, if need be once more on a thread with a large stack; give its value, or raise what it raised.

    The engine is never called this way: its own limits are part of what is tested.
    """
    try:
        return act()
    except RecursionError:
        pass  # nearly nothing is so deep, and a thread takes longer than most cases
    outcome: list[tuple[T | None, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((act(), None))
        except BaseException as error:  # noqa: BLE001  # raised again by the caller's thread
            outcome.append((None, error))

    stack_bytes = threading.stack_size(_STACK_BYTES)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(_FRAMES)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(stack_bytes)
    value, error = outcome[0]
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # set whenever there is no error
