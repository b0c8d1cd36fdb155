"""The chart room: what a run will walk, built once, fit to be run and mounted anywhere and from any thread.

A builder makes a chart call by call and refuses at once what cannot be right. A finished chart never changes; it
describes itself in words, as a diagram, as an API and as data. The data comes in two forms: footprintjs's nested spec,
and the flat spec document that travels in traces, from which the nested spec and the structure events can be had again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath._on_demand import on_demand as _on_demand
from footpath.chart._assembly import StructureBuildError
from footpath.chart._branches import DeciderList, SelectorList
from footpath.chart._builder import FlowChartBuilder
from footpath.chart._chart import FlowChart
from footpath.chart._contract import Contract
from footpath.chart._document import SpecChart, SpecDocument, SpecNode, load_document
from footpath.chart._node import (
    LAST,
    LOOPING,
    PLAIN,
    QUICK,
    SIMPLE,
    STRAIGHT,
    DynamicSubflow,
    ForEach,
    Mount,
    Node,
    Pausable,
    RetryPolicy,
    StageNode,
    shape_of,
)
from footpath.chart._options import Child
from footpath.chart._start import flow_chart, flow_chart_selector

if TYPE_CHECKING:
    from footpath.chart._mount_options import MountOptions
    from footpath.chart._nested import MAX_NESTED_LEVELS, nested_json, spec_from_document
    from footpath.chart._retold import structure_events

__all__ = [
    # begin
    "flow_chart",
    "flow_chart_selector",
    # build
    "FlowChartBuilder",
    "DeciderList",
    "SelectorList",
    "Child",
    "MountOptions",
    "Pausable",
    "RetryPolicy",
    "StageNode",
    "DynamicSubflow",
    "shape_of",
    "Contract",
    "StructureBuildError",
    # the chart
    "FlowChart",
    "Node",
    "Mount",
    "ForEach",
    # the chart as data
    "SpecDocument",
    "SpecChart",
    "SpecNode",
    "load_document",
    "spec_from_document",
    "nested_json",
    "structure_events",
    "MAX_NESTED_LEVELS",
    # for the engine
    "LAST",
    "LOOPING",
    "PLAIN",
    "QUICK",
    "SIMPLE",
    "STRAIGHT",
]

__getattr__ = _on_demand(
    __name__,
    {
        "._mount_options": ("MountOptions",),
        "._nested": ("MAX_NESTED_LEVELS", "nested_json", "spec_from_document"),
        "._retold": ("structure_events",),
    },
)
