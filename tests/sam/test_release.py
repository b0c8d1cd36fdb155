"""What a pipeline does around a deployment: environments, the workflow's steps, noting, watching and taking back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from infra import load_template, transform
from infra.deploy import CONFIG, command, environments
from infra.release import live_versions, main, ringing, take_back, watch
from infra.template import REGION, ROOT
from tests.sam._rules import RULES
from tests.sam.conftest import run

WORKFLOW = ROOT / ".github" / "workflows" / "deploy.yml"
STACK = "footpath-dev"
SOURCE = load_template()


# ── environments ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_there_are_three_environments_that_share_nothing() -> None:
    """Each has a stack and a database of its own; `sam deploy` without an environment is dev."""
    found = environments()
    assert {"dev", "stage", "prod"} <= set(found)
    assert found["default"] == found["dev"]
    three = [found[name] for name in ("dev", "stage", "prod")]
    assert len({one["stack"] for one in three}) == 3
    assert len({one["parameters"]["DatabaseName"] for one in three}) == 3
    # Rights are given by the stack's name as a prefix.
    stacks = [one["stack"] for one in three]
    assert not any(other != stack and other.startswith(f"{stack}-") for stack in stacks for other in stacks)


@pytest.mark.parametrize("environment", environments())
def test_an_environment_is_one_that_the_template_takes(environment: str) -> None:
    """Its parameters exist, their values are allowed, and with them every rule is kept."""
    parameters = environments()[environment]["parameters"]
    for name, value in parameters.items():
        body = SOURCE["Parameters"][name]
        assert value in [str(allowed) for allowed in body.get("AllowedValues", [value])]
        assert re.search(body.get("AllowedPattern", ""), value)
        assert body.get("MinValue", 0) <= (int(value) if body["Type"] == "Number" else body.get("MinValue", 0))
    values = {
        name: int(value) if SOURCE["Parameters"][name]["Type"] == "Number" else value
        for name, value in parameters.items()
    }
    stack = transform(SOURCE, values)
    assert stack.refusals == []
    assert {name: found for name, rule in RULES.items() if (found := list(rule(stack)))} == {}


def test_the_defaults_cost_cents() -> None:
    """Nothing that is billed by the hour or by the month stands unless it is asked for."""
    kinds = {body["Type"] for body in transform(SOURCE).resources.values()}
    billed = {"AWS::KMS::Key", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::Budgets::Budget"}
    assert kinds & billed == set()
    assert transform(SOURCE).properties("RequestHandler")["SnapStart"] == {"ApplyOn": "None"}


VARIABLES = {
    "ARTIFACTS_BUCKET": "artifacts",
    "STACK_ROLE_ARN": "arn:aws:iam::1:role/r",
    "BOUNDARY_ARN": "arn:aws:iam::1:policy/b",
    "ALARM_EMAIL": "ops@example.org",
}


def test_a_pipelines_deployment_is_the_environments() -> None:
    """Its parameters, and the boundary and the address besides; as options that the SAM CLI knows."""
    words = command("prod", VARIABLES)
    assert words[:2] == ["sam", "deploy"]
    given = set(words[words.index("--parameter-overrides") + 1 :])
    ours = {f"{name}={value}" for name, value in environments()["prod"]["parameters"].items()}
    assert given == ours | {"PermissionsBoundaryArn=arn:aws:iam::1:policy/b", "AlarmEmail=ops@example.org"}
    known = run("sam", "deploy", "--help").stdout
    assert [word for word in words if word.startswith("--") and word not in known] == []


def test_a_deployment_without_its_variables_says_which() -> None:
    """And of an environment that is none, which there are."""
    with pytest.raises(SystemExit, match="not set: STACK_ROLE_ARN"):
        command("dev", {"ARTIFACTS_BUCKET": "a"})
    with pytest.raises(SystemExit, match="there are: default, dev, stage, prod"):
        command("production", VARIABLES)


# ── noting, watching, taking back ──────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Two functions of a stack, with version 1 live."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws():
        role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        client = boto3.client("lambda")
        names = [f"{STACK}-RequestHandler-1", f"{STACK}-TraceProcessor-1"]
        for name in names:
            client.create_function(
                FunctionName=name, Runtime="python3.13", Role=role, Handler="a.b", Code={"ZipFile": b""}, Publish=True
            )
            client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {"RequestHandlerName": {"Value": names[0]}, "TraceProcessorName": {"Value": names[1]}},
        }
        boto3.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(template))
        yield names


def _alarm(name: str, state: str) -> None:
    client = boto3.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName=name, EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", Threshold=0,
        MetricName="m", Namespace="n", Period=60, Statistic="Sum",
    )  # fmt: skip
    client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="-")


def _publish(name: str) -> None:
    client = boto3.client("lambda")
    client.update_function_configuration(FunctionName=name, MemorySize=256)
    version = client.publish_version(FunctionName=name)["Version"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)


def test_what_was_live_is_live_again(functions: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Noted before, taken back after; only what was changed is moved, and twice is harmless."""
    assert main(["note", "--stack", STACK]) == 0
    note = tmp_path / "live.json"
    note.write_text(capsys.readouterr().out)
    _publish(functions[0])
    assert live_versions(STACK) == {functions[0]: "2", functions[1]: "1"}
    assert main(["take-back", str(note), "--stack", STACK]) == 0
    assert f"taken back: {functions[0]}\n" == capsys.readouterr().out
    assert live_versions(STACK) == {functions[0]: "1", functions[1]: "1"}
    assert take_back(STACK, json.loads(note.read_text())["versions"]) == []


