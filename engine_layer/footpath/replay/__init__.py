"""From journal to events, and from events to views: the same code for a live run and a replayed one.

`replay` never sees the engine; a recorder never sees the difference.
"""

from __future__ import annotations

from footpath.replay._cursor import Cursor
from footpath.replay._declared import Header
from footpath.replay._follow import build_views, cursor_for, declared, follow, replay, run_through, state_after, tell
from footpath.replay._narrative import NarrativeBuilder
from footpath.replay._parts import Parts
from footpath.replay._story import NarrativeEntry, Story
from footpath.replay._views import Views

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
