"""Hooks around every AWS call, on any boto3 client.

A hook sits where the network would be: `before` runs when the request is about to leave, `after` when the service has
answered and the caller does not know it yet. That is where the faults of a distributed system live: refused before the
effect, or done and the answer lost.
"""

from __future__ import annotations

import io
import json
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


# botocore asks every handler of a request even when one has answered. An answered request is therefore sent here, so
# that no other fake service takes it for its own and acts on it.
NOWHERE = "https://nowhere.invalid/"
_QUEUE_URL = re.compile(rb'"QueueUrl"\s*:\s*"([^"]*)"')


@dataclass(frozen=True, slots=True)
class IoCall:
    """One call to a service.

    Attributes:
        number: 1 for the first call seen by the watcher, over all its clients.
        service: "sqs", "s3", "lambda", ... in lower case.
        operation: as AWS spells it, "SendMessage".
        target: what it is aimed at, for matching: the S3 path ("/bucket/key") or the queue's URL; may be empty.
        size_bytes: length of the request's body.
    """

    number: int
    service: str
    operation: str
    target: str = ""
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An error that the service itself answers, before it has done anything."""

    code: str
    message: str
    status: int = 400


class IoHook(Protocol):
    """What may happen around a call. Implementations decide by `call`; see `Faults`."""

    def before(self, call: IoCall) -> ErrorAnswer | None:
        """Raise to break the connection (or the process), or return the error that the service answers."""
        ...

    def after(self, call: IoCall) -> None:
        """Raise to lose the answer: the effect has happened."""
        ...


class CallWatch:
    """Puts hooks around the calls of boto3 clients and sessions, and numbers the calls.

    One watch may observe several clients; the numbers then run over all of them, which is what "crash at call 17 of
    this invocation" needs. Watching a session covers the clients made from it afterwards.
    """

    def __init__(self, *hooks: IoHook) -> None:
        self.hooks = list(hooks)
        self._count = 0
        self._open = threading.local()

    @property
    def count(self) -> int:
        """Calls seen so far."""
        return self._count

    def call(self, service: str, operation: str, target: str = "", size_bytes: int = 0) -> IoCall:
        """Number a call that is about to be made."""
        self._count += 1
        return IoCall(self._count, service, operation, target, size_bytes)

    def before(self, call: IoCall) -> ErrorAnswer | None:
        """Ask every hook; the first error answer wins."""
        for hook in self.hooks:
            answer = hook.before(call)
            if answer is not None:
                return answer
        return None

    def after(self, call: IoCall) -> None:
        """Tell every hook that the effect has happened."""
        for hook in self.hooks:
            hook.after(call)

    def watch(self, target: Any, services: Sequence[str] = ("s3", "sqs")) -> None:
        """Observe a boto3 client, or the future clients of a boto3 session for `services`. Twice is once."""
        if hasattr(target, "meta"):
            events = target.meta.events
            services = [target.meta.service_model.service_id.hyphenize()]
        else:
            events = target.events
        for service in services:
            mark = f"footpath-watch-{id(self)}-{service}"
            # botocore calls the handlers of this narrow event before those of "before-send", where moto and MemorySqs
            # wait: a fault strikes before a fake service has had its effect.
            events.register_first(f"before-send.{service}", self._before_send, unique_id=mark)
            events.register_last(f"response-received.{service}", self._response_received, unique_id=f"{mark}-after")

    def _before_send(self, request: Any, event_name: str, **_: object) -> AWSResponse | None:
        service, operation = _names(event_name)
        call = self.call(service, operation, _target(request), _length(request.body))
        self._open.call = None
        refusal = self.before(call)
        if refusal is None:
            self._open.call = call
            return None
        request.url = NOWHERE
        return error_response(service, refusal)

    def _response_received(self, event_name: str, exception: BaseException | None = None, **_: object) -> None:
        call: IoCall | None = getattr(self._open, "call", None)
        self._open.call = None
        if call is not None and exception is None and (call.service, call.operation) == _names(event_name):
            self.after(call)


def answer_calls(target: Any, service: str, answer: Callable[[str, Mapping[str, Any]], AnswerBody]) -> None:
    """Let `answer(operation, params)` stand in for a service that speaks AWS's JSON protocol.

    Args:
        target: a boto3 client or session.
        service: botocore's name of the service, as in its event names ("sqs").
        answer: returns the HTTP status and the decoded body.
    """

    def respond(request: Any, event_name: str, **_: object) -> AWSResponse | None:
        if request.url == NOWHERE or _names(event_name)[0] != service:
            return None
        request.url = NOWHERE
        status, body = answer(_names(event_name)[1], json.loads(request.body or b"{}"))
        headers = {"x-amzn-RequestId": "0", "Content-Type": "application/x-amz-json-1.0"}
        if status >= 400 and "__query" in body:
            headers["x-amzn-query-error"] = str(body.pop("__query"))
        return _response(status, headers, json.dumps(body).encode())

    events = target.meta.events if hasattr(target, "meta") else target.events
    events.register_first("before-send", respond)


AnswerBody = tuple[int, dict[str, Any]]


def error_response(service: str, answer: ErrorAnswer) -> AWSResponse:
    """The HTTP answer by which a service reports an error: XML for S3, JSON for the others."""
    if service == "s3":
        text = f"<Error><Code>{escape(answer.code)}</Code><Message>{escape(answer.message)}</Message></Error>"
        return _response(answer.status, {"Content-Type": "application/xml"}, text.encode())
    body = {"__type": answer.code, "message": answer.message}
    return _response(answer.status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(body).encode())


class _Raw(io.BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, amt: int = 65536, decode_content: bool = False) -> Any:  # noqa: ARG002 - the shape of urllib3
        while chunk := self.read(amt):
            yield chunk


def _response(status: int, headers: dict[str, str], body: bytes) -> AWSResponse:
    named = headers | {"Content-Length": str(len(body))}
    return AWSResponse(NOWHERE, status, cast("Any", named), cast("Any", _Raw(body)))


def _names(event_name: str) -> tuple[str, str]:
    """("sqs", "SendMessage") from "before-send.sqs.SendMessage"."""
    _, service, operation = event_name.split(".", 2)
    return service, operation


def _target(request: Any) -> str:
    if request.headers.get("X-Amz-Target"):
        body = request.body or b""
        found = _QUEUE_URL.search(body if isinstance(body, bytes) else str(body).encode())
        return found[1].decode() if found else ""
    return unquote(urlsplit(str(request.url)).path)


def _length(body: object) -> int:
    if isinstance(body, bytes | str):
        return len(body)
    return 0
