"""Reading by a path; the reference's answers for the same state."""

from __future__ import annotations

from typing import Any

import pytest

from footpath import FlowChartExecutor, flow_chart, ops
from footpath.errors import StateError

CUSTOMER = {"n": "Ada", "l": [{"p": 3}, [1, 2]], "z": None, "l.0": "not by a path"}
PATHS = {
    "c.l.0.p": 3,
    "c.l.1.1": 2,
    "c.l.9": "nothing",
    "c.l.-1": "nothing",
    "c.l.00": "nothing",
    "c.l.\u0660": "nothing",  # a zero, elsewhere
    "c.l." + "9" * 5_000: "nothing",
    "c.l.p": "nothing",
    "c.z": None,
    "c.z.x": "nothing",
    "c.n.x": "nothing",
    "c.n.0.0": "nothing",
    "t": "text",
    "x": "nothing",
    "x.y": "nothing",
    "": "nothing",
    "c.": "nothing",
}


def test_a_path_leads_to_a_member_or_to_the_default() -> None:
    """Members of objects by name, items of lists by number; a text has no members."""
    found: dict[str, Any] = {}

    def stage(scope: Any) -> None:
        scope.c = CUSTOMER
        scope.t = "text"
        found.update((path, ops(scope).read(path, "nothing")) for path in PATHS)

    FlowChartExecutor(flow_chart("A", stage, "a").build()).run()
    assert found == PATHS


def test_a_path_is_one_read_of_its_first_key() -> None:
    """However deep it goes; what it leads to is tracked like any other value."""

    def stage(scope: Any) -> None:
        scope.c = {"l": [{"p": 3}]}
        ops(scope).read("c.l.0")["p"] = 4

    executor = FlowChartExecutor(flow_chart("A", stage, "a").build())
    executor.enable_narrative(include_values=False)
    executor.run()
    assert executor.get_narrative()[1:3] == ["Step 1: Write c", "Step 2: Read c"]
    assert executor.get_snapshot()["sharedState"] == {"c": {"l": [{"p": 4}]}}


def test_a_path_is_a_text() -> None:
    """As a key is."""

    def stage(scope: Any) -> None:
        ops(scope).read(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    with pytest.raises(StateError, match="a state key is a string"):
        FlowChartExecutor(flow_chart("A", stage, "a").build()).run()
