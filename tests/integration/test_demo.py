"""The demo and what it stands on: the pipeline on one machine, with the real handlers."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import boto3
import pytest

from footpath.archive import ArchiveReader
from footpath_cli._exits import CommandError
from footpath_cli.demo import applications, run_demo
from footpath_cli.demo._report import Counts
from footpath_cli.pipeline import LocalPipeline, _pipeline
from footpath_cli.poller import (
    CallWatch,
    Fault,
    Faults,
    MemorySqs,
    VirtualClock,
    crash,
    lose_answer,
    throttle,
    unreachable,
)
from infra import load_template, transform

ROOT = Path(__file__).resolve().parents[2]
HOUR_MS = 3_600_000
CREDIT = "credit-decision"


def ask(pipeline: LocalPipeline, count: int) -> list[str]:
    """Send applications; the ids of their traces."""
    return [
        pipeline.request({"chart": CREDIT, "input": application.given})["traceId"]
        for application in applications()[:count]
    ]


def archived(pipeline: LocalPipeline) -> list[str]:
    return sorted(line.trace_id for line in ArchiveReader(pipeline.archive).lines())


class World:
    """A pipeline in virtual time, with faults to order."""

    def __init__(
        self, *faults: Fault, seed: int = 0, duplicates: float = 0.0, disorder: float = 0.0, **mapping: Any
    ) -> None:
        self.clock = VirtualClock()
        self.faults = Faults(self.clock, *faults, seed=seed)
        self.watch = CallWatch(self.faults)
        model = MemorySqs(self.clock, seed=seed, duplicate_rate=duplicates, disorder_rate=disorder)
        self.pipeline = LocalPipeline(seed=seed, model=model, clock=self.clock, watch=self.watch, **mapping)


# The demo


def test_the_demo_shows_what_it_promises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Decisions by rule against the outcome, one story, one why, the counts, the next commands; an archive is left."""
    run_demo(tmp_path / "archive", count=60)
    out = capsys.readouterr().out
    assert re.search(r"decision +rule +applications +went_bad +bad_percent\n", out)
    assert (
        sum(int(count) for count in re.findall(r"^(?:Approve|Make|Refer|Decline).*?  (\d+)  ", out, re.MULTILINE)) == 60
    )
    assert "Stage 1: The process began: Receive the application." in out
    assert 'WHY decision = "countered"' in out
    assert "Captured = archived: the same 60 trace ids on both sides, each once." in out
    assert "traces why" in out
    assert len(list(ArchiveReader(_folder(tmp_path / "archive")).lines())) == 60
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]
    home = tmp_path / "archive" / "demo"
    assert json.loads((home / "application.json").read_text(encoding="utf-8"))["application_id"]
    assert (home / "handlers.log").stat().st_size > 0


def test_protected_attributes_leave_no_trace(tmp_path: Path) -> None:
    """Not in the archive, not in the log lines, not in a message: queue, line, views and document hide them alike."""
    statuses = {application.given["personal_status"] for application in applications()}
    assert len(statuses) == 4
    with (tmp_path / "log").open("w+", encoding="utf-8") as log, LocalPipeline(window_s=1, log=log) as pipeline:
        ask(pipeline, 40)
        messages = pipeline.sqs.receive_message(
            QueueUrl=pipeline.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
        )["Messages"]
        pipeline.drain()
        log.seek(0)
        texts = [log.read(), *(decoded(message["Body"]) for message in messages), json.dumps(messages)]
        texts += [
            gzip.decompress(pipeline.archive.get(key)).decode() for key in pipeline.archive.list_keys("segments/")
        ]
    assert any("[REDACTED]" in text for text in texts)
    assert not [status for status in statuses for text in texts if status in text]


def decoded(body: str) -> str:
    return zlib.decompress(base64.b64decode(body[3:])).decode() if body.startswith("z1:") else body


def test_a_second_demo_counts_its_own_traces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What lies in the archive already is left there, and is not counted."""
    run_demo(tmp_path / "archive", count=5)
    run_demo(tmp_path / "archive", count=7)
    assert "the same 7 trace ids" in capsys.readouterr().out
    assert len(list(ArchiveReader(_folder(tmp_path / "archive")).lines())) == 12


def test_the_demo_fails_when_a_request_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo that hides an error would prove nothing."""
    monkeypatch.setattr(LocalPipeline, "request", lambda _self, _event: {"error": "nothing works"})
    with pytest.raises(CommandError, match="nothing works"):
        run_demo(tmp_path / "archive", count=3)


@pytest.mark.parametrize(
    "counts",
    [
        Counts(10, 9, 0, 0, 0, 0),
        Counts(10, 10, 1, 0, 0, 0),
        Counts(10, 10, 0, 1, 0, 0),
        Counts(10, 10, 0, 0, 1, 0),
        Counts(10, 10, 0, 0, 0, 1),
    ],
)
def test_counts_that_do_not_add_up_are_seen(counts: Counts) -> None:
    """A trace missing, waiting, spooled, dead-lettered or of unknown origin."""
    assert not counts.add_up
    assert Counts(10, 10, 0, 0, 0, 0).add_up


