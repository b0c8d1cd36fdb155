"""What a value looks like in one line of text: footprintjs's summaries, of live values and of recorded ones."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from functools import cache
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET, Raw

from footpath.values._absent import ABSENT, ABSENT_FORM, ABSENT_RAW, TAG
from footpath.values._order import in_js_order
from footpath.values._record import plain, record
from footpath.values._tags import int_form, text_of_form, unescape_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

SUMMARY_LENGTH: Final = 80
"""Longest summary in decision evidence, and in narratives unless told otherwise; in UTF-16 units."""
_SHOWN_KEYS = 4
_FEW_DIGITS = 1_000_000_000  # below it nobody need be asked how a number is printed
_EMPTY_IN_JS: Final = frozenset({"datetime", "date", "time"})
_LISTS: Final = frozenset({"set", "frozenset", "deque"})
_RECORDS: Final = frozenset({"dataclass", "struct", "model", "attrs", "namedtuple", "mappingproxy"})


@cache
def _parts_decoder() -> msgspec.json.Decoder[dict[str, Raw] | list[Raw]]:
    """Made when first needed: most handlers describe no container."""
    return msgspec.json.Decoder(dict[str, Raw] | list[Raw])


def js_number(number: float) -> str:
    """A number as JavaScript prints it; an int by all its digits, as a BigInt (in hexadecimal beyond 4,300 of them)."""
    if not isinstance(number, float):
        form = int_form(int(number))
        return str(form) if type(form) is int else form["value"]
    text = repr(float(number))
    if text.endswith(".0"):
        return text[:-2] if number else "0"
    if not isfinite(number):
        return "Infinity" if number > 0 else "-Infinity" if number < 0 else "NaN"
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    power = int(exponent)
    if power >= 21 or power < -6:
        return f"{mantissa}e{power:+}"
    sign = "-" if number < 0 else ""
    digits = mantissa.lstrip("-").replace(".", "")
    return f"{sign}{digits:0<{power + 1}}" if power > 0 else f"{sign}0.{'0' * (-power - 1)}{digits}"


def js_error(name: str, message: str) -> str:
    """An error as JavaScript shows it: its name alone when it says nothing."""
    return f"{name}: {message}" if name and message else name or message


def js_text(value: Any) -> str:
    """A JSON value as JavaScript's templates show it: a list by its items, an object as `[object Object]`."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if value is ABSENT:
        return "undefined"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return js_number(value)
    if isinstance(value, list):
        parts: list[str] = []
        todo: list[Any] = [value]
        while todo:
            item = todo.pop()
            if isinstance(item, list) and item:
                todo.extend(reversed(item))
            else:
                nothing = item is None or item is ABSENT or isinstance(item, list) or item == ABSENT_FORM
                parts.append("" if nothing else js_text(item))
        return ",".join(parts)
    if isinstance(value, dict):
        text = value.get("value") if TAG in value else None  # a float that JSON lacks, a date, a decimal
        return text if isinstance(text, str) else "undefined" if value == ABSENT_FORM else "[object Object]"
    return "[object Object]" if _has_no_text(value) else str(value)


def js_reason(value: Any) -> str | None:
    """A reason, a JSON value, as JavaScript's templates show it; None where it is none: nothing, false, 0, NaN, an empty text."""
    if isinstance(value, list) or (isinstance(value, dict) and value.get("value") != "NaN"):
        return js_text(value)
    return js_text(value) if value and not isinstance(value, dict) else None


def _has_no_text(value: Any) -> bool:
    """Whether an object's text would say where it lies in memory, or all that it is made of."""
    kind = type(value)
    text = kind.__repr__ if kind.__str__ is object.__str__ else kind.__str__
    return text is object.__repr__ or text is msgspec.Struct.__repr__


