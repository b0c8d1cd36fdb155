"""Names and texts that no JSON text can hold.

Values are in recorded form and always fit, and so do names as the engine records them. Texts that it does not look at
need not: the label of a rule, what a caller calls the run. Such a part takes the form that it would have as a value, or
its text with the odd halves spelled out.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw

from footpath.values import record, whole_text

if TYPE_CHECKING:
    from footpath.trace._document import Document


_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\[^u]|\\u"
)
"""An escape in JSON text: a surrogate pair, half of one, or any other."""


def whole_characters(data: bytes) -> bytes:
    """JSON text in which no half of a surrogate pair stands for a character: U+FFFD does. JavaScript cuts texts between halves."""
    return _ESCAPE.sub(_whole, data)


def _whole(escape: re.Match[bytes]) -> bytes:
    found = escape.group()
    return b"\\ufffd" if len(found) == 6 else found


def encodable(document: Document) -> Document:
    """Give the document in a form that can be encoded, whatever it holds."""
    return msgspec.structs.replace(
        document,
        run_id=whole_text(str(document.run_id)),
        journal=_repaired(document.journal),
        input=_repaired(document.input),
        result=_repaired(document.result),
        error=_repaired_struct(document.error),
        context=_repaired(document.context),
        options=_repaired(document.options),
    )


def _repaired_struct(error: Any) -> Any:
    if error is UNSET:
        return error
    changes = {
        name: whole_text(value) for name, value in msgspec.structs.asdict(error).items() if isinstance(value, str)
    }
    return msgspec.structs.replace(error, **changes)


def _repaired(value: Any) -> Any:
    """A copy of lists, tuples and dicts with text keys; without recursion."""
    holder: list[Any] = [value]
    todo: list[tuple[Any, Any]] = [(holder, 0)]
    while todo:
        box, at = todo.pop()
        part = box[at]
        kind = type(part)
        if isinstance(part, str):
            box[at] = whole_text(str.__str__(part))
        elif kind is list or kind is tuple:
            copy = box[at] = list(part)
            todo += [(copy, index) for index in range(len(copy))]
        elif kind is dict:
            members = box[at] = {whole_text(str(key)): member for key, member in part.items()}
            todo += [(members, key) for key in members]
        elif part is not UNSET and kind is not Raw:
            box[at] = record(part)
    return holder[0]
