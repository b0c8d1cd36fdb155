"""What recorders look like to a type checker and an editor.

A recorder need not inherit anything: any object with an `id` and some hooks is one. Who inherits one of these classes
gets the hooks' names completed and their events checked. At run time the classes have no hook at all, so a subclass
listens to what it defines and to nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from footpath.channels._deferred import Delivery, OverflowPolicy
    from footpath.channels._events import (
        BreakEvent,
        CommitEvent,
        DeciderCompleteEvent,
        DecisionEvent,
        EdgeAddedEvent,
        EmitEvent,
        FlowErrorEvent,
        FlowPauseEvent,
        FlowResumeEvent,
        ForkEvent,
        LoopEdgeAddedEvent,
        LoopEvent,
        NextEvent,
        ReadEvent,
        RunEndEvent,
        RunFailedEvent,
        RunStartEvent,
        ScopeErrorEvent,
        ScopePauseEvent,
        ScopeResumeEvent,
        SelectedEvent,
        StageAddedEvent,
        StageEndEvent,
        StageExecutedEvent,
        StageRetryEvent,
        StageStartEvent,
        StageTaggedEvent,
        SubflowEntryEvent,
        SubflowExitEvent,
        SubflowMountedEvent,
        SubflowRegisteredEvent,
        WriteEvent,
    )


class Recorder(Protocol):
    """Anything with an id; the hooks it has decide what it is told.

    Attributes:
        id: attaching another recorder with the same id replaces the first.
    """

    @property
    def id(self) -> str:
        """What the recorder is attached and detached by."""
        ...


class AttachOptions(TypedDict, total=False):
    """How a recorder is told; all of it optional. What each means stands at `DeliveryOptions`."""

    delivery: Delivery
    max_queue: int
    overflow: OverflowPolicy
    sample_every: int
    flush_budget_ms: float


class RecorderBase:
    """What every kind of recorder has.

    Attributes:
        id: attaching another recorder with the same id replaces the first.
        delivery: "inline" or "deferred", where attaching does not say; inline without it.
    """

    id: str

    if TYPE_CHECKING:
        delivery: Delivery

        def clear(self) -> None:
            """A new run begins: forget the one before. Never called before a resume."""


class ScopeRecorder(RecorderBase):
    """A recorder of the scope channel: what a stage did with state.

    Example:
        >>> class Keys(ScopeRecorder):
        ...     id = "keys"
        ...
        ...     def __init__(self) -> None:
        ...         self.written: list[str] = []
        ...
        ...     def on_write(self, event: WriteEvent) -> None:
        ...         self.written.append(event.key)
        >>> keys = Keys()
        >>> executor.attach_scope_recorder(keys)
        >>> _ = executor.run(input={"amount": 100})
        >>> keys.written
        ['risk', 'approved']
    """

    if TYPE_CHECKING:

        def on_stage_start(self, event: StageStartEvent) -> None:
            """A stage's function, or one attempt of it, is about to run."""

        def on_read(self, event: ReadEvent) -> None:
            """A tracked read."""

        def on_write(self, event: WriteEvent) -> None:
            """A tracked write, in the moment of writing; it may be dropped with a failed attempt."""

        def on_commit(self, event: CommitEvent) -> None:
            """A stage's writes reached the shared state."""

        def on_stage_end(self, event: StageEndEvent) -> None:
            """A stage's function returned."""

        def on_error(self, event: ScopeErrorEvent) -> None:
            """A recorder of the scope or emit channel failed."""

        def on_pause(self, event: ScopePauseEvent) -> None:
            """A stage asked to pause."""

        def on_resume(self, event: ScopeResumeEvent) -> None:
            """A paused stage goes on."""


class FlowRecorder(RecorderBase):
    """A recorder of the flow channel: how the run moved.

    Example:
        >>> class Choices(FlowRecorder):
        ...     id = "choices"
        ...
        ...     def on_decision(self, event: DecisionEvent) -> None:
        ...         print(event.decider, "chose", event.chosen)
        >>> replay(trace, Choices())
        Route chose Approve
    """

    if TYPE_CHECKING:

        def on_run_start(self, event: RunStartEvent) -> None:
            """A run, or its next phase, begins."""

        def on_run_end(self, event: RunEndEvent) -> None:
            """A run completed."""

        def on_run_failed(self, event: RunFailedEvent) -> None:
            """A run ended by an error."""

        def on_stage_executed(self, event: StageExecutedEvent) -> None:
            """A node of any kind was executed."""

        def on_next(self, event: NextEvent) -> None:
            """The run moves on to the stage after."""

        def on_decision(self, event: DecisionEvent) -> None:
            """A decider chose."""

        def on_fork(self, event: ForkEvent) -> None:
            """Parallel children begin; a selector's, too."""

        def on_selected(self, event: SelectedEvent) -> None:
            """A selector chose."""

        def on_subflow_entry(self, event: SubflowEntryEvent) -> None:
            """A mounted chart begins."""

        def on_subflow_exit(self, event: SubflowExitEvent) -> None:
            """A mounted chart ended."""

        def on_subflow_registered(self, event: SubflowRegisteredEvent) -> None:
            """A chart returned by a stage became known."""

        def on_loop(self, event: LoopEvent) -> None:
            """A loop edge was taken."""

        def on_break(self, event: BreakEvent) -> None:
            """A stage stopped its line."""

        def on_error(self, event: FlowErrorEvent) -> None:
            """A stage raised."""

        def on_stage_retry(self, event: StageRetryEvent) -> None:
            """An attempt failed and another follows."""

        def on_pause(self, event: FlowPauseEvent) -> None:
            """The run waits at a stage."""

        def on_resume(self, event: FlowResumeEvent) -> None:
            """The run goes on at a stage."""


