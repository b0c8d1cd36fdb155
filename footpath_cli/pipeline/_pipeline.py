"""Request to archive, on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from pathlib import Path
from random import Random
from typing import IO, TYPE_CHECKING, Any, Self, cast

from footpath.archive import SEGMENTS
from footpath_cli.pipeline._handlers import load_handler
from footpath_cli.poller import EventSourceMapping, LambdaContext, Poller, WallClock
from footpath_service.adapters.aws import AwsClient, S3Store
from footpath_service.adapters.folder import FolderStore

if TYPE_CHECKING:
    from types import TracebackType

    from footpath.archive import ObjectStore
    from footpath_cli.poller import Clock

REGION = "eu-west-1"
BUCKET = "footpath-archive"
_VISIBILITY_S = 360  # as in the template: six times the processor's timeout
_MAX_RECEIVES = 5
_TIMEOUT_S = 60


class LocalPipeline:
    """A context in which boto3 meets moto's SQS and S3, with queues, an archive bucket, and the real handlers around them.

    The environment and standard output are borrowed: settings are in `os.environ`, and what the handlers log goes to `log`
    while they run. Both are given back at the end. One at a time in a process.

    Args:
        seed: drives the poller, and the request ids.
        batch_size, window_s, pollers: of the event source mapping.
        log: where the handlers' log lines go; they are dropped when it is None.
        environment: further settings for the handlers.
        clock: the poller's; real time unless told otherwise.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        batch_size: int = 100,
        window_s: int = 2,
        pollers: int = 2,
        log: IO[str] | None = None,
        environment: dict[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._random = Random(seed)  # noqa: S311 - a simulation's dice, not a secret
        self._seed = seed
        self._batch_size, self._window_s, self._pollers = batch_size, window_s, pollers
        self._log = log
        self._environment = environment or {}
        self._clock = clock or WallClock()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Make the world, then load the handlers into it."""
        with contextlib.ExitStack() as stack:
            import boto3
            from moto import mock_aws

            stack.enter_context(_environment(_FAKE_CREDENTIALS))
            stack.enter_context(mock_aws())
            make: Any = cast("Any", boto3).client
            self.sqs: Any = make("sqs", region_name=REGION)
            self.s3: Any = make("s3", region_name=REGION)
            self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
            self.dead_letter_url: str = self.sqs.create_queue(QueueName="traces-dlq")["QueueUrl"]
            answer = self.sqs.get_queue_attributes(QueueUrl=self.dead_letter_url, AttributeNames=["QueueArn"])
            policy = {"deadLetterTargetArn": answer["Attributes"]["QueueArn"], "maxReceiveCount": _MAX_RECEIVES}
            attributes = {"VisibilityTimeout": str(_VISIBILITY_S), "RedrivePolicy": json.dumps(policy)}
            self.queue_url: str = self.sqs.create_queue(QueueName="traces", Attributes=attributes)["QueueUrl"]
            settings = {
                "TRACE_QUEUE_URL": self.queue_url,
                "DEAD_LETTER_QUEUE_URL": self.dead_letter_url,
                "ARCHIVE_BUCKET": BUCKET,
                "POWERTOOLS_SERVICE_NAME": "footpath",
                "POWERTOOLS_METRICS_NAMESPACE": "Footpath",
                # Everything here is on one machine, which may be busy: a cold client is no outage.
                "SHIP_BUDGET_MS": "5000",
            }
            stack.enter_context(_environment(settings | self._environment))
            with self._handlers_output():
                self._request = load_handler("request_handler")
                self._process = load_handler("trace_processor")
            mapping = EventSourceMapping(
                self.queue_url,
                batch_size=self._batch_size,
                window_s=self._window_s,
                pollers=self._pollers,
                timeout_s=_TIMEOUT_S,
            )
            self.poller = Poller(mapping, self._processed, sqs=self.sqs, clock=self._clock, seed=self._seed)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the environment back; the world is gone."""
        self._stack.close()

    def request(self, event: dict[str, Any]) -> Any:
        """Call the request handler. What it raises passes."""
        deadline_ms = self._clock.now_ms() + _TIMEOUT_S * 1000
        request_id = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        context = LambdaContext("request-handler", request_id, self._clock, deadline_ms)
        with self._handlers_output():
            return self._request(event, context)

    def _processed(self, event: dict[str, Any], context: LambdaContext) -> object:
        with self._handlers_output():
            return self._process(event, context)

    def drain(self) -> None:
        """Poll until the queue is empty.

        Raises:
            PollerStuckError: messages stay whatever is done.
        """
        self.poller.drain(within_ms=10 * 60_000)

    def dead_letters(self) -> list[dict[str, Any]]:
        """Up to ten messages of the dead-letter queue, with their attributes; they stay there."""
        found: list[dict[str, Any]] = self.sqs.receive_message(
            QueueUrl=self.dead_letter_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        return found

    def waiting_count(self) -> int:
        """Messages in the trace queue, in flight or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def dead_letter_count(self) -> int:
        """Messages in the dead-letter queue."""
        name = "ApproximateNumberOfMessages"
        answer = self.sqs.get_queue_attributes(QueueUrl=self.dead_letter_url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    @property
    def archive(self) -> ObjectStore:
        """The archive bucket."""
        return S3Store(BUCKET, AwsClient("s3", connect_s=5, read_s=60))

    def copy_archive(self, folder: Path) -> int:
        """Copy the bucket's objects into a folder; how many segments there were. An object already there stays."""
        target = FolderStore(folder)
        store = self.archive
        segments = 0
        for key in store.list_keys(""):
            target.put_new(key, store.get(key))
            segments += key.startswith(SEGMENTS)
        return segments

    @contextlib.contextmanager
    def _handlers_output(self) -> Any:
        if self._log is not None:
            with contextlib.redirect_stdout(self._log):
                yield
            return
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            yield


_FAKE_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "local",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    # A profile or an endpoint of the user's must not lead anywhere.
    "AWS_PROFILE": None,
    "AWS_ENDPOINT_URL": None,
    "AWS_ENDPOINT_URL_SQS": None,
    "AWS_ENDPOINT_URL_S3": None,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextlib.contextmanager
def _environment(values: dict[str, str | None] | dict[str, str]) -> Any:
    """Set variables (None unsets), and put back what was there."""
    before = {name: os.environ.get(name) for name in values}
    try:
        _set(values)
        yield
    finally:
        _set(before)


def _set(values: dict[str, str | None] | dict[str, str]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
