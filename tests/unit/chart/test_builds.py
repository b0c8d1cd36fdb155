"""What footprintjs makes of a chart, we make of it too; and the spec document tells it all again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from footpath.chart import nested_json, spec_from_document
from tests.unit.chart._known_builds import BUILT, KNOWN
from tests.unit.chart._stub_charts import build_result, retold

Known = tuple[str, dict[str, Any], dict[str, Any]]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known[0])
def test_a_chart_is_built_as_in_the_reference(known: Known) -> None:
    """Spec, texts, structure events in order, and errors to the letter."""
    _, case, expected = known
    result, chart = build_result(case)
    assert result == expected
    assert (chart is None) == ("error" in expected)


@pytest.mark.parametrize("known", BUILT, ids=lambda known: known[0])
def test_the_spec_document_tells_the_building_again(known: Known) -> None:
    """Structure events and nested spec from the stored document alone equal those of the building."""
    _, case, expected = known
    _, chart = build_result(case)
    assert chart is not None
    for document in (chart.spec_bytes, chart.spec_document()):
        assert retold(document) == expected["structure"]
        assert spec_from_document(document) == expected["spec"]
        assert json.loads(nested_json(document)) == expected["spec"]
    assert json.loads(chart.build_time_structure_json()) == expected["spec"]
