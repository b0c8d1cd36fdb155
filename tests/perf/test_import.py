"""What a cold start loads, counted; how long it takes is `bench/imports.py`'s business."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_PROBE = (
    "import json, sys; before = set(sys.modules); import {module}; print(json.dumps(sorted(set(sys.modules) - before)))"
)


def loaded_by(module: str) -> set[str]:
    out = subprocess.run(
        [sys.executable, "-c", _PROBE.format(module=module)], capture_output=True, text=True, check=True
    )
    return set(json.loads(out.stdout))


@pytest.mark.parametrize(
    "unwanted", ["asyncio", "pydantic", "botocore", "boto3", "ssl", "logging", "hashlib", "dataclasses", "unittest"]
)
def test_the_engine_does_not_load(unwanted: str) -> None:
    """Cold starts wait for nothing that a first run can do without."""
    assert unwanted not in loaded_by("footpath")


def test_the_engine_loads_few_modules_besides_its_own() -> None:
    """Beyond msgspec and what that loads, a handful of small modules of the standard library."""
    beyond = loaded_by("footpath") - loaded_by("msgspec")
    foreign = {name for name in beyond if not name.startswith("footpath")}
    assert foreign <= {"_weakrefset", "copy", "gc", "threading", "weakref", "binascii"}, sorted(foreign)


def test_a_run_of_plain_functions_never_loads_asyncio() -> None:
    """An event loop is started at the first awaitable, not before."""
    program = (
        "import sys; from footpath import FlowChartExecutor, encode_trace, flow_chart\n"
        "chart = flow_chart('A', lambda scope: setattr(scope, 'a', 1), 'a').build()\n"
        "executor = FlowChartExecutor(chart); executor.run(); encode_trace(executor.get_trace())\n"
        "print('asyncio' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
