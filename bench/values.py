"""What it costs to record, compare, merge, view and scrub values: ratios, each taken in turns within one run.

usage: python bench/values.py [rounds]

Absolute times are CPU microseconds of this machine and move with its load; the ratios are what to compare.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec

from footpath.state import merge, same, track
from footpath.values import ABSENT, Secrets, is_recorded_as, record, summarize

if TYPE_CHECKING:
    from collections.abc import Callable

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"customer-{number}",
        "balance": number * 1.5,
        "tags": ["a", "b"],
        "active": number % 2 == 0,
        "note": f"some text field of row {number}",
    }


def samples() -> list[tuple[str, Any, int]]:
    """Name, value, calls per round."""
    flat = {
        "id": 17, "name": "A Customer", "score": 580, "dti": 0.47, "ok": True, "none": None, "city": "Springfield",
        "zip": "12345", "tier": "gold", "n": 3,
    }  # fmt: skip
    order = {
        "id": 1,
        "items": [{"sku": "a", "qty": 2, "price": 9.5}, {"sku": "b", "qty": 1, "price": 3.5}],
        "customer": {"name": "Ada", "address": {"zip": "1", "city": "X"}},
    }
    return [
        ("int", 580, 5000),
        ("str of 40", "Rejected: identity verification incomple", 5000),
        ("dict of 10", flat, 2000),
        ("order, nested", order, 2000),
        ("1 KB", {"rows": [row(n) for n in range(8)]}, 500),
        ("100 KB", {"rows": [row(n) for n in range(850)]}, 8),
        ("1 MB", {"rows": [row(n) for n in range(8300)]}, 1),
        ("100 KB of text", [{"id": n, "text": "lorem ipsum dolor, sit " * 20} for n in range(200)], 20),
        ("20,000 ints", list(range(20000)), 8),
    ]


def in_turns(ways: dict[str, Callable[[], Any]], calls: int, rounds: int) -> dict[str, float]:
    """Least CPU microseconds a call, the ways taken in turns so that noise falls on all."""
    best = dict.fromkeys(ways, float("inf"))
    for way in ways.values():
        way()
    for _ in range(rounds):
        for name, way in ways.items():
            begin = time.thread_time()
            for _ in range(calls):
                way()
            best[name] = min(best[name], (time.thread_time() - begin) / calls * 1e6)
    return best


def table(title: str, head: list[str], rows: list[list[str]]) -> None:
    print(f"\n## {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for cells in rows:
        print(f"| {' | '.join(cells)} |")


def recording(rounds: int) -> None:
    """`record` and the dirty check against other ways to take a value's copy."""
    ways = ["msgspec encode", "record", "is_recorded_as", "json.dumps", "deepcopy", "encode + decode"]
    rows: list[list[str]] = []
    for name, value, calls in samples():
        recorded = record(value)
        got = in_turns(
            {
                "msgspec encode": lambda value=value: _encode(value),
                "record": lambda value=value: record(value),
                "is_recorded_as": lambda value=value, recorded=recorded: is_recorded_as(value, recorded),
                "json.dumps": lambda value=value: json.dumps(value),
                "deepcopy": lambda value=value: copy.deepcopy(value),
                "encode + decode": lambda value=value: _decode(_encode(value)),
            },
            calls,
            rounds,
        )
        base = got["msgspec encode"]
        rows.append([name, f"{base:.2f}", *[f"{got[way] / base:.2f}" for way in ways[1:]]])
    table("Recording: CPU us of a msgspec encode, the rest as multiples of it", ["value", *ways], rows)


def handling(rounds: int) -> None:
    """The other things done with values, against one encode of the same value."""
    rows: list[list[str]] = []
    for name, value, calls in samples():
        if not isinstance(value, dict):
            continue
        owner = OneKey(value)
        twin = copy.deepcopy(value)
        recorded = record(value)
        secrets = Secrets()
        secrets.add([f"secret-{number}" for number in range(5)])
        key = next(iter(value))
        got = in_turns(
            {
                "encode": lambda value=value: _encode(value),
                "track": lambda value=value, owner=owner: track(value, owner, "k"),
                "track, read one member": lambda value=value, owner=owner, key=key: track(value, owner, "k")[key],
                "merge of one member": lambda value=value: merge(value, {"new": {"a": 1}}),
                "same, equal": lambda value=value, twin=twin: same(value, twin),
                "summarize": lambda recorded=recorded: summarize(recorded),
                "scrub, 5 secrets, none found": lambda recorded=recorded, secrets=secrets: secrets.scrub_recorded(
                    recorded
                ),
            },
            calls,
            rounds,
        )
        base = got.pop("encode")
        if not rows:
            head = ["value", "encode us", *got]
        rows.append([name, f"{base:.2f}", *[f"{cost / base:.2f}" for cost in got.values()]])
    table("Handling: as multiples of a msgspec encode of the same value", head, rows)


class OneKey:
    """The least owner that a view can have."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def current_value(self, key: str) -> Any:
        return self.value if key == "k" else ABSENT

    def nested_set(self, key: str, path: tuple[Any, ...], value: Any) -> None:
        raise NotImplementedError

    root_set = root_extend = nested_set  # type: ignore[assignment]  # never called here


if __name__ == "__main__":
    ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    print(f"CPython {sys.version.split()[0]}, msgspec {msgspec.__version__}, best of {ROUNDS} rounds in turns")
    recording(ROUNDS)
    handling(ROUNDS)
