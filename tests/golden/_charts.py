"""The runs whose traces are kept: together they hold every kind of journal entry there is."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from footpath import (
    Child,
    DynamicSubflow,
    FlowChart,
    FlowChartExecutor,
    Pausable,
    RedactionPolicy,
    RetryPolicy,
    StageNode,
    Trace,
    decide,
    flow_chart,
    ops,
    select,
)
from footpath.ids import uuid7_text


class Ticks:
    """A clock that goes on by 250 microseconds each time it is asked."""

    def __init__(self, start: int = 0) -> None:
        self.now = start

    def __call__(self) -> int:
        self.now += 250_000
        return self.now


class Ids:
    """Ids that count."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return uuid7_text(1_764_000_000_000, self.count)


def executor(chart: FlowChart, **options: Any) -> FlowChartExecutor:
    """An executor whose runs repeat."""
    made = FlowChartExecutor(chart, clock=Ticks(), wall_clock=Ticks(1_764_000_000_000_000_000), ids=Ids(), **options)
    made.enable_narrative()
    return made


def finished(made: FlowChartExecutor, run: Callable[[], Any]) -> Trace:
    """The trace of a run, whatever became of it."""
    with suppress(Exception):  # some of them are meant to fail
        run()
    return made.get_trace(context={"function": "golden", "requestId": "r-1"})


# ── a line, a decision, a loop ───────────────────────────────────────────────────────────────────────────────────────
def _receive(scope: Any) -> None:
    scope.asked = ops(scope).args["amount"]
    scope.customer = {"name": "Ada", "address": {"city": "London"}}
    scope.tags = ["new"]
    ops(scope).set("source", "web", description="where it came from")
    ops(scope).emit("loan.received", {"amount": scope.asked})
    ops(scope).emit("loan.ping")


def _enrich(scope: Any) -> None:
    scope.customer["address"]["zip"] = "90210"
    scope.tags.append("vip")
    scope.region = ops(scope).env["region"]
    scope.known = "customer" in scope
    scope.rate = 4.5
    del scope.source
    notes = ops(scope)
    notes.debug("step", 1)
    notes.log("looked up")
    notes.error("warn", {"late": True})
    notes.metric("ms", 12)
    notes.evaluate("fit", 0.9)


def _patch(scope: Any) -> None:
    ops(scope).update("limits", {"low": 1})
    scope.limits = {"high": 9}
    ops(scope).update("limits", {"mid": 5})


def _flaky() -> Callable[[Any], None]:
    tries = [0]

    def call(scope: Any) -> None:
        scope.attempt = (scope.attempt or 0) + 1
        tries[0] += 1
        if tries[0] < 2:
            raise ConnectionError("bureau is away")

    return call


def _route(scope: Any) -> Any:
    return decide(
        scope,
        [
            {"when": {"asked": {"gt": 1000}, "region": {"in": ["eu"]}}, "then": "review", "label": "large"},
            {"when": lambda s: s.asked < 0, "then": "review"},
        ],
        {"branch": "approve", "label": "small"},
    )


def _again(scope: Any) -> None:
    scope.count = (scope.count or 0) + 1
    scope.log = [*(scope.log or []), scope.count]
    if scope.count >= 3:
        ops(scope).break_flow({"why": "often enough"})


def _nothing(_: Any) -> None:
    return None


def line() -> Iterator[Trace]:
    """Reads, writes of every kind, notes, attempts, decisions, a loop."""
    chart = (
        flow_chart("Receive", _receive, "receive", description="Receive the application")
        .add_function("Enrich", _enrich, "enrich")
        .tag("pii")
        .add_function("Patch", _patch, "patch")
        .add_function("Call bureau", _flaky(), "bureau")
        .retry(RetryPolicy(3, [1]))
        .add_decider_function("Route", _route, "route", "Route by amount")
        .add_function_branch("review", "Review", _nothing)
        .add_function_branch("approve", "Approve", _nothing)
        .set_default("approve")
        .end()
        .add_function("Step", _nothing, "step")
        .add_decider_function("Raw", lambda _: "nowhere", "raw")
        .add_function_branch("other", "Other", _nothing)
        .set_default("other")
        .end()
        .add_function("Again", _again, "again")
        .loop_to("again")
        .build()
    )
    made = executor(chart, initial_context={"seeded": {"a": [1]}}, write_provenance="reads-prefix")
    yield finished(made, lambda: made.run(input={"amount": 900}, env={"region": "eu"}))


