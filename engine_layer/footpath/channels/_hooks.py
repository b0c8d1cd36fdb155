"""Which methods a recorder may have."""

from __future__ import annotations

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
ALL_HOOKS = tuple(dict.fromkeys((*STRUCTURE_HOOKS, *SCOPE_HOOKS, *FLOW_HOOKS, *EMIT_HOOKS)))
"""Each once; scope and flow share three."""
