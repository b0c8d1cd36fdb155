"""State: committed values, how they are merged and compared, and the views through which a stage sees its containers.

`Region` holds one flow's values. `merge` and `same` are the two rules of a commit. `track` wraps a container so that
changes made through it are recorded when they happen; `untracked` gives the plain value back, as a copy of its own.
"""

from __future__ import annotations

from footpath.state._equality import same
from footpath.state._merge import merge
from footpath.state._place import Owner, is_echo, is_tracked
from footpath.state._region import Region
from footpath.state._untracked import capture, untracked
from footpath.state._views import TrackedDict, TrackedList, settle, track

__all__ = [
    "Owner",
    "Region",
    "TrackedDict",
    "TrackedList",
    "capture",
    "is_echo",
    "is_tracked",
    "merge",
    "same",
    "settle",
    "track",
    "untracked",
]