# ── parallel things and subflows ─────────────────────────────────────────────────────────────────────────────────────
def _write_own(name: str) -> Callable[[Any], Any]:
    def stage(scope: Any) -> dict[str, str]:
        scope.own = f"{name} of {scope.amount}"
        return {"by": name}

    return stage


def _fails(scope: Any) -> None:
    scope.partial = True
    raise ValueError("child failed")


async def _waits(scope: Any) -> None:
    scope.waited = True


def _pick(scope: Any) -> Any:
    rules = [{"when": {"amount": {"gte": 1}}, "then": name} for name in ("left", "right")]
    return select(scope, [*rules, {"when": {"amount": {"lt": 0}}, "then": "never"}])


def parallel() -> Iterator[Trace]:
    """A fork, a selector, subflows in line and beside each other, one run of a chart per item."""
    inner = (
        flow_chart("In", _write_own("inner"), "in", "Begin inside")
        .add_function("Out", lambda scope: ops(scope).break_flow("done inside"), "out")
        .build()
    )
    item = flow_chart("Square", lambda scope: scope["item"] ** 2, "square").build()
    mapped: dict[str, Any] = {
        "input_mapper": lambda parent: {"amount": parent["amount"], "list": [1]},
        "output_mapper": lambda sub, parent: {"list": [len(parent)], "box": {"own": sub.get("own", "none")}},
    }
    chart = (
        flow_chart("Start", lambda scope: scope.__setitem__("amount", 5), "start")
        .add_list_of_function(
            [
                Child("one", "One", _write_own("one")),
                Child("two", "Two", _waits),
                Child("three", "Three", _fails),
            ]
        )
        .add_function("Middle", _nothing, "middle")
        .add_sub_flow_chart_next("sf", inner, "Inner", propagate_break=False, **mapped)
        .add_selector_function("Pick", _pick, "pick")
        .add_function_branch("left", "Left", _write_own("left"))
        .add_sub_flow_chart_branch("right", inner, "Right", **mapped)
        .add_function_branch("never", "Never", _nothing)
        .end()
        .add_function("After", _nothing, "after")
        .add_parallel_for_each(
            "Each", "each", items=lambda _: [2, 3, 4], branch=lambda *_: item, max_branches=2, into="squares"
        )
        .add_lazy_sub_flow_chart_next("lazy", lambda: inner, "Lazy", propagate_break=True)
        .add_function("Unreached", _nothing, "unreached")
        .build()
    )
    made = executor(chart, commit_values="delta")
    yield finished(made, made.run)


# ── pausing ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def _ask(scope: Any) -> dict[str, str]:
    scope.asked = "manager"
    return {"question": "approve?"}


def _answered(scope: Any, answer: Any) -> None:
    scope.answer = answer


def pausing() -> Iterator[Trace]:
    """A run that pauses inside a subflow, and the phase that goes on from its checkpoint elsewhere."""
    asking = flow_chart("Prepare", _write_own("asker"), "prepare").add_pausable_function(
        "Ask", Pausable(_ask, _answered), "ask"
    )
    chart = (
        flow_chart("Begin", lambda scope: scope.__setitem__("amount", 7), "begin")
        .add_sub_flow_chart_next(
            "sf", asking.build(), "Asking", input_mapper=lambda parent: {"amount": parent["amount"]}
        )
        .add_function("Tell", lambda scope: scope.amount, "tell")
        .build()
    )
    first = executor(chart)
    yield finished(first, first.run)
    checkpoint = json.loads(json.dumps(first.get_checkpoint()))
    second = executor(chart)
    second._ids.count = 10  # type: ignore[attr-defined]
    yield finished(second, lambda: second.resume(checkpoint, {"ok": True}))


