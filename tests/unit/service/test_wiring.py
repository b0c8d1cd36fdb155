from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from footpath.errors import SettingsError
from footpath_service.wiring import clock_of, context_of, process_application, request_application

ENVIRONMENT = {"ARCHIVE_BUCKET": "my-bucket", "TRACE_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/traces"}
ROOT = Path(__file__).parents[3]


def test_an_application_is_made_once_per_environment() -> None:
    """Clients and charts are kept across invocations; other settings are another application."""
    first = request_application(ENVIRONMENT)
    assert request_application(ENVIRONMENT | {"UNRELATED": "x"}) is first
    assert request_application(ENVIRONMENT | {"SHIP_BUDGET_MS": "100"}) is not first
    assert process_application(ENVIRONMENT) is process_application(dict(ENVIRONMENT))


def test_what_a_function_needs_must_be_set() -> None:
    """The request handler needs a queue, the processor does not."""
    with pytest.raises(SettingsError, match="TRACE_QUEUE_URL is not set"):
        request_application({"ARCHIVE_BUCKET": "my-bucket"})
    assert process_application({"ARCHIVE_BUCKET": "my-bucket"}).settings.archive_bucket == "my-bucket"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_package:make", "can't be imported"),
        ("footpath_service.recorders:no_such", "can't be imported"),
        ("footpath_service.recorders:__doc__", "not callable"),
    ],
)
def test_a_factory_that_is_not_there_stops_the_function_at_its_start(name: str, said: str) -> None:
    """A misspelled module must not be found out by the first request."""
    with pytest.raises(SettingsError, match=said) as caught:
        process_application(ENVIRONMENT | {"RECORDERS": name})
    assert "RECORDERS" in str(caught.value)
    assert name in str(caught.value)
    with pytest.raises(SettingsError, match=said):
        request_application(ENVIRONMENT | {"CHARTS": name})


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("gives_a_mapping", "CHARTS gives {'one': .* no list of flows: let it give a list of"),
        ("gives_nothing", "CHARTS gives None, which is no list of flows"),
        ("gives_a_chart", "CHARTS gives <.*> among its flows: let it give a list of"),
        ("gives_no_function", "the flow 'one' has the build <.*>: name the function that builds it"),
        ("gives_no_policy", "the flow 'one' has the redaction .'ssn'.: make it a RedactionPolicy"),
        ("gives_no_name", "a flow is called '': give it a name"),
        ("gives_one_name_twice", "two flows called 'one': give each a name of its own"),
        ("fails", "CHARTS is '.*:fails', which failed: KeyError: 'no flows today'"),
    ],
)
def test_charts_that_can_not_be_served_stop_the_function_at_its_start(made: str, said: str) -> None:
    """What is wrong is named, with the value and the cure, before a caller meets it."""
    with pytest.raises(SettingsError, match=said):
        request_application(ENVIRONMENT | {"CHARTS": f"tests.unit.service._wrong_charts:{made}"})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unfinished", r"the flow 'unfinished' builds <.*>, which is no chart: end it by `.build\(\)`"),
        ("broken", "the flow 'broken' can't be built: ZeroDivisionError: no"),
    ],
)
def test_a_flow_that_builds_no_chart_is_named_when_it_is_asked_for(name: str, said: str) -> None:
    """The others are served all the same, and no caller is told that his request is wrong."""
    application = request_application(ENVIRONMENT | {"CHARTS": "tests.unit.service._wrong_charts:gives_wrong_builds"})
    with pytest.raises(SettingsError, match=said):
        application.answer({"chart": name}, None)
    assert application.handler.catalog.description("one")["name"] == "one"


def test_the_trace_is_told_who_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only facts that are known, only texts, and none without end."""

    class Context:
        function_name = "f"
        function_version = 7
        aws_request_id = "r" * 999

    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1")
    event: dict[str, Any] = {"headers": {"traceparent": "00-abc"}}
    told = context_of(event, Context())
    assert told == {"function": "f", "requestId": "r" * 256, "xrayTraceId": "Root=1", "traceparent": "00-abc"}
    monkeypatch.delenv("_X_AMZN_TRACE_ID")
    for odd in (None, [], {"headers": None}, {"headers": {"traceparent": 5}}):
        assert context_of(odd, None) == {}


def test_without_a_context_there_is_time() -> None:
    """As in a test, or a shell."""
    assert clock_of(None)() > 60_000

    class Context:
        @staticmethod
        def get_remaining_time_in_millis() -> int:
            return 42

    assert clock_of(Context())() == 42


@pytest.mark.parametrize("function", ["request_handler", "trace_processor"])
def test_in_lambda_a_function_checks_its_settings_when_it_starts(function: str) -> None:
    """A wrong deployment fails at init, where it is seen at once, and says what to set."""
    code = f"import runpy; runpy.run_path({str(ROOT / 'functions' / function / 'app.py')!r})"
    environment = {"PYTHONPATH": str(ROOT / "engine_layer"), "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "SettingsError: ARCHIVE_BUCKET is not set" in done.stderr
    environment |= ENVIRONMENT | {"AWS_DEFAULT_REGION": "eu-west-1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
