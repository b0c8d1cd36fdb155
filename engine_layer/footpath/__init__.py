"""Footpath: run a flowchart, keep why everything happened, replay it to any recorder.

The rooms, in the order the data walks them: `chart` (what will run), `state` and `scope` (what stages see), `engine`
(walking), `journal` (what is kept), `replay` and `channels` (telling it again), `trace` (what travels), `recorders`,
`query` (asking why), `archive` (keeping).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath._on_demand import on_demand as _on_demand
from footpath.chart import (
    Child,
    DynamicSubflow,
    FlowChart,
    Pausable,
    RetryPolicy,
    StageNode,
    flow_chart,
    flow_chart_selector,
)
from footpath.engine import FlowChartExecutor
from footpath.replay import replay
from footpath.scope import Decision, Scope, Selection, decide, interrupt, ops, select
from footpath.values import ABSENT

if TYPE_CHECKING:
    from footpath.engine import ComposableRunner, RunContext, RunResult
    from footpath.scope import RedactionPolicy, Rule
    from footpath.trace import Trace, decode_trace, encode_trace

__all__ = [
    "ABSENT",
    "Child",
    "ComposableRunner",
    "Decision",
    "DynamicSubflow",
    "FlowChart",
    "FlowChartExecutor",
    "Pausable",
    "RedactionPolicy",
    "RetryPolicy",
    "Rule",
    "RunContext",
    "RunResult",
    "Scope",
    "Selection",
    "StageNode",
    "Trace",
    "decide",
    "decode_trace",
    "encode_trace",
    "flow_chart",
    "flow_chart_selector",
    "interrupt",
    "ops",
    "replay",
    "select",
]

__getattr__ = _on_demand(
    __name__,
    {
        "footpath.engine": ("ComposableRunner", "RunContext", "RunResult"),
        "footpath.scope": ("RedactionPolicy", "Rule"),
        "footpath.trace": ("Trace", "decode_trace", "encode_trace"),
    },
)
