"""What is going on right now, between a beginning and its end."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

S = TypeVar("S")


class BoundaryStateStore(Generic[S]):
    """Storage for a recorder that follows things which begin and end: a state for each that is open, nothing afterwards.

    A call to a model, say: begun by one event, grown by its tokens, ended by another. Several may be open at once under
    different keys; things of different kinds want a store each. Every `start` wants its `stop`: what is never stopped
    stays until `clear`. Not for several threads at once.

    Args:
        diagnostic_id: a name for whoever looks at several stores.

    Example:
        >>> calls = BoundaryStateStore[str]()
        >>> calls.start("ask#3", "")
        >>> calls.update("ask#3", lambda text: text + "Hel")
        >>> calls.update("ask#3", lambda text: text + "lo")
        >>> calls.has_active, calls.stop("ask#3"), calls.has_active
        (True, 'Hello', False)
    """

    def __init__(self, diagnostic_id: str = "") -> None:
        self.diagnostic_id = diagnostic_id
        self._open: dict[str, S] = {}

    def start(self, key: str, initial: S) -> None:
        """Open a boundary; one that is open under this key already begins anew."""
        self._open[key] = initial

    def update(self, key: str, change: Callable[[S], S]) -> None:
        """Replace an open boundary's state by `change` of it; without one nothing happens, so that late events do no harm."""
        if key in self._open:
            self._open[key] = change(self._open[key])

    def stop(self, key: str) -> S | None:
        """Close a boundary and give its last state; None when none is open under this key."""
        return self._open.pop(key, None)

    def get(self, key: str) -> S | None:
        """An open boundary's state; None when none is open under this key."""
        return self._open.get(key)

    def get_all(self) -> Mapping[str, S]:
        """A read-only view of what is open; it shows what changes later, too."""
        return MappingProxyType(self._open)

    @property
    def has_active(self) -> bool:
        """Whether anything is open."""
        return bool(self._open)

    @property
    def active_count(self) -> int:
        """How many boundaries are open."""
        return len(self._open)

    def clear(self) -> None:
        """Forget everything, what is still open, too."""
        self._open.clear()
