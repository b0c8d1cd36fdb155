"""Small charts for the tests of the service, one for each way a run can end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from footpath.chart import Pausable, flow_chart
from footpath.scope import RedactionPolicy, decide, ops
from footpath_service.flows import Flow

if TYPE_CHECKING:
    from footpath.chart import FlowChart

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "number"}, "name": {"type": "string"}},
    "required": ["amount", "name"],
}


class PolicyError(Exception):
    """Raised by the stage that raises."""


def _receive(scope: Any) -> None:
    scope.asked = ops(scope).args["amount"]
    scope.customer = {"name": ops(scope).args["name"]}
    ops(scope).emit("loan.received", {"amount": scope.asked})


def _approve(scope: Any) -> dict[str, Any]:
    scope.decision = "approved"
    return {"decision": scope.decision, "amount": scope.asked}


def _reject(scope: Any) -> dict[str, Any]:
    scope.decision = "rejected"
    return {"decision": scope.decision, "amount": scope.asked}


def _choose(scope: Any) -> Any:
    return decide(scope, [{"when": {"asked": {"gt": 1000}}, "then": "reject", "label": "too much"}], "approve")


def loan() -> FlowChart:
    return (
        flow_chart("Receive", _receive, "receive", description="Receive a loan application")
        .add_decider_function("Decide", _choose, "decide")
        .add_function_branch("approve", "Approve", _approve)
        .add_function_branch("reject", "Reject", _reject)
        .set_default("approve")
        .end()
        .contract(input=SCHEMA)
        .build()
    )


def _write(scope: Any) -> None:
    scope.before = "kept"


def _raise(scope: Any) -> None:
    scope.partial = "staged"
    raise PolicyError(f"no policy for {scope.before}")


def broken() -> FlowChart:
    return flow_chart("Write", _write, "write").add_function("Raise", _raise, "raise").build()


def _exit(_scope: Any) -> None:
    raise SystemExit(3)


def leaving() -> FlowChart:
    return flow_chart("Leave", _exit, "leave").build()


def _sleep(scope: Any) -> str:
    scope.started = True
    time.sleep(ops(scope).args["seconds"])
    return "awake"


def slow() -> FlowChart:
    return flow_chart("Write", _write, "write").add_function("Sleep", _sleep, "sleep").build()


def _ask(scope: Any) -> dict[str, str]:
    scope.asked = "manager"
    return {"question": "approve?"}


def _answered(scope: Any, answer: Any) -> None:
    scope.answer = answer


def _tell(scope: Any) -> dict[str, Any]:
    return {"answer": scope.answer, "asked": scope.asked}


def approval() -> FlowChart:
    return (
        flow_chart("Write", _write, "write")
        .add_pausable_function("Ask", Pausable(_ask, _answered), "ask")
        .add_function("Tell", _tell, "tell")
        .build()
    )


def _secret(scope: Any) -> str:
    scope.social = ops(scope).args["ssn"]
    scope.note = f"the number is {scope.social}"
    return "done"


def secret() -> FlowChart:
    return flow_chart("Keep", _secret, "keep").build()


def _give(scope: Any) -> Any:
    return ODD[ops(scope).args["what"]]()


def _cycle() -> list[Any]:
    knot: list[Any] = []
    knot.append(knot)
    return knot


def _deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(3_000):
        value = [value]
    return value


ODD: dict[str, Any] = {
    "nan": lambda: float("nan"),
    "surrogate": lambda: "lone \ud800",
    "noncharacter": lambda: "odd \ufffe \x00",
    "set": lambda: {1, 2},
    "object": object,
    "cycle": _cycle,
    "deep": _deep,
    "bytes": lambda: b"\xff",
    "huge": lambda: "x" * 5_000_000,
    "noise": lambda: __import__("random").Random(1).randbytes(2_500_000).hex(),
    "keys": lambda: {1: 2, None: 3},
}


def _keep_odd(scope: Any) -> Any:
    scope.odd = ODD[ops(scope).args["what"]]()
    return "kept"


def odd() -> FlowChart:
    return flow_chart("Keep", _keep_odd, "keep").build()


def odd_result() -> FlowChart:
    return flow_chart("Give", _give, "give").build()


def _count(scope: Any) -> int:
    scope.n = (scope.n or 0) + 1
    if scope.n >= 3_000:
        ops(scope).break_flow("enough")
    return scope.n


def charts() -> list[Flow]:
    """What the tests serve."""
    return [
        Flow("loan", loan),
        Flow("broken", broken),
        Flow("leaving", leaving),
        Flow("slow", slow),
        Flow("approval", approval),
        Flow("secret", secret, RedactionPolicy(keys=("ssn", "social"))),
        Flow("odd", odd),
        Flow("odd-result", odd_result),
    ]
