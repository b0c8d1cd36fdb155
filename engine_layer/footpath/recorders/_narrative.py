"""The narrative as a recorder of its own, beside the one built into an executor."""

from __future__ import annotations

from footpath.replay import NarrativeBuilder


class NarrativeRecorder(NarrativeBuilder):
    """Tells a run, or one trace after the other, as lines of text; see `NarrativeBuilder` for the options.

    Example:
        >>> recorder = NarrativeRecorder(include_values=False)
        >>> recorder.lines()
        []
    """
