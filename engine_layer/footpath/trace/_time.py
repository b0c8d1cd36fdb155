"""Points in time as the trace document writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1)
_last_day: tuple[int, str] = (0, "1970-01-01")
_MICROSECOND = timedelta(microseconds=1)


def iso_of_us(us: int) -> str:
    """Microseconds since the Unix epoch as ISO 8601 in UTC, always with six decimals."""
    global _last_day  # noqa: PLW0603  # one day's name serves a day of traces, and strftime costs more than a stage
    seconds, micros = divmod(us, 1_000_000)
    day, second = divmod(seconds, 86_400)
    named = _last_day
    if named[0] != day:
        _last_day = named = (day, (_FIRST_DAY + timedelta(days=day)).isoformat())
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return "%sT%02d:%02d:%02d.%06dZ" % (named[1], hour, minute, second, micros)  # noqa: UP031  # faster than an f-string


def us_of_iso(text: str) -> int:
    """The way back.

    Raises:
        ValueError: the text is no such time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND
