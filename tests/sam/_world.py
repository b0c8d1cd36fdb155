"""What a deployed stack has around its functions, on moto's server: queues, bucket, and a stack to ask for their names."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

from footpath_cli.poller import EventSourceMapping, Poller, WallClock
from infra import Stack, load_template, transform
from infra.events import BUCKET
from infra.template import REGION, ROOT

STACK = "footpath-local"
PREFIX = f"{STACK}-"
QUEUES = ("TraceQueue", "DeadLetterQueue")
# What the stack tells its operators, of those things that moto can make.
OUTPUTS = ("TraceQueueUrl", "DeadLetterQueueUrl", "ArchiveBucketName")
# Functions can't be made there; SAM's servers know each by its logical id.
FUNCTIONS = {
    "RequestHandlerName": "RequestHandler",
    "TraceProcessorName": "TraceProcessor",
    "TraceSealerName": "TraceSealer",
}

Invoke = Callable[[dict[str, Any]], Any]


class FunctionFailedError(Exception):
    """The payload was a failure's: an error that Lambda would give to the poller."""


class World:
    """A context in which queues and bucket answer at an address, empty.

    Args:
        address: of this machine, as the functions see it.
    """

    def __init__(self, address: str = "127.0.0.1") -> None:
        self._server = ThreadedMotoServer(ip_address=address, port=0, verbose=False)

    def __enter__(self) -> Self:
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        self.sqs = self._client("sqs")
        self.s3 = self._client("s3")
        self.empty()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def _client(self, service: Any) -> Any:
        # Not from the default session, which other tests lend to moto's mocks.
        session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION)
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 2})
        return session.client(service, endpoint_url=self.endpoint, config=config)

    def empty(self) -> None:
        """As after a deployment. Names stay, so that a function that runs finds everything again."""
        reset = urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset, timeout=10).close()
        self._client("cloudformation").create_stack(StackName=STACK, TemplateBody=_template())
        for path in (ROOT / "events" / "claims").iterdir():
            self.s3.put_object(Bucket=BUCKET, Key=f"claims/{path.name}", Body=path.read_bytes())

    @property
    def queue_url(self) -> str:
        """Where traces wait."""
        return self._url("TraceQueue")

    def _url(self, queue: str) -> str:
        return f"{self.endpoint}/123456789012/{PREFIX}{queue}"

    def variables(self, function: str) -> dict[str, str]:
        """A function's environment as the template gives it, and the way to this world."""
        physical = {"<ArchiveBucket>": BUCKET} | {f"<{name}>": self._url(name) for name in QUEUES}
        given = _deployed().properties(function)["Environment"]["Variables"]
        variables = {name: physical.get(value, str(value)) for name, value in given.items()}
        if "SHIP_BUDGET_MS" in variables:
            variables["SHIP_BUDGET_MS"] = "20000"  # one machine for everything, and busy: a slow client is no outage
        return variables | self.credentials()

    def credentials(self) -> dict[str, str]:
        """What leads the SDK here, and nowhere else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SESSION_TOKEN": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    # ── what came of it ────────────────────────────────────────────────────────────────────────────────────────────
    def waiting(self, queue: str = "TraceQueue") -> list[dict[str, Any]]:
        """Messages of a queue, ten at most; they stay there."""
        found: list[dict[str, Any]] = self.sqs.receive_message(
            QueueUrl=self._url(queue), MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
        ).get("Messages", [])
        return found

    def reasons(self) -> Counter[str]:
        """Why messages lie in the dead-letter queue."""
        return Counter(
            message["MessageAttributes"]["reason"]["StringValue"] for message in self.waiting("DeadLetterQueue")
        )

    def archived(self) -> list[dict[str, Any]]:
        """The lines of the archive."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="segments/").get("Contents", [])
        bodies = [self.s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read() for item in listed]
        return [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]

    # ── what runs beside it ────────────────────────────────────────────────────────────────────────────────────────
    def drain(self, process: Invoke) -> Poller:
        """What Lambda does between queue and processor, until the queue is empty; the poller, to ask what it did."""

        def function(event: dict[str, Any], context: object) -> Any:
            answer = process(event)
            if isinstance(answer, dict) and "errorType" in answer:
                raise FunctionFailedError(json.dumps(answer))
            return answer

        (mapping,) = _deployed().of_type("AWS::Lambda::EventSourceMapping").values()
        settings = EventSourceMapping(
            self.queue_url, batch_size=int(mapping["BatchSize"]), window_s=1, pollers=1, timeout_s=120
        )
        poller = Poller(settings, function, sqs=self.sqs, clock=WallClock(), seed=1)
        poller.drain(within_ms=60_000)
        return poller

    def footpath(self, *arguments: str | Path, **environment: str) -> str:
        """What our command prints of this stack."""
        done = subprocess.run(
            [sys.executable, "-m", "footpath_cli", *map(str, arguments), "--stack", STACK],
            cwd=ROOT,
            env={**os.environ, **self.credentials(), "NO_COLOR": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@cache
def _deployed() -> Stack:
    """What CloudFormation makes of the template."""
    return transform(load_template())


@cache
def _template() -> str:
    """Of the template, what moto can make and the way of a trace needs; with names that never change."""
    source = load_template()
    kept = {name: source["Resources"][name] for name in (*QUEUES, "ArchiveBucket")}
    for name in QUEUES:
        kept[name]["Properties"]["QueueName"] = f"{PREFIX}{name}"
    kept["ArchiveBucket"]["Properties"]["BucketName"] = BUCKET
    outputs = {name: source["Outputs"][name] for name in OUTPUTS}
    outputs |= {name: {"Value": function} for name, function in FUNCTIONS.items()}
    parts = {"Parameters": source["Parameters"], "Conditions": source["Conditions"]}
    return json.dumps(parts | {"Resources": kept, "Outputs": outputs})
