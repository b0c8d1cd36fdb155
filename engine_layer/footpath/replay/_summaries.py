"""What stands for a value where only summaries are tracked."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any

from msgspec import UNSET

from footpath.replay._grown import Grown
from footpath.values import TAG, head, js_number, member_count, plain, revive

PREVIEW_UNITS = 80


def summary_marker(value: Any, mark: str) -> Any:
    """What stands for a value where only summaries are tracked."""
    if value is UNSET:
        return {mark: True, "type": "undefined", "preview": "undefined"}
    if type(value) is Grown:
        return {mark: True, "type": "array", "size": value.count}
    value = plain(value)
    marker: dict[str, Any] = {mark: True}
    if isinstance(value, dict) and value.get(TAG) == "float":
        marker.update(type="number", preview=str(value.get("value")))
    elif isinstance(value, dict) and value.get(TAG) == "datetime":
        marker.update(type="object", size=0)
    elif isinstance(value, dict) and value.get(TAG) == "str":
        marker.update(_of_text(str(revive(value))))
    elif value is None:
        marker["type"] = "null"
    elif isinstance(value, bool):
        marker.update(type="boolean", preview="true" if value else "false")
    elif isinstance(value, (int, float)):
        marker.update(type="number", preview=js_number(value))
    elif isinstance(value, str):
        marker.update(_of_text(value))
    elif isinstance(value, list):
        marker.update(type="array", size=len(value))  # type: ignore[arg-type]
    else:
        marker.update(type="object", size=member_count(value))
    return marker


def _of_text(text: str) -> dict[str, Any]:
    r"""Size in UTF-16 units and beginning; half of a surrogate pair in it reads `\udXXX`."""
    preview = head(text, PREVIEW_UNITS).encode("utf-8", "backslashreplace").decode()
    return {"type": "string", "size": len(text.encode("utf-16-le", "surrogatepass")) // 2, "preview": preview}
