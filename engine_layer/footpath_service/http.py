"""The HTTP face of the request handler: a function URL or an HTTP API, routed by Powertools.

Bodies are JSON. An error is `{"error": {"type", "message", "problems"?}}`, with the trace's id where a run failed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from footpath_service.errors import BadRequestError, RequestError
from footpath_service.request import Failure, RequestHandler, read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["HttpFace", "is_http"]

_JSON = "application/json"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def is_http(event: object) -> bool:
    """Whether an event comes from a function URL or an HTTP API (payload 2.0)."""
    return isinstance(_members(_members(event).get("requestContext")).get("http"), dict)


class HttpFace:
    """Routes of the request handler.

    Args:
        handler: the use case.
    """

    def __init__(self, handler: RequestHandler) -> None:
        self._handler = handler
        self._resolver: Any = APIGatewayHttpResolver()  # its own types are partly unknown
        self._resolver.post("/charts/<chart>/runs")(self._run)
        self._resolver.get("/charts/<chart>")(self._describe)
        self._resolver.get("/charts")(self._list)
        self._resolver.not_found(self._not_found)

    def answer(
        self, event: Mapping[str, Any], context: Any, *, remaining_ms: Callable[[], float], about: Mapping[str, str]
    ) -> dict[str, Any]:
        """The response to an event, in the form that Lambda wants."""
        problems = _problems(event)
        if problems:
            # Lambda sends none such; whoever invokes the function by hand may.
            refusal = BadRequestError("the event is not of a function URL or an HTTP API (payload 2.0)", problems)
            return {
                "statusCode": refusal.status_code,
                "headers": {"Content-Type": _JSON},
                "body": _text({"error": refusal.told()}),
                "isBase64Encoded": False,
            }
        self._resolver.append_context(remaining_ms=remaining_ms, about=about)
        return self._resolver.resolve(dict(event), context)

    # ── routes ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def _run(self, chart: str) -> Response[str]:
        asked = self._resolver.context
        try:
            request = read_request(self._body(), chart=unquote(chart))
            answer = self._handler.handle(request, remaining_ms=asked["remaining_ms"], context=asked["about"])
        except RequestError as error:
            return _refusal(error)
        if isinstance(answer, Failure):
            if not isinstance(answer.error, Exception):
                raise answer.error
            message = "the run failed; its trace says where and why"
            failed = {"type": type(answer.error).__name__, "message": message}
            return _response(
                500, {"error": failed, "traceId": answer.trace_id, "chart": answer.chart, "status": "failed"}
            )
        return _response(200, answer)

    def _list(self) -> Response[str]:
        return _response(200, {"charts": self._handler.catalog.listing()})

    def _describe(self, chart: str) -> Response[str]:
        try:
            return _response(200, self._handler.catalog.description(unquote(chart)))
        except RequestError as error:
            return _refusal(error)

    def _not_found(self, _error: Exception) -> Response[str]:
        event = self._resolver.current_event
        message = (
            f"no route for {event.http_method} {event.path[:200]}; there are POST /charts/{{chart}}/runs, GET /charts and "
            "GET /charts/{chart}"
        )
        return _response(404, {"error": {"type": "NotFound", "message": message}})

    def _body(self) -> Any:
        event = self._resolver.current_event
        try:
            text = event.decoded_body
            return _decode(text.encode()) if text else {}
        except (ValueError, msgspec.MsgspecError, RecursionError) as error:
            raise BadRequestError("the body is not JSON", [f"body: {str(error)[:200]}"]) from error


def _members(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _problems(event: Mapping[str, Any]) -> list[str]:
    """What the resolver would stumble over: members that are missing, or of another type than AWS documents."""
    asked = _members(event.get("requestContext"))
    http = _members(asked.get("http"))
    found = [
        f"requestContext.http.{name}: expected a text"
        for name in ("method", "path")
        if not isinstance(http.get(name), str)
    ]
    if not isinstance(event.get("rawPath"), str):
        found.append("rawPath: expected a text")
    if not isinstance(asked.get("stage"), str):
        found.append("requestContext.stage: expected a text")
    body = event.get("body")
    if body is not None and not isinstance(body, str):
        found.append("body: expected a text or nothing")
    if event.get("isBase64Encoded") not in (None, True, False):
        found.append("isBase64Encoded: expected true or false")
    for name in ("headers", "queryStringParameters"):
        texts = event.get(name)
        if texts is not None and not (
            isinstance(texts, dict) and all(isinstance(text, str) for text in _members(cast("object", texts)).values())
        ):
            found.append(f"{name}: expected an object of texts")
    cookies = event.get("cookies")
    if cookies is not None and not isinstance(cookies, list):
        found.append("cookies: expected an array")
    return found


def _refusal(error: RequestError) -> Response[str]:
    return _response(error.status_code, {"error": error.told()})


def _response(status_code: int, body: Any) -> Response[str]:
    return Response(status_code, content_type=_JSON, body=_text(body))


def _text(body: Any) -> str:
    try:
        return _encode(body).decode()
    except UnicodeEncodeError:
        # Half of a surrogate pair, out of the request or of what a chart is called: JSON has an escape for it.
        return json.dumps(msgspec.to_builtins(body))
