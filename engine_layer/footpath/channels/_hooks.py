"""Which methods a recorder may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from footpath.channels._deferred import Delivery, OverflowPolicy

SCOPE_HOOKS = (
    "on_stage_start",
    "on_read",
    "on_write",
    "on_commit",
    "on_stage_end",
    "on_error",
    "on_pause",
    "on_resume",
)
FLOW_HOOKS = (
    "on_run_start",
    "on_run_end",
    "on_run_failed",
    "on_stage_executed",
    "on_next",
    "on_decision",
    "on_fork",
    "on_selected",
    "on_subflow_entry",
    "on_subflow_exit",
    "on_subflow_registered",
    "on_loop",
    "on_break",
    "on_error",
    "on_stage_retry",
    "on_pause",
    "on_resume",
)
EMIT_HOOKS = ("on_emit",)
STRUCTURE_HOOKS = (
    "on_stage_added",
    "on_stage_tagged",
    "on_edge_added",
    "on_loop_edge_added",
    "on_decider_complete",
    "on_subflow_mounted",
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
