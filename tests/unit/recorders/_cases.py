"""Conformance results as streams of events: the suite's own, and the large set where it is at hand."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from tests.conformance._places import OWN, jobs_in, shared_folder


class RecordedRun(NamedTuple):
    """One run of a case: its phases, and the options its narrative was asked for."""

    name: str
    phases: list[dict[str, Any]]
    narrative_options: dict[str, Any]


HALF_A_PAIR = re.compile("[\ud800-\udfff]")
CUT_IN_A_PAIR = re.compile(HALF_A_PAIR.pattern + r"(?=\.\.\.)")


def _encodable(result: Any) -> Any:
    """UTF-8 can't hold half of a surrogate pair. The reference cuts between halves, where ours leave them out; others are marked."""
    text = CUT_IN_A_PAIR.sub("", json.dumps(result, ensure_ascii=False))
    return json.loads(HALF_A_PAIR.sub("\ufffd", text))


@cache
def recorded_runs() -> list[RecordedRun]:
    """Every run of every case that built its chart."""
    homes = [home for home in (OWN, shared_folder()) if home is not None]
    found: list[RecordedRun] = []
    for job in [job for home in homes for job in jobs_in(home / "cases", home / "expected")]:
        case = json.loads(job.case.read_text(encoding="utf-8"))
        result = _encodable(json.loads(job.expected.read_text(encoding="utf-8")))
        asked = case.get("runs") or [case.get("run") or {}]
        left_behind = False
        for number, run in enumerate(result.get("runs", ())):
            ended = run["phases"][-1]["outcome"] == "completed"
            left_behind = (left_behind and bool(asked[number].get("sameExecutor"))) or (
                not ended and result["concurrency"] != "none"
            )
            if left_behind and ended:
                continue  # children that the run before left behind are heard in this one
            options = (asked[number].get("options") or {}).get("narrative") or {}
            snake = {re.sub("([A-Z])", lambda m: "_" + m[1].lower(), name): value for name, value in options.items()}
            found.append(RecordedRun(f"{job.case.stem}-{number}", run["phases"], snake))
    return found


@dataclass
class StandInTrace:
    """As much of a trace as recorders ask for; `state` is what its final state is said to be, `lines` its story."""

    trace_id: str = "018f0000-0000-7000-8000-000000000000"
    revision: int = 1
    chart_id: str = "chart"
    status: str = "completed"
    duration_ms: float | None = None
    state: Any = None
    narrative_options: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def narrative_lines(self) -> list[str]:
        return list(self.lines)

    def final_state(self) -> Any:
        if isinstance(self.state, Exception):
            raise self.state
        return self.state
