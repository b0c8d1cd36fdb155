"""What is deployed, built once for all tests that look at it."""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra import load_template, transform
from infra.template import REGION, ROOT

# So that their asserts, too, show what they compared.
pytest.register_assert_rewrite("tests.sam._samples", "tests.sam._walk")

BIN = Path(sys.executable).parent
RUNTIME = load_template()["Globals"]["Function"]["Runtime"].removeprefix("python")
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    "SAM_CLI_TELEMETRY": "0",
    "UV_PYTHON_DOWNLOADS": "never",
    "AWS_DEFAULT_REGION": REGION,
    "PYTHONPATH": "",
}


@dataclass(frozen=True)
class Build:
    """The artifacts of `sam build`.

    Attributes:
        folder: one sub-folder a logical id, and the template that points at them.
        template: that template, parsed.
    """

    folder: Path
    template: dict[str, Any]

    def code_of(self, logical_id: str) -> Path:
        """The folder that would be zipped for a function or a layer."""
        properties = self.template["Resources"][logical_id]["Properties"]
        return self.folder / properties.get("CodeUri", properties.get("ContentUri"))


@dataclass(frozen=True)
class Interpreter:
    """A Python to try artifacts with, and a layer with compiled modules for it.

    Attributes:
        path: of the executable.
        version: such as "3.13".
        layer: a folder as Lambda unpacks it to `/opt`.
    """

    path: Path
    version: str
    layer: Path


def variables_of(function: str, parameters: dict[str, Any] | None = None) -> dict[str, str]:
    """The environment that the template gives a function, with names such as CloudFormation would make them."""
    queue = f"https://sqs.{REGION}.amazonaws.com/123456789012/footpath"
    physical = {
        "<ArchiveBucket>": "footpath-archivebucket-1abcdefghijkl",
        "<TraceQueue>": f"{queue}-TraceQueue-1ABC",
        "<DeadLetterQueue>": f"{queue}-DeadLetterQueue-1ABC",
    }
    variables = transform(load_template(), parameters).properties(function)["Environment"]["Variables"]
    return {name: physical.get(value, str(value)) for name, value in variables.items()}


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A program of ours, with the tools of this environment first on its path."""
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


def find_python(version: str) -> Path | None:
    """That Python, if this machine has it: the one that compiles the layer."""
    found = run("make", "--silent", "find-python", f"PYTHON={version}", cwd=ROOT / "engine_layer")
    assert found.returncode == 0, found.stderr
    return Path(found.stdout.strip()) if found.stdout.strip() else None


def sam_build(folder: Path) -> Build:
    """Builds what would be deployed into a folder, as `make build` does into `.aws-sam/build`."""
    done = run("sam", "build", "--region", REGION, "--build-dir", folder, "--cache-dir", f"{folder}-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    return read_build(folder)


def read_build(folder: Path) -> Build:
    """What was built into a folder before."""
    return Build(folder, load_template(folder / "template.yaml"))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all test processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "sam"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def once(folder: Path, name: str) -> Generator[bool]:
    """Whether this process is the first to need what `name` stands for; others wait until it is made."""
    done = folder / f"{name}.done"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not done.exists()
        done.touch()


@pytest.fixture(scope="session")
def build(shared: Path) -> Build:
    """`sam build`, without a container."""
    folder = shared / "build"
    with once(shared, "build") as first:
        return sam_build(folder) if first else read_build(folder)


@pytest.fixture(scope="session")
def interpreters(build: Build, shared: Path) -> list[Interpreter]:
    """The host's Python with a layer made for it, and the deployed layer with Lambda's Python where that is here."""
    found: list[Interpreter] = []
    runtime = find_python(RUNTIME)
    if runtime is not None:
        found.append(Interpreter(runtime, RUNTIME, build.code_of("EngineLayer")))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if runtime is None or version != RUNTIME:
        layer = shared / "host-layer"
        with once(shared, "host-layer") as first:
            if first:
                _layer_for_the_host(layer, version)
        found.append(Interpreter(Path(sys.executable), version, layer))
    return found


def _layer_for_the_host(layer: Path, version: str) -> None:
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    target = f"{machine}-apple-darwin" if sys.platform == "darwin" else f"{machine}-manylinux2014"
    made = run(
        "make",
        "build-EngineLayer",
        f"ARTIFACTS_DIR={layer}",
        f"PYTHONS={version}",
        f"PLATFORMS={target}",
        cwd=ROOT / "engine_layer",
    )
    assert made.returncode == 0, made.stderr
