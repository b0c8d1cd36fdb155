"""The settings of the functions: read from the environment once, checked at once, never changed.

`SETTINGS` is the one list of them; `docs/settings.md` shows the same table, and a test keeps the two equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from footpath.errors import SettingsError
from footpath_service.sampling import read_sampling
from footpath_service.wire import WireLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["SETTINGS", "Setting", "Settings", "load_settings"]

_LEAST_KEY = 32
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_QUEUE_URL = re.compile(r"https?://[^\s/]+(/[^\s/]+)+")
_KEY_ID = re.compile(r"[A-Za-z0-9:/_-]{1,2048}")
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the functions may be told. Each is described in `SETTINGS`; "" is an optional one that is not set."""

    archive_bucket: str
    trace_queue_url: str = ""
    dead_letter_queue_url: str = ""
    charts: str = "footpath_service.flows:charts"
    recorders: str = "footpath_service.recorders:default_recorders"
    ship_budget_ms: int = 750
    deadline_margin_ms: int = 250
    log_fallback_bytes: int = 1 << 20
    text_body_bytes: int = 4_096
    max_message_bytes: int = 1 << 20
    max_trace_bytes: int = 64 << 20
    max_trace_ratio: int = 400
    max_trace_depth: int = 800
    max_trace_entries: int = 200_000
    sampling: str = ""
    checkpoint_key_ids: str = ""
    checkpoint_keys: str = ""
    processor_reserve_ms: int = 10_000
    segment_bytes: int = 32 << 20
    segment_gzip_level: int = 6
    signing_key_id: str = ""

    @property
    def wire_limits(self) -> WireLimits:
        """The settings that bound a message, as `wire` wants them."""
        return WireLimits(
            text_bytes=self.text_body_bytes,
            message_bytes=self.max_message_bytes,
            document_bytes=self.max_trace_bytes,
            ratio=self.max_trace_ratio,
            depth=self.max_trace_depth,
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of the environment.

    Attributes:
        name: the variable; its field of `Settings` is the same in lower case.
        about: one sentence for the docs.
        read: gives the value, or raises ValueError with what was expected.
        is_secret: whether its value must not be shown, even when it is wrong.
    """

    name: str
    about: str
    read: Callable[[str], Any]
    is_secret: bool = False

    @property
    def field(self) -> str:
        """The attribute of `Settings`."""
        return self.name.lower()

    @property
    def default(self) -> Any:
        """The value when the variable is not set; None when it has none."""
        found = Settings.__dataclass_fields__[self.field].default
        return found if isinstance(found, str | int) else None


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return read


def _text(pattern: re.Pattern[str], expected: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise ValueError(expected)
        return text

    return read


_bucket = _text(_BUCKET, "the name of an S3 bucket: 3 to 63 of a-z, 0-9, dots and dashes")
_queue_url = _text(
    _QUEUE_URL, "the URL of an SQS queue, such as https://sqs.eu-west-1.amazonaws.com/123456789012/traces"
)
_key_id = _text(_KEY_ID, "a key of KMS: its id, its ARN, or an alias such as alias/footpath-digests")
_factory = _text(_FACTORY, "a callable as module:name, such as my_package.recorders:make")


def _key_ids(text: str) -> str:
    for key_id in text.split():
        _key_id(key_id)
    return text


def _keys(text: str) -> str:
    if any(len(key) < _LEAST_KEY for key in text.split()):
        raise ValueError(f"keys of {_LEAST_KEY} characters or more, with spaces between")
    return text


def _sampling(text: str) -> str:
    read_sampling(text)
    return text


SETTINGS: tuple[Setting, ...] = (
    Setting("ARCHIVE_BUCKET", "Bucket of the archive, of claims and of the spool. All functions need it.", _bucket),
    Setting("TRACE_QUEUE_URL", "Queue that the request handler sends traces to; it needs it.", _queue_url),
    Setting(
        "DEAD_LETTER_QUEUE_URL",
        "Queue that the processor sends poison messages to, with their reason. Without it they are returned, and the "
        "queue's own redrive policy moves them after many receives, without a reason.",
        _queue_url,
    ),
    Setting(
        "CHARTS",
        "Callable that gives the flows served, a list of `footpath_service.flows.Flow`.",
        _factory,
    ),
    Setting("RECORDERS", "Callable that gives the recorders of one batch; see below.", _factory),
    Setting(
        "SHIP_BUDGET_MS",
        "Most milliseconds that sending a trace may add to an answer, over all the ways it may take.",
        _number(50, 60_000),
    ),
    Setting(
        "DEADLINE_MARGIN_MS",
        "A run still going this long before its last moment for shipping is shipped as it stands (revision 0).",
        _number(0, 60_000),
    ),
    Setting(
        "LOG_FALLBACK_BYTES",
        "Most bytes of a trace that go to the log when neither queue nor bucket take it; a larger one is dropped, "
        "counted, and its header logged.",
        _number(0, 16 << 20),
    ),
    Setting(
        "TEXT_BODY_BYTES", "Up to this, a document of ASCII travels as text; over it, packed.", _number(0, 1 << 20)
    ),
    Setting("MAX_MESSAGE_BYTES", "The queue's limit; over it a document travels as a claim.", _number(1_024, 1 << 20)),
    Setting(
        "MAX_TRACE_BYTES",
        "Largest document that is shipped or read; a run that says more has its trace cut short, and marked so.",
        _number(1_024, 256 << 20),
    ),
    Setting("MAX_TRACE_RATIO", "Most bytes that a byte may unfold to, in documents over 1 MiB.", _number(10, 1_100)),
    Setting("MAX_TRACE_DEPTH", "Most levels that a document may nest.", _number(50, 900)),
    Setting(
        "MAX_TRACE_ENTRIES",
        "Most entries of a run's journal that are kept, from the first: about one for each read, write, emit and stage. The "
        "run goes on unchanged, and its trace says where it was cut.",
        _number(1_000, 10_000_000),
    ),
    Setting(
        "SAMPLING", "Rules that say which traces of completed runs are kept; all without it. See below.", _sampling
    ),
    Setting(
        "CHECKPOINT_KEY_IDS",
        "Keys of KMS (HMAC_256, GENERATE_VERIFY_MAC), separated by spaces, that checkpoints are signed with: the first signs, any is "
        "honoured. See below.",
        _key_ids,
    ),
    Setting(
        "CHECKPOINT_KEYS",
        "The same with secrets in place of keys of KMS, for where there is none; behind those of `CHECKPOINT_KEY_IDS`. Without "
        "either a checkpoint is believed as far as it fits its chart, whoever changed it.",
        _keys,
        is_secret=True,
    ),
    Setting(
        "PROCESSOR_RESERVE_MS",
        "The processor takes no further message when less than this is left: time to write what it has.",
        _number(0, 600_000),
    ),
    Setting(
        "SEGMENT_BYTES",
        "A segment of this many compressed bytes is written before the batch ends, so that memory stays bounded.",
        _number(1_024, 256 << 20),
    ),
    Setting("SEGMENT_GZIP_LEVEL", "1 is fast, 9 is small.", _number(1, 9)),
    Setting(
        "SIGNING_KEY_ID",
        "Key of KMS (ECC_NIST_P256, SIGN_VERIFY) that the sealer signs digests with; without it they are chained, not signed.",
        _key_id,
    ),
)


def load_settings(environment: Mapping[str, str], *, needed: Iterable[str] = ()) -> Settings:
    """The settings of an environment. A variable that is empty counts as not set.

    Args:
        environment: as `os.environ`; variables that are no settings are left alone.
        needed: names that this function can't do without, besides ARCHIVE_BUCKET.

    Raises:
        SettingsError: names every variable that is missing or wrong, its value, and what to set.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    must_have = {"ARCHIVE_BUCKET", *needed}
    for setting in SETTINGS:
        text = environment.get(setting.name, "").strip()
        if not text:
            if setting.name in must_have:
                problems.append(f"{setting.name} is not set: {setting.about}")
            continue
        try:
            values[setting.field] = setting.read(text)
        except ValueError as error:
            shown = "wrong" if setting.is_secret else repr(text[:120])
            problems.append(f"{setting.name} is {shown}: set it to {error}")
    if problems:
        raise SettingsError("; ".join(problems))
    return Settings(**values)
