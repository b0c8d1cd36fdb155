"""The public API as a type checker sees it: never run, checked by pyright and mypy, both strict (`make lint`).

A line that must not pass carries both checkers' comments; either would say if its own were not needed.
"""

from __future__ import annotations

from typing import Any, assert_type

from msgspec import UnsetType

from footpath import (
    ABSENT,
    Child,
    ComposableRunner,
    Decision,
    DynamicSubflow,
    FlowChart,
    FlowChartExecutor,
    Pausable,
    RedactionPolicy,
    RetryPolicy,
    Rule,
    RunContext,
    RunResult,
    Scope,
    Selection,
    StageNode,
    Trace,
    decide,
    decode_trace,
    encode_trace,
    flow_chart,
    flow_chart_selector,
    interrupt,
    ops,
    replay,
    select,
)
from footpath.channels import (
    CombinedRecorder,
    DecisionEvent,
    EmitRecorder,
    FlowErrorEvent,
    FlowRecorder,
    ObserverStats,
    ReadEvent,
    ScopeErrorEvent,
    ScopeRecorder,
    StageExecutedEvent,
    WriteEvent,
)
from footpath.query import QualityStackTrace, SubtreeSnapshot, get_subtree_snapshot, quality_trace
from footpath.recorders import (
    KeyedStore,
    ManifestEntry,
    MetricRecorder,
    NarrativeFormatter,
    NarrativeRecorder,
    QualityRecorder,
    Score,
    SequenceStore,
    StepMetrics,
)
from footpath.replay import NarrativeEntry


# ── state: a class that names the keys; it is never made ───────────────────────────────────────────────────────────
class Loan:
    amount: int
    score: int
    approved: bool
    tags: list[str]


