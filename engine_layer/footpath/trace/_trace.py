"""A run as captured, and the views that are made of it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from footpath.chart import structure_events
from footpath.replay import NarrativeBuilder, build_views, follow, state_after
from footpath.trace._document import encode_document
from footpath.trace._time import us_of_iso
from footpath.values import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from footpath.replay import NarrativeEntry
    from footpath.trace._document import ChartRef, Document


class Trace:
    """The causal trace of one phase of a run: header, spec, journal, and views of them.

    Views are made when first asked for and kept; a trace is otherwise immutable.

    Attributes:
        document: the header's members, spec and journal as they stand.
    """

    def __init__(self, document: Document, encoded: bytes | None = None) -> None:
        """Wrap a document; `encoded` are the bytes it came from, if any."""
        self.document = document
        self._encoded = encoded

    def __repr__(self) -> str:
        return f"<Trace {self.trace_id} of {self.chart.id}: {self.status}, {len(self.document.journal)} entries>"

    # ── header ───────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def trace_id(self) -> str:
        """UUIDv7 of the trace."""
        return self.document.trace_id

    @property
    def revision(self) -> int:
        """0 while partial, 1 when final."""
        return self.document.revision

    @property
    def run_id(self) -> str:
        """Id of the run, as every event carries it."""
        return self.document.run_id

    @property
    def chart(self) -> ChartRef:
        """Which chart ran."""
        return self.document.chart

    @property
    def chart_id(self) -> str:
        """Id of the chart that ran."""
        return self.document.chart.id

    @property
    def status(self) -> str:
        """One of completed, failed, paused, deadline."""
        return self.document.status

    @property
    def started_at(self) -> str:
        """ISO 8601, UTC."""
        return self.document.started_at

    @property
    def started_ms(self) -> float:
        """Milliseconds since the Unix epoch."""
        return us_of_iso(self.document.started_at) / 1000

    @property
    def duration_ms(self) -> float:
        """How long the phase took."""
        return self.document.duration

    @property
    def input(self) -> Any:
        """The run's input, as JSON; None when there was none."""
        return plain(self.document.input)

    @property
    def result(self) -> Any:
        """The run's result, as JSON; None when there is none."""
        return plain(self.document.result)

    @property
    def error(self) -> dict[str, Any] | None:
        """Type and message of what failed; None when nothing did."""
        error = self.document.error
        if error is UNSET:
            return None
        shown = {"type": error.type, "message": error.message}  # type: ignore[union-attr]
        if error.stage_id is not UNSET:  # type: ignore[union-attr]
            shown["stageId"] = error.stage_id  # type: ignore[union-attr,assignment]
        return shown

    @property
    def context(self) -> dict[str, Any]:
        """What the caller knew: function, version, request id and the like."""
        return self.document.context

    @property
    def encoded(self) -> bytes:
        """The document's bytes: those it was read from, or the ones it encodes to."""
        if self._encoded is None:
            self._encoded = encode_document(self.document)
        return self._encoded

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the document as captured, in hexadecimal; part of its identity."""
        import hashlib  # noqa: PLC0415  # loads OpenSSL, which a cold start need not wait for

        return hashlib.sha256(self.encoded).hexdigest()

    # ── views ────────────────────────────────────────────────────────────────────────────────────────────────────
    @cached_property
    def spec_document(self) -> dict[str, Any]:
        """The chart's flat spec document."""
        return plain(self.document.spec)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The chart's spec, nested as footprintjs has it."""
        from footpath.chart import spec_from_document  # noqa: PLC0415

        return spec_from_document(self.spec_document)

    @cached_property
    def snapshot(self) -> dict[str, Any]:
        """State, commit log, execution tree and subflow results, in footprintjs's shape."""
        return build_views(self)

    @cached_property
    def narrative(self) -> list[NarrativeEntry]:
        """The story, entry by entry."""
        builder = NarrativeBuilder(**self.narrative_options)
        follow(self, builder)
        return builder.entries()

    @property
    def narrative_options(self) -> dict[str, Any]:
        """How the narrative was asked for."""
        options = self.document.options.get("narrative")
        return dict(options) if isinstance(options, dict) else {}

    def structure(self) -> Iterator[tuple[str, Any]]:
        """The structure channel: `(hook, event)` as the chart's building fired them."""
        return structure_events(self.spec_document)

    def events(self) -> list[tuple[str, Any]]:
        """Scope, flow and emit events, `(hook, event)` in order."""
        collector = _Collector()
        follow(self, collector)
        return collector.events

    def state_at(self, n: int) -> dict[str, Any]:
        """The top-level state after the first `n` commits of the log."""
        return state_after(self.snapshot, n)

    def to_footprintjs(self) -> dict[str, Any]:
        """`{spec, snapshot, narrative}` as footprintjs's own functions and viewers read it."""
        return {
            "spec": self.spec,
            "snapshot": self.snapshot,
            "narrative": [entry.as_json() for entry in self.narrative],
        }


class _Collector:
    id = "footpath.collector"

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda event: self.events.append((name, event))
