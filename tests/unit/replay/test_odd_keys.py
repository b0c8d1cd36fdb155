"""Keys that read like something of the engine's own."""

from __future__ import annotations

from typing import Any

import pytest

from footpath import Child, FlowChartExecutor, decode_trace, flow_chart
from footpath.query import commit_value_at
from footpath.trace import encode_trace
from footpath.values import in_js_order


@pytest.mark.parametrize("key", ["a\x1fb", "\x1f", "a\x1f", "$footpath", "$$footpath", "runs", "a.b", "", "0"])
@pytest.mark.parametrize("values", ["full", "delta"])
def test_the_state_is_the_fold_of_the_commits_whatever_a_key_is_called(key: str, values: str) -> None:
    """Also where the log's own separator is in it; written, patched, deleted, mapped in and out, member by member."""

    def write(scope: Any) -> None:
        scope.a = {"b": 1}
        scope[key] = {key: 1, "m": {key: 2}}
        scope[key]["m"]["more"] = [1]
        scope[key + "x"] = 1
        scope["gone" + key] = 1

    def change(scope: Any) -> None:
        del scope["gone" + key]
        scope[key]["m"][key] = 3
        scope["seen"] = scope[key]["m"]

    inner = flow_chart("I", lambda scope: scope.__setitem__("got", scope[key]), "i").build()
    chart = (
        flow_chart("A", write, "a")
        .add_function("B", change, "b")
        .add_sub_flow_chart_next(
            "s",
            inner,
            "S",
            input_mapper=lambda parent: {key: parent[key]},
            output_mapper=lambda sub, parent: {"out" + key: {key: sub["got"]}, key: {key: 7, "n": [1]}},
        )
        .build()
    )
    executor = FlowChartExecutor(chart, commit_values=values)
    executor.run()
    trace = decode_trace(encode_trace(executor.get_trace()))
    snapshot = executor.get_snapshot()
    assert trace.snapshot == snapshot
    assert trace.state_at(len(snapshot["commitLog"])) == snapshot["sharedState"]
    tag = key if not key.startswith("$") else "$" + key
    assert snapshot["sharedState"]["out" + key] == {tag: {tag: 1, "m": {tag: 3, "more": [1]}}}
    assert snapshot["sharedState"][key] == {tag: 7, "m": {tag: 3, "more": [1]}, "n": [1]}
    paths = [row["path"] for bundle in snapshot["commitLog"] for row in bundle["trace"]]
    assert f"out{key}\x1f{key}" in paths, "as the member is called, not as it stands in a recorded object"
    seed = snapshot["subflowResults"]["s"]["treeContext"]["history"][0]
    assert [row["path"] for row in seed["trace"]] == [f"{key}\x1f{member}" for member in in_js_order([key, "m"])]
    if "\x1f" not in key:
        found = commit_value_at(snapshot["commitLog"], None, f"out{key}\x1f{key}")
        assert found == {tag: 1, "m": {tag: 3, "more": [1]}}


@pytest.mark.parametrize("value", [None, "decimal", 1, {"$footpath": "decimal", "value": "1"}])
def test_a_parallel_childs_key_that_reads_like_a_tag_stays_when_others_are_written_beside_it(value: Any) -> None:
    """Below a child's name in `runs` stand keys, not the members of a value: none of them makes its state a tagged form."""

    def write(scope: Any) -> None:
        scope["$footpath"] = value
        scope.other = [1]

    executor = FlowChartExecutor(
        flow_chart("A", lambda _: None, "a").add_list_of_function([Child("c", fn=write)]).build()
    )
    executor.run()
    trace = decode_trace(encode_trace(executor.get_trace()))
    state = trace.snapshot["sharedState"]
    assert list(state["runs"]["c"]) == ["$footpath", "other"]
    assert trace.state_at(len(trace.snapshot["commitLog"])) == state == executor.get_snapshot()["sharedState"]
