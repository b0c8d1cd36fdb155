from __future__ import annotations

import json
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from footpath.ids import IdMaker
from footpath.trace import decode_trace
from footpath_service.adapters.memory import MemoryQueue, MemoryStore
from footpath_service.catalog import Catalog
from footpath_service.direct import answer_direct
from footpath_service.errors import BadRequestError, UnknownChartError
from footpath_service.request import Failure, RequestHandler, RunAnswer, RunRequest, read_request
from footpath_service.ship import Shipper
from footpath_service.wire import decode_body
from tests.unit.service._charts import ODD, PolicyError, charts
from tests.unit.service._fakes import (
    SETTINGS,
    CountingMetrics,
    FaultyQueue,
    FaultyStore,
    ListLog,
    queue_down,
    store_down,
)

if TYPE_CHECKING:
    from footpath.trace import Trace
    from footpath_service.settings import Settings

ABOUT = {"function": "request-handler", "requestId": "r-1"}


class Service:
    """A request handler over memory."""

    def __init__(
        self, queue: MemoryQueue | None = None, store: MemoryStore | None = None, settings: Settings = SETTINGS
    ) -> None:
        self.queue = queue or MemoryQueue()
        self.store = store or MemoryStore()
        self.log = ListLog()
        self.metrics = CountingMetrics()
        self.printed: list[str] = []
        self.handler = RequestHandler(
            catalog=Catalog(charts()),
            shipper=Shipper(
                queue=self.queue,
                store=self.store,
                settings=settings,
                write_log=self.printed.append,
                metrics=self.metrics,
            ),
            settings=settings,
            make_id=IdMaker(),
            metrics=self.metrics,
            log=self.log,
        )

    def run(self, chart: str, given: Any = None, *, remaining_ms: float = 30_000, **more: Any) -> RunAnswer | Failure:
        ends = time.monotonic() + remaining_ms / 1000
        return self.handler.handle(
            RunRequest(chart, given, **more), remaining_ms=lambda: (ends - time.monotonic()) * 1000, context=ABOUT
        )

    def answer(self, chart: str, given: Any = None, **more: Any) -> RunAnswer:
        found = self.run(chart, given, **more)
        assert isinstance(found, RunAnswer)
        return found

    def direct(self, event: object) -> dict[str, Any]:
        return answer_direct(self.handler, event, remaining_ms=lambda: 30_000, about=ABOUT)

    def documents(self) -> list[bytes]:
        return [decode_body(sent.body, store=self.store, bucket="archive") for sent in self.queue.messages]

    def traces(self) -> list[Trace]:
        return [decode_trace(document) for document in self.documents()]


# ── answers ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_run_is_answered_and_its_trace_shipped() -> None:
    """Answer and trace share an id; the trace tells who ran it."""
    service = Service()
    answer = service.answer("loan", {"amount": 500, "name": "Ada"})
    assert (answer.chart, answer.status, answer.result) == (
        "loan",
        "completed",
        {"decision": "approved", "amount": 500},
    )
    (trace,) = service.traces()
    assert (trace.trace_id, trace.revision, trace.status) == (answer.trace_id, 1, "completed")
    assert trace.context == ABOUT
    assert service.metrics.counts == {"TracesCaptured": 1, "TracesQueued": 1}
    assert service.queue.messages[0].attributes["traceId"] == answer.trace_id


def test_an_explained_answer_has_the_story() -> None:
    """The lines are the trace's own."""
    service = Service()
    answer = service.answer("loan", {"amount": 5000, "name": "Ada"}, explain=True)
    (trace,) = service.traces()
    assert answer.narrative == [entry.text for entry in trace.narrative]
    assert any("too much" in line for line in answer.narrative)  # type: ignore[union-attr]
    assert "narrative" not in service.direct({"chart": "loan", "input": {"amount": 1, "name": "x"}})


def test_each_run_has_an_id_and_a_state_of_its_own() -> None:
    """F13: nothing of one run is in the next trace."""
    service = Service()
    service.run("loan", {"amount": 1, "name": "first-secret-name"})
    service.run("loan", {"amount": 2, "name": "other"})
    first, second = service.traces()
    assert first.trace_id < second.trace_id
    assert b"first-secret-name" not in second.encoded


# ── refusals ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_input_that_breaks_the_contract_is_refused_with_every_problem() -> None:
    """400; nothing ran, so there is no trace."""
    service = Service()
    with pytest.raises(BadRequestError) as caught:
        service.run("loan", {"amount": "ten"})
    assert len(caught.value.problems) == 2
    assert any("amount" in problem for problem in caught.value.problems)
    assert any("name" in problem for problem in caught.value.problems)
    assert service.queue.messages == []


