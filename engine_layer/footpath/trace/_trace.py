"""A run as captured, and the views that are made of it.

What makes views is loaded when a view is asked for: a handler that captures runs never asks.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw, structs
from msgspec.json import decode as decode_json
from msgspec.json import encode as encode_json

from footpath.trace._document import encode_document
from footpath.trace._options import narrative_options
from footpath.trace._time import us_of_iso
from footpath.values import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from footpath.channels import Dispatcher
    from footpath.replay import Cursor, NarrativeEntry, Story, Views
    from footpath.trace._document import ChartRef, Document


MAX_UNFOLDED_BYTES = 512 << 20
"""What a replay may make of a journal beyond what the journal holds: a small document must not be able to ask for all memory."""


class Trace:
    """The causal trace of one phase of a run: header, spec, journal, and views of them.

    Views are made when first asked for and kept; a trace is otherwise immutable.

    Attributes:
        document: the header's members, spec and journal as they stand.
        max_unfolded_bytes: how much a replay or a view may make of the journal beyond what it holds; set it higher for
            a run that legitimately grew its state very often.

    Example:
        >>> trace.status, trace.chart_id, trace.snapshot["sharedState"]
        ('completed', 'assess', {'risk': 'low', 'approved': True})
        >>> trace.narrative[0].text
        'Stage 1: The process began with Assess.'
        >>> trace.state_at(1)
        {'risk': 'low'}
        >>> [hook for hook, event in trace.events()][:3]
        ['on_run_start', 'on_stage_start', 'on_write']
    """

    max_unfolded_bytes: int = MAX_UNFOLDED_BYTES
    _final_state: dict[str, Any] | None = None
    _lines: list[str] | None = None

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
        return _private(self.document.input)

    @property
    def result(self) -> Any:
        """The run's result, as JSON; None when there is none."""
        return _private(self.document.result)

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
    def truncated(self) -> dict[str, Any] | None:
        """Where entries were left out, and how many: `at`, `reason`, `dropped`; None when all are there."""
        truncated = self.document.truncated
        return None if truncated is UNSET else truncated  # type: ignore[return-value]

    @property
    def weight(self) -> float:
        """How many runs this one stands for: 1 unless others like it were sampled out."""
        return self.document.weight

    @property
    def encoded(self) -> bytes:
        """The document's bytes: those it was read from, or the ones it encodes to."""
        if self._encoded is None:
            try:
                self._encoded = encode_document(self.document)
            except (ValueError, TypeError, RecursionError):
                # A name that a stage made up may be no text that JSON can hold; the rest is worth keeping all the same.
                from footpath.trace._repair import encodable

                self.document = encodable(self.document)
                self._encoded = encode_document(self.document)
        return self._encoded

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the document as captured, in hexadecimal; part of its identity."""
        import hashlib  # loads OpenSSL, which a cold start need not wait for

        return hashlib.sha256(self.encoded).hexdigest()

    # ── views ────────────────────────────────────────────────────────────────────────────────────────────────────
    @cached_property
    def spec_document(self) -> dict[str, Any]:
        """The chart's flat spec document."""
        return plain(self.document.spec)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The chart's spec, nested as footprintjs has it."""
        from footpath.chart import spec_from_document

        return spec_from_document(self.spec_document)

    @cached_property
    def snapshot(self) -> dict[str, Any]:
        """State, commit log, execution tree and subflow results, in footprintjs's shape.

        Raises:
            ReplayError: the journal is malformed.
        """
        from footpath.replay import build_views, declared

        with declared(self):
            return build_views(self)

    @cached_property
    def narrative(self) -> list[NarrativeEntry]:
        """The story, entry by entry.

        Raises:
            ReplayError: the journal is malformed.
        """
        from footpath.replay import tell

        return tell(self).entries()

    def narrative_lines(self) -> list[str]:
        """The story as lines of text.

        Costs nothing once the trace has been replayed with its story told on the way, and a pass over the journal
        before.

        Raises:
            ReplayError: the journal is malformed.
        """
        if self._lines is None:
            from footpath.replay import tell

            self._lines = tell(self, text_only=True).lines()
        return list(self._lines)

    @property
    def narrative_options(self) -> dict[str, Any]:
        """How the narrative was asked for: arguments of `NarrativeBuilder` and `Story`."""
        return narrative_options(self.document.options)

    def structure(self) -> Iterator[tuple[str, Any]]:
        """The structure channel: `(hook, event)` as the chart's building fired them."""
        from footpath.chart import structure_events

        return structure_events(self.spec_document)

    def events(self) -> list[tuple[str, Any]]:
        """Scope, flow and emit events, `(hook, event)` in order.

        Raises:
            ReplayError: the journal is malformed.
        """
        from footpath.replay import follow

        collector = _Collector()
        follow(self, collector)
        return collector.events

    def state_at(self, n: int) -> dict[str, Any]:
        """The top-level state after the first `n` commits of the log.

        Raises:
            ReplayError: the journal is malformed.
        """
        from footpath.replay import declared, state_after

        snapshot = self.snapshot
        with declared(self):
            return state_after(snapshot, n)

    def final_state(self) -> dict[str, Any]:
        """The top-level state at the end, in recorded form: JSON scalars, and `Raw` for containers.

        Costs nothing once the trace has been replayed to anybody, and a replay to nobody before.

        Raises:
            ReplayError: the journal is malformed.
        """
        if self._final_state is None:
            from footpath.channels import Dispatcher
            from footpath.replay import cursor_for, run_through

            run_through(self, cursor_for(self, Dispatcher()))
            assert self._final_state is not None
        return dict(self._final_state)

    # ── replaying ────────────────────────────────────────────────────────────────────────────────────────────────
    def make_cursor(self, dispatcher: Dispatcher, views: Views | None = None, story: Story | None = None) -> Cursor:
        """What makes events of the journal; see `footpath.replay.cursor_for`."""
        from footpath.replay import Cursor

        options = self.document.options
        return Cursor(
            dispatcher,
            self.run_id,
            self.started_ms,
            views,
            header=self.document,
            story=story,
            write_tracking=str(options.get("writeTracking", "full")),
            delta_commits=options.get("commitValues") == "delta",
            allowance=self.max_unfolded_bytes,
        )

    def ended_with(self, state: dict[str, Any], story: Story | None = None) -> None:
        """A replay has come to the end: the state it found there, and the story, where it was told on the way."""
        self._final_state = state
        if story is not None:
            self._lines = story.lines()

    def _narrative_json(self) -> list[dict[str, Any]]:
        from footpath.replay import Parts

        parts = Parts()  # a value told often is decoded once
        told: list[dict[str, Any]] = []
        for entry in self.narrative:
            shown = structs.replace(entry, held=UNSET).as_json()
            if entry.held is not UNSET:
                shown["rawValue"] = parts.of(entry.key or "", entry.held)
            told.append(shown)
        return told

    def to_footprintjs(self) -> dict[str, Any]:
        """`{spec, snapshot, narrative}` as footprintjs's own functions and viewers read it.

        Raises:
            ReplayError: the journal is malformed.
            NestingTooDeepError: spec and tree nest one level a stage, and this run has more stages than JSON's readers
                bear.
        """
        from footpath.chart import nested_json
        from footpath.trace._nesting import check_nesting

        spec = decode_json(nested_json(self.document.spec))
        check_nesting(self.snapshot)
        return {"spec": spec, "snapshot": self.snapshot, "narrative": self._narrative_json()}


def encode_trace(trace: Trace) -> bytes:
    """The trace's document as UTF-8 JSON.

    Example:
        >>> decode_trace(encode_trace(trace)).trace_id == trace.trace_id
        True
    """
    return trace.encoded


def _private(recorded: Any) -> Any:
    """A copy of the header's value that belongs to the caller."""
    return plain(Raw(encode_json(recorded))) if isinstance(recorded, (dict, list)) else plain(recorded)


class _Collector:
    id = "footpath.collector"

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("on_"):
            raise AttributeError(name)

        def hear(event: Any) -> None:
            self.events.append((name, event))

        return hear
