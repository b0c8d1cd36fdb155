"""What a run leaves behind: one flat, ordered, append-only list of entries, the truth that every other view is made from."""

from footpath.journal import _entries as entries

__all__ = ["entries"]
