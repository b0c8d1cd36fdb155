"""Questions about a finished run, asked of its snapshot.

Pure functions over footprintjs's snapshot shape (plain dicts: `commitLog`, `executionTree`, `initialState`,
`subflowResults`), wherever it came from: a live executor, a trace, an archive. They answer as footprintjs does, to the
word: who wrote a key last, what it was then (`state_at`, `commit_value_at`), what fed a stage (`causal_chain`,
`slice_for_key`), what a value went into (`forward_slice_for_key`), when a key was touched (`key_timeline`), where a
list's items came from (`array_provenance`), where one can stop and look (`stops`). Nothing is recursive, and a log of
100,000 commits is walked once: keep a `CommitIndex` to ask it often. What was masked stays masked.

`explain` goes further than footprintjs: it says why a key has its value, with the values read on the way and every rule
that each decision tried, through forks and into subflows, down to the run's input. `format_explanation` prints it.
"""

from __future__ import annotations

from footpath.query._arrays import ArrayProvenance, ItemBirth, array_provenance
from footpath.query._chain import CausalChain, CausalEdge, CausalNode, Truncation, causal_chain, format_causal_chain
from footpath.query._control import ControlDependencies, ControlLookup, ControlParent, Decision
from footpath.query._explain import TraceView, explain
from footpath.query._explanation import (
    Because,
    ExplainedDecision,
    ExplainedStep,
    ExplainedWrite,
    Explanation,
    Source,
    TriedCondition,
    TriedRule,
)
from footpath.query._explanation_text import format_explanation
from footpath.query._forward import (
    Consumer,
    FedEdge,
    FedValue,
    ForwardSlice,
    format_forward_slice,
    forward_slice_for_key,
    forward_slice_to_json,
)
from footpath.query._ids import RuntimeStageId, parse_runtime_stage_id
from footpath.query._json import as_json
from footpath.query._log import Bundle, CommitIndex, find_commit, find_commits, find_last_writer
from footpath.query._notes import Note
from footpath.query._quality import (
    QualityDrop,
    QualityFrame,
    QualityLookup,
    QualityStackTrace,
    format_quality_trace,
    quality_trace,
)
from footpath.query._reads import (
    KeysRead,
    ReadsCoverage,
    ReadsLookup,
    keys_read_from_execution_tree,
    keys_read_from_map,
)
from footpath.query._slice import Slice, format_slice, slice_for_key, slice_to_json
from footpath.query._state import StateAt, commit_value_at, state_at
from footpath.query._stops import Stop, stops, tag_stops
from footpath.query._subflows import list_subflow_paths
from footpath.query._subtree import SubtreeSnapshot, get_subtree_snapshot
from footpath.query._timeline import KeyTimeline, Moment, format_timeline, key_timeline

__all__ = [
    # why
    "explain",
    "format_explanation",
    "TraceView",
    "Explanation",
    "ExplainedStep",
    "ExplainedWrite",
    "ExplainedDecision",
    "TriedRule",
    "TriedCondition",
    "Because",
    "Source",
    # the log
    "CommitIndex",
    "Bundle",
    "find_last_writer",
    "find_commit",
    "find_commits",
    # what was there
    "commit_value_at",
    "state_at",
    "StateAt",
    "array_provenance",
    "ArrayProvenance",
    "ItemBirth",
    # what fed it
    "keys_read_from_execution_tree",
    "keys_read_from_map",
    "KeysRead",
    "ReadsCoverage",
    "ReadsLookup",
    "ControlDependencies",
    "ControlLookup",
    "ControlParent",
    "Decision",
    "causal_chain",
    "format_causal_chain",
    "CausalChain",
    "CausalNode",
    "CausalEdge",
    "Truncation",
    "quality_trace",
    "format_quality_trace",
    "QualityStackTrace",
    "QualityFrame",
    "QualityDrop",
    "QualityLookup",
    "slice_for_key",
    "format_slice",
    "slice_to_json",
    "Slice",
    # what it fed
    "forward_slice_for_key",
    "format_forward_slice",
    "forward_slice_to_json",
    "ForwardSlice",
    "FedValue",
    "FedEdge",
    "Consumer",
    "key_timeline",
    "format_timeline",
    "KeyTimeline",
    "Moment",
    "Note",
    # where to stop
    "stops",
    "tag_stops",
    "Stop",
    # one subflow by itself
    "list_subflow_paths",
    "get_subtree_snapshot",
    "SubtreeSnapshot",
    # names and forms
    "parse_runtime_stage_id",
    "RuntimeStageId",
    "as_json",
]
