"""What went into each stage and what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, field

from footpath.values import members

if TYPE_CHECKING:
    from footpath.channels import (
        ReadEvent,
        StageStartEvent,
        SubflowEntryEvent,
        SubflowExitEvent,
        WriteEvent,
    )


class StageInOut(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """One execution of a stage or subflow.

    Attributes:
        kind: "stage" or "subflow".
        reads: the value each key had at its first read, in recorded form; UNSET for a key that was absent. For a subflow,
            what was mapped in.
        writes: the last value (or patch) written to each key; UNSET for a delete. For a subflow, its final state.
        open: whether it has not ended: a subflow that failed or waits. Stages have no end of their own here.
    """

    kind: str
    stage_id: str
    stage_name: str
    runtime_stage_id: str
    reads: dict[str, Any] = field(default_factory=dict[str, Any])
    writes: dict[str, Any] = field(default_factory=dict[str, Any])
    open: bool = False


class InOutRecorder:
    """Keeps reads and writes by stage execution.

    A retried attempt begins afresh: what the failed one staged was dropped, so it does not count.
    """

    def __init__(self, id: str = "in-out") -> None:  # the recorder contract's name
        self.id = id
        self._by_stage: dict[str, StageInOut] = {}

    def begin_trace(self, _trace: object) -> None:
        """Forget the trace before."""
        self._by_stage.clear()

    def executions(self) -> list[StageInOut]:
        """Every execution so far, in the order they began; the recorder's own, not copies."""
        return list(self._by_stage.values())

    def execution(self, runtime_stage_id: str) -> StageInOut | None:
        """One execution, or None."""
        return self._by_stage.get(runtime_stage_id)

    def on_stage_start(self, event: StageStartEvent) -> None:
        """A stage's function, or one attempt of it, is about to run."""
        stage = event.runtime_stage_id
        self._by_stage[stage] = StageInOut(
            kind="stage", stage_id=event.stage_id, stage_name=event.stage_name, runtime_stage_id=stage
        )

    def on_read(self, event: ReadEvent) -> None:
        """A tracked read; a stage nobody saw start gets its entry now."""
        self._of(event).reads.setdefault(event.key, event.raw_value)

    def on_write(self, event: WriteEvent) -> None:
        """A tracked write."""
        self._of(event).writes[event.key] = event.raw_value

    def on_subflow_entry(self, event: SubflowEntryEvent) -> None:
        """A mounted chart begins."""
        context = event.traversal_context
        if context is UNSET:
            return
        stage = context.runtime_stage_id
        self._by_stage[stage] = StageInOut(
            kind="subflow",
            stage_id=context.stage_id,
            stage_name=event.name,
            runtime_stage_id=stage,
            reads=dict(members(event.raw_mapped_input)),
            open=True,
        )

    def on_subflow_exit(self, event: SubflowExitEvent) -> None:
        """A mounted chart ended."""
        context = event.traversal_context
        entered = None if context is UNSET else self._by_stage.get(context.runtime_stage_id)
        if entered is not None:
            entered.writes = dict(members(event.raw_output_state))
            entered.open = False

    def _of(self, event: ReadEvent | WriteEvent) -> StageInOut:
        stage = event.runtime_stage_id
        found = self._by_stage.get(stage)
        if found is None:
            found = self._by_stage[stage] = StageInOut(
                kind="stage", stage_id=event.stage_id, stage_name=event.stage_name, runtime_stage_id=stage
            )
        return found
