"""Builds a case's chart with the engine's builder (FORMAT, "Builder calls")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from footpath import Child, Pausable, flow_chart, flow_chart_selector
from footpath.values import index_in
from tests.conformance import _js
from tests.conformance._expressions import CaseFormatError, evaluate, segments, walk
from tests.conformance._js import ABSENT
from tests.conformance._programs import Runtime, StageContext, resume_function, stage_function

__all__ = ["CALLS", "ChartBuilding"]

Call = dict[str, Any]


class ChartBuilding:
    """Builds the charts of one case.

    Attributes:
        last_call: the builder call made last, or "build"; what a failed build names.
        root_builder: the root chart's builder once its calls are all made.
    """

    def __init__(self, charts: Mapping[str, list[Call]], runtime: Runtime) -> None:
        self.last_call = ""
        self.root_builder: Any = None
        self._charts = charts
        self._runtime = runtime
        self._built: dict[str, Any] = {}
        runtime.chart_of = self._chart_of
        runtime.mount_options = self._mount_options

    def build(self, calls: list[Call], recorders: tuple[Any, ...] = ()) -> Any:
        """The chart of a list of calls; named charts are built once, others at each call.

        Raises:
            whatever the builder raises: `last_call` then names the call.
        """
        builder: Any = None
        for call in calls:
            self.last_call = call["call"]
            if call["call"] in ("start", "startSelector"):
                builder = self._start(call, recorders)
            else:
                make = CALLS.get(call["call"])
                if make is None:
                    raise CaseFormatError(f"unknown call {call['call']}")
                make(self, builder, call)
        self.last_call = "build"
        if recorders and self.root_builder is None:
            self.root_builder = builder
        return builder.build()

    def _mount_options(self, call: Call) -> dict[str, Any]:
        return mount_options(call, self._runtime)

    def _chart_of(self, chart: Any) -> Any:
        if not isinstance(chart, str):
            return self.build(chart)
        if chart not in self._built:
            self._built[chart] = self.build(self._charts[chart])
        return self._built[chart]

    # ── the calls ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _start(self, c: Call, recorders: tuple[Any, ...]) -> Any:
        options = self._extras(c, "retry", "tags", "failFast")
        if c.get("description"):
            options["description"] = c["description"]
        if recorders:
            options["structure_recorders"] = recorders
        if c["call"] == "startSelector":
            return self._branches(flow_chart_selector(c["name"], self._stage(c), c["id"], **options), c)
        return flow_chart(c["name"], self._body(c), c["id"], **options)

    def _function(self, b: Any, c: Call) -> None:
        b.add_function(c["name"], self._stage(c), c["id"], c.get("description"))

    def _streaming(self, b: Any, c: Call) -> None:
        stage = stage_function(c, self._runtime, streaming=True)
        b.add_streaming_function(c["name"], stage, c["id"], c.get("streamId"), c.get("description"))

    def _pausable(self, b: Any, c: Call) -> None:
        b.add_pausable_function(c["name"], self._halves(c), c["id"], c.get("description"))

    def _decider(self, b: Any, c: Call) -> None:
        options = self._extras(c, "retry", "tags")
        self._branches(b.add_decider_function(c["name"], self._stage(c), c["id"], c.get("description"), **options), c)

    def _selector(self, b: Any, c: Call) -> None:
        options = self._extras(c, "retry", "tags", "failFast")
        self._branches(b.add_selector_function(c["name"], self._stage(c), c["id"], c.get("description"), **options), c)

    def _fork(self, b: Any, c: Call) -> None:
        children = [
            Child(k.get("id"), k.get("name"), self._optional_stage(k), **self._extras(k, "retry", "tags"))
            for k in c["children"]
        ]
        b.add_list_of_function(children, **self._extras(c, "failFast"))

    def _subflow(self, b: Any, c: Call) -> None:
        b.add_sub_flow_chart(c["id"], self._chart_of(c["chart"]), c.get("name"), **self._mount_options(c))

    def _subflow_next(self, b: Any, c: Call) -> None:
        b.add_sub_flow_chart_next(c["id"], self._chart_of(c["chart"]), c.get("name"), **self._mount_options(c))

    def _lazy_subflow(self, b: Any, c: Call) -> None:
        b.add_lazy_sub_flow_chart(c["id"], self._resolver(c["chart"]), c.get("name"), **self._mount_options(c))

    def _lazy_subflow_next(self, b: Any, c: Call) -> None:
        b.add_lazy_sub_flow_chart_next(c["id"], self._resolver(c["chart"]), c.get("name"), **self._mount_options(c))

    def _for_each(self, b: Any, c: Call) -> None:
        b.add_parallel_for_each(
            c["name"],
            c["id"],
            items=lambda scope: self._items(evaluate(c["items"], StageContext(scope, self._runtime))),
            branch=lambda *_: self._chart_of(c["branch"]),
            max_branches=c.get("maxBranches"),
            into=c.get("into"),
            description=c.get("description"),
            **self._extras(c, "failFast"),
        )

    def _items(self, items: Any) -> Any:
        """A for-each's items: each is what a chart begins with under `item`."""
        for item in items if isinstance(items, list) else ():
            self._runtime.hiding.mapped({"item": item})
        return items

    def _loop_to(self, b: Any, c: Call) -> None:
        b.loop_to(c["target"])

    def _retry(self, b: Any, c: Call) -> None:
        b.retry(retry_policy(c.get("policy")))

    def _tag(self, b: Any, c: Call) -> None:
        b.tag(*c["names"])

    def _contract(self, b: Any, c: Call) -> None:
        b.contract(strict=False, **{k: c[k] for k in ("input", "output") if c.get(k) is not None})

    def _branches(self, branches: Any, c: Call) -> Any:
        for k in c.get("branches") or ():
            kind = k.get("kind", "function")
            # A selector's branches run in parallel: where one would loop to, the reference does not look.
            options = self._extras(k, "retry", "tags", *(("loopTo",) if c["call"] == "decider" else ()))
            mount = self._mount_options(k)
            if kind == "function":
                stage = self._optional_stage(k)
                branches.add_function_branch(k["id"], k.get("name"), stage, k.get("description"), **options)
            elif kind == "pausable":
                halves = self._halves(k)
                branches.add_pausable_function_branch(k["id"], k.get("name"), halves, k.get("description"), **options)
            elif kind == "subflow":
                branches.add_sub_flow_chart_branch(k["id"], self._chart_of(k["chart"]), k.get("name"), **mount)
            elif kind == "lazySubflow":
                branches.add_lazy_sub_flow_chart_branch(k["id"], self._resolver(k["chart"]), k.get("name"), **mount)
            else:
                raise CaseFormatError(f"unknown branch kind {kind}")
            if k.get("thenLoopTo"):
                branches.loop_to(k["thenLoopTo"])
        if "default" in c:
            branches.set_default(c["default"])
        return branches.end()

    # ── their parts ──────────────────────────────────────────────────────────────────────────────────────────────────
    def _stage(self, c: Call) -> Callable[..., Any]:
        return stage_function(c, self._runtime)

    def _optional_stage(self, c: Call) -> Callable[..., Any] | None:
        return self._stage(c) if "program" in c else None

    def _halves(self, c: Call) -> Pausable:
        return Pausable(self._stage(c), resume_function(c, self._runtime))

    def _body(self, c: Call) -> Any:
        return self._halves(c) if c.get("resume") is not None else self._stage(c)

    def _resolver(self, chart: Any) -> Callable[[], Any]:
        return lambda: self._chart_of(chart)

    @staticmethod
    def _extras(c: Call, *names: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in names:
            if name == "retry":
                if c.get("retry") is not None:
                    found["retry"] = retry_policy(c["retry"])
            elif c.get(name) is not None:
                found[_OPTION_NAMES.get(name, name)] = c[name]
        return found


_OPTION_NAMES = {
    "failFast": "fail_fast",
    "loopTo": "loop_to",
    "arrayMerge": "array_merge",
    "propagateBreak": "propagate_break",
    "convergeAt": "converge_at",
}

CALLS: dict[str, Callable[[ChartBuilding, Any, Call], None]] = {
    "function": ChartBuilding._function,  # one table from call to its method
    "streaming": ChartBuilding._streaming,
    "pausable": ChartBuilding._pausable,
    "decider": ChartBuilding._decider,
    "selector": ChartBuilding._selector,
    "fork": ChartBuilding._fork,
    "subflow": ChartBuilding._subflow,
    "subflowNext": ChartBuilding._subflow_next,
    "lazySubflow": ChartBuilding._lazy_subflow,
    "lazySubflowNext": ChartBuilding._lazy_subflow_next,
    "parallelForEach": ChartBuilding._for_each,
    "loopTo": ChartBuilding._loop_to,
    "retry": ChartBuilding._retry,
    "tag": ChartBuilding._tag,
    "contract": ChartBuilding._contract,
}


def retry_policy(policy: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The builder's policy of `{attempts, backoffMs, retryOn}`, with the members that the case gives."""
    if policy is None:
        return None
    return {_RETRY_NAMES.get(name, name): value for name, value in policy.items()}


_RETRY_NAMES = {"backoffMs": "backoff_ms", "retryOn": "retry_on"}


# ── mounts ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def mount_options(call: Mapping[str, Any], runtime: Runtime) -> dict[str, Any]:
    """The keyword arguments of a mount; no mapper at all where the case gives no mapping."""
    mount = call.get("mount")
    if not mount:
        return {}

    def noted(mapped: dict[str, Any]) -> dict[str, Any]:
        runtime.hiding.mapped(mapped)
        return mapped

    options: dict[str, Any] = {}
    if mount.get("input") is not None:
        options["input_mapper"] = lambda parent: noted(_mapped(mount["input"], parent, parent))
    if mount.get("output") is not None:

        def hand_out(sub: Any, parent: Any) -> dict[str, Any]:
            mapped = _handed_out(_mapped(mount["output"], sub, parent))
            if any(_hangs(members, parent.get(key)) for key, members in mapped.items()):
                runtime.hung.append(call["id"])
            return noted(mapped)

        options["output_mapper"] = hand_out
    for name in ("arrayMerge", "propagateBreak", "convergeAt", "tags"):
        if mount.get(name) is not None:
            options[_OPTION_NAMES.get(name, name)] = mount[name]
    return options


class _MappingContext:
    """What a mapping's expressions see: a source without tracking, and the parent's state."""

    def __init__(self, source: Any, parent: Any) -> None:
        self.variables: dict[str, Any] = {}
        self._source = source
        self._parent = parent

    def get(self, path: list[str]) -> Any:
        return walk(self._source, path)

    def has(self, key: str) -> bool:
        return isinstance(self._source, Mapping) and key in self._source

    def source(self, name: str) -> Any:
        return {"args": {}, "env": {}, "parent": self._parent}.get(name, ABSENT)


def _hangs(members: Any, value: Any) -> bool:
    """Whether members of an object would hang by name on a list or a date, which JavaScript lets them."""
    if not isinstance(members, dict):
        return False
    if isinstance(value, (list, tuple)):
        return any(index_in(name, len(value)) < 0 for name in members)
    return isinstance(value, datetime) and bool(members)


def _handed_out(mapped: dict[str, Any]) -> dict[str, Any]:
    """What is handed out: of an object each member is merged, in which JavaScript finds nothing if it is a date or an error."""
    return {
        key: {name: {} if _js.has_no_members(member) else member for name, member in value.items()}
        if isinstance(value, dict)
        else value
        for key, value in mapped.items()
    }


def _mapped(spec: Mapping[str, Any], source: Any, parent: Any) -> dict[str, Any]:
    context = _MappingContext(source, parent)
    result: dict[str, Any] = {}

    def put(key: str, value: Any) -> None:
        if value is not ABSENT:
            result[key] = value

    for key in spec.get("keys") or ():
        put(key, _js.copy(walk(source, [key])))
    for key, path in (spec.get("rename") or {}).items():
        put(key, _js.copy(walk(source, segments(path))))
    for key, expression in (spec.get("exprs") or {}).items():
        put(key, evaluate(expression, context))
    return result
