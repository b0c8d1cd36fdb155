"""Reading a trace that footprintjs itself captured: `{spec, snapshot, narrative}`, without a journal.

Its snapshot, narrative and spec are shown as they are. What can be told again is told (`_footprintjs_events`), what it
lacks is absent: input, result, durations, most times, the chart's hash.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw

from footpath.chart import structure_events
from footpath.errors import ReplayError, SpecDocumentError, TraceDecodeError
from footpath.ids import LAST_CALENDAR_MS, id_from_document
from footpath.replay import NarrativeBuilder, NarrativeEntry, declared, follow
from footpath.trace._document import ChartRef, Document, ErrorInfo
from footpath.trace._footprintjs_events import Teller
from footpath.trace._footprintjs_spec import document_from_nested, kinds_of
from footpath.trace._footprintjs_tree import FATAL, Step, objects, steps_of, text
from footpath.trace._repair import whole_characters
from footpath.trace._time import iso_of_us
from footpath.trace._trace import Trace
from footpath.values import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from footpath.channels import Dispatcher
    from footpath.replay import Story, Views

UNKNOWN = "unknown"
"""The status of a run of which nobody can say how it ended."""


class FootprintjsTrace(Trace):
    """A trace made by footprintjs; has what a `Trace` has, with `""` or None for what is not known.

    Attributes:
        document: a header made of what the trace says; its journal is empty.
    """

    def __init__(self, data: bytes, parts: dict[str, Any], sent_at_ms: int | None) -> None:
        """Take the decoded parts of a trace that has been looked through."""
        self._parts = parts
        self._steps, self._subflows = steps_of(parts["snapshot"])
        self._kinds = kinds_of(parts["spec"])
        times = list(_times(self._steps))
        first = min(times) if times else None
        at_ms = first if first is not None else sent_at_ms or 0
        sha256 = hashlib.sha256(data).hexdigest()
        spec = parts["spec"]
        super().__init__(
            Document(
                format="footprintjs",
                version=1,
                trace_id=id_from_document(at_ms, sha256),
                revision=1,
                run_id=text(parts["snapshot"].get("runId"), ""),
                chart=ChartRef(spec["id"], spec["name"], ""),
                status=_status(self._steps, spec, objects(parts["narrative"])),
                started_at="" if first is None else iso_of_us(first * 1000),
                duration=0.0,
                spec=Raw(b"null"),
                journal=[],
                error=_error_of(self._steps),
            ),
            data,
        )

    @property
    def started_ms(self) -> Any:
        """None: flow messages tell when a stage was left, not when the run began."""
        return None

    @property
    def duration_ms(self) -> Any:
        """None: not known."""
        return None

    @cached_property
    def spec_document(self) -> dict[str, Any]:
        """The spec, laid out flat.

        Raises:
            SpecDocumentError: it has a shape that no builder makes.
        """
        return msgspec.to_builtins(document_from_nested(self._parts["spec"]))

    @cached_property
    def spec(self) -> dict[str, Any]:
        """As footprintjs has it."""
        return self._parts["spec"]

    @cached_property
    def snapshot(self) -> dict[str, Any]:
        """As footprintjs has it; a redacted one lacks `initialState`."""
        return self._parts["snapshot"]

    @cached_property
    def narrative(self) -> list[NarrativeEntry]:
        """As footprintjs has it; empty where no narrative was kept."""
        return [_entry(entry) for entry in self._parts["narrative"] or ()]

    @property
    def narrative_options(self) -> dict[str, Any]:
        """Not known."""
        return {}

    def structure(self) -> Iterator[tuple[str, Any]]:
        """The structure channel as far as the spec bears it out; nothing when the spec has a shape that no builder makes."""
        try:
            document = document_from_nested(self._parts["spec"])
        except SpecDocumentError:
            return iter(())
        return structure_events(document)

    def state_at(self, n: int) -> dict[str, Any]:
        """The top-level state after the first `n` commits of the log.

        Raises:
            ReplayError: the snapshot does not say what state the run began with, or its log is malformed.
        """
        if not isinstance(self.snapshot.get("initialState"), dict):
            raise ReplayError(
                f"trace {self.trace_id}: a redacted snapshot does not hold the state that the run began with"
            )
        with declared(self):
            return super().state_at(n)

    def narrative_lines(self) -> list[str]:
        """The story that it brings along, and where it has none, what can be told of the events that are known."""
        if not self.narrative:
            builder = NarrativeBuilder()
            follow(self, builder)
            return builder.lines()
        return [entry.text for entry in self.narrative]

    def make_cursor(
        self,
        dispatcher: Dispatcher,
        views: Views | None = None,  # noqa: ARG002
        story: Story | None = None,  # noqa: ARG002  # it brings its own
    ) -> Teller:
        """What tells the events that are known."""
        return Teller(
            dispatcher,
            self.run_id,
            (self._steps, self._subflows),
            self._kinds,
            objects(self._parts["narrative"]),
            self.status,
            self.snapshot["sharedState"],
        )

    def to_footprintjs(self) -> dict[str, Any]:
        """What it was read from."""
        return {"spec": self.spec, "snapshot": self.snapshot, "narrative": self._parts["narrative"]}


def read_footprintjs(data: bytes, sent_at_ms: int | None = None) -> FootprintjsTrace:
    """Read a trace captured by footprintjs.

    Args:
        data: its JSON text.
        sent_at_ms: when it was sent, in milliseconds since the Unix epoch; its id is made with that if the trace tells
            no time.

    Raises:
        TraceDecodeError: it is no such trace.
    """
    try:
        parts = msgspec.json.decode(whole_characters(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TraceDecodeError(f"not a trace document: {error!s:.200}") from error
    spec = _object(parts, "spec")
    for member in ("id", "name"):
        if not isinstance(spec.get(member), str):
            raise TraceDecodeError(
                f"malformed footprintjs trace: the spec's {member} is {spec.get(member)!r:.60}, no text"
            )
    snapshot = _object(parts, "snapshot")
    _object(snapshot, "executionTree")
    _object(snapshot, "sharedState")
    if not isinstance(snapshot.get("commitLog"), list):
        raise TraceDecodeError("malformed footprintjs trace: the snapshot's commitLog is no list")
    narrative = parts.setdefault("narrative", None)
    if narrative is not None and not (isinstance(narrative, list) and all(map(_is_entry, narrative))):
        raise TraceDecodeError("malformed footprintjs trace: the narrative is no list of entries")
    try:
        return FootprintjsTrace(bytes(data), parts, sent_at_ms)
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise TraceDecodeError(f"malformed footprintjs trace: {type(error).__name__}: {error!s:.200}") from error


def _object(holder: Any, name: str) -> dict[str, Any]:
    value = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(value, dict):
        raise TraceDecodeError(f"malformed footprintjs trace: its {name} is {value!r:.60}, no object")
    return value


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, str) or (isinstance(entry, dict) and isinstance(entry.get("text"), str))


def _entry(entry: Any) -> NarrativeEntry:
    """An entry; older ones are plain lines."""
    if isinstance(entry, str):
        return NarrativeEntry("line", entry, 0)
    number, depth = entry.get("stepNumber", UNSET), entry.get("depth")
    return NarrativeEntry(
        text(entry.get("type"), "line"),
        entry["text"],
        depth if type(depth) is int else 0,
        text(entry.get("stageName")),
        text(entry.get("stageId")),
        text(entry.get("runtimeStageId")),
        number if type(number) is int else UNSET,
        text(entry.get("subflowId")),
        text(entry.get("direction")),
        text(entry.get("key")),
        record(entry["rawValue"]) if "rawValue" in entry else UNSET,
    )


def _times(steps: list[Step]) -> Iterator[int]:
    """Times of flow messages, in milliseconds since the epoch."""
    for step in steps:
        for message in step.messages():
            at = message.get("timestamp")
            if isinstance(at, (int, float)) and not isinstance(at, bool) and 0 <= at <= LAST_CALENDAR_MS:
                yield int(at)


# ── how it ended, as far as can be known ─────────────────────────────────────────────────────────────────────────────
def _status(steps: list[Step], spec: dict[str, Any], narrative: list[dict[str, Any]]) -> str:
    """A remark of a failure on the main line, a pause told last, or the end of a line that goes no further; else unknown."""
    main = [step for step in steps if step.is_main]
    if not main:
        return UNKNOWN
    if any(name in step.bag("errors") for step in main for name in FATAL):
        return "failed"
    if narrative and narrative[-1].get("type") == "pause":
        return "paused"
    told = {entry.get("runtimeStageId") for entry in narrative if entry.get("type") in ("stage", "break")}
    last = main[-1]
    if last.runtime_id in told and (last.id in _ends_of(spec) or narrative[-1].get("type") == "break"):
        return "completed"
    return UNKNOWN


def _ends_of(spec: dict[str, Any]) -> set[str]:
    """Ids of the stages after which a run can only be at its end; without those that run parallel children."""
    ends: set[str] = set()
    node: Any = spec
    while isinstance(node, dict) and isinstance(node.get("next"), dict) and not node["next"].get("isLoopReference"):
        node = node["next"]
    if isinstance(node, dict) and node.get("next") is None:
        if node.get("type") == "decider":
            ends.update(
                text(child.get("id"), "") for child in objects(node.get("children")) if child.get("next") is None
            )
        elif not objects(node.get("children")) and node.get("type") != "selector":
            ends.add(text(node.get("id"), ""))
    return ends


def _error_of(steps: list[Step]) -> Any:
    for step in steps:
        for name in FATAL if step.is_main else ():
            shown = step.bag("errors").get(name)
            if isinstance(shown, str):
                kind, colon, message = shown.partition(": ")
                named = bool(colon) and kind.isidentifier()
                return ErrorInfo(kind if named else "Error", message if named else shown, step.id)
    return UNSET
