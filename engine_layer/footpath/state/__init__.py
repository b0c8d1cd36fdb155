"""State: committed values, how they are merged and compared, and the views through which a stage sees its containers.

`Region` holds one flow's values. `merge` and `same` are the two rules of a commit. `track` wraps a container so that
changes made through it are recorded when they happen; `untracked` gives the plain value back, as a copy of its own.
`Growth` and `grown` let a list grow at its end without a look at what it held before.
"""

from __future__ import annotations

from footpath.state._commit import just_grew, merge, same
from footpath.state._dict_view import TrackedDict
from footpath.state._growth import Growth, grown, recorded_form
from footpath.state._list_view import TrackedList
from footpath.state._place import is_echo, is_tracked, settle, track
from footpath.state._region import LastWritten, Region
from footpath.state._untracked import capture, private_copy, untracked

__all__ = [
    "Growth",
    "LastWritten",
    "Region",
    "TrackedDict",
    "TrackedList",
    "capture",
    "grown",
    "is_echo",
    "is_tracked",
    "just_grew",
    "merge",
    "private_copy",
    "recorded_form",
    "same",
    "settle",
    "track",
    "untracked",
]