def test_the_demo_is_a_command_that_works_in_a_pipe(tmp_path: Path) -> None:
    """As `make demo` calls it, in an empty folder: no colour, exit code 0, and nothing outside `.footpath`."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'engine_layer'}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-m", "footpath_cli", "demo", "--count", "20"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == [".footpath"]
    assert (tmp_path / ".footpath" / ".gitignore").read_text(encoding="utf-8") == "*\n"


def _folder(path: Path) -> Any:
    from footpath_service.adapters.folder import FolderStore

    return FolderStore(path)


# The pipeline


def test_the_local_queue_is_configured_as_the_template_says() -> None:
    """Otherwise what is proved here would say nothing of what is deployed."""
    template = transform(load_template())
    queue = template.properties("TraceQueue")
    assert {name: str(queue[name]) for name in _pipeline.QUEUE} == _pipeline.QUEUE
    assert queue["RedrivePolicy"]["maxReceiveCount"] == _pipeline.MAX_RECEIVE_COUNT
    assert template.properties("TraceProcessor")["Timeout"] == _pipeline.PROCESSOR_TIMEOUT_S
    assert template.properties("RequestHandler")["Timeout"] == _pipeline.REQUEST_TIMEOUT_S


def test_the_pipeline_gives_back_what_it_borrowed() -> None:
    """Environment, default session and standard output are the caller's again, whatever happened inside."""

    def borrow() -> None:
        with LocalPipeline():
            assert os.environ["ARCHIVE_BUCKET"].startswith("footpath-archive")
            raise RuntimeError("inside")

    before = (dict(os.environ), boto3.DEFAULT_SESSION, sys.stdout)
    with pytest.raises(RuntimeError, match="inside"):
        borrow()
    assert (dict(os.environ), boto3.DEFAULT_SESSION, sys.stdout) == before


def test_it_never_leaves_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile or an endpoint of the user's is not used."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with LocalPipeline(window_s=1) as pipeline:
        ids = ask(pipeline, 2)
        pipeline.drain()
        assert archived(pipeline) == sorted(ids)
    assert os.environ["AWS_PROFILE"] == "production"


# Faults, in virtual time


def test_duplicates_and_disorder_archive_each_trace_once() -> None:
    """A third of the deliveries come twice and out of order."""
    world = World(seed=3, duplicates=0.3, disorder=0.5, batch_size=10, window_s=1)
    with world.pipeline as pipeline:
        ids = ask(pipeline, 40)
        pipeline.drain(within_ms=HOUR_MS)
        assert pipeline.poller.counts["records"] > 40
        assert archived(pipeline) == sorted(ids)


def test_four_hours_without_s3_delay_traces_and_lose_none() -> None:
    """Messages wait in the queue, none reaches the dead-letter queue, and the backlog drains."""
    world = World(batch_size=10, window_s=1)
    with world.pipeline as pipeline:
        ids = ask(pipeline, 15)
        end_ms = world.clock.now_ms() + 4 * HOUR_MS
        world.faults.faults.append(Fault("no S3", unreachable, service="s3", until_ms=end_ms))
        pipeline.poller.run_until(end_ms)
        assert archived(pipeline) == []
        pipeline.drain(within_ms=HOUR_MS)
        assert archived(pipeline) == sorted(ids)
        assert pipeline.dead_letter_count() == 0
    assert world.faults.struck["no S3"] >= 14


@pytest.mark.parametrize(
    ("strike", "after"), [(crash, False), (crash, True), (throttle, False), (unreachable, False), (lose_answer, True)]
)
def test_a_fault_at_every_call_of_the_processor_loses_nothing(strike: Any, after: bool) -> None:
    """Before and after each AWS call of a batch, the invocation itself included: retried, and archived once."""
    number = 0
    while True:
        number += 1
        world = World(batch_size=10, window_s=1, pollers=1)
        with world.pipeline as pipeline:
            ids = ask(pipeline, 3)
            at = world.watch.count + number
            world.faults.faults.append(Fault("fault", strike, after=after, call_number=at))
            pipeline.drain(within_ms=24 * HOUR_MS)
            assert archived(pipeline) == sorted(ids), f"call {number}"
            assert pipeline.dead_letter_count() == 0
        if not world.faults.struck["fault"]:
            break
    assert number > 2


def test_a_queue_that_is_down_spools_and_the_answer_is_the_same() -> None:
    """The caller notices nothing; the trace lies in the bucket's spool."""
    world = World(Fault("no SQS", unreachable, service="sqs", operation="SendMessage"))
    with world.pipeline as pipeline:
        answer = pipeline.request({"chart": CREDIT, "input": applications()[0].given})
        assert answer["result"]["decision"] == "countered"
        assert pipeline.waiting_count() == 0
        (key,) = pipeline.archive.list_keys("spool/")
        assert answer["traceId"] in key
