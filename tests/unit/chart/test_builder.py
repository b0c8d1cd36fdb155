"""The builder beyond what the reference's cases say: the nodes it leaves, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from footpath.chart import (
    Child,
    FlowChart,
    FlowChartBuilder,
    Node,
    Pausable,
    RetryPolicy,
    flow_chart,
    flow_chart_selector,
    structure_events,
)
from footpath.errors import BuildError
from tests.unit.chart._known_builds import BUILT
from tests.unit.chart._stub_charts import Noting, build_result, nothing, shown


def small(name: str = "X") -> FlowChart:
    return flow_chart(name, nothing, "x").add_function("Y", nothing, "y").build()


def begun() -> FlowChartBuilder[Any]:
    return flow_chart("A", nothing, "a")


# ── the nodes ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _spec_of(node: Node | None) -> dict[str, Any] | None:
    """The reference's spec, made of the nodes that the engine will walk; loops that a later stage replaced are gone."""
    if node is None:
        return None
    spec: dict[str, Any] = {"id": node.id, "name": node.name, "kind": node.kind}
    if node.children:
        spec["children"] = [_spec_of(child) for child in node.children]
    if node.mount is not None and node.mount.chart is not None:
        spec["mounted"] = _spec_of(node.mount.chart.root)
    if node.next is not None:
        spec["next"] = _spec_of(node.next)
    elif node.loop_target is not None:
        spec["next"] = node.loop_target
    spec["tags"] = list(node.tags)
    spec["attempts"] = node.retry.attempts if node.retry else None
    spec["stream"] = node.stream_id
    spec["pausable"] = node.resume_fn is not None
    spec["parallel"] = node.is_parallel_child
    return spec


def _walked(spec: dict[str, Any]) -> dict[str, Any]:
    """The same of the reference's spec."""
    kind = "stage"
    for member, name in (
        ("hasDecider", "decider"),
        ("hasSelector", "selector"),
        ("isSubflowRoot", "subflow"),
        ("isDynamicParallel", "for_each"),
    ):
        if member in spec:
            kind = name
    walked: dict[str, Any] = {"id": spec["id"], "name": spec["name"], "kind": kind}
    if spec.get("children"):
        walked["children"] = [_walked(child) for child in spec["children"]]
    if "subflowStructure" in spec:
        walked["mounted"] = _walked(spec["subflowStructure"])
    if "next" in spec:
        walked["next"] = spec["next"]["id"] if "isLoopReference" in spec["next"] else _walked(spec["next"])
    walked["tags"] = spec.get("tags", [])
    walked["attempts"] = spec.get("retryAttempts")
    walked["stream"] = spec.get("streamId")
    walked["pausable"] = spec.get("isPausable", False)
    walked["parallel"] = spec.get("isParallelChild", False)
    return walked