def receive(scope: Loan) -> None:
    assert_type(scope.amount, int)
    scope.score = scope.amount // 2
    scope.tags.append("new")
    scope.scoer = 3  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    scope.approved = "yes"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    ops(scope).emit("loan.received", {"amount": scope.amount})
    ops(scope).emit(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def assess(scope: Loan) -> int:
    return scope.score


def route(scope: Loan) -> Decision:
    return decide(
        scope,
        [
            {"when": {"score": {"gte": 600, "notIn": [999]}}, "then": "approve", "label": "good score"},
            {"when": lambda scope: scope.amount < 100, "then": "approve"},
            Rule(when=lambda scope: scope.score > 1, then="approve"),
        ],
        {"branch": "reject", "label": "otherwise"},
    )


def misrouted(scope: Loan) -> Decision:
    decide(scope, [{"when": lambda scope: scope.amuont < 1, "then": "a"}], "b")  # type: ignore[list-item]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownLambdaType]
    decide(scope, [{"when": {"score": {"gteq": 600}}, "then": "a"}], "b")  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    decide(scope, [{"when": {"score": {"gte": 600}}}], "b")  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    return decide(scope, [], {"brnach": "b"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def channels(scope: Loan) -> Selection:
    return select(scope, [{"when": {"approved": {"eq": True}}, "then": "email"}])


def ask(scope: Loan) -> dict[str, str] | None:
    return {"question": "?"} if scope.amount > 500 else None


def answered(scope: Loan, answer: bool) -> None:
    scope.approved = answer


class Other:
    colour: str


def paint(scope: Other) -> None:
    scope.colour = "red"


# ── charts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
chart = (
    flow_chart[Loan]("Receive", receive, "receive", description="Receive the application")
    .add_function("Assess", assess, "assess")
    .add_function("Note", lambda scope: assert_type(scope.score, int), "note")
    .add_pausable_function("Ask", Pausable(ask, answered), "ask")
    .add_decider_function("Route", route, "route")
    .add_function_branch("approve", "Approve", receive)
    .add_function_branch("reject", "Reject", receive)
    .set_default("reject")
    .end()
    .build()
)
assert_type(chart, FlowChart)
assert_type(chart.to_mermaid(), str)
(flow_chart[Loan]("Receive", receive, "receive").add_function("Paint", paint, "paint"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
flow_chart[Loan]("Paint", paint, "paint")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
flow_chart("Paint", 3, "paint")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def untyped(scope: Scope) -> None:
    assert_type(scope.anything, Any)
    scope.anything = 3


flow_chart("Any state", untyped, "any").add_function("Typed", receive, "typed").build()
flow_chart_selector[Loan]("Channels", channels, "channels").add_function_branch("email", "Email", receive).end().build()


def confirm(scope: Loan) -> None:
    assert_type(interrupt(scope, {"question": "Approve?"}), Any)
    assert_type(ops(scope).get("score", ABSENT), Any)
    ops(scope).set("score", 3, redact=True)


def grow(scope: Loan) -> StageNode:
    inner = DynamicSubflow("sub", "Sub", chart, output_mapper=lambda out, parent: {"of": parent["amount"]})
    DynamicSubflow("sub", "Sub", paint)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    StageNode("next", "Next", children=[chart])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    return StageNode("grown", "Grown", next=StageNode("then", "Then", confirm), children=[inner])


(
    flow_chart[Loan]("Confirm", confirm, "confirm", retry=RetryPolicy(3, backoff_ms=[10, 20], retry_on="busy"))
    .add_list_of_function([Child("left", "Left", receive, RetryPolicy(2)), Child("right", "Right", assess)])
    .add_function("Grow", grow, "grow")
    .build()
)
RetryPolicy("three")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Child(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# ── running and what it leaves ─────────────────────────────────────────────────────────────────────────────────────
executor = FlowChartExecutor(chart)
assert_type(executor.run(input={"amount": 100}), Any)
assert_type(executor.is_paused(), bool)
assert_type(executor.get_checkpoint(), dict[str, Any] | None)
assert_type(executor.get_snapshot(), dict[str, Any])
assert_type(executor.get_narrative(), list[str])
assert_type(executor.get_observer_stats(), ObserverStats | None)
assert_type(executor.get_commit_count(), int)
assert_type(executor.get_subflow_results(), dict[str, Any])
assert_type(executor.get_subflow_manifest(), list[ManifestEntry])
assert_type(executor.drain_observers(timeout_ms=5), int)
executor.set_read_tracking("off")
executor.set_write_tracking("summary")
executor.set_commit_values("delta")
part = get_subtree_snapshot(executor.get_snapshot(), "sub", executor.get_narrative_entries())
assert_type(part, SubtreeSnapshot | None)
trace = executor.get_trace()
assert_type(trace, Trace)
assert_type(decode_trace(encode_trace(trace)), Trace)
assert_type(trace.status, str)
executor.set_redaction_policy(RedactionPolicy(keys=("ssn",), fields={"person": ("name",)}, patterns=("^pan",)))
executor.set_redaction_policy(RedactionPolicy(fields=["person"]))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Lender:
    def to_flow_chart(self) -> FlowChart:
        return chart

    def run(self, given: int) -> RunResult:
        return (
            RunContext(chart)
            .recorder(MetricRecorder("numbers"))
            .redact(RedactionPolicy(keys=("ssn",)))
            .run({"n": given})
        )


lender: ComposableRunner[int, RunResult] = Lender()
assert_type(lender.run(3), RunResult)
assert_type(lender.run(3).output, Any)
assert_type(lender.run(3).commit_log, list[dict[str, Any]])
wrong: ComposableRunner[str, RunResult] = Lender()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
executor.run(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
FlowChartExecutor("chart")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# ── recorders: any object with an id; a base class, for whoever wants its hooks checked ────────────────────────────
class Writes(ScopeRecorder):
    id = "writes"

    def on_write(self, event: WriteEvent) -> None:
        assert_type(event.key, str)
        assert_type(event.value, Any)

    def on_read(self, event: DecisionEvent) -> None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


class Choices(FlowRecorder):
    id = "choices"
    delivery = "deferred"

    def on_decision(self, event: DecisionEvent) -> None:
        assert_type(event.chosen, str)


class Both(CombinedRecorder):
    def __init__(self) -> None:
        self.id = "both"

    def on_error(self, event: FlowErrorEvent | ScopeErrorEvent) -> None:
        if isinstance(event, FlowErrorEvent):
            assert_type(event.message, str)
        else:
            assert_type(event.operation, str)


class Duck:
    def __init__(self) -> None:
        self.id = "duck"

    def on_read(self, event: ReadEvent) -> None:
        assert_type(event.key, str)


class Nameless:
    def on_read(self, event: ReadEvent) -> None: ...


class Late(EmitRecorder):
    id = "late"
    delivery = "later"  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


executor.attach_scope_recorder(Writes())
executor.attach_flow_recorder(Choices(), delivery="deferred", max_queue=100, overflow="sample", sample_every=5)
executor.attach_combined_recorder(Both())
executor.attach_combined_recorder(Duck())
executor.attach_combined_recorder(Nameless())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
executor.attach_scope_recorder(Writes(), delivery="later")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
executor.attach_scope_recorder(Writes(), maxQueue=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
replay(trace, Writes(), Duck(), delivery="deferred")
replay(trace, Nameless())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

metric = MetricRecorder()
assert_type(metric.get_by_key("assess#1"), StepMetrics | None)
assert_type(metric.aggregate(lambda total, step, _key: total + step.duration, 0.0), float)
quality = QualityRecorder(lambda _step, context: Score(1.0, context.keys_read))
QualityRecorder(lambda _step, _context: "good")  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
assert_type(quality_trace(executor.get_snapshot()["commitLog"], quality, "assess#1"), QualityStackTrace)


class Headings(NarrativeFormatter):
    def render_stage(self, entry: NarrativeEntry, event: StageExecutedEvent | DecisionEvent) -> str | None:
        assert_type(event.description, str | UnsetType)
        return entry.text

    def render_op(self, entry: NarrativeEntry) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return entry.text


story = NarrativeRecorder(renderer=Headings(), format_value=lambda value, most: str(value)[:most])
NarrativeRecorder(format_value=lambda value: "")  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType]
assert_type(story.lines(), list[str])

store = KeyedStore[int]()
store.set("assess#1", 3)
store.set("assess#1", "3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
assert_type(store.get("assess#1"), int | None)
sequence: SequenceStore[Duck] = SequenceStore()
assert_type(sequence.get_all(), list[Duck])