def test_an_unknown_chart_is_refused_with_the_known_ones() -> None:
    """404; the caller sees what there is."""
    with pytest.raises(UnknownChartError, match="approval, broken") as caught:
        Service().run("lone", {})
    assert caught.value.known == tuple(sorted(flow.name for flow in charts()))


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (None, "expected an object, got nothing"),
        ([], "got an array"),
        ("loan", "got a text"),
        (7, "got a number"),
        ({}, "chart: expected the name of a chart, got nothing"),
        ({"chart": 5}, "chart: expected the name of a chart, got a number"),
        ({"chart": ""}, "chart: expected"),
        ({"chart": "loan", "input": [1]}, "input: expected an object, got an array"),
        ({"chart": "loan", "input": "x"}, "input: expected an object, got a text"),
        ({"chart": "loan", "explain": "yes"}, "explain: expected true or false, got a text"),
        ({"chart": "loan", "checkpoint": None}, "checkpoint: expected an object, got nothing"),
        ({"chart": "loan", "inputs": {}}, "unknown member 'inputs'"),
    ],
)
def test_a_malformed_request_is_refused(event: object, said: str) -> None:
    """Each mistake is named."""
    with pytest.raises(BadRequestError) as caught:
        read_request(event)
    assert any(said in problem for problem in caught.value.problems)


def test_all_mistakes_of_a_request_are_named_at_once() -> None:
    """One round of mending."""
    with pytest.raises(BadRequestError) as caught:
        read_request({"chart": 1, "input": 2, "explain": 3, "more": 4})
    assert len(caught.value.problems) == 4


def test_a_direct_caller_is_answered_a_refusal() -> None:
    """A mistake of the caller's is no error of the function's."""
    service = Service()
    refused = service.direct({"chart": "loan", "input": {}})
    assert (refused["statusCode"], refused["status"], refused["error"]["type"]) == (400, "rejected", "BadRequest")
    assert len(refused["error"]["problems"]) == 2
    unknown = service.direct({"chart": "nothing"})
    assert unknown["statusCode"] == 404
    assert "loan" in unknown["error"]["message"]
    json.dumps([refused, unknown])


# ── runs that fail ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_trace_of_a_failed_run_ships_with_what_was_done() -> None:
    """F3: status, failing stage, what was committed before; the caller gets the original error."""
    service = Service()
    failure = service.run("broken")
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, PolicyError)
    (trace,) = service.traces()
    assert (trace.trace_id, trace.status) == (failure.trace_id, "failed")
    assert trace.error == {"type": "PolicyError", "message": "no policy for kept", "stageId": "raise"}
    assert trace.snapshot["sharedState"]["before"] == "kept"
    assert service.metrics.counts["RequestsFailed"] == 1


def test_a_direct_caller_gets_the_original_error() -> None:
    """The very exception, with the stage at the end of its traceback."""
    service = Service()
    with pytest.raises(PolicyError, match="no policy for kept") as caught:
        service.direct({"chart": "broken"})
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "_raise"
    assert len(service.queue.messages) == 1


def test_a_stage_that_leaves_the_process_leaves_its_trace() -> None:
    """SystemExit goes on its way, after the trace."""
    service = Service()
    with pytest.raises(SystemExit):
        service.direct({"chart": "leaving"})
    assert [trace.status for trace in service.traces()] == ["failed"]


def test_the_log_of_a_failure_has_no_values() -> None:
    """An error's text may quote what must not be shown: the log names type and trace."""
    service = Service()
    service.run("broken")
    (told,) = service.log.told("error")
    assert told["error_type"] == "PolicyError"
    assert "kept" not in str(told)


# ── what can't be shipped changes nothing ──────────────────────────────────────────────────────────────────────────
def stable(answer: RunAnswer | Failure) -> bytes:
    assert isinstance(answer, RunAnswer)
    return msgspec.json.encode(msgspec.structs.replace(answer, trace_id="-"))


@pytest.mark.parametrize("store_fault", [None, store_down])
@pytest.mark.parametrize("queue_fault", [queue_down, lambda: 1 / 0, lambda: exec("raise MemoryError")])
def test_the_answer_is_the_same_whatever_becomes_of_the_trace(queue_fault: Any, store_fault: Any) -> None:
    """F1: byte for byte, but for the id."""
    given = {"amount": 5000, "name": "Ada"}
    control = stable(Service().run("loan", given, explain=True))
    assert (
        stable(Service(FaultyQueue(queue_fault), FaultyStore(store_fault)).run("loan", given, explain=True)) == control
    )


@pytest.mark.parametrize("what", sorted(ODD))
def test_whatever_a_stage_keeps_is_shipped(what: str) -> None:
    """NaN, surrogates, cycles, deep lists, objects, 5 MB: recording and sending never raise."""
    service = Service()
    answer = service.answer("odd", {"what": what})
    assert answer.result == "kept"
    (trace,) = service.traces()
    assert trace.trace_id == answer.trace_id
    assert service.queue.messages[0].body.isascii()