@pytest.mark.parametrize("known", BUILT, ids=lambda known: known[0])
def test_nodes_hang_together_as_the_spec_says(known: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    """The engine walks what the spec shows."""
    _, case, expected = known
    _, chart = build_result(case)
    assert chart is not None
    assert _spec_of(chart.root) == _walked(expected["spec"])


def test_nodes_know_their_place_in_the_spec_document() -> None:
    """A journal may name a node by a small number."""
    chart = (
        begun()
        .add_list_of_function([Child("l", "L", nothing), {"id": "r", "fn": nothing}])
        .add_decider_function("D", nothing, "d")
        .add_sub_flow_chart_branch("s", small())
        .add_function_branch("t", "T", nothing)
        .set_default("t")
        .end()
        .build()
    )
    nodes = chart.spec_document()["charts"][-1]["nodes"]
    assert [nodes[node.index]["id"] for node in chart.nodes_by_id.values()] == ["a", "l", "r", "d", "s", "t"]
    decider = chart.nodes_by_id["d"]
    assert decider.fallback is not None
    assert (decider.fallback.id, decider.fallback.index) == ("default", -1)  # a copy does not stand there


@pytest.mark.parametrize(
    ("branches", "default", "fallback"),
    [
        (("u", "v"), "v", "v"),
        (("u", "default"), "u", "default"),
        (("u", "default"), None, "default"),
        (("u",), "elsewhere", None),
        (("u",), None, None),
    ],
)
def test_a_decider_falls_back_to_what_the_reference_would(
    branches: tuple[str, ...], default: str | None, fallback: str | None
) -> None:
    """A branch called "default" first, else a copy of the branch set as default under that id."""
    listed = begun().add_decider_function("D", nothing, "d")
    for branch in branches:
        listed.add_function_branch(branch, branch.upper(), nothing)
    if default is not None:
        listed.set_default(default)
    node = listed.end().build().nodes_by_id["d"]
    if fallback is None:
        assert node.fallback is None
    else:
        assert node.fallback is not None
        assert (node.fallback.id, node.fallback.name) == ("default", fallback.upper())


def test_a_stage_after_a_loop_takes_its_place() -> None:
    """The run goes on to that stage; the spec still remembers the loop, as the reference's does."""
    chart = begun().add_function("B", nothing, "b").loop_to("a").add_function("C", nothing, "c").build()
    node = chart.nodes_by_id["b"]
    assert (node.loop_target, node.next) == (None, chart.nodes_by_id["c"])
    assert chart.build_time_structure["next"]["loopTarget"] == "a"


def test_functions_options_and_mappers_reach_the_nodes() -> None:
    """What the engine needs is on the node, as it was given."""
    halves = Pausable(lambda _: 1, lambda _: 2)
    policy = {"attempts": 3, "backoff_ms": [5, 10], "retry_on": "slow"}
    chart = (
        flow_chart("A", halves, "a", "first", retry=policy, tags=["t"], fail_fast=True)
        .add_sub_flow_chart_next(
            "s", small(), input_mapper=dict, output_mapper=nothing, array_merge="replace", propagate_break=True
        )
        .add_lazy_sub_flow_chart("l", small, tags=("u",))
        .add_parallel_for_each("E", "e", items=nothing, branch=small, max_branches=2, into="o", fail_fast=True)
        .build()
    )
    root, mounted, lazy, each = (chart.nodes_by_id[name] for name in "asle")
    assert (root.fn, root.resume_fn, root.description, root.fail_fast) == (
        halves.execute,
        halves.resume,
        "first",
        True,
    )
    assert root.retry is not None
    assert (root.retry.attempts, root.retry.backoff_ms, root.retry.retry_on) == (3, [5, 10], "slow")
    assert mounted.mount is not None
    assert (mounted.mount.input_mapper, mounted.mount.array_merge, mounted.mount.propagate_break) == (
        dict,
        "replace",
        True,
    )
    assert lazy.mount is not None
    assert (lazy.mount.chart, lazy.mount.resolver, lazy.tags) == (None, small, ("u",))
    assert each.for_each is not None
    assert (each.for_each.max_branches, each.for_each.into, each.fail_fast) == (2, "o", True)


# ── refusals of our own ──────────────────────────────────────────────────────────────────────────────────────────────
_REFUSED: list[tuple[str, Callable[[], object]]] = [
    ("stage 'b' needs a function (got str)", lambda: begun().add_function("B", "fn", "b")),  # type: ignore[arg-type]
    ("a stage id must be a string (got NoneType)", lambda: begun().add_function("B", nothing, None)),  # type: ignore[arg-type]
    ("the name of 'b' must be a string", lambda: begun().add_function(5, nothing, "b")),  # type: ignore[arg-type]
    ("half a surrogate pair", lambda: begun().add_function("\ud800", nothing, "b")),
    ("needs a Pausable", lambda: begun().add_pausable_function("B", nothing, "b")),  # type: ignore[arg-type]
    ("the resume half of 'b' needs a function", lambda: begun().add_pausable_function("B", Pausable(nothing, 1), "b")),  # type: ignore[arg-type]
    ("needs a chart that is built (got FlowChartBuilder)", lambda: begun().add_sub_flow_chart_next("s", begun())),  # type: ignore[arg-type]
    ("resolver needs a function", lambda: begun().add_lazy_sub_flow_chart_next("s", small())),  # type: ignore[arg-type]
    ("no mount option is called 'inputMapper'", lambda: begun().add_sub_flow_chart("s", small(), inputMapper=dict)),  # type: ignore[call-arg]
    ("array_merge is 'concat' or 'replace'", lambda: begun().add_sub_flow_chart("s", small(), array_merge="both")),
    ("input_mapper needs a function", lambda: begun().add_sub_flow_chart("s", small(), input_mapper={})),  # type: ignore[arg-type]
    ("but no 'descripton'", lambda: begun().add_list_of_function([{"id": "l", "descripton": "d"}])),
    ("is a Child or a mapping (got str)", lambda: begun().add_list_of_function(["l"])),  # type: ignore[list-item]
    ("a retry policy has attempts, backoff_ms and retry_on", lambda: begun().retry({"attempts": 2, "backoffMs": 1})),
    ("(got null)", lambda: begun().retry({"attempts": None})),
    ("(got undefined)", lambda: begun().retry(None)),  # type: ignore[arg-type]
    ("(got true)", lambda: begun().retry({"attempts": True})),
    ("retry.backoff_ms must be a number of milliseconds", lambda: begun().retry(RetryPolicy(2, "5"))),
    ("retry.backoff_ms must be a number of milliseconds", lambda: begun().retry(RetryPolicy(2, [1, None]))),
    ("retry.retry_on must be a function or a text", lambda: begun().retry({"attempts": 2, "retry_on": 5})),
    ("tags must be an array of names (got string)", lambda: flow_chart("A", nothing, "a", tags="abc")),
    ("empty tree; call start() first", lambda: FlowChartBuilder[Any]().build()),
    ("cursor undefined; call start() first", lambda: FlowChartBuilder[Any]().add_function("A", nothing, "a")),
    ("root already defined", lambda: begun().start("B", nothing, "b")),
    ("called before any branch was added", lambda: begun().add_decider_function("D", nothing, "d").loop_to("a")),
]


@pytest.mark.parametrize(("words", "call"), _REFUSED, ids=[words for words, _ in _REFUSED])
def test_what_cannot_be_right_is_refused_at_once(words: str, call: Callable[[], object]) -> None:
    """The message names what is wrong."""
    with pytest.raises(BuildError) as refused:
        call()
    assert words in str(refused.value)


def test_a_refused_call_leaves_the_builder_as_it_was() -> None:
    """Who catches the error can go on."""
    builder = begun()
    with pytest.raises(BuildError):
        builder.add_function("A again", nothing, "a")
    assert builder.add_function("B", nothing, "b").build().spec_document() == {
        "charts": [{"nodes": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]}]
    }


