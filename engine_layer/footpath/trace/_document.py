"""The trace document, version 1: what travels and is kept."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

FORMAT = "footpath.trace"
VERSION = 1
STATUSES = ("completed", "failed", "paused", "deadline")
"""How a run may have ended; a trace of footprintjs says "unknown"."""


class ChartRef(Struct, frozen=True, rename="camel"):
    """Which chart ran: its id, its name, and the hash of its spec."""

    id: str
    name: str
    hash: str


class ErrorInfo(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Why a run failed; a traceback only when asked for."""

    type: str
    message: str
    stage_id: str | UnsetType = UNSET
    traceback: str | UnsetType = UNSET


class Document(Struct, rename="camel", omit_defaults=True):
    """A run as captured.

    Attributes:
        format: always "footpath.trace".
        version: of this form.
        trace_id: UUIDv7.
        revision: 0 while partial, 1 when final; a higher one supersedes a lower one.
        run_id: of the phase.
        started_at: ISO 8601, UTC, with microseconds.
        duration: milliseconds, of the phase.
        continues: the trace of the phase before, when this one resumed it.
        base: what a resumed phase begins with (state, counters), else absent.
        input, result: recorded forms.
        options: narrative and tracking dials, limits, initial context.
        context: function, version, request id, traceparent, tenant: whatever the caller knows.
        truncated: set when entries were left out: `at`, how many of the run's are here; `reason`, "entries" or "bytes",
            the limit reached; `dropped`, how many are not.
        weight: how many runs this one stands for, where others were sampled out; 1 otherwise.
        spec: the chart's spec document.
        journal: the entries, see `footpath.journal`.
    """

    format: str
    version: int
    trace_id: str
    revision: int
    run_id: str
    chart: ChartRef
    status: str
    started_at: str
    duration: float
    spec: Raw
    journal: list[Any]
    continues: str | UnsetType = UNSET
    base: Any = UNSET
    input: Any = UNSET
    result: Any = UNSET
    error: ErrorInfo | UnsetType = UNSET
    options: dict[str, Any] = {}
    context: dict[str, Any] = {}
    truncated: dict[str, Any] | UnsetType = UNSET
    weight: float = 1.0


encode_document = msgspec.json.Encoder().encode
