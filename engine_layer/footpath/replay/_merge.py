"""Merging recorded forms."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw
from msgspec.json import encode

from footpath.state import merge
from footpath.values import ABSENT, plain


def merged(base: Any, patch: Any) -> Any:
    """What an update leaves of a recorded value; the same merge as the run's."""
    value = merge(ABSENT if base is UNSET else plain(base), plain(patch))
    return Raw(encode(value)) if isinstance(value, (dict, list)) else value
