"""What each function imports before its first answer, counted; how long that takes is `bench/cold_start.py`'s business.

The lists are of what the layer brings and of the standard library's slow parts. What boto3 imports by itself is
Lambda's business, and is measured in a process of its own to be left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.events import function_for
from infra.template import ROOT
from tests.sam._samples import EVENTS
from tests.sam.conftest import variables_of

PROBE = """
import json, sys
class Context:
    aws_request_id, function_name, function_version, memory_limit_in_mb, invoked_function_arn = "r", "f", "1", 512, "a"
    get_remaining_time_in_millis = staticmethod(lambda: 60_000)
sys.path[:0] = {path!r}
{body}
print("\\n" + json.dumps([sorted(init), sorted(set(sys.modules) - init)]))
"""
FUNCTION = """
import app
init = set(sys.modules)
app.lambda_handler({event!r}, Context())
"""
BARE = """
import boto3
{clients}
init = set(sys.modules)
"""
FOLDERS = {"RequestHandler": "request_handler", "TraceProcessor": "trace_processor"}
SAMPLES = ("direct-run", "http-api-run", "function-url-run", "sqs-one")

# Powertools' parts, one level down: its logger and its metrics, and what those two bring.
POWERTOOLS = {"exceptions", "logging", "metrics", "package_logger", "shared", "tracing", "utilities", "warnings"}
# Of all that is not ours, the runtime's (boto3) or the standard library's.
PACKAGES = {"aws_lambda_powertools", "jmespath", "msgspec", "typing_extensions"}
# Of the standard library, beyond boto3's needs: what a host's name goes through, and the collector's switch.
SMALL = {"encodings.idna", "gc", "stringprep", "unicodedata"}
# Parts of it that are known to be slow, or to be asked too early.
UNWANTED = {
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.data_classes",
    "aws_lambda_powertools.utilities.parser",
    "aws_xray_sdk",
    "asyncio",
    "pydantic",
    "sqlite3",
    "unittest",
    "xml.sax",
}


def loaded(path: list[Path], body: str, environment: dict[str, str], folder: Path) -> tuple[set[str], set[str]]:
    """Modules that are there after init, and those that the first answer added."""
    probe = PROBE.format(path=[str(part) for part in path], body=body)
    given = {
        **environment,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "HOME": str(folder),
    }
    done = subprocess.run(
        [sys.executable, "-c", probe], env=given, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    init, first = json.loads(done.stdout.splitlines()[-1])
    return set(init), set(first)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What the smallest handler with both of boto3's clients has loaded."""
    clients = "clients = [boto3.client(name) for name in ('sqs', 's3')]"
    return loaded([], BARE.format(clients=clients), {}, tmp_path_factory.mktemp("bare"))[0]


@pytest.fixture(scope="module", params=SAMPLES)
def cold_start(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, set[str], set[str]]:
    """A sample, and what its function loaded in init and for it."""
    name: str = request.param
    function = function_for(name)
    path = [ROOT / "functions" / FOLDERS[function], ROOT / "engine_layer"]
    body = FUNCTION.format(event=EVENTS[name])
    return name, *loaded(path, body, variables_of(function), tmp_path_factory.mktemp(name))


def test_a_function_loads_of_the_layer_just_what_it_needs(
    cold_start: tuple[str, set[str], set[str]], bare: set[str]
) -> None:
    """The exact list of packages, and of Powertools' parts."""
    _, init, first = cold_start
    names = {module.split(".")[0] for module in (init | first) - bare}
    ours = {name for name in names if name.startswith("footpath") or name in {"app", "_footpath"}}
    assert names - ours - sys.stdlib_module_names - {"__main__"} == PACKAGES - {module.split(".")[0] for module in bare}
    parts = {module.split(".")[1] for module in init | first if module.startswith("aws_lambda_powertools.")}
    assert parts == POWERTOOLS


def test_a_function_loads_nothing_slow(cold_start: tuple[str, set[str], set[str]]) -> None:
    """No event loop before a chart awaits, no parser, no tracer."""
    _, init, first = cold_start
    assert (init | first) & UNWANTED == set()


def test_the_standard_library_costs_little_beyond_what_boto3_needs(
    cold_start: tuple[str, set[str], set[str]], bare: set[str]
) -> None:
    """Each is a small module, named here so that a new one is a decision."""
    _, init, first = cold_start
    more = {module for module in (init | first) - bare if module.split(".")[0] in sys.stdlib_module_names}
    assert more <= SMALL, sorted(more - SMALL)


def test_the_first_answer_finds_nearly_everything_loaded(cold_start: tuple[str, set[str], set[str]]) -> None:
    """Init has Lambda's full CPU; a request pays for what comes later."""
    _, _, first = cold_start
    ours: set[Any] = {module for module in first if module.startswith("footpath")}
    assert len(ours) <= 3, sorted(ours)
    assert len(first) <= 40, sorted(first)
