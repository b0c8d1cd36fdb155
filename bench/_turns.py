"""Measuring in turns."""

from __future__ import annotations

from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BATCH_NS = 60_000_000
"""How long one job is measured before the next one has its turn: short against the changes of a machine's load."""


def median_us(call: Callable[[], Any], least: int = 5) -> float:
    """Median microseconds of a call, over one batch."""
    times: list[int] = []
    end = perf_counter_ns() + BATCH_NS
    while len(times) < least or perf_counter_ns() < end:
        began = perf_counter_ns()
        call()
        times.append(perf_counter_ns() - began)
    return median(times) / 1000


def in_turns(jobs: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each job measured in each round; the first round warms up and does not count."""
    measured: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(rounds + 1):
        for name, job in jobs.items():
            value = job()
            if number:
                measured[name].append(value)
    return measured


def ratio(over: list[float], under: list[float]) -> float:
    """Ratio of each side's best round: other work on the machine only ever adds time, and not to both alike."""
    return min(over) / min(under)
