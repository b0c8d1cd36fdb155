r"""Names and texts as UTF-8 can hold them.

A Python string may hold half of a surrogate pair, which no JSON text can. A name of a stage's own making (a state key,
an event) or a text (an error's message) that does is recorded with each half spelled out behind a mark. Two names never
become one; a text that only reads as if something were spelled out in it stays as it is.

    >>> recorded_name("\ud83d"), live_name("\ufffd\\ud83d") == "\ud83d"
    ('�\\ud83d', True)
    >>> whole_text("bad \ud83d"), whole_text("bad \ufffd\\ud83d")
    ('bad �\\ud83d', 'bad �\\ud83d')
"""

from __future__ import annotations

import re

SPELLED = "\ufffd"
"""What stands before a half that is spelled out; Unicode's own sign for what could not be shown."""
_ODD = re.compile("(\ufffd*)(?:([\ud800-\udfff])|(?=\\\\ud[89a-f][0-9a-f]{2}))")
_SPELLED = re.compile("(\ufffd+)\\\\u(d[89a-f][0-9a-f]{2})")


def recorded_name(name: str) -> str:
    """How a name is recorded: as it is, unless it holds half of a surrogate pair or reads as if one were spelled out in it.

    Marks that stand before a half are doubled, and so are those before what reads like one: different names stay
    different.
    """
    if name.isascii():
        return name
    if SPELLED not in name and is_whole(name):
        return name
    return _ODD.sub(_spell, name)


def may_be_spelled(recorded: str) -> bool:
    """Whether a recorded name may be another than the name itself."""
    return SPELLED in recorded


def is_whole(text: str) -> bool:
    """Whether UTF-8 can hold a text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _spell(found: re.Match[str]) -> str:
    marks, half = found[1] * 2, found[2]
    return f"{marks}{SPELLED}\\u{ord(half):04x}" if half else marks


def live_name(recorded: str) -> str:
    """The name that is recorded so."""
    return _SPELLED.sub(_restore, recorded) if SPELLED in recorded else recorded


def _restore(found: re.Match[str]) -> str:
    marks, code = found[1], found[2]
    half = chr(int(code, 16)) if len(marks) % 2 else f"\\u{code}"
    return marks[: len(marks) // 2] + half


def whole_text(text: str) -> str:
    """A text with halves of surrogate pairs spelled out as in names; one that UTF-8 can hold as it is."""
    return text if text.isascii() or is_whole(text) else recorded_name(text)


def error_text(error: BaseException) -> str:
    """The text of an error, whatever its class makes of the question."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # an error whose text cannot be had is still an error
        return f"<{type(error).__name__} without a text>"
    return whole_text(str.__str__(text))
