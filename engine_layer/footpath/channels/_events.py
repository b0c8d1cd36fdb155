"""One frozen record per event.

Attribute names are footprintjs's payload names in snake_case; encoded as JSON they are its camelCase names, in its
order. A member that the event lacks is `UNSET` and left out of the JSON. Values are held in their recorded form (see
`footpath.values`): JSON scalars as they are, containers as encoded JSON in a `Raw`; the property of the bare name
decodes a fresh copy at each access, so a recorder that changes what it was given changes nothing for anyone else.
Times are milliseconds since the Unix epoch.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType, field

from footpath.values import plain


class TraversalContext(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """Where in the run a flow event happened."""

    run_id: str
    stage_id: str
    runtime_stage_id: str
    stage_name: str
    parent_stage_id: str | UnsetType = UNSET
    parent_runtime_stage_id: str | UnsetType = UNSET
    subflow_id: str | UnsetType = UNSET
    subflow_path: str | UnsetType = UNSET
    loop_iteration: int | UnsetType = UNSET
    depth: int | UnsetType = UNSET


class StructuredError(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """An exception as data; `issues` are a contract's violations."""

    message: str
    name: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    issues: Any = UNSET


# ── scope channel: what a stage did with state ─────────────────────────────────────────────────────────────────────
class ScopeEvent(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """The members that every scope event begins with; `pipeline_id` is the branch path, empty at the top."""

    stage_name: str
    stage_id: str
    runtime_stage_id: str
    pipeline_id: str
    timestamp: float


class StageStartEvent(ScopeEvent, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A stage's function (or one attempt of it) is about to run."""


class StageEndEvent(ScopeEvent, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A stage's function returned; `duration` in milliseconds."""

    duration: float | UnsetType = UNSET


class ReadEvent(ScopeEvent, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A tracked read; without `value` the key was absent."""

    key: str
    raw_value: Any = field(default=UNSET, name="value")
    redacted: bool | UnsetType = UNSET

    @property
    def value(self) -> Any:
        """The value read, as JSON; None when absent."""
        return plain(self.raw_value)


class WriteEvent(ScopeEvent, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A tracked write; `operation` is "set", "update" (value is the patch), "append" or "delete" (no value).

    `in_place` says that the value was changed behind the scope's back and found out at commit.
    """

    key: str
    raw_value: Any = field(default=UNSET, name="value")
    operation: str = field(default=UNSET, name="operation")  # type: ignore[assignment]  # always set; keeps JSON order
    redacted: bool | UnsetType = UNSET
    in_place: bool | UnsetType = UNSET

    @property
    def value(self) -> Any:
        """The value or patch written, as JSON; None when absent."""
        return plain(self.raw_value)


class Mutation(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """One write of a committed stage."""

    key: str
    raw_value: Any = field(default=UNSET, name="value")
    operation: str = field(default=UNSET, name="operation")  # type: ignore[assignment]

    @property
    def value(self) -> Any:
        """The value or patch written, as JSON."""
        return plain(self.raw_value)


class CommitEvent(ScopeEvent, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A stage's writes reached the shared state."""

    mutations: tuple[Mutation, ...]


class ScopeErrorEvent(ScopeEvent, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A scope recorder failed; `operation` is "read", "write" or "commit"."""

    error: Any
    operation: str
    channel: str


class ScopePauseEvent(ScopeEvent, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A stage asked to pause."""

    raw_pause_data: Any = field(default=UNSET, name="pauseData")
    channel: str = field(default=UNSET, name="channel")  # type: ignore[assignment]

    @property
    def pause_data(self) -> Any:
        """What the stage paused with."""
        return plain(self.raw_pause_data)


class ScopeResumeEvent(ScopeEvent, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A paused stage goes on; its members stand in footprintjs's order, `has_input` after the ids."""

    has_input: bool
    channel: str


# ── emit channel ───────────────────────────────────────────────────────────────────────────────────────────────────
class EmitEvent(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """An event of the application's own; `subflow_path` lists the mounts it came through."""

    name: str
    raw_payload: Any = field(default=UNSET, name="payload")
    stage_name: str = field(default=UNSET, name="stageName")  # type: ignore[assignment]
    runtime_stage_id: str = field(default=UNSET, name="runtimeStageId")  # type: ignore[assignment]
    subflow_path: tuple[str, ...] = field(default=UNSET, name="subflowPath")  # type: ignore[assignment]
    pipeline_id: str = field(default=UNSET, name="pipelineId")  # type: ignore[assignment]
    timestamp: float = field(default=UNSET, name="timestamp")  # type: ignore[assignment]

    @property
    def payload(self) -> Any:
        """What was emitted, as JSON; None when nothing was."""
        return plain(self.raw_payload)


# ── flow channel: how the run moved ────────────────────────────────────────────────────────────────────────────────
class FlowEvent(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """Base of the flow channel; loops hung on a decider carry no context."""

    traversal_context: TraversalContext | UnsetType = UNSET


class RunStartEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """The run begins; `payload` is its input, absent after a resume."""

    raw_payload: Any = field(default=UNSET, name="payload")

    @property
    def payload(self) -> Any:
        """The run's input, as JSON."""
        return plain(self.raw_payload)


class RunEndEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """The run completed; `payload` is its result, absent when there is none."""

    raw_payload: Any = field(default=UNSET, name="payload")

    @property
    def payload(self) -> Any:
        """The run's result, as JSON."""
        return plain(self.raw_payload)


class RunFailedEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """The run ended by an error."""

    structured_error: StructuredError


class StageExecutedEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """A node of any kind was executed: `stage_type` is "linear", "decider", "selector", "fork" or "subflow-mount"."""

    stage_name: str
    description: str | UnsetType = UNSET
    stage_type: str


class NextEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """The run moves from one stage to the one after it (names)."""

    from_: str = field(name="from")
    to: str
    description: str | UnsetType = UNSET


class DecisionEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """A decider chose; `chosen` is the branch's name, `evidence` what `decide()` saw (Raw JSON).

    `rationale` is what the stage left as its reason, a text as a rule, as a JSON value.
    """

    decider: str
    chosen: str
    rationale: Any = UNSET
    description: str | UnsetType = UNSET
    raw_evidence: Any = field(default=UNSET, name="evidence")

    @property
    def evidence(self) -> Any:
        """The rules tried, each with its conditions and what they saw; None for a plain return."""
        return plain(self.raw_evidence)


class ForkEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """Parallel children begin (names)."""

    parent: str
    children: tuple[str, ...]


class SelectedEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """A selector chose `selected` (names) out of `total` branches."""

    parent: str
    selected: tuple[str, ...]
    total: int
    raw_evidence: Any = field(default=UNSET, name="evidence")

    @property
    def evidence(self) -> Any:
        """The rules tried; None for a plain return."""
        return plain(self.raw_evidence)


class SubflowEntryEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """A mounted chart begins."""

    name: str
    subflow_id: str
    description: str | UnsetType = UNSET
    raw_mapped_input: Any = field(default=UNSET, name="mappedInput")

    @property
    def mapped_input(self) -> Any:
        """What the input mapping produced."""
        return plain(self.raw_mapped_input)


class SubflowExitEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """A mounted chart ended; `output_state` is its final state."""

    name: str
    subflow_id: str
    raw_output_state: Any = field(default=UNSET, name="outputState")

    @property
    def output_state(self) -> Any:
        """The subflow's final state."""
        return plain(self.raw_output_state)


class SubflowRegisteredEvent(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A chart returned by a stage at run time became known."""

    subflow_id: str
    name: str
    description: str | UnsetType = UNSET
    raw_spec_structure: Any = field(default=UNSET, name="specStructure")

    @property
    def spec_structure(self) -> Any:
        """The chart's spec."""
        return plain(self.raw_spec_structure)


class LoopEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """A loop edge was taken to `target` (a name); `iteration` counts from 1 per target."""

    target: str
    iteration: int
    description: str | UnsetType = UNSET


class BreakEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """A stage stopped its line."""

    stage_name: str
    reason: str | UnsetType = UNSET
    propagated_from_subflow: str | UnsetType = UNSET


class FlowErrorEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """A stage raised; `message` is "Type: text"."""

    stage_name: str
    message: str
    structured_error: StructuredError
    channel: str


class StageRetryEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """An attempt failed and another follows after `delay_ms`."""

    stage_name: str
    stage_id: str
    attempt: int
    max_attempts: int
    delay_ms: float
    message: str
    structured_error: StructuredError
    channel: str


class FlowPauseEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """The run paused at a stage."""

    stage_name: str
    stage_id: str
    raw_pause_data: Any = field(default=UNSET, name="pauseData")
    subflow_path: tuple[str, ...]
    channel: str

    @property
    def pause_data(self) -> Any:
        """What the stage paused with."""
        return plain(self.raw_pause_data)


class FlowResumeEvent(FlowEvent, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """The run goes on at a stage."""

    stage_name: str
    stage_id: str
    has_input: bool
    channel: str


# ── structure channel: the chart's shape, at build time ────────────────────────────────────────────────────────────
class StageAddedEvent(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A node joined the chart; `spec` is the node as it stood then (Raw JSON)."""

    stage_id: str
    name: str
    type: str
    is_pausable: bool | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    raw_spec: Any = field(default=UNSET, name="spec")

    @property
    def spec(self) -> Any:
        """The node's spec at that moment."""
        return plain(self.raw_spec)


class StageTaggedEvent(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """Tags were put on a node."""

    stage_id: str
    name: str
    tags: tuple[str, ...]
    raw_spec: Any = field(default=UNSET, name="spec")

    @property
    def spec(self) -> Any:
        """The node's spec at that moment."""
        return plain(self.raw_spec)


class EdgeAddedEvent(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """Two nodes were joined: `kind` is "next", "fork-branch", "decision-branch", ..."""

    from_: str = field(name="from")
    to: str
    kind: str
    label: str | UnsetType = UNSET


class LoopEdgeAddedEvent(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A loop edge was added."""

    from_: str = field(name="from")
    to: str


class DeciderCompleteEvent(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """All branches of a decider or selector are known."""

    decider: str
    type: str
    branch_ids: tuple[str, ...]
    default_branch: str | UnsetType = UNSET


class SubflowMountedEvent(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A chart was mounted; a lazy one has no `subflow_spec` yet."""

    subflow_id: str
    subflow_name: str
    root_stage_id: str
    raw_subflow_spec: Any = field(default=UNSET, name="subflowSpec")
    is_lazy: bool | UnsetType = UNSET
    subflow_path: str = field(default=UNSET, name="subflowPath")  # type: ignore[assignment]

    @property
    def subflow_spec(self) -> Any:
        """The mounted chart's spec."""
        return plain(self.raw_subflow_spec)


JSON = Raw | str | int | float | bool | None
"""A recorded form: a JSON scalar, or a container as encoded JSON."""
