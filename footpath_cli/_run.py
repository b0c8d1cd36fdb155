"""`footpath run`: run a chart on this machine or on a stack, and keep its trace."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from footpath import FlowChartExecutor
from footpath.errors import InputValidationError
from footpath_cli._archiving import LOCAL_BUCKET, Archivist
from footpath_cli._exits import CommandError, Exit
from footpath_cli._named import made
from footpath_cli._output import as_json, harmless, remark, say
from footpath_cli._story import LiveStory
from footpath_service.catalog import Catalog
from footpath_service.errors import UnknownChartError
from footpath_service.flows.credit_decision import NAME
from footpath_service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from footpath.archive import ObjectStore

DEFAULT_CHART = NAME
_DEFAULT_CHARTS = Settings(archive_bucket=LOCAL_BUCKET).charts


def read_input(source: str | None) -> Any:
    """The run's input: a file's JSON, standard input's for "-", nothing without a source.

    Raises:
        CommandError: it cannot be read, or is not JSON.
    """
    if source is None:
        return {}
    name = "standard input" if source == "-" else source
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"cannot read {name}: {error}", "give a file of JSON, or - for standard input", exit_code=Exit.USAGE
        ) from error
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        cure = "it is the chart's input alone, as `input` in events/direct-run.json"
        raise CommandError(f"{name} is not JSON: {error}", cure, exit_code=Exit.USAGE) from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _executor_of(name: str) -> FlowChartExecutor:
    """Runs the chart of a name, of those that the setting CHARTS gives, as the request function does.

    Raises:
        CommandError: there is none, or CHARTS names nothing that gives charts.
        SettingsError: what CHARTS gives can't be served.
    """
    catalog = Catalog(made(os.environ.get("CHARTS") or _DEFAULT_CHARTS, "CHARTS"))
    try:
        flow = catalog.flow(name)
    except UnknownChartError as error:
        cure = f"there are: {', '.join(error.known)}"
        raise CommandError(f"there is no chart {name!r}", cure, exit_code=Exit.NOT_FOUND) from error
    executor = FlowChartExecutor(catalog.chart(name))
    executor.enable_narrative()
    if flow.redaction is not None:
        executor.set_redaction_policy(flow.redaction)
    return executor


def run_here(name: str, given: Any, store: ObjectStore, *, live: bool, as_data: bool) -> None:
    """Run a chart in this process, archive its trace, print what came of it.

    Raises:
        CommandError: the input breaks the chart's contract, or the run failed (its trace is archived all the same).
    """
    executor = _executor_of(name)
    if live:
        executor.attach_combined_recorder(LiveStory())
    failure: Exception | None = None
    try:
        executor.run(input=given)
    except InputValidationError as error:
        problems = "\n  ".join(_problem(issue) for issue in error.issues)
        raise CommandError(f"the input breaks the contract of chart {name}", problems, exit_code=Exit.USAGE) from error
    except Exception as error:  # noqa: BLE001 - a stage may raise anything
        failure = error
    trace = executor.get_trace()
    Archivist(store).send(trace.encoded.decode(), {})
    checkpoint = executor.get_checkpoint()
    if as_data:
        answer = {"traceId": trace.trace_id, "chart": name, "status": trace.status, "result": trace.result}
        as_json(answer if checkpoint is None else answer | {"checkpoint": checkpoint})
    else:
        say()
        say(f"{trace.status}: {harmless(json.dumps(trace.result, default=str))}", "bold")
        say(f"trace {trace.trace_id}; ask: footpath traces why {trace.trace_id}")
    if checkpoint is not None and not as_data:
        remark("the run waits for an answer; --json prints the checkpoint that the request function resumes it from")
    if failure is not None:
        raise CommandError(
            f"{type(failure).__name__}: {failure}", f"its trace is kept: footpath traces get {trace.trace_id}"
        ) from failure


def _problem(issue: Mapping[str, Any]) -> str:
    path = ".".join(str(step) for step in issue.get("path", ()))
    return f"{path or 'input'}: {issue.get('message', 'is wrong')}"


def known_input(chart: str) -> Any:
    """An input that a chart of this repository completes.

    Raises:
        CommandError: none is known for that chart.
    """
    if chart != DEFAULT_CHART:
        raise CommandError(f"no input is known for chart {chart!r}", "give one with --input", exit_code=Exit.USAGE)
    from footpath_cli.demo import applications

    return applications()[0].given


def answer_here(name: str, given: Any, store: ObjectStore) -> dict[str, Any]:
    """Run a chart in this process, archive its trace, and answer as the request function does, story included.

    Raises:
        CommandError: the run failed, or its trace could not be archived.
    """
    executor = _executor_of(name)
    try:
        executor.run(input=given)
    except Exception as error:
        raise CommandError(
            f"the run did not end well: {type(error).__name__}: {error}", "give another --input"
        ) from error
    trace = executor.get_trace()
    Archivist(store).send(trace.encoded.decode(), {})
    return {
        "traceId": trace.trace_id,
        "chart": name,
        "status": trace.status,
        "result": trace.result,
        "narrative": [entry.text for entry in trace.narrative],
    }


def ask_stack(name: str, given: Any, outputs: Mapping[str, str], *, explain: bool) -> Any:
    """Invoke a stack's request function.

    Args:
        name: the chart's.
        given: its input.
        outputs: the stack's.
        explain: whether the answer shall carry the story's lines.

    Returns:
        The answer: `traceId`, `chart`, `status`, `result`, and `narrative` where asked for.

    Raises:
        CommandError: the function failed or refused, or AWS cannot be asked.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    function = outputs.get("RequestHandlerName")
    if function is None:
        raise CommandError(
            "the stack has no output RequestHandlerName",
            "is it a stack of this repository's template.yaml?",
            exit_code=Exit.NOT_FOUND,
        )
    request = {"chart": name, "input": given, "explain": explain}
    # What is live is what callers call, not what was deployed last.
    live = {"Qualifier": outputs["FunctionAlias"]} if "FunctionAlias" in outputs else {}
    try:
        client: Any = cast("Any", boto3).client("lambda")
        answer = client.invoke(FunctionName=function, Payload=json.dumps(request).encode(), **live)
    except (BotoCoreError, ClientError) as error:
        cure = "check credentials, region and the right to lambda:InvokeFunction"
        raise CommandError(f"AWS could not be asked: {error}", cure, exit_code=Exit.UNREACHABLE) from error
    body: Any = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        members = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
        what = f"{members.get('errorType', 'error')}: {members.get('errorMessage', body)}"
        raise CommandError(harmless(what), "its trace is on its way to the archive: footpath traces ls")
    return body


def run_on_stack(name: str, given: Any, outputs: Mapping[str, str], *, live: bool, as_data: bool) -> None:
    """Invoke a stack's request function, print what it answers.

    Raises:
        CommandError: the function failed or refused, or AWS cannot be asked.
    """
    body = ask_stack(name, given, outputs, explain=live)
    members = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    lines: list[str] = members.pop("narrative", None) or []
    for line in lines:
        say(harmless(line))
    if lines:
        remark("a stack's answer comes whole: the story was not told while it happened")
    as_json(body, indent=None if as_data else 2)
