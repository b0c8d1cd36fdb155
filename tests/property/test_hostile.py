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

from footpath import decode_trace
from footpath.errors import TraceDecodeError
from tests.fuzz._mutate import ODD, places
from tests.property._asked import read_or_refused
from tests.property._budget import examples

GOLDEN = Path(__file__).parents[1] / "golden"
SEEDS = [json.loads(path.read_bytes()) for path in sorted(GOLDEN.glob("v1/*.trace.json"))]
FOREIGN = [json.loads(path.read_bytes()) for path in sorted(GOLDEN.glob("footprintjs/*.json"))]


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
