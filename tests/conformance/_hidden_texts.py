"""Secrets in texts: values as lines, summaries and rules tell them, whole, cut or as a part."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from footpath.values import MARK, Secrets
from tests.conformance._difference import HIDDEN, dicts_in
from tests.conformance._hiding import MARKS, Hiding
from tests.conformance._js import utf16
from tests.conformance._view import json_view

__all__ = [
    "CUT",
    "PREVIEW_UNITS",
    "TELLING_LINES",
    "TELLING_OPERATORS",
    "THRESHOLD",
    "beginning_of",
    "goes_on_as",
    "hidden_form",
    "hide_in_rules",
    "is_cut_before_hiding",
    "summarized",
    "texts_in",
    "without_secrets",
]

Json = Any

PREVIEW_UNITS = 80
"""What a summary shows of a text at most, in UTF-16 units."""

CUT: Mapping[Json, Callable[[str], bool]] = {
    "text": lambda shown: shown.endswith('..."'),
    "preview": lambda shown: len(utf16(shown)) == 2 * PREVIEW_UNITS,
}
"""How to tell that the end of a text is not shown, by the member that holds it."""

TELLING_OPERATORS = frozenset({"eq", "ne", "in", "notIn"})
"""Whose threshold says what the actual value is, or is not."""

TELLING_LINES = frozenset({"condition", "selector"})

THRESHOLD = re.compile(
    r"(?:(?<= eq )|(?<= ne )|(?<= gt )|(?<= gte )|(?<= lt )|(?<= lte )|(?<= in )|(?<= notIn ))\S.*?(?= [✓✗])", re.DOTALL
)


def hidden_form(value: Json, secrets: Secrets) -> Json:
    """A scalar without its secrets; `HIDDEN` where it is one as a whole."""
    if value in MARKS:
        return value
    if isinstance(value, str) and len(value) > 2 and value[0] == value[-1] == '"':
        inner = value[1:-1]  # the summary of a text
        if inner in MARKS or secrets.scrub_text(inner) == MARK:
            return HIDDEN
    found = secrets.scrub_recorded(value)
    if found == MARK:
        return HIDDEN
    return found.replace(f'"{MARK}"', MARK) if isinstance(found, str) else found


def without_secrets(text: str, secrets: Secrets) -> str:
    """A condition's threshold, JSON, without what is hidden; as it is where it has a mark already."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    items: list[Json] = value if isinstance(value, list) else [value]
    shown = [
        MARK if item in MARKS or hidden_form(item, secrets) == HIDDEN else json.dumps(item, ensure_ascii=False)
        for item in items
    ]
    if MARK not in shown:
        return text
    return f"[{','.join(shown)}]" if isinstance(value, list) else shown[0]


def summarized(text: str) -> tuple[int, str]:
    """Size and preview of a text in a summary."""
    units = utf16(text)
    return len(units) // 2, units[: 2 * PREVIEW_UNITS].decode("utf-16-be", "surrogatepass")


def texts_in(value: Json) -> Iterator[str]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, (dict, list)):
            stack += item.values() if isinstance(item, dict) else item


def beginning_of(values: list[Any]) -> Callable[[str], bool]:
    """Tells whether a text is what one of these values, as text or as JSON, begins with."""
    texts = {
        form
        for each in texts_in(json_view(values))
        for form in (each, f'"{each}', json.dumps(each, ensure_ascii=False)[1:])
    }
    return lambda rest: any(text.startswith(rest) for text in texts)


def is_cut_before_hiding(
    theirs: Json, their_shown: Json, ours: Json, is_cut: Callable[[str], bool], begins: Callable[[str], bool]
) -> bool:
    """Whether the reference cut a long text before something in it was hidden, and we after it was.

    Ours then goes on longer; where next to nothing of a text is shown, what we cut is the mark.
    """
    if not all(isinstance(each, str) for each in (theirs, their_shown, ours)) or not is_cut(their_shown):
        return False
    if MARK in ours:
        return goes_on_as(theirs, ours, begins)
    kept, at = _parting(theirs, ours)
    return _is_cut_mark(ours[at:].removeprefix('"')) and (kept[at:] == MARK or begins(kept[at:]))


def goes_on_as(theirs: str, ours: str, begins: Callable[[str], bool]) -> bool:
    """Whether ours begins as what the reference left of a text that it cut; at its end that may be what a hidden text `begins` with."""
    kept, at = _parting(theirs, ours)
    return len(ours) >= at and (at == len(kept) or (ours[at:].startswith(MARK) and begins(kept[at:])))


def _parting(theirs: str, ours: str) -> tuple[str, int]:
    """What the reference left of a text that it cut, and where ours parts from it."""
    kept = theirs.removesuffix('..."')
    return kept, next((at for at, (one, other) in enumerate(zip(kept, ours, strict=False)) if one != other), len(kept))


def _is_cut_mark(text: str) -> bool:
    return text.endswith('..."') and MARK.startswith(text[:-4]) and len(text) > len('..."')


def hide_in_rules(phase: dict[str, Json], hiding: Hiding, ours: str) -> None:
    """In the lines that tell a rule, hide what its events hide by the key's name, where our lines do."""
    for condition in dicts_in(phase["events"]):
        if "actualSummary" in condition and hiding.hides(condition.get("key")):
            told = re.escape("{key} {actualSummary} {op} ".format_map(condition))
            shown = "{key} {0} {op} ".format(MARK, **condition)
            if shown not in ours:
                continue
            if condition["op"] in TELLING_OPERATORS:
                told, shown = rf"{told}.*?(?= [✓✗])", shown + MARK
            for line in phase["narrative"]:
                if line.get("type") in TELLING_LINES:
                    line["text"] = re.sub(told, lambda _, shown=shown: shown, line["text"], flags=re.DOTALL)
