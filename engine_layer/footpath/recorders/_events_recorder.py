"""Everything that was told, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.channels import ALL_HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable


class EventsRecorder:
    """Keeps every event of every channel it is attached to.

    It grows with the run: for tests, and for finding out what a chart does.

    Attributes:
        events: `(hook, event)` in the order they came.

    Example:
        >>> events = EventsRecorder()
        >>> executor.attach_combined_recorder(events)
        >>> _ = executor.run(input={"amount": 100})
        >>> events.events[0][0], [event.key for event in events.of("on_write")]
        ('on_run_start', ['risk', 'approved'])
    """

    def __init__(self, id: str = "events") -> None:  # the recorder contract's name
        self.id = id
        self.events: list[tuple[str, Any]] = []
        for hook in ALL_HOOKS:
            setattr(self, hook, self._hearing(hook))

    def of(self, *hooks: str) -> list[Any]:
        """The events of some hooks, in order."""
        return [event for hook, event in self.events if hook in hooks]

    def clear(self) -> None:
        """Forget the run before."""
        self.events.clear()

    def _hearing(self, hook: str) -> Callable[[Any], None]:
        hear = self.events.append
        return lambda event: hear((hook, event))
