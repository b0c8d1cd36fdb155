"""Lambda's side of the queue: one test a fact."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from footpath_cli.poller import (
    CallWatch,
    EventSourceMapping,
    Fault,
    Faults,
    MemorySqs,
    Poller,
    PollerStuckError,
    VirtualClock,
    WallClock,
    crash,
    lose_answer,
    throttle,
    unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE_MS = 60_000
KIB = 1024


class Function:
    """A handler that remembers what it was given and answers as told."""

    def __init__(self, answer: Callable[[list[dict[str, Any]]], Any] = lambda _: None) -> None:
        self.batches: list[list[str]] = []
        self.receive_counts: Counter[str] = Counter()
        self.remaining_ms: list[int] = []
        self._answer = answer

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        records = event["Records"]
        self.batches.append([record["body"][:40] for record in records])
        self.remaining_ms.append(context.get_remaining_time_in_millis())
        for record in records:
            self.receive_counts[record["body"][:40]] = int(record["attributes"]["ApproximateReceiveCount"])
        return self._answer(records)

    @property
    def seen(self) -> Counter[str]:
        return Counter(body for batch in self.batches for body in batch)


class World:
    """A queue with a dead-letter queue, and a poller in front of a function."""

    def __init__(self, clock: VirtualClock, model: MemorySqs, sqs: Any, *, receives: int = 3) -> None:
        self.clock, self.model, self.sqs = clock, model, sqs
        self.dlq: str = sqs.create_queue(QueueName="dlq")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.dlq, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": receives})
        self.url: str = sqs.create_queue(
            QueueName="work", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "60"}
        )["QueueUrl"]

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def poller(
        self,
        function: Any,
        *,
        watch: CallWatch | None = None,
        invocation_ms: Any = None,
        seed: int = 1,
        **settings: Any,
    ) -> Poller:
        return Poller(
            EventSourceMapping(self.url, **settings),
            function,
            sqs=self.sqs,
            clock=self.clock,
            seed=seed,
            watch=watch,
            invocation_ms=invocation_ms,
            wake_ms=self.model.next_change_ms,
        )

    def dead(self) -> list[str]:
        found = self.sqs.receive_message(QueueUrl=self.dlq, MaxNumberOfMessages=10).get("Messages", [])
        return sorted(message["Body"] for message in found)


@pytest.fixture
def world(clock: VirtualClock, model: MemorySqs, sqs: Any) -> World:
    return World(clock, model, sqs)


def numbered(count: int) -> list[str]:
    return [f"m{at:03}" for at in range(count)]


# Gathering


def test_a_batch_is_cut_at_its_size(world: World) -> None:
    """A full batch is invoked at once, before its window ends."""
    world.send(*numbered(25))
    function = Function()
    start_ms = world.clock.now_ms()
    poller = world.poller(function, batch_size=20, window_s=60, pollers=1)
    while not function.batches:
        assert poller.step()
    assert (len(function.batches[0]), world.clock.now_ms()) == (20, start_ms)
    assert poller.counts["cut.size"] == 1


def test_the_rest_waits_for_its_window(world: World) -> None:
    """A batch that is not full is invoked when its window ends, counted from its first message."""
    world.send(*numbered(5))
    function = Function()
    start_ms = world.clock.now_ms()
    poller = world.poller(function, batch_size=20, window_s=60, pollers=1)
    poller.run_until(start_ms + 30_000)
    world.send("late")
    poller.run_until(start_ms + 60_000)
    assert function.batches == []
    poller.drain()
    assert [len(batch) for batch in function.batches] == [6]
    assert poller.counts["cut.window"] == 1


def test_without_a_window_a_batch_is_what_one_receive_gives(world: World) -> None:
    """Window 0: ten messages at most, and no waiting."""
    world.send(*numbered(15))
    function = Function()
    start_ms = world.clock.now_ms()
    world.poller(function, pollers=1).drain()
    assert [len(batch) for batch in function.batches] == [10, 5]
    assert world.clock.now_ms() == start_ms


def test_a_batch_is_cut_at_six_megabytes(world: World) -> None:
    """The payload never exceeds 6 MiB; the message that does not fit opens the next batch."""
    world.send(*(f"{name}:" + "x" * 900 * KIB for name in numbered(13)))
    sizes: list[int] = []

    def measure(records: list[dict[str, Any]]) -> None:
        sizes.append(len(json.dumps({"Records": records}, separators=(",", ":"))))

    function = Function(measure)
    poller = world.poller(function, batch_size=100, window_s=10, pollers=1)
    poller.drain()
    assert [len(batch) for batch in function.batches] == [6, 6, 1]
    assert max(sizes) <= 6 * KIB * KIB
    assert poller.counts["cut.bytes"] == 2


def test_what_did_not_fit_does_not_wait_for_the_next_poll(world: World) -> None:
    """It is in a poller's hand, whichever poller's turn it is: the next batch's window opens at once."""
    world.send(*(f"{name}:" + "x" * 900 * KIB for name in numbered(8)))
    function = Function()
    start_ms = world.clock.now_ms()
    world.poller(function, batch_size=100, window_s=10, pollers=5).drain()
    assert sorted(body[:4] for body in function.seen) == numbered(8)
    assert world.clock.now_ms() == start_ms + 10_000


