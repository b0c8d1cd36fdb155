"""The request handler's other face: a direct invocation with `{"chart", "input", ...}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from footpath_service.errors import RequestError
from footpath_service.request import Failure, RequestHandler, read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def answer_direct(
    handler: RequestHandler, event: object, *, remaining_ms: Callable[[], float], about: Mapping[str, str]
) -> dict[str, Any]:
    """The answer as plain JSON values.

    A request that can't be served is answered, not raised, so that it is no error of the function's: `{"statusCode":
    400, 404 or 503, "status": "rejected", "error": {...}}`.

    Raises:
        BaseException: what a stage raised, itself.
    """
    try:
        answer = handler.handle(read_request(event), remaining_ms=remaining_ms, context=about)
    except RequestError as error:
        return {"statusCode": error.status_code, "status": "rejected", "error": error.told()}
    if isinstance(answer, Failure):
        raise answer.error
    return msgspec.to_builtins(answer)