@pytest.mark.parametrize("what", sorted(ODD))
def test_whatever_a_chart_returns_is_answered_as_json(what: str) -> None:
    """Lambda encodes the answer with json.dumps: it must be able to."""
    service = Service()
    json.dumps(service.direct({"chart": "odd-result", "input": {"what": what}}), ensure_ascii=False).encode()
    assert len(service.traces()) == 1


@pytest.mark.parametrize(
    "given",
    [{"amount": float("nan"), "name": "x"}, {"amount": 1, "name": "lone \ud800"}, {"amount": 1, "name": "\ufffe\x00"}],
)
def test_odd_input_is_run_and_shipped(given: dict[str, Any]) -> None:
    """Lambda's own JSON reader lets these in."""
    service = Service()
    assert service.answer("loan", given).status == "completed"
    assert len(service.traces()) == 1


def test_a_trace_over_the_queues_limit_goes_by_claim() -> None:
    """5 MB of what does not shrink."""
    service = Service()
    service.run("odd", {"what": "noise"})
    assert service.queue.messages[0].body.startswith('{"claim":')
    assert len(service.traces()) == 1


def test_a_redacted_value_is_nowhere_in_what_is_sent() -> None:
    """Law 6: not under its key, and not inside another text."""
    service = Service(FaultyQueue(queue_down), FaultyStore(store_down))
    service.run("secret", {"ssn": "078-05-1120"})
    open_handed = Service()
    answer = open_handed.answer("secret", {"ssn": "078-05-1120"}, explain=True)
    assert answer.result == "done"
    assert "078-05-1120" not in str(answer.narrative)
    (document,) = open_handed.documents()
    assert b"078-05-1120" not in document
    assert service.printed
    assert "078-05-1120" not in "".join(service.printed) + str(service.log.entries)


# ── pause and resume ───────────────────────────────────────────────────────────────────────────────────────────────
def test_a_paused_run_answers_its_checkpoint_and_goes_on_with_it() -> None:
    """The checkpoint survives JSON and another process; the second trace says what it continues."""
    first = Service()
    paused = first.direct({"chart": "approval"})
    assert (paused["status"], paused["result"]) == ("paused", None)
    second = Service()
    checkpoint = json.loads(json.dumps(paused["checkpoint"]))
    answer = second.direct({"chart": "approval", "checkpoint": checkpoint, "input": "yes"})
    assert (answer["status"], answer["result"]) == ("completed", {"answer": "yes", "asked": "manager"})
    assert answer["traceId"] != paused["traceId"]
    assert [trace.status for trace in first.traces()] == ["paused"]
    (trace,) = second.traces()
    assert json.loads(trace.encoded)["continues"] == paused["traceId"]


@pytest.mark.parametrize(
    "checkpoint",
    [
        {},
        {"pausedStageId": "nowhere", "executionCount": 1, "visitCounts": {}, "sharedState": {}},
        {"pausedStageId": "ask", "executionCount": "x", "visitCounts": {}, "sharedState": {}},
        {"pausedStageId": "ask", "executionCount": 1, "visitCounts": [], "sharedState": {}},
        {"pausedStageId": "ask", "executionCount": 1, "visitCounts": {}, "sharedState": 5},
        {"pausedStageId": "ask", "executionCount": 1, "visitCounts": {}, "sharedState": {}, "subflowPath": ["x"]},
        {"pausedStageId": ["ask"], "executionCount": 1, "visitCounts": {}, "sharedState": {}},
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(checkpoint: dict[str, Any]) -> None:
    """Whoever sends it may have made it up; nothing runs."""
    service = Service()
    refused = service.direct({"chart": "approval", "checkpoint": checkpoint})
    assert refused["statusCode"] == 400
    assert "checkpoint" in refused["error"]["problems"][0]
    assert service.queue.messages == []


# ── the deadline ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_run_about_to_be_killed_ships_what_there_is() -> None:
    """F4: revision 0 with status deadline while the stage still sleeps; revision 1 when it ends after all."""
    service = Service(settings=replace(SETTINGS, ship_budget_ms=1_500, deadline_margin_ms=300))
    answer = service.answer("slow", {"seconds": 0.6}, remaining_ms=2_000)
    assert answer.result == "awake"
    partial, final = service.traces()
    assert (partial.trace_id, partial.revision, partial.status) == (answer.trace_id, 0, "deadline")
    assert partial.snapshot["sharedState"] == {"before": "kept"}
    assert (final.trace_id, final.revision, final.status) == (answer.trace_id, 1, "completed")


def test_a_run_that_ends_in_time_ships_once() -> None:
    """Never a partial trace beside a final one without need."""
    service = Service(settings=replace(SETTINGS, ship_budget_ms=100, deadline_margin_ms=100))
    service.run("slow", {"seconds": 0.01}, remaining_ms=2_000)
    time.sleep(0.05)
    assert [trace.revision for trace in service.traces()] == [1]
