"""Measures when asked, in the interpreter that runs it: `python -m bench._worker` reads a job's name a line, answers microseconds."""

from __future__ import annotations

import gc
import json
import sys
from typing import TYPE_CHECKING

from bench import _charts as charts
from bench._turns import median_us
from bench._unrolled import unrolled

if TYPE_CHECKING:
    from collections.abc import Callable

CHARTS = {
    "linear50": (charts.linear(50), None),
    "loan": (charts.loan(), charts.LOAN_INPUT),
    "loop200": (charts.loop(200), None),
    "fork20": (charts.fork(20), None),
    "large": (charts.large(), None),
}


def with_views() -> None:
    """Run 50 stages, encode the trace, and make every view in the same process."""
    executor = charts.captured(CHARTS["linear50"][0])
    executor.get_trace().encoded  # noqa: B018  # encodes
    executor.get_snapshot()
    executor.get_narrative_entries()


def jobs() -> dict[str, Callable[[], object]]:
    """What can be asked for."""
    found: dict[str, Callable[[], object]] = {"views": with_views, "unrolled": unrolled(*CHARTS["loan"])}
    for name, (chart, given) in CHARTS.items():
        found[name] = lambda chart=chart, given=given: charts.document_of(chart, given)
    return found


def main() -> None:
    """Answer until nobody asks any more."""
    known = jobs()
    # The other charts' data, a megabyte among it, is no part of a handler's heap: the collector need not walk it here.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(median_us(known[line.strip()])), flush=True)


if __name__ == "__main__":
    main()
