"""Values in their recorded form.

A stage's value is live: any Python object. What is recorded of it is a copy in JSON's form, taken when the write
happens: a JSON scalar as it is, a container encoded once into a `msgspec.Raw`, and what JSON can't hold in a tagged
form that says what it was. Recording never raises.

`record` takes the copy, `plain` gives it back as JSON values, `revive` as Python values. `summarize` prints a value the
way narratives and evidence do. `Secrets` takes redacted values out of texts and records. `recorded_name` and
`whole_text` say how names and texts stand there, which a Python string may hold otherwise than UTF-8 can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath._on_demand import on_demand as _on_demand
from footpath.values._absent import ABSENT, ABSENT_FORM, ABSENT_RAW, MARK, TAG, Absent
from footpath.values._order import JS_WHITESPACE, in_js_order, index_in, put_item
from footpath.values._record import encode_json, is_recorded_as, plain, record, record_members
from footpath.values._scan import ATOMS, CONTAINERS, EXACT, MAX_DEPTH, is_json

if TYPE_CHECKING:
    from footpath.values._fields import hide_fields, member_of_text, ways_of
    from footpath.values._names import error_text, is_whole, live_name, may_be_spelled, recorded_name, whole_text
    from footpath.values._revive import Tagged, revive
    from footpath.values._secrets import SECRET_LENGTH, Secrets, texts_by_place
    from footpath.values._summary import (
        SUMMARY_LENGTH,
        cut,
        head,
        js_error,
        js_number,
        js_reason,
        js_text,
        js_units,
        member_count,
        members,
        summarize,
        summarize_items,
    )
    from footpath.values._tags import escape_key, unescape_key

__all__ = [
    "ABSENT",
    "ABSENT_FORM",
    "ABSENT_RAW",
    "ATOMS",
    "CONTAINERS",
    "EXACT",
    "JS_WHITESPACE",
    "MARK",
    "MAX_DEPTH",
    "SECRET_LENGTH",
    "SUMMARY_LENGTH",
    "TAG",
    "Absent",
    "Secrets",
    "Tagged",
    "cut",
    "encode_json",
    "error_text",
    "escape_key",
    "head",
    "hide_fields",
    "in_js_order",
    "index_in",
    "is_json",
    "is_recorded_as",
    "is_whole",
    "js_error",
    "js_number",
    "js_reason",
    "js_text",
    "js_units",
    "live_name",
    "may_be_spelled",
    "member_of_text",
    "member_count",
    "members",
    "plain",
    "put_item",
    "record",
    "record_members",
    "recorded_name",
    "revive",
    "summarize",
    "summarize_items",
    "texts_by_place",
    "unescape_key",
    "ways_of",
    "whole_text",
]

__getattr__ = _on_demand(
    __name__,
    {
        "._summary": (
            "SUMMARY_LENGTH",
            "cut",
            "head",
            "js_error",
            "js_number",
            "js_reason",
            "js_text",
            "js_units",
            "member_count",
            "members",
            "summarize",
            "summarize_items",
        ),
        "._fields": ("hide_fields", "member_of_text", "ways_of"),
        "._names": ("error_text", "is_whole", "live_name", "may_be_spelled", "recorded_name", "whole_text"),
        "._tags": ("escape_key", "unescape_key"),
        "._revive": ("Tagged", "revive"),
        "._secrets": ("SECRET_LENGTH", "Secrets", "texts_by_place"),
    },
)