def test_each_poller_fills_a_batch_of_its_own(world: World) -> None:
    """Five pollers make five smaller batches of what one would gather into one."""
    world.send(*numbered(100))
    one, five = Function(), Function()
    world.poller(one, batch_size=100, window_s=5, pollers=1).drain()
    world.send(*numbered(100))
    world.poller(five, batch_size=100, window_s=5, pollers=5).drain()
    assert [len(batch) for batch in one.batches] == [100]
    assert len(five.batches) == 5
    assert sum(len(batch) for batch in five.batches) == 100


def test_the_same_seed_gives_the_same_run(clock: VirtualClock, connected: Any) -> None:
    """Batches, their order and their records repeat for a seed and differ for another."""

    def run(seed: int) -> list[list[str]]:
        model = MemorySqs(clock, seed=seed, duplicate_rate=0.1, disorder_rate=0.3)
        world = World(clock, model, connected(model))
        world.send(*numbered(60))
        function = Function()
        world.poller(function, seed=seed, batch_size=20, window_s=5).drain()
        return function.batches

    assert run(3) == run(3)
    assert run(3) != run(4)


# Settling


def test_success_deletes_the_messages(world: World) -> None:
    """After a batch that succeeds the queue is empty, and each message was seen once."""
    world.send(*numbered(30))
    function = Function()
    poller = world.poller(function)
    poller.drain()
    assert function.seen == Counter(numbered(30))
    assert poller.counts["deleted"] == 30


def test_a_partial_response_keeps_only_what_it_names(world: World) -> None:
    """The named message comes back after its visibility timeout, with its receive count up; the others are gone."""
    world.send(*numbered(4))

    def first_time_m001(records: list[dict[str, Any]]) -> Any:
        failed = [r for r in records if r["body"] == "m001" and r["attributes"]["ApproximateReceiveCount"] == "1"]
        return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in failed]}

    function = Function(first_time_m001)
    start_ms = world.clock.now_ms()
    world.poller(function, pollers=1).drain()
    assert function.batches == [numbered(4), ["m001"]]
    assert function.receive_counts["m001"] == 2
    assert world.clock.now_ms() == start_ms + MINUTE_MS


def test_an_exception_retries_the_whole_batch(world: World) -> None:
    """Nothing of a batch whose function raises is deleted."""
    world.send(*numbered(3))
    attempts = iter([True, False])

    def once(_: list[dict[str, Any]]) -> None:
        if next(attempts):
            raise RuntimeError("boom")

    function = Function(once)
    poller = world.poller(function, pollers=1)
    poller.drain()
    assert function.batches == [numbered(3), numbered(3)]
    assert poller.counts["error.raised"] == 1
    assert isinstance(poller.last_error, RuntimeError)


