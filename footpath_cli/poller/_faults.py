"""Faults to order: what goes wrong, at which call, when, how often."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from footpath_cli.poller._calls import ErrorAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath_cli.poller._calls import IoCall
    from footpath_cli.poller._clock import Clock


class ProcessDied(BaseException):
    """The sandbox is gone: nothing after this point runs. Not an `Exception`, so no handler can swallow it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that may go wrong.

    It strikes a call that meets every condition given; a condition that is absent is met by all.

    Attributes:
        name: for the count of what struck.
        strike: what happens: raises, or returns the error that the service answers (only where `after` is off).
        after: off, the call never has its effect; on, it has, and the caller never learns.
        service, operation, target_has: which calls; `target_has` is searched in the bucket path or queue URL.
        call_number: only the call of this number, as the watch counts.
        from_ms, until_ms: only within this window of the clock.
        chance: 0 to 1.
        times: at most so often.
    """

    name: str
    strike: Callable[[IoCall], ErrorAnswer | None]
    after: bool = False
    service: str | None = None
    operation: str | None = None
    target_has: str | None = None
    call_number: int | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    chance: float = 1.0
    times: int | None = None

    def meets(self, call: IoCall, now_ms: int) -> bool:
        """Whether the fault may strike this call, dice and count aside."""
        return (
            (self.service is None or self.service == call.service)
            and (self.operation is None or self.operation == call.operation)
            and (self.target_has is None or self.target_has in call.target)
            and (self.call_number is None or self.call_number == call.number)
            and (self.from_ms is None or self.from_ms <= now_ms)
            and (self.until_ms is None or now_ms < self.until_ms)
        )


class Faults:
    """An IoHook that makes ordered faults happen, the same ones for the same seed.

    Attributes:
        struck: how often each fault, by name, has struck.
        calls: every call seen, "service.operation" to count.
    """

    def __init__(self, clock: Clock, *faults: Fault, seed: int = 0) -> None:
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - a simulation's dice, not a secret
        self.faults = list(faults)
        self.struck: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    def before(self, call: IoCall) -> ErrorAnswer | None:
        """Strike before the effect."""
        self.calls[f"{call.service}.{call.operation}"] += 1
        return self._strike(call, after=False)

    def after(self, call: IoCall) -> None:
        """Strike after the effect."""
        self._strike(call, after=True)

    def _strike(self, call: IoCall, *, after: bool) -> ErrorAnswer | None:
        now_ms = self._clock.now_ms()
        for fault in self.faults:
            if fault.after != after or not fault.meets(call, now_ms):
                continue
            if fault.times is not None and self.struck[fault.name] >= fault.times:
                continue
            if fault.chance < 1 and self._random.random() >= fault.chance:
                continue
            self.struck[fault.name] += 1
            answer = fault.strike(call)
            if answer is not None:
                return answer
        return None


def crash(call: IoCall) -> ErrorAnswer | None:
    """The process dies here."""
    raise ProcessDied(f"died at call {call.number}, {call.service}.{call.operation}")


def refuse(call: IoCall) -> ErrorAnswer | None:
    """Nothing listens: the connection is refused at once."""
    raise EndpointConnectionError(endpoint_url=f"https://{call.service}")


def unreachable(call: IoCall) -> ErrorAnswer | None:
    """No connection within the timeout."""
    raise ConnectTimeoutError(endpoint_url=f"https://{call.service}")


def lose_answer(call: IoCall) -> ErrorAnswer | None:
    """The answer never comes; use with `after=True` for an unknown outcome."""
    raise ReadTimeoutError(endpoint_url=f"https://{call.service}")


def throttle(call: IoCall) -> ErrorAnswer | None:
    """The service asks to slow down, in its own words."""
    if call.service == "s3":
        return ErrorAnswer("SlowDown", "Please reduce your request rate.", 503)
    return ErrorAnswer("ThrottlingException", "Rate exceeded", 400)


def deny(call: IoCall) -> ErrorAnswer | None:
    """The role may not do this."""
    code = "AccessDenied" if call.service == "s3" else "AccessDeniedException"
    return ErrorAnswer(code, f"not authorized to perform {call.service}:{call.operation}", 403)


def unavailable(call: IoCall) -> ErrorAnswer | None:  # noqa: ARG001 - the shape of a strike
    """The service is up and broken."""
    return ErrorAnswer("InternalError", "We encountered an internal error. Please try again.", 500)


def slow(clock: Clock, duration_ms: int) -> Callable[[IoCall], ErrorAnswer | None]:
    """The call takes this long; a function whose time ends meanwhile is killed there."""

    def strike(call: IoCall) -> ErrorAnswer | None:  # noqa: ARG001 - the shape of a strike
        clock.sleep_ms(duration_ms)
        return None

    return strike
