from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.query._asking import GOLDEN, MADE_UP, Asked, events_of, golden

_SHARED = (
    Path(os.environ.get("FOOTPATH_CONFORMANCE", Path(__file__).parents[4] / "shared" / "conformance")) / "expected"
)
_ASKING = [path for path in sorted(_SHARED.glob("*.json")) if '"queries"' in path.read_text(encoding="utf-8")]


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def wrong(phases: list[dict[str, Any]], *, indexed: bool) -> list[Any]:
    """The queries that are answered otherwise; on one executor control dependencies see the events of all phases."""
    found: list[Any] = []
    asked = 0
    seen: list[tuple[str, Any]] = []
    for phase in phases:
        events = events_of([each for each in phase["events"] if each["channel"] in {"flow", "scope"}])
        seen = [*seen, *events]
        subject = Asked(phase["snapshot"], events, seen, indexed=indexed)
        for q in phase.get("queries", ()):
            asked += 1
            answer = subject.answer(q)
            if canonical(answer) != canonical(q["answer"]):
                found.append((q, answer))
    assert asked, "a file without questions proves nothing"
    return found


@pytest.mark.parametrize("indexed", [True, False], ids=["index", "bare log"])
@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.json") if path.stem not in MADE_UP))
def test_answers_about_a_run_are_the_references(name: str, indexed: bool) -> None:
    """JSON and text alike, through an index or without."""
    assert wrong(golden(name)["phases"], indexed=indexed) == []


@pytest.mark.parametrize("indexed", [True, False], ids=["index", "bare log"])
@pytest.mark.parametrize("name", sorted(MADE_UP))
def test_answers_about_made_up_logs_are_the_references(name: str, indexed: bool) -> None:
    """Also where no engine would have written such a log; each is a run of its own."""
    for phase in golden(name)["phases"]:
        assert wrong([phase], indexed=indexed) == []


@pytest.mark.skipif(not _ASKING, reason="the large set of conformance cases is not here")
@pytest.mark.parametrize("path", _ASKING, ids=lambda path: path.stem)
def test_answers_about_conformance_snapshots_are_the_references(path: Path) -> None:
    """Asked of the reference's own snapshots, so that a fault here is one of this room."""
    for run in json.loads(path.read_text(encoding="utf-8"))["runs"]:
        assert wrong(run["phases"], indexed=True) == []
