"""State: committed values, how they are merged and compared, and the views through which a stage sees its containers.

`Region` holds one flow's values. `merge` and `same` are the two rules of a commit. `track` wraps a container so that
changes made through it are recorded when they happen; `untracked` gives the plain value back, as a copy of its own.
`Growth` and `grown` let a list grow at its end without a look at what it held before.
"""

from __future__ import annotations

from footpath.state._equality import just_grew, same
from footpath.state._growth import Growth, grown, recorded_form
from footpath.state._merge import merge
from footpath.state._place import Owner, is_echo, is_tracked
from footpath.state._region import LastWritten, Region
from footpath.state._untracked import capture, untracked
from footpath.state._views import TrackedDict, TrackedList, settle, track

__all__ = [
    "Growth",
    "LastWritten",
    "Owner",
    "Region",
    "TrackedDict",
    "TrackedList",
    "capture",
    "grown",
    "is_echo",
    "is_tracked",
    "just_grew",
    "merge",
    "recorded_form",
    "same",
    "settle",
    "track",
    "untracked",
]
