"""`docs/security.md` names tests that are there, rights that the template gives, and costs that add up in `docs/deploy.md`."""

from __future__ import annotations

import ast
import re

import pytest

from infra import load_template, transform
from infra.template import ROOT
from tests.sam._rules import FUNCTIONS
from tests.sam.test_template_rules import ALL_ON

SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
MITIGATIONS = re.findall(r"^\| ([^|`]+) \| ([^|]+) \| (`tests/[^|]+) \|$", SECURITY, re.MULTILINE)


def test_every_threat_has_a_mitigation_and_a_test() -> None:
    """No row of the table without one."""
    table = SECURITY.partition("## Threats and what keeps them off")[2].partition("## ")[0]
    assert len(MITIGATIONS) == len(re.findall(r"^\| ", table, re.MULTILINE)) - 1 > 15


@pytest.mark.parametrize(
    "path", sorted({path for *_, tests in MITIGATIONS for path in re.findall(r"`([^`]+)`", tests)})
)
def test_the_tests_it_names_are_there(path: str) -> None:
    """As files with tests in them."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert any(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in ast.walk(tree))


def test_the_border_crossings_it_tells_of_are_the_ones_that_roles_allow() -> None:
    """Which prefixes a function may put or read is said in both documents as the template has it."""
    rows = {
        "RequestHandler": re.search(r"^\| request handler \| ([^|]+) \|", SECURITY, re.MULTILINE),
        "TraceProcessor": re.search(r"^\| processor \| ([^|]+) \|", SECURITY, re.MULTILINE),
        "TraceSealer": re.search(r"^\| sealer \| ([^|]+) \|", SECURITY, re.MULTILINE),
    }
    assert set(rows) == set(FUNCTIONS)
    for name, row in rows.items():
        assert row is not None
        said = set(re.findall(r"`([a-z]+/)`", row[1]))
        granted = {
            resource.split("Arn>/")[1].removesuffix("*") for _, resource in FUNCTIONS[name] if "Arn>/" in resource
        }
        assert said == granted, name


# ── what it costs ──────────────────────────────────────────────────────────────────────────────────────────────────
def _says(text: str) -> None:
    assert text in DEPLOY, text


def test_an_idle_stack_costs_what_is_said() -> None:
    """Five pollers that ask for 20 s each, all month."""
    calls = 5 * 30 * 86_400 // 20
    _says(f"{calls:,} calls x 0.40 per million")
    _says(f"with the defaults: {calls * 0.40 / 1e6:.2f}")


def test_a_million_runs_cost_what_is_said() -> None:
    """Row by row, and in sum; memory is the template's default."""
    memory_gb = load_template()["Parameters"]["ProcessorMemoryMb"]["Default"] / 1024
    rows = [
        1.2 * 0.40,
        5_000 * 5.00 / 1e6,
        1e6 * 0.0025 * memory_gb * 0.0000166667 + 5_000 * 0.20 / 1e6,
        1e6 * 1.5e3 / 1e9 * 0.023,
    ]
    for row in rows:
        _says(f"= {row:.3f} |")
    _says(f"A million runs of 10 KB: {sum(rows):.2f}.")
    _says(f"10 ms x 0.5 GB are {1e6 * 0.010 * 0.5 * 0.0000166667:.3f}")


def test_alarms_cost_what_is_said() -> None:
    """CloudWatch counts each metric of a sum."""
    alarms = transform(load_template(), ALL_ON).of_type("AWS::CloudWatch::Alarm").values()
    metrics = sum(sum("MetricStat" in one for one in alarm["Metrics"]) if "Metrics" in alarm else 1 for alarm in alarms)
    _says(f"{metrics} metrics, {metrics * 0.10:.2f}")


def test_a_snapshot_costs_what_is_said() -> None:
    """Kept all month, of the default memory."""
    memory_gb = load_template()["Parameters"]["RequestMemoryMb"]["Default"] / 1024
    _says(f"{memory_gb} GB, {memory_gb * 30 * 86_400 * 0.0000015046:.2f}")


def test_parameters_it_explains_are_there_with_their_defaults() -> None:
    """A table of names is the first thing to go stale."""
    parameters = load_template()["Parameters"]
    named = set(
        re.findall(r"`([A-Z][A-Za-z]+)`", DEPLOY.partition("## What the parameters are for")[2].partition("## ")[0])
    )
    assert len(named) > 15
    assert named <= set(parameters)
