"""What was built lives on Lambda's runtime interface, on this machine's Python, without a container (`make sam-host`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infra import load_template
from infra.events import function_for, http_request
from infra.local import Emulator, EmulatorError, install_runtime
from tests.sam._samples import EVENTS, EXPECTED
from tests.sam._walk import ask_of_every_sample, walk_from_http_to_the_archive
from tests.sam._world import World
from tests.sam.conftest import Build, Interpreter, once

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the SAM CLI brings the emulator for Linux alone; `make sam-local` has the rest"
)
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="session")
def runtime(shared: Path) -> Path:
    """What Lambda's own runtime has, for this Python: the interface client, and boto3."""
    folder = shared / "runtime"
    with once(shared, "runtime") as first:
        if first:
            install_runtime(folder, HERE)
    return folder


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Queues and bucket."""
    with World() as made:
        yield made


@pytest.fixture(scope="module")
def functions(
    build: Build, interpreters: list[Interpreter], runtime: Path, world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Emulator]]:
    """Every function of the template, by logical id, running."""
    logs = tmp_path_factory.mktemp("logs")
    running: dict[str, Emulator] = {}
    try:
        for name, function in functions_of_the_template().items():
            running[name] = Emulator(
                name,
                code=build.code_of(name),
                layer=here(interpreters).layer,
                runtime=runtime,
                variables=world.variables(name),
                log=logs / f"{name}.log",
                timeout_s=function["Timeout"],
            ).__enter__()
        yield running
    finally:
        for emulator in running.values():
            emulator.__exit__(None, None, None)


def functions_of_the_template() -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in load_template()["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def here(interpreters: list[Interpreter]) -> Interpreter:
    """The one for the Python that runs the tests."""
    return next(interpreter for interpreter in interpreters if interpreter.version == HERE)


# ── the whole way ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_request_over_http_ends_in_the_archive_and_is_read_back(world: World, functions: dict[str, Emulator]) -> None:
    """Through built artifacts, runtime interface, queue, poller, processor and CLI."""
    world.empty()

    def http(method: str, path: str, body: str | None) -> tuple[int, Any]:
        answer = functions["RequestHandler"].invoke(http_request(method, path, body))
        return answer["statusCode"], json.loads(answer["body"])

    walk_from_http_to_the_archive(world, http, lambda name, event: functions[name].invoke(event))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_of_aws_is_answered_as_its_name_says(name: str, world: World, functions: dict[str, Emulator]) -> None:
    """Each sample, by the function that takes it, through JSON and the runtime interface."""
    ask_of_every_sample(name, functions[function_for(name)].invoke, world)


def test_what_was_built_is_as_before(build: Build, functions: dict[str, Emulator]) -> None:
    """A run leaves nothing beside the code, as on Lambda, where it could not."""
    functions["RequestHandler"].invoke(EVENTS["direct-run"])
    for name in functions:
        assert [path.name for path in build.code_of(name).iterdir()] == ["app.py"]


# ── what a failure looks like ──────────────────────────────────────────────────────────────────────────────────────
def test_an_event_of_a_wrong_source_fails_by_name(functions: dict[str, Emulator]) -> None:
    """A processor wired to a schedule would otherwise do nothing for ever, and nobody would know."""
    answer = functions["TraceProcessor"].invoke(EVENTS["schedule"])
    assert answer["errorType"] == "ValueError"
    assert "not an SQS event" in answer["errorMessage"]
    answer = functions["RequestHandler"].invoke(EVENTS["schedule"])
    assert (answer["statusCode"], answer["status"]) == (400, "rejected")


def test_requests_at_once_are_answered_one_after_the_other(world: World, functions: dict[str, Emulator]) -> None:
    """The emulator crashes on two at a time, so nobody may have to know."""
    world.empty()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(functions["RequestHandler"].invoke, [EVENTS["direct-run"]] * 4))
    assert {answer["status"] for answer in answers} == {"completed"}
    assert len({answer["traceId"] for answer in answers}) == 4


def test_a_function_that_does_not_start_says_why(
    build: Build, interpreters: list[Interpreter], runtime: Path, tmp_path: Path
) -> None:
    """Settings are checked before the first request, and the log names what is missing."""
    with (
        Emulator(
            "RequestHandler",
            code=build.code_of("RequestHandler"),
            layer=here(interpreters).layer,
            runtime=runtime,
            variables={"AWS_REGION": "us-east-1"},
            log=tmp_path / "log",
        ) as emulator,
        pytest.raises(EmulatorError, match="SettingsError: ARCHIVE_BUCKET is not set"),
    ):
        emulator.invoke(EVENTS["direct-run"])


def test_a_function_out_of_time_is_no_answer(runtime: Path, tmp_path: Path) -> None:
    """As on Lambda, the function is ended; the next request finds a new one."""
    (tmp_path / "app.py").write_text(
        "import time\ndef lambda_handler(event, context):\n    time.sleep(event)\n    return 'awake'\n"
    )
    with Emulator(
        "Sleeper", code=tmp_path, layer=tmp_path, runtime=runtime, variables={}, log=tmp_path / "log", timeout_s=3
    ) as emulator:
        with pytest.raises(EmulatorError, match="timed out"):
            emulator.invoke(30)
        assert emulator.invoke(0) == "awake"
