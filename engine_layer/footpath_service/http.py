"""The HTTP face of the request handler: events of a function URL or an HTTP API (payload format 2.0) to its three routes.

Bodies are JSON. An error is `{"error": {"type", "message", "problems"?}}`, with the trace's id where a run failed.

Powertools has a router, too; importing it brings a hundred modules, asyncio among them, into every cold start
(docs/adr/0073).
"""

from __future__ import annotations

import binascii
import json
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import unquote

import msgspec

from footpath_service.errors import BadRequestError, RequestError
from footpath_service.request import Failure, RequestHandler, read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["HttpFace", "is_http"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def is_http(event: object) -> bool:
    """Whether an event comes from a function URL or an HTTP API (payload 2.0)."""
    return isinstance(_members(_members(event).get("requestContext")).get("http"), dict)


class _Call(NamedTuple):
    """One request, and what the handler has to know of it."""

    event: Mapping[str, Any]
    remaining_ms: Callable[[], float]
    about: Mapping[str, str]


class HttpFace:
    """Routes of the request handler.

    Args:
        handler: the use case.
    """

    def __init__(self, handler: RequestHandler) -> None:
        self._handler = handler

    def answer(
        self, event: Mapping[str, Any], *, remaining_ms: Callable[[], float], about: Mapping[str, str]
    ) -> dict[str, Any]:
        """The response to an event, in the form that Lambda wants."""
        problems = _problems(event)
        if problems:
            # Lambda sends none such; whoever invokes the function by hand may.
            return _refusal(
                BadRequestError("the event is not of a function URL or an HTTP API (payload 2.0)", problems)
            )
        method, path = _asked(event)
        match (method, *path.strip("/").split("/")):
            case ("POST", "charts", chart, "runs") if chart:
                return self._run(unquote(chart), _Call(event, remaining_ms, about))
            case ("GET", "charts", chart) if chart:
                return self._describe(unquote(chart))
            case ("GET", "charts"):
                return _response(200, {"charts": self._handler.catalog.listing()})
            case _:
                message = (
                    f"no route for {method} {path[:200]}; there are POST /charts/{{chart}}/runs, GET /charts and "
                    "GET /charts/{chart}"
                )
                return _response(404, {"error": {"type": "NotFound", "message": message}})

    def _run(self, chart: str, call: _Call) -> dict[str, Any]:
        try:
            request = read_request(_body(call.event), chart=chart)
            answer = self._handler.handle(request, remaining_ms=call.remaining_ms, context=call.about)
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

    def _describe(self, chart: str) -> dict[str, Any]:
        try:
            return _response(200, self._handler.catalog.description(chart))
        except RequestError as error:
            return _refusal(error)


def _problems(event: Mapping[str, object]) -> list[str]:
    """Members that are missing, or of another type than AWS documents; of those that are read here."""
    context = _members(event.get("requestContext"))
    found: list[str] = []
    for name, value in (
        ("requestContext.http.method", _members(context.get("http")).get("method")),
        ("requestContext.stage", context.get("stage")),
        ("rawPath", event.get("rawPath")),
    ):
        if not isinstance(value, str):
            found.append(f"{name}: expected a text")
    body = event.get("body")
    if body is not None and not isinstance(body, str):
        found.append("body: expected a text or nothing")
    if event.get("isBase64Encoded") not in (None, True, False):
        found.append("isBase64Encoded: expected true or false")
    return found


def _asked(event: Mapping[str, Any]) -> tuple[str, str]:
    """Method and path. A stage other than the default one stands before the path, unless a domain of one's own hides it."""
    context, path = event["requestContext"], event["rawPath"]
    stage = context["stage"]
    if stage != "$default" and path.startswith(f"/{stage}/"):
        path = path[len(stage) + 1 :]
    return context["http"]["method"], path


def _body(event: Mapping[str, Any]) -> Any:
    """The decoded body; an empty object without one."""
    body: str | None = event.get("body")
    if not body:
        return {}
    try:
        return _decode(binascii.a2b_base64(body, strict_mode=True) if event.get("isBase64Encoded") else body.encode())
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise BadRequestError("the body is not JSON", [f"body: {str(error)[:200]}"]) from error


def _members(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _refusal(error: RequestError) -> dict[str, Any]:
    return _response(error.status_code, {"error": error.told()})


def _response(status_code: int, body: Any) -> dict[str, Any]:
    return {
        "statusCode": status_code,
        "headers": {"Content-Type": "application/json"},
        "body": _text(body),
        "isBase64Encoded": False,
    }


def _text(body: Any) -> str:
    try:
        return _encode(body).decode()
    except UnicodeEncodeError:
        # Half of a surrogate pair, out of the request or of what a chart is called: JSON has an escape for it.
        return json.dumps(msgspec.to_builtins(body))
