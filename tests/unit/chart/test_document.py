"""A spec document from elsewhere is read or refused; it breaks nothing."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footpath.chart import flow_chart, load_document, nested_json, spec_from_document, structure_events
from footpath.errors import SpecDocumentError
from tests.unit.chart._known_builds import BUILT
from tests.unit.chart._stub_charts import build_result, nothing

DOCUMENTS = [chart.spec_document() for _, case, _ in BUILT if (chart := build_result(case)[1]) is not None]


def _nodes(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"charts": [{"nodes": [{"name": node.get("id", ""), **node} for node in nodes], **more}]}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (5, "Expected `object`, got `int`"),
        (b"", "truncated"),
        (b"\xff", "malformed"),
        (b'{"charts":[{"nodes":[{"id":"\\ud800","name":"x"}]}]}', "surrogate"),
        (_nodes({"id": "\ud800"}), "surrogates not allowed"),
        ({"charts": []}, "its table of charts is empty"),
        ({"charts": [{"nodes": []}]}, "chart 0 has no nodes"),
        (_nodes({"id": "a", "type": "loop"}), "Invalid enum value 'loop'"),
        (_nodes({"id": "a", "childOf": -1}), "is attached to node -1"),
        (_nodes({"id": "a"}, {"id": "b"}, {"id": "c", "childOf": 0}), "the line stands at node 1"),
        (_nodes({"id": "a"}, {"id": "b", "branchOf": 0}), "which does not branch"),
        (_nodes({"id": "a", "type": "decider"}, {"id": "b", "branchOf": 0, "childOf": 0}), "at once"),
        (_nodes({"id": "a"}, {"id": "b", "childOf": 0, "type": "decider"}), "cannot be a branch"),
        (_nodes({"id": "a", "type": "subflow", "chart": 0}), "mounts chart 0, which does not stand before it"),
        (_nodes({"id": "a", "chart": 0}), "without being a subflow"),
        (_nodes({"id": "a"}, steps=[[2, "tag"]]), "has a step at 2"),
        (_nodes({"id": "a"}, {"id": "b"}, steps=[[2, "tag"], [1, "loop"]]), "out of order"),
        (b'{"charts":[{"nodes":[{"id":"a","name":"a"}]}],"contract":{"input":' + b"[" * 100_000, "while deserializing"),
    ],
)
def test_a_malformed_document_is_refused_with_a_reason(document: Any, words: str) -> None:
    """One permanent error, whatever is wrong."""
    with pytest.raises(SpecDocumentError) as refused:
        load_document(document)
    assert words in str(refused.value)


def test_members_of_later_versions_are_passed_over() -> None:
    """An older reader reads what it knows."""
    document = _nodes({"id": "a", "colour": "red"})
    document["more"] = [1]
    assert spec_from_document(document) == {"id": "a", "name": "a", "type": "stage"}


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_a_tangled_document_is_read_or_refused(seed: int) -> None:
    """References to anywhere, nodes in any order: no other error, and both views of the spec agree."""
    rng = random.Random(seed)
    document = copy.deepcopy(rng.choice(DOCUMENTS))
    for _ in range(rng.randint(1, 4)):
        chart = rng.choice(document["charts"])
        node = rng.choice(chart["nodes"])
        match rng.randrange(8):
            case 0:
                node["branchOf" if rng.random() < 0.5 else "childOf"] = rng.randint(-1, 4)
            case 1:
                node.pop("branchOf", None)
                node.pop("childOf", None)
            case 2:
                node.update(chart=rng.randint(-1, 3), type="subflow")
            case 3:
                node["type"] = rng.choice(["decider", "selector", "stage", "subflow", "lazySubflow", "forEach"])
            case 4:
                chart.setdefault("steps", []).append([rng.randint(0, 5), rng.choice(["tag", "loop", "retry"])])
            case 5:
                rng.shuffle(chart["nodes"])
            case 6:
                node["loopTarget"] = "elsewhere"
            case _:
                node[rng.choice(sorted(node))] = rng.choice([None, 1, "x", [], {}, True])
    try:
        load_document(document)
    except SpecDocumentError:
        return
    assert json.loads(nested_json(document)) == spec_from_document(document)
    for _, event in structure_events(document):
        assert msgspec.json.decode(msgspec.json.encode(event))


def test_the_document_keeps_what_the_nested_spec_lacks() -> None:
    """Default branch, run options of mounts and forks, ceilings, the contract."""
    inner = flow_chart("X", nothing, "x").build()
    builder = flow_chart("A", nothing, "a", fail_fast=True).contract({"type": "object"}, {"type": "string"})
    builder.add_sub_flow_chart("s", inner, array_merge="replace", propagate_break=True)
    builder.add_parallel_for_each("E", "e", items=nothing, branch=lambda: inner, max_branches=7, into="out")
    builder.add_decider_function("D", nothing, "d").add_function_branch("u", "U", nothing).set_default("u").end()
    document = builder.build().spec_document()
    assert document["contract"] == {"input": {"type": "object"}, "output": {"type": "string"}}
    assert document["charts"][-1]["nodes"] == [
        {"id": "a", "name": "A", "failFast": True},
        {
            "id": "s",
            "name": "s",
            "type": "subflow",
            "childOf": 0,
            "chart": 0,
            "arrayMerge": "replace",
            "propagateBreak": True,
        },
        {"id": "e", "name": "E", "type": "forEach", "maxBranches": 7, "into": "out"},
        {"id": "d", "name": "D", "type": "decider", "default": "u"},
        {"id": "u", "name": "U", "branchOf": 3},
    ]
