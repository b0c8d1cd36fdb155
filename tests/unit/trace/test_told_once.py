"""What stands in a document's spec and header is not repeated in its journal, and is found there again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from footpath import Trace, decode_trace
from footpath.errors import ReplayError, ReplayTooLargeError
from tests.golden._charts import told_once


def document() -> dict[str, Any]:
    (trace,) = told_once()
    return json.loads(trace.encoded)


def read(document: dict[str, Any]) -> Trace:
    return decode_trace(json.dumps(document).encode())


def spelt_out(document: dict[str, Any]) -> dict[str, Any]:
    """The same document as it was written before charts were declared as a whole, and input and result told once."""
    journal: list[Any] = []
    for entry in document["journal"]:
        if entry[0] == 47:
            lead = f"{entry[2]}/" if len(entry) > 2 else ""
            journal += [
                [0, lead + node["id"], lead + node["name"], node.get("description"), node.get("tags")]
                for node in document["spec"]["charts"][entry[1]]["nodes"]
            ]
        elif entry[0] in (32, 33) and len(entry) == 3:
            journal.append([entry[0], document["input" if entry[0] == 32 else "result"]])
        else:
            journal.append(entry)
    return {**document, "journal": journal}


def test_a_journal_that_spells_everything_out_says_the_same() -> None:
    """Readers take both forms; neither event, story nor snapshot differs."""
    short, long = read(document()), read(spelt_out(document()))
    assert len(long.encoded) > len(short.encoded)
    assert long.events() == short.events()
    assert [entry.as_json() for entry in long.narrative] == [entry.as_json() for entry in short.narrative]
    assert long.snapshot == short.snapshot


@pytest.mark.parametrize("lie", [[47, 9], [47, "0"], [47, -1], [47], [47, None]])
def test_a_chart_that_the_spec_does_not_have_is_a_malformed_journal(lie: list[Any]) -> None:
    """One declared error, whatever the lie."""
    lying = document()
    at = lying["journal"].index([47, 0, "bureau"])
    lying["journal"][at] = lie
    with pytest.raises(ReplayError):
        _ = read(lying).snapshot


@pytest.mark.parametrize("ordinal", [-1, 14, 10**30, "1", None])
def test_a_node_that_nobody_declared_is_a_malformed_journal(ordinal: Any) -> None:
    """Ordinals end where the declared charts end."""
    lying = document()
    lying["journal"][3][2] = ordinal
    with pytest.raises(ReplayError):
        _ = read(lying).snapshot


def test_long_prefixes_are_counted_where_nodes_are_made_of_them() -> None:
    """A small document can't ask for gigabytes of names: each node made is paid for."""
    lying = document()
    nodes = [{"id": f"n{number}", "name": "n"} for number in range(2000)]
    lying["spec"]["charts"].insert(0, {"nodes": nodes})
    lying["journal"] = [[32], [47, 0, "p" * 100_000], *[[1, 0, number, 3, -1] for number in range(2000)], [33]]
    trace = read(lying)
    trace.max_unfolded_bytes = 10_000_000
    with pytest.raises(ReplayTooLargeError):
        trace.events()