# ── hiding ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def _take_card(scope: Any) -> None:
    scope.early = "card 4929-1234-5678 seen"
    scope.card = "4929-1234-5678"
    scope.person = {"name": "Ada Lovelace", "address": {"zip": "90210", "city": "London"}}
    ops(scope).set("once", {"token": "tok-123456"}, redact=True)
    held = {"a": 1}
    scope.held = held
    held["b"] = 2
    ops(scope).emit("auth.token", "tok-123456")


def _use_card(scope: Any) -> None:
    _ = scope.card, scope.person["name"], scope.once
    ops(scope).update("card", "4929-8765-4321")
    ops(scope).update("person", {"name": "Ada King"})
    decide(scope, [{"when": {"card": {"eq": "4929-8765-4321"}}, "then": "a"}], "b")
    del scope.once
    raise LookupError(f"no bank for {scope.card}")


def hiding() -> Iterator[Trace]:
    """Values hidden by key, by field, by call and by event name; known too late for the first write."""
    policy = RedactionPolicy(keys=("card",), fields={"person": ("name", "address.zip")}, emit_patterns=("^auth",))
    chart = flow_chart("Take card", _take_card, "take").add_function("Use card", _use_card, "use").build()
    made = executor(chart)
    made.set_redaction_policy(policy)
    yield finished(made, lambda: made.run(input={"note": "about 4929-1234-5678"}))


def hiding_parts() -> Iterator[Trace]:
    """Commits as deltas: hidden lists that grow, fields of what is mapped into a chart and out of it."""

    def begin(scope: Any) -> None:
        scope.tokens = ["tok-111111", "plain"]
        scope.person = {"name": "Ada Lovelace", "town": "London"}
        scope.list = ["tok-222222", 1]

    def grow(scope: Any) -> None:
        scope.tokens = [*scope.tokens, "tok-333333"]
        ops(scope).set("key", "tok-222222", redact=True)
        scope.list = [*scope.list, 2]

    inner = flow_chart("Inner", _write_own("inner"), "inner").build()
    chart = (
        flow_chart("Begin", begin, "begin")
        .add_function("Grow", grow, "grow")
        .add_sub_flow_chart_next(
            "sub",
            inner,
            "Sub",
            input_mapper=lambda parent: {"person": parent["person"]},
            output_mapper=lambda _sub, _parent: {"list": [3], "tokens": ["tok-444444"], "person": {"age": 36}},
        )
        .build()
    )
    made = executor(chart, commit_values="delta")
    made.set_redaction_policy(RedactionPolicy(keys=("tokens",), fields={"person": ("name", "address.zip")}))
    yield finished(made, made.run)


# ── what else can happen ─────────────────────────────────────────────────────────────────────────────────────────────
def streaming() -> Iterator[Trace]:
    """Tokens, stages and charts that a stage returned, values of kinds that JSON does not know."""

    def talk(scope: Any) -> None:
        for word in ("one ", "two"):
            ops(scope).token(word)
        scope.odd = {
            "price": decimal.Decimal("1.50"),
            "at": dt.date(2026, 1, 2),
            "keys": {1: "one"},
            "nan": float("nan"),
        }
        knot: list[Any] = [1]
        knot.append(knot)
        scope.knot = knot
        scope.half = "\ud83d"

    extra = flow_chart("Extra", _write_own("extra"), "extra", "More").build()
    dynamic = StageNode("dyn", "Dynamic", children=[DynamicSubflow("d1", "D1", extra)])
    hop = StageNode("hop", "Hop", next=StageNode("hop-to", "Hop to", _nothing))
    chart = (
        flow_chart("Quiet", _nothing, "quiet")
        .add_streaming_function("Talk", talk, "talk")
        .add_function("Dynamic", lambda _: dynamic, "dynamic")
        .add_function("Hop", lambda _: hop, "hop")
        .build()
    )
    made = executor(chart, read_tracking="summary", write_tracking="summary")
    yield finished(made, made.run)


