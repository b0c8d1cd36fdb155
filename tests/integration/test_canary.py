"""`footpath canary`: one known run, from request to archive and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from footpath.archive import ArchiveReader
from footpath_cli._canary import fly
from footpath_cli._exits import CommandError, Exit
from footpath_cli._places import Place
from footpath_service.adapters.aws import AwsClient, S3Store
from tests.integration.test_request_to_archive import BUCKET, Stack, fail_calls, stack
from tests.unit.cli.test_commands import footpath

__all__ = ["stack"]  # a fixture

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
GOOD: dict[str, Any] = {"chart": "loan", "input": {"amount": 10, "name": "Ada"}, "explain": True}


class Clock:
    """Time that passes in sleeps only, and what happens meanwhile."""

    def __init__(self, *meanwhile: Any) -> None:
        self.now_s = 0.0
        self._meanwhile = list(meanwhile)

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if self._meanwhile:
            self._meanwhile.pop(0)()


def place() -> Place:
    return Place(f"s3://{BUCKET}", S3Store(BUCKET, AwsClient("s3", connect_s=2, read_s=10)), None, "")


def fly_on(stack: Stack, clock: Clock, ask: Any = None) -> Any:
    return fly(ask or (lambda: stack.ask(GOOD)), place(), wait_s=10, clock_s=clock, sleep=clock.sleep)


def test_a_canary_comes_home(stack: Stack) -> None:
    """The real handlers, and a batch that is taken at the second look."""
    flown = fly_on(stack, Clock(lambda: None, stack.poll))
    assert (flown.chart, flown.status, flown.archived_ms) == ("loan", "completed", 4000.0)
    assert flown.lines == len(ArchiveReader(place().store).get(flown.trace_id).line.narrative or ())


def test_a_canary_that_does_not_come_home_is_a_failure(stack: Stack) -> None:
    """Nobody takes the batch: exit code 1, after the time that was given and not before, with where to look."""
    clock = Clock()
    with pytest.raises(CommandError, match=r"was not in s3://\S+ within 10 s") as error:
        fly_on(stack, clock)
    assert error.value.exit_code == Exit.FAILURE
    assert "footpath dlq ls" in error.value.cure
    assert clock.now_s == 10


def test_a_canary_whose_trace_is_spooled_is_a_failure(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is as good as ever, so only the archive can tell."""
    fail_calls(monkeypatch, "sqs", "SendMessage")
    with pytest.raises(CommandError, match="was not in"):
        fly_on(stack, Clock(stack.poll))


@pytest.mark.parametrize("answer", [None, {"errorType": "ValueError"}, {"traceId": "t", "status": "failed"}, "text"])
def test_a_run_that_does_not_end_well_is_a_failure(stack: Stack, answer: Any) -> None:
    """Before anything is waited for."""
    clock = Clock()
    with pytest.raises(CommandError, match="did not end well"):
        fly_on(stack, clock, lambda: answer)
    assert clock.now_s == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": "paused"}, "status: answered"),
        ({"narrative": ["another story"]}, "the story's lines"),
    ],
)
def test_an_archive_that_tells_another_story_is_a_failure(stack: Stack, change: dict[str, Any], said: str) -> None:
    """Exit code 5: request handler and processor are not of one kind."""
    with pytest.raises(CommandError, match=said) as error:
        fly_on(stack, Clock(stack.poll), lambda: stack.ask(GOOD) | change)
    assert error.value.exit_code == Exit.DAMAGED


def test_a_canary_flies_on_this_machine(tmp_path: Path) -> None:
    """The demo's first application, into a folder and back; times and id as JSON."""
    ended = footpath("canary", "--archive", str(tmp_path), "--json")
    assert ended.code == 0, ended.err
    flown = json.loads(ended.out)
    assert flown.keys() == {"traceId", "chart", "status", "answeredMs", "archivedMs", "lines"}
    assert footpath("traces", "get", flown["traceId"], "--archive", str(tmp_path)).code == 0
    assert "archived" in footpath("canary", "--archive", str(tmp_path)).out


def test_a_canary_needs_an_input_it_knows(tmp_path: Path) -> None:
    """Of a chart that is not the demo's, nothing is known."""
    ended = footpath("canary", "--chart", "loan", "--archive", str(tmp_path))
    assert ended.code == Exit.USAGE
    assert "--input" in ended.err
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    ended = footpath("canary", "--input", str(bad), "--archive", str(tmp_path))
    assert ended.code == Exit.FAILURE
    assert "did not end well" in ended.err
