"""Charts of any size, for tests of what size costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from footpath import FlowChart, flow_chart, ops


def count(scope: Any) -> None:
    scope.n = (scope.n or 0) + 1


def linear(steps: int) -> FlowChart:
    builder = flow_chart("Count", count, "s0")
    for number in range(1, steps):
        builder.add_function(f"Count {number}", count, f"s{number}")
    return builder.build()


def growing(passes: int, item: Callable[[int], Any] = int) -> FlowChart:
    """A loop whose list gains an item a pass: the pass's number, or what `item` makes of it."""

    def grow(scope: Any) -> None:
        count(scope)
        if scope.n == 1:
            scope.items = []
        scope.items.append(item(scope.n))
        if scope.n >= passes:
            ops(scope).break_flow()

    return flow_chart("Grow", grow, "grow").loop_to("grow").build()


def nested(levels: int) -> FlowChart:
    """Subflows in subflows."""
    chart = flow_chart("Innermost", count, "innermost").build()
    for number in range(levels):
        chart = (
            flow_chart(f"Level {number}", count, f"level{number}")
            .add_sub_flow_chart_next(
                f"m{number}", chart, f"M{number}", output_mapper=lambda sub, parent: {"of": sub["n"]}
            )
            .build()
        )
    return chart