def limits() -> Iterator[Trace]:
    """Runs that the engine ends: nested too deep, looped too often, told to stop; and one that is not over yet."""
    nested = flow_chart("Top", _nothing, "top").add_list_of_function([Child("deep", "Deep", _nothing)]).build()
    made = executor(nested)
    yield finished(made, lambda: made.run(max_depth=1))
    loop = (
        flow_chart("Go", _nothing, "go")
        .add_decider_function("Which", lambda _: "back", "which")
        .add_function_branch("back", "Back", lambda scope: scope.__setitem__("n", 1), loop_to="go")
        .end()
        .build()
    )
    looping = executor(loop)
    yield finished(looping, lambda: looping.run(max_iterations=2))
    late = executor(flow_chart("Slow", _nothing, "slow").add_function("Late", _nothing, "late").build())
    yield finished(late, lambda: late.run(timeout_ms=0.6))
    hung = (
        flow_chart("Start", lambda scope: scope.__setitem__("n", (scope.n or 0) + 1), "start")
        .add_decider_function("Which", lambda scope: "on" if scope.n < 2 else "off", "which")
        .add_function_branch("on", "On", _nothing)
        .add_function_branch("off", "Off", lambda scope: ops(scope).break_flow())
        .end()
        .loop_to("start")
        .build()
    )
    loops = executor(hung)
    yield finished(loops, lambda: loops.run(max_iterations=3))
    seen: list[Trace] = []
    half: Any = None

    def look(scope: Any) -> None:
        scope.half = 1
        seen.append(half.get_trace())

    half = executor(flow_chart("Look", look, "look").build())
    half.run()
    yield seen[0]


# ── what stands in the spec and the header, and is not repeated ──────────────────────────────────────────────────────
def _ask_bureau(scope: Any) -> Any:
    scope.rounds = (scope.rounds or 0) + 1
    scope.note = "x" * 100
    return decide(
        scope,
        [
            {"when": {"score": {"gt": 700}, "note": {"ne": None}, "none": {"eq": 1}}, "then": "stop", "label": "good"},
            {"when": {"customer": {"in": [{"name": "A"}]}, "ratio": {"lte": 0.5}}, "then": "stop"},
            {
                "when": lambda state: state.rounds >= 2 and state.customer["name"] == "Zoë",
                "then": "stop",
                "label": "enough",
            },
            {"when": lambda state: state.rounds / 0, "then": "stop"},
        ],
        {"branch": "more", "label": "once more"},
    )


def _choose(scope: Any) -> Any:
    return select(
        scope,
        [
            {"when": {"rounds": {"gte": 2}}, "then": "mail", "label": "twice"},
            {"when": lambda state: state.score > 1000, "then": "call"},
        ],
    )


def told_once() -> Iterator[Trace]:
    """Charts declared as a whole, one of them mounted twice; input and result in the header; evidence of every kind."""
    ask = (
        flow_chart("Ask", lambda scope: scope.__setitem__("score", 650), "ask", "Ask the bureau")
        .tag("pii")
        .add_function("Check", _nothing, "check")
        .build()
    )
    chart = (
        flow_chart("Begin", lambda scope: scope.__setitem__("customer", {"name": "Zoë"}), "begin", "Begin here")
        .add_sub_flow_chart_next("bureau", ask, "Bureau", output_mapper=lambda out, _: {"score": out["score"]})
        .add_decider_function("Enough", _ask_bureau, "enough")
        .add_function_branch("more", "More", _nothing, loop_to="begin")
        .add_function_branch("stop", "Stop", _nothing)
        .set_default("more")
        .end()
        .add_sub_flow_chart_next("second", ask, "Second bureau")
        .add_selector_function("Tell", _choose, "tell")
        .add_function_branch("mail", "Mail", _nothing)
        .add_function_branch("call", "Call", _nothing)
        .end()
        .add_function("Done", lambda _: {"done": [True]}, "done")
        .build()
    )
    made = executor(chart, initial_context={"ratio": 0.75})
    yield finished(made, lambda: made.run(input={"amount": 900, "of": ["eu", 1.5]}))


RUNS: dict[str, Callable[[], Iterator[Trace]]] = {
    "line": line,
    "parallel": parallel,
    "pausing": pausing,
    "hiding": hiding,
    "hiding_parts": hiding_parts,
    "streaming": streaming,
    "limits": limits,
    "told_once": told_once,
}
