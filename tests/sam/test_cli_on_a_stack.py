"""`--stack NAME` is all that a command needs: it finds queue, dead-letter queue, bucket, functions and log by the outputs."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer
from botocore.client import BaseClient
from moto import mock_aws

from footpath_cli._app import app
from footpath_cli._exits import Exit
from footpath_cli._run import known_input
from footpath_service.adapters.aws import AwsClient, S3Store
from infra.template import REGION
from tests.integration.test_request_to_archive import Context, Stack, load
from tests.sam._moto import NAME, add_aliases, create_stack, outputs_of
from tests.unit.cli.test_commands import Ended, footpath

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Tried to parse"),  # types that moto passes over
]


class Deployed(Stack):
    """The stack on moto; its functions answer invocations in this process, and their queue is polled at once."""

    def __init__(self, outputs: dict[str, str]) -> None:
        self.outputs = outputs
        self.sqs = boto3.client("sqs")
        self.s3 = boto3.client("s3")
        self.queue_url = outputs["TraceQueueUrl"]
        self.dead_letter_url = outputs["DeadLetterQueueUrl"]
        self.request = load("request_handler")
        self.processor = load("trace_processor")
        self.invoked: list[dict[str, Any]] = []

    def invoke(self, asked: dict[str, Any]) -> dict[str, Any]:
        """In place of Lambda."""
        self.invoked.append(asked)
        with contextlib.redirect_stdout(io.StringIO()):  # CloudWatch's, not the caller's
            answer = self.request(json.loads(asked["Payload"]), Context())
            self.poll()
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), "StatusCode": 200}


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        outputs = outputs_of(
            create_stack({"OwnKey": "yes", "SignDigests": "yes", "SignCheckpoints": "yes"})
        )  # moto trips over a NoValue in a list
        add_aliases(outputs)
        functions = boto3.client("lambda")
        for name in ("RequestHandlerName", "TraceProcessorName"):
            variables = functions.get_function_configuration(FunctionName=outputs[name])["Environment"]["Variables"]
            for variable, value in variables.items():
                patch.setenv(variable, str(value))
        patch.setenv("SHIP_BUDGET_MS", "20000")  # moto is slow at its first call
        (mapping,) = functions.list_event_source_mappings()["EventSourceMappings"]
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)  # moto would poll with Docker
        made = Deployed(outputs)
        real = BaseClient._make_api_call

        def answered(self: Any, name: str, arguments: dict[str, Any]) -> Any:
            return made.invoke(arguments) if name == "Invoke" else real(self, name, arguments)

        patch.setattr(BaseClient, "_make_api_call", answered)
        yield made


@pytest.fixture(scope="module")
def input_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("canary") / "input.json"
    path.write_text(json.dumps(known_input("credit-decision")))
    return path


@pytest.fixture(scope="module")
def trace_id(deployed: Deployed, input_file: Path) -> str:
    ended = footpath("run", "credit-decision", "--input", str(input_file), "--json", "--stack", NAME)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["traceId"]


def _commands() -> set[str]:
    """Every command that takes `--stack`."""
    found: set[str] = set()

    def walk(command: Any, words: tuple[str, ...]) -> None:
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*words, name))
        if any("--stack" in parameter.opts for parameter in command.params):
            found.add(" ".join(words))

    walk(typer.main.get_command(app), ())
    return found


# Command to its words and how it ends, on a stack with one trace and one dead letter; "ID" is the trace's.
TRIED: dict[str, tuple[list[str], int, str]] = {
    "run": (["credit-decision", "--input", "INPUT", "--json"], 0, '"status": "completed"'),
    "canary": (["--json"], 0, '"answeredMs"'),
    "query": (["SELECT count(*) > 0 AS some FROM runs"], 0, "some"),
    "traces ls": ([], 0, "completed"),
    "traces get": (["ID"], 0, "Stage 1"),
    "traces why": (["ID"], 0, "WHY"),
    "traces replay": (["ID", "--recorder", "footpath.recorders:AuditRecorder"], 0, ""),
    "traces recover": (["--from-log"], 0, "log group: 0 sent"),
    "traces verify": ([], 0, "are as they were written"),
    "dlq ls": ([], 0, "not-a-trace"),
    "dlq peek": (["MESSAGE"], 0, "not-a-trace"),
    "dlq redrive": (["MESSAGE"], 0, "1 sent"),
    "dlq discard": (["MESSAGE", "--why", "a test"], 0, "1 discarded"),
    "doctor": ([], Exit.FAILURE, "not versioned"),  # moto drops the bucket's versioning
}


def test_every_command_with_a_stack_is_tried() -> None:
    """A new one joins the table."""
    assert _commands() == set(TRIED)


def _dead_letter(deployed: Deployed) -> str:
    sent = deployed.sqs.send_message(
        QueueUrl=deployed.dead_letter_url,
        MessageBody="no trace",
        MessageAttributes={"reason": {"DataType": "String", "StringValue": "not-a-trace"}},
    )
    return sent["MessageId"]


@pytest.mark.parametrize("command", TRIED)
def test_a_command_finds_what_it_needs(command: str, deployed: Deployed, trace_id: str, input_file: Path) -> None:
    """By the stack's name alone."""
    words, code, said = TRIED[command]
    real = {"ID": trace_id, "INPUT": str(input_file), "MESSAGE": ""}
    if command.startswith("dlq"):
        deployed.sqs = boto3.client("sqs")
        real["MESSAGE"] = _dead_letter(deployed)
    ended = footpath(*command.split(), *(real.get(word, word) for word in words), "--stack", NAME, "--region", REGION)
    assert ended.code == code, ended.out + ended.err
    assert said in ended.out


