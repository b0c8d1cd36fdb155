"""The proof run: ordinary days with dice for faults, then the outages and mistakes one by one, with counts between."""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from footpath.archive import CLAIMS
from footpath_cli.operate import Choice, discard, redrive
from footpath_cli.poller import (
    CallWatch,
    Fault,
    Faults,
    ProcessDied,
    crash,
    lose_answer,
    throttle,
    unavailable,
    unreachable,
)
from footpath_cli.prove._charts import FAILING, LARGE, LATE, RUNAWAY, SMALL
from footpath_cli.prove._world import DAY_MS, HOUR_MS, World, trickle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from footpath_cli.prove._ledger import Count

_STEP_MS = 50  # twenty requests a second
_RATE = 0.01
_COMMON = 0.1
"""Share of the requests that a sampling rule fits."""

STRANGERS = (
    "hello",
    "{",
    "z1:not base64!",
    "z1:" + base64.b64encode(zlib.compress(b"[1]")).decode(),
    "z1:" + base64.b64encode(zlib.compress(b'{"a":"' + b"a" * 3_000_000 + b'"}', 9)).decode(),
    '{"a":' + "[" * 3_000 + "]" * 3_000 + "}",
    '{"format":"footpath.trace","version":99,"traceId":"01900000-0000-7000-8000-000000000000"}',
    '{"format":"footpath.trace","version":1}',
    '{"claim":{"bucket":"another","key":"claims/x","sha256":"x","bytes":1}}',
)
"""Messages that are no traces, a kind each."""


@dataclass(slots=True)
class Proof:
    """What a proof run found.

    Attributes:
        seed, requests: what was asked for.
        counts: the equation at each quiet point.
        struck: how often each fault struck.
        kinds: how many requests of each kind.
        problems: everything that should not be; empty when every trace was accounted for.
        facts: further numbers for the report.
    """

    seed: int
    requests: int
    counts: list[Count] = field(default_factory=list["Count"])
    struck: Counter[str] = field(default_factory=Counter[str])
    kinds: Counter[str] = field(default_factory=Counter[str])
    problems: list[str] = field(default_factory=list[str])
    facts: dict[str, float | str] = field(default_factory=dict[str, "float | str"])


def prove(requests: int, seed: int, *, rate: float = _RATE, tell: Callable[[str, int], None] | None = None) -> Proof:
    """Run the proof.

    Args:
        requests: how many in all; 400 at least.
        seed: of every die.
        rate: how often a process dies before a call, and after one; other faults in proportion.
        tell: hears of progress: what is going on, and how many requests have been made.

    Raises:
        ValueError: for fewer requests, which would leave some corner without a trace.
        AssertionError: a caller got a wrong answer.
    """
    if requests < 400:
        raise ValueError(f"{requests} requests are too few to reach every corner; 400 is the least")
    run = _Run(Proof(seed, requests), tell or (lambda _what, _done: None))
    with World(*_dice(rate), seed=seed, duplicate_rate=0.05, disorder_rate=0.3) as world:
        run.go(world)
    return run.proof


def _dice(rate: float) -> list[Fault]:
    """What may happen at any call of a handler, the invocation itself included."""
    return [
        Fault("process dies before a call", crash, chance=rate),
        Fault("process dies after a call", crash, after=True, chance=rate),
        Fault("service throttles", throttle, chance=rate),
        Fault("service is broken", unavailable, chance=rate / 2, service="s3"),
        Fault("answer is lost", lose_answer, after=True, chance=rate),
    ]


