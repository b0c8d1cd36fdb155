"""Everything between a request and the archive, in virtual time, with faults to order and an eye on every place."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from random import Random
from typing import IO, TYPE_CHECKING, Any, Self, cast

from footpath.archive import SEGMENTS, SPOOL, ArchiveReader, Identity
from footpath.recorders import verify_chain
from footpath_cli.operate import DISCARDS, Desk, Held, Recovery, held_in
from footpath_cli.pipeline import LocalPipeline
from footpath_cli.poller import CallWatch, Fault, Faults, MemorySqs, ProcessDied, VirtualClock
from footpath_cli.prove._charts import FAILING, LARGE, LATE, RUNAWAY, SMALL, partial_shipped
from footpath_cli.prove._ledger import Count, Ledger
from footpath_cli.prove._witness import Handed, TraceLog, identities_in, ids_of, quiet_deaths, witnessed
from footpath_service.log_lines import LoggedTrace, read_log_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from footpath.archive import ObjectStore

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MESSAGE_BYTES = 20_000
"""The queue's limit in the proof, so that claims are cheap and many; the size of a message is a setting."""

MAX_ENTRIES = 1_000
MAX_TRACE_BYTES = 250_000
"""As small as settings let them be, or so that a large trace is well under it: a runaway one is over either."""

KEPT_SHARE = 0.25
"""Of those requests that may be sampled out."""

_RUNAWAYS = ({"rounds": 1_500, "bytes": 1}, {"rounds": 40, "bytes": 10_000})
_SHIP_BUDGET_MS = 60_000
"""The most there may be. Time stands still in a world, and shipping alone is watched by a real clock: on a machine where two processes
share a core with twenty, what is slow for real must be no fault."""

_REQUEST_MS = 10 * _SHIP_BUDGET_MS
_LATE_MS = _SHIP_BUDGET_MS + 250 + 30  # so many milliseconds of running, then the deadline's margin begins


