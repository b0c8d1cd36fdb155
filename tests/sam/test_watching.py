"""Alarms and dashboard watch metrics that the functions emit, and lead to entries of the runbook that are there."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra import load_template, transform
from infra.template import ROOT
from tests.integration.test_request_to_archive import BUCKET, Context, Stack, fail_calls, load, stack
from tests.sam._rules_watching import CONSERVATION, Metric, dashboard_metrics, metric, metric_of
from tests.sam.conftest import variables_of
from tests.sam.test_template_rules import ALL_ON

__all__ = ["stack"]  # a fixture

WATCHED = transform(load_template(), ALL_ON)
GOOD = {"chart": "loan", "input": {"amount": 10, "name": "Ada"}}


class Failing:
    """A recorder with a fault."""

    id = "failing"

    def on_commit(self, event: object) -> None:
        raise RuntimeError("not my day")


def failing_recorders() -> list[Any]:
    return [Failing()]


def _emitted(text: str) -> set[Metric]:
    """Every metric that CloudWatch would take out of a function's output."""
    found: set[Metric] = set()
    for line in text.splitlines():
        if not line.startswith("{") or "_aws" not in (entry := json.loads(line)):
            continue
        for block in entry["_aws"]["CloudWatchMetrics"]:
            for names in block["Dimensions"]:
                dimensions = frozenset((name, entry[name]) for name in names)
                found |= {Metric(block["Namespace"], one["Name"], dimensions) for one in block["Metrics"]}
    return found


def _as(function: str, patch: pytest.MonkeyPatch) -> None:
    for name, value in variables_of(function).items():
        if name.startswith("POWERTOOLS_"):
            patch.setenv(name, value)


@pytest.fixture
def emitted(stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> set[Metric]:
    """What both handlers print as the template names them, while all goes wrong that an alarm is for."""
    with monkeypatch.context() as request:
        _as("RequestHandler", request)
        stack.ask(GOOD)
        stack.ask(GOOD)
        with monkeypatch.context() as sampled:
            sampled.setenv("SAMPLING", '[{"keep": 0.000001}]')
            stack.ask(GOOD)
        with monkeypatch.context() as faults:
            fail_calls(faults, "sqs", "SendMessage")
            stack.ask(GOOD)
            fail_calls(faults, "s3", "PutObject")
            stack.ask(GOOD)
            faults.setenv("LOG_FALLBACK_BYTES", "0")
            stack.ask(GOOD)
    _as("TraceProcessor", monkeypatch)
    stack.send("no trace")
    with monkeypatch.context() as faults:
        fail_calls(faults, "s3", "PutObject")
        stack.poll()
    stack.poll()
    monkeypatch.setenv("RECORDERS", f"{__name__}:failing_recorders")
    with monkeypatch.context() as request:
        _as("RequestHandler", request)
        stack.ask(GOOD)
    stack.poll()
    with monkeypatch.context() as sealer:
        _as("TraceSealer", sealer)
        seal = load("trace_sealer")
        seal({}, Context())
        (first,) = stack.keys("digests/")
        _archive_one_more(stack, sealer)
        seal({}, Context())
        stack.s3.delete_object(Bucket=BUCKET, Key=first)
        _archive_one_more(stack, sealer)
        seal({}, Context())
    return _emitted(capsys.readouterr().out)


def _archive_one_more(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    with patch.context() as other:
        _as("RequestHandler", other)
        stack.ask(GOOD)
        stack.poll()


def _watched() -> set[Metric]:
    found: set[Metric] = set(dashboard_metrics(WATCHED))
    for alarm in WATCHED.of_type("AWS::CloudWatch::Alarm").values():
        found |= {metric_of(alarm)} if "MetricName" in alarm else set()
        found |= {metric_of(one["MetricStat"]["Metric"]) for one in alarm.get("Metrics", []) if "MetricStat" in one}
    return found


def test_every_metric_that_is_watched_is_emitted(emitted: set[Metric]) -> None:
    """Name, namespace and dimensions to the letter: an alarm on a metric that nobody emits never rings."""
    ours = {watched for watched in _watched() if watched.namespace == "Footpath"}
    assert len(ours) > 10
    # In-batch duplicates, skewed clocks, runs that say too much and a segment that goes while it is sealed are rare,
    # and come by the same calls.
    rare = {metric("Footpath", name, service="trace-processor") for name in ("TracesDuplicate", "TracesSkewed")}
    rare |= {metric("Footpath", "TracesTruncated", service="request-handler")}
    rare |= {metric("Footpath", "MissingSegments", service="trace-sealer")}
    assert ours - rare <= emitted
    assert {watched for watched, _ in CONSERVATION.values() if watched.namespace == "Footpath"} <= emitted


def test_metrics_of_aws_are_of_this_stacks_resources() -> None:
    """AWS's own names, and dimensions that point at a resource here."""
    known = {
        "AWS/SQS": {
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateAgeOfOldestMessage",
        },
        "AWS/Lambda": {"Errors", "Throttles", "Duration", "Invocations"},
        "AWS/ApiGateway": {"5xx", "Latency"},  # an HTTP API's; a REST API has 5XXError
    }
    for watched in _watched():
        if watched.namespace == "Footpath":
            continue
        assert watched.name in known[watched.namespace]
        ((_, target),) = watched.dimensions
        assert re.sub(r"[<>]|\.\w+", "", target) in WATCHED.resources


def _anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_runbook_and_alarms_are_in_step() -> None:
    """Each alarm has an entry, which is there; and the runbook's table knows no other."""
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    table = {
        name: anchor
        for names, anchor in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| \[[^]]+\]\(#([\w-]+)\) \|$", runbook, re.MULTILINE)
        for name in re.findall(r"\w+", names)
    }
    described = {
        name: alarm["AlarmDescription"].rpartition("#")[2]
        for name, alarm in WATCHED.of_type("AWS::CloudWatch::Alarm").items()
    }
    assert table == described
    assert set(table.values()) <= _anchors(runbook)


def test_the_log_that_traces_fall_back_to_is_the_one_that_is_kept() -> None:
    """The header that a dropped trace leaves behind is in a log that outlives the stack."""
    assert WATCHED.outputs["RequestHandlerLogGroup"] == "<RequestHandlerLog>"
    assert WATCHED.resources["RequestHandlerLog"]["DeletionPolicy"] == "Retain"
