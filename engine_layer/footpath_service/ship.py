"""Sending a run's trace on its way, within a budget, whatever the world does.

Four ways, tried in turn: the queue (with a claim check when the document is too large for it), the spool in S3,
numbered lines in the log, and at last a counted drop that keeps the header. A way whose outcome is unknown counts as
failed: the same document then takes the next one too, and its identity makes the copy harmless.

Nothing here raises, and nothing here changes an answer.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from footpath.archive import spool_key
from footpath_service.log_lines import LogHeader, dropped_line, trace_lines
from footpath_service.wire import encode_attributes, encode_body, encode_claim, message_size_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.archive import ObjectStore
    from footpath_service.ports import MessageQueue, Metrics
    from footpath_service.settings import Settings

__all__ = ["ShipOutcome", "Shipper", "TraceHeader"]

_QUEUE_SHARE = 0.6
"""Of the budget; what the queue leaves is the spool's, less what printing log lines takes."""

_LOG_RESERVE_S = 0.02
_LEAST_WAY_S = 0.01
"""A network call that has less than this is not begun."""

_COUNTED = {
    "queue": "TracesQueued",
    "spool": "TracesSpooled",
    "log": "TracesLogged",
    "dropped": "TracesDropped",
    "sampled out": "TracesSampledOut",
}

T = TypeVar("T")


class TraceHeader(NamedTuple):
    """What is known of a trace beside its document.

    Attributes:
        trace_id, revision: its identity, but for the hash.
        chart: the chart's id.
        status: "completed", "failed", "paused" or "deadline".
    """

    trace_id: str
    revision: int
    chart: str
    status: str


class ShipOutcome(NamedTuple):
    """Where a trace went.

    Attributes:
        way: the first that took it; "sampled out" when it was not to be kept.
        claimed: whether the queue got a claim for it.
        took_ms: how long it all took, in milliseconds.
        failures: why the ways before did not, in order, one sentence each.
    """

    way: Literal["queue", "spool", "log", "dropped", "sampled out"]
    claimed: bool
    took_ms: float
    failures: tuple[str, ...]


class _OutOfTimeError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Parts:
    queue: MessageQueue
    store: ObjectStore
    settings: Settings
    write_log: Callable[[str], None]
    metrics: Metrics
    clock_s: Callable[[], float]


