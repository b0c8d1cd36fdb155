"""The charts that are served, built once each, when they are first asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec

from footpath.chart import FlowChart
from footpath.errors import NestingTooDeepError, SettingsError
from footpath.scope import RedactionPolicy
from footpath_service.errors import UnknownChartError
from footpath_service.flows import Flow

if TYPE_CHECKING:
    from collections.abc import Iterator

_CURE = "let it give a list of footpath_service.flows.Flow(name, build, redaction)"


class Catalog:
    """Charts by name. Safe across threads.

    Args:
        flows: what is served, as the callable of the setting `CHARTS` gives it.

    Raises:
        SettingsError: it is no list of flows, one of them can't be served as it is, or two share a name.
    """

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._flows: dict[str, Flow] = {}
        for flow in _checked(flows):
            if flow.name in self._flows:
                raise SettingsError(f"CHARTS gives two flows called {flow.name!r}: give each a name of its own")
            self._flows[flow.name] = flow
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
            SettingsError: its flow does not build a chart.
        """
        flow = self.flow(name)
        with self._lock:
            if name not in self._built:
                self._built[name] = _built(flow)
            return self._built[name]

    def listing(self) -> list[dict[str, str]]:
        """Name and description of each chart.

        Raises:
            SettingsError: as `chart`.
        """
        return [{"name": name, "description": self.chart(name).description} for name in self.names()]

    def description(self, name: str) -> dict[str, Any]:
        """All that a caller may want to know of a chart before running it.

        `spec` is the chart as footprintjs nests it, already encoded; a chart too long for nested JSON gives its flat
        spec document instead.

        Raises:
            UnknownChartError, SettingsError: as `chart`.
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


def _checked(flows: object) -> Iterator[Flow]:
    """The flows, of what a callable that anybody may have written gives."""
    if not isinstance(flows, Iterable) or isinstance(flows, str | Mapping):
        raise SettingsError(f"CHARTS gives {_shown(cast('object', flows))}, which is no list of flows: {_CURE}")
    for flow in cast("Iterable[object]", flows):
        if not isinstance(flow, Flow):
            raise SettingsError(f"CHARTS gives {_shown(flow)} among its flows: {_CURE}")
        name, build, redaction = cast("tuple[object, object, object]", (flow.name, flow.build, flow.redaction))
        if not isinstance(name, str) or not name:
            raise SettingsError(f"a flow is called {_shown(name)}: give it a name that callers can ask for")
        if not callable(build):
            raise SettingsError(f"the flow {name!r} has the build {_shown(build)}: name the function that builds it")
        if not isinstance(redaction, RedactionPolicy | None):
            raise SettingsError(f"the flow {name!r} has the redaction {_shown(redaction)}: make it a RedactionPolicy")
        yield flow


def _built(flow: Flow) -> FlowChart:
    try:
        chart = cast("object", flow.build())
    except Exception as error:
        raise SettingsError(f"the flow {flow.name!r} can't be built: {type(error).__name__}: {error}") from error
    if not isinstance(chart, FlowChart):
        raise SettingsError(f"the flow {flow.name!r} builds {_shown(chart)}, which is no chart: end it by `.build()`")
    return chart


def _shown(value: object) -> str:
    return repr(value)[:120]