def summarize(value: Any, max_length: int = SUMMARY_LENGTH) -> str:
    """Describe a value, live or recorded, in about `max_length` UTF-16 units.

    Text in quotes, cut; numbers as JavaScript prints them; `(3 items)`; `{a, b}` or `{9 keys}`; `undefined` when
    absent. Dates are `{}`, as in the reference. What JavaScript lacks is shown by content: a set like a list, a
    dataclass like an object, an enum as `Color.RED`, the rest as its text.
    """
    kind = type(value)
    if kind is str:
        return f'"{_shown(cut(value, max_length))}"'
    if kind is int and -_FEW_DIGITS < value < _FEW_DIGITS:
        return str(value)
    if kind is float or (kind is int and int_form(value) is value):
        return js_number(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if value is UNSET or value is ABSENT:
        return "undefined"
    if kind is Raw:
        return _recorded(value, max_length)
    if issubclass(kind, list):
        return summarize_items(list.__len__(value))
    if kind is tuple:
        return summarize_items(len(value))
    if issubclass(kind, dict) and all(type(key) is str for key in dict.keys(value)):
        return _keys(dict.keys(value), max_length, str)
    recorded = record(value)
    return _recorded(recorded, max_length) if type(recorded) is Raw else summarize(recorded, max_length)


def members(recorded: Any) -> list[tuple[str, Any]]:
    """Give a recorded object's members, each in recorded form; none for anything else, tagged forms included."""
    parts = _parts_decoder().decode(recorded) if type(recorded) is Raw else None
    if type(parts) is not dict or TAG in parts:
        return []
    return [(unescape_key(key), _unwrapped(part)) for key, part in parts.items()]


def _unwrapped(raw: Raw) -> Any:
    if raw == ABSENT_RAW:
        return UNSET
    return raw if bytes(memoryview(raw)[:1]) in (b"{", b"[") else plain(raw)


def _recorded(recorded: Raw, limit: int) -> str:
    try:
        parts = _parts_decoder().decode(recorded)
    except msgspec.ValidationError:  # a scalar
        return summarize(plain(recorded), limit)
    if isinstance(parts, list):
        return summarize_items(len(parts))
    return _tagged(plain(recorded), limit) if TAG in parts else _keys(parts, limit, unescape_key)


def _tagged(form: dict[str, Any], limit: int) -> str:
    kind = form.get(TAG)
    value = form.get("value")
    if kind in _EMPTY_IN_JS:
        return "{}"
    if kind == "str":
        return f'"{_shown(cut(_text(value), limit))}"'
    if kind == "float":
        return str(value)
    if kind in _LISTS and isinstance(value, list):
        return summarize_items(len(value))
    if kind == "range" and isinstance(value, list):
        items = range(*value)  # may be longer than what `len` can say
        return summarize_items(0 if not items else (items[-1] - items.start) // items.step + 1)
    if kind in _RECORDS and isinstance(value, dict):
        return _tagged(value, limit) if TAG in value else _keys(value, limit, unescape_key)
    if kind == "dict" and isinstance(value, list):
        return _keys([pair[0] for pair in value], limit, _key_text)
    if kind == "graph" and isinstance(value, list) and value:
        root = value[0]
        if isinstance(root, list):
            return summarize_items(len(root))
        if isinstance(root, dict) and root.get(TAG) != "graph":
            return _tagged(root, limit) if TAG in root else _keys(root, limit, unescape_key)
    if kind == "enum":
        text = f"{str(form.get('type')).rpartition(':')[2]}.{form.get('name')}"
    elif kind == "lossy":
        text = str(form.get("text"))
    else:
        text = str(value)
    return cut(text, limit)


def _key_text(key: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, dict) and TAG in key:
        return _text(key.get("value")) if key[TAG] == "str" else _tagged(key, SUMMARY_LENGTH)
    return summarize(key)


def _shown(text: str) -> str:
    r"""The text itself; with halves of surrogate pairs as `\udXXX`, which a summary's readers can encode. They count as one unit."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _text(escaped: Any) -> str:
    """The text that a tagged form stands for; of one that `record` did not write, what is there."""
    try:
        return text_of_form(str(escaped))
    except ValueError:
        return str(escaped)


def summarize_items(count: int) -> str:
    """What is said of a list of so many items."""
    return "[]" if count == 0 else "(1 item)" if count == 1 else f"({count} items)"


def member_count(keys: Collection[Any]) -> int:
    """How many members an object has; an error, as a fork's results show one, has none of its own, as in the reference."""
    count = len(keys)
    return 0 if count == 1 and "$error" in keys else count


def _keys(keys: Collection[Any], limit: int, text_of: Callable[[Any], str]) -> str:
    count = member_count(keys)
    if not count:
        return "{}"
    shown = [text_of(key) for key in islice(in_js_order(keys), _SHOWN_KEYS)]
    if count > _SHOWN_KEYS:
        shown.append(f"... ({count} keys)")
    text = f"{{{', '.join(shown)}}}"
    return _shown(text) if _units(text) <= limit else f"{{{count} keys}}"


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def head(text: str, units: int) -> str:
    """The first so many UTF-16 units of a text, without the half of a surrogate pair that a cut would leave."""
    if text.isascii() or _units(text) <= units:
        return text[:units]
    start = text[:units].encode("utf-16-le", "surrogatepass")[: units * 2]
    if start and start[-1] & 0xFC == 0xD8:
        start = start[:-2]
    return start.decode("utf-16-le", "surrogatepass")


def cut(text: str, limit: int) -> str:
    """A text of at most `limit` UTF-16 units, the last three of them dots when it is longer.

    Surrogate pairs are kept whole: where the reference cuts through one, this leaves both halves out. A limit below
    three takes units off the end, as JavaScript's `slice` does with a negative end.
    """
    if len(text) * 2 <= limit or (len(text) <= limit and _units(text) <= limit):
        return text
    keep = limit - 3 if limit >= 3 else max(0, _units(text) + limit - 3)
    return head(text, keep) + "..."


def js_units(text: str) -> list[Any]:
    """A text's members in JavaScript, which are its UTF-16 units; a lone half of a pair is in its tagged form."""
    if not any(character > "\uffff" for character in text):
        return list(text)
    octets = text.encode("utf-16-le", "surrogatepass")
    units = (octets[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(octets), 2))
    return [plain(record(unit)) for unit in units]
