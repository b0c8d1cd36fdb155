"""Where the parts are put together: the only place that knows which adapter stands behind which port.

An application is made once per process and environment, and kept; what it holds across invocations is code, clients and
charts, never anything of a request or a batch.
"""

from __future__ import annotations

import gc
import os
import sys
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from footpath.errors import SettingsError
from footpath_service.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from footpath_service.checkpoints import CheckpointSigner
    from footpath_service.emf import EmfMetrics
    from footpath_service.http import HttpFace
    from footpath_service.logs import PowertoolsLog
    from footpath_service.process import Processor
    from footpath_service.request import RequestHandler
    from footpath_service.seal import Sealer

__all__ = [
    "ProcessApplication",
    "RequestApplication",
    "SealApplication",
    "in_lambda",
    "process_application",
    "request_application",
    "seal_application",
]


_UNCOUNTED_MS = 3_600_000.0


def in_lambda() -> bool:
    """Whether this process is a Lambda's, where what is done at import is done before the first request."""
    return "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ


def request_application(environment: Mapping[str, str] = os.environ) -> RequestApplication:
    """The request handler's application for an environment; the same object while its settings stay the same.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    return _request_application(load_settings(environment, needed=["TRACE_QUEUE_URL"]))


def process_application(environment: Mapping[str, str] = os.environ) -> ProcessApplication:
    """The trace processor's application for an environment; the same object while its settings stay the same.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    return _process_application(load_settings(environment))