def test_before_the_first_deployment_nothing_is_live(functions: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The pipeline's first run must pass as well."""
    assert main(["note", "--stack", "not-yet"]) == 0
    assert json.loads(capsys.readouterr().out) == {"versions": {}, "ringing": []}


def test_an_alarm_that_begins_to_ring_fails_the_deployment(
    functions: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of this stack that did not ring before; others are not its business."""
    _alarm(f"{STACK}-DeadLettersWait-1", "ALARM")
    _alarm("other-TracesAreDropped-1", "ALARM")
    main(["note", "--stack", STACK])
    note = tmp_path / "live.json"
    note.write_text(capsys.readouterr().out)
    assert main(["alarms", str(note), "--stack", STACK]) == 0
    _alarm(f"{STACK}-TraceProcessorErrors-1", "ALARM")
    assert main(["alarms", str(note), "--stack", STACK]) == 1
    assert f"ringing: {STACK}-TraceProcessorErrors-1" in capsys.readouterr().out
    assert ringing("not-yet") == []


def test_alarms_are_watched_for_as_long_as_was_asked(functions: list[str]) -> None:
    """And no longer than until one rings."""
    now = [0.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds
        if now[0] >= 45:
            _alarm(f"{STACK}-ApiFails-1", "ALARM")

    assert watch(STACK, 40, before=[], clock_s=lambda: now[0], sleep=sleep) == []
    assert slept == [15, 15, 10]
    assert watch(STACK, 600, before=[], clock_s=lambda: now[0], sleep=sleep) == [f"{STACK}-ApiFails-1"]


# ── the workflow ───────────────────────────────────────────────────────────────────────────────────────────────────
def _workflow() -> dict[str, Any]:
    return yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))


def _steps() -> list[tuple[str, dict[str, Any]]]:
    return [(job, step) for job, body in _workflow()["jobs"].items() for step in body["steps"]]


def test_the_workflow_has_the_least_rights_and_no_keys() -> None:
    """It reads the repository; the job that deploys gets a token for OIDC, and nothing stored is a secret."""
    assert _workflow()["permissions"] == {"contents": "read"}
    jobs = _workflow()["jobs"]
    assert "permissions" not in jobs["check"]
    assert jobs["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets." not in WORKFLOW.read_text(encoding="utf-8")
    assert "pull_request_target" not in WORKFLOW.read_text(encoding="utf-8")
    assert "refs/heads/main" in jobs["deploy"]["if"]


def test_no_step_runs_what_an_event_says() -> None:
    """An expression inside a script is code that somebody else wrote; variables are not."""
    assert [step["run"] for _, step in _steps() if "${{" in step.get("run", "")] == []


def test_actions_are_named_by_version_and_keep_no_credentials() -> None:
    """Tags, with the remark that says to pin them; a checkout leaves no token behind."""
    for _, step in _steps():
        if "uses" in step:
            assert re.fullmatch(r"(actions|aws-actions)/[a-z-]+@v\d+", step["uses"])
            if step["uses"].startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False
    assert "pin them by commit" in WORKFLOW.read_text(encoding="utf-8")


def test_the_workflow_goes_through_the_environments_in_order_and_takes_back_what_fails() -> None:
    """One after the other; noting before deploying, canary and alarms after it, and the way back at the end."""
    deploy = _workflow()["jobs"]["deploy"]
    assert deploy["needs"] == "check"
    assert (deploy["strategy"]["max-parallel"], deploy["strategy"]["fail-fast"]) == (1, True)
    ours = environments()
    matrix = [(one["environment"], one["stack"]) for one in deploy["strategy"]["matrix"]["include"]]
    assert matrix == [(name, ours[name]["stack"]) for name in ("dev", "stage", "prod")]
    names = [step["name"] for step in deploy["steps"] if "name" in step]
    assert names == ["Note what is live", "Deploy", "Canary", "Watch the alarms", "Take it back"]
    assert deploy["steps"][-1]["if"] == "failure()"


def test_every_command_of_the_workflow_is_one_that_is_there() -> None:
    """Targets of make, modules and commands of ours, with options they know."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for _, step in _steps():
        script = step.get("run", "")
        assert set(re.findall(r"\bmake ([a-z-]+)", script)) <= targets
        for module in re.findall(r"-m (infra\.\w+)", script):
            assert (ROOT / f"{module.replace('.', '/')}.py").exists()
        for words in re.findall(r"python -m infra\.release (\S+)", script):
            assert words in {"note", "alarms", "take-back"}
        if "footpath canary" in script:
            known = run("footpath", "canary", "--help").stdout
            assert set(re.findall(r"--[a-z]+", script)) <= set(re.findall(r"--[a-z]+", known))


def test_the_configuration_is_where_sam_looks_for_it() -> None:
    """Beside the template."""
    assert CONFIG.parent == ROOT
    assert "[default.deploy.parameters]" in CONFIG.read_text(encoding="utf-8")
