"""The charts that are served, built once each, when they are first asked for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec

from footpath.errors import NestingTooDeepError
from footpath_service.errors import UnknownChartError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from footpath.chart import FlowChart
    from footpath_service.flows import Flow


class Catalog:
    """Charts by name. Safe across threads.

    Args:
        flows: what is served; the first of two that share a name counts.
    """

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._flows: dict[str, Flow] = {}
        for flow in flows:
            self._flows.setdefault(flow.name, flow)
        self._built: dict[str, FlowChart] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """The charts' names, sorted."""
        return sorted(self._flows)

    def flow(self, name: str) -> Flow:
        """What is on offer under a name.

        Raises:
            UnknownChartError: nothing is.
        """
        found = self._flows.get(name)
        if found is None:
            raise UnknownChartError(name, self.names())
        return found

    def chart(self, name: str) -> FlowChart:
        """The chart of a name; the same object at each call.

        Raises:
            UnknownChartError: nothing is on offer under that name.
        """
        flow = self.flow(name)
        with self._lock:
            if name not in self._built:
                self._built[name] = flow.build()
            return self._built[name]

    def listing(self) -> list[dict[str, str]]:
        """Name and description of each chart."""
        return [{"name": name, "description": self.chart(name).description} for name in self.names()]

    def description(self, name: str) -> dict[str, Any]:
        """All that a caller may want to know of a chart before running it.

        `spec` is the chart as footprintjs nests it, already encoded; a chart too long for nested JSON gives its flat
        spec document instead.

        Raises:
            UnknownChartError: nothing is on offer under that name.
        """
        chart = self.chart(name)
        try:
            spec = chart.build_time_structure_json()
        except NestingTooDeepError:
            spec = chart.spec_bytes
        return {
            "name": name,
            "description": chart.description,
            "hash": chart.chart_hash,
            "inputSchema": chart.contract.input,
            "outputSchema": chart.contract.output,
            "spec": msgspec.Raw(spec),
        }