class World:
    """A pipeline to break.

    Args:
        seed: every die in it.
        faults: from the start; more may be added to `faults.faults` at any time.
        duplicate_rate, disorder_rate: of the queue.
        batch_size, window_s, pollers: of the event source mapping.
        max_trace_bytes: the handlers' setting.

    Attributes:
        clock, model, faults, pipeline: the parts.
        ledger: what was captured.
        answered: how many requests got their answer or the run's own error.
        granted: amounts of all traces captured, by identity: what the audit trails must add up to.
        strangers: messages that were put into the queue and are no traces.
        wrongly_left_out: traces that were sampled out and had to be kept.
    """

    def __init__(
        self,
        *faults: Fault,
        seed: int = 0,
        duplicate_rate: float = 0.0,
        disorder_rate: float = 0.0,
        batch_size: int = 1000,
        window_s: int = 30,
        pollers: int = 2,
        max_trace_bytes: int = MAX_TRACE_BYTES,
    ) -> None:
        self.clock = VirtualClock()
        self.dice = Random(seed)  # noqa: S311 - a simulation's dice, not a secret
        self.model = MemorySqs(self.clock, seed=seed, duplicate_rate=duplicate_rate, disorder_rate=disorder_rate)
        self.faults = Faults(self.clock, *faults, seed=seed)
        self.watch = CallWatch(self.faults)
        self.log = TraceLog()
        self.ledger = Ledger()
        self.answered = 0
        self.granted: dict[Identity, int] = {}
        self.strangers = 0
        self.pipeline = LocalPipeline(
            seed=seed,
            batch_size=batch_size,
            window_s=window_s,
            pollers=pollers,
            log=cast("IO[str]", self.log),
            environment={
                "CHARTS": "footpath_cli.prove:charts",
                "MAX_MESSAGE_BYTES": str(MESSAGE_BYTES),
                "SHIP_BUDGET_MS": str(_SHIP_BUDGET_MS),
                "MAX_TRACE_ENTRIES": str(MAX_ENTRIES),
                "MAX_TRACE_BYTES": str(max_trace_bytes),
                "SAMPLING": json.dumps([{"attributes": {"input.common": True}, "keep": KEPT_SHARE}]),
            },
            model=self.model,
            clock=self.clock,
            watch=self.watch,
        )
        self._amount = 0
        self._handed: list[Identity] = []
        self._killed = False
        self._may_be_left_out = False
        self.wrongly_left_out: list[Identity] = []
        self._stack = contextlib.ExitStack()
        self._archived: Counter[Identity] = Counter()
        self._audited: dict[Identity, int] = {}
        self._faulty_audits: list[str] = []
        self._seen_segments: set[str] = set()
        self._held: dict[str, Held | str] = {}

    def __enter__(self) -> Self:
        """Begin."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(quiet_deaths())
            stack.enter_context(ids_of(self.clock, Random(self.dice.getrandbits(64))))  # noqa: S311 - as above
            stack.enter_context(witnessed(self._tell))
            stack.enter_context(self.pipeline)
            self.store: ObjectStore = self.pipeline.archive
            self.queue = Desk(self.pipeline.sqs, self.pipeline.queue_url)
            self.dead = Desk(self.pipeline.sqs, self.pipeline.dead_letter_url)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._stack.close()

    # ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────
    def request(
        self, kind: str = SMALL, *, noise_bytes: int = 20_000, killed: bool = False, common: bool = False
    ) -> None:
        """One run of a chart. Whatever becomes of its trace, a run that may answer does answer as it should.

        Args:
            kind: the chart.
            noise_bytes: of a large one.
            killed: of a late one: the process dies where its final trace would leave.
            common: whether a sampling rule fits it; only a small one may be sampled out for that.

        Raises:
            AssertionError: the caller got something else than the run's answer or its own error.
        """
        self._amount += 1
        amount = self._amount % 1000 + 1
        given: dict[str, Any] = {"amount": amount, "common": common}
        if kind == LARGE:
            given["bytes"] = noise_bytes
        elif kind == RUNAWAY:
            given |= _RUNAWAYS[self._amount % 2]
        self._may_be_left_out = common and kind == SMALL
        self._handed.clear()
        partial_shipped.clear()
        self._killed = killed
        try:
            answer = self.pipeline.request({"chart": kind, "input": given}, **self._time_of(kind))
        except ProcessDied:
            pass
        except Exception as error:
            if kind != FAILING or str(error) != f"nothing is granted after {amount}":
                raise AssertionError(f"the caller got {error!r} for its trace's troubles") from error
            self.answered += 1
        else:
            if answer.get("result") != amount:
                raise AssertionError(f"the caller got {answer!r} for its trace's troubles")
            self.answered += 1
        for identity in self._handed:
            # A failed stage's writes are committed too; a partial trace has what was committed before it hung.
            self.granted[identity] = 0 if kind == LATE and identity.revision == 0 else amount

    def _time_of(self, kind: str) -> dict[str, int]:
        return {"timeout_ms": _LATE_MS if kind == LATE else _REQUEST_MS}

    def _tell(self, handed: Handed) -> None:
        self.ledger.hand(handed)
        self._handed.append(handed.identity)
        if handed.way == "sampled out" and not self._may_be_left_out:
            self.wrongly_left_out.append(handed.identity)
        if handed.identity.revision == 0:
            # A process that dies while the partial trace leaves takes the run with it.
            if self._killed or handed.way == "died":
                self.faults.faults.insert(0, _death())
            partial_shipped.set()
        elif self.faults.faults and self.faults.faults[0].name == _KILL:
            del self.faults.faults[0]

    def stranger(self, body: str) -> None:
        """Put a message into the trace queue that is no trace."""
        self.queue.send(body, {"chart": "a stranger's"})
        self.strangers += 1

    # ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def pass_time(self, duration_ms: int) -> None:
        """Let the poller work for so long. Days in which nothing is in the queue are jumped over."""
        end_ms = self.clock.now_ms() + duration_ms
        while (now_ms := self.clock.now_ms()) < end_ms:
            if self.model.bodies(self.pipeline.queue_url):
                self.pipeline.poller.run_until(min(end_ms, now_ms + HOUR_MS))
            else:
                self.clock.sleep_ms(end_ms - now_ms)

    def drain(self, *, within_ms: int = 3 * DAY_MS) -> None:
        """Let the poller work until the queue is empty."""
        self.pipeline.drain(within_ms=within_ms)

    # ── operators ──────────────────────────────────────────────────────────────────────────────────────────────────
    def recovery(self) -> Recovery:
        """What brings spooled and logged traces back to the queue."""
        pipeline = self.pipeline

        def remove(key: str) -> None:
            pipeline.s3.delete_object(Bucket=pipeline.bucket, Key=key)

        return Recovery(
            self.store, bucket=pipeline.bucket, way=self.queue, remove=remove, max_message_bytes=MESSAGE_BYTES
        )

    # ── the account ────────────────────────────────────────────────────────────────────────────────────────────────
    def count(self, name: str) -> Count:
        """Look into every place, and strike the balance."""
        self._read_segments()
        spooled = (self.store.get(key).decode() for key in self.store.list_keys(SPOOL))
        logged = (found.body for found in read_log_lines(self.log.lines) if isinstance(found, LoggedTrace))
        places = {
            "archived": set(self._archived),
            "in flight": self._identities(self.model.bodies(self.pipeline.queue_url)),
            "spooled": self._identities(spooled),
            "logged": self._identities(body for body in logged if body is not None),
            "dead-lettered": self._identities(self.model.bodies(self.pipeline.dead_letter_url)),
            "discarded": self._discarded(),
        }
        return self.ledger.count(name, places, self._doubled())

    def lose_claim(self, key: str) -> None:
        """Delete a claim; what the messages that name it held is remembered, for the account only."""
        self._identities(self.model.bodies(self.pipeline.queue_url))
        self.pipeline.s3.delete_object(Bucket=self.pipeline.bucket, Key=key)

    def _identities(self, bodies: Iterable[str]) -> set[Identity]:
        found: set[Identity] = set()
        for body in bodies:
            held = self._held.get(body)
            if held is None:
                held = held_in(body, store=self.store, bucket=self.pipeline.bucket)
                if len(body) < 4096:
                    self._held[body] = held
            if isinstance(held, Held):
                found.add(held.identity)
        return found

    def _discarded(self) -> set[Identity]:
        traces = {json.loads(self.store.get(key))["traceId"] for key in self.store.list_keys(DISCARDS)}
        return {identity for identity in self.ledger.ways if identity.trace_id in traces}

    def _read_segments(self) -> None:
        for key in self.store.list_keys(SEGMENTS):
            if key in self._seen_segments:
                continue
            self._seen_segments.add(key)
            for identity, line in identities_in(self.store.get(key)):
                self._archived[identity] += 1
                fault = verify_chain(line.audit)
                if fault is not None:
                    self._faulty_audits.append(f"{identity.trace_id}: {fault.reason}")
                self._audited[identity] = granted_in(line.audit)

    def _doubled(self) -> list[str]:
        """Strangers in the archive, clashes, and trails that say something else than the run did."""
        found = list(self._faulty_audits)
        found += [
            f"{one.trace_id} revision {one.revision} was never captured"
            for one in self._archived
            if one not in self.ledger.ways
        ]
        found += [
            f"{one.trace_id}: the audit trail says {amount}, the run {self.granted.get(one)}"
            for one, amount in self._audited.items()
            if amount != self.granted.get(one)
        ]
        revisions = Counter((one.trace_id, one.revision) for one in self._archived)
        return found + [f"{one} clashes" for one, count in revisions.items() if count > 1]

    def audit(self) -> tuple[int, int, int]:
        """The final look, as a reader has it: traces, what their audit trails grant in all, and what the runs did.

        Every line is read through the archive's reader, which is to count each trace once.
        """
        latest: dict[str, Identity] = {}
        for identity in sorted(self._archived):
            latest[identity.trace_id] = identity
        lines = granted = 0
        for line in ArchiveReader(self.store).lines():
            lines += 1
            granted += granted_in(line.audit)
        expected = sum(self.granted[identity] for identity in latest.values())
        if lines != len(latest):
            raise AssertionError(f"a reader sees {lines} traces where {len(latest)} were archived")
        return lines, granted, expected

    @property
    def copies(self) -> int:
        """Lines in the archive beyond the first of each identity: what at-least-once delivery costs."""
        return sum(self._archived.values()) - len(self._archived)


def granted_in(audit: bytes | Any) -> int:
    """What an audit trail says was granted: the sum over its rows that write `granted`."""
    rows: list[dict[str, Any]] = json.loads(bytes(audit) or b"[]")
    return sum(row.get("value", 0) for row in rows if row["kind"] == "write" and row.get("key") == "granted")


_KILL = "the sandbox is killed at its deadline"


def _death() -> Fault:
    def strike(call: Any) -> None:
        raise ProcessDied(f"killed at its deadline, before {call.service}.{call.operation}")

    return Fault(_KILL, strike)


def trickle(world: World, count: int, step_ms: int, act: Callable[[int], None], *, burst: int = 20) -> None:
    """Requests and poller take turns.

    Args:
        world: where.
        count: of requests.
        step_ms: between two of them, on the clock.
        act: makes the n-th.
        burst: requests between two turns of the poller.
    """
    for number in range(count):
        act(number)
        if number % burst == burst - 1:
            world.pass_time(step_ms * burst)
