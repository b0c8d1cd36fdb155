"""What goes wrong in the service, by the phase in which a caller meets it.

::

    FootpathError
    ├── SettingsError             (in `footpath.errors`) a variable of the environment is missing or wrong
    ├── RequestError              the request can't be served: answered, never retried
    │   ├── BadRequestError       400, with every problem named
    │   ├── UnknownChartError     404, with the charts there are
    │   └── NotNowError           503: not the caller's mistake, but his to ask again
    ├── PoisonMessageError        permanent: no later delivery of this message can succeed
    ├── QueueRefusedError         permanent: the queue can't take this message
    ├── QueueUnavailableError     retryable: refused for now, throttled, or no answer
    └── SigningError              a key did not do its work: it is disabled, not ours to use, or nobody answered
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.errors import FootpathError

if TYPE_CHECKING:
    from collections.abc import Sequence


class RequestError(FootpathError):
    """A request that can't be served as it stands.

    Attributes:
        status_code: HTTP's word for it.
        problems: every problem found, one sentence each.
    """

    status_code = 400

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    def told(self) -> dict[str, Any]:
        """What the caller is told, as plain JSON values."""
        said: dict[str, Any] = {"type": type(self).__name__.removesuffix("Error"), "message": str(self)}
        if self.problems:
            said["problems"] = list(self.problems)
        return said


class BadRequestError(RequestError):
    """The request's shape, or its input, is not what the chart accepts."""


class UnknownChartError(RequestError):
    """No chart of that name is served here.

    Attributes:
        known: the names that are.
    """

    status_code = 404

    def __init__(self, chart: str, known: Sequence[str]) -> None:
        names = ", ".join(known) or "none"
        super().__init__(f"there is no chart {chart[:120]!r}; charts served here: {names}")
        self.known = tuple(known)


class NotNowError(RequestError):
    """What the request needs is not to be had at the moment."""

    status_code = 503


class PoisonMessageError(FootpathError):
    """A message that no later delivery will make readable.

    Attributes:
        reason: a short word for it that machines count by, such as "bad-base64".
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class QueueRefusedError(FootpathError):
    """The queue can't take this message: too large, or with characters that it does not admit."""


class QueueUnavailableError(FootpathError):
    """The queue refused, throttled or did not answer; whether the message went in may be unknown."""


class SigningError(FootpathError):
    """The key did not sign: it is disabled, not ours to use, or nobody answered."""
