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


LOADED = {
    "chart": "_assembly _branches _builder _chart _contract _document _events _node _options _outline _start",
    "engine": "_answers _executor _line _listened _run _schedule _stage _subflow",
    "journal": "entries",
    "scope": "_compare _decide _frame _scope",
    "state": "_commit _dict_view _growth _list_view _place _region _untracked",
    "values": "_absent _order _record _scan",
}
"""Behind each door, what building a chart and running it take; `encode_trace`, imported by name, brings the trace's four modules. A module more is a millisecond's tenth of every
cold start: let it come in when it is first needed, as `footpath._on_demand` and imports inside of functions do."""


def test_the_engine_loads_what_a_capture_takes_and_no_module_more() -> None:
    """Events, replay, narrative, sealing, resuming, reading traces and asking are loaded when somebody wants them."""
    ours = {name for name in loaded_by("footpath") if name.startswith("footpath")}
    rooms = {f"footpath.{room}" for room in (*LOADED, "replay")}
    behind = {f"footpath.{room}.{module}" for room, modules in LOADED.items() for module in modules.split()}
    assert ours == {"footpath", "footpath._on_demand", "footpath.errors", "footpath.ids"} | rooms | behind


def test_a_capture_loads_only_what_hashes_its_chart() -> None:
    """The first request of a container waits for no module of ours."""
    program = (
        "import json, sys\n"
        "from footpath import FlowChartExecutor, decide, encode_trace, flow_chart, ops\n"
        "before = set(sys.modules)\n"
        "def choose(scope):\n"
        "    scope.a = {'b': [1]}; ops(scope).emit('e', 1)\n"
        "    return decide(scope, [{'when': {'a': {'eq': 1}}, 'then': 'x'}, {'when': lambda s: s.a, 'then': 'x'}], 'x')\n"
        "inner = flow_chart('I', lambda scope: None, 'i').build()\n"
        "chart = (flow_chart('A', lambda scope: None, 'a').add_sub_flow_chart_next('s', inner, 'S')\n"
        "    .add_decider_function('D', choose, 'd').add_function_branch('x', 'X', lambda scope: None).end().build())\n"
        "executor = FlowChartExecutor(chart); executor.enable_narrative(); executor.run({'in': 1})\n"
        "encode_trace(executor.get_trace())\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(json.loads(out.stdout)) <= {
        # a rule looked at a container, which has to be described
        *{f"footpath.values._{name}" for name in ("summary", "tags")},
        "hashlib",
        "_hashlib",
        "_blake2",
        "_sha2",
        "_sha256",
    }


def test_the_engine_loads_few_modules_besides_its_own() -> None:
    """Beyond msgspec and what that loads, a handful of small modules of the standard library."""
    beyond = loaded_by("footpath") - loaded_by("msgspec")
    foreign = {name for name in beyond if not name.startswith("footpath")}
    assert foreign <= {"gc"}, sorted(foreign)


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
