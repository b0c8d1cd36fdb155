"""Would this configuration lose data? The rules, and the facts they ask for; where the facts come from is `_facts`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from footpath.archive import CLAIMS, DIGESTS, LARGE, SEGMENTS, SPOOL
from footpath.errors import SettingsError
from footpath_cli.operate._dead_letters import DISCARDS
from footpath_service.settings import SETTINGS, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OUTAGE_S = 48 * 3600
MAX_RETENTION_S = 14 * 86_400
_BATCH = 2_000
_FILTERS = ("WARN", "ERROR", "FATAL")
_LOG_DAYS = 14
"""A queue's messages are kept as long; a logged trace is worth no less."""


class Ill(NamedTuple):
    """A rule that is not kept.

    Attributes:
        loses: whether traces may be lost by it; else it costs, or hides something.
        what: what is so, with the value found.
        cure: what to set.
    """

    loses: bool
    what: str
    cure: str


class Expiry(NamedTuple):
    """A lifecycle rule that ends current objects, or moves them where they can't be read at once; prefix "" is everything."""

    name: str
    prefix: str
    storage_class: str = ""


@dataclass(slots=True, kw_only=True)
class Facts:
    """What is configured. None where it is not known, which is then not judged.

    Attributes:
        visibility_s, retention_s, max_receive_count, max_message_bytes, dead_letter_arn: of the trace queue; a
            `max_receive_count` of 0 says that there is no redrive policy.
        dead_letter_queue_arn, dead_letter_retention_s: of the dead-letter queue.
        queue_url, dead_letter_queue_url, bucket: where this stack's traces go, wait and are kept: what every command
            looks into.
        filters, responses, batch_size, window_s, max_concurrency, enabled: of the event source mapping.
        consumer, processor: the function that the mapping calls, and the one that it should, by name.
        processor_timeout_s, reserved_concurrency, processor_environment: of the processor.
        request_timeout_s, request_environment: of the request handler.
        settings: by function ("processor", "request handler", "sealer") the variables that are known, though perhaps
            not all, nor as they will be: a template's.
        log_filter: the level from which Lambda lets lines into the request handler's log; "" where it lets all.
        log_days: by function, how long its log is kept; what is kept for ever is not listed.
        encrypted: by queue, whether its messages are encrypted at rest.
        versioned, expiries, conditional, retained: of the archive bucket; `conditional` are the prefixes under which it
            refuses to overwrite.
        waiting: what lies in a corner now: name to number.
    """

    visibility_s: int | None = None
    retention_s: int | None = None
    max_receive_count: int | None = None
    max_message_bytes: int | None = None
    dead_letter_arn: str | None = None
    dead_letter_queue_arn: str | None = None
    dead_letter_retention_s: int | None = None
    queue_url: str | None = None
    dead_letter_queue_url: str | None = None
    bucket: str | None = None
    consumer: str | None = None
    processor: str | None = None
    filters: bool | None = None
    responses: tuple[str, ...] | None = None
    batch_size: int | None = None
    window_s: int | None = None
    max_concurrency: int | None = None
    enabled: bool | None = None
    processor_timeout_s: int | None = None
    reserved_concurrency: int | None = None
    processor_environment: Mapping[str, str] | None = None
    request_timeout_s: int | None = None
    request_environment: Mapping[str, str] | None = None
    settings: dict[str, Mapping[str, str]] = field(default_factory=dict[str, "Mapping[str, str]"])
    log_filter: str | None = None
    log_days: dict[str, int] = field(default_factory=dict[str, int])
    encrypted: dict[str, bool] = field(default_factory=dict[str, bool])
    versioned: bool | None = None
    expiries: tuple[Expiry, ...] | None = None
    conditional: tuple[str, ...] | None = None
    retained: bool | None = None
    waiting: dict[str, int] = field(default_factory=dict[str, int])


def examine(facts: Facts) -> list[Ill]:
    """Everything that is wrong, what loses traces first."""
    found = [ill for rule in RULES for ill in rule(facts)]
    return sorted(found, key=lambda ill: not ill.loses)