def test_what_is_live_is_what_is_invoked(deployed: Deployed, trace_id: str) -> None:
    """Not what was deployed last."""
    asked = deployed.invoked[-1]
    assert (asked["FunctionName"], asked["Qualifier"]) == (deployed.outputs["RequestHandlerName"], "live")


def test_the_bucket_is_where_the_trace_lies(deployed: Deployed, trace_id: str) -> None:
    """The one among the stack's buckets that is the archive."""
    store = S3Store(deployed.outputs["ArchiveBucketName"], AwsClient("s3", connect_s=2, read_s=10))
    assert any(True for _ in store.list_keys("segments/"))
    assert os.environ["ARCHIVE_BUCKET"] == deployed.outputs["ArchiveBucketName"]


# ── stacks that can't be asked ─────────────────────────────────────────────────────────────────────────────────────
def _ask(stack: str, region: str = REGION) -> Ended:
    return footpath("traces", "ls", "--stack", stack, "--region", region)


def test_a_stack_in_another_region_is_not_found_and_the_region_is_named(deployed: Deployed) -> None:
    """The commonest mistake."""
    ended = _ask(NAME, "eu-central-1")
    assert ended.code == Exit.NOT_FOUND
    assert f"there is no stack {NAME} in eu-central-1" in ended.err
    boto3.setup_default_session(region_name=REGION)


@pytest.mark.parametrize(
    ("status", "cure"),
    [("ROLLBACK_COMPLETE", "deployed again"), ("CREATE_IN_PROGRESS", "when that is over"), ("DELETE_FAILED", "events")],
)
def test_a_stack_that_is_half_made_is_told(
    deployed: Deployed, status: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its outputs are not all there yet, or any more."""
    from moto.cloudformation.models import cloudformation_backends

    (made,) = cloudformation_backends["123456789012"][REGION].stacks.values()
    monkeypatch.setattr(made, "status", status)
    ended = _ask(NAME)
    assert ended.code == Exit.NOT_FOUND
    assert f"the stack {NAME} is not there as a whole: {status}" in ended.err
    assert cure in ended.err


def test_a_stack_that_is_updated_serves_on(deployed: Deployed, trace_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the functions do."""
    from moto.cloudformation.models import cloudformation_backends

    (made,) = cloudformation_backends["123456789012"][REGION].stacks.values()
    monkeypatch.setattr(made, "status", "UPDATE_ROLLBACK_COMPLETE")
    assert _ask(NAME).code == 0
