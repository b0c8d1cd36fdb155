"""Where quality was lost: a causal chain with a score beside each step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import UNSET, Struct, UnsetType

from footpath.query._chain import DEFAULT_MAX_DEPTH, DEFAULT_MAX_NODES, causal_chain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from footpath.query._log import Bundle, CommitIndex

_UNKNOWN = -1.0


class QualityLookup(Protocol):
    """Knows scores by runtime stage id: `footpath.recorders.QualityRecorder`, or anything with this method."""

    def get_by_key(self, runtime_stage_id: str, /) -> Any:
        """An object with `score`, `factors` and `keys_read`; None where there is no score."""
        ...


class QualityFrame(Struct, frozen=True, rename="camel", kw_only=True):
    """One step of the way back.

    Attributes:
        score: 0.0 to 1.0; -1 when the step has none.
        linked_by: the key by which the step fed one nearer to the start; empty for the start.
        depth: how many links it is from the start.
    """

    runtime_stage_id: str
    stage_name: str
    score: float
    factors: tuple[str, ...]
    linked_by: str
    depth: int


class QualityDrop(Struct, frozen=True, rename="camel", kw_only=True):
    """The greatest loss on the way: the step that lost, one a link further back, and by how much.

    A step without a score counts as -1 here, as in footprintjs: a loss to -1 says that nobody scored it.
    """

    frame: QualityFrame
    previous_frame: QualityFrame
    drop: float


class QualityStackTrace(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A way back through what fed a step, the step itself first; `root_cause` when quality fell anywhere on it."""

    start_id: str
    start_score: float
    frames: tuple[QualityFrame, ...]
    root_cause: QualityDrop | UnsetType = UNSET


def quality_trace(
    commit_log: Sequence[Bundle] | CommitIndex,
    quality: QualityLookup,
    start_id: str,
    max_depth: int = DEFAULT_MAX_DEPTH,
) -> QualityStackTrace:
    """Go back from a step through what fed it, and see where quality fell most.

    Which keys a step read is what the quality recorder saw. A step that has no score, or never
    committed, has no way back: no frames.

    Args:
        commit_log: of the snapshot, or its index.
        quality: the scores; a recorder that was attached, or that the trace was replayed to.
        start_id: runtime stage id of the step to explain, such as that of `quality.get_lowest()`.
        max_depth: how many links to follow.

    Example:
        >>> quality = QualityRecorder(lambda step, context: 0.2 if context.stage_id == "route" else 0.9)
        >>> replay(trace, quality)
        >>> print(
        ...     format_quality_trace(
        ...         quality_trace(snapshot["commitLog"], quality, quality.get_lowest().runtime_stage_id)
        ...     )
        ... )
        Quality Trace (score: 0.20 at route#1):
          at route#1                        score=0.20
          at assess#0                       score=0.90 (via risk)
        <BLANKLINE>
        Root cause: quality dropped at route#1 (0.90 → 0.20, Δ0.70)
    """

    def reads(step: str) -> Sequence[str]:
        scored = quality.get_by_key(step)
        return () if scored is None else scored.keys_read

    chain = causal_chain(commit_log, start_id, reads, max_depth=max_depth, max_nodes=DEFAULT_MAX_NODES)
    start = quality.get_by_key(start_id)
    start_score = _UNKNOWN if start is None else float(start.score)
    if chain is None or start is None:
        return QualityStackTrace(start_id=start_id, start_score=start_score, frames=())
    frames: dict[str, QualityFrame] = {}
    for node in chain.nodes:
        scored = quality.get_by_key(node.runtime_stage_id)
        frames[node.runtime_stage_id] = QualityFrame(
            runtime_stage_id=node.runtime_stage_id,
            stage_name=node.stage_name,
            score=_UNKNOWN if scored is None else float(scored.score),
            factors=() if scored is None else tuple(scored.factors),
            linked_by=node.linked_by,
            depth=node.depth,
        )
    root_cause = _greatest_drop(tuple(frames.values()))
    return QualityStackTrace(
        start_id=start_id, start_score=start_score, frames=tuple(frames.values()), root_cause=root_cause
    )


def _greatest_drop(frames: Sequence[QualityFrame]) -> QualityDrop | UnsetType:
    """As in footprintjs: a frame is compared with all that are one link further from the start, whoever fed whom."""
    greatest: QualityDrop | UnsetType = UNSET
    for frame in frames:
        for before in frames:
            drop = before.score - frame.score
            if before.depth == frame.depth + 1 and drop > (0 if greatest is UNSET else greatest.drop):
                greatest = QualityDrop(frame=frame, previous_frame=before, drop=drop)
    return greatest


def format_quality_trace(trace: QualityStackTrace) -> str:
    """A trace as text, a line per step, and the greatest loss at the end."""
    if not trace.frames:
        return f"Quality Trace: no data for {trace.start_id}"
    lines = [f"Quality Trace (score: {_two_places(trace.start_score)} at {trace.start_id}):"]
    for frame in trace.frames:
        score = "?" if frame.score < 0 else _two_places(frame.score)
        link = f" (via {frame.linked_by})" if frame.linked_by else ""
        why = f" — {', '.join(frame.factors)}" if frame.factors else ""
        lines.append(f"  at {frame.runtime_stage_id:<30} score={score}{link}{why}")
    lost = trace.root_cause
    if lost is not UNSET:
        lines.append("")
        lines.append(
            f"Root cause: quality dropped at {lost.frame.runtime_stage_id} "
            f"({_two_places(lost.previous_frame.score)} → {_two_places(lost.frame.score)}, Δ{_two_places(lost.drop)})"
        )
    return "\n".join(lines)


def _two_places(score: float) -> str:
    """As JavaScript rounds: of two equally near numbers the greater. Only odd eighths lie between two."""
    return f"{math.ceil(score * 100) / 100 if score * 8 % 2 == 1 else score:.2f}"