def seal_application(environment: Mapping[str, str] = os.environ) -> SealApplication:
    """The trace sealer's application for an environment; the same object while its settings stay the same.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    return _seal_application(load_settings(environment))


class RequestApplication:
    """Answers requests of either kind.

    Attributes:
        handler: the use case.
    """

    def __init__(self, settings: Settings, handler: RequestHandler, metrics: EmfMetrics, log: PowertoolsLog) -> None:
        self.settings = settings
        self.handler = handler
        self._metrics = metrics
        self._log = log
        self._http: HttpFace | None = None

    def answer(self, event: Any, context: Any) -> Any:
        """Answer one invocation, direct or by HTTP.

        Raises:
            BaseException: what a stage raised, in a direct invocation.
        """
        from footpath_service.direct import answer_direct
        from footpath_service.http import HttpFace, is_http

        self._log.within(context)
        remaining_ms, about = clock_of(context), context_of(event, context)
        try:
            if is_http(event):
                self._http = self._http or HttpFace(self.handler)
                return self._http.answer(event, remaining_ms=remaining_ms, about=about)
            return answer_direct(self.handler, event, remaining_ms=remaining_ms, about=about)
        finally:
            self._metrics.flush()


class ProcessApplication:
    """Processes batches."""

    def __init__(self, settings: Settings, processor: Processor, metrics: EmfMetrics, log: PowertoolsLog) -> None:
        self.settings = settings
        self._processor = processor
        self._metrics = metrics
        self._log = log

    def answer(self, event: Any, context: Any) -> dict[str, Any]:
        """Process one batch.

        Raises:
            ValueError: the event is not one of SQS.
        """
        from footpath_service.records import read_records

        self._log.within(context)
        records = read_records(event)
        try:
            return self._processor.process(records, clock_of(context)).response()
        finally:
            self._metrics.flush()


class SealApplication:
    """Seals the archive when it is time."""

    def __init__(self, settings: Settings, sealer: Sealer, metrics: EmfMetrics, log: PowertoolsLog) -> None:
        self.settings = settings
        self._sealer = sealer
        self._metrics = metrics
        self._log = log

    def answer(self, _event: Any, context: Any) -> dict[str, Any]:
        """Seal what is new. What the event says, a schedule's or anybody's, makes no difference.

        Raises:
            FootpathError: nothing could be sealed, or not all; Lambda calls again, and the schedule does.
        """
        self._log.within(context)
        try:
            return self._sealer.seal(clock_of(context)).response()
        finally:
            self._metrics.flush()


@lru_cache(maxsize=8)
def _request_application(settings: Settings) -> RequestApplication:
    from footpath.ids import IdMaker
    from footpath_service.adapters.aws import AwsClient, S3Store, SqsQueue
    from footpath_service.catalog import Catalog
    from footpath_service.emf import EmfMetrics
    from footpath_service.logs import PowertoolsLog
    from footpath_service.request import RequestHandler
    from footpath_service.sampling import Sampler, read_sampling
    from footpath_service.ship import Shipper

    budget_s = settings.ship_budget_ms / 1000
    queue = SqsQueue(settings.trace_queue_url, AwsClient("sqs", connect_s=budget_s, read_s=budget_s))
    store = S3Store(settings.archive_bucket, AwsClient("s3", connect_s=budget_s, read_s=budget_s))
    metrics, log = EmfMetrics(), PowertoolsLog()
    shipper = Shipper(queue=queue, store=store, settings=settings, write_log=write_log_line, metrics=metrics)
    handler = RequestHandler(
        catalog=Catalog(_called(settings.charts, "CHARTS")),
        shipper=shipper,
        settings=settings,
        sampler=Sampler(read_sampling(settings.sampling)) if settings.sampling else None,
        signer=_checkpoint_signer(settings),
        make_id=IdMaker(),
        metrics=metrics,
        log=log,
    )
    if in_lambda():
        queue.prepare()
        store.prepare()
        # How it will be called is not known yet.
        import_module("footpath_service.direct")
        import_module("footpath_service.http")
    return RequestApplication(settings, handler, metrics, log)


def _checkpoint_signer(settings: Settings) -> CheckpointSigner | None:
    key_ids = settings.checkpoint_key_ids.split()
    if not key_ids and not settings.checkpoint_keys:
        return None
    from footpath_service.adapters.aws import AwsClient, KmsMac
    from footpath_service.checkpoints import PURPOSE, CheckpointSigner

    # Made when a first checkpoint is: most requests have none.
    client = AwsClient("kms", connect_s=1, read_s=2)
    return CheckpointSigner(
        *settings.checkpoint_keys.split(),
        derive=lambda: [KmsMac(key_id, client).derive(PURPOSE) for key_id in key_ids],
    )


@lru_cache(maxsize=8)
def _process_application(settings: Settings) -> ProcessApplication:
    from footpath_service.adapters.aws import AwsClient, S3Store, SqsQueue
    from footpath_service.emf import EmfMetrics
    from footpath_service.logs import PowertoolsLog
    from footpath_service.process import Processor

    # A claim that hangs and then a put that hangs must both end within the reserve.
    wait_s = max(settings.processor_reserve_ms / 1000 * 0.4, 0.5)
    store = S3Store(settings.archive_bucket, AwsClient("s3", connect_s=wait_s / 4, read_s=wait_s))
    dead_letters = None
    if settings.dead_letter_queue_url:
        dead_letters = SqsQueue(settings.dead_letter_queue_url, AwsClient("sqs", connect_s=wait_s / 4, read_s=wait_s))
    metrics, log = EmfMetrics(), PowertoolsLog()
    processor = Processor(
        store=store,
        dead_letters=dead_letters,
        settings=settings,
        make_recorders=_named(settings.recorders, "RECORDERS"),
        metrics=metrics,
        log=log,
    )
    if in_lambda():
        store.prepare()
        # Doors open on demand, and the first batch would wait for these: init has Lambda's full processor.
        import_module("footpath_service.records")
        import_module("footpath.replay").Cursor  # noqa: B018  # asking for it loads it
        # What is loaded by now lives as long as the process: no collection need ever look at it again.
        gc.freeze()
    return ProcessApplication(settings, processor, metrics, log)


@lru_cache(maxsize=8)
def _seal_application(settings: Settings) -> SealApplication:
    from footpath_service.adapters.aws import AwsClient, KmsSigner, S3Store
    from footpath_service.emf import EmfMetrics
    from footpath_service.logs import PowertoolsLog
    from footpath_service.seal import Sealer

    signer = None
    if settings.signing_key_id:
        signer = KmsSigner(settings.signing_key_id, AwsClient("kms", connect_s=2, read_s=5))
    metrics, log = EmfMetrics(), PowertoolsLog()
    store = S3Store(settings.archive_bucket, AwsClient("s3", connect_s=2, read_s=10))
    return SealApplication(settings, Sealer(store=store, signer=signer, metrics=metrics, log=log), metrics, log)


def write_log_line(line: str) -> None:
    """One line to standard output, whole and at once, where CloudWatch Logs picks it up."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def clock_of(context: Any) -> Callable[[], float]:
    """What is left of an invocation, in milliseconds; an hour where nobody counts, as whoever invokes by hand may not."""
    remaining: Any = getattr(context, "get_remaining_time_in_millis", None)

    def left_ms() -> float:
        try:
            told: object = remaining()
        except Exception:  # noqa: BLE001  # no clock is no reason to lose an answer or a batch
            return _UNCOUNTED_MS
        return told if isinstance(told, int | float) and told == told else _UNCOUNTED_MS  # a NaN is not itself

    return left_ms


def context_of(event: Any, context: Any) -> dict[str, str]:
    """What a trace says of who ran it: those of these facts that are known."""
    found: object = cast("dict[str, object]", event).get("headers") if isinstance(event, dict) else None
    headers = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    facts = {
        "function": getattr(context, "function_name", None),
        "version": getattr(context, "function_version", None),
        "requestId": getattr(context, "aws_request_id", None),
        "xrayTraceId": os.environ.get("_X_AMZN_TRACE_ID"),
        "traceparent": headers.get("traceparent"),
    }
    return {name: fact[:256] for name, fact in facts.items() if isinstance(fact, str) and fact}


def _called(name: str, setting: str) -> Any:
    make = _named(name, setting)
    try:
        return make()
    except (Exception, SystemExit) as error:
        raise SettingsError(f"{setting} is {name!r}, which failed: {type(error).__name__}: {error}") from error


def _named(name: str, setting: str) -> Callable[[], Any]:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:  # whatever the module does when it is imported
        raise SettingsError(
            f"{setting} is {name!r}, which can't be imported: {type(error).__name__}: {error}"
        ) from error
    if not callable(found):
        raise SettingsError(f"{setting} is {name!r}, which is not callable: name a function")
    return found
