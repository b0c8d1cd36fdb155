"""What a frame needs of the run it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.scope._frame import Frame
    from footpath.scope._redaction import Redaction


class Host(Protocol):
    """The run, as its frames see it.

    Attributes:
        record_entry: appends an entry to the journal, and feeds it to whoever listens.
        journal: the entries so far.
        current: the frame that the last entry belongs to.
        redaction: None while nothing has to be hidden.
        parallel: how many groups of parallel children are alive.
        delta_commits: whether commits keep what changed only: all patches of a key are then laid over it once, and a
            deleted key leaves its place among the others.
        spells: whether the state holds a key under another name than the stage's.
        careful: whether any of these makes an access more than a look-up.
    """

    record_entry: Callable[[Any], None]
    current: Frame | None
    redaction: Redaction | None
    journal: list[Any]
    parallel: int
    careful: bool
    delta_commits: bool
    spells: bool
    env: Any

    def switch(self, frame: Frame) -> None:
        """Make another frame the one that entries belong to."""
        ...

    def spell(self, key: str) -> str:
        """The name under which the state holds a key, however the stage spells it; see `footpath.values.recorded_name`."""
        ...

    def now(self) -> int:
        """Microseconds since the run's start."""
        ...

    def start_redaction(self) -> Redaction:
        """Begin to hide values in a run that had nothing to hide."""
        ...

    def stream(self, what: str, stream_id: str, text: Any) -> None:
        """Hand a token to the caller's stream handlers."""
        ...
