"""Where a chart begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from footpath.chart._builder import FlowChartBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from footpath.chart._branches import SelectorList
    from footpath.chart._node import Pausable, RetryPolicy

State = TypeVar("State")
Other = TypeVar("Other")


class FlowChartStart(Generic[State]):
    """Begins a chart with a stage; `flow_chart[LoanState](...)` also says what its stages' scope looks like."""

    def __getitem__(self, state: type[Other]) -> FlowChartStart[Other]:
        """Say what the scope looks like, for type checkers."""
        return cast("FlowChartStart[Other]", self)

    def __call__(
        self,
        name: str,
        fn: Callable[[State], Any] | Pausable[State],
        id: str,
        description: str | None = None,
        *,
        structure_recorders: Sequence[object] = (),
        tags: Sequence[str] = (),
        retry: RetryPolicy | Mapping[str, Any] | None = None,
        fail_fast: bool = False,
    ) -> FlowChartBuilder[State]:
        r"""Begin a chart.

        Args:
            name: name of the first stage, and so of the chart.
            fn: the stage function, called with the scope; a `Pausable` for a stage that may pause the run.
            id: id of the first stage, and so of the chart.
            description: what the stage does.
            structure_recorders: told of every step of the building.
            tags: names of the stage.
            retry: how often to try it again.
            fail_fast: parallel children that hang on it end at the first failure.

        Returns:
            The builder: add stages, then `build()`.

        Raises:
            BuildError: an argument makes no sense.

        Example:
            >>> chart = flow_chart("Greet", lambda scope: None, "greet").build()
            >>> chart.description
            'FlowChart: Greet\nSteps:\n1. Greet'
        """
        builder: FlowChartBuilder[State] = FlowChartBuilder(structure_recorders)
        return builder.start(name, fn, id, description, tags=tags, retry=retry, fail_fast=fail_fast)


class FlowChartSelectorStart(Generic[State]):
    """Begins a chart with a selector; `flow_chart_selector[LoanState](...)` as with `flow_chart`."""

    def __getitem__(self, state: type[Other]) -> FlowChartSelectorStart[Other]:
        """Say what the scope looks like, for type checkers."""
        return cast("FlowChartSelectorStart[Other]", self)

    def __call__(
        self,
        name: str,
        fn: Callable[[State], Any],
        id: str,
        description: str | None = None,
        *,
        structure_recorders: Sequence[object] = (),
        tags: Sequence[str] = (),
        retry: RetryPolicy | Mapping[str, Any] | None = None,
        fail_fast: bool = False,
    ) -> SelectorList[State]:
        """Begin a chart whose first stage selects branches; arguments as of `flow_chart`.

        Returns:
            The selector's branches: add some, then `end()` for the builder.

        Raises:
            BuildError: an argument makes no sense.
        """
        builder: FlowChartBuilder[State] = FlowChartBuilder(structure_recorders)
        return builder.start_selector(name, fn, id, description, tags=tags, retry=retry, fail_fast=fail_fast)


flow_chart: FlowChartStart[Any] = FlowChartStart()
flow_chart_selector: FlowChartSelectorStart[Any] = FlowChartSelectorStart()
