"""What each stage did, for whoever looks for a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET, Struct, UnsetType

from footpath.channels import FlowErrorEvent, FlowPauseEvent, FlowResumeEvent
from footpath.recorders._bundle import RecorderBundle, RecorderOperation, as_json, numbered

if TYPE_CHECKING:
    from footpath.channels import (
        ReadEvent,
        ScopeErrorEvent,
        ScopePauseEvent,
        ScopeResumeEvent,
        StageEndEvent,
        StageStartEvent,
        WriteEvent,
    )

DebugVerbosity = Literal["minimal", "verbose"]
_next_id = numbered("debug")


class DebugEntry(Struct, frozen=True, rename={"raw_data": "data", "stage_name": "stageName"}, omit_defaults=True):
    """One thing that happened.

    `type` is "read", "write", "error", "stageStart", "stageEnd", "pause" or "resume". `timestamp` is in milliseconds
    since the epoch; flow events have none. `raw_data` holds what the event said, values in recorded form.
    """

    type: str
    stage_name: str
    timestamp: float | UnsetType = UNSET
    raw_data: dict[str, Any] = {}

    @property
    def data(self) -> dict[str, Any]:
        """What the event said, as JSON: a fresh copy."""
        return as_json(self.raw_data)


class DebugRecorder:
    """Keeps errors, pauses and resumes; when verbose, also reads, writes, starts and ends of stages. A scope recorder.

    An error of a stage itself is an event of the flow channel, so attach it to all channels to hear of both kinds.
    `clear` begins anew; an executor calls it before each run, and not before a resume.

    Args:
        id: `debug-1`, `debug-2`, ... unless given.
        verbosity: "minimal" or "verbose"; may be changed on the way.
        preferred_operation: what `to_snapshot` recommends.

    Example:
        >>> debug = DebugRecorder()
        >>> executor.attach_combined_recorder(debug)
        >>> _ = executor.run(input={"amount": 100})
        >>> [entry.type for entry in debug.get_entries_for_stage("Assess")]
        ['stageStart', 'write', 'stageEnd']
    """

    def __init__(
        self,
        id: str | None = None,  # the recorder contract's name
        *,
        verbosity: DebugVerbosity = "verbose",
        preferred_operation: RecorderOperation = "translate",
    ) -> None:
        self.id = id or _next_id()
        self.preferred_operation: RecorderOperation = preferred_operation
        self._entries: list[DebugEntry] = []
        self.set_verbosity(verbosity)

    def set_verbosity(self, level: DebugVerbosity) -> None:
        """Keep more or less from now on.

        Raises:
            ValueError: the level is neither "minimal" nor "verbose".
        """
        if level not in {"minimal", "verbose"}:
            message = f"a debug recorder's verbosity is 'minimal' or 'verbose', not {level!r}"
            raise ValueError(message)
        self._verbosity: DebugVerbosity = level

    def get_verbosity(self) -> DebugVerbosity:
        """How much is kept."""
        return self._verbosity

    # ── the events ───────────────────────────────────────────────────────────────────────────────────────────────────
    def on_stage_start(self, event: StageStartEvent) -> None:
        """A stage's function, or one attempt of it, is about to run."""
        if self._verbosity == "verbose":
            self._keep("stageStart", event)

    def on_read(self, event: ReadEvent) -> None:
        """A tracked read."""
        if self._verbosity == "verbose":
            self._keep("read", event, key=event.key, value=event.raw_value)

    def on_write(self, event: WriteEvent) -> None:
        """A tracked write."""
        if self._verbosity == "verbose":
            self._keep("write", event, key=event.key, value=event.raw_value, operation=event.operation)

    def on_stage_end(self, event: StageEndEvent) -> None:
        """A stage's function returned."""
        if self._verbosity == "verbose":
            self._keep("stageEnd", event, duration=event.duration)

    def on_error(self, event: ScopeErrorEvent | FlowErrorEvent) -> None:
        """A recorder failed, or a stage raised."""
        if type(event) is FlowErrorEvent:
            self._entries.append(DebugEntry("error", event.stage_name, UNSET, {"message": event.message}))
        else:
            scope: Any = event
            self._keep("error", scope, error=scope.error, operation=scope.operation)

    def on_pause(self, event: ScopePauseEvent | FlowPauseEvent) -> None:
        """The run waits at a stage; told by both channels."""
        said = {"stageId": event.stage_id, "pauseData": event.raw_pause_data}
        if type(event) is FlowPauseEvent:
            self._entries.append(DebugEntry("pause", event.stage_name, UNSET, _given(said)))
        else:
            self._keep("pause", event, **said)

    def on_resume(self, event: ScopeResumeEvent | FlowResumeEvent) -> None:
        """The run goes on at a stage; told by both channels."""
        said = {"stageId": event.stage_id, "hasInput": event.has_input}
        if type(event) is FlowResumeEvent:
            self._entries.append(DebugEntry("resume", event.stage_name, UNSET, said))
        else:
            self._keep("resume", event, **said)

    def _keep(self, kind: str, event: Any, **said: Any) -> None:
        said["pipelineId"] = event.pipeline_id
        self._entries.append(DebugEntry(kind, event.stage_name, event.timestamp, _given(said)))

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def get_entries(self) -> list[DebugEntry]:
        """Everything kept, in order, in a list of the caller's own."""
        return list(self._entries)

    def get_errors(self) -> list[DebugEntry]:
        """The errors, in order."""
        return [entry for entry in self._entries if entry.type == "error"]

    def get_entries_for_stage(self, stage_name: str) -> list[DebugEntry]:
        """What was kept of the stages of one name."""
        return [entry for entry in self._entries if entry.stage_name == stage_name]

    def to_snapshot(self) -> RecorderBundle:
        """The entries as `get_snapshot()["recorders"]` shows them."""
        return {
            "name": "Debug",
            "description": "Translator (Scope ScopeRecorder) — per-stage diagnostic entries",
            "preferredOperation": self.preferred_operation,
            "data": as_json(self._entries),
        }

    def clear(self) -> None:
        """Forget the run before."""
        self._entries.clear()


def _given(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not UNSET}
