"""Runs far larger than anybody draws: every way of reading them back, in seconds and without recursion."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest

from footpath import Child, FlowChart, FlowChartExecutor, Trace, decode_trace, encode_trace, flow_chart, replay
from footpath.errors import NestingTooDeepError
from tests.unit._large_charts import count, growing, linear, nested


class Large(NamedTuple):
    """A large run: chart, executor's dials, options, final state; how many events and lines it has, whether JSON can nest it."""

    chart: Callable[[], FlowChart]
    dials: dict[str, Any]
    options: dict[str, Any]
    final_state: dict[str, Any]
    stages: int
    nests: bool


def forked(children: int) -> FlowChart:
    return (
        flow_chart("Fork", count, "fork")
        .add_list_of_function([Child(f"c{number}", f"C{number}", count) for number in range(children)])
        .add_function("Join", lambda scope: scope.__setitem__("joined", len(scope.runs)), "join")
        .build()
    )


LARGE = {
    "100,000 steps in line": Large(lambda: linear(100_000), {}, {}, {"n": 100_000}, 100_000, False),
    "a list that grows over 10,000 passes": Large(
        lambda: growing(10_000),
        # With the default dials log and tree show each of its versions whole, as the reference's do: that is their
        # shape.
        {"commit_values": "delta", "read_tracking": "summary", "write_tracking": "summary"},
        {"max_iterations": 10_000},
        {"n": 10_000, "items": list(range(1, 10_001))},
        10_000,
        False,
    ),
    "a list that grows over 2,000 passes, each of its versions shown": Large(
        lambda: growing(2_000),
        {},
        {"max_iterations": 2_000},
        {"n": 2_000, "items": list(range(1, 2_001))},
        2_000,
        False,
    ),
    "subflows 200 deep": Large(lambda: nested(200), {}, {}, {"n": 1, "of": 1}, 401, True),
    "a fork of 1,000": Large(
        lambda: forked(1_000),
        {},
        {},
        {"n": 1, "runs": {f"c{number}": {"n": 2} for number in range(1_000)}, "joined": 1_000},
        1_003,
        True,
    ),
}


class Counting:
    """Counts stages and writes."""

    id = "counting"

    def __init__(self) -> None:
        self.stages = self.writes = 0

    def on_stage_executed(self, event: Any) -> None:
        self.stages += 1

    def on_write(self, event: Any) -> None:
        self.writes += 1


@pytest.mark.parametrize("name", LARGE)
def test_a_large_run_is_kept_and_read_back(name: str) -> None:
    """Run, encode, decode, replay, story, snapshot, states, export: each in time that grows with the run."""
    large = LARGE[name]
    began = time.process_time()
    executor = FlowChartExecutor(large.chart(), **large.dials)
    executor.enable_narrative()
    executor.run(**large.options)
    data = encode_trace(executor.get_trace())
    trace = decode_trace(data)
    counting = Counting()
    replay(trace, counting)
    assert counting.stages == large.stages
    assert counting.writes >= large.stages - 201
    state = msgspec.json.decode(msgspec.json.encode(trace.final_state()))
    assert state == large.final_state
    assert len(trace.narrative) > large.stages
    snapshot = trace.snapshot
    assert snapshot["sharedState"] == state
    assert trace.state_at(len(snapshot["commitLog"])) == state
    assert trace.state_at(1).get("n") == 1
    if large.nests:
        exported = trace.to_footprintjs()
        assert msgspec.json.decode(msgspec.json.encode(exported)) == exported
    else:
        with pytest.raises(NestingTooDeepError, match="readers of JSON give up near 1,000"):
            trace.to_footprintjs()
    assert time.process_time() - began < 60  # on a machine of today: 10 s at most
    forget(trace)


def forget(trace: Trace) -> None:
    """A tree of 100,000 levels is taken apart without recursion."""
    trace.__dict__.clear()
    gc.collect()
