"""The request handler, called by anybody with anything: an answer that says what is wrong, and never an error of ours."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest

from footpath.ids import IdMaker
from footpath_service.adapters.memory import MemoryQueue, MemoryStore
from footpath_service.catalog import Catalog
from footpath_service.direct import answer_direct
from footpath_service.http import HttpFace, is_http
from footpath_service.request import RequestHandler
from footpath_service.ship import Shipper
from footpath_service.wire import decode_body
from tests.unit.service._charts import charts
from tests.unit.service._fakes import SETTINGS, CountingMetrics, ListLog


class Service:
    """The handler over memory, with both of its faces."""

    def __init__(self) -> None:
        self.queue, self.store, self.metrics = MemoryQueue(), MemoryStore(), CountingMetrics()
        shipper = Shipper(
            queue=self.queue, store=self.store, settings=SETTINGS, write_log=lambda _: None, metrics=self.metrics
        )
        self.handler = RequestHandler(
            catalog=Catalog(charts()),
            shipper=shipper,
            settings=SETTINGS,
            make_id=IdMaker(),
            metrics=self.metrics,
            log=ListLog(),
        )
        self.face = HttpFace(self.handler)

    def direct(self, event: Any) -> dict[str, Any]:
        answer = answer_direct(self.handler, event, remaining_ms=lambda: 30_000, about={})
        json.dumps(answer)
        return answer

    def http(self, event: dict[str, Any]) -> tuple[int, Any]:
        answer = self.face.answer(event, remaining_ms=lambda: 30_000, about={})
        return answer["statusCode"], json.loads(answer["body"])

    def shipped(self) -> list[bytes]:
        return [decode_body(sent.body, store=self.store, bucket="archive") for sent in self.queue.messages]


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": [value]}
    return value


def post(body: Any, **changed: Any) -> dict[str, Any]:
    event = {
        "version": "2.0",
        "rawPath": "/charts/loan/runs",
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/charts/loan/runs"}, "stage": "$default"},
        "body": body,
        "isBase64Encoded": False,
    } | changed
    return {name: value for name, value in event.items() if value is not ...}


GOOD = {"amount": 500, "name": "Ada"}

MALFORMED: dict[str, Any] = {
    "nothing": None,
    "a number": 7,
    "a text": "loan",
    "a list": [{"chart": "loan"}],
    "empty": {},
    "no chart": {"input": GOOD},
    "a chart that is a number": {"chart": 7, "input": GOOD},
    "a chart without a name": {"chart": "", "input": GOOD},
    "a chart that is not served": {"chart": "lo\ud800an\u0000</script>", "input": GOOD},
    "a chart with a very long name": {"chart": "x" * 100_000, "input": GOOD},
    "input that is a text": {"chart": "loan", "input": "amount"},
    "input that is a list": {"chart": "loan", "input": [1]},
    "input of a wrong type": {"chart": "loan", "input": {"amount": "much", "name": 7}},
    "input that lacks a member": {"chart": "loan", "input": {"amount": 1}},
    "explain that is a text": {"chart": "loan", "input": GOOD, "explain": "yes"},
    "a member that is not known": {"chart": "loan", "inptu": GOOD},
    "a member of another kind": {7: 1, "chart": "loan"},
    "a checkpoint that is a text": {"chart": "loan", "checkpoint": "x"},
    "a checkpoint that is empty": {"chart": "loan", "checkpoint": {}},
    "an event of SQS": {"Records": [{"messageId": "1", "body": "{}"}]},
    "an event of a REST API": {"httpMethod": "POST", "path": "/charts/loan/runs", "body": "{}"},
    "a warm-up": {"source": "serverless-plugin-warmup"},
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_request_is_answered(kind: str) -> None:
    """With what is wrong, by name; nothing runs and nothing is shipped; an answer is short."""
    service = Service()
    answer = service.direct(MALFORMED[kind])
    assert answer["status"] == "rejected"
    assert answer["statusCode"] in (400, 404)
    assert answer["error"]["message"]
    assert len(json.dumps(answer)) < 4_000
    assert service.shipped() == []


ODD_INPUTS: dict[str, Any] = {
    "control characters": "\u0000\u0001\u001f\u007f\ufffe\uffff",
    "half a surrogate pair": "\ud800x\udc00",
    "not a number": math.nan,
    "infinite": -math.inf,
    "a very large integer": 10**4000,
    "deeply nested": deep(300),
    "far too deeply nested": deep(20_000),
    "a megabyte": "x" * 1_000_000,
    "a million items": list(range(1_000_000)),
    "a prototype": {"__proto__": {"x": 1}, "constructor": None, "__class__": "x"},
    "our own tags": {"$footpath": "graph", "value": [[{"$footpath": "ref", "value": 0}]]},
    "the mark": "[REDACTED]",
    "markup": "</script><script>alert(1)</script>",
    "many members": {f"k{number}": number for number in range(5_000)},
}


@pytest.mark.parametrize("kind", ODD_INPUTS)
def test_an_odd_input_is_run_or_refused(kind: str) -> None:
    """A value that JSON hardly holds is no reason to fail, nor to lose the trace: it is shipped in recorded form."""
    service = Service()
    answer = service.direct({"chart": "loan", "input": GOOD | {"extra": ODD_INPUTS[kind]}})
    if answer["status"] == "rejected":
        assert answer["error"]["problems"]
        assert service.shipped() == []
        return
    assert answer["result"] == {"decision": "approved", "amount": 500}
    (document,) = service.shipped()
    assert json.loads(document)["status"] == "completed"
    assert service.metrics.counts["TracesDropped"] == 0


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"text"',
        "{'input': 1}",
        '{"input": NaN}',
        '{"input": {"amount": 1e999, "name": "x"}}',
        '{"input": ' + "[" * 100_000,
        '{"input": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"input": {"amount": 1}, "input": []}',
        '{"input": "\ud800"}',
        "\u0000",
        "\ufeff{}",
        '{"chart": "loan", "input": {"amount": 1, "name": "x"}}',
        "x" * 6_000_000,
    ],
    ids=str.__len__,
)
def test_a_body_that_can_not_be_run_is_refused(body: str) -> None:
    """400 in JSON, whatever the bytes are."""
    service = Service()
    status, answer = service.http(post(body))
    assert status == 400, answer
    assert answer["error"]["type"] == "BadRequest"
    assert len(json.dumps(answer)) < 4_000


def test_a_body_in_base64_is_run() -> None:
    """As an API sends what it takes for binary; and refused when it is none."""
    service = Service()
    good = base64.b64encode(json.dumps({"input": GOOD}).encode()).decode()
    assert service.http(post(good, isBase64Encoded=True))[0] == 200
    for wrong in ("!", "A", good[:-2] + "*", base64.b64encode(b"\xff\xfe").decode()):
        status, answer = service.http(post(wrong, isBase64Encoded=True))
        assert status == 400
        assert "body" in answer["error"]["problems"][0]


@pytest.mark.parametrize(
    "changed",
    [
        {"rawPath": ...},
        {"rawPath": None},
        {"rawPath": 7},
        {"body": {"input": 1}},
        {"isBase64Encoded": "yes"},
        {"requestContext": {"http": {"method": 7, "path": "/"}, "stage": "$default"}},
        {"requestContext": {"http": {"method": "POST", "path": "/x"}, "stage": 7}},
        {"requestContext": {"http": {"method": "POST", "path": "/x"}}},
    ],
)
def test_an_event_that_is_half_of_http_is_refused(changed: dict[str, Any]) -> None:
    """What AWS never sends, somebody will by hand: 400, with the member's name."""
    event = post(**{"body": json.dumps({"input": GOOD})} | changed)
    assert is_http(event)
    status, answer = Service().http(event)
    assert status == 400
    assert answer["error"]["problems"]


@pytest.mark.parametrize(
    "changed", [{"requestContext": ...}, {"requestContext": None}, {"requestContext": {"http": None}}]
)
def test_an_event_without_a_request_context_is_a_direct_one(changed: dict[str, Any]) -> None:
    """And is told which members such a one has."""
    event = post("{}", **changed)
    assert not is_http(event)
    answer = Service().direct(event)
    assert answer["status"] == "rejected"
    assert "known are chart, input, checkpoint and explain" in answer["error"]["problems"][0]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("DELETE", "/charts/loan"),
        ("POST", "/charts//runs"),
        ("POST", "/charts/%00/runs"),
        ("POST", "/charts/..%2f..%2fetc/runs"),
        ("GET", "/charts/" + "x" * 10_000),
        ("BREW", "/charts"),
        ("\ud800", "/\ud800"),
    ],
)
def test_a_path_that_leads_nowhere_is_told(method: str, path: str) -> None:
    """404 in JSON."""
    event = post("{}", rawPath=path, requestContext={"http": {"method": method, "path": path}, "stage": "$default"})
    status, answer = Service().http(event)
    assert status == 404
    assert answer["error"]["message"]
