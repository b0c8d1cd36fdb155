"""What is said of a journal that does not hold together."""

from __future__ import annotations

from typing import Any

import pytest

from footpath import FlowChartExecutor, decode_trace, flow_chart, replay
from footpath.errors import ReplayError
from footpath.trace import Trace, encode_trace
from tests.property._runs import Heard


def write(scope: Any) -> None:
    scope.a = 1
    scope.b = scope.a


def traced() -> Trace:
    executor = FlowChartExecutor(flow_chart("A", write, "a").add_function("B", write, "b").build())
    executor.run()
    return decode_trace(encode_trace(executor.get_trace()))


FAULTS: tuple[tuple[int, Any, str], ...] = (
    (3, [99, 1], "entry 3 of {n}, counted from 0, of kind 99: this code knows no such kind of entry"),
    (3, None, "entry 3 of {n}, counted from 0, a NoneType: an entry is a text or a list"),
    (3, [], "entry 3 of {n}, counted from 0, an empty list: an entry begins with its kind"),
    (3, [7, 12], "entry 3 of {n}, counted from 0, FRAME: no frame 12 has been begun"),
    (3, [6, 12], "entry 3 of {n}, counted from 0, NEXT: no node 12 has been declared"),
    (3, [47, 5], "entry 3 of {n}, counted from 0, CHART: the spec has no chart 5, but 1"),
    (1, ["a", 1], "entry 1 of {n}, counted from 0, a write: no stage has begun that it could belong to"),
    (1, "a", "entry 1 of {n}, counted from 0, a read: no stage has begun that it could belong to"),
    (3, [13, "a"], "entry 3 of {n}, counted from 0, SET: it does not have the parts of such an entry"),
    (3, ["a"], "entry 3 of {n}, counted from 0, a write: it does not have the parts of such an entry"),
)


@pytest.mark.parametrize(("at", "entry", "says"), FAULTS, ids=lambda value: str(value)[:20])
def test_the_entry_that_does_not_fit_is_named(at: int, entry: Any, says: str) -> None:
    """Its number, its kind and what is wrong, whoever follows the journal."""
    trace = traced()
    trace.document.journal.insert(at, entry)
    says = says.format(n=len(trace.document.journal))
    looks = (lambda: replay(trace, Heard()), lambda: trace.snapshot, lambda: trace.narrative, trace.final_state)
    for look in looks:
        with pytest.raises(ReplayError) as caught:
            look()
        assert str(caught.value).startswith(f"trace {trace.trace_id}: the journal is malformed: {says}"), str(
            caught.value
        )


def test_a_journal_without_its_beginning_says_so() -> None:
    """Not in Python's words."""
    trace = traced()
    del trace.document.journal[:3]
    with pytest.raises(ReplayError, match=r"entry 0 of .* the journal's beginning is missing"):
        _ = trace.snapshot


def test_a_document_that_was_not_decoded_is_told_what_to_do() -> None:
    """Bytes out of a file are the first thing that one tries."""
    with pytest.raises(TypeError, match=r"not bytes: decode_trace\(data\) makes one"):
        replay(traced().encoded, Heard())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