def _mapping(facts: Facts) -> Iterator[Ill]:
    if facts.filters:
        yield Ill(True, "the event source mapping filters: what does not match is deleted", "remove FilterCriteria")
    if facts.responses is not None and "ReportBatchItemFailures" not in facts.responses:
        what = "the mapping ignores which messages failed: what the processor returns is deleted all the same"
        yield Ill(True, what, "set FunctionResponseTypes to ReportBatchItemFailures")
    if facts.enabled is False:
        what = "the event source mapping is disabled: messages expire in the queue"
        yield Ill(True, what, "enable it")
    if facts.max_concurrency is not None and facts.max_concurrency < 2:
        what = "the mapping has no MaximumConcurrency: many pollers make many small segments"
        yield Ill(False, what, "set ScalingConfig.MaximumConcurrency, 2 to begin with")
    if facts.batch_size is not None and facts.batch_size > 10 and facts.window_s == 0:
        what = f"BatchSize is {facts.batch_size} without a batching window: Lambda takes no more than 10 without one"
        yield Ill(False, what, "set MaximumBatchingWindowInSeconds, 30 to begin with")
    if facts.batch_size is not None and facts.batch_size > _BATCH:
        what = f"BatchSize is {facts.batch_size}: a segment holds {_BATCH} traces"
        yield Ill(False, what, f"set it to {_BATCH} at most")


def _visibility(facts: Facts) -> Iterator[Ill]:
    if facts.visibility_s is None or facts.processor_timeout_s is None:
        return
    needed_s = 6 * facts.processor_timeout_s + (facts.window_s or 0)
    if facts.visibility_s < needed_s:
        what = f"the queue's visibility timeout is {facts.visibility_s} s: messages come again while they are processed"
        yield Ill(True, what, f"set it to {needed_s} s or more: six timeouts and the window")


