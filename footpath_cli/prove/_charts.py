"""The charts of the proof: small, because volume counts here, and one for each way a run may end."""

from __future__ import annotations

import threading
from random import Random
from typing import TYPE_CHECKING, Any

from footpath import decide, flow_chart, ops
from footpath_service.flows import Flow

if TYPE_CHECKING:
    from footpath.chart import FlowChart

SMALL, FAILING, LARGE, LATE, RUNAWAY = "small", "failing", "large", "late", "runaway"

partial_shipped = threading.Event()
"""Set by whoever sees the partial trace of a late run leave; the run's stage waits for it, as a stage that hangs would."""

_PATIENCE_S = 20.0


class RefusedError(Exception):
    """What a failing run raises."""


def _take(scope: Any) -> None:
    scope.asked = ops(scope).args["amount"]


def _choose(scope: Any) -> Any:
    return decide(scope, [{"when": {"asked": {"gt": 500}}, "then": "ask", "label": "a large amount"}], "grant")


def _grant(scope: Any) -> int:
    scope.granted = scope.asked
    return scope.granted


def _ask(scope: Any) -> int:
    scope.granted = scope.asked
    scope.large = True
    return scope.granted


def _small() -> FlowChart:
    return (
        flow_chart("Take", _take, "take")
        .add_decider_function("Choose", _choose, "choose")
        .add_function_branch("grant", "Grant", _grant)
        .add_function_branch("ask", "Ask", _ask)
        .set_default("grant")
        .end()
        .build()
    )


def _fail(scope: Any) -> None:
    scope.granted = scope.asked
    raise RefusedError(f"nothing is granted after {scope.granted}")


def _failing() -> FlowChart:
    return flow_chart("Take", _take, "take").add_function("Fail", _fail, "fail").build()


def _keep(scope: Any) -> int:
    args = ops(scope).args
    scope.granted = args["amount"]
    scope.noise = Random(args["amount"]).randbytes(args["bytes"]).hex()  # noqa: S311 - noise, so that it packs badly
    return scope.granted


def _large() -> FlowChart:
    return flow_chart("Keep", _keep, "keep").build()


def _hang(scope: Any) -> int:
    scope.granted = scope.asked
    partial_shipped.wait(_PATIENCE_S)
    return scope.granted


def _late() -> FlowChart:
    return flow_chart("Take", _take, "take").add_function("Hang", _hang, "hang").build()


def _grant_at_once(scope: Any) -> None:
    scope.granted = scope.asked


def _run_away(scope: Any) -> int:
    """Says far more than its trace may hold, by number or by size."""
    args = ops(scope).args
    for number in range(args["rounds"]):
        scope.noise = str(number % 10) * args["bytes"]
    return scope.granted


def _runaway() -> FlowChart:
    return (
        flow_chart("Take", _take, "take")
        .add_function("Grant", _grant_at_once, "grant")
        .add_function("Run away", _run_away, "run-away")
        .build()
    )


def charts() -> list[Flow]:
    """What the proof's handlers serve."""
    return [
        Flow(SMALL, _small),
        Flow(FAILING, _failing),
        Flow(LARGE, _large),
        Flow(LATE, _late),
        Flow(RUNAWAY, _runaway),
    ]
