"""Traces captured by footprintjs itself, `{spec, snapshot, narrative}`, through the processor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from footpath.archive import parse_trace_id
from footpath_service.adapters.memory import MemoryQueue
from tests.unit.service._traces import START_MS, message, record, trace_id
from tests.unit.service.test_process import Pipe

pytest.importorskip("footpath.trace._footprintjs", reason="footprintjs traces are not read yet")

SAMPLE = json.loads((Path(__file__).parents[2] / "events" / "sqs-footprintjs.json").read_text(encoding="utf-8"))
BODY: str = SAMPLE["Records"][0]["body"]


def test_a_footprintjs_trace_is_archived_beside_ours() -> None:
    """With what it has: its chart and its story; the document to the byte."""
    pipe = Pipe(dead_letters=MemoryQueue())
    result = pipe.process(message(1), record(BODY, "js"))
    assert (result.retry_ids, result.archived_count, result.poison_count) == ((), 2, 0)
    (line,) = [line for line in pipe.reader.lines() if line.trace_id != trace_id(1)]
    assert parse_trace_id(line.trace_id) == line.trace_id
    assert pipe.reader.get(line.trace_id).document == BODY.encode()
    assert line.narrative
    assert line.chart


def test_its_own_story_is_what_is_kept() -> None:
    """It knows more of the run than what can be told again: the evidence of decisions is in no other place."""
    pipe = Pipe()
    pipe.process(record(BODY, "js"))
    (line,) = pipe.reader.lines()
    assert line.narrative == [entry["text"] for entry in json.loads(BODY)["narrative"]]


@pytest.mark.parametrize("half", ["\ude00", "\ud83d"])  # noqa: PT014  # two halves, which ruff takes for one
def test_a_text_cut_inside_a_pair_lies_beside_the_segment(half: str) -> None:
    """Half a surrogate pair is JSON that many readers refuse: the line stays readable for all, the document as it was."""
    parts = json.loads(BODY)
    parts["narrative"][0]["text"] = f"a smile cut in two: {half}"
    body = json.dumps(parts)
    pipe = Pipe(dead_letters=MemoryQueue())
    assert pipe.process(message(1), record(body, "js")).archived_count == 2
    (line,) = [line for line in pipe.reader.lines() if line.trace_id != trace_id(1)]
    assert line.stub is not None
    assert pipe.reader.get(line.trace_id).document == body.encode()
    assert line.narrative
    assert line.narrative[0] == "a smile cut in two: \ufffd"


def test_delivered_again_it_is_the_same_trace() -> None:
    """Its id is made of what it says, not of when it came."""
    pipe = Pipe()
    pipe.process(record(BODY, "first"))
    pipe.process(record(BODY, "again", sent_at_ms=START_MS + 30 * 86_400_000))
    assert len(list(pipe.reader.lines())) == 1


def test_pretty_printed_it_fits_one_line() -> None:
    """People print traces with line breaks; the archive keeps one line each."""
    pipe = Pipe()
    assert pipe.process(record(json.dumps(json.loads(BODY), indent=2), "js")).archived_count == 1
    assert len(list(pipe.reader.lines())) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"spec": 1},
        {"spec": None},
        {"spec": {}},
        {"snapshot": []},
        {"snapshot": {}},
        {"snapshot": {"commitLog": 5, "executionTree": "x", "sharedState": None}},
        {"narrative": "once upon a time"},
        {"narrative": [1, None, {}]},
        {"narrative": []},
    ],
)
def test_a_malformed_one_is_poison_or_archived_and_never_comes_again(changed: dict[str, Any]) -> None:
    """What it lacks is absent, what is wrong is refused; nothing crashes the batch."""
    pipe = Pipe(dead_letters=MemoryQueue())
    result = pipe.process(message(1), record(json.dumps(json.loads(BODY) | changed), "js"))
    assert result.retry_ids == ()
    assert result.archived_count + result.poison_count == 2
    assert pipe.reader.get(trace_id(1)).line.status == "completed"
