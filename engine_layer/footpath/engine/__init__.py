"""Walking a chart: lines, branches, parallel children, subflows and loops, each step written to the journal as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath._on_demand import on_demand as _on_demand
from footpath.engine._executor import FlowChartExecutor

if TYPE_CHECKING:
    from footpath.engine._composable import ComposableRunner
    from footpath.engine._context import RunContext, RunResult

__all__ = ["ComposableRunner", "FlowChartExecutor", "RunContext", "RunResult"]

__getattr__ = _on_demand(
    __name__,
    {
        "._composable": ("ComposableRunner",),
        "._context": ("RunContext", "RunResult"),
    },
)
