"""The whole way, walked the same on the host's emulator and in containers: HTTP in, archive, CLI out."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from infra.events import APPLICATION, CHART
from tests.sam._samples import EVENTS, EXPECTED
from tests.sam._world import Invoke, World

Http = Callable[[str, str, str | None], tuple[int, Any]]


def walk_from_http_to_the_archive(world: World, http: Http, invoke: Callable[[str, Any], Any]) -> None:
    """A request sent over HTTP ends as one line of the archive, the CLI reads it back, and the sealer lists it.

    Args:
        world: empty.
        http: sends method, path and body; gives status and the decoded body.
        invoke: gives a function's answer to an event.
    """
    status, body = http("GET", "/charts", None)
    assert status == 200, body
    assert CHART in json.dumps(body)
    status, body = http("POST", f"/charts/{CHART}/runs", json.dumps({"input": APPLICATION, "explain": True}))
    assert status == 200, body
    assert body["status"] == "completed"
    trace_id: str = body["traceId"]
    assert [message["MessageAttributes"]["traceId"]["StringValue"] for message in world.waiting()] == [trace_id]

    poller = world.drain(partial(invoke, "TraceProcessor"))
    assert poller.counts["invocations"] == 1
    assert poller.counts["deleted"] == 1

    assert_archived(world, trace_id, body)
    sealed = invoke("TraceSealer", EVENTS["schedule"])
    assert (sealed["traces"], sealed["clashes"], sealed["complete"]) == (1, [], True)
    assert "1 digest" in world.footpath("traces", "verify")


def assert_archived(world: World, trace_id: str, answer: Any) -> None:
    """One line of the archive is the run that was answered, and the CLI tells its story and its reason."""
    (line,) = world.archived()
    assert line["traceId"] == trace_id
    assert line["state"]["decision"] == answer["result"]["decision"]
    if "narrative" in answer:
        assert line["narrative"] == answer["narrative"]
    told = world.footpath("traces", "get", trace_id[:13])
    assert trace_id in told
    assert "Credit Decision" in told
    why = world.footpath("traces", "why", trace_id)
    assert f'wrote decision = "{answer["result"]["decision"]}"' in why


def ask_of_every_sample(name: str, invoke: Invoke, world: World) -> None:
    """A sample's answer is right, and so are queue, archive and dead letters after it."""
    expected = EXPECTED[name]
    world.empty()
    answer = invoke(EVENTS[name])
    # Never by the header: SAM's servers leave `FunctionError` out.
    assert not (isinstance(answer, dict) and "errorType" in answer), answer
    expected.answer(answer)
    assert len(world.waiting()) == expected.sent
    assert len({line["traceId"] for line in world.archived()}) == len(world.archived()) == expected.archived
    assert world.reasons() == expected.reasons
