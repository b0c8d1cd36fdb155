"""From the recorded form back to plain JSON values."""

from __future__ import annotations

from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode


def plain(recorded: Any) -> Any:
    """Give a recorded form back as plain JSON values; a private copy, None when absent."""
    if type(recorded) is msgspec.Raw:
        return _decode(recorded)
    return None if recorded is msgspec.UNSET else recorded
