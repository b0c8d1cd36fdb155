"""The same commands on a stack: its outputs name the bucket and the function."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from footpath_cli._exits import CommandError, Exit
from footpath_cli._run import run_on_stack
from tests.unit.cli.conftest import START_MS, make_id, make_line
from tests.unit.cli.test_commands import footpath

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REGION = "eu-west-1"
WEEKS_LATER_MS = 30 * 24 * 3_600_000


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws():
        yield


def make_stack(name: str, outputs: dict[str, str]) -> None:
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


@pytest.fixture
def stack(put: Callable[..., Path], tmp_path: Path) -> str:
    """A stack whose archive bucket holds two traces of an old hour."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="the-archive", CreateBucketConfiguration={"LocationConstraint": REGION})
    path = put(
        make_line(make_id(1), narrative=["Stage 1: it began"]),
        make_line(make_id(2), audit=[{"seq": 0, "kind": "emit", "name": "e"}]),
    )
    s3.put_object(Bucket="the-archive", Key=path.relative_to(tmp_path).as_posix(), Body=path.read_bytes())
    make_stack("prod", {"ArchiveBucketName": "the-archive", "RequestHandlerName": "run-charts"})
    return "prod"


def test_traces_are_read_from_the_stacks_bucket(stack: str) -> None:
    """`ls` lists them, and a trace's bytes come by its id."""
    listed = footpath("traces", "ls", "--stack", stack, "--region", REGION)
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()[1:]] == [make_id(2), make_id(1)]
    assert footpath("traces", "get", make_id(3), "--stack", stack).code == Exit.NOT_FOUND


def test_sql_fetches_the_segments_it_needs(stack: str) -> None:
    """The last seven days unless told otherwise: an old archive is asked in whole with --days 0."""
    sql = "SELECT count(*) AS n FROM emits"
    recent = footpath("query", sql, "--stack", stack)
    assert recent.code == Exit.NOT_FOUND
    assert "s3://the-archive has no trace of the last 7 days" in recent.err
    assert footpath("query", sql, "--stack", stack, "--days", "0").out.split() == ["n", "1"]


def test_an_unknown_stack_is_not_found() -> None:
    """With the usual reasons."""
    ended = footpath("traces", "ls", "--stack", "nowhere")
    assert ended.code == Exit.NOT_FOUND
    assert "there is no stack nowhere" in ended.err
    assert "--region" in ended.err


def test_a_stack_of_something_else_is_told() -> None:
    """Its outputs do not name an archive."""
    make_stack("other", {"Something": "else"})
    for words in (["traces", "ls"], ["run", "credit-decision"]):
        ended = footpath(*words, "--stack", "other")
        assert ended.code == Exit.NOT_FOUND
        assert "template.yaml" in ended.err


def test_an_empty_bucket_says_how_to_fill_it() -> None:
    """On a stack, by running a chart there."""
    boto3.client("s3").create_bucket(Bucket="empty", CreateBucketConfiguration={"LocationConstraint": REGION})
    make_stack("fresh", {"ArchiveBucketName": "empty"})
    ended = footpath("traces", "ls", "--stack", "fresh")
    assert ended.code == Exit.NOT_FOUND
    assert "footpath run CHART --stack" in ended.err


def test_a_bucket_that_refuses_is_unreachable() -> None:
    """Exit code 6: credentials and rights are what to check."""
    make_stack("gone", {"ArchiveBucketName": "no-such-bucket"})
    ended = footpath("traces", "ls", "--stack", "gone")
    assert ended.code == Exit.UNREACHABLE
    assert "check credentials" in ended.err


def test_without_a_region_aws_cannot_be_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that was never set up for AWS is told how."""
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    ended = footpath("traces", "ls", "--stack", "prod")
    assert ended.code == Exit.UNREACHABLE
    assert "AWS_REGION" in ended.err


# run --stack


def invoke(monkeypatch: pytest.MonkeyPatch, answer: Any, *, live: bool = False, failed: bool = False) -> dict[str, Any]:
    """Let the function answer, run the chart `c` there, and give what it was asked."""
    client = boto3.client("lambda")
    response: dict[str, Any] = {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode())}
    if failed:
        response["FunctionError"] = "Unhandled"
    asked: dict[str, Any] = {}
    client.meta.events.register("provide-client-params.lambda.Invoke", lambda params, **_: asked.update(params))
    monkeypatch.setattr(boto3, "client", lambda _service: client)
    with Stubber(client) as stub:
        stub.add_response("invoke", response)
        run_on_stack("c", {"amount": 1}, {"RequestHandlerName": "run-charts"}, live=live, as_data=False)
    return asked


def test_run_on_a_stack_invokes_its_function(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The request of a direct invocation, and its answer as JSON; with --live the story in front."""
    answer = {"traceId": "t", "status": "completed", "result": 1, "narrative": ["Stage 1: it \x1bbegan"]}
    asked = invoke(monkeypatch, answer, live=True)
    assert asked["FunctionName"] == "run-charts"
    assert json.loads(asked["Payload"]) == {"chart": "c", "input": {"amount": 1}, "explain": True}
    out = capsys.readouterr().out
    assert out.startswith("Stage 1: it \\u001bbegan\n{")
    assert json.loads(out[out.index("{") :]) == {"traceId": "t", "status": "completed", "result": 1}


def test_a_run_that_fails_on_a_stack_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the function's, by type and message."""
    with pytest.raises(CommandError, match="ValueError: boom") as error:
        invoke(monkeypatch, {"errorType": "ValueError", "errorMessage": "boom"}, failed=True)
    assert error.value.exit_code == Exit.FAILURE


def test_hours_bound_what_is_fetched(put: Callable[..., Path], tmp_path: Path) -> None:
    """Only segments of the asked days are read from the bucket."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="long", CreateBucketConfiguration={"LocationConstraint": REGION})
    import time

    now_ms = time.time_ns() // 1_000_000
    for number, at_ms in enumerate((START_MS, now_ms - WEEKS_LATER_MS, now_ms - 60_000)):
        path = put(make_line(make_id(number, at_ms)))
        s3.put_object(Bucket="long", Key=path.relative_to(tmp_path).as_posix(), Body=path.read_bytes())
    make_stack("long", {"ArchiveBucketName": "long"})
    sql = "SELECT count(*) AS n FROM runs"
    assert footpath("query", sql, "--stack", "long").out.split() == ["n", "1"]
    assert footpath("query", sql, "--stack", "long", "--days", "40").out.split() == ["n", "2"]
    assert footpath("query", sql, "--stack", "long", "--days", "0").out.split() == ["n", "3"]