def test_a_builder_that_failed_half_way_takes_no_more_calls() -> None:
    """Recorders have heard of what failed; a chart without it would not be what they know."""
    builder = begun()
    with pytest.raises(BuildError, match="duplicate child id 'l'") as first:
        builder.add_list_of_function([Child("l", "L", nothing), Child("l", "M", nothing)])
    with pytest.raises(BuildError, match="cannot go on") as second:
        builder.build()
    assert second.value.__cause__ is first.value


def test_a_built_chart_does_not_change_any_more() -> None:
    """The builder refuses, and what the chart gives away is a copy."""
    builder = begun()
    chart = builder.build()
    assert builder.build() is chart
    with pytest.raises(BuildError, match="built already"):
        builder.add_function("B", nothing, "b")
    for given in (chart.build_time_structure, chart.spec_document(), chart.stage_descriptions, chart.to_openapi()):
        given["changed"] = True
    assert "changed" not in {
        **chart.build_time_structure,
        **chart.spec_document(),
        **chart.stage_descriptions,
        **chart.to_openapi(),
    }


def test_branches_must_be_ended_once() -> None:
    """Neither the line nor the list goes on while it is the other's turn."""
    builder = begun()
    branches = builder.add_decider_function("D", nothing, "d").add_function_branch("u", "U", nothing)
    with pytest.raises(BuildError, match="branches of 'D' are still being declared"):
        builder.build()
    branches.end()
    with pytest.raises(BuildError, match="do not change any more"):
        branches.add_function_branch("v", "V", nothing)
    with pytest.raises(BuildError, match="do not change any more"):
        branches.end()


# ── recorders ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_late_recorder_is_told_what_it_missed() -> None:
    """It hears the same as one that was there from the start."""
    early, late = Noting(), Noting()
    builder = flow_chart("A", nothing, "a", structure_recorders=[early]).tag("t")
    builder.add_decider_function("D", nothing, "d").add_function_branch("u", "U", nothing).end()
    late.id = "late"  # type: ignore[misc]
    builder.attach_structure_recorder(late).tag("v").add_function("B", nothing, "b").loop_to("d")
    assert late.seen == early.seen
    assert [shown(hook, event) for hook, event in structure_events(builder.build().spec_bytes)] == early.seen