class _Run:
    def __init__(self, proof: Proof, tell: Callable[[str, int], None]) -> None:
        self.proof = proof
        self._tell = tell
        self._done = 0
        self._what = ""

    def go(self, world: World) -> None:
        """Every phase, and the last look."""
        requests = self.proof.requests
        in_outage = min(requests // 20, 1_000)
        in_sqs_outage = min(requests // 10, 4_000)
        in_mistake = min(max(requests // 500, 10), 60)
        ordinary = requests - in_outage - in_sqs_outage - in_mistake
        poller_faults = Faults(
            world.clock,
            *_poller_dice(world.pipeline.queue_url),
            seed=self.proof.seed + 1,
        )
        CallWatch(poller_faults).watch(world.pipeline.sqs)
        self._ordinary(world, ordinary)
        self._without_s3(world, in_outage)
        self._without_sqs(world, in_sqs_outage)
        self._dead_letters(world, in_mistake)
        self._last_look(world)
        self.proof.struck = world.faults.struck + poller_faults.struck

    # ── phases ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def _ordinary(self, world: World, count: int) -> None:
        self._what = "ordinary traffic"
        trickle(world, count // 2, _STEP_MS, lambda _: self._any(world), burst=100)
        self._count(world, "in mid-traffic")
        trickle(world, count - count // 2, _STEP_MS, lambda _: self._any(world), burst=100)
        world.drain()
        self._count(world, "traffic has passed")

    def _without_s3(self, world: World, count: int) -> None:
        self._what = "four hours without S3"
        start_ms = world.clock.now_ms()
        end_ms = start_ms + 4 * HOUR_MS
        outage = Fault("S3 is down for 4 h", unreachable, service="s3", until_ms=end_ms)
        world.faults.faults.insert(0, outage)
        trickle(world, count, 2 * HOUR_MS // max(count, 1), lambda _: self._any(world), burst=25)
        world.pass_time(max(start_ms + 2 * HOUR_MS - world.clock.now_ms(), 1))
        middle = self._count(world, "two hours into the outage of S3")
        if not middle.fates["in flight"]:
            self._problem("nothing waited in the queue while S3 was down")
        world.pass_time(end_ms - world.clock.now_ms())
        dead = world.dead.count()
        world.drain()
        if world.dead.count() > dead + 1:  # a stranger that was waiting may still be parked
            self._problem("good messages went to the dead-letter queue for an outage of S3")
        self._count(world, "S3 is back")
        world.faults.faults.remove(outage)

    def _without_sqs(self, world: World, count: int) -> None:
        self._what = "SQS down, then S3 too"
        no_sqs = Fault("SQS is down for requests", unreachable, service="sqs", operation="SendMessage")
        no_s3 = Fault("S3 is down as well", unreachable, service="s3")
        world.faults.faults.insert(0, no_sqs)
        trickle(world, count - count // 4, _STEP_MS, lambda _: self._any(world, strangers=False), burst=100)
        world.faults.faults.insert(0, no_s3)
        trickle(world, count // 4, _STEP_MS, lambda _: self._any(world, strangers=False), burst=100)
        found = self._count(world, "SQS and S3 are down")
        if not (found.fates["spooled"] and found.fates["logged"]):
            self._problem("the outage of SQS left nothing in the spool or in the log")
        world.faults.faults.remove(no_sqs)
        world.faults.faults.remove(no_s3)
        self._what = "recovering"
        self._recover(world)
        world.drain()
        self._recover(world)  # now that they are archived, the spool is cleared
        found = self._count(world, "spool and log are recovered")
        if found.fates["spooled"] or found.fates["logged"]:
            self._problem("recover left something in the spool or in the log")

    def _recover(self, world: World) -> None:
        """Once with a crash half-way, then in full."""
        recovery = world.recovery()
        sends = 0
        send = world.queue.send

        def dying(body: str, attributes: Mapping[str, str]) -> None:
            nonlocal sends
            sends += 1
            send(body, attributes)
            if sends == 5:
                world.faults.struck["recover dies half-way"] += 1
                raise ProcessDied("recover died")

        world.queue.send = dying  # type: ignore[method-assign]
        try:
            recovery.from_spool()
        except ProcessDied:
            pass
        finally:
            world.queue.send = send  # type: ignore[method-assign]
        for done in (recovery.from_spool(), recovery.from_log(world.log.lines)):
            if not done.complete:
                self._problem(f"recover left behind: {done.unreadable} {done.incomplete} {done.dropped}")

    def _dead_letters(self, world: World, count: int) -> None:
        """Messages that are archived and never acknowledged, thirty days long; and a claim that somebody deleted."""
        self._what = "thirty days of dead letters"
        start_ms = world.clock.now_ms()
        lost = Fault("a batch's answer is lost", lose_answer, after=True, service="lambda", times=2)
        stuck = Fault("every invocation is throttled", throttle, service="lambda", from_ms=start_ms + 10 * 60_000)
        world.faults.faults[:0] = [lost, stuck]
        self._orphan(world)
        for _ in range(count // 2):
            self._make(world, SMALL)
        world.pass_time(11 * 60_000)
        for _ in range(count - count // 2):
            self._make(world, SMALL)
        # A queue keeps a message for fourteen days, and what is no trace has lain there since the traffic, up to days
        # before.
        for days in (10, 20, 30):
            world.pass_time(start_ms + days * DAY_MS - world.clock.now_ms() - HOUR_MS)
            self._count(world, f"day {days - 1}, all in the dead-letter queue" if days < 30 else "day 30")
            if days == 30:
                world.faults.faults.remove(stuck)
            sent = redrive(world.dead, world.queue, Choice())
            self.proof.facts[f"redriven on day {days}"] = sent
        world.drain()
        self._count(world, "redriven after 30 days")
        parked = list(world.dead.messages())
        reasons = Counter(message.reason for message in parked)
        self.proof.facts["reasons in the dead-letter queue"] = ", ".join(
            f"{reason} {number}" for reason, number in sorted(reasons.items())
        )
        world.dead.give_back(parked)
        if sum(reasons.values()) < world.strangers:
            self._problem(f"{world.strangers} strangers were sent, {sum(reasons.values())} are parked")
        discarded = 0
        while world.dead.count():  # a copy that a server kept may come after the first look
            discarded += discard(world.dead, world.store, Choice(), why="no traces", by="prove", at="2026-01-31T00:00Z")
            world.pass_time(10 * 60_000)
        self.proof.facts["dead letters discarded"] = discarded
        found = self._count(world, "the rest is discarded")
        if found.fates["discarded"] != 1:
            self._problem(f"one trace was to be discarded, {found.fates['discarded']} were")

    def _orphan(self, world: World) -> None:
        """A captured trace whose claim somebody deletes: never readable again, and discarded in the end."""
        while True:
            before = set(world.store.list_keys(CLAIMS))
            self._make(world, LARGE)
            fresh = set(world.store.list_keys(CLAIMS)) - before
            if fresh and next(reversed(world.ledger.ways.values())) == "queue":
                break
        for key in fresh:
            world.lose_claim(key)

    def _last_look(self, world: World) -> None:
        self._what = "reading the whole archive"
        world.drain()
        self._recover(world)
        world.drain()
        self._recover(world)
        last = self._count(world, "at the end")
        elsewhere = {fate: number for fate, number in last.fates.items() if fate != "archived" and number}
        if set(elsewhere) - {"discarded", "sampled out"}:
            self._problem(f"at the end traces are still {elsewhere}")
        traces, granted, expected = world.audit()
        self.proof.facts |= {
            "traces a reader sees": traces,
            "granted, by the runs": expected,
            "granted, by the audit trails": granted,
            "lines beyond the first of their identity": world.copies,
            "messages expired": world.model.expired_count(world.pipeline.queue_url)
            + world.model.expired_count(world.pipeline.dead_letter_url),
            "requests answered": world.answered,
            "strangers sent": world.strangers,
            "virtual days": round((world.clock.now_ms() - 1_767_225_600_000) / DAY_MS, 1),
        }
        self.proof.facts |= {f"shipped by {way}": number for way, number in sorted(world.ledger.counts.items())}
        self.proof.facts["traces cut short"] = len(world.ledger.truncated)
        self.proof.facts["traces that stand for others"] = len(world.ledger.weights)
        self.proof.facts["weight of those"] = sum(world.ledger.weights.values())
        if world.wrongly_left_out:
            self._problem(f"sampled out, though always to be kept: {world.wrongly_left_out[:3]}")
        if granted != expected:
            self._problem(f"the audit trails grant {granted}, the runs granted {expected}")

    # ── parts ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _any(self, world: World, *, strangers: bool = True) -> None:
        """A request of a kind drawn by the dice."""
        draw = world.dice.random()
        common = world.dice.random() < _COMMON
        if draw < 0.04:
            self._make(world, FAILING, common=common)
        elif draw < 0.05:
            self._make(world, LARGE)
        elif draw < 0.053:
            self._make(world, LATE, killed=world.dice.random() < 0.4, common=common)
        elif draw < 0.057:
            self._make(world, RUNAWAY, common=common)
        else:
            self._make(world, SMALL, common=common)
        if strangers and world.dice.random() < 0.005:
            world.stranger(world.dice.choice(STRANGERS))

    def _make(self, world: World, kind: str, **more: Any) -> None:
        world.request(kind, **more)
        self.proof.kinds["killed at its deadline" if more.get("killed") else kind] += 1
        self._done += 1
        if self._done % 50 == 0:
            self._tell(self._what, min(self._done, self.proof.requests))

    def _count(self, world: World, name: str) -> Count:
        self._tell(self._what, min(self._done, self.proof.requests))
        found = world.count(name)
        self.proof.counts.append(found)
        if not found.holds:
            self._problem(f"{name}: lost {found.lost[:3]}, doubled {found.doubled[:3]}, dropped {found.dropped}")
        return found

    def _problem(self, text: str) -> None:
        self.proof.problems.append(text)


def _poller_dice(queue_url: str) -> list[Fault]:
    """What may happen to Lambda's own calls."""
    return [
        Fault("a delete is lost", unreachable, operation="DeleteMessageBatch", target_has=queue_url, chance=_RATE),
        Fault("a receive fails", throttle, operation="ReceiveMessage", target_has=queue_url, chance=_RATE),
    ]
