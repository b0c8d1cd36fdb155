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
        delta_commits: whether commits keep what changed only: all patches of a key are then laid over it once, and a deleted key
            leaves its place among the others.
        careful: whether either of the two above makes an access more than a look-up.
    """

    record_entry: Callable[[Any], None]
    current: Frame | None
    redaction: Redaction | None
    journal: list[Any]
    parallel: int
    careful: bool
    delta_commits: bool
    env: Any

    def switch(self, frame: Frame) -> None:
        """Make another frame the one that entries belong to."""
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
