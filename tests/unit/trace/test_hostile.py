"""Documents that nobody should have sent: whatever the bytes, the answer is an error of ours, soon."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footpath import FlowChartExecutor, decide, decode_trace, flow_chart, ops, replay
from footpath.errors import ReplayError, TraceDecodeError, TraceError, UnknownVersionError


def made() -> bytes:
    """A trace with something of most kinds in it."""

    def first(scope: Any) -> None:
        scope.n = 1
        scope.box = {"items": [1, {"x": "y"}]}
        scope.box["items"].append(2)
        ops(scope).emit("a.b", {"n": scope.n})
        ops(scope).metric("m", 1.5)
        del scope.n

    inner = flow_chart("I", lambda scope: ops(scope).set("i", scope.given), "i").build()
    chart = (
        flow_chart("A", first, "a")
        .add_list_of_function([{"id": "p", "name": "P", "fn": first}, {"id": "q", "name": "Q", "fn": first}])
        .add_sub_flow_chart_next("sub", inner, "Sub", input_mapper=lambda _: {"given": [1]})
        .add_decider_function("D", lambda scope: decide(scope, [{"when": {"box": {"ne": 1}}, "then": "x"}], "x"), "d")
        .add_function_branch("x", "X", lambda scope: ops(scope).break_flow("enough"))
        .end()
        .build()
    )
    executor = FlowChartExecutor(chart)
    executor.enable_narrative()
    executor.run(input={"in": None})
    return executor.get_trace().encoded


GOOD = made()


def use(data: bytes) -> None:
    """All that a reader does with a trace."""
    trace = decode_trace(data)

    class Ear:
        id = "ear"

        def on_write(self, event: Any) -> None:
            _ = event.value

    replay(trace, Ear())
    _ = trace.snapshot, trace.narrative, trace.events(), trace.final_state(), trace.to_footprintjs()


def test_the_good_one_is_good() -> None:
    """Else the tests below would show nothing."""
    use(GOOD)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_bytes_give_a_declared_error_or_a_trace(data: st.DataObject) -> None:
    """Bytes flipped, cut out, doubled."""
    body = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(body) - 1)))
        match data.draw(st.integers(0, 3)):
            case 0:
                body[at : at + 1] = [data.draw(st.integers(0, 255))]
            case 1:
                del body[at : at + data.draw(st.integers(1, 40))]
            case 2:
                body[at:at] = body[at : at + data.draw(st.integers(1, 40))]
            case _:
                body = body[: at + 1]
    with contextlib.suppress(TraceError, ReplayError):
        use(bytes(body))


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(max_size=5)
    | st.sampled_from([1e308, -1, 43, 44, 45]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a value could be put instead."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key in value:
            found += places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*path, index))
    return found


PLACES = places(json.loads(GOOD))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON_VALUES), min_size=1, max_size=3))
def test_well_formed_lies_give_a_declared_error_or_a_trace(lies: list[tuple[tuple[Any, ...], Any]]) -> None:
    """Any value anywhere, journal and spec included."""
    document = json.loads(GOOD)
    for path, value in lies:
        holder = document
        for step in path[:-1]:
            holder = holder[step] if isinstance(holder, list | dict) and _has(holder, step) else None
        if isinstance(holder, list | dict) and _has(holder, path[-1]):
            holder[path[-1]] = value
    with contextlib.suppress(TraceError, ReplayError):
        use(json.dumps(document).encode())


def _has(holder: Any, step: Any) -> bool:
    return step in holder if isinstance(holder, dict) else isinstance(step, int) and step < len(holder)


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b"{}", b'"x"', b"{" * 100_000, b"[" * 100_000, b"\xff\xfe", b"\x00", b'{"format":"footpath"}', b"1e999"],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_trace_is_said_to_be_none(data: bytes) -> None:
    """Permanently: no retry will help."""
    with pytest.raises(TraceDecodeError):
        decode_trace(data)


def test_a_newer_version_is_kept_apart_from_a_broken_one() -> None:
    """So that the message waits until this code is newer, too."""
    document = json.loads(GOOD)
    document["version"] += 1
    with pytest.raises(UnknownVersionError) as caught:
        decode_trace(json.dumps(document).encode())
    assert caught.value.version == document["version"]
