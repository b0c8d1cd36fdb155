"""The SAM CLI's three ways to run a function, against a world on this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from infra.events import function_for
from infra.template import REGION, ROOT
from tests.sam._world import World
from tests.sam.conftest import ENVIRONMENT, Build

START_S = 90
STOP_S = 30


class Sam:
    """The SAM CLI over a build, its functions led to a world.

    Args:
        build: of `sam build`; a template with the way to the world is written beside its own.
        folder: for logs and the layer's cache.
    """

    def __init__(self, build: Build, world: World, functions: list[str], folder: Path) -> None:
        self.folder = folder
        variables = {name: world.variables(name) for name in functions}
        template = json.loads(json.dumps(build.template))
        # The CLI passes on only what the template declares, and nobody declares an endpoint for AWS itself.
        template["Globals"]["Function"]["Environment"]["Variables"] |= dict.fromkeys(world.credentials(), "")
        self._template = build.folder / "template-local.json"
        self._template.write_text(json.dumps(template), encoding="utf-8")
        self._variables = folder / "variables.json"
        self._variables.write_text(json.dumps(variables), encoding="utf-8")
        self.environment = {**ENVIRONMENT, **world.credentials(), "DOCKER_HOST": os.environ["DOCKER_HOST"]}

    def command(self, *words: str | Path) -> list[str]:
        """A `sam local` command."""
        options = (
            *("--template", self._template, "--env-vars", self._variables, "--region", REGION),
            *("--skip-pull-image", "--layer-cache-basedir", self.folder),
        )
        return [str(word) for word in ("sam", "local", *words, *options)]

    def invoke(self, name: str) -> Any:
        """What the function of a sample answers to it: one container, one `sam local invoke`."""
        done = subprocess.run(
            self.command("invoke", function_for(name), "--event", ROOT / "events" / f"{name}.json"),
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.strip().splitlines()[-1])


class Server:
    """A context in which `sam local start-api` or `start-lambda` answers; one container a function, kept warm.

    It is ended with SIGTERM: the CLI leaves its containers behind after SIGINT.
    """

    def __init__(self, sam: Sam, kind: str) -> None:
        self._sam = sam
        self._kind = kind
        self._log = sam.folder / f"{kind}.log"

    def __enter__(self) -> Self:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{port}"
        words = (self._kind, "--host", "127.0.0.1", "--port", str(port), "--warm-containers", "LAZY")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._sam.command(*words),
                env=self._sam.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + START_S
        while not _listens(port):
            if self._process.poll() is not None or time.monotonic() > end:
                said = self.log()
                self.__exit__(None, None, None)
                raise AssertionError(f"sam local {self._kind} does not start: {said}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            raise

    def log(self) -> str:
        """What it and its functions printed last."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def http(self, method: str, path: str, body: str | None) -> tuple[int, Any]:
        """Status and decoded body of an HTTP request."""
        data = body.encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def invoke(self, function: str, event: Any) -> Any:
        """A function's payload, through the SDK."""
        session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION)
        config = Config(retries={"total_max_attempts": 1}, read_timeout=180)
        client = session.client("lambda", endpoint_url=self.url, config=config)
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read() or b"null")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
