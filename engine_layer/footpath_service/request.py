"""The request's use case: run a chart, answer, and see its trace off.

The answer never depends on the trace's fate, and the trace never on the answer's: a run that fails or pauses ships, a
run about to be killed ships what there is.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import UNSET, UnsetType

from footpath import FlowChartExecutor
from footpath.errors import RunError
from footpath.trace import Trace, cut_to_bytes, encode_trace
from footpath.values import plain, record
from footpath_service.deadline import DeadlineGuard
from footpath_service.errors import BadRequestError
from footpath_service.sampling import KEPT
from footpath_service.ship import TraceHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from footpath_service.catalog import Catalog
    from footpath_service.checkpoints import CheckpointSigner
    from footpath_service.flows import Flow
    from footpath_service.ports import Log, Metrics
    from footpath_service.sampling import Sampler, Verdict
    from footpath_service.settings import Settings
    from footpath_service.ship import Shipper

__all__ = ["Failure", "RequestHandler", "RunAnswer", "RunRequest", "read_request"]

_MEMBERS = ("input", "checkpoint", "explain")
_PAUSES = b'"isPausable":true'
_ANSWER_RESERVE_MS = 50
"""Of the time that remains, kept back from shipping so that the answer still gets out."""


class RunRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a caller asks for.

    Attributes:
        chart: name of the chart.
        input: for a new run its input; for a resumed one the answer that it waits for.
        checkpoint: of the paused run to go on with; absent for a new run.
        explain: whether the answer shall carry the story's lines.
    """

    chart: str
    input: Any = UNSET
    checkpoint: Any = UNSET
    explain: bool = False


class RunAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What a caller gets.

    Attributes:
        status: "completed" or "paused".
        result: what the chart returned, as JSON; null when nothing, or while paused.
        checkpoint: of a paused run; it holds the state as it is, hidden values too.
        narrative: the story's lines, where asked for.
    """

    trace_id: str
    chart: str
    status: str
    result: Any
    checkpoint: Any = UNSET
    narrative: list[str] | UnsetType = UNSET


class Failure(msgspec.Struct, frozen=True):
    """A run that failed.

    Attributes:
        trace_id: of its trace, which has been shipped.
        chart: what ran.
        error: what the stage raised, unchanged.
    """

    trace_id: str
    chart: str
    error: BaseException


def read_request(event: object, *, chart: str | None = None) -> RunRequest:
    """A request out of what a caller sent.

    Args:
        event: `{"chart", "input", "checkpoint", "explain"}`; the last three may be left out.
        chart: the chart's name where the address has it; then the event has none.

    Raises:
        BadRequestError: names everything that is wrong with its shape.
    """
    if not isinstance(event, dict):
        raise BadRequestError("the request is not a JSON object", [f"expected an object, got {_kind(event)}"])
    members = cast("dict[object, object]", event)
    known = ("chart", *_MEMBERS) if chart is None else _MEMBERS
    problems = [
        f"unknown member {str(name)[:80]!r}; known are {', '.join(known[:-1])} and {known[-1]}"
        for name in members
        if name not in known
    ]
    name = members.get("chart") if chart is None else chart
    if not isinstance(name, str) or not name:
        problems.append(f"chart: expected the name of a chart, got {_kind(name)}")
    checkpoint = members.get("checkpoint", UNSET)
    if checkpoint is not UNSET and not isinstance(checkpoint, dict):
        problems.append(f"checkpoint: expected an object, got {_kind(checkpoint)}")
    explain = members.get("explain", False)
    if not isinstance(explain, bool):
        problems.append(f"explain: expected true or false, got {_kind(explain)}")
    given = members.get("input", UNSET)
    if checkpoint is UNSET and given is not UNSET and given is not None and not isinstance(given, dict):
        problems.append(f"input: expected an object, got {_kind(given)}")
    if problems:
        raise BadRequestError("the request is malformed", problems)
    return RunRequest(cast("str", name), given, checkpoint, cast("bool", explain))


class RequestHandler:
    """Runs charts on request. One request at a time; nothing of a run outlives it but its trace.

    Args:
        catalog: the charts.
        shipper: takes the traces.
        settings: budget and margin.
        make_id: gives trace ids.
        metrics, log: for operators.
        sampler: says which traces are kept; all without one.
        signer: signs checkpoints; none are signed, and none are asked for a signature, without one.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        shipper: Shipper,
        settings: Settings,
        make_id: Callable[[], str],
        metrics: Metrics,
        log: Log,
        sampler: Sampler | None = None,
        signer: CheckpointSigner | None = None,
    ) -> None:
        self.catalog = catalog
        self._shipper = shipper
        self._settings = settings
        self._sampler = sampler
        self._signer = signer
        self._make_id = make_id
        self._metrics = metrics
        self._log = log

    def handle(
        self, request: RunRequest, *, remaining_ms: Callable[[], float], context: Mapping[str, str]
    ) -> RunAnswer | Failure:
        """Run, or go on with, what the request names.

        Args:
            request: see `RunRequest`.
            remaining_ms: what is left of the invocation, in milliseconds.
            context: who runs it: function, version, request id and the like; goes into the trace.

        Raises:
            UnknownChartError: there is no such chart.
            BadRequestError: the input breaks the chart's contract, or the checkpoint does not fit, or is not signed as
                it should be; nothing has run.
            NotNowError: the key that checkpoints are signed with is not to be had; nothing has run, unless the chart
                paused where its spec does not say so.
        """
        flow = self.catalog.flow(request.chart)
        if self._signer is not None:
            if request.checkpoint is not UNSET:
                self._signer.check(flow.name, request.checkpoint)
            elif _PAUSES in self.catalog.chart(flow.name).spec_bytes:
                self._signer.prepare()  # a run that could not be gone on with is better not begun
        run = _Run(self.catalog, flow, request, self._make_id(), context, self._settings)
        margin_ms = self._settings.ship_budget_ms + self._settings.deadline_margin_ms
        in_s = (remaining_ms() - margin_ms) / 1000
        with DeadlineGuard(in_s, lambda: self._ship_partial(run, remaining_ms), run.shed) as guard:
            outcome = run.go()
        header = TraceHeader(run.trace_id, 1, run.chart.id, run.status)
        # A partial trace that has left must not stand for the run for ever: its successor goes after it, whatever the
        # rules.
        verdict = KEPT if guard.fired else self._judge(run)
        if verdict.keep:
            self._ship(run, lambda: run.trace(verdict.weight), header, remaining_ms)
        else:
            self._shipper.leave_out(header)
        if self._signer is not None and isinstance(outcome, RunAnswer) and outcome.checkpoint is not UNSET:
            signed = self._signer.signed(flow.name, outcome.checkpoint)
            outcome = msgspec.structs.replace(outcome, checkpoint=signed)
        if isinstance(outcome, Failure):
            self._metrics.count("RequestsFailed")
            # Not the message: it may quote what must not be shown.
            self._log.error(
                "run failed", trace_id=run.trace_id, chart=request.chart, error_type=type(outcome.error).__name__
            )
        return outcome

    def _judge(self, run: _Run) -> Verdict:
        if self._sampler is None:
            return KEPT
        try:
            trace = run.trace()
            verdict = self._sampler.judge(trace)
            # One that would be cut to size is kept, as one is that was cut already; how long it is takes an encoding to
            # know.
            too_long = not verdict.keep and len(encode_trace(trace)) > self._settings.max_trace_bytes
            return KEPT if too_long else verdict
        except Exception as error:  # noqa: BLE001  # a trace that can't be judged is kept
            self._log.warning("a trace could not be judged", trace_id=run.trace_id, error_type=type(error).__name__)
            return KEPT

    def _ship_partial(self, run: _Run, remaining_ms: Callable[[], float]) -> None:
        trace = run.trace()
        if trace.revision != 0:
            return  # it ended just now; its final trace is on the way
        header = TraceHeader(run.trace_id, 0, run.chart.id, "deadline")
        self._ship(run, lambda: trace, header, remaining_ms)
        self._log.warning("the invocation is about to end; the partial trace was shipped", trace_id=run.trace_id)

    def _ship(
        self, run: _Run, trace: Callable[[], Trace], header: TraceHeader, remaining_ms: Callable[[], float]
    ) -> None:
        left_ms = remaining_ms() - _ANSWER_RESERVE_MS
        outcome = self._shipper.ship(header, lambda: self._encoded(trace()), left_ms)
        if outcome.way != "queue":
            self._log.warning(
                "the trace did not take the queue",
                trace_id=run.trace_id,
                revision=header.revision,
                way=outcome.way,
                failures=list(outcome.failures),
            )

    def _encoded(self, trace: Trace) -> bytes:
        """The document, cut to the size that may be shipped."""
        document = encode_trace(trace)
        if len(document) > self._settings.max_trace_bytes:
            short = cut_to_bytes(trace.document, self._settings.max_trace_bytes)
            if short is not None:
                trace = Trace(short)
                document = encode_trace(trace)
        if trace.truncated is not None:
            self._metrics.count("TracesTruncated")
        return document


