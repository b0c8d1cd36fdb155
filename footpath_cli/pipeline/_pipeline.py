"""Request to archive, on this machine."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import re
import uuid
from random import Random
from typing import IO, TYPE_CHECKING, Any, Self

from footpath.archive import SEGMENTS
from footpath_cli.pipeline._handlers import load_handler
from footpath_cli.poller import NOWHERE, EventSourceMapping, LambdaContext, Poller, WallClock
from footpath_service.adapters.aws import AwsClient, S3Store
from footpath_service.adapters.folder import FolderStore

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from types import TracebackType

    from footpath.archive import ObjectStore
    from footpath_cli.poller import CallWatch, Clock, MemorySqs

REGION = "eu-west-1"
# As template.yaml has them; a test compares.
PROCESSOR_TIMEOUT_S = 120
REQUEST_TIMEOUT_S = 29
QUEUE = {"VisibilityTimeout": "1020", "MessageRetentionPeriod": "1209600"}
MAX_RECEIVE_COUNT = 180

_numbers = itertools.count()


class LocalPipeline:
    """A context in which boto3 meets moto's SQS and S3, with queues, an archive bucket, and the real handlers around them.

    The environment and standard output are borrowed: settings are in `os.environ`, and what the handlers log goes to
    `log` while they run. Both are given back at the end. One at a time in a process.

    Args:
        seed: drives the poller, the request ids, and the model's dice.
        batch_size, window_s, pollers: of the event source mapping.
        log: where the handlers' log lines go; they are dropped when it is None.
        environment: further settings for the handlers.
        model: SQS in virtual time, in place of moto's; give its clock, too.
        clock: the poller's and the handlers'; real time unless told otherwise.
        watch: sees every AWS call of the handlers, and the processor's invocations; faults go in here.
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
        model: MemorySqs | None = None,
        clock: Clock | None = None,
        watch: CallWatch | None = None,
    ) -> None:
        self._random = Random(seed)  # noqa: S311 - a simulation's dice, not a secret
        self._seed = seed
        self._batch_size, self._window_s, self._pollers = batch_size, window_s, pollers
        self._log = log
        self._environment = environment or {}
        self._model = model
        self._clock = clock or WallClock()
        self._watch = watch
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Make the world, then load the handlers into it."""
        with contextlib.ExitStack() as stack:
            from botocore.config import Config
            from moto import mock_aws

            stack.enter_context(_environment(_FAKE_CREDENTIALS))
            # moto would hold what somebody else has answered already against the patterns of all its services.
            stack.enter_context(mock_aws(config={"core": {"passthrough": {"urls": [re.escape(NOWHERE)]}}}))
            session = self._session(stack)
            # Handlers keep their clients while their settings stay the same: another name each time is another cold
            # start.
            number = next(_numbers)
            self.bucket = f"footpath-archive-{number}"
            # The poller asks again by itself; retries inside the SDK would wait in real time.
            self.sqs: Any = session.client("sqs", config=Config(retries={"total_max_attempts": 1}))
            self.s3: Any = session.client("s3")
            self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            self.dead_letter_url: str = self.sqs.create_queue(
                QueueName=f"traces-dlq-{number}", Attributes={"MessageRetentionPeriod": QUEUE["MessageRetentionPeriod"]}
            )["QueueUrl"]
            answer = self.sqs.get_queue_attributes(QueueUrl=self.dead_letter_url, AttributeNames=["QueueArn"])
            policy = {
                "deadLetterTargetArn": answer["Attributes"]["QueueArn"],
                "maxReceiveCount": MAX_RECEIVE_COUNT,
            }
            self.queue_url: str = self.sqs.create_queue(
                QueueName=f"traces-{number}", Attributes=QUEUE | {"RedrivePolicy": json.dumps(policy)}
            )["QueueUrl"]
            stack.enter_context(_environment(self._settings() | self._environment))
            with self._handlers_output():
                self._request = load_handler("request_handler")
                self._process = load_handler("trace_processor")
            mapping = EventSourceMapping(
                self.queue_url,
                batch_size=self._batch_size,
                window_s=self._window_s,
                pollers=self._pollers,
                timeout_s=PROCESSOR_TIMEOUT_S,
            )
            self.poller = Poller(
                mapping,
                self._processed,
                sqs=self.sqs,
                clock=self._clock,
                seed=self._seed,
                watch=self._watch,
                wake_ms=self._model.next_change_ms if self._model else None,
            )
            self._stack = stack.pop_all()
        return self

    def _session(self, stack: contextlib.ExitStack) -> Any:
        """The pipeline's own boto3 session; the default one, from which handlers make clients, is set up beside it."""
        import boto3

        module: Any = boto3
        before = module.DEFAULT_SESSION
        module.setup_default_session(region_name=REGION)
        stack.callback(setattr, module, "DEFAULT_SESSION", before)
        own = module.Session(region_name=REGION)
        if self._model is not None:
            self._model.connect(module.DEFAULT_SESSION)
            self._model.connect(own)
        if self._watch is not None:
            self._watch.watch(module.DEFAULT_SESSION)
        return own

    def _settings(self) -> dict[str, str]:
        return {
            "TRACE_QUEUE_URL": self.queue_url,
            "DEAD_LETTER_QUEUE_URL": self.dead_letter_url,
            "ARCHIVE_BUCKET": self.bucket,
            "POWERTOOLS_SERVICE_NAME": "footpath",
            "POWERTOOLS_METRICS_NAMESPACE": "Footpath",
            # Everything here is on one machine, which may be busy: a slow client is no outage.
            "SHIP_BUDGET_MS": "20000",
        }

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the environment back; the world is gone."""
        self._stack.close()

    def request(self, event: dict[str, Any], *, timeout_ms: int = REQUEST_TIMEOUT_S * 1000) -> Any:
        """Call the request handler, with so much time. What it raises passes."""
        deadline_ms = self._clock.now_ms() + timeout_ms
        request_id = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        context = LambdaContext("request-handler", request_id, self._clock, deadline_ms)
        with self._handlers_output():
            return self._request(event, context)

    def _processed(self, event: dict[str, Any], context: LambdaContext) -> object:
        with self._handlers_output():
            return self._process(event, context)

    def drain(self, *, within_ms: int = 30_000) -> None:
        """Poll until the queue is empty.

        Raises:
            PollerStuckError: it is not after `within_ms` on the clock.
        """
        self.poller.drain(within_ms=within_ms)

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
        return S3Store(self.bucket, _OwnClient(self.s3))

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
    def _handlers_output(self) -> Generator[None]:
        _OUTPUT.target = self._log
        with contextlib.redirect_stdout(_OUTPUT):
            yield


class _Output(io.TextIOBase):
    """Where handlers print. One for the whole process: Powertools keeps the stream that it first saw.

    Attributes:
        target: the log of the pipeline at work; None drops what is written.
    """

    target: IO[str] | None = None

    def write(self, text: str, /) -> int:
        if self.target is not None and not self.target.closed:
            self.target.write(text)
        return len(text)


_OUTPUT = _Output()


class _OwnClient(AwsClient):
    """The pipeline's own S3 client, which no fault reaches."""

    def __init__(self, client: Any) -> None:
        super().__init__("s3", connect_s=5, read_s=60)
        self._client = client


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
def _environment(values: dict[str, str | None] | dict[str, str]) -> Generator[None]:
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
