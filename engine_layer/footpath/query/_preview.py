"""Values and lines for a terminal: short, on one line, and harmless whatever they hold."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NESTING: Final = 4
PREVIEW_COLUMNS: Final = 60
TAG: Final = "$footpath"  # first member of a value's tagged form
_ODD = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def harmless(text: str) -> str:
    """The text with what could move a cursor, hide or reorder other text written as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"\\u{ord(char):04x}" if unicodedata.category(char) in _ODD else char for char in text)


def columns(text: str) -> int:
    """Columns that a text takes: wide East Asian characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_width(char) for char in text)


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fitted(text: str, limit: int) -> str:
    """The text cut to `limit` columns, with an ellipsis where something is missing."""
    if len(text) * 2 <= limit or columns(text) <= limit:
        return text
    taken = 0
    for at, char in enumerate(text):
        taken += _width(char)
        if taken > limit - 1:
            return text[:at] + "…"
    return text


def preview(value: Any, limit: int = PREVIEW_COLUMNS) -> str:
    """A value as compact JSON of at most `limit` columns. Only what is shown is visited.

    Of a list that is too long its last item is shown: lists grow at their end, and that is what is asked about.
    """
    whole = _text(value, limit)
    if isinstance(value, list) and len(cast("list[Any]", value)) > 1 and (whole is None or columns(whole) > limit):
        items = cast("list[Any]", value)
        more = f"[… {len(items) - 1} more, "
        last = preview(items[-1], max(limit - len(more) - 1, 12))
        return fitted(f"{more}{last}]", limit)
    return fitted(whole if whole is not None else _text(value, limit, cut=True) or "", limit)


def _text(value: Any, limit: int, *, cut: bool = False) -> str | None:
    """The text of a value; None once it is longer than the limit, unless it may be cut there."""
    shown: list[str] = []
    length = 0
    for piece in _pieces(value, MAX_NESTING, limit):
        shown.append(piece)
        length += len(piece)
        if length > limit:
            if not cut:
                return None
            break
    return harmless("".join(shown))


def _pieces(value: Any, levels: int, limit: int) -> Iterator[str]:
    if isinstance(value, str):
        quoted = json.dumps(value[:limit], ensure_ascii=False)
        yield quoted if len(value) <= limit else f'{quoted[:-1]}…"'
    elif isinstance(value, dict):
        tag = cast("dict[str, Any]", value).get(TAG)
        if isinstance(tag, str):
            yield f"{tag} "
            yield from _pieces(_untagged(cast("dict[str, Any]", value)), levels, limit)
            return
        if value and not levels:
            yield "{…}"
            return
        yield "{"
        for at, (name, member) in enumerate(cast("dict[str, Any]", value).items()):
            yield f"{', ' if at else ''}{fitted(str(name), limit)}: "
            yield from _pieces(member, levels - 1, limit)
        yield "}"
    elif isinstance(value, list):
        if value and not levels:
            yield "[…]"
            return
        yield "["
        for at, item in enumerate(cast("list[Any]", value)):
            if at:
                yield ", "
            yield from _pieces(item, levels - 1, limit)
        yield "]"
    else:
        yield _scalar(value)


def _untagged(form: dict[str, Any]) -> Any:
    """What a tagged form (see `footpath.values`) says, without saying that it is one."""
    return next((form[name] for name in ("value", "text", "name") if name in form), None)


def _scalar(value: Any) -> str:
    """A scalar as JSON: 1.0 is 1, and a number too long for anyone to read is only named."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int) and value.bit_length() > 512:
        return f"(a number of {value.bit_length()} bits)"
    return json.dumps(value) if value is None or isinstance(value, (bool, int)) else f"({type(value).__name__})"


def wrapped(text: str, width: int, indent: int, hanging: int) -> list[str]:
    """A line broken at spaces into lines of at most `width` columns; a word that is too long is broken anywhere."""
    lines: list[str] = []
    line, used = " " * indent, indent
    empty = True
    for word in text.split(" "):
        rest = word
        while rest:
            room = width - used - (0 if empty else 1)
            size = columns(rest)
            if size <= room:
                line += rest if empty else " " + rest
                used += size + (0 if empty else 1)
                empty = False
                rest = ""
            elif not empty:
                lines.append(line)
                line, used, empty = " " * hanging, hanging, True
            else:
                head = _head(rest, room)
                lines.append(line + head)
                line, used, rest = " " * hanging, hanging, rest[len(head) :]
    return [*lines, line] if not empty else lines


def _head(text: str, room: int) -> str:
    taken = 0
    for at, char in enumerate(text):
        taken += _width(char)
        if taken > room:
            return text[: max(at, 1)]
    return text