def test_an_unknown_item_identifier_retries_the_whole_batch(world: World) -> None:
    """The good messages of a batch with a bad answer come again, too."""
    world.send(*numbered(3))
    answers = iter([{"batchItemFailures": [{"itemIdentifier": ""}]}, None])
    function = Function(lambda _: next(answers))
    poller = world.poller(function, pollers=1)
    poller.drain()
    assert function.batches == [numbered(3), numbered(3)]
    assert poller.counts["failed.batch"] == 1


def test_a_message_that_always_fails_ends_in_the_dead_letter_queue(world: World) -> None:
    """After maxReceiveCount receives the next one moves it; its siblings were settled the first time."""
    world.send("good", "bad")

    def bad_fails(records: list[dict[str, Any]]) -> Any:
        return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in records if r["body"] == "bad"]}

    function = Function(bad_fails)
    world.poller(function, pollers=1).drain()
    assert function.seen == Counter(bad=3, good=1)
    assert world.dead() == ["bad"]


def test_drain_says_when_it_cannot_end(world: World) -> None:
    """A queue without a way out is an error with the counts, not an endless loop."""
    url = world.sqs.create_queue(QueueName="no-dlq", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    world.url = url
    world.send("bad")

    def fail(_: Any) -> None:
        raise RuntimeError("boom")

    with pytest.raises(PollerStuckError, match="still holds messages"):
        world.poller(Function(fail)).drain(within_ms=10 * MINUTE_MS)


def test_a_lost_delete_brings_done_messages_again(world: World) -> None:
    """At least once: when the delete does not reach SQS, the function sees the batch a second time."""
    world.send(*numbered(3))
    faults = Faults(world.clock, Fault("no delete", unreachable, operation="DeleteMessageBatch", times=1))
    CallWatch(faults).watch(world.sqs)
    function = Function()
    poller = world.poller(function, pollers=1)
    poller.drain()
    assert function.seen == Counter(dict.fromkeys(numbered(3), 2))
    assert poller.counts["error.delete"] == 1


# Time


def test_a_function_sees_its_time_run_out(world: World) -> None:
    """The context counts down on the simulation's clock; beyond the timeout the function is killed where it sleeps."""
    world.send("slow")
    after: list[str] = []

    def sleep(records: list[dict[str, Any]]) -> None:
        if records[0]["attributes"]["ApproximateReceiveCount"] == "1":
            try:
                world.clock.sleep_ms(31_000)
            except Exception:  # noqa: BLE001
                after.append("a kill is no exception")
            after.append("went on")

    function = Function(sleep)
    poller = world.poller(function, timeout_s=30, pollers=1)
    poller.drain()
    assert after == []
    assert function.remaining_ms == [30_000, 30_000]
    assert poller.counts["error.timeout"] == 1
    assert function.seen == Counter(slow=2)


def test_a_window_eats_the_visibility_timeout(world: World) -> None:
    """Gathering and running together outlast visibility: another invocation gets the message before the first is done.

    The reason for AWS's advice of six times the timeout *plus the window*.
    """
    world.sqs.set_queue_attributes(QueueUrl=world.url, Attributes={"VisibilityTimeout": "30"})
    world.send("x")
    function = Function()
    durations = iter([15_000, 10])
    settings = {"timeout_s": 30, "batch_size": 20, "window_s": 20}
    world.poller(function, invocation_ms=lambda _dice, _count: next(durations), **settings).drain()
    assert function.seen == Counter(x=2)


def test_concurrency_is_capped(world: World) -> None:
    """No more invocations overlap than MaximumConcurrency allows."""
    world.send(*numbered(60))
    running: list[tuple[int, int]] = []

    def note(_: Any) -> None:
        running.append((world.clock.now_ms(), world.clock.now_ms() + 1_000))

    world.poller(Function(note), max_concurrency=2, invocation_ms=lambda _dice, _count: 1_000).drain()
    assert len(running) == 6
    for start_ms, _ in running:
        assert sum(1 for other in running if other[0] <= start_ms < other[1]) <= 2


# Faults


def test_a_throttled_invocation_burns_a_receive_and_runs_nothing(world: World) -> None:
    """Why reserved concurrency fills dead-letter queues: the function never saw the message."""
    world.send("x")
    faults = Faults(world.clock, Fault("throttled", throttle, service="lambda", times=1))
    function = Function()
    poller = world.poller(function, watch=CallWatch(faults))
    poller.drain()
    assert function.receive_counts["x"] == 2
    assert function.seen == Counter(x=1)
    assert poller.counts["error.throttled"] == 1


def test_a_lost_result_repeats_what_was_done(world: World) -> None:
    """When the invocation's answer is lost its effects stand, and the batch comes again."""
    world.send("x")
    faults = Faults(world.clock, Fault("lost", lose_answer, service="lambda", after=True, times=1))
    function = Function()
    world.poller(function, watch=CallWatch(faults)).drain()
    assert function.seen == Counter(x=2)


def test_a_crash_inside_the_function_is_not_its_exception(world: World) -> None:
    """`except Exception` in a handler does not survive the process; the batch comes again."""
    world.send("x")
    survived: list[str] = []

    def die(records: list[dict[str, Any]]) -> None:
        if records[0]["attributes"]["ApproximateReceiveCount"] == "1":
            try:
                crash(CallWatch().call("s3", "PutObject"))
            except Exception:  # noqa: BLE001
                survived.append("caught")

    function = Function(die)
    poller = world.poller(function)
    poller.drain()
    assert survived == []
    assert poller.counts["error.crash"] == 1
    assert function.seen == Counter(x=2)


def test_a_queue_that_is_down_is_asked_again(world: World) -> None:
    """An outage of SQS in the poller's path delays messages and loses none."""
    world.send(*numbered(5))
    end_ms = world.clock.now_ms() + 4 * 60 * MINUTE_MS
    faults = Faults(world.clock, Fault("outage", unreachable, service="sqs", until_ms=end_ms))
    poller = world.poller(Function())
    CallWatch(faults).watch(world.sqs)
    poller.drain()
    assert poller.counts["deleted"] == 5
    assert world.clock.now_ms() >= end_ms


# Settings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 10_001, "window_s": 1}, "batch_size is 10001"),
        ({"batch_size": 11}, "needs window_s"),
        ({"window_s": 301}, "window_s is 301"),
        ({"max_concurrency": 1_001}, "max_concurrency is 1001"),
        ({"timeout_s": 901}, "timeout_s is 901"),
    ],
)
def test_settings_that_aws_refuses_are_refused(settings: dict[str, int], problem: str) -> None:
    """A simulation of a mapping that cannot exist would prove nothing."""
    with pytest.raises(ValueError, match=problem):
        EventSourceMapping("q", **settings)


def test_a_visibility_timeout_below_the_functions_timeout_is_refused(world: World) -> None:
    """AWS refuses such a mapping, so the poller does."""
    with pytest.raises(ValueError, match="visibility timeout is 60 s"):
        world.poller(Function(), timeout_s=61)


def test_the_same_poller_runs_on_moto_and_real_time() -> None:
    """The demo's way: a boto3 client on moto's SQS, and a clock that really waits."""
    import boto3
    from moto import mock_aws

    with mock_aws():
        sqs = boto3.client("sqs", region_name="eu-west-1")
        url = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
        for body in numbered(25):
            sqs.send_message(
                QueueUrl=url,
                MessageBody=body,
                MessageAttributes={"format": {"DataType": "String", "StringValue": "footpath.trace"}},
            )
        function = Function()
        mapping = EventSourceMapping(url, batch_size=20, window_s=1, pollers=1)
        poller = Poller(mapping, function, sqs=sqs, clock=WallClock())
        poller.drain()
    assert [len(batch) for batch in function.batches] == [20, 5]
    assert poller.counts["deleted"] == 25