def test_a_recorder_of_a_known_id_takes_its_place() -> None:
    """Attaching twice does not tell twice."""
    recorder = Noting()
    builder = begun().attach_structure_recorder(recorder).attach_structure_recorder(recorder)
    recorder.seen.clear()
    builder.add_function("B", nothing, "b")
    assert [seen["method"] for seen in recorder.seen] == ["onStageAdded", "onEdgeAdded"]


def test_an_event_is_the_recorders_own() -> None:
    """A recorder that changes what it was given changes nothing for others."""

    class Greedy:
        id = "greedy"

        def on_stage_added(self, event: Any) -> None:
            event.spec["name"] = "mine"
            assert event.spec["name"] == "A"

    builder = flow_chart("A", nothing, "a", structure_recorders=[Greedy()])
    assert builder.get_structure_build_errors() == []


# ── charts shared ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_one_chart_mounted_often_stands_once_in_the_document() -> None:
    """Also one that is merely equal."""
    shared = small()
    chart = begun()
    for number in range(5):
        chart.add_sub_flow_chart_next(f"s{number}", shared if number < 3 else small())
    document = chart.build().spec_document()
    assert len(document["charts"]) == 2
    assert {node["chart"] for node in document["charts"][-1]["nodes"][1:]} == {0}


def test_the_hash_tells_charts_apart_and_knows_them_again() -> None:
    """Equal charts hash alike; a default branch, a contract or a mounted stage's name makes another."""

    def made(default: str = "u", name: str = "X", schema: dict[str, Any] | None = None) -> FlowChart:
        builder = begun().contract(input=schema).add_sub_flow_chart_next("s", small(name))
        listed = builder.add_decider_function("D", nothing, "d")
        for branch in "uv":
            listed.add_function_branch(branch, branch, nothing)
        return listed.set_default(default).end().build()

    charts = [made(), made("v"), made(name="Z"), made(schema={"type": "object"})]
    assert len({chart.chart_hash for chart in charts}) == len(charts)
    assert made().chart_hash == charts[0].chart_hash
    assert len(charts[0].chart_hash) == 32


def test_threads_may_share_a_chart() -> None:
    """They see the same texts, and may mount it at the same time."""
    shared = small()

    def work(_number: int) -> tuple[str, str, bytes]:
        chart = begun().add_sub_flow_chart_next("s", shared).build()
        return shared.chart_hash, chart.description, chart.spec_bytes

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(work, range(64)))) == 1


def test_the_scope_may_be_typed_at_no_cost() -> None:
    """`flow_chart[State]` is `flow_chart`."""
    assert flow_chart[dict[str, Any]] is flow_chart
    chart = flow_chart_selector[dict[str, Any]]("A", lambda scope: list(scope), "a").add_function_branch(
        "u", "U", nothing
    )
    assert json.loads(chart.end().build().build_time_structure_json())["hasSelector"] is True


# ── branches in one call ─────────────────────────────────────────────────────────────────────────────────────────────
def test_branches_in_one_call_are_those_of_several() -> None:
    """Names, tags and policies with them; of deciders and selectors alike."""
    listed = [Child("l", "Left", nothing, tags=("t",)), {"id": "r", "fn": nothing, "retry": {"attempts": 2}}]
    for add in ("add_decider_function", "add_selector_function"):
        one = getattr(begun(), add)("D", nothing, "d").add_branch_list(listed).end().build()
        each = getattr(begun(), add)("D", nothing, "d").add_function_branch("l", "Left", nothing, tags=("t",))
        each = each.add_function_branch("r", "r", nothing, retry={"attempts": 2}).end().build()
        assert one.spec_bytes == each.spec_bytes


def test_a_list_of_branches_that_breaks_off_spoils_the_builder() -> None:
    """Some of it stands already; one whose first branch is wrong has changed nothing."""
    branches = begun().add_decider_function("D", nothing, "d")
    with pytest.raises(BuildError, match="duplicate decider branch id 'l'"):
        branches.add_branch_list([Child("l", fn=nothing), Child("l", fn=nothing)])
    with pytest.raises(BuildError):
        branches.end()
    branches = begun().add_decider_function("D", nothing, "d").add_function_branch("l", "L", nothing)
    with pytest.raises(BuildError, match="duplicate decider branch id 'l'"):
        branches.add_branch_list([Child("l", fn=nothing), Child("r", fn=nothing)])
    assert branches.end().build().nodes_by_id.keys() >= {"a", "d", "l"}