class EmitRecorder(RecorderBase):
    """A recorder of the emit channel: what the application had to say.

    Example:
        >>> class Charges(EmitRecorder):
        ...     id = "charges"
        ...
        ...     def on_emit(self, event: EmitEvent) -> None:
        ...         print(event.name, event.payload)
        >>> charging = flow_chart(
        ...     "Charge", lambda scope: ops(scope).emit("billing.charge", {"cents": 5}), "charge"
        ... ).build()
        >>> charges = FlowChartExecutor(charging)
        >>> charges.attach_emit_recorder(Charges())
        >>> charges.run()
        billing.charge {'cents': 5}
    """

    if TYPE_CHECKING:

        def on_emit(self, event: EmitEvent) -> None:
            """A stage emitted an event of the application's own."""


class StructureRecorder(RecorderBase):
    """A recorder of the structure channel: what a chart is made of, told while it is built, and again when a trace is replayed.

    Example:
        >>> class Names(StructureRecorder):
        ...     id = "names"
        ...
        ...     def on_stage_added(self, event: StageAddedEvent) -> None:
        ...         print(event.type, event.name)
        >>> _ = flow_chart("Load", stage, "load", structure_recorders=[Names()]).add_function("Price", stage, "price")
        stage Load
        stage Price
        >>> replay(trace, Names())  # the same calls, from the spec that the trace carries
        stage Assess
        stage Route
        stage Approve
        stage Reject
    """

    if TYPE_CHECKING:

        def on_stage_added(self, event: StageAddedEvent) -> None:
            """A node joined the chart."""

        def on_stage_tagged(self, event: StageTaggedEvent) -> None:
            """Tags were put on a node."""

        def on_edge_added(self, event: EdgeAddedEvent) -> None:
            """Two nodes were joined."""

        def on_loop_edge_added(self, event: LoopEdgeAddedEvent) -> None:
            """A loop edge was added."""

        def on_decider_complete(self, event: DeciderCompleteEvent) -> None:
            """All branches of a decider or selector are known."""

        def on_subflow_mounted(self, event: SubflowMountedEvent) -> None:
            """A chart was mounted."""


class CombinedRecorder(RecorderBase):
    """A recorder of the scope, flow and emit channels at once.

    Three hooks are called by two channels, each with its own event: tell them apart by `event.channel`, or by class.

    Example:
        >>> class Story(CombinedRecorder):
        ...     id = "story"
        ...
        ...     def on_write(self, event: WriteEvent) -> None:
        ...         print(event.stage_name, "wrote", event.key)
        ...
        ...     def on_decision(self, event: DecisionEvent) -> None:
        ...         print("then came", event.chosen)
        >>> replay(trace, Story())
        Assess wrote risk
        then came Approve
        Approve wrote approved
    """

    if TYPE_CHECKING:

        def on_stage_start(self, event: StageStartEvent) -> None:
            """A stage's function, or one attempt of it, is about to run."""

        def on_read(self, event: ReadEvent) -> None:
            """A tracked read."""

        def on_write(self, event: WriteEvent) -> None:
            """A tracked write, in the moment of writing; it may be dropped with a failed attempt."""

        def on_commit(self, event: CommitEvent) -> None:
            """A stage's writes reached the shared state."""

        def on_stage_end(self, event: StageEndEvent) -> None:
            """A stage's function returned."""

        def on_error(self, event: ScopeErrorEvent | FlowErrorEvent) -> None:
            """A stage raised, or a recorder failed."""

        def on_pause(self, event: ScopePauseEvent | FlowPauseEvent) -> None:
            """The run waits at a stage; told by both channels."""

        def on_resume(self, event: ScopeResumeEvent | FlowResumeEvent) -> None:
            """The run goes on at a stage; told by both channels."""

        def on_run_start(self, event: RunStartEvent) -> None:
            """A run, or its next phase, begins."""

        def on_run_end(self, event: RunEndEvent) -> None:
            """A run completed."""

        def on_run_failed(self, event: RunFailedEvent) -> None:
            """A run ended by an error."""

        def on_stage_executed(self, event: StageExecutedEvent) -> None:
            """A node of any kind was executed."""

        def on_next(self, event: NextEvent) -> None:
            """The run moves on to the stage after."""

        def on_decision(self, event: DecisionEvent) -> None:
            """A decider chose."""

        def on_fork(self, event: ForkEvent) -> None:
            """Parallel children begin; a selector's, too."""

        def on_selected(self, event: SelectedEvent) -> None:
            """A selector chose."""

        def on_subflow_entry(self, event: SubflowEntryEvent) -> None:
            """A mounted chart begins."""

        def on_subflow_exit(self, event: SubflowExitEvent) -> None:
            """A mounted chart ended."""

        def on_subflow_registered(self, event: SubflowRegisteredEvent) -> None:
            """A chart returned by a stage became known."""

        def on_loop(self, event: LoopEvent) -> None:
            """A loop edge was taken."""

        def on_break(self, event: BreakEvent) -> None:
            """A stage stopped its line."""

        def on_stage_retry(self, event: StageRetryEvent) -> None:
            """An attempt failed and another follows."""

        def on_emit(self, event: EmitEvent) -> None:
            """A stage emitted an event of the application's own."""
