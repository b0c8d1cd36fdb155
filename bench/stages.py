"""What a captured stage costs against bare functions, and whether that stays so as runs grow.

usage: python -m bench.stages [rounds]
"""

from __future__ import annotations

import sys
from itertools import pairwise
from statistics import median
from time import perf_counter_ns

import msgspec

from bench import _charts as charts
from bench._rows import Row, show
from bench._turns import in_turns, median_us, ratio

_PASSES = 1000
_WINDOW = 60


def _pass_us(*, growing: bool) -> tuple[float, float]:
    """Microseconds of one pass near the start and near the 1,000th, of the same run."""
    marks: list[int] = []
    charts.captured(charts.loop(_PASSES, lambda: marks.append(perf_counter_ns()), growing=growing))
    gaps = [(b - a) / 1000 for a, b in pairwise(marks)]
    return median(gaps[_WINDOW : 2 * _WINDOW]), median(gaps[-_WINDOW:])


def rows(rounds: int) -> list[Row]:
    """Measure."""
    fifty, many, bare = charts.linear(50), charts.linear(200), charts.bare_linear(50)
    seen = list(range(_PASSES))
    encode = msgspec.json.Encoder().encode
    passes: dict[bool, list[tuple[float, float]]] = {False: [], True: []}

    def one_pass(*, growing: bool) -> float:
        early, late = _pass_us(growing=growing)
        passes[growing].append((early, late))
        return late

    measured = in_turns(
        {
            "bare": lambda: median_us(bare),
            "run": lambda: median_us(lambda: charts.captured(fifty)),
            "50": lambda: median_us(lambda: charts.document_of(fifty)) / 50,
            "200": lambda: median_us(lambda: charts.document_of(many)) / 200,
            "flat": lambda: one_pass(growing=False),
            "growing": lambda: one_pass(growing=True),
            "encode": lambda: median_us(lambda: encode(seen)),
        },
        rounds,
    )
    flat = median([late / early for early, late in passes[False]])
    grown = [late - early for early, late in passes[True][1:]]
    return [
        Row(
            "a captured stage",
            "times the cost of bare functions over a dict",
            ratio(measured["run"], measured["bare"]),
            35,
            at_most=True,
            detail=f"{min(measured['run']) / 50:.2f} us a stage, bare {min(measured['bare']) / 50:.3f} us",
        ),
        Row(
            "a captured stage",
            "us a stage at 200 stages over that at 50",
            ratio(measured["200"], measured["50"]),
            1.2,
            at_most=True,
            detail=f"{min(measured['200']):.2f} us, {min(measured['50']):.2f} us",
        ),
        Row(
            "a captured stage",
            "a loop's 1,000th pass over its 100th, state of one size",
            flat,
            1.2,
            at_most=True,
            detail=f"{median([late for _, late in passes[False]]):.2f} us",
        ),
        Row(
            "a captured stage",
            "what 900 more items in a list add to a pass, in encodes of that list",
            median([more / once for more, once in zip(grown, measured["encode"], strict=True)]),
            1,
            at_most=True,
            detail=f"{median(grown):.1f} us more, one encode {min(measured['encode']):.1f} us",
        ),
    ]


if __name__ == "__main__":
    show(rows(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
