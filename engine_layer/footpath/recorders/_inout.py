"""What went into each chart and what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from msgspec import UNSET, Struct, UnsetType

from footpath.recorders._bundle import RecorderBundle, as_json, numbered
from footpath.recorders._sequence_store import SequenceStore
from footpath.values import plain

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from footpath.channels import RunEndEvent, RunStartEvent, SubflowEntryEvent, SubflowExitEvent
    from footpath.recorders._sequence_store import EntryRange

ROOT_SUBFLOW_ID = "__root__"
"""What the run itself is called beside its subflows."""
ROOT_RUNTIME_STAGE_ID = "__root__#0"
"""The run's own runtime stage id."""

InOutPhase = Literal["entry", "exit"]
_next_id = numbered("inout")


class InOutEntry(
    Struct,
    frozen=True,
    rename={
        "runtime_stage_id": "runtimeStageId",
        "subflow_id": "subflowId",
        "local_subflow_id": "localSubflowId",
        "subflow_name": "subflowName",
        "subflow_path": "subflowPath",
        "raw_payload": "payload",
        "is_root": "isRoot",
    },
    omit_defaults=True,
    kw_only=True,
):
    """One side of a chart's boundary.

    Attributes:
        runtime_stage_id: of the mount; the same on both sides.
        subflow_id: the path of mount ids, `outer/inner`; `__root__` for the run itself.
        local_subflow_id: its last part.
        subflow_path: its parts, after `__root__`.
        depth: how many charts it lies in; the run is 0.
        phase: "entry" or "exit".
        raw_payload: on entry the run's input, or what was mapped in; on exit the run's result, or the subflow's final
            state. In recorded form; UNSET when there was none.
        is_root: whether it is the run itself.
    """

    runtime_stage_id: str
    subflow_id: str
    local_subflow_id: str
    subflow_name: str
    description: str | UnsetType = UNSET
    subflow_path: tuple[str, ...]
    depth: int
    phase: InOutPhase
    raw_payload: Any = UNSET
    is_root: bool

    @property
    def payload(self) -> Any:
        """What crossed the boundary, as JSON, a fresh copy; None when nothing did."""
        return plain(self.raw_payload)


class Boundary(NamedTuple):
    """Both sides of one execution of a chart; `exit` is None while it goes on, and when it failed or waits."""

    entry: InOutEntry | None
    exit: InOutEntry | None


class InOutRecorder:
    """Keeps what goes into the run and into each subflow, and what comes out; a flow recorder.

    The run is a chart like any other, under `ROOT_SUBFLOW_ID`. After a pause the charts that are gone back into have an
    entry of their own. `clear` begins anew; an executor calls it before each run, and not before a resume.

    Args:
        id: `inout-1`, `inout-2`, ... unless given.

    Example:
        >>> in_out = InOutRecorder()
        >>> executor.attach_combined_recorder(in_out)
        >>> _ = executor.run(input={"amount": 100})
        >>> in_out.get_root_boundary().entry.payload
        {'amount': 100}
    """

    def __init__(self, id: str | None = None) -> None:  # the recorder contract's name
        self.id = id or _next_id()
        self._store = SequenceStore[InOutEntry]()

    # ── the events ───────────────────────────────────────────────────────────────────────────────────────────────────
    def on_run_start(self, event: RunStartEvent) -> None:
        """The run, or its next phase, begins."""
        self._store.push(_of_root("entry", event.raw_payload))

    def on_run_end(self, event: RunEndEvent) -> None:
        """The run completed."""
        self._store.push(_of_root("exit", event.raw_payload))

    def on_subflow_entry(self, event: SubflowEntryEvent) -> None:
        """A mounted chart begins."""
        self._store.push(_of_subflow("entry", event, event.description or UNSET, event.raw_mapped_input))

    def on_subflow_exit(self, event: SubflowExitEvent) -> None:
        """A mounted chart ended."""
        self._store.push(_of_subflow("exit", event, UNSET, event.raw_output_state))

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def get_boundaries(self) -> list[InOutEntry]:
        """Every side, in the order it was crossed."""
        return self._store.get_all()

    def get_boundary(self, runtime_stage_id: str) -> Boundary:
        """Both sides of one execution; (None, None) when it is not known."""
        entry = leave = None
        for side in self._store.get_by_key(runtime_stage_id):
            if side.phase == "exit":
                leave = leave or side
            else:
                entry = entry or side
        return Boundary(entry, leave)

    def get_root_boundary(self) -> Boundary:
        """Both sides of the run itself."""
        return self.get_boundary(ROOT_RUNTIME_STAGE_ID)

    def get_steps(self) -> list[InOutEntry]:
        """The entries alone: which charts ran, in order, the run itself first."""
        return [side for side in self._store if side.phase == "entry"]

    def get_entries_for_step(self, runtime_stage_id: str) -> list[InOutEntry]:
        """Every side of one execution, in order."""
        return self._store.get_by_key(runtime_stage_id)

    def get_entry_ranges(self) -> Mapping[str, EntryRange]:
        """Where the sides of each execution lie in `get_boundaries`; see `SequenceStore.get_entry_ranges`."""
        return self._store.get_entry_ranges()

    def get_entries_up_to(self, visible_ids: Collection[str]) -> list[InOutEntry]:
        """The sides of some executions, in order."""
        return self._store.get_entries_up_to(visible_ids)

    def to_snapshot(self) -> RecorderBundle:
        """The sides as `get_snapshot()["recorders"]` shows them."""
        return {
            "name": "InOut",
            "description": "Chart in/out stream — entry/exit pairs at every chart boundary (root + subflows)",
            "preferredOperation": "translate",
            "data": as_json(self._store.get_all()),
        }

    def clear(self) -> None:
        """Forget the run before."""
        self._store.clear()


def _of_root(phase: InOutPhase, payload: Any) -> InOutEntry:
    return InOutEntry(
        runtime_stage_id=ROOT_RUNTIME_STAGE_ID,
        subflow_id=ROOT_SUBFLOW_ID,
        local_subflow_id=ROOT_SUBFLOW_ID,
        subflow_name="Run",
        subflow_path=(ROOT_SUBFLOW_ID,),
        depth=0,
        phase=phase,
        raw_payload=payload,
        is_root=True,
    )


def _of_subflow(
    phase: InOutPhase, event: SubflowEntryEvent | SubflowExitEvent, description: str | UnsetType, payload: Any
) -> InOutEntry:
    context = event.traversal_context
    parts = tuple(event.subflow_id.split("/"))
    return InOutEntry(
        runtime_stage_id="" if context is UNSET else context.runtime_stage_id,
        subflow_id=event.subflow_id,
        local_subflow_id=parts[-1],
        subflow_name=event.name,
        description=description,
        subflow_path=(ROOT_SUBFLOW_ID, *parts),
        depth=len(parts),
        phase=phase,
        raw_payload=payload,
        is_root=False,
    )