class _Run:
    """One run of a chart, and what can be said of it at any moment."""

    def __init__(
        self,
        catalog: Catalog,
        flow: Flow,
        request: RunRequest,
        trace_id: str,
        context: Mapping[str, str],
        settings: Settings,
    ) -> None:
        self.chart = catalog.chart(flow.name)
        self.trace_id = trace_id
        self.status = "failed"
        self._request = request
        self._context = context
        self._checkpoint = cast("dict[str, Any]", request.checkpoint) if request.checkpoint is not UNSET else None
        self._max_bytes = settings.max_trace_bytes
        self._executor = executor = FlowChartExecutor(self.chart, max_entries=settings.max_trace_entries)
        executor.enable_narrative()
        if flow.redaction is not None:
            executor.set_redaction_policy(flow.redaction)

    def go(self) -> RunAnswer | Failure:
        """Run it to its end, its pause or its failure.

        Raises:
            BadRequestError: nothing has run; the input or the checkpoint does not fit.
        """
        request = self._request
        if self._checkpoint is None:
            self._check_input()
        try:
            return self._answer(self._called())
        except BaseException as error:
            # SystemExit and its like, too: whoever leaves that way leaves a trace, and the handler lets it go on.
            if not self._has_begun():
                if self._checkpoint is None and not isinstance(error, RunError):
                    raise  # not for what the caller sent
                what = "input" if self._checkpoint is None else "checkpoint"
                raise BadRequestError(f"the {what} does not fit", [f"{what}: {error}"]) from error
            return Failure(self.trace_id, request.chart, error)

    def _answer(self, result: Any) -> RunAnswer:
        executor = self._executor
        paused = executor.is_paused()
        self.status = "paused" if paused else "completed"
        return RunAnswer(
            trace_id=self.trace_id,
            chart=self._request.chart,
            status=self.status,
            # What JSON can't hold is answered in its recorded form: an answer that can't be encoded helps nobody.
            result=None if paused else plain(record(result)),
            # The trace's id travels with it, so that the next phase's trace can say what it continues.
            checkpoint={"traceId": self.trace_id, **(executor.get_checkpoint() or {})} if paused else UNSET,
            # The trace's, not the executor's: sealing hides what was found out to be secret only later in the run.
            narrative=[entry.text for entry in self.trace().narrative] if self._request.explain else UNSET,
        )

    def trace(self, weight: float = 1.0) -> Trace:
        """The trace as it stands; partial while the run goes on. Safe from another thread.

        Args:
            weight: how many runs it stands for.
        """
        trace = self._executor.get_trace(trace_id=self.trace_id, context=self._context)
        before = None if self._checkpoint is None else self._checkpoint.get("traceId")
        if not isinstance(before, str) and weight == 1:
            return trace
        continues = before if isinstance(before, str) else UNSET
        return Trace(msgspec.structs.replace(trace.document, continues=continues, weight=weight))

    def shed(self) -> None:
        """Give back the memory of what the trace will not hold; for a run that goes on and on."""
        self._executor.shed(self._max_bytes)

    def _called(self) -> Any:
        given = self._request.input
        if self._checkpoint is None:
            return self._executor.run(input=None if given is UNSET else given)
        if given is UNSET:
            return self._executor.resume(self._checkpoint)
        return self._executor.resume(self._checkpoint, given)

    def _check_input(self) -> None:
        given = self._request.input
        issues = self.chart.contract.check_input(None if given is UNSET else given)
        if issues:
            problems = [_problem(issue) for issue in issues]
            raise BadRequestError(f"the input breaks the contract of chart {self._request.chart!r}", problems)

    def _has_begun(self) -> bool:
        with contextlib.suppress(RunError):
            self._executor.get_trace(trace_id=self.trace_id)
            return True
        return False


def _problem(issue: Mapping[str, Any]) -> str:
    path = ".".join(str(step) for step in issue.get("path", ()))
    return f"input{'.' if path else ''}{path}: {issue.get('message', 'is wrong')}"


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    kinds: dict[type, str] = {
        dict: "an object",
        list: "an array",
        str: "a text",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return kinds.get(type(value), type(value).__name__)
