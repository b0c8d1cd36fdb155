"""What a check of an archive found."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """Something that is not as it was written.

    Attributes:
        key: the object.
        trace_id: the trace it is about; empty when that can't be told.
        what: a sentence.
    """

    key: str
    trace_id: str
    what: str
