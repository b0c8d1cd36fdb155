from __future__ import annotations

import threading
import time

from footpath_service.deadline import DeadlineGuard


def test_a_block_that_ends_in_time_never_fires() -> None:
    """And never will afterwards."""
    fired: list[int] = []
    with DeadlineGuard(0.5, lambda: fired.append(1)) as guard:
        pass
    time.sleep(0.7)
    assert (fired, guard.fired) == ([], False)


def test_a_block_that_is_late_fires_once_while_it_goes_on() -> None:
    """Also while the processor is busy: no stage has to give way for it."""
    fired: list[float] = []
    started = time.perf_counter()
    with DeadlineGuard(0.05, lambda: fired.append(time.perf_counter() - started)) as guard:
        while time.perf_counter() - started < 0.2 or not fired:
            sum(range(1000))
    assert guard.fired
    assert len(fired) == 1
    assert fired[0] >= 0.05


def test_the_end_of_the_block_waits_for_what_has_begun() -> None:
    """After the block the partial trace has been shipped, or never will be: never two of one revision at once."""
    begun, done = threading.Event(), threading.Event()

    def ship() -> None:
        begun.set()
        time.sleep(0.1)
        done.set()

    with DeadlineGuard(0.01, ship):
        begun.wait(60)
    assert done.is_set()


def test_a_guard_that_fails_fails_nothing() -> None:
    """It only watches."""
    with DeadlineGuard(0.01, lambda: 1 / 0) as guard:
        patience = time.monotonic() + 60
        while not guard.fired and time.monotonic() < patience:
            time.sleep(0.01)
    assert guard.fired


def test_without_time_nothing_is_watched() -> None:
    """There would be no time to ship, either."""
    fired: list[int] = []
    with DeadlineGuard(0, lambda: fired.append(1)), DeadlineGuard(-3, lambda: fired.append(1)):
        time.sleep(0.02)
    assert fired == []
