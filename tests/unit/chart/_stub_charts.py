"""Builds the charts of conformance cases with stage functions that do nothing: a chart's shape needs no engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from footpath.chart import Child, FlowChart, Pausable, flow_chart, flow_chart_selector, structure_events
from footpath.errors import BuildError

HOOKS = {
    "on_stage_added": "onStageAdded",
    "on_stage_tagged": "onStageTagged",
    "on_edge_added": "onEdgeAdded",
    "on_loop_edge_added": "onLoopEdgeAdded",
    "on_decider_complete": "onDeciderComplete",
    "on_subflow_mounted": "onSubflowMounted",
}


def nothing(_scope: Any = None, *_more: Any) -> None:
    """A stage function."""


class Noting:
    """A structure recorder that keeps every event as the reference's runner shows it."""

    id = "noting"

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def note(self, hook: str, event: Any) -> None:
        self.seen.append(shown(hook, event))


for _hook in HOOKS:
    setattr(Noting, _hook, lambda self, event, hook=_hook: self.note(hook, event))


def shown(hook: str, event: Any) -> dict[str, Any]:
    """One event as the reference's runner shows it."""
    return {"channel": "structure", "method": HOOKS[hook], "event": msgspec.json.decode(msgspec.json.encode(event))}


class Failing:
    """A structure recorder that raises in some hooks, given by their names in cases."""

    id = "bad-structure"

    def __init__(self, methods: Sequence[str]) -> None:
        for hook, method in HOOKS.items():
            if method in methods:
                setattr(self, hook, self._failing(method))

    def _failing(self, method: str) -> Any:
        def hook(_event: Any) -> None:
            raise RuntimeError(f"recorder {self.id} failed in {method}")

        return hook


class Building:
    """Builds the charts of one case. `last_call` names the builder call made last, in whatever chart it was."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        self.case = case
        self.charts = case.get("charts") or {}
        self.built: dict[str, FlowChart] = {}
        self.last_call = ""
        self.builder: Any = None

    def chart(self, recorders: Sequence[Any] = ()) -> FlowChart:
        """The case's chart."""
        return self._build(self.case["chart"], recorders)

    def _of(self, chart: Any) -> FlowChart:
        if not isinstance(chart, str):
            return self._build(chart)
        if chart not in self.built:
            self.built[chart] = self._build(self.charts[chart])
        return self.built[chart]

    def _build(self, calls: Sequence[Mapping[str, Any]], recorders: Sequence[Any] = ()) -> FlowChart:
        b: Any = None
        for c in calls:
            self.last_call = c["call"]
            common = (c.get("name"), nothing, c.get("id"))
            match c["call"]:
                case "start":
                    fn = Pausable(nothing, nothing) if c.get("resume") is not None else nothing
                    options = _extras(c, "retry", "tags", "failFast")
                    b = flow_chart(
                        c["name"], fn, c["id"], c.get("description"), structure_recorders=recorders, **options
                    )
                case "startSelector":
                    options = _extras(c, "retry", "tags", "failFast")
                    branches = flow_chart_selector(
                        *common, c.get("description"), structure_recorders=recorders, **options
                    )
                    b = self._branches(branches, c)
                case "function":
                    b.add_function(*common, c.get("description"))
                case "streaming":
                    b.add_streaming_function(*common, c.get("streamId"), c.get("description"))
                case "pausable":
                    b.add_pausable_function(c["name"], Pausable(nothing, nothing), c["id"], c.get("description"))
                case "decider":
                    branches = b.add_decider_function(*common, c.get("description"), **_extras(c, "retry", "tags"))
                    self._branches(branches, c)
                case "selector":
                    options = _extras(c, "retry", "tags", "failFast")
                    self._branches(b.add_selector_function(*common, c.get("description"), **options), c)
                case "fork":
                    children = [
                        Child(
                            k["id"], k.get("name"), nothing if "program" in k else None, **_extras(k, "retry", "tags")
                        )
                        for k in c["children"]
                    ]
                    b.add_list_of_function(children, **_extras(c, "failFast"))
                case "subflow":
                    b.add_sub_flow_chart(c["id"], self._of(c["chart"]), c.get("name"), **_mount(c.get("mount")))
                case "subflowNext":
                    b.add_sub_flow_chart_next(c["id"], self._of(c["chart"]), c.get("name"), **_mount(c.get("mount")))
                case "lazySubflow":
                    b.add_lazy_sub_flow_chart(c["id"], self._resolver(c), c.get("name"), **_mount(c.get("mount")))
                case "lazySubflowNext":
                    b.add_lazy_sub_flow_chart_next(c["id"], self._resolver(c), c.get("name"), **_mount(c.get("mount")))
                case "parallelForEach":
                    b.add_parallel_for_each(
                        c["name"],
                        c["id"],
                        items=nothing,
                        branch=self._resolver({"chart": c["branch"]}),
                        max_branches=c.get("maxBranches"),
                        into=c.get("into"),
                        description=c.get("description"),
                        **_extras(c, "failFast"),
                    )
                case "loopTo":
                    b.loop_to(c["target"])
                case "retry":
                    b.retry(_retry(c["policy"]))
                case "tag":
                    b.tag(*c["names"])
                case "contract":
                    b.contract(c.get("input"), c.get("output"), strict=False)
                case unknown:
                    raise AssertionError(unknown)
        self.last_call = "build"
        if recorders:
            self.builder = b
        return b.build()

    def _resolver(self, c: Mapping[str, Any]) -> Any:
        return lambda *_: self._of(c["chart"])

    def _branches(self, branches: Any, c: Mapping[str, Any]) -> Any:
        loops = () if "elector" in c["call"] else ("loopTo",)
        for k in c.get("branches") or ():
            options = _extras(k, "retry", "tags", *loops)
            match k.get("kind", "function"):
                case "function":
                    fn = nothing if "program" in k else None
                    branches.add_function_branch(k["id"], k.get("name"), fn, k.get("description"), **options)
                case "pausable":
                    halves = Pausable(nothing, nothing)
                    branches.add_pausable_function_branch(
                        k["id"], k.get("name"), halves, k.get("description"), **options
                    )
                case "subflow":
                    branches.add_sub_flow_chart_branch(
                        k["id"], self._of(k["chart"]), k.get("name"), **_mount(k.get("mount"))
                    )
                case "lazySubflow":
                    branches.add_lazy_sub_flow_chart_branch(
                        k["id"], self._resolver(k), k.get("name"), **_mount(k.get("mount"))
                    )
                case unknown:
                    raise AssertionError(unknown)
            if k.get("thenLoopTo"):
                branches.loop_to(k["thenLoopTo"])
        if "default" in c:
            branches.set_default(c["default"])
        return branches.end()


