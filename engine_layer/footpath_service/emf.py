"""Metrics to CloudWatch, by Powertools in its embedded format: approximate, and never an error of whoever measures.

Powertools' metrics of a process are one global object, and raise on an odd name, an odd value or a 30th dimension; so
each document here is made by an object of its own, and whatever goes wrong is swallowed.
"""

from __future__ import annotations

import contextlib
import warnings
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACE = "Footpath"


class EmfMetrics:
    """Gathers counters and durations, and prints them as EMF when flushed; see `footpath_service.ports.Metrics`.

    One per invocation or kept across them; not safe across threads that flush at once.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[tuple[str, str], ...], dict[str, float]] = defaultdict(dict)
        self._durations: dict[str, list[float]] = defaultdict(list)

    def count(self, name: str, value: float = 1, **dimensions: str) -> None:
        """Add to a counter."""
        counts = self._counts[tuple(sorted(dimensions.items()))]
        counts[name] = counts.get(name, 0) + value

    def measure_ms(self, name: str, value_ms: float) -> None:
        """Record a duration in milliseconds; the first 100 of a name until the next flush."""
        if len(self._durations[name]) < 100:  # EMF takes no more values of one metric in a document
            self._durations[name].append(value_ms)

    def flush(self) -> None:
        """Print what was gathered, and begin at zero."""
        counts, durations = dict(self._counts), dict(self._durations)
        self._counts.clear()
        self._durations.clear()
        if durations and () not in counts:
            counts[()] = {}
        for dimensions, values in counts.items():
            with contextlib.suppress(Exception), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _print(dict(dimensions), values, {} if dimensions else durations)


def _print(dimensions: Mapping[str, str], counts: Mapping[str, float], durations: Mapping[str, list[float]]) -> None:
    from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

    metrics = EphemeralMetrics()
    if not metrics.namespace:
        metrics.namespace = _NAMESPACE
    for name, value in dimensions.items():
        metrics.add_dimension(name, value[:250] or "none")
    for name, value in counts.items():
        metrics.add_metric(name, MetricUnit.Count, value)
    for name, values in durations.items():
        for value in values:
            metrics.add_metric(name, MetricUnit.Milliseconds, value)
    metrics.flush_metrics()


class NoMetrics:
    """Measures nothing; see `footpath_service.ports.Metrics`."""

    def count(self, name: str, value: float = 1, **dimensions: str) -> None:
        """Forget it."""

    def measure_ms(self, name: str, value_ms: float) -> None:
        """Forget it."""
