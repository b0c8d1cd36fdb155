"""Capture and encode against footprintjs with its narrative and `JSON.stringify`; the same with all views; bytes sent.

usage: FOOTPATH_ORACLE=<folder> python -m bench.capture [rounds]
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from bench import _charts as charts
from bench._reference import Reference, ReferenceMissingError
from bench._rows import Row, as_text
from bench._turns import in_turns, median_us, ratio
from footpath_service.wire import encode_body

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = {
    "linear50": ("50 stages of 3 reads + 2 writes", charts.linear(50), None, 10.0),
    "loan": ("loan: mounted chart, emit, decision by 3 rules", charts.loan(), charts.LOAN_INPUT, 15.0),
    "loop200": ("loop of 200", charts.loop(200), None, 10.0),
    "fork20": ("fork of 20", charts.fork(20), None, None),
    "large": ("1 MB of state", charts.large(), None, 10.0),
}


def rows(rounds: int) -> list[Row]:
    """Measure.

    Raises:
        ReferenceMissingError: footprintjs is not here.
    """
    reference = Reference()
    jobs: dict[str, Callable[[], float]] = {}
    hot: dict[str, list[float]] = {}

    def measure(case: str) -> float:
        measured = reference.measure(case)
        hot.setdefault(case, []).append(measured.hot_us)
        return measured.us

    for name, (_, chart, given, _) in CASES.items():
        jobs[f"{name} js"] = lambda name=name: measure(name)
        jobs[f"{name} py"] = lambda chart=chart, given=given: median_us(lambda: charts.document_of(chart, given))
    stages = charts.linear(50)

    def with_views() -> None:
        executor = charts.captured(stages)
        executor.get_trace().encoded  # noqa: B018  # encodes
        executor.get_snapshot()
        executor.get_narrative_entries()

    jobs["views js"] = lambda: measure("linear50")
    jobs["views py"] = lambda: median_us(with_views)
    # The other charts' data, a megabyte among it, is no part of a handler's heap: the collector need not walk it here.
    gc.collect()
    gc.freeze()
    measured = in_turns(jobs, rounds)
    gc.unfreeze()
    table = [
        Row(
            "capture + encode",
            f"times faster: {what}",
            ratio(measured[f"{name} js"], measured[f"{name} py"]),
            budget,
            detail=_behind(measured[f"{name} js"], hot[name], measured[f"{name} py"]),
        )
        for name, (what, _, _, budget) in CASES.items()
    ]
    table.append(
        Row(
            "all views in the handler",
            "times faster: 50 stages, with narrative, log, tree and state",
            ratio(measured["views js"], measured["views py"]),
            3,
            detail=_behind(measured["views js"], hot["linear50"], measured["views py"]),
        )
    )
    sizes = {
        "linear50": ("50 stages", charts.linear(50), None, 1 / 10),
        "linear5": ("5 stages", charts.linear(5), None, 1 / 5),
        "loan": ("loan", charts.loan(), charts.LOAN_INPUT, 1 / 5),
        "loop200": ("loop of 200", charts.loop(200), None, 1 / 10),
    }
    for name, (what, chart, given, budget) in sizes.items():
        theirs = reference.measure(name).bytes
        ours = len(encode_body(charts.document_of(chart, given)).encode())
        detail = f"{theirs} bytes of JSON, {ours} as it travels"
        table.append(
            Row(
                "bytes as they travel",
                f"part of theirs: {what}",
                ours / theirs,
                budget,
                at_most=True,
                detail=detail,
            )
        )
    return table


def _behind(theirs: list[float], hot: list[float], ours: list[float]) -> str:
    return f"{min(theirs):.0f} us on Node, {min(ours):.0f} us here; {ratio(hot, ours):.2g} times when Node is hot"


if __name__ == "__main__":
    try:
        print(as_text(rows(int(sys.argv[1]) if len(sys.argv) > 1 else 7)))
    except ReferenceMissingError as missing:
        sys.exit(str(missing))
