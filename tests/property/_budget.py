"""How many examples a law is tried on."""

from __future__ import annotations

import os

_FUZZ_FACTOR = 40


def examples(count: int) -> int:
    """`count` in `make test`, many more in `make fuzz`."""
    return count * _FUZZ_FACTOR if os.environ.get("FOOTPATH_FUZZ") else count
