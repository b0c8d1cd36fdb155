"""Lambda's side of an SQS queue: gather, invoke, settle."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from footpath_cli.poller._calls import CallWatch
from footpath_cli.poller._clock import FunctionTimedOut
from footpath_cli.poller._context import LambdaContext
from footpath_cli.poller._event import fits, record_bytes, sqs_event, sqs_record
from footpath_cli.poller._faults import ProcessDied
from footpath_cli.poller._outcome import Outcome, settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath_cli.poller._calls import ErrorAnswer
    from footpath_cli.poller._clock import Clock
    from footpath_cli.poller._mapping import EventSourceMapping

_RECEIVE_MOST = 10
_IDLE_POLL_MS = 20_000  # the long poll of an idle mapping


class PollerStuckError(Exception):
    """`drain` passed its end: messages are left that neither succeed nor leave the queue."""


@dataclass(slots=True, eq=False)
class _Batch:
    """What one poller has gathered. `full` is the reason why it takes no more: "size" or "bytes"."""

    records: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    size_bytes: int = 0
    opened_at_ms: int = 0
    full: str | None = None


@dataclass(slots=True, eq=False)
class _Gatherer:
    batch: _Batch | None = None
    carry: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass(slots=True, eq=False)
class _Running:
    """An invocation whose function has returned in simulation, and returns at `done_at_ms` on the clock."""

    batch: _Batch
    outcome: Outcome
    done_at_ms: int


class Poller:
    """Drives a function over a queue, as an event source mapping does, the same way for the same seed.

    One thread. Invocations overlap on the clock all the same: the function runs at once when its batch is ready, and
    what it returned takes effect `invocation_ms` later; between, other pollers receive, and messages whose visibility
    ends come back. An exception, a crash or a timeout settles nothing: the messages stay until they become visible
    again.

    Args:
        mapping: batch size, window, concurrency.
        function: `function(event, context)`, the real handler.
        sqs: a boto3 client: of AWS, of moto, or connected to MemorySqs.
        clock: VirtualClock jumps over every wait, WallClock waits.
        watch: its hooks see each invocation as the call `lambda.Invoke`; faults there throttle it or lose its answer.
        invocation_ms: how long each invocation takes on the clock; gets the seeded dice and the number of records.
        wake_ms: says when a hidden message comes back (`MemorySqs.next_change_ms`); without it the queue is asked every
            20 s.

    Attributes:
        counts: invocations, records, deleted, `cut.size|bytes|window`, `failed.items`, `failed.batch`, `error.*`.
        last_error: what the function raised last, for a test's message.
    """

    def __init__(
        self,
        mapping: EventSourceMapping,
        function: Callable[[dict[str, Any], LambdaContext], object],
        *,
        sqs: Any,
        clock: Clock,
        seed: int = 0,
        watch: CallWatch | None = None,
        invocation_ms: Callable[[random.Random, int], int] | None = None,
        wake_ms: Callable[[str], int | None] | None = None,
        function_name: str = "trace-processor",
    ) -> None:
        self.mapping = mapping
        self.counts: Counter[str] = Counter()
        self.last_error: BaseException | None = None
        self._function = function
        self._sqs = sqs
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - a simulation's dice, not a secret
        self._watch = watch or CallWatch()
        self._invocation_ms = invocation_ms
        self._wake_ms = wake_ms
        self._function_name = function_name
        self._gatherers = [_Gatherer() for _ in range(mapping.pollers)]
        self._running: list[_Running] = []
        attributes = sqs.get_queue_attributes(
            QueueUrl=mapping.queue_url, AttributeNames=["QueueArn", "VisibilityTimeout"]
        )["Attributes"]
        self._queue_arn: str = attributes["QueueArn"]
        mapping.check_visibility(int(attributes["VisibilityTimeout"]))

    def step(self) -> bool:
        """Do one thing: settle an invocation, invoke, or receive. False if only waiting is left."""
        return self._settle_one() or self._invoke_one() or self._receive_one()

    def run_until(self, at_ms: int) -> None:
        """Poll until the clock says `at_ms`."""
        while self._clock.now_ms() < at_ms:
            if not self.step():
                self._wait(at_ms)

    def drain(self, *, within_ms: int = 14 * 24 * 3_600_000) -> None:
        """Poll until the queue is empty, in flight and delayed included, and nothing is gathered or running.

        Raises:
            PollerStuckError: when that takes longer than `within_ms` on the clock.
        """
        end_ms = self._clock.now_ms() + within_ms
        while True:
            if self.step():
                continue
            if self._at_rest() and self._queue_is_empty():
                return
            if self._clock.now_ms() >= end_ms:
                raise PollerStuckError(f"after {within_ms} ms the queue still holds messages; {dict(self.counts)}")
            self._wait(end_ms)

    def _at_rest(self) -> bool:
        idle = all(gatherer.batch is None and not gatherer.carry for gatherer in self._gatherers)
        return idle and not self._running

    def _queue_is_empty(self) -> bool:
        names = [f"ApproximateNumberOfMessages{suffix}" for suffix in ("", "NotVisible", "Delayed")]
        try:
            found = self._sqs.get_queue_attributes(QueueUrl=self.mapping.queue_url, AttributeNames=names)["Attributes"]
        except (BotoCoreError, ClientError):
            return False
        return all(int(found[name]) == 0 for name in names)

    def _wait(self, end_ms: int) -> None:
        """Sleep until the next thing that is known to come, at most until `end_ms`."""
        now_ms = self._clock.now_ms()
        wakes = [end_ms]
        wakes += [running.done_at_ms for running in self._running]
        wakes += [self._window_end_ms(gatherer.batch) for gatherer in self._gatherers if gatherer.batch is not None]
        hint = self._wake_ms(self.mapping.queue_url) if self._wake_ms else None
        wakes.append(now_ms + _IDLE_POLL_MS if hint is None else hint)
        self._clock.sleep_ms(max(1, min(wakes) - now_ms))

    def _window_end_ms(self, batch: _Batch) -> int:
        return batch.opened_at_ms + self.mapping.window_s * 1000

    # Gathering

    def _receive_one(self) -> bool:
        """Let one poller, drawn by the seed, receive once. False if none has room or the queue gives nothing."""
        waiting = [gatherer for gatherer in self._gatherers if gatherer.batch is None or gatherer.batch.full is None]
        if not waiting or len(self._running) >= self.mapping.max_concurrency:
            return False
        # What did not fit a payload is in hand already and opens the next batch before anything else is received.
        gatherer = self._random.choice([gatherer for gatherer in waiting if gatherer.carry] or waiting)
        if gatherer.carry:
            records, gatherer.carry = gatherer.carry, []
        else:
            gathered = len(gatherer.batch.records) if gatherer.batch else 0
            records = self._receive(min(_RECEIVE_MOST, self.mapping.batch_size - gathered))
        if not records:
            return False
        self._gather(gatherer, records)
        return True

    def _receive(self, most: int) -> list[dict[str, Any]]:
        self.counts["receives"] += 1
        try:
            answer = self._sqs.receive_message(
                QueueUrl=self.mapping.queue_url,
                MaxNumberOfMessages=most,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        except (BotoCoreError, ClientError):
            self.counts["error.receive"] += 1
            return []
        return [sqs_record(message, self._queue_arn) for message in answer.get("Messages", [])]

    def _gather(self, gatherer: _Gatherer, records: list[dict[str, Any]]) -> None:
        if gatherer.batch is None:
            gatherer.batch = _Batch(opened_at_ms=self._clock.now_ms())
        batch = gatherer.batch
        for at, record in enumerate(records):
            size_bytes = record_bytes(record)
            if batch.records and not fits(batch.size_bytes, size_bytes):
                batch.full = "bytes"
                gatherer.carry = records[at:]
                return
            batch.records.append(record)
            batch.size_bytes += size_bytes
        if len(batch.records) >= self.mapping.batch_size:
            batch.full = "size"

    # Invoking

    def _invoke_one(self) -> bool:
        if len(self._running) >= self.mapping.max_concurrency:
            return False
        now_ms = self._clock.now_ms()
        ready = [
            gatherer
            for gatherer in self._gatherers
            if gatherer.batch and (gatherer.batch.full or self._window_end_ms(gatherer.batch) <= now_ms)
        ]
        if not ready:
            return False
        gatherer = self._random.choice(ready)
        batch, gatherer.batch = gatherer.batch, None
        if batch is not None:
            self.counts[f"cut.{batch.full or 'window'}"] += 1
            self._invoke(batch)
        return True

    def _invoke(self, batch: _Batch) -> None:
        self.counts["invocations"] += 1
        self.counts["records"] += len(batch.records)
        took_ms = self._invocation_ms(self._random, len(batch.records)) if self._invocation_ms else 0
        deadline_ms = self._clock.now_ms() + self.mapping.timeout_s * 1000
        try:
            outcome = self._run(batch, took_ms, deadline_ms)
        except FunctionTimedOut as error:
            outcome = self._whole_batch(batch, "error.timeout", error)
        except ProcessDied as error:
            outcome = self._whole_batch(batch, "error.crash", error)
        except Exception as error:  # noqa: BLE001 - whatever a function raises fails its batch
            outcome = self._whole_batch(batch, "error.raised", error)
        done_at_ms = min(self._clock.now_ms() + took_ms, max(deadline_ms, self._clock.now_ms()))
        self._running.append(_Running(batch, outcome, done_at_ms))

    def _run(self, batch: _Batch, took_ms: int, deadline_ms: int) -> Outcome:
        """Call the function. What it raises passes, and so do a kill, a crash and a fault of the invocation."""
        call = self._watch.call("lambda", "Invoke", self._function_name, batch.size_bytes)
        request_id = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        context = LambdaContext(self._function_name, request_id, self._clock, deadline_ms)
        refused = self._watch.before(call)
        if refused is not None:
            return self._whole_batch(batch, "error.throttled", refused)
        with self._clock.limit(deadline_ms):
            answer = self._function(sqs_event(batch.records), context)
        self._watch.after(call)
        if self._clock.now_ms() + took_ms > deadline_ms:
            raise FunctionTimedOut(f"the function ran longer than {self.mapping.timeout_s} s")
        ids = [str(record["messageId"]) for record in batch.records]
        return settle(ids, answer, report_batch_item_failures=self.mapping.report_batch_item_failures)

    def _whole_batch(self, batch: _Batch, count: str, why: BaseException | ErrorAnswer) -> Outcome:
        self.counts[count] += 1
        if isinstance(why, BaseException):
            self.last_error = why
        return Outcome(frozenset(str(record["messageId"]) for record in batch.records), str(why))

    # Settling

    def _settle_one(self) -> bool:
        now_ms = self._clock.now_ms()
        due = [running for running in self._running if running.done_at_ms <= now_ms]
        if not due:
            return False
        running = min(due, key=lambda candidate: candidate.done_at_ms)
        self._running.remove(running)
        outcome = running.outcome
        if outcome.whole_batch is not None:
            self.counts["failed.batch"] += 1
        self.counts["failed.items"] += len(outcome.failed)
        self._delete([record for record in running.batch.records if record["messageId"] not in outcome.failed])
        return True

    def _delete(self, records: list[dict[str, Any]]) -> None:
        for start in range(0, len(records), _RECEIVE_MOST):
            entries = [
                {"Id": str(at), "ReceiptHandle": record["receiptHandle"]}
                for at, record in enumerate(records[start : start + _RECEIVE_MOST])
            ]
            try:
                answer = self._sqs.delete_message_batch(QueueUrl=self.mapping.queue_url, Entries=entries)
            except (BotoCoreError, ClientError):
                self.counts["error.delete"] += 1
                continue
            self.counts["deleted"] += len(answer.get("Successful", []))
