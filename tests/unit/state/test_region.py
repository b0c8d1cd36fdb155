from __future__ import annotations

from typing import Any

import pytest

from footpath import FlowChartExecutor, flow_chart
from footpath.state import Region
from footpath.trace import Trace
from footpath.values import ABSENT


def _region(**values: Any) -> Region:
    return Region({}, values=values)


@pytest.mark.parametrize(
    ("before", "member", "value", "after"),
    [
        ({"a": 1}, "b", 2, {"a": 1, "b": 2}),
        ([1, 2], "1", 3, [1, 3]),
        ([1], "3", 4, [1, ABSENT, ABSENT, 4]),
        ([1], "x", 2, [1]),
        ([1, 2], "01", 3, [1, 2]),
        ([1], "99999", 2, [1]),
        ((1, 2), "0", 3, [3, 2]),
        (5, "a", 1, {"a": 1}),
        (ABSENT, "a", 1, {"a": 1}),
    ],
)
def test_a_member_put_into_a_list_is_an_item_by_index(before: Any, member: str, value: Any, after: Any) -> None:
    """A list stays one, as in the reference; what has no place in it is not kept. Earlier readers keep what they saw."""
    region = _region(k=before)
    region.put_path(("k", member), value)
    assert region.values["k"] == after
    assert region.values["k"] is not before


def test_items_of_a_list_are_read_by_index() -> None:
    """A path leads through lists as it does through objects."""
    region = _region(k=[{"a": 1}, 2])
    assert region.get_path(("k", "0", "a")) == 1
    assert region.get_path(("k", "1")) == 2
    assert [region.get_path(("k", name)) for name in ("2", "01", "x")] == [ABSENT] * 3


def test_what_is_handed_out_over_a_list_is_the_fold_of_its_commits() -> None:
    """The run's state, the replayed one and the fold of the log agree."""
    inner = flow_chart("Inner", lambda _scope: None, "inner").build()
    given = {"0": "new", "3": {"a": 1}, "name": "nowhere"}
    chart = (
        flow_chart("Begin", lambda scope: setattr(scope, "kept", ["old", 1]), "begin")
        .add_sub_flow_chart_next("sub", inner, "Sub", output_mapper=lambda _sub, _parent: {"kept": given})
        .add_function("Look", lambda scope: setattr(scope, "seen", scope.kept[3]["a"]), "look")
        .build()
    )
    executor = FlowChartExecutor(chart)
    executor.run()
    trace: Trace = executor.get_trace()
    absent = {"$footpath": "absent"}
    state = {"kept": ["new", 1, absent, {"a": 1}], "seen": 1}
    assert executor.get_snapshot()["sharedState"] == state
    assert trace.state_at(len(trace.snapshot["commitLog"])) == state
