"""One built function, run by Lambda's Runtime Interface Emulator on the host's Python, without a container."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from infra.local._image import RECIPE
from infra.local._paths import ARCHITECTURE, VENV

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_START_S = 30
_STOP_S = 10


class EmulatorError(Exception):
    """The emulator did not start, or dropped a request; the text ends with its log."""


class Emulator:
    """A context in which a function can be invoked; its first request is its cold start.

    One request at a time, whoever asks: the emulator crashes on two.

    Args:
        code: the folder that `sam build` made for the function.
        layer: a layer's folder, as Lambda unpacks it to `/opt`, for the Python that runs here.
        runtime: a folder with the runtime's own packages (`install_runtime`).
        variables: the function's environment, as the template gives it, and where its services are.
        timeout_s: of the function; the emulator ends it then, as Lambda does. It does not limit memory.
        log: a file for what emulator and function print.
        python: the interpreter.
    """

    def __init__(
        self,
        name: str,
        *,
        code: Path,
        layer: Path,
        runtime: Path,
        variables: Mapping[str, str],
        log: Path,
        handler: str = "app.lambda_handler",
        timeout_s: int = 30,
        memory_mb: int = 512,
        python: Path = Path(sys.executable),
    ) -> None:
        self._lock = threading.Lock()
        self._log = log
        self._python = python
        self._folder = code
        self._timeout_s = timeout_s
        self._environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_s),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": str(code),
            "LAMBDA_RUNTIME_DIR": str(runtime),
            "FOOTPATH_LAYER": str(layer),
            "_HANDLER": handler,
            **variables,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            EmulatorError: it does not start.
        """
        emulator = next(
            iter(VENV.glob(f"sam/lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{ARCHITECTURE}")), None
        )
        if emulator is None or sys.platform != "linux":
            raise EmulatorError(
                f"the SAM CLI in {VENV / 'sam'} brings no emulator for {sys.platform} on {ARCHITECTURE}"
            )
        port, api_port = _free_ports(2)
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        command: list[str | Path] = [
            emulator,
            *("--log-level", "error"),
            *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
            *("--runtime-api-address", f"127.0.0.1:{api_port}"),
            # Without this environment's packages: the bootstrap says what is within reach. And without writing bytecode
            # beside what was built, which on Lambda can't be written to.
            *(self._python, "-S", "-B", RECIPE / "bootstrap.py"),
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + _START_S
        while not _listens(port):
            if self._process.poll() is not None or time.monotonic() > end:
                self.__exit__(None, None, None)
                raise EmulatorError(f"the emulator does not start: {self.log()}")
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it and its function."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def invoke(self, event: Any) -> Any:
        """The function's answer, or what Lambda makes of its failure: `{"errorType", "errorMessage", ...}`.

        Raises:
            EmulatorError: there was no answer, or one that is not JSON, as when the function's time is up.
        """
        request = urllib.request.Request(self._url, data=json.dumps(event).encode(), method="POST")
        try:
            with self._lock, urllib.request.urlopen(request, timeout=self._timeout_s + 30) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:  # the function died before it answered; why, stands in its log
            raise EmulatorError(f"the emulator answers {error.code} {error.read()[:300]!r}: {self.log()}") from error
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            raise EmulatorError(f"the emulator dropped the request: {error}; {self.log()}") from error
        try:
            return json.loads(body or b"null")
        except ValueError as error:
            raise EmulatorError(f"the function gave no JSON: {body[:300]!r}; {self.log()}") from error

    def log(self) -> str:
        """What emulator and function printed last."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:] if self._log.exists() else ""


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
