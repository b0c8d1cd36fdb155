"""Sequences of requests, faults, time and operators that nobody thought of: law 7 after each step."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from footpath_cli.operate import Choice, redrive, verify
from footpath_cli.poller import Fault, crash, deny, lose_answer, throttle, unavailable, unreachable
from footpath_cli.prove import World
from footpath_cli.prove._charts import FAILING, LARGE, LATE, SMALL
from footpath_cli.prove._prove import STRANGERS
from tests.faults._worlds import HOUR_MS, logical

MANY = bool(os.environ.get("FOOTPATH_FUZZ"))

BEFORE = {"crash": crash, "deny": deny, "throttle": throttle, "unavailable": unavailable, "unreachable": unreachable}
AFTER = {"crash": crash, "lost": lose_answer}
SERVICES = st.sampled_from(["sqs", "s3", "lambda"])


class Sequences(RuleBasedStateMachine):
    """One world; hypothesis is the weather and the operators."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World

    @initialize(seed=st.integers(0, 2**16), duplicates=st.sampled_from([0.0, 0.3]), size=st.sampled_from([1, 3, 50]))
    def begin(self, seed: int, duplicates: float, size: int) -> None:
        self.world = World(
            seed=seed, duplicate_rate=duplicates, disorder_rate=0.3, batch_size=size, window_s=1, pollers=2
        )
        self.world.__enter__()

    def teardown(self) -> None:
        """Whatever happened: with all faults gone and the operators' help, everything reaches the archive."""
        if not hasattr(self, "world"):
            return
        world = self.world
        try:
            world.faults.faults.clear()
            for _ in range(2):
                world.drain()
                world.recovery().from_spool()
                world.recovery().from_log(world.log.lines)
            world.drain()
            found = world.count("end")
            assert found.holds, found
            assert found.fates["archived"] + found.fates["dead-lettered"] == found.captured
            traces, granted, expected = world.audit()
            assert granted == expected
            assert traces == len({line.trace_id for line in logical(world)})
            assert verify(world.store).findings == []
        finally:
            world.__exit__(None, None, None)

    @rule(kind=st.sampled_from([SMALL, SMALL, SMALL, FAILING, LARGE]), times=st.integers(1, 4))
    def request(self, kind: str, times: int) -> None:
        for _ in range(times):
            self.world.request(kind)

    @rule(killed=st.booleans())
    def request_that_is_late(self, killed: bool) -> None:
        self.world.request(LATE, killed=killed)

    @rule(body=st.sampled_from(STRANGERS))
    def stranger(self, body: str) -> None:
        self.world.stranger(body)

    @rule(minutes=st.sampled_from([0, 1, 20, 600]))
    def time_passes(self, minutes: int) -> None:
        self.world.pass_time(minutes * 60_000 + 5_000)

    @rule(service=SERVICES, how=st.sampled_from(sorted(BEFORE)), times=st.integers(1, 3))
    def calls_fail(self, service: str, how: str, times: int) -> None:
        self._order(BEFORE[how], service, False, times)

    @rule(service=SERVICES, how=st.sampled_from(sorted(AFTER)), times=st.integers(1, 3))
    def answers_are_lost(self, service: str, how: str, times: int) -> None:
        self._order(AFTER[how], service, True, times)

    def _order(self, strike: Any, service: str, after: bool, times: int) -> None:
        name = f"fault {len(self.world.faults.faults)} {sum(self.world.faults.struck.values())}"
        self.world.faults.faults.append(Fault(name, strike, after=after, service=service, times=times))

    @rule(service=st.sampled_from(["sqs", "s3"]), hours=st.integers(1, 5))
    def service_is_down(self, service: str, hours: int) -> None:
        until_ms = self.world.clock.now_ms() + hours * HOUR_MS
        self.world.faults.faults.append(Fault("down", unreachable, service=service, until_ms=until_ms))

    @rule()
    def everything_is_mended(self) -> None:
        self.world.faults.faults.clear()

    @rule()
    def an_operator_recovers(self) -> None:
        self.world.recovery().from_spool()
        self.world.recovery().from_log(self.world.log.lines)

    @precondition(lambda self: self.world.dead.count())
    @rule()
    def an_operator_redrives(self) -> None:
        redrive(self.world.dead, self.world.queue, Choice())

    @invariant()
    def law_7_holds(self) -> None:
        if hasattr(self, "world"):
            found = self.world.count("between two steps")
            assert found.holds, found


Sequences.TestCase.settings = settings(
    max_examples=150 if MANY else 6,
    stateful_step_count=25 if MANY else 12,
    deadline=None,
    derandomize=not MANY,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestSequences = Sequences.TestCase
