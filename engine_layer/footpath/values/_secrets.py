"""Taking redacted values out of everything else that is recorded."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import re
from binascii import a2b_base64
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Raw

from footpath.values._absent import MARK, TAG
from footpath.values._record import plain, record
from footpath.values._summary import js_number

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET_LENGTH: Final = 6
"""From this many characters on a redacted text is found inside of other texts; a shorter one only as a whole value."""
_COMMON: Final = frozenset(
    {"", "true", "false", "null", "none", "undefined", "nan", "yes", "no", "ok", "unknown", "infinity", "-infinity"}
)
_SMALL = 100
_OCTETS = frozenset({"bytes", "bytearray", "memoryview", "raw"})
_BY_PATTERN = 64  # secrets up to which one regular expression beats a look at every position
_encode = msgspec.json.encode


class Secrets:
    """The texts that must not occur in a run's record, gathered from the values that were redacted.

    A redacted value gives the texts of all the scalars in it (keys of objects aside): strings, and numbers as JSON,
    JavaScript and Python print them. Texts of at least `SECRET_LENGTH` characters are replaced by `MARK` wherever they
    occur, in keys, too; a number that shows one becomes the mark. Shorter ones are replaced where they are a whole
    value. Too common to hide: true, false, null and their like, and numbers between -100 and 100. Empty, it costs
    nothing: test its truth first.
    """

    __slots__ = ("_by_start", "_long", "_pattern", "_raw_pattern", "_short")

    def __init__(self) -> None:
        self._long: set[str] = set()
        self._short: set[str] = set()
        self._forget_patterns()

    def __bool__(self) -> bool:
        return bool(self._long or self._short)

    def __len__(self) -> int:
        return len(self._long) + len(self._short)

    def add(self, value: Any) -> None:
        """Gather the texts of a redacted value, live or recorded; never raises."""
        self.add_form(plain(record(value) if type(value) is not Raw else value))

    def add_form(self, form: Any) -> None:
        """Gather the texts of what a recorded value is when it is decoded: its tagged forms are not recorded anew."""
        before = len(self)
        for text in _texts(form):
            if len(text) >= SECRET_LENGTH:
                self._long.add(text)
            else:
                self._short.add(text)
        if len(self) != before:
            self._forget_patterns()

    def scrub_text(self, text: str) -> str:
        """The text with every secret in it replaced by the mark."""
        if text in self._short:
            return MARK
        return self._replaced(text) if self._long else text

    def less(self, known: Secrets) -> Secrets:
        """The secrets that others do not know."""
        left = Secrets()
        left._long, left._short = self._long - known._long, self._short - known._short
        return left

    def found_in(self, text: str) -> Iterator[tuple[int, int]]:
        """Where each secret begins and ends in a text, in characters; one inside of another as well, a short one as the whole text."""
        if text in self._short:
            yield 0, len(text)
        for at in self._candidates(text) if self._long else ():
            for secret in self._starts()[text[at : at + SECRET_LENGTH]]:
                if text.startswith(secret, at):
                    yield at, at + len(secret)

    def scrub_name(self, name: str) -> str:
        """A name with every long secret in it replaced; a short one may well be a name for another reason."""
        return self._replaced(name) if self._long else name

    def scrub_recorded(self, recorded: Any) -> Any:
        """A recorded form without secrets; the same object when there were none."""
        if type(recorded) is not Raw:
            return self._scrub_scalar(recorded)
        if not self or not self._may_occur(recorded):
            return recorded
        holder = [plain(recorded)]
        changed = self._scrub_parts(holder)
        return recorded if not changed else holder[0] if type(holder[0]) is str else Raw(_encode(holder[0]))

    # ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────
    def _forget_patterns(self) -> None:
        self._pattern: re.Pattern[str] | None = None
        self._raw_pattern: re.Pattern[bytes] | None = None
        self._by_start: dict[str, list[str]] | None = None

    def _starts(self) -> dict[str, list[str]]:
        """Long secrets by their first characters, longest first."""
        if self._by_start is None:
            self._by_start = {}
            for text in sorted(self._long, key=lambda text: (-len(text), text)):
                self._by_start.setdefault(text[:SECRET_LENGTH], []).append(text)
        return self._by_start

    def _candidates(self, text: str) -> Iterator[int]:
        starts = self._starts()
        if len(starts) > _BY_PATTERN:
            yield from (at for at in range(len(text) - SECRET_LENGTH + 1) if text[at : at + SECRET_LENGTH] in starts)
            return
        if self._pattern is None:
            self._pattern = re.compile(f"(?={'|'.join(map(re.escape, starts))})")
        yield from (match.start() for match in self._pattern.finditer(text))

    def _replaced(self, text: str) -> str:
        if len(text) < SECRET_LENGTH:
            return text
        starts = self._starts()
        pieces: list[str] = []
        done = 0
        for at in self._candidates(text):
            if at < done:
                continue
            for secret in starts[text[at : at + SECRET_LENGTH]]:
                if text.startswith(secret, at):
                    pieces += (text[done:at], MARK)
                    done = at + len(secret)
                    break
        return "".join((*pieces, text[done:])) if pieces else text

    def _may_occur(self, recorded: Raw) -> bool:
        """A quick look at the encoded bytes; may say yes too often."""
        if len(self) > _BY_PATTERN:
            return True
        if self._raw_pattern is None:
            needles = {_inside(text[:SECRET_LENGTH]) for text in self._long} | {_inside(text) for text in self._short}
            self._raw_pattern = re.compile(b"|".join(map(re.escape, sorted(needles))))
        return self._raw_pattern.search(memoryview(recorded)) is not None

    # ── replacing ────────────────────────────────────────────────────────────────────────────────────────────────
    def _scrub_scalar(self, value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return self.scrub_text(value)
        if kind is int or kind is float:
            for text in _number_texts(value):
                if text in self._short or (len(text) >= SECRET_LENGTH and self._long and self._replaced(text) != text):
                    return MARK
        return value

    def _scrub_parts(self, holder: list[Any]) -> bool:
        """Scrub in place; `holder` is a private copy. A tagged form that showed a secret becomes the mark as a whole."""
        changed = False
        todo: list[tuple[Any, Any]] = [(holder, 0)]
        while todo:
            box, at = todo.pop()
            part = box[at]
            if isinstance(part, list):
                todo.extend([(part, index) for index in range(len(part))])
            elif isinstance(part, dict):
                if TAG in part and self._shows(part):
                    box[at] = MARK
                    changed = True
                    continue
                renamed = {key: self._replaced(key) for key in part} if self._long else {}
                if any(key != new for key, new in renamed.items()):
                    changed = True
                    part = box[at] = _renamed(part, renamed)
                todo.extend([(part, key) for key in part if key != TAG])
            else:
                scrubbed = self._scrub_scalar(part)
                if scrubbed is not part:
                    box[at] = scrubbed
                    changed = True
        return changed

    def _shows(self, form: dict[str, Any]) -> bool:
        return any(self._scrub_scalar(value) is not value for key, value in form.items() if key != TAG) or (
            form[TAG] in _OCTETS and any(self.scrub_text(text) != text for text in _octet_texts(form.get("value")))
        )


def _renamed(part: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    renamed: dict[str, Any] = {}
    for key, value in part.items():
        name, count = names[key], 1
        while name in renamed:
            count += 1
            name = f"{names[key]} ({count})"
        renamed[name] = value
    return renamed


def _inside(text: str) -> bytes:
    """How a text looks inside a JSON string that msgspec wrote."""
    return _encode(text.encode("utf-8", "replace").decode())[1:-1]


def _number_texts(number: float) -> set[str]:
    texts = {str(number), js_number(number)}
    if isinstance(number, float) and number.is_integer():
        texts.add(str(int(number)))
    return texts


def _octet_texts(encoded: Any) -> list[str]:
    try:
        return [a2b_base64(encoded).decode()]
    except (ValueError, TypeError):
        return []


def texts_by_place(form: Any) -> Iterator[tuple[tuple[str | int, ...], bool, str]]:
    """Every text that stands in a decoded recorded form, a number's and that of bytes as well.

    Yields the way to it, by names of members and numbers of items; whether it is the name at the end of that way, rather than what
    stands there; and the text.
    """
    todo: list[tuple[tuple[str | int, ...], Any]] = [((), form)]
    while todo:
        way, part = todo.pop()
        if isinstance(part, dict):
            tag = part.get(TAG)
            octets = isinstance(tag, str) and tag in _OCTETS
            for name, inner in part.items():
                yield (*way, name), True, name
                if octets and name == "value":
                    yield from (((*way, name), False, text) for text in _octet_texts(inner))
                else:
                    todo.append(((*way, name), inner))
        elif isinstance(part, list):
            todo.extend([((*way, index), inner) for index, inner in enumerate(part)])
        elif isinstance(part, str):
            yield way, False, part
        elif isinstance(part, (int, float)) and not isinstance(part, bool):
            yield way, False, js_number(part)


def _texts(value: Any) -> Iterator[str]:
    """The texts of all scalars in plain JSON that are worth hiding."""
    todo = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            if part.lower() not in _COMMON and part not in MARK and not part.isspace():
                yield part
        elif isinstance(part, (int, float)):
            if not isinstance(part, bool) and not -_SMALL < part < _SMALL:
                yield from _number_texts(part)
        elif isinstance(part, list):
            todo.extend(part)
        elif isinstance(part, dict):
            todo.extend([inner for key, inner in part.items() if TAG not in part or key in ("value", "text", "name")])
            if TAG in part:
                todo.extend(_octet_texts(part.get("value")))
