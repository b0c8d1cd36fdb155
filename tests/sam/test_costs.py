"""The sums of `docs/deploy.md` are right, and are of this template."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from infra import load_template, transform
from infra.template import ROOT
from tests.sam.test_template_rules import ALL_ON

TEXT = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
COSTS = TEXT.partition("## What it costs")[2].partition("\n## ")[0]
_SUM = re.compile(r"\| ([^|]*?) = ([0-9.]+) \|")
_TERM = re.compile(r"([0-9.,]+)( M| GB-s| GB|) x ([0-9.]+)( per M)?")


def test_a_million_runs_cost_the_sum_of_their_parts() -> None:
    """Each row is its terms, and the headline is the rows."""
    rows = _SUM.findall(COSTS)
    assert len(rows) == 4
    for terms, told in rows:
        found = Decimal(0)
        for count, unit, price, per_million in _TERM.findall(terms):
            each = Decimal("1e-6") if per_million and unit != " M" else Decimal(1)
            found += Decimal(count.replace(",", "")) * each * Decimal(price)
        # Half a tenth of a cent is rounded up.
        assert abs(found - Decimal(told)) <= Decimal("0.0006"), (terms, found)
    headline = re.search(r"A million runs of 10 KB: ([0-9.]+)\.\*\*", COSTS)
    assert headline is not None
    assert round(sum(Decimal(told) for _, told in rows), 2) == Decimal(headline[1])


def test_an_idle_month_is_what_the_pollers_ask() -> None:
    """Five of them, a call every twenty seconds, thirty days."""
    calls = 5 * 30 * 86_400 // 20
    assert f"{calls:,} calls x 0.40 per million" in COSTS
    assert f"with the defaults: {calls * 0.40e-6:.2f}." in COSTS


def test_alarms_cost_by_their_metrics() -> None:
    """Ten cents for each metric of each alarm that the template makes."""
    alarms = transform(load_template(), {"AlarmEmail": "a@example.org"}).of_type("AWS::CloudWatch::Alarm")
    metrics = sum(
        sum("MetricStat" in metric for metric in alarm["Metrics"]) if "Metrics" in alarm else 1
        for alarm in alarms.values()
    )
    assert f"{metrics} metrics, {metrics / 10:.2f}" in COSTS


@pytest.mark.parametrize("option", ["OwnKey", "SignDigests", "SignCheckpoints"])
def test_a_key_costs_a_dollar(option: str) -> None:
    """Each option that makes one is listed with its price."""
    without, with_it = (
        len(transform(load_template(), asked).of_type("AWS::KMS::Key")) for asked in ({}, {option: ALL_ON[option]})
    )
    assert with_it - without == 1
    assert re.search(rf"\| `{option}` \| 1\.00", COSTS)
