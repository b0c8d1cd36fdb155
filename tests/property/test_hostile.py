"""A document from anywhere is read or refused: only declared errors, in bounded time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footpath import Trace, decode_trace, replay
from footpath.channels import STRUCTURE_HOOKS
from footpath.errors import NestingTooDeepError, ReplayError, TraceDecodeError
from footpath.recorders import ArchiveRecorder, AuditRecorder, ChartMetricsRecorder
from footpath_service.recorders import ReplayedTrace
from tests.property._budget import examples
from tests.property._runs import RUN_HOOKS

GOLDEN = Path(__file__).parents[1] / "golden"
SEEDS = [json.loads(path.read_bytes()) for path in sorted(GOLDEN.glob("v1/*.trace.json"))]
FOREIGN = [json.loads(path.read_bytes()) for path in sorted(GOLDEN.glob("footprintjs/*.json"))]

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    44,
    999,
    2**63,
    10**30,
    -(10**30),
    1e308,
    0.5,
    "",
    "x",
    "runs",
    "a\u001fb",
    "[REDACTED]",
    [],
    [[]],
    {},
    {"$footpath": "graph", "value": [[{"$footpath": "ref", "value": 0}]]},
    {"$footpath": 1},
    [0, "id", "name"],
    [1, 0, 0, 3, -1],
    [7, 5],
    [21, 0, 0, 1, 0, 0, {"a": 1}, "n"],
    [24],
    [10, "k0", [1, 2]],
    [8, "k0", {"a": {"b": 1}}],
    [22, 0, [[["a", "b", "c"], 1]], ["a.b"], [0]],
    [31, "n", "i", "i#1", True, {"executionCount": -5, "visitCounts": {}, "state": {}, "tail": [0, "a", "b", 1]}],
)


class Listener:
    """Has every hook, and keeps nothing."""

    id = "listener"

    def __init__(self) -> None:
        for hook in (*STRUCTURE_HOOKS, *RUN_HOOKS):
            setattr(self, hook, lambda event: None)


def everything_asked_of(trace: Trace) -> None:
    """All that readers of a trace do."""
    replay(trace, Listener(), AuditRecorder(), ChartMetricsRecorder())
    trace.final_state()
    archive = ArchiveRecorder()
    archive.begin_trace(ReplayedTrace(trace, ""))
    replay(trace, archive)
    archive.end_trace(ReplayedTrace(trace, ""))
    assert archive.views is not None
    for entry in trace.narrative:
        entry.as_json()
    snapshot = trace.snapshot
    trace.state_at(len(snapshot["commitLog"]))
    _ = trace.trace_id, trace.run_id, trace.chart_id, trace.error, trace.result, trace.input, repr(trace)


def read_or_refused(data: bytes) -> str:
    """How a document ended: "read", or the name of the error that says why not."""
    try:
        trace = decode_trace(data)
    except TraceDecodeError as error:
        return type(error).__name__
    try:
        everything_asked_of(trace)
    except (TraceDecodeError, ReplayError, NestingTooDeepError) as error:
        return type(error).__name__
    return "read"


def places(document: Any) -> list[tuple[Any, Any]]:
    """Every place in a document, as holder and key."""
    found: list[tuple[Any, Any]] = []
    stack = [document]
    while stack:
        node = stack.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            found.append((node, key))
            stack.append(node[key])
    return found


@st.composite
def mutated(draw: Callable[..., Any], seeds: list[Any]) -> bytes:
    """A valid document with a few things changed, taken away, repeated or put in."""
    document = json.loads(json.dumps(draw(st.sampled_from(seeds))))
    for _ in range(draw(st.integers(1, 4))):
        spots = places(document)
        holder, key = spots[draw(st.integers(0, len(spots) - 1))]
        if draw(st.booleans()) and isinstance(document.get("journal"), list) and document["journal"]:
            holder, key = document["journal"], draw(st.integers(0, len(document["journal"]) - 1))
        if isinstance(holder, dict) and key not in holder:
            continue
        act = draw(st.sampled_from(("replace", "replace", "remove", "repeat", "insert", "swap")))
        odd = json.loads(json.dumps(draw(st.sampled_from(ODD))))
        if act == "replace":
            holder[key] = odd
        elif act == "remove":
            del holder[key]
        elif isinstance(holder, list):
            if act == "repeat":
                holder.insert(key, holder[key])
            elif act == "insert":
                holder.insert(key, odd)
            else:
                other = draw(st.integers(0, len(holder) - 1))
                holder[key], holder[other] = holder[other], holder[key]
    return json.dumps(document).encode()


@settings(max_examples=examples(150))
@given(data=mutated(SEEDS))
def test_a_mutated_document_is_read_or_refused(data: bytes) -> None:
    """Wrong codes, lengths, types, frames that are not there: a declared error, or a reading of what is left."""
    read_or_refused(data)


@settings(max_examples=examples(60))
@given(data=mutated(FOREIGN))
def test_a_mutated_footprintjs_trace_is_read_or_refused(data: bytes) -> None:
    """Likewise where there is no journal."""
    read_or_refused(data)


@settings(max_examples=examples(60))
@given(data=st.one_of(st.binary(max_size=60), mutated(SEEDS).map(lambda data: data[: len(data) // 2])))
def test_what_is_no_document_is_refused(data: bytes) -> None:
    """Bytes of any kind, and documents cut in half."""
    with pytest.raises(TraceDecodeError):
        decode_trace(data)


def document(journal: list[Any], **header: Any) -> bytes:
    """A document around a journal."""
    return json.dumps(SEEDS[0] | {"options": {}, "journal": journal} | header).encode()


OPENED = [[32], [0, "a", "A"], [1, 0, 0, 3, -1]]

BOMBS: dict[str, Callable[[], bytes]] = {
    "a million nodes": lambda: document([[32], *[[0, "n", "N"]] * 1_000_000]),
    "a million reads": lambda: document([*OPENED, *["k"] * 1_000_000]),
    "deep value": lambda: document([*OPENED, ["k", json.loads("[" * 400 + "]" * 400)]]),
    "deeper than JSON readers bear": lambda: document(["@"]).replace(b'"@"', b"[" * 100_000 + b"]" * 100_000),
    "deep spec": lambda: document([[32]], spec={"charts": []}).replace(b'{"charts": []}', b"[" * 5_000 + b"]" * 5_000),
    "huge ints": lambda: document([[32], [0, "a", "A"], [1, 10**400, 0, 3, -1]]),
    "patches of something large": lambda: document(
        [*OPENED, ["k", {str(n): n for n in range(20_000)}], *[[8, "k", {"a": 1}]] * 20_000]
    ),
    "a list that grows": lambda: document([*OPENED, ["k", ["x" * 200_000]], *[[10, "k", [1]]] * 50_000]),
    "long names, often": lambda: document(
        [[32], [0, "i" * 200_000, "n" * 200_000], [1, 0, 0, 3, -1], *[[1, 0, 0]] * 50_000]
    ),
    "a wide fork": lambda: document(
        [
            *OPENED,
            [20, 0, [0] * 5_000],
            *[entry for n in range(5_000) for entry in ([1, 0, 0, 2, 0], [f"k{n}", n], [4], [24])],
        ]
    ),
    "a state that is copied for each child": lambda: document(
        [
            *OPENED,
            *[[f"k{n}", n] for n in range(20_000)],
            [4],
            [20, 0, [0] * 5_000],
            *[entry for _ in range(5_000) for entry in ([1, 0, 0, 2, 0], ["k", 1], [4], [24])],
        ]
    ),
    "dropped keys without end": lambda: document(
        [*OPENED, *[[f"k{n}", n] for n in range(50_000)], [4, [f"k{n}" for n in range(50_000)]]]
    ),
    "a narrative of long values": lambda: document(
        [*OPENED, ["k", "v" * 100_000], *["k"] * 50_000, [2, 0]],
        options={"narrative": {"max_value_length": 10_000_000}},
    ),
    "reads of something large": lambda: document(
        [
            [32],
            [0, "a", "A"],
            [1, 0, 0, 3, -1],
            ["k", list(range(20_000))],
            *[entry for _ in range(3_000) for entry in ("k", [42, 0, 0])],
        ]
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_or_read(name: str) -> None:
    """Small documents cannot ask for much: each ends, with a story or an error of ours."""
    assert read_or_refused(BOMBS[name]())


def test_a_decoded_document_is_what_msgspec_makes_of_it() -> None:
    """The seeds of the mutations are sound: unchanged, each is read."""
    for seed in (*SEEDS, *FOREIGN):
        assert read_or_refused(msgspec.json.encode(seed)) == "read"
