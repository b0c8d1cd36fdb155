from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from footpath_cli.poller import MemorySqs, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REGION = "eu-west-1"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def model(clock: VirtualClock) -> MemorySqs:
    return MemorySqs(clock, seed=7)


@pytest.fixture(scope="session")
def connected() -> Callable[[MemorySqs], Any]:
    """A boto3 SQS client that the given model answers."""

    def make(model: MemorySqs) -> Any:
        session = boto3.Session("x", "x", region_name=REGION)
        client = session.client("sqs", config=Config(retries={"total_max_attempts": 1}))
        model.connect(client)
        return client

    return make


@pytest.fixture
def sqs(model: MemorySqs, connected: Callable[[MemorySqs], Any]) -> Any:
    """The in-memory model behind a real boto3 client."""
    return connected(model)


@pytest.fixture(params=["memory", "moto"])
def either(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The same client over the model and over moto: facts that both must keep."""
    if request.param == "memory":
        yield request.getfixturevalue("sqs")
    else:
        with mock_aws():
            yield boto3.client("sqs", region_name=REGION)
