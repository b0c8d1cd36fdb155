"""Generated charts: drawn as plans, which are plain data that shrink well, and built with the public builder."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from footpath import Child, DynamicSubflow, FlowChart, Pausable, RetryPolicy, StageNode, flow_chart
from tests.property._stages import AS_IF, HALF, INPUT_KEYS, KEYS, Op, World, bodies, choices, chooser, function_of
from tests.property._values import made, recipes

Plan = dict[str, Any]


# ── drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────────
SEEDS: tuple[tuple[Op, ...], ...] = (
    (),
    (("set", "l0", ("json", [1, {"a": 2}])), ("set", "o0", ("json", {"a": {"b": 1}, "l": [1]}))),
    (("set", "l0", ("json", [])), ("set", "o0", ("json", {}))),
)
"""What a chart's first stage may begin with, so that later ones find something to change."""


@st.composite
def stages(draw: Callable[..., Any], *, may_pause: bool = True) -> Plan:
    """A stage of any kind."""
    plan: Plan = {"kind": "stage", "body": draw(bodies()), "async": draw(st.booleans())}
    extra = draw(st.sampled_from(("", "", "", "", "retry", "pausable", "streaming", "interrupt", "words")))
    if extra == "retry":
        plan["attempts"], plan["fails"] = draw(st.sampled_from(((3, 1), (2, 1), (2, 2), (1, 1))))
        plan["backoff"] = draw(st.sampled_from((None, 0, [0, 1])))
    elif extra == "pausable" and may_pause:
        plan["body"] = (*plan["body"], ("return", ("json", draw(st.sampled_from((1, {"ask": ["who"]}, "?"))))))
        plan["resume"] = draw(bodies())
    elif extra == "interrupt" and may_pause:
        plan["body"] = (("interrupt", "k1", draw(recipes())), *plan["body"])
    elif extra == "streaming":
        plan["streaming"] = True
        plan["body"] = (("token", "one "), ("token", "two"), *plan["body"])
    elif extra == "words":
        plan["description"] = draw(st.sampled_from(("Do it", "Ünüsual ✓")))
        plan["tags"] = ["a tag", "b"]
    return plan


def _mounts() -> st.SearchStrategy[Plan]:
    return st.fixed_dictionaries(
        {
            "in": st.lists(st.sampled_from((*KEYS[:4], HALF, AS_IF)), max_size=2, unique=True),
            "literal": st.none() | recipes(),
            "out": st.sampled_from(("", "whole", "keys", "list", "odd")),
            "value": recipes(),
            "merge": st.sampled_from(("concat", "replace")),
            "propagate": st.booleans(),
            "lazy": st.booleans(),
        }
    )


@st.composite
def steps(draw: Callable[..., Any], depth: int, *, may_pause: bool) -> Plan:
    """A step of a line."""
    kinds = ["stage", "stage", "stage", "decider", "selector", "fork", "next"]
    if depth > 0:
        kinds += ["subflow", "subflow", "parallel subflows", "for each", "dynamic subflows"]
    kind = draw(st.sampled_from(kinds))
    if kind == "stage":
        return draw(stages(may_pause=may_pause))
    plan: Plan = {"kind": kind}
    if kind in ("decider", "selector"):
        plan["body"] = draw(bodies(2))
        plan["async"] = draw(st.booleans())
        plan["choice"] = draw(choices())
        plan["branches"] = draw(st.lists(stages(may_pause=may_pause), min_size=1, max_size=3))
        if depth > 0 and draw(st.booleans()):
            plan["mounted"] = draw(charts(depth - 1, may_pause=may_pause))
            plan["mount"] = draw(_mounts())
        plan["default"] = draw(st.booleans())
        plan["loop"] = draw(st.booleans()) if kind == "decider" else False
        plan["fail fast"] = draw(st.booleans())
    elif kind == "fork":
        plan["children"] = draw(st.lists(stages(may_pause=may_pause), min_size=1, max_size=3))
        plan["fail fast"] = draw(st.booleans())
    elif kind == "next":
        plan["body"] = draw(bodies(2))
        plan["then"] = draw(bodies(2))
    elif kind == "subflow":
        plan["chart"] = draw(charts(depth - 1, may_pause=may_pause))
        plan["mount"] = draw(_mounts())
    elif kind in ("parallel subflows", "dynamic subflows"):
        plan["charts"] = draw(st.lists(charts(depth - 1, may_pause=False), min_size=1, max_size=2))
        plan["mount"] = draw(_mounts())
    else:
        plan["items"] = draw(st.lists(recipes(), max_size=3))
        plan["chart"] = draw(charts(depth - 1, may_pause=False))
        plan["max"] = draw(st.integers(1, 3))
        plan["into"] = draw(st.sampled_from(KEYS[:2]))
        plan["fail fast"] = draw(st.booleans())
    return plan


