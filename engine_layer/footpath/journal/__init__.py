"""What a run leaves behind: one flat, ordered, append-only list of entries, the truth that every other view is made from."""

from __future__ import annotations

from footpath.journal import entries

__all__ = ["entries"]
