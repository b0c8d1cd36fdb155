"""What `sam build` makes is what we tested: complete, small, and nothing beside it."""

from __future__ import annotations

import hashlib
import io
import json
import marshal
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra.template import REGION, ROOT, TEMPLATE
from tests.sam.conftest import ENVIRONMENT, RUNTIME, Build, Interpreter, find_python, run, sam_build, variables_of

CACHE_TAG = f"cpython-{RUNTIME.replace('.', '')}"
FUNCTIONS = ("RequestHandler", "TraceProcessor", "TraceSealer")

# Ceilings with room to grow by a tenth.
MAX_LAYER_BYTES = {"source": 5_100_000, "with bytecode": 10_200_000}
MAX_LAYER_ZIPPED_BYTES = {"source": 1_700_000, "with bytecode": 4_150_000}
MAX_FUNCTION_BYTES = 1_500

IN_THE_LAYER = {
    "footpath",
    "footpath_service",
    "msgspec",
    "aws_lambda_powertools",
    "jmespath",
    "typing_extensions",
}
# boto3 and what it needs; Lambda's runtime has them, the layer has not.
RUNTIME_HAS = ("boto3", "botocore", "s3transfer", "dateutil", "six", "urllib3", "jmespath")
# Slow to import, and wanted by nobody on the way from event to answer.
TOO_SLOW_FOR_A_COLD_START = {"pydantic", "aws_xray_sdk", "typer", "rich", "duckdb", "moto", "hypothesis"}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))


def _zipped_bytes(folder: Path) -> int:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _files(folder):
            archive.write(path, path.relative_to(folder))
    return packed.tell()


def _digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in _files(folder)
    }


