"""Walking a chart: lines, branches, parallel children, subflows and loops, each step written to the journal as it happens."""

from __future__ import annotations

from footpath.engine._executor import FlowChartExecutor

__all__ = ["FlowChartExecutor"]
