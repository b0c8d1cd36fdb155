"""Runners that can be mounted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from footpath.chart import FlowChart

Given_contra = TypeVar("Given_contra", contravariant=True)
Made_co = TypeVar("Made_co", covariant=True)


class ComposableRunner(Protocol[Given_contra, Made_co]):
    """A runner of your own that shows its chart: then others can mount it, and its stages stand in their traces.

    Example:
        >>> class Lender:
        ...     def to_flow_chart(self):
        ...         return chart
        ...
        ...     def run(self, amount):
        ...         return FlowChartExecutor(chart).run(input={"amount": amount})
        >>> lender = Lender()
        >>> outer = flow_chart("A", stage, "a").add_sub_flow_chart_next("lend", lender.to_flow_chart(), "Lend").build()
        >>> outer.build_time_structure["next"]["subflowStructure"]["next"]["type"]
        'decider'
    """

    def to_flow_chart(self) -> FlowChart:
        """The chart that it runs."""
        ...

    def run(self, given: Given_contra, /, *args: Any, **options: Any) -> Made_co:
        """Run it."""
        ...
