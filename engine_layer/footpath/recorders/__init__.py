"""Recorders for everyday questions, all of them ordinary: any object with an id and some of the hooks is one.

Each makes the same of a live run and of its replay. `AuditRecorder` keeps a chained trail of what changed and why,
`MetricsRecorder` adds up numbers over many runs, `NarrativeRecorder` tells the story, and `ArchiveRecorder` renders what
the archive keeps beside a trace. `DebugRecorder` keeps everything, `CompositeRecorder` joins several into one; the others
answer one question each: which subflows (`ManifestRecorder`), what went in and out (`InOutRecorder`), which way
(`TopologyRecorder`). `BeginsTraces`, `EndsTraces` and `FlushesBatches` are what a recorder may add to follow one trace
after the other.
"""

from __future__ import annotations

from footpath.recorders._audit import GENESIS, AuditRecorder, AuditRow, ChainFault, verify_chain
from footpath.recorders._composite import CompositeRecorder
from footpath.recorders._debug import DebugRecorder
from footpath.recorders._inout import InOutRecorder, StageInOut
from footpath.recorders._lifecycle import BeginsTraces, EndsTraces, FlushesBatches, ReplayedTrace
from footpath.recorders._manifest import ManifestEntry, ManifestRecorder
from footpath.recorders._metrics import MetricsRecorder
from footpath.recorders._narrative import NarrativeRecorder
from footpath.recorders._topology import TopologyRecorder, WalkedEdge, WalkedNode
from footpath.recorders._views import MAX_VIEWS_BYTES, ArchiveRecorder, TraceViews

__all__ = [
    "GENESIS",
    "MAX_VIEWS_BYTES",
    "ArchiveRecorder",
    "AuditRecorder",
    "AuditRow",
    "BeginsTraces",
    "ChainFault",
    "CompositeRecorder",
    "DebugRecorder",
    "EndsTraces",
    "FlushesBatches",
    "InOutRecorder",
    "ManifestEntry",
    "ManifestRecorder",
    "MetricsRecorder",
    "NarrativeRecorder",
    "ReplayedTrace",
    "StageInOut",
    "TopologyRecorder",
    "TraceViews",
    "WalkedEdge",
    "WalkedNode",
    "verify_chain",
]