def _patience(facts: Facts) -> Iterator[Ill]:
    if facts.max_receive_count == 0:
        what = "the queue has no dead-letter queue: a message that nobody can read comes again until it expires"
        yield Ill(True, what, "set its RedrivePolicy")
    elif facts.max_receive_count is not None and facts.visibility_s is not None:
        patience_s = facts.max_receive_count * facts.visibility_s
        if patience_s < OUTAGE_S:
            what = f"good messages go to the dead-letter queue after {patience_s / 3600:.1f} h without S3"
            needed = -(-OUTAGE_S // max(facts.visibility_s, 1))
            yield Ill(True, what, f"set maxReceiveCount to {needed} or more, for 48 h")
        if facts.retention_s is not None and patience_s >= facts.retention_s:
            what = (
                f"maxReceiveCount is {facts.max_receive_count}: a message that fails expires after "
                f"{facts.retention_s / 86_400:.1f} days, before it would go to the dead-letter queue"
            )
            most = (facts.retention_s - 1) // 2 // max(facts.visibility_s, 1)
            yield Ill(True, what, f"set it to {most} at most, half of the queue's retention")
    if facts.dead_letter_arn and facts.dead_letter_queue_arn and facts.dead_letter_arn != facts.dead_letter_queue_arn:
        what = f"the queue's redrive policy leads to {facts.dead_letter_arn}, which no command looks into"
        yield Ill(True, what, f"let it lead to {facts.dead_letter_queue_arn}")


def _retention(facts: Facts) -> Iterator[Ill]:
    for name, retention_s in (
        ("trace queue", facts.retention_s),
        ("dead-letter queue", facts.dead_letter_retention_s),
    ):
        if retention_s is not None and retention_s < MAX_RETENTION_S:
            what = f"the {name} keeps messages {retention_s / 86_400:.1f} days; a message brings its age along"
            yield Ill(True, what, f"set MessageRetentionPeriod to {MAX_RETENTION_S}, 14 days")


def _places(facts: Facts) -> Iterator[Ill]:
    """Each function uses the queues and the bucket that operators look into."""
    sender, reader = (facts.settings.get(name, {}) for name in ("request handler", "processor"))
    sent_to = sender.get("TRACE_QUEUE_URL")
    if sent_to and facts.queue_url and _queue(sent_to) != _queue(facts.queue_url):
        what = f"traces are sent to {sent_to}, which this stack's processor does not read"
        yield Ill(True, what, f"set the request handler's TRACE_QUEUE_URL to {facts.queue_url}")
    parked_in = reader.get("DEAD_LETTER_QUEUE_URL")
    if parked_in and facts.dead_letter_queue_url and _queue(parked_in) != _queue(facts.dead_letter_queue_url):
        what = f"poison is sent to {parked_in}, which no command looks into and no alarm watches"
        yield Ill(True, what, f"set the processor's DEAD_LETTER_QUEUE_URL to {facts.dead_letter_queue_url}")
    for who, settings in facts.settings.items():
        bucket = settings.get("ARCHIVE_BUCKET")
        if bucket and facts.bucket and bucket != facts.bucket:
            what = f"the {who} uses bucket {bucket}, and every command {facts.bucket}"
            yield Ill(True, what, f"set its ARCHIVE_BUCKET to {facts.bucket}")
    if facts.consumer and facts.processor and facts.consumer != facts.processor:
        what = f"the trace queue's messages go to the function {facts.consumer}"
        yield Ill(True, what, f"let its event source mapping call {facts.processor}")


def _queue(url: str) -> list[str]:
    """Account and name of a queue; the host has several names, and a template none."""
    return url.split("/")[-2:]


_SENT_AND_READ = ("MAX_TRACE_BYTES", "MAX_TRACE_RATIO", "MAX_TRACE_DEPTH")


def _agreement(facts: Facts) -> Iterator[Ill]:
    """What one function sends, the other must read."""
    sender, reader = (facts.settings.get(name) for name in ("request handler", "processor"))
    if sender is None or reader is None:
        return
    bucket, other = sender.get("ARCHIVE_BUCKET"), reader.get("ARCHIVE_BUCKET")
    if bucket and other and bucket != other:
        what = f"claims are put into {bucket}, and honoured in {other} alone: large traces are taken for poison"
        yield Ill(True, what, "set both functions' ARCHIVE_BUCKET to the archive bucket")
    for name in _SENT_AND_READ:
        sent, read = (_number(name, settings) for settings in (sender, reader))
        if sent is not None and read is not None and sent > read:
            what = f"{name} is {sent} where traces are sent and {read} where they are read: those between are taken for poison"
            yield Ill(True, what, f"set the processor's {name} to {sent} or more")


def _number(name: str, settings: Mapping[str, str]) -> int | None:
    text = str(settings.get(name, ""))
    if text.isdigit():
        return int(text)
    return None if text else next(int(setting.default) for setting in SETTINGS if setting.name == name)


def _keeping(facts: Facts) -> Iterator[Ill]:
    """How long, and how safely, what waits in queues and logs lies there."""
    for who, days in facts.log_days.items():
        if who == "request handler" and days < _LOG_DAYS:
            what = f"the {who}'s log is kept {days} days: a trace that neither queue nor bucket took lies nowhere else"
            yield Ill(
                True, what, f"set RetentionInDays to {_LOG_DAYS} or more, or recover from the log within that time"
            )
    if facts.log_filter in _FILTERS:
        what = f"Lambda keeps lines under {facts.log_filter} out of the request handler's log: a trace's have no level, which counts as INFO"
        yield Ill(True, what, "set LoggingConfig.ApplicationLogLevel to INFO, or LogFormat to Text")
    for name, encrypted in facts.encrypted.items():
        if not encrypted:
            what = f"the {name} is not encrypted at rest"
            yield Ill(False, what, "set SqsManagedSseEnabled, or a KmsMasterKeyId")


def _functions(facts: Facts) -> Iterator[Ill]:
    if facts.reserved_concurrency is not None:
        what = f"the processor has reserved concurrency {facts.reserved_concurrency}: each throttled receive counts"
        yield Ill(True, what, "remove it, and limit the mapping by MaximumConcurrency")
    environment = facts.processor_environment
    if environment is not None:
        yield from _settings("processor", environment, (), facts.processor_timeout_s, ("processor_reserve_ms",))
        if not environment.get("DEAD_LETTER_QUEUE_URL"):
            what = "the processor does not know the dead-letter queue: poison is received 180 times first, and has no reason"
            yield Ill(False, what, "set DEAD_LETTER_QUEUE_URL")
    if "sealer" in facts.settings:
        yield from _settings("sealer", facts.settings["sealer"], (), None, ())
    if facts.request_environment is not None:
        yield from _settings(
            "request handler",
            facts.request_environment,
            ("TRACE_QUEUE_URL",),
            facts.request_timeout_s,
            ("ship_budget_ms", "deadline_margin_ms"),
        )
        limit = facts.request_environment.get("MAX_MESSAGE_BYTES", str(1 << 20))
        if facts.max_message_bytes is not None and limit.isdigit() and int(limit) > facts.max_message_bytes:
            what = (
                f"the queue takes {facts.max_message_bytes} bytes, and traces up to {limit} are sent: they are spooled"
            )
            yield Ill(False, what, "set the queue's MaximumMessageSize to 1048576, or MAX_MESSAGE_BYTES to the queue's")


def _settings(
    who: str,
    environment: Mapping[str, str],
    needed: tuple[str, ...],
    timeout_s: int | None,
    within_timeout: tuple[str, ...],
) -> Iterator[Ill]:
    try:
        settings: Any = load_settings(environment, needed=needed)
    except SettingsError as error:
        yield Ill(True, f"the {who} does not start: {error}", "set what is named")
        return
    spent_ms = sum(getattr(settings, name) for name in within_timeout)
    if timeout_s is not None and spent_ms >= timeout_s * 1000:
        names = " + ".join(name.upper() for name in within_timeout)
        what = f"{names} is {spent_ms} ms, and the {who}'s timeout {timeout_s} s: nothing is left to work in"
        yield Ill(True, what, "lower the settings, or raise the timeout")


def _bucket(facts: Facts) -> Iterator[Ill]:
    if facts.versioned is False:
        what = "the archive bucket is not versioned: what is deleted by mistake is gone"
        yield Ill(True, what, "enable versioning")
    for expiry in facts.expiries or ():
        reached = [kept for kept in _ONLY_COPIES if _overlap(kept, expiry.prefix)]
        if expiry.storage_class:
            away = [kept for kept in (*_ONLY_COPIES, SEGMENTS, LARGE) if _overlap(kept, expiry.prefix)]
            if away:
                what = (
                    f"the lifecycle rule {expiry.name!r} moves objects under {', '.join(away)} to {expiry.storage_class}, "
                    "where they can't be read without being restored"
                )
                # A claim that can't be read is tried until its message goes to the dead-letter queue.
                yield Ill(bool(reached), what, "choose GLACIER_IR, which is read at once")
        elif reached:
            what = (
                f"the lifecycle rule {expiry.name!r} ends objects under {', '.join(reached)}, which have no other copy"
            )
            yield Ill(True, what, "give it the prefix segments/ or large/")
    if facts.conditional is not None:
        open_to = [prefix for prefix in (SEGMENTS, LARGE) if prefix not in facts.conditional]
        if open_to:
            what = f"the bucket lets objects under {', '.join(open_to)} be overwritten"
            yield Ill(False, what, "deny s3:PutObject there where s3:if-none-match is absent")
    if facts.retained is False:
        what = "the archive bucket goes when the stack does"
        yield Ill(True, what, "set DeletionPolicy and UpdateReplacePolicy to Retain")


_ONLY_COPIES = (CLAIMS, SPOOL, DIGESTS, DISCARDS)


def _overlap(prefix: str, other: str) -> bool:
    return prefix.startswith(other) or other.startswith(prefix)


_CORNERS = {
    "dead letters": "footpath dlq ls",
    "spooled traces": "footpath traces recover",
}


def _waiting(facts: Facts) -> Iterator[Ill]:
    for name, number in facts.waiting.items():
        if number:
            yield Ill(False, f"{number} {name} wait", f"see `{_CORNERS.get(name, 'footpath --help')}`")


RULES: tuple[Callable[[Facts], Iterator[Ill]], ...] = (
    _mapping,
    _visibility,
    _patience,
    _retention,
    _keeping,
    _places,
    _agreement,
    _functions,
    _bucket,
    _waiting,
)
