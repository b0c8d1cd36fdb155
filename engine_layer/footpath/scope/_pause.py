"""Pausing: a signal, not an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.scope._frame import NO_ANSWER, NO_PAYLOAD
from footpath.scope._scope import frame_of

if TYPE_CHECKING:
    from footpath.scope._frame import Frame


class Paused(BaseException):
    """The run stops here until it is resumed. Not an `Exception`, so that a stage's own handlers let it pass.

    Attributes:
        data: what the stage paused with, for whoever has to answer; `NO_PAYLOAD` when it said nothing.
        by_interrupt: whether the stage asked in its middle, and will run again from its top.
        frame: the paused stage's frame.
        path: full ids of the mounts around the stage, outermost first.
        states: state of each of those subflows, by its mount's full id.
        invoker: the decider or selector that took the branch with the stage in it, and what comes after that, by full id; the
            innermost, None where there is none.
    """

    def __init__(self, data: Any, *, by_interrupt: bool) -> None:
        """Keep what the stage said."""
        super().__init__("paused")
        self.data = data
        self.by_interrupt = by_interrupt
        self.frame: Frame | None = None
        self.path: list[str] = []
        self.states: dict[str, dict[str, Any]] = {}
        self.invoker: tuple[str, str | None] | None = None


def interrupt(scope: Any, payload: Any = NO_PAYLOAD) -> Any:
    """Ask somebody outside: pause here, and on resume give the answer.

    On resume the stage runs again from its top; this call then returns what the run was resumed with, once. Writes before
    it are committed at the pause, so they happen again.

    Raises:
        Paused: there is no answer yet.
        TypeError: `scope` is not a stage's scope.

    Example:
        >>> def confirm(scope):
        ...     scope.approved = interrupt(scope, {"question": "Approve?"})
        >>> waiting = FlowChartExecutor(flow_chart("Confirm", confirm, "confirm").build())
        >>> waiting.run()
        >>> waiting.resume(waiting.get_checkpoint(), True)
        >>> waiting.get_snapshot()["sharedState"]
        {'approved': True}
    """
    frame: Frame = frame_of(scope)
    if frame.answer is not NO_ANSWER:
        answer, frame.answer = frame.answer, NO_ANSWER
        return answer
    raise Paused(payload, by_interrupt=True)
