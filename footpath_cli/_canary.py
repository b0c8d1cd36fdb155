"""`footpath canary`: one known run, from request to archive and back, with its times.

Whoever deployed wants to know one thing: does a request that is made now end as a trace that can be read? So nothing is
looked at but what a caller and a reader would see, and what they see must agree.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from footpath.archive import TraceNotFoundError
from footpath_cli._exits import CommandError, Exit
from footpath_cli._output import as_json, harmless, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.archive import StoredTrace
    from footpath_cli._places import Place

_PAUSE_S = 2.0


class Canary(NamedTuple):
    """How it went.

    Attributes:
        trace_id, chart, status: of the run.
        answered_ms: until the answer was there.
        archived_ms: from the answer until its trace could be read from the archive.
        lines: of its story.
    """

    trace_id: str
    chart: str
    status: str
    answered_ms: float
    archived_ms: float
    lines: int


def fly(
    ask: Callable[[], Any],
    place: Place,
    *,
    wait_s: float,
    clock_s: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Canary:
    """Make the run, wait for its trace, and compare what was answered with what is archived.

    Args:
        ask: makes the run; gives the answer with `traceId`, `chart`, `status`, `result` and `narrative`.
        place: the archive.
        wait_s: the most that the trace may take.
        clock_s: seconds, of a clock that never steps back.
        sleep: waits so many seconds.

    Raises:
        CommandError: the run failed, its trace did not come in time, or it tells another story than the answer.
    """
    started_s = clock_s()
    answer = ask()
    answered_s = clock_s()
    answer = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
    trace_id = answer.get("traceId")
    if not isinstance(trace_id, str) or answer.get("status") not in {"completed", "paused"}:
        what = json.dumps(answer, default=str)[:400]
        raise CommandError(
            f"the run did not end well: {what}", "give the chart an input that it completes with --input"
        )
    found = _wait(place, trace_id, answered_s + wait_s, wait_s, clock_s, sleep)
    archived_s = clock_s()
    _compare(answer, found)
    return Canary(
        trace_id,
        str(answer.get("chart")),
        str(answer["status"]),
        round((answered_s - started_s) * 1000, 1),
        round((archived_s - answered_s) * 1000, 1),
        len(found.line.narrative or ()),
    )


def _wait(
    place: Place,
    trace_id: str,
    until_s: float,
    wait_s: float,
    clock_s: Callable[[], float],
    sleep: Callable[[float], object],
) -> StoredTrace:
    while True:
        try:
            return place.reader.get(trace_id)
        except TraceNotFoundError as error:
            left_s = until_s - clock_s()
            if left_s <= 0:
                raise CommandError(
                    f"trace {trace_id} was not in {place.name} within {wait_s:g} s",
                    "longer with --wait (a batch waits TraceBatchWindowSeconds); else `footpath dlq ls`, "
                    "`footpath doctor`, and docs/runbook.md: a trace is not found",
                    exit_code=Exit.FAILURE,
                ) from error
            sleep(min(_PAUSE_S, left_s))


def _compare(answer: dict[str, Any], found: StoredTrace) -> None:
    told = cast("list[str]", answer.get("narrative") or [])
    kept = list(found.line.narrative or ())
    differences = [
        f"{name}: answered {json.dumps(said)[:200]}, archived {json.dumps(has)[:200]}"
        for name, said, has in (
            ("status", answer["status"], found.line.status),
            ("the story's lines", len(told), len(kept)),
            *((f"line {number}", *pair) for number, pair in enumerate(zip(told, kept, strict=False), start=1)),
        )
        if said != has
    ]
    if not kept:
        differences.append("the archived trace has no story")
    if differences:
        raise CommandError(
            harmless(f"trace {found.line.trace_id} tells another story than its answer: {differences[0]}"),
            "request handler and processor may be of different versions: deploy again",
            exit_code=Exit.DAMAGED,
        )


def tell(canary: Canary, *, as_data: bool) -> None:
    """Print how it went."""
    if as_data:
        names = ("traceId", "chart", "status", "answeredMs", "archivedMs", "lines")
        as_json(dict(zip(names, canary, strict=True)), indent=None)
        return
    say(f"{canary.chart} {canary.status}; answered in {canary.answered_ms:.0f} ms", "bold")
    say(f"archived {canary.archived_ms / 1000:.1f} s later, {canary.lines} lines, as answered")
    say(f"trace {canary.trace_id}")
