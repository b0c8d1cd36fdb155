"""From journal to events, and from events to views: the same code for a live run and a replayed one.

`replay` never sees the engine; a recorder never sees the difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath._on_demand import on_demand as _on_demand

if TYPE_CHECKING:
    from typing import Unpack as _Unpack

    from footpath.channels import AttachOptions as _AttachOptions
    from footpath.channels import Recorder as _Recorder
    from footpath.replay._cursor import Cursor
    from footpath.replay._declared import Header
    from footpath.replay._follow import build_views, cursor_for, declared, follow, run_through, state_after, tell
    from footpath.replay._narrative import NarrativeBuilder
    from footpath.replay._parts import Parts
    from footpath.replay._story import NarrativeEntry, Story
    from footpath.replay._views import Views
    from footpath.trace import Trace as _Trace

__all__ = [
    "Cursor",
    "Header",
    "NarrativeBuilder",
    "NarrativeEntry",
    "Parts",
    "Story",
    "Views",
    "build_views",
    "cursor_for",
    "declared",
    "follow",
    "replay",
    "run_through",
    "state_after",
    "tell",
]

__getattr__ = _on_demand(
    __name__,
    {
        "._cursor": ("Cursor",),
        "._declared": ("Header",),
        "._follow": ("build_views", "cursor_for", "declared", "follow", "run_through", "state_after", "tell"),
        "._narrative": ("NarrativeBuilder",),
        "._story": ("NarrativeEntry", "Story"),
        "._parts": ("Parts",),
        "._views": ("Views",),
    },
)


# `footpath.replay` is this package and, to those who import it from `footpath`, this function. A package's name is bound
# when it is first imported, so `footpath` imports this one at once, and binds the function after it; what replays a
# trace is loaded when somebody does.
def replay(trace: _Trace, *recorders: _Recorder, **options: _Unpack[_AttachOptions]) -> None:
    """Replay a trace to recorders: structure first, from the spec, then the run.

    The same calls as in the live run, with the same events in the same order, `clear` before a run (and not before a
    phase that goes on after a pause) among them. Recorders are told one by one, event by event; the first is told
    first. A recorder that fails is isolated, as it is in a live run; a deferred one has been told all when this
    returns.

    Args:
        trace: one phase of a run. Replay the phases of a paused run one after the other to the same recorders.
        recorders: any objects with an `id` and hooks.
        options: how to tell them; as for `FlowChartExecutor.attach_scope_recorder`.

    Raises:
        ReplayError: the journal is malformed; recorders have seen the events up to there.
        SpecDocumentError: the spec is malformed; recorders have seen nothing of the run.
        TypeError: a recorder has no id or no hook, or one that is asynchronous, or is a class; or the trace is still
            bytes.
        ValueError: the options make no sense.

    Example:
        >>> _ = executor.run(input={"amount": 100})
        >>> metric = MetricRecorder()
        >>> replay(executor.get_trace(), metric)
        >>> metric.get_metrics().total_reads
        1
    """
    from footpath.replay._follow import tell_recorders

    tell_recorders(trace, recorders, options)