class Shipper:
    """Ships traces. Safe across threads: a deadline's partial trace may go while the final one does.

    Args:
        queue, store: where to.
        settings: budget and limits.
        write_log: takes one line of text, without its line break.
        metrics: counts what became of each trace.
        clock_s: seconds, of a clock that never steps back.
    """

    def __init__(
        self,
        *,
        queue: MessageQueue,
        store: ObjectStore,
        settings: Settings,
        write_log: Callable[[str], None],
        metrics: Metrics,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._parts = _Parts(queue, store, settings, write_log, metrics, clock_s)

    def ship(self, header: TraceHeader, encode: Callable[[], bytes], remaining_ms: float) -> ShipOutcome:
        """Send one trace; returns within the budget, and never raises.

        Args:
            header: of the trace.
            encode: gives its document. Called here, so that a document that can't be made is an outcome, too.
            remaining_ms: what the caller has left in all, in milliseconds; the budget is never more.
        """
        # Making the client is the cold start's cost, not the queue's: it must not eat the queue's time.
        parts = self._parts
        parts.queue.prepare()
        started_s = parts.clock_s()
        budget_s = max(min(parts.settings.ship_budget_ms, remaining_ms), 0) / 1000
        shipment = _Shipment(parts, header, started_s, started_s + budget_s)
        try:
            way = shipment.go(encode)
        except Exception as error:  # noqa: BLE001  # the last line of defence: an answer never fails for its trace
            shipment.failures.append(f"shipping failed: {error!r}")
            way = "dropped"
        outcome = ShipOutcome(way, shipment.claimed, (parts.clock_s() - started_s) * 1000, tuple(shipment.failures))
        self._record(outcome)
        return outcome

    def leave_out(self, header: TraceHeader) -> ShipOutcome:  # noqa: ARG002 - whoever watches the shipper wants to know which
        """Count a trace that sampling does not keep; it goes nowhere. Never raises."""
        outcome = ShipOutcome("sampled out", claimed=False, took_ms=0.0, failures=())
        metrics = self._parts.metrics
        metrics.count("TracesCaptured")
        metrics.count(_COUNTED[outcome.way])
        return outcome

    def _record(self, outcome: ShipOutcome) -> None:
        metrics = self._parts.metrics
        metrics.count("TracesCaptured")
        metrics.count(_COUNTED[outcome.way])
        metrics.measure_ms("ShipMs", outcome.took_ms)


class _Shipment:
    """One trace on its way."""

    def __init__(self, parts: _Parts, header: TraceHeader, started_s: float, end_s: float) -> None:
        self._parts = parts
        self._header = header
        self._started_s = started_s
        self._end_s = end_s
        self.claimed = False
        self.failures: list[str] = []

    def go(self, encode: Callable[[], bytes]) -> Literal["queue", "spool", "log", "dropped"]:
        document = b""
        try:
            document = encode()
            if len(document) > self._parts.settings.max_trace_bytes:
                raise ValueError(f"the document has {len(document)} bytes, over {self._parts.settings.max_trace_bytes}")  # noqa: TRY301
            body = encode_body(document, self._parts.settings.wire_limits, within=self._check_time)
        except Exception as error:  # noqa: BLE001  # whatever the document holds, the run's answer stands
            self.failures.append(f"encode: {_said(error)}")
            return self._drop(len(document))
        spooled = body  # a claim that could be put is spooled in place of the body
        try:
            message, attributes = self._message(body)
            spooled = message
            self._within(self._queue_end_s(), lambda: self._parts.queue.send(message, attributes))
        except Exception as error:  # noqa: BLE001  # any refusal sends the trace to the next way
            self.failures.append(f"queue: {_said(error)}")
        else:
            return "queue"
        try:
            content = spooled.encode()
            key = spool_key(self._header.trace_id, self._header.revision, hashlib.sha256(content).hexdigest())
            self._within(self._end_s - _LOG_RESERVE_S, lambda: self._parts.store.put_new(key, content))
        except Exception as error:  # noqa: BLE001  # as above
            self.failures.append(f"spool: {_said(error)}")
        else:
            return "spool"
        try:
            return self._log(body, len(document))
        except Exception as error:  # noqa: BLE001  # as above
            self.failures.append(f"log: {_said(error)}")
            return "dropped"

    def _message(self, body: str) -> tuple[str, dict[str, str]]:
        header = self._header
        attributes = encode_attributes(
            format="footpath.trace", trace_id=header.trace_id, chart=header.chart, status=header.status
        )
        if message_size_bytes(body, attributes) <= self._parts.settings.max_message_bytes:
            return body, attributes
        content = body.encode()
        message, key = encode_claim(self._parts.settings.archive_bucket, content)
        self._within(self._queue_end_s(), lambda: self._parts.store.put_new(key, content))
        self.claimed = True
        return message, attributes

    def _log(self, body: str, document_bytes: int) -> Literal["log", "dropped"]:
        if len(body) > self._parts.settings.log_fallback_bytes:
            self.failures.append(
                f"log: {len(body)} bytes are over the limit of {self._parts.settings.log_fallback_bytes}"
            )
            return self._drop(document_bytes)
        for line in trace_lines(self._log_header(), body):
            self._parts.write_log(line)
        return "log"

    def _drop(self, document_bytes: int) -> Literal["dropped"]:
        self._parts.write_log(dropped_line(self._log_header(), document_bytes, self.failures))
        return "dropped"

    def _log_header(self) -> LogHeader:
        return LogHeader(*self._header)

    # ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _queue_end_s(self) -> float:
        return self._started_s + (self._end_s - self._started_s) * _QUEUE_SHARE

    def _check_time(self) -> None:
        if self._parts.clock_s() >= self._end_s - _LOG_RESERVE_S:
            raise _OutOfTimeError("no time is left")

    def _within(self, end_s: float, call: Callable[[], T]) -> T:
        """Call, but wait for the answer only until `end_s`.

        A socket's own timeouts don't bound a call: names are looked up without one, and an answer may trickle. The
        thread left behind ends by those timeouts; what it still sends is a copy that identity makes harmless.
        """
        left_s = end_s - self._parts.clock_s()
        if left_s < _LEAST_WAY_S:
            raise _OutOfTimeError("no time is left")
        answer: list[T] = []
        failure: list[BaseException] = []

        def run() -> None:
            try:
                answer.append(call())
            except BaseException as error:  # noqa: BLE001  # handed to the waiting thread
                failure.append(error)

        thread = threading.Thread(target=run, name="footpath-ship", daemon=True)
        thread.start()
        thread.join(left_s)
        if answer:
            return answer[0]
        if failure:
            raise failure[0]
        raise _OutOfTimeError(f"no answer within {left_s * 1000:.0f} ms")


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:400]
