"""Faults around boto3 calls: refused before the effect, or done and the answer lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from moto import mock_aws

from footpath_cli.poller import (
    CallWatch,
    Fault,
    Faults,
    FunctionTimedOut,
    ProcessDied,
    VirtualClock,
    crash,
    deny,
    lose_answer,
    refuse,
    slow,
    throttle,
    unavailable,
    unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_RETRY = Config(retries={"max_attempts": 0})


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", config=NO_RETRY)
        client.create_bucket(Bucket="archive")
        yield client


def watch(client: Any, clock: VirtualClock, *faults: Fault, seed: int = 0) -> Faults:
    plan = Faults(clock, *faults, seed=seed)
    CallWatch(plan).watch(client)
    return plan


def put(client: Any, key: str = "segments/a") -> None:
    client.put_object(Bucket="archive", Key=key, Body=b"x")


def keys(client: Any) -> list[str]:
    return [found["Key"] for found in client.list_objects_v2(Bucket="archive").get("Contents", [])]


@pytest.mark.parametrize(
    ("strike", "error"),
    [
        (crash, ProcessDied),
        (refuse, EndpointConnectionError),
        (unreachable, ConnectTimeoutError),
        (lose_answer, ReadTimeoutError),
    ],
)
def test_before_the_call_nothing_has_happened(s3: Any, clock: VirtualClock, strike: Any, error: type) -> None:
    """A fault that strikes before leaves the service untouched."""
    plan = watch(s3, clock, Fault("f", strike, operation="PutObject"))
    with pytest.raises(error):
        put(s3)
    assert keys(s3) == []
    assert plan.struck["f"] == 1


@pytest.mark.parametrize(("strike", "error"), [(crash, ProcessDied), (lose_answer, ReadTimeoutError)])
def test_after_the_call_the_effect_stands(s3: Any, clock: VirtualClock, strike: Any, error: type) -> None:
    """An unknown outcome: the caller sees an error and the object is there."""
    watch(s3, clock, Fault("f", strike, operation="PutObject", after=True))
    with pytest.raises(error):
        put(s3)
    assert keys(s3) == ["segments/a"]


@pytest.mark.parametrize(
    ("strike", "code", "status"),
    [(throttle, "SlowDown", 503), (deny, "AccessDenied", 403), (unavailable, "InternalError", 500)],
)
def test_a_service_refuses_s3_calls_in_its_own_words(
    s3: Any, clock: VirtualClock, strike: Any, code: str, status: int
) -> None:
    """S3's errors are XML with their HTTP status, and boto3 makes its ClientError of them."""
    watch(s3, clock, Fault("f", strike, operation="PutObject"))
    with pytest.raises(ClientError) as error:
        put(s3)
    assert error.value.response["Error"]["Code"] == code
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert keys(s3) == []


def test_a_service_refuses_sqs_calls_in_its_own_words(sqs: Any, clock: VirtualClock) -> None:
    """SQS's errors are JSON."""
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    watch(sqs, clock, Fault("f", deny, target_has="/q"))
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.send_message(QueueUrl=url, MessageBody="x")


def test_a_retrying_client_sees_each_attempt(clock: VirtualClock) -> None:
    """A throttle is an answer on the wire, so the SDK's own retries meet it."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", config=Config(retries={"total_max_attempts": 2}))
        client.create_bucket(Bucket="archive")
        plan = watch(client, clock, Fault("f", throttle, operation="PutObject", times=1))
        put(client)
        assert keys(client) == ["segments/a"]
    assert plan.calls["s3.PutObject"] == 2


def test_a_window_of_the_clock(s3: Any, clock: VirtualClock) -> None:
    """An outage begins and ends when told."""
    start_ms = clock.now_ms()
    watch(s3, clock, Fault("outage", unreachable, service="s3", from_ms=start_ms + 1_000, until_ms=start_ms + 2_000))
    put(s3, "before")
    clock.sleep_ms(1_000)
    with pytest.raises(ConnectTimeoutError):
        put(s3, "during")
    clock.sleep_ms(1_000)
    put(s3, "after")
    assert keys(s3) == ["after", "before"]


def test_a_place_in_the_bucket(s3: Any, clock: VirtualClock) -> None:
    """A fault can aim at one prefix."""
    watch(s3, clock, Fault("f", deny, target_has="/spool/"))
    put(s3, "segments/a")
    with pytest.raises(ClientError):
        put(s3, "spool/a")


def test_the_nth_call_over_several_clients(clock: VirtualClock, sqs: Any) -> None:
    """One watch numbers the calls of all its clients, so that a crash can be put between any two."""
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        call_watch = CallWatch(Faults(clock, Fault("f", crash, call_number=3)))
        call_watch.watch(sqs)
        call_watch.watch(s3)
        sqs.send_message(QueueUrl=url, MessageBody="x")
        s3.create_bucket(Bucket="archive")
        with pytest.raises(ProcessDied, match=r"call 3, sqs\.SendMessage"):
            sqs.send_message(QueueUrl=url, MessageBody="x")
        assert call_watch.count == 3


def test_chance_is_seeded(clock: VirtualClock) -> None:
    """The same seed strikes the same calls."""

    def strikes(seed: int) -> list[bool]:
        plan = Faults(clock, Fault("f", throttle, chance=0.3), seed=seed)
        numbers = CallWatch()
        return [plan.before(numbers.call("s3", "PutObject")) is not None for _ in range(100)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 15 < sum(strikes(1)) < 45


def test_a_slow_call_spends_the_functions_time(s3: Any, clock: VirtualClock) -> None:
    """Latency is virtual; a call that outlasts the function kills it before its effect."""
    watch(s3, clock, Fault("slow", slow(clock, 5_000), operation="PutObject"))
    start_ms = clock.now_ms()
    put(s3, "a")
    assert clock.now_ms() == start_ms + 5_000
    with pytest.raises(FunctionTimedOut), clock.limit(clock.now_ms() + 1_000):
        put(s3, "b")
    assert clock.now_ms() == start_ms + 6_000
    assert keys(s3)[:1] == ["a"]


def test_watching_twice_is_watching_once(s3: Any, clock: VirtualClock) -> None:
    """A call is counted once however often its client was given."""
    call_watch = CallWatch(Faults(clock))
    call_watch.watch(s3)
    call_watch.watch(s3)
    put(s3)
    assert call_watch.count == 1


def test_a_session_passes_its_watch_on(clock: VirtualClock) -> None:
    """Clients made later from a watched session are watched, of each service."""
    with mock_aws():
        session = boto3.Session("x", "x", region_name="us-east-1")
        plan = Faults(clock)
        CallWatch(plan).watch(session)
        session.client("s3").create_bucket(Bucket="archive")
        session.client("sqs").create_queue(QueueName="q")
    assert plan.calls == {"s3.CreateBucket": 1, "sqs.CreateQueue": 1}


def test_time_does_not_run_backwards(clock: VirtualClock) -> None:
    """A negative sleep is a mistake of the test that asks for it."""
    with pytest.raises(ValueError, match="backwards"):
        clock.sleep_ms(-1)
