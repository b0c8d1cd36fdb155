"""Recorders for everyday questions, all of them ordinary: any object with an id and some of the hooks is one.

Each makes the same of a live run and of its replay, under footprintjs's names. They tell a run (`NarrativeRecorder`,
`NarrativeFlowRecorder` and its ways with loops), count it (`MetricRecorder`), look into it (`DebugRecorder`,
`EventsRecorder`), say how it was composed (`TopologyRecorder`, `ManifestFlowRecorder`) and what went in and out
(`InOutRecorder`), score it (`QualityRecorder`), or join several of these (`CompositeRecorder`). What a recorder of your
own is composed of are the stores: `KeyedStore`, `SequenceStore`, `BoundaryStateStore`, `CommitRangeIndex`.

For the processor, which shows a recorder one trace after the other: `ChartMetricsRecorder` adds up numbers over many
runs, `AuditRecorder` keeps a chained trail of what changed and why, `ArchiveRecorder` renders what the archive keeps
beside a trace. `BeginsTraces`, `EndsTraces` and `FlushesBatches` are what a recorder may add to follow traces.
"""

from __future__ import annotations

from footpath.recorders._audit import GENESIS, AuditRecorder, AuditRow, ChainFault, verify_chain
from footpath.recorders._boundary_store import BoundaryStateStore
from footpath.recorders._bundle import RecorderBundle, RecorderOperation
from footpath.recorders._chart_metrics import ChartMetricsRecorder
from footpath.recorders._commit_ranges import CommitRangeIndex, RangeEntry, RangeToken
from footpath.recorders._composite import CompositeRecorder
from footpath.recorders._debug import DebugEntry, DebugRecorder, DebugVerbosity
from footpath.recorders._events_recorder import EventsRecorder
from footpath.recorders._flow_narrative import (
    AdaptiveNarrativeFlowRecorder,
    MilestoneNarrativeFlowRecorder,
    NarrativeFlowRecorder,
    ProgressiveNarrativeFlowRecorder,
    RLENarrativeFlowRecorder,
    SeparateNarrativeFlowRecorder,
    SilentNarrativeFlowRecorder,
    WindowedNarrativeFlowRecorder,
)
from footpath.recorders._inout import (
    ROOT_RUNTIME_STAGE_ID,
    ROOT_SUBFLOW_ID,
    Boundary,
    InOutEntry,
    InOutPhase,
    InOutRecorder,
)
from footpath.recorders._keyed_store import KeyedStore
from footpath.recorders._lifecycle import ArchivedTrace, BeginsTraces, EndsTraces, FlushesBatches, ReplayedTrace
from footpath.recorders._manifest import ManifestEntry, ManifestFlowRecorder
from footpath.recorders._metric import AggregatedMetrics, MetricRecorder, StageMetrics, StepMetrics
from footpath.recorders._narrative import NarrativeRecorder
from footpath.recorders._narrative_format import NarrativeFormatter
from footpath.recorders._quality import LowestStep, QualityEntry, QualityRecorder, Score, StepContext
from footpath.recorders._sequence_store import EntryRange, SequenceStore
from footpath.recorders._topology import Topology, TopologyEdge, TopologyNode, TopologyNodeKind, TopologyRecorder
from footpath.recorders._views import MAX_VIEWS_BYTES, ArchiveRecorder, TraceViews

__all__ = [
    # told as a story
    "NarrativeRecorder",
    "NarrativeFormatter",
    "NarrativeFlowRecorder",
    "AdaptiveNarrativeFlowRecorder",
    "MilestoneNarrativeFlowRecorder",
    "ProgressiveNarrativeFlowRecorder",
    "RLENarrativeFlowRecorder",
    "SeparateNarrativeFlowRecorder",
    "SilentNarrativeFlowRecorder",
    "WindowedNarrativeFlowRecorder",
    # counted and looked into
    "MetricRecorder",
    "StepMetrics",
    "StageMetrics",
    "AggregatedMetrics",
    "DebugRecorder",
    "DebugEntry",
    "DebugVerbosity",
    "EventsRecorder",
    # how it was composed, what went in and out
    "TopologyRecorder",
    "Topology",
    "TopologyNode",
    "TopologyNodeKind",
    "TopologyEdge",
    "ManifestFlowRecorder",
    "ManifestEntry",
    "InOutRecorder",
    "InOutEntry",
    "InOutPhase",
    "Boundary",
    "ROOT_SUBFLOW_ID",
    "ROOT_RUNTIME_STAGE_ID",
    # how good it was
    "QualityRecorder",
    "QualityEntry",
    "StepContext",
    "Score",
    "LowestStep",
    # joined
    "CompositeRecorder",
    "RecorderBundle",
    "RecorderOperation",
    # what recorders are composed of
    "KeyedStore",
    "SequenceStore",
    "EntryRange",
    "BoundaryStateStore",
    "CommitRangeIndex",
    "RangeEntry",
    "RangeToken",
    # trace after trace
    "ChartMetricsRecorder",
    "AuditRecorder",
    "AuditRow",
    "ChainFault",
    "GENESIS",
    "verify_chain",
    "ArchiveRecorder",
    "TraceViews",
    "MAX_VIEWS_BYTES",
    "ReplayedTrace",
    "ArchivedTrace",
    "BeginsTraces",
    "EndsTraces",
    "FlushesBatches",
]
