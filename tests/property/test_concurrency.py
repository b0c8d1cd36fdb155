"""Runs at the same time: in threads and in one event loop, of one chart, each as if it were alone."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

from hypothesis import given, settings

from tests.property._budget import examples
from tests.property._runs import Case, Heard, Phase, Running, cases

AT_ONCE = 4


def left_by(phases: list[Phase]) -> list[tuple[Any, ...]]:
    """What runs must agree in."""
    return [(phase.outcome, phase.document) for phase in phases]


@settings(max_examples=examples(12))
@given(case=cases())
def test_runs_in_threads_are_as_if_alone(case: Case) -> None:
    """Same outcome, same bytes, same calls to the recorder of each."""
    running = Running(case)
    listener = Heard()
    alone = left_by(running.phases(listener))
    gate = threading.Barrier(AT_ONCE)
    found: dict[int, Any] = {}

    def work(number: int) -> None:
        heard = Heard()
        gate.wait()
        found[number] = (left_by(running.phases(heard)), heard.calls)

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(work, number)) for number in range(AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [(alone, listener.calls)] * AT_ONCE


@settings(max_examples=examples(12))
@given(case=cases())
def test_runs_in_one_event_loop_are_as_if_alone(case: Case) -> None:
    """Interleaved at every await; and awaiting a run comes to what running it comes to."""
    running = Running(case)
    listener = Heard()
    alone = left_by(running.phases(listener))

    async def one() -> Any:
        heard = Heard()
        return left_by(await running.phases_async(heard)), heard.calls

    async def together() -> list[Any]:
        return await asyncio.gather(*(one() for _ in range(AT_ONCE)))

    assert asyncio.run(together()) == [(alone, listener.calls)] * AT_ONCE
