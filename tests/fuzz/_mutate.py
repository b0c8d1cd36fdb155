"""Changing a JSON document here and there, so that it stays JSON and gets past the first door."""

from __future__ import annotations

import json
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    None,
    True,
    False,
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
    "\ud800",
    "\u2028</script>",
    "__proto__",
    "[REDACTED]",
    "../../etc",
    [],
    [[]],
    {},
    {"": ""},
    {"$footpath": "graph", "value": [[{"$footpath": "ref", "value": 0}]]},
    {"$footpath": 1},
    {"$footpath": "bytes", "value": "!"},
    [0, "id", "name"],
    [1, 0, 0, 3, -1],
    [7, 5],
    [21, 0, 0, 1, 0, 0, {"a": 1}, "n"],
    [24],
    [10, "k0", [1, 2]],
    [8, "k0", {"a": {"b": 1}}],
    [22, 0, [[["a", "b", "c"], 1]], ["a.b"], [0]],
    [31, "n", "i", "i#1", True, {"executionCount": -5, "visitCounts": {}, "state": {}, "tail": [0, "a", "b", 1]}],
    {"claim": {"bucket": "archive", "key": "claims/x", "sha256": "x", "bytes": 1}},
)


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


def mutated(document: Any, dice: Random) -> Any:
    """A copy with a few things changed, taken away, renamed, repeated, deepened or put in."""
    holder: dict[str, Any] = {"": json.loads(json.dumps(document))}
    for _ in range(dice.randint(1, 4)):
        spots = places(holder)
        node, key = spots[dice.randrange(len(spots))]
        journal = holder[""].get("journal") if isinstance(holder[""], dict) else None
        if isinstance(journal, list) and journal and dice.random() < 0.5:
            node, key = journal, dice.randrange(len(journal))
        _change(node, key, dice)
    return holder[""]


def _change(node: Any, key: Any, dice: Random) -> None:
    odd = json.loads(json.dumps(dice.choice(ODD)))
    act = dice.choice(("replace", "replace", "remove", "repeat", "insert", "swap", "rename", "wrap"))
    if act == "replace":
        node[key] = odd
    elif act == "wrap":
        for _ in range(dice.choice((1, 3, 40, 300))):
            node[key] = [node[key]] if dice.random() < 0.5 else {"a": node[key]}
    elif key == "":
        return  # the document itself stays somewhere
    elif act == "remove":
        del node[key]
    elif isinstance(node, dict):
        if act == "rename":
            node[str(odd)[:40]] = node.pop(key)
    elif act == "repeat":
        node[key:key] = [node[key]] * dice.choice((1, 2, 50))
    elif act == "insert":
        node.insert(key, odd)
    elif act == "swap":
        other = dice.randrange(len(node))
        node[key], node[other] = node[other], node[key]


def mutated_text(data: bytes, seed: int) -> bytes | None:
    """Bytes of JSON mutated as a document; None where they are none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    try:
        return json.dumps(mutated(document, Random(seed))).encode()
    except (ValueError, RecursionError):
        return None
