"""What a recorder puts beside a snapshot."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

from msgspec.json import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable

RecorderOperation = Literal["translate", "accumulate", "aggregate"]
"""How a recorder's data is best looked at: step by step, as a running total, or as one total."""


class RecorderBundle(TypedDict):
    """What `to_snapshot` gives; `get_snapshot()["recorders"]` holds it beside the recorder's id.

    `data` is plain JSON. `meta` may hold facts about the bundle itself.
    """

    name: str
    data: Any
    description: NotRequired[str]
    preferredOperation: NotRequired[RecorderOperation]
    meta: NotRequired[dict[str, Any]]


def as_json(value: Any) -> Any:
    """Structs and recorded values as plain JSON, camelCase, nothing shared with whoever gave them."""
    return decode(encode(value))


def numbered(prefix: str) -> Callable[[], str]:
    """Default ids of a kind of recorder: `prefix-1`, `prefix-2`, ..., so that several can be attached at once."""
    numbers = count(1)
    return lambda: f"{prefix}-{next(numbers)}"
