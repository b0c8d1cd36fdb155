"""From journal to events, and from events to views: the same code for a live run and a replayed one.

`replay` never sees the engine; a recorder never sees the difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath._on_demand import on_demand as _on_demand
from footpath.replay._follow import build_views, cursor_for, declared, follow, replay, run_through, state_after, tell

if TYPE_CHECKING:
    from footpath.replay._cursor import Cursor
    from footpath.replay._declared import Header
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

__getattr__ = _on_demand(
    __name__,
    {
        "._cursor": ("Cursor",),
        "._declared": ("Header",),
        "._narrative": ("NarrativeBuilder",),
        "._story": ("NarrativeEntry", "Story"),
        "._parts": ("Parts",),
        "._views": ("Views",),
    },
)
