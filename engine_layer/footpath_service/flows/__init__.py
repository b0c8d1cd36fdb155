"""The charts that this application serves: one module each, listed here by hand so that nothing is served by accident.

A flow module has `NAME`, what callers call it; `build`, a function that gives its chart; and, where values must not be
shown, `redaction`, a `RedactionPolicy`. To serve a flow of your own, put its module beside these and add it to
`MODULES`, or name a function like `charts` of your own package in the setting `CHARTS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.chart import FlowChart
    from footpath.scope import RedactionPolicy

__all__ = ["MODULES", "Flow", "charts"]

MODULES = ("footpath_service.flows.credit_decision",)


@dataclass(frozen=True, slots=True)
class Flow:
    """A chart on offer.

    Attributes:
        name: what callers call it.
        build: gives the chart; called once, when it is first asked for.
        redaction: what its traces must not show.
    """

    name: str
    build: Callable[[], FlowChart]
    redaction: RedactionPolicy | None = None


def charts() -> list[Flow]:
    """The flows of `MODULES`, in their order."""
    modules = [import_module(name) for name in MODULES]
    return [Flow(module.NAME, module.build, getattr(module, "redaction", None)) for module in modules]
