"""What is left out, and what is cut short, before a trace is shipped; the answer never shows it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from footpath import flow_chart, ops
from footpath.chart import Pausable
from footpath.ids import IdMaker
from footpath.trace import decode_trace
from footpath_service.adapters.memory import MemoryQueue, MemoryStore
from footpath_service.catalog import Catalog
from footpath_service.direct import answer_direct
from footpath_service.flows import Flow
from footpath_service.request import RequestHandler
from footpath_service.sampling import Sampler, read_sampling, share_of
from footpath_service.ship import Shipper
from footpath_service.wire import decode_body
from tests.unit.service._fakes import SETTINGS, CountingMetrics, ListLog

if TYPE_CHECKING:
    from footpath.trace import Trace

NEARLY_NONE = '[{"keep": 0.000001}]'


def _say(scope: Any) -> int:
    args = ops(scope).args
    for number in range(args.get("rounds", 1)):
        scope.noise = f"{number % 10}" * args.get("bytes", 1)
    if args.get("fails"):
        raise ValueError("no more")
    time.sleep(args.get("seconds", 0))
    return args.get("rounds", 1)


def _ask(scope: Any) -> dict[str, str]:
    return {"question": "go on?"}


def _answered(scope: Any, given: Any) -> None:
    scope.given = given


def _charts() -> list[Flow]:
    return [
        Flow("say", lambda: flow_chart("Say", _say, "say").build()),
        Flow(
            "ask",
            lambda: (
                flow_chart("Say", _say, "say").add_pausable_function("Ask", Pausable(_ask, _answered), "ask").build()
            ),
        ),
    ]


class Service:
    """A request handler over memory, with rules."""

    def __init__(self, sampling: str = "", **settings: Any) -> None:
        self.queue, self.store = MemoryQueue(), MemoryStore()
        self.metrics, self.log = CountingMetrics(), ListLog()
        self.printed: list[str] = []
        chosen = replace(SETTINGS, **settings)
        shipper = Shipper(
            queue=self.queue, store=self.store, settings=chosen, write_log=self.printed.append, metrics=self.metrics
        )
        self.handler = RequestHandler(
            catalog=Catalog(_charts()),
            shipper=shipper,
            settings=chosen,
            make_id=IdMaker(),
            metrics=self.metrics,
            log=self.log,
            sampler=Sampler(read_sampling(sampling)) if sampling else None,
        )

    def run(self, chart: str = "say", remaining_ms: float = 30_000, /, **more: Any) -> dict[str, Any]:
        ends = time.monotonic() + remaining_ms / 1000
        event = {"chart": chart, **more}
        return answer_direct(self.handler, event, remaining_ms=lambda: (ends - time.monotonic()) * 1000, about={})

    def traces(self) -> list[Trace]:
        return [
            decode_trace(decode_body(sent.body, store=self.store, bucket="archive")) for sent in self.queue.messages
        ]


def test_a_trace_sampled_out_is_counted_and_sent_nowhere() -> None:
    """The answer is the same, its id included."""
    service = Service(NEARLY_NONE)
    answer = service.run()
    assert (answer["status"], answer["result"], len(answer["traceId"])) == ("completed", 1, 36)
    assert service.traces() == []
    assert service.metrics.counts == {"TracesCaptured": 1, "TracesSampledOut": 1}
    assert list(service.store.list_keys("")) == []
    assert service.printed == []


def test_a_kept_trace_says_how_many_it_stands_for() -> None:
    """And who is kept follows from its id."""
    service = Service('[{"keep": 0.5}]')
    ids = [service.run()["traceId"] for _ in range(40)]
    traces = service.traces()
    assert [trace.trace_id for trace in traces] == [one for one in ids if share_of(one) < 0.5]
    assert 0 < len(traces) < 40
    assert {trace.weight for trace in traces} == {2.0}
    assert service.metrics.counts["TracesCaptured"] == 40


def test_a_run_that_says_too_much_is_kept() -> None:
    """By number or by size: whoever looks for runaways must find them."""
    service = Service(NEARLY_NONE, max_trace_entries=1_000, max_trace_bytes=100_000)
    service.run(input={"rounds": 3_000})
    service.run(input={"rounds": 60, "bytes": 10_000})
    assert [trace.truncated is not None for trace in service.traces()] == [True, True]


def test_failures_pauses_and_what_follows_them_are_kept_whole() -> None:
    """No phase of a resumed run is missing, and none stands for others."""
    service = Service(NEARLY_NONE)
    with pytest.raises(ValueError, match="no more"):
        service.run(input={"fails": True})
    checkpoint = service.run("ask")["checkpoint"]
    assert service.run("ask", checkpoint=checkpoint, input=True)["status"] == "completed"
    traces = service.traces()
    assert [trace.status for trace in traces] == ["failed", "paused", "completed"]
    assert traces[2].document.continues == traces[1].trace_id
    assert {trace.weight for trace in traces} == {1.0}


def test_the_final_trace_follows_a_partial_one_whatever_the_rules_say() -> None:
    """Else the archive would say for ever that the run ran out of time."""
    service = Service(NEARLY_NONE, ship_budget_ms=20_000, deadline_margin_ms=1_000)
    assert service.run("say", 21_300, input={"seconds": 0.8})["status"] == "completed"
    assert [(trace.revision, trace.status) for trace in service.traces()] == [(0, "deadline"), (1, "completed")]


def test_a_trace_that_can_not_be_judged_is_kept() -> None:
    """A fault of sampling loses nothing."""
    service = Service(NEARLY_NONE)

    def broken(_trace: Any) -> Any:
        raise ZeroDivisionError

    service.handler._sampler.judge = broken  # type: ignore[union-attr,method-assign]
    service.run()
    assert len(service.traces()) == 1
    assert service.log.told("warning")[0]["error_type"] == "ZeroDivisionError"


@pytest.mark.parametrize(
    ("given", "settings", "reason"),
    [
        ({"rounds": 3_000}, {"max_trace_entries": 1_000}, "entries"),
        ({"rounds": 60, "bytes": 10_000}, {"max_trace_bytes": 100_000}, "bytes"),
    ],
)
@pytest.mark.parametrize("fails", [False, True])
def test_a_run_that_says_too_much_is_answered_the_same_and_its_trace_cut(
    given: dict[str, Any], settings: dict[str, Any], reason: str, fails: bool
) -> None:
    """Shipped, not dropped; with the facts of the whole run, and a mark where it was cut."""
    service = Service(**settings)
    if fails:
        with pytest.raises(ValueError, match="no more"):
            service.run(input=given | {"fails": True})
    else:
        assert service.run(input=given)["result"] == given["rounds"]
    (trace,) = service.traces()
    assert trace.truncated is not None
    assert trace.truncated["reason"] == reason
    assert trace.status == ("failed" if fails else "completed")
    assert (trace.error or {}).get("message") == ("no more" if fails else None)
    assert trace.narrative[-1].type == "truncated" or fails
    assert service.metrics.counts["TracesTruncated"] == 1
    assert service.metrics.counts["TracesDropped"] == 0
    assert len(trace.encoded) <= 100_000


def test_a_header_that_alone_is_too_large_is_dropped_and_said() -> None:
    """Nothing can be cut there; its header goes to the log as ever."""
    service = Service(max_trace_bytes=2_000)
    service.run(input={"text": "x" * 5_000})
    assert service.metrics.counts["TracesDropped"] == 1
    assert '"footpath":"dropped"' in service.printed[0]
