"""The charts that are measured; `reference.mjs` has the same ones for footprintjs, stage by stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath import Child, FlowChartExecutor, decide, encode_trace, flow_chart, ops

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath import FlowChart, Trace


# ── linear: one stage reads three scalars and writes two ───────────────────────────────────────────────────────────
def _seed(scope: Any) -> None:
    scope.a = 1
    scope.b = 2
    scope.c = "three"
    scope.x = 0
    scope.y = "zero"


def _step(number: int) -> Callable[[Any], None]:
    def step(scope: Any) -> None:
        total = scope.a + scope.b
        _ = scope.c
        scope.x = total + number
        scope.y = total + 1

    return step


def linear(count: int) -> FlowChart:
    builder = flow_chart("S0", _seed, "s0")
    for number in range(1, count):
        builder = builder.add_function(f"S{number}", _step(number), f"s{number}")
    return builder.build()


def bare_linear(count: int) -> Callable[[], None]:
    """The same work by functions over a dict, with nothing recorded."""

    def seed(state: dict[str, Any]) -> None:
        state["a"] = 1
        state["b"] = 2
        state["c"] = "three"
        state["x"] = 0
        state["y"] = "zero"

    def step(number: int) -> Callable[[dict[str, Any]], None]:
        def stage(state: dict[str, Any]) -> None:
            total = state["a"] + state["b"]
            _ = state["c"]
            state["x"] = total + number
            state["y"] = total + 1

        return stage

    stages = [seed, *map(step, range(1, count))]

    def run() -> None:
        state: dict[str, Any] = {}
        for stage in stages:
            stage(state)

    return run


# ── loan: a mounted chart, an emit, a decision by three rules ──────────────────────────────────────────────────────
LOAN_INPUT = {"cs": 580, "d": 0.47, "emp": "self"}


def loan() -> FlowChart:
    def pull(scope: Any) -> None:
        scope.bureauScore = 655
        scope.tradelines = [{"id": 1, "bal": 1200}, {"id": 2, "bal": 88}]

    def normalise(scope: Any) -> None:
        scope.normScore = scope.bureauScore - 5

    def receive(scope: Any) -> None:
        args = ops(scope).args
        scope.creditScore = args["cs"]
        scope.dti = args["d"]
        scope.employmentStatus = args["emp"]
        scope.customer = {"name": "A B", "address": {"city": "X", "zip": "1"}}

    def assess(scope: Any) -> None:
        score = scope.creditScore
        normalised = scope.normScore
        scope.riskTier = "high" if score < 600 and normalised < 700 else "low"
        ops(scope).emit("loan.risk", {"score": score})

    def classify(scope: Any) -> Any:
        return decide(
            scope,
            [
                {"when": {"dti": {"gt": 0.5}}, "then": "review", "label": "high-DTI"},
                {
                    "when": {"creditScore": {"lt": 600}, "employmentStatus": {"ne": "self"}},
                    "then": "review",
                    "label": "weak-credit",
                },
                {"when": lambda state: state.riskTier == "high", "then": "reject", "label": "fn rule"},
            ],
            "approve",
        )

    def verdict(text: str) -> Callable[[Any], None]:
        def stage(scope: Any) -> None:
            scope.decision = text

        return stage

    def notify(scope: Any) -> None:
        scope.notified = scope.decision + ":" + scope.riskTier

    bureau = (
        flow_chart("PullBureau", pull, "pull", "Pull bureau data").add_function("Normalise", normalise, "norm").build()
    )
    return (
        flow_chart("ReceiveApplication", receive, "receive", "Receive the application")
        .add_sub_flow_chart_next(
            "bureau",
            bureau,
            "Bureau",
            input_mapper=lambda parent: {"appScore": parent["creditScore"]},
            output_mapper=lambda out, _: {"normScore": out["normScore"]},
        )
        .add_function("AssessRisk", assess, "assess", "Evaluate risk tier")
        .add_decider_function("Classify", classify, "classify", "Route based on risk tier")
        .add_function_branch("review", "ManualReview", verdict("REVIEW"))
        .add_function_branch("reject", "Reject", verdict("REJECTED"))
        .add_function_branch("approve", "Approve", verdict("APPROVED"))
        .set_default("approve")
        .end()
        .add_function("Notify", notify, "notify")
        .build()
    )


# ── loop, fork, large state ────────────────────────────────────────────────────────────────────────────────────────
def loop(passes: int, at_pass: Callable[[], None] | None = None, *, growing: bool = False) -> FlowChart:
    """A loop over one stage; `growing` makes each pass lengthen a list in the state."""

    def begin(scope: Any) -> None:
        scope.i = 0
        scope.total = 0
        if growing:
            scope.seen = []

    def step(scope: Any) -> None:
        if at_pass is not None:
            at_pass()
        i = scope.i
        if growing:
            scope.seen.append(i)
        scope.total = scope.total + i
        scope.i = i + 1
        if i + 1 >= passes:
            ops(scope).break_flow()

    return flow_chart("Init", begin, "init").add_function("Step", step, "step").loop_to("step").build()


def fork(count: int) -> FlowChart:
    def seed(scope: Any) -> None:
        scope.base = 10

    def child(number: int) -> Callable[[Any], None]:
        def stage(scope: Any) -> None:
            scope[f"out{number}"] = scope.base + number

        return stage

    def join(scope: Any) -> None:
        scope.done = True

    children = [Child(id=f"c{number}", name=f"Child{number}", fn=child(number)) for number in range(count)]
    return flow_chart("Seed", seed, "seed").add_list_of_function(children).add_function("Join", join, "join").build()


def large() -> FlowChart:
    """A megabyte in the state, written once and read once."""
    rows = [
        {
            "id": number,
            "name": f"customer-{number}",
            "balance": number * 1.5,
            "tags": ["a", "b"],
            "active": number % 2 == 0,
            "note": f"some text field of a row in the object {number}",
        }
        for number in range(8000)
    ]
    blob = {"rows": rows}

    def seed(scope: Any) -> None:
        scope.blob = blob

    def use(scope: Any) -> None:
        scope.n = 1

    def read(scope: Any) -> None:
        _ = scope.blob
        scope.n = 2

    return (
        flow_chart("Seed", seed, "seed")
        .add_function("UseSmall", use, "use")
        .add_function("ReadBlob", read, "read")
        .build()
    )


# ── what is done with them ─────────────────────────────────────────────────────────────────────────────────────────
def captured(chart: FlowChart, given: dict[str, Any] | None = None) -> FlowChartExecutor:
    """Run a chart as the request handler does, the narrative kept."""
    executor = FlowChartExecutor(chart)
    executor.enable_narrative()
    executor.run(input=given)
    return executor


def trace_of(chart: FlowChart, given: dict[str, Any] | None = None) -> Trace:
    return captured(chart, given).get_trace()


def document_of(chart: FlowChart, given: dict[str, Any] | None = None) -> bytes:
    """Run a chart and encode its trace."""
    return encode_trace(captured(chart, given).get_trace())
