"""Nothing recurses: charts may be as long, as deep and as tangled as memory allows, or are refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from footpath.chart import (
    MAX_NESTED_LEVELS,
    Child,
    FlowChart,
    flow_chart,
    nested_json,
    spec_from_document,
    structure_events,
)
from footpath.errors import NestingTooDeepError
from tests.unit.chart._stub_charts import Noting, nothing

LONG = 100_000


@pytest.fixture(scope="module")
def long_chart() -> FlowChart:
    builder = flow_chart("S0", nothing, "s0")
    for number in range(1, LONG):
        builder.add_function(f"S{number}", nothing, f"s{number}")
    return builder.build()


def nested_mounts(depth: int) -> FlowChart:
    chart = flow_chart("X", nothing, "x").build()
    for _ in range(depth):
        chart = (
            flow_chart("D", nothing, "d").add_sub_flow_chart_next("s", chart).add_function("E", nothing, "e").build()
        )
    return chart


def test_a_long_chart_describes_itself(long_chart: FlowChart) -> None:
    """Words, picture, document and nested dicts of a hundred thousand stages."""
    assert long_chart.description.count("\n") == LONG + 1
    assert long_chart.to_mermaid().count("-->") == LONG - 1
    document = long_chart.spec_document()
    assert len(document["charts"][0]["nodes"]) == LONG
    spec: dict[str, Any] = spec_from_document(document)
    stages = 1
    while "next" in spec:
        spec = spec["next"]
        stages += 1
    assert stages == LONG
    assert sum(1 for _ in structure_events(document)) == 2 * LONG - 1


def test_nested_json_of_a_long_chart_is_refused_with_the_limit(long_chart: FlowChart) -> None:
    """Rather than written for readers that would break on it."""
    with pytest.raises(NestingTooDeepError, match=f"{LONG} levels .* the limit is {MAX_NESTED_LEVELS}") as refused:
        long_chart.build_time_structure_json()
    assert (refused.value.what, refused.value.count, refused.value.limit) == ("levels", LONG, MAX_NESTED_LEVELS)


@pytest.mark.parametrize(("stages", "fits"), [(MAX_NESTED_LEVELS, True), (MAX_NESTED_LEVELS + 1, False)])
def test_nested_json_is_given_up_to_the_limit(stages: int, fits: bool) -> None:
    """The limit itself still passes, and the standard reader reads it."""
    builder = flow_chart("S", nothing, "s0")
    for number in range(1, stages):
        builder.add_function("S", nothing, f"s{number}")
    document = builder.build().spec_bytes
    if fits:
        assert nested_json(document).count(b'"next"') == stages - 1
    else:
        with pytest.raises(NestingTooDeepError):
            nested_json(document)


def test_a_mount_too_deep_for_json_is_told_without_its_spec(long_chart: FlowChart) -> None:
    """Its recorder hears of the mount all the same, live and replayed."""
    noting = Noting()
    chart = flow_chart("M", nothing, "m", structure_recorders=[noting]).add_sub_flow_chart_next("s", long_chart).build()
    mounted = [seen["event"] for seen in noting.seen if seen["method"] == "onSubflowMounted"]
    assert mounted == [{"subflowId": "s", "subflowName": "s", "rootStageId": "s", "subflowPath": "s"}]
    assert [event for hook, event in structure_events(chart.spec_bytes) if hook == "on_subflow_mounted"] != []


def test_subflows_two_hundred_deep() -> None:
    """Each level once in the document, all of them in words and nested spec."""
    chart = nested_mounts(200)
    assert len(chart.spec_document()["charts"]) == 201
    assert chart.description.count("[Sub-Execution: s]") == 200
    assert nested_json(chart.spec_bytes).count(b'"subflowStructure"') == 200


def test_subflows_deeper_than_any_stack() -> None:
    """The flat document has no depth."""
    chart = nested_mounts(3_000)
    assert len(chart.spec_document()["charts"]) == 3_001
    assert len(list(structure_events(chart.spec_bytes))) == 6
    with pytest.raises(NestingTooDeepError):
        chart.build_time_structure_json()


def test_mounts_that_double_at_every_level_are_no_bomb() -> None:
    """2 to the 60 stages fit the document, and are refused wherever they would be written out."""
    chart = flow_chart("X", nothing, "x").build()
    for _ in range(60):
        builder = flow_chart("D", nothing, "d")
        chart = builder.add_sub_flow_chart_next("s", chart).add_sub_flow_chart_next("t", chart).build()
    assert len(chart.spec_bytes) < 10_000
    assert chart.stage_descriptions == {}
    for written_out in (
        lambda: chart.description,
        lambda: chart.build_time_structure,
        chart.build_time_structure_json,
        chart.to_openapi,
    ):
        with pytest.raises(NestingTooDeepError):
            written_out()
    assert len(list(structure_events(chart.spec_bytes))) == 7


def test_a_wide_fork() -> None:
    """Children are as cheap as stages."""
    children = [Child(f"c{number}", "C", nothing) for number in range(20_000)]
    chart = flow_chart("A", nothing, "a").add_list_of_function(children).add_function("Z", nothing, "z").build()
    assert len(chart.root.children) == 20_000
    assert nested_json(chart.spec_bytes).count(b'"isParallelChild"') == 20_000