_NAMES = {
    "failFast": "fail_fast",
    "loopTo": "loop_to",
    "arrayMerge": "array_merge",
    "propagateBreak": "propagate_break",
    "convergeAt": "converge_at",
}


def _retry(policy: Mapping[str, Any]) -> dict[str, Any]:
    names = {"backoffMs": "backoff_ms", "retryOn": "retry_on"}
    return {names.get(name, name): value for name, value in policy.items()}


def _extras(c: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {
        _NAMES.get(name, name): _retry(c[name]) if name == "retry" else c[name]
        for name in names
        if c.get(name) is not None
    }


def _mount(mount: Mapping[str, Any] | None) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in (mount or {}).items():
        if name in {"input", "output"}:
            options[f"{name}_mapper"] = nothing
        else:
            options[_NAMES.get(name, name)] = value
    return options


def build_result(case: Mapping[str, Any]) -> tuple[dict[str, Any], FlowChart | None]:
    """The `build` member that a case's result should have, and the chart; no chart where building fails."""
    noting = Noting()
    failing = case.get("throwingStructureRecorder")
    recorders: list[Any] = [noting] if failing is None else [Failing(failing), noting]
    building = Building(case)
    try:
        chart = building.chart(recorders)
    except BuildError as error:
        result: dict[str, Any] = {
            "error": {"name": error.reported_name, "message": str(error)},
            "failedCall": building.last_call,
            "structure": noting.seen,
        }
        return result, None
    result = {
        "spec": chart.build_time_structure,
        "description": chart.description,
        "stageDescriptions": chart.stage_descriptions,
        "mermaid": chart.to_mermaid(),
        "openapi": chart.to_openapi(),
        "mcp": chart.to_mcp_tool(),
        "structure": noting.seen,
    }
    if failing is not None:
        result["structureErrors"] = [
            {"recorderId": error.recorder_id, "method": HOOKS[error.method], "message": error.message}
            for error in building.builder.get_structure_build_errors()
        ]
    return result, chart


def retold(document: Any) -> list[dict[str, Any]]:
    """The structure events that a spec document tells."""
    return [shown(hook, event) for hook, event in structure_events(document)]
