from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from footpath_service.http import HttpFace, is_http
from tests.unit.service._charts import charts
from tests.unit.service.test_request import ABOUT, Service


def http_event(method: str, path: str, body: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "t"},
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    } | more


class Api:
    """The HTTP face over a handler in memory."""

    def __init__(self) -> None:
        self.service = Service()
        self.face = HttpFace(self.service.handler)

    def call(self, event: dict[str, Any]) -> tuple[int, Any]:
        response = self.face.answer(event, remaining_ms=lambda: 30_000, about=ABOUT)
        json.dumps(response)
        assert response["headers"] == {"Content-Type": "application/json"}
        assert response["isBase64Encoded"] is False
        return response["statusCode"], json.loads(response["body"])

    def post(self, chart: str, body: Any, **more: Any) -> tuple[int, Any]:
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        return self.call(http_event("POST", f"/charts/{chart}/runs", text, **more))

    def get(self, path: str) -> tuple[int, Any]:
        return self.call(http_event("GET", path))


def test_a_run_by_http_is_answered() -> None:
    """POST /charts/{chart}/runs."""
    api = Api()
    status, answer = api.post("loan", {"input": {"amount": 500, "name": "Ada é"}, "explain": True})
    assert status == 200
    assert (answer["chart"], answer["status"], answer["result"]["decision"]) == ("loan", "completed", "approved")
    assert answer["narrative"]
    assert [trace.trace_id for trace in api.service.traces()] == [answer["traceId"]]


def test_a_body_in_base64_is_read() -> None:
    """As function URLs send what they take for binary."""
    body = base64.b64encode(json.dumps({"input": {"amount": 1, "name": "é"}}).encode()).decode()
    assert Api().post("loan", body, isBase64Encoded=True)[0] == 200


def test_a_bad_input_is_400_with_every_problem() -> None:
    """Nothing has run."""
    api = Api()
    status, answer = api.post("loan", {"input": {"amount": "ten"}})
    assert (status, answer["error"]["type"], len(answer["error"]["problems"])) == (400, "BadRequest", 2)
    assert api.service.queue.messages == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "body"),
        ("[1]", "expected an object"),
        ('"x"', "expected an object"),
        ('{"input": NaN}', "body"),
        ('{"input": {"amount": Infinity}}', "body"),
        ('{"input": {"name": "\\ud800"}}', "body"),
        ("[" * 100_000, "body"),
        ('{"chart": "loan", "input": {}}', "unknown member 'chart'; known are input, checkpoint and explain"),
        ('{"input": 5}', "input: expected an object, got a number"),
        ('{"explain": 1}', "explain: expected true or false"),
    ],
)
def test_a_malformed_body_is_400(body: str, said: str) -> None:
    """Broken JSON, wrong types, what only Python takes for JSON."""
    status, answer = Api().post("loan", body)
    assert status == 400
    assert any(said in problem for problem in answer["error"]["problems"])


def test_base64_that_is_none_is_400() -> None:
    """Hostile, or cut."""
    assert Api().post("loan", "%%%", isBase64Encoded=True)[0] == 400
    assert Api().post("loan", base64.b64encode(b"\xff\xfe").decode(), isBase64Encoded=True)[0] == 400


def test_no_body_is_a_run_without_input() -> None:
    """The contract decides whether that will do."""
    assert Api().post("approval", None)[0] == 200
    assert Api().post("loan", "")[0] == 400


@pytest.mark.parametrize("chart", ["lone", "..%2Floan", "a%20b", "%F0%9F%98%80"])
def test_an_unknown_chart_is_404_with_the_known_ones(chart: str) -> None:
    """Whatever it is called."""
    api = Api()
    for status, answer in (api.post(chart, {}), api.get(f"/charts/{chart}")):
        assert (status, answer["error"]["type"]) == (404, "UnknownChart")
        assert "loan" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("DELETE", "/charts/loan"), ("POST", "/charts"), ("GET", "/x/y")]
)
def test_an_unknown_route_is_404_with_the_known_ones(method: str, path: str) -> None:
    """JSON, as everything else."""
    status, answer = Api().call(http_event(method, path))
    assert (status, answer["error"]["type"]) == (404, "NotFound")
    assert "POST /charts/{chart}/runs" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("stage", "path"), [("$default", "/charts/"), ("prod", "/prod/charts"), ("prod", "/charts"), ("ch", "/charts")]
)
def test_the_stage_before_a_path_and_a_slash_after_it_make_no_difference(stage: str, path: str) -> None:
    """An API puts its stage before the path; behind a domain of one's own it does not."""
    event = http_event("GET", path)
    event["requestContext"]["stage"] = stage
    assert Api().call(event)[0] == 200


@pytest.mark.parametrize("path", ["", "/charts//runs", "/charts/a/b/runs", "/chartsloan", "//"])
def test_a_path_that_is_none_of_the_routes_is_404(path: str) -> None:
    """Nearly one is none."""
    for method in ("GET", "POST"):
        assert Api().call(http_event(method, path))[0] == 404


def test_a_stage_that_raises_is_500_with_the_trace_id_and_without_its_text() -> None:
    """The trace has the rest, for those who may read it."""
    api = Api()
    status, answer = api.post("broken", {})
    assert (status, answer["error"]["type"], answer["status"]) == (500, "PolicyError", "failed")
    assert "kept" not in json.dumps(answer)
    assert [trace.trace_id for trace in api.service.traces()] == [answer["traceId"]]


def test_a_paused_run_goes_on_by_http() -> None:
    """The checkpoint goes through the caller's JSON."""
    api = Api()
    _, paused = api.post("approval", {})
    assert paused["status"] == "paused"
    status, answer = api.post("approval", {"checkpoint": paused["checkpoint"], "input": "no"})
    assert (status, answer["result"]) == (200, {"answer": "no", "asked": "manager"})
    assert api.post("approval", {"checkpoint": {"pausedStageId": "x"}})[0] == 400


def test_charts_are_listed_and_described() -> None:
    """GET /charts and GET /charts/{chart}."""
    api = Api()
    status, listing = api.get("/charts")
    assert status == 200
    assert [chart["name"] for chart in listing["charts"]] == sorted(flow.name for flow in charts())
    status, described = api.get("/charts/loan")
    assert status == 200
    assert described["inputSchema"]["required"] == ["amount", "name"]
    assert described["spec"]["id"] == "receive"
    assert described["spec"]["next"]["id"] == "decide"


def test_events_of_http_are_told_from_direct_ones() -> None:
    """By what only they have."""
    assert is_http(http_event("GET", "/charts"))
    for other in ({"chart": "loan"}, None, [], "x", {"requestContext": "x"}, {"requestContext": {"http": None}}):
        assert not is_http(other)