def contracts() -> st.SearchStrategy[Plan]:
    """What a chart asks of its input, and says of its result."""
    member = st.sampled_from(({"type": "string"}, {"type": "integer", "minimum": 1}, {"enum": [None, "here"]}, {}))
    inputs = st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from(INPUT_KEYS[:2]), member, max_size=2)},
        optional={"required": st.lists(st.sampled_from(INPUT_KEYS[:2]), max_size=2, unique=True)},
    )
    outputs = st.sampled_from((None, {"type": "object", "properties": {"a": {"type": "number"}}}, {"type": "string"}))
    return st.fixed_dictionaries({"input": st.none() | inputs, "output": outputs, "strict": st.booleans()})


@st.composite
def charts(draw: Callable[..., Any], depth: int = 2, *, may_pause: bool = True) -> Plan:
    """A chart: a first stage, a few steps, perhaps a loop back to the first, perhaps a contract."""
    first = draw(stages(may_pause=False))
    first["body"] = (*draw(st.sampled_from(SEEDS)), *first["body"])
    return {
        "contract": draw(st.one_of(st.none(), st.none(), st.none(), contracts())),
        "first": first,
        "steps": draw(st.lists(steps(depth, may_pause=may_pause), min_size=depth // 2, max_size=depth * 2 + 1)),
        "passes": draw(st.sampled_from((0, 0, 0, 2, 3))),
    }


# ── building ─────────────────────────────────────────────────────────────────────────────────────────────────────────
class Building:
    """Turns plans into charts. Ids are numbered in the order of building, so the same plan gives the same chart."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.count = 0

    def new_id(self, stem: str) -> str:
        self.count += 1
        return f"{stem}-{self.count}"

    def chart(self, plan: Plan, recorders: tuple[Any, ...] = ()) -> FlowChart:
        first = plan["first"]
        first_id = self.new_id("start")
        builder = flow_chart(
            f"Start {first_id}",
            self.function(first, first_id),
            first_id,
            description=first.get("description"),
            structure_recorders=recorders,
            tags=first.get("tags", ()),
            retry=self.retry(first),
        )
        branching = False  # after a branching step the builder wants a plain stage
        for step in plan["steps"]:
            if branching:
                self.plain(builder)
            branching = step["kind"] in ("decider", "selector", "fork", "parallel subflows")
            getattr(self, "add_" + step["kind"].replace(" ", "_"))(builder, step, first_id)
        if plan["passes"]:
            self.loop(builder, first_id, plan["passes"])
        if plan.get("contract") is not None:
            builder.contract(**plan["contract"])
        return builder.build()

    def plain(self, builder: Any) -> None:
        stage_id = self.new_id("plain")
        builder.add_function(f"Plain {stage_id}", lambda scope: None, stage_id)

    def loop(self, builder: Any, target: str, passes: int) -> None:
        stage_id = self.new_id("again")
        counter = f"count-{stage_id}"

        def again(scope: Any) -> None:
            scope[counter] = (scope[counter] or 0) + 1
            if scope[counter] >= passes:
                ops_break(scope)

        builder.add_function(f"Again {stage_id}", again, stage_id)
        builder.loop_to(target)

    def function(self, plan: Plan, stage_id: str, last: Any = None) -> Callable[[Any], Any]:
        return function_of(
            plan["body"],
            self.world,
            is_async=plan["async"],
            fails=plan.get("fails", 0),
            stage_id=stage_id,
            last=last,
        )

    def retry(self, plan: Plan) -> RetryPolicy | None:
        return RetryPolicy(plan["attempts"], plan["backoff"]) if "attempts" in plan else None

    def halves(self, plan: Plan, stage_id: str) -> Pausable:
        resume = function_of(plan["resume"], self.world, is_async=plan["async"])

        def resumed(scope: Any, answer: Any) -> Any:
            scope["k1"] = answer
            return resume(scope)

        return Pausable(self.function(plan, stage_id), resumed)

    # ── one method per kind of step ──────────────────────────────────────────────────────────────────────────────
    def add_stage(self, builder: Any, plan: Plan, _: str) -> None:
        stage_id = self.new_id("stage")
        name = f"Stage {stage_id}"
        if "resume" in plan:
            builder.add_pausable_function(name, self.halves(plan, stage_id), stage_id, plan.get("description"))
        elif "streaming" in plan:
            builder.add_streaming_function(name, self.function(plan, stage_id), stage_id, None)
        else:
            builder.add_function(name, self.function(plan, stage_id), stage_id, plan.get("description"))
        if "tags" in plan:
            builder.tag(*plan["tags"])
        if "attempts" in plan:
            builder.retry(self.retry(plan))

    def add_decider(self, builder: Any, plan: Plan, first_id: str) -> None:
        stage_id = self.new_id("decider")
        ids = [f"{stage_id}.{index}" for index in range(len(plan["branches"]))]
        counter = f"count-{stage_id}"
        choose = chooser(plan["choice"], ids, many=False)

        def chosen(scope: Any) -> Any:
            if plan["loop"]:
                scope[counter] = (scope[counter] or 0) + 1
                return ids[0] if scope[counter] < 3 else f"{stage_id}.end"
            return choose(scope)

        decider = builder.add_decider_function(
            f"Decider {stage_id}",
            self.function(plan, stage_id, chosen),
            stage_id,
            "Which way" if plan["default"] else None,
        )
        self.branches(decider, plan, ids, first_id if plan["loop"] else None)
        if plan["loop"]:
            decider.add_function_branch(f"{stage_id}.end", f"End {stage_id}", lambda scope: None)
        if plan["default"]:
            decider.set_default(ids[-1])
        decider.end()

    def add_selector(self, builder: Any, plan: Plan, _: str) -> None:
        stage_id = self.new_id("selector")
        ids = [f"{stage_id}.{index}" for index in range(len(plan["branches"]))]
        function = self.function(plan, stage_id, chooser(plan["choice"], ids, many=True))
        selector = builder.add_selector_function(
            f"Selector {stage_id}", function, stage_id, fail_fast=plan["fail fast"]
        )
        self.branches(selector, plan, ids, None)
        selector.end()

    def branches(self, branching: Any, plan: Plan, ids: list[str], loop_to: str | None) -> None:
        for index, (branch, branch_id) in enumerate(zip(plan["branches"], ids, strict=True)):
            name = f"Branch {branch_id}"
            more = {"loop_to": loop_to} if loop_to is not None and index == 0 else {}
            if "resume" in branch:
                branching.add_pausable_function_branch(branch_id, name, self.halves(branch, branch_id), **more)
            elif index == 1 and "mounted" in plan:
                branching.add_sub_flow_chart_branch(
                    branch_id, self.chart(plan["mounted"]), name, **mount_options(plan["mount"])
                )
            else:
                branching.add_function_branch(
                    branch_id,
                    name,
                    self.function(branch, branch_id),
                    branch.get("description"),
                    retry=self.retry(branch),
                    tags=branch.get("tags", ()),
                    **more,
                )

    def add_fork(self, builder: Any, plan: Plan, _: str) -> None:
        children = []
        for child in plan["children"]:
            child_id = self.new_id("child")
            children.append(
                Child(
                    child_id,
                    f"Child {child_id}",
                    self.function(child, child_id),
                    self.retry(child),
                    child.get("tags", ()),
                )
            )
        builder.add_list_of_function(children, fail_fast=plan["fail fast"])

    def add_subflow(self, builder: Any, plan: Plan, _: str) -> None:
        mount_id = self.new_id("sub")
        chart = self.chart(plan["chart"])
        options = mount_options(plan["mount"])
        if plan["mount"]["lazy"]:
            builder.add_lazy_sub_flow_chart_next(mount_id, lambda: chart, f"Sub {mount_id}", **options)
        else:
            builder.add_sub_flow_chart_next(mount_id, chart, f"Sub {mount_id}", **options)

    def add_parallel_subflows(self, builder: Any, plan: Plan, _: str) -> None:
        for inner in plan["charts"]:
            mount_id = self.new_id("psub")
            builder.add_sub_flow_chart(
                mount_id, self.chart(inner), f"Parallel {mount_id}", **mount_options(plan["mount"])
            )

    def add_dynamic_subflows(self, builder: Any, plan: Plan, _: str) -> None:
        stage_id = self.new_id("dynamic")
        children = [
            DynamicSubflow(f"{stage_id}.{index}", f"Dynamic {index}", self.chart(inner), **mount_options(plan["mount"]))
            for index, inner in enumerate(plan["charts"])
        ]
        builder.add_function(
            f"Dynamic {stage_id}", lambda scope: StageNode(stage_id, stage_id, children=children), stage_id
        )

    def add_next(self, builder: Any, plan: Plan, _: str) -> None:
        stage_id = self.new_id("goes")
        body = function_of(plan["body"], self.world, is_async=False)
        then = function_of(plan["then"], self.world, is_async=False)

        def go(scope: Any) -> Any:
            body(scope)
            return StageNode(stage_id, stage_id, next=StageNode(f"{stage_id}.then", "Then", then))

        builder.add_function(f"Goes {stage_id}", go, stage_id)

    def add_for_each(self, builder: Any, plan: Plan, _: str) -> None:
        stage_id = self.new_id("each")
        chart = self.chart(plan["chart"])
        builder.add_parallel_for_each(
            f"Each {stage_id}",
            stage_id,
            items=lambda scope: [made(item) for item in plan["items"]],
            branch=lambda item, index: chart,
            max_branches=plan["max"],
            into=plan["into"],
            fail_fast=plan["fail fast"],
        )


def ops_break(scope: Any) -> None:
    """Stop the line of a loop that went round often enough."""
    from footpath import ops

    ops(scope).break_flow("often enough")


def mount_options(plan: Plan) -> dict[str, Any]:
    """The mount's mappings, as functions."""

    def take(parent: dict[str, Any]) -> dict[str, Any]:
        mapped = {key: parent[key] for key in plan["in"] if key in parent}
        if plan["literal"] is not None:
            mapped["given"] = made(plan["literal"])
        return mapped

    def give(produced: Any, parent: dict[str, Any]) -> Any:
        if plan["out"] == "whole":
            return {"produced": produced}
        if plan["out"] == "keys":
            return {key: produced[key] for key in (*KEYS[:4], HALF) if isinstance(produced, dict) and key in produced}
        return {"l0": [1, made(plan["value"])]} if plan["out"] == "list" else {"o1": made(plan["value"])}

    options: dict[str, Any] = {"array_merge": plan["merge"], "propagate_break": plan["propagate"]}
    if plan["in"] or plan["literal"] is not None:
        options["input_mapper"] = take
    if plan["out"]:
        options["output_mapper"] = give
    return options


def bodies_in(plan: Any) -> list[tuple[Plan, str]]:
    """Every stage body in a plan, in the order of the chart: the dict that holds it, and under which name."""
    found: list[tuple[Plan, str]] = []
    stack = [plan]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found += [(node, name) for name in ("body", "then", "resume") if name in node]
            stack += [member for member in reversed(node.values()) if isinstance(member, (dict, list))]
        elif isinstance(node, list):
            stack += reversed(node)
    return found


def with_operations(plan: Plan, more: list[tuple[int, Op]]) -> Plan:
    """The plan with more operations in its stages: each one named by a number that says where."""
    plan = copy.deepcopy(plan)
    bodies = bodies_in(plan)
    for place, op in more:
        holder, name = bodies[place % len(bodies)]
        body = holder[name]
        at = place // len(bodies) % (len(body) + 1)
        holder[name] = (*body[:at], op, *body[at:])
    return plan
