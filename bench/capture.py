"""Capture and encode against footprintjs with its narrative and `JSON.stringify`; the same with all views; bytes sent.

usage: FOOTPATH_ORACLE=<folder> python -m bench.capture [rounds] [python ...]
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench import _charts as charts
from bench._interpreters import Interpreter, interpreters
from bench._reference import Reference, ReferenceMissingError
from bench._rows import Row, as_text
from bench._turns import in_turns, ratio
from footpath_service.wire import encode_body

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CASES = {
    "linear50": ("50 stages of 3 reads + 2 writes", 10.0),
    "loan": ("loan: mounted chart, emit, decision by 3 rules", 15.0),
    "loop200": ("loop of 200", 10.0),
    "fork20": ("fork of 20", None),
    "large": ("1 MB of state", 10.0),
}


def rows(rounds: int, pythons: Sequence[Interpreter]) -> list[Row]:
    """Measure, every Python and Node in turns.

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

    for name in CASES:
        jobs[f"{name} js"] = lambda name=name: measure(name)
        for python in pythons:
            jobs[f"{name} {python.name}"] = lambda name=name, python=python: python.measure(name)
    for python in pythons:
        jobs[f"unrolled {python.name}"] = lambda python=python: python.measure("unrolled")
    jobs["views js"] = lambda: measure("linear50")
    for python in pythons:
        jobs[f"views {python.name}"] = lambda python=python: python.measure("views")
    with ExitStack() as stack:
        for python in pythons:
            stack.enter_context(python)
        measured = in_turns(jobs, rounds)
    table = [
        Row(
            f"capture + encode, {python.name}",
            f"times faster: {what}",
            ratio(measured[f"{name} js"], measured[f"{name} {python.name}"]),
            budget,
            detail=_behind(measured[f"{name} js"], hot[name], measured[f"{name} {python.name}"]),
        )
        for python in pythons
        for name, (what, budget) in CASES.items()
    ]
    table += [
        Row(
            f"capture + encode, {python.name}",
            "times faster: the loan chart written out by hand, no walk, no question asked",
            ratio(measured["loan js"], measured[f"unrolled {python.name}"]),
            None,
            detail=_behind(measured["loan js"], hot["loan"], measured[f"unrolled {python.name}"]),
        )
        for python in pythons
    ]
    table += [
        Row(
            f"all views in the handler, {python.name}",
            "times faster: 50 stages, with narrative, log, tree and state",
            ratio(measured["views js"], measured[f"views {python.name}"]),
            3,
            detail=_behind(measured["views js"], hot["linear50"], measured[f"views {python.name}"]),
        )
        for python in pythons
    ]
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
        print(as_text(rows(int(sys.argv[1]) if len(sys.argv) > 1 else 7, interpreters(sys.argv[2:]))))
    except ReferenceMissingError as missing:
        sys.exit(str(missing))