# ── the template ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_sam_finds_the_template_valid() -> None:
    """With its linter, and nothing suppressed."""
    done = run("sam", "validate", "--lint", "--region", REGION, "--template", TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is a valid SAM Template" in done.stdout


def test_a_broken_template_is_not_found_valid(tmp_path: Path) -> None:
    """The check above is able to fail."""
    broken = tmp_path / "template.yaml"
    broken.write_text(
        TEMPLATE.read_text(encoding="utf-8").replace("VisibilityTimeout: 1020", "VisibilityTimeout: soon")
    )
    assert run("sam", "validate", "--lint", "--region", REGION, "--template", broken).returncode != 0


# ── the artifacts ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_each_function_is_its_handler_and_nothing_else(build: Build) -> None:
    """What it imports is in the layer."""
    for name in FUNCTIONS:
        assert [path.name for path in _files(build.code_of(name))] == ["app.py"]
        assert _size_bytes(build.code_of(name)) < MAX_FUNCTION_BYTES


def test_the_layer_holds_what_ships_and_nothing_else(build: Build) -> None:
    """No tests, no CLI, no boto3, no build files."""
    layer = build.code_of("EngineLayer")
    assert [path.name for path in layer.iterdir()] == ["python"]
    found = {path.name.removesuffix(".py") for path in (layer / "python").iterdir()}
    assert {name for name in found if not name.endswith(".dist-info") and name != "__pycache__"} == IN_THE_LAYER
    assert {path.suffix for path in _files(layer / "python" / "footpath")} <= {".py", ".pyc", ".typed"}
    assert [path for path in _files(layer) if path.name in {"Makefile", "requirements.txt", ".lock"}] == []


def test_the_layer_has_every_module_of_ours(build: Build) -> None:
    """SAM drops folders of some names without a word."""
    source, shipped = ROOT / "engine_layer", build.code_of("EngineLayer") / "python"
    for package in ("footpath", "footpath_service"):
        ours = {path.relative_to(source) for path in (source / package).rglob("*.py")}
        assert ours == {path.relative_to(shipped) for path in (shipped / package).rglob("*.py")}


def test_the_layer_is_small(build: Build) -> None:
    """Lambda downloads and unpacks it at every cold start; 250 MB is its limit, not ours."""
    layer = build.code_of("EngineLayer")
    kind = "source" if find_python(RUNTIME) is None else "with bytecode"
    assert _size_bytes(layer) < MAX_LAYER_BYTES[kind]
    assert _zipped_bytes(layer) < MAX_LAYER_ZIPPED_BYTES[kind]


def test_the_layer_serves_both_architectures(build: Build) -> None:
    """Each compiled module is there for x86_64 and for arm64, for the runtime's Python."""
    machines: dict[str, set[int]] = {}
    for path in build.code_of("EngineLayer").rglob("*.so"):
        module, abi, _ = path.name.split(".")
        assert abi.startswith(f"{CACHE_TAG}-"), path.name
        machines.setdefault(module, set()).add(struct.unpack_from("<H", path.read_bytes(), 18)[0])
    assert machines == {"_core": {0x3E, 0xB7}}  # ELF's numbers of x86-64 and AArch64


def test_the_layer_ships_bytecode_when_the_runtime_is_here_to_make_it(build: Build) -> None:
    """With the paths it will have on Lambda, and never checked against the clock."""
    compiled = list((build.code_of("EngineLayer") / "python").rglob("*.pyc"))
    if find_python(RUNTIME) is None:
        assert compiled == []
        return
    sources = list((build.code_of("EngineLayer") / "python").rglob("*.py"))
    assert len(compiled) == len(sources)
    for path in compiled:
        assert path.name.endswith(f".{CACHE_TAG}.pyc")
        assert path.read_bytes()[4:8] == b"\x01\0\0\0"  # PEP 552: by hash, unchecked
    if sys.implementation.cache_tag == CACHE_TAG:
        code: Any = marshal.loads(compiled[0].read_bytes()[16:])
        assert code.co_filename.startswith("/opt/python/")


def test_a_second_build_gives_the_same_bytes(build: Build, tmp_path: Path) -> None:
    """So that deploying the same commit again changes nothing."""
    again = sam_build(tmp_path / "build")
    for name in (*FUNCTIONS, "EngineLayer"):
        assert _digest(again.code_of(name)) == _digest(build.code_of(name))


@pytest.mark.skipif(
    find_python(RUNTIME) is not None, reason="this machine has the runtime's Python, so nothing is missing"
)
def test_a_layer_without_bytecode_says_so(tmp_path: Path) -> None:
    """Slower cold starts should not come as a surprise."""
    done = run("make", "build-EngineLayer", f"ARTIFACTS_DIR={tmp_path}", cwd=ROOT / "engine_layer")
    assert done.returncode == 0, done.stderr
    assert "goes without its bytecode" in done.stderr


def test_a_layer_without_uv_says_what_to_do(tmp_path: Path) -> None:
    """`sam build` called by hand may have no uv on its path."""
    done = run("make", "build-EngineLayer", f"ARTIFACTS_DIR={tmp_path}", "UV=no-such-uv", cwd=ROOT / "engine_layer")
    assert done.returncode != 0
    assert "pip install uv" in done.stderr


# ── alive ──────────────────────────────────────────────────────────────────────────────────────────────────────────
PROBE = """
import json, sys
sys.path[:0] = {paths!r}
import app
event = {event!r}
answer = app.lambda_handler(event, None) if event else None
print(json.dumps({{
    "answer": answer,
    "origins": sorted({{
        getattr(module, "__file__", None) or "" for name, module in sys.modules.items() if name.partition(".")[0] not in sys.stdlib_module_names
    }}),
    "modules": sorted({{name.partition(".")[0] for name in sys.modules}}),
}}))
"""


@pytest.fixture(scope="module")
def runtime_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with boto3 and its needs alone, as in Lambda's runtime."""
    import boto3

    folder = tmp_path_factory.mktemp("runtime")
    site = Path(boto3.__file__).parent.parent
    for name in RUNTIME_HAS:
        source = site / name if (site / name).exists() else site / f"{name}.py"
        (folder / source.name).symlink_to(source)
    return folder


@pytest.mark.parametrize(("name", "event"), [("RequestHandler", "direct-run-explained"), ("TraceProcessor", None)])
def test_a_built_function_lives_on_nothing_but_its_layer_and_runtime(
    name: str,
    event: str | None,
    build: Build,
    interpreters: list[Interpreter],
    runtime_packages: Path,
    tmp_path: Path,
) -> None:
    """In a clean interpreter, with the environment that the template gives it, and no other module within reach.

    The request handler also answers: no service can be reached, so its trace goes to the log, and nobody notices.
    """
    sample = json.loads((ROOT / "events" / f"{event}.json").read_text(encoding="utf-8")) if event else None
    environment = _environment(name) | {"HOME": str(tmp_path)}
    for interpreter in interpreters:
        paths = [str(build.code_of(name)), str(interpreter.layer / "python"), str(runtime_packages)]
        done = _clean(interpreter.path, PROBE.format(paths=paths, event=sample), environment, tmp_path)
        assert done.returncode == 0, done.stderr
        *logged, last = done.stdout.splitlines()
        said = json.loads(last)
        strangers = [origin for origin in said["origins"] if origin and not origin.startswith(tuple(paths))]
        assert strangers == []
        assert set(said["modules"]) & TOO_SLOW_FOR_A_COLD_START == set()
        if sample:
            assert said["answer"]["status"] == "completed"
            assert said["answer"]["narrative"]
            assert any(said["answer"]["traceId"] in line for line in logged)


def _environment(name: str) -> dict[str, str]:
    """What Lambda gives a function, and what the template does."""
    return {
        "PATH": "/usr/bin:/bin",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # the port of "discard", where nobody listens
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",  # so that all that a cold start does is done
        **variables_of(name),
    }


def _clean(python: Path, probe: str, environment: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    # -I: no PYTHON* variables, no user site, no current folder; -S: no site-packages; -B: no bytecode beside what was
    # built.
    command = [os.fspath(python), "-I", "-S", "-B", "-c", probe]
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_probe_notices_a_missing_package(interpreters: list[Interpreter], tmp_path: Path) -> None:
    """The check above is able to fail: what this environment has is not within the probe's reach."""
    done = _clean(interpreters[0].path, "import msgspec", {"PATH": ENVIRONMENT["PATH"]}, tmp_path)
    assert "ModuleNotFoundError" in done.stderr
