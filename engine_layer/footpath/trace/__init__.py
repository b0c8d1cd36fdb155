"""A run as captured: the document that travels through queue and archive, and every view that is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath._on_demand import on_demand as _on_demand
from footpath.trace._document import FORMAT, STATUSES, VERSION, ChartRef, Document, ErrorInfo
from footpath.trace._options import MAX_VALUE_LENGTH
from footpath.trace._time import iso_of_us, us_of_iso
from footpath.trace._trace import Trace, encode_trace

if TYPE_CHECKING:
    from footpath.trace._codec import decode_trace
    from footpath.trace._cut import cut_to_bytes, cut_to_entries, encoded_bytes, fitting
    from footpath.trace._seal import sealed, sealed_journals

__all__ = [
    "FORMAT",
    "MAX_VALUE_LENGTH",
    "STATUSES",
    "VERSION",
    "ChartRef",
    "Document",
    "ErrorInfo",
    "Trace",
    "cut_to_bytes",
    "cut_to_entries",
    "decode_trace",
    "encode_trace",
    "encoded_bytes",
    "fitting",
    "iso_of_us",
    "sealed",
    "sealed_journals",
    "us_of_iso",
]

__getattr__ = _on_demand(
    __name__,
    {
        "._cut": ("cut_to_bytes", "cut_to_entries", "encoded_bytes", "fitting"),
        "._codec": ("decode_trace",),
        "._seal": ("sealed", "sealed_journals"),
    },
)
