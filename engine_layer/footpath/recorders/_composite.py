"""Several recorders under one id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.recorders._debug import ALL_HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LIFECYCLE = ("begin_trace", "end_trace", "flush")


class CompositeRecorder:
    """Tells each event to its parts, in order, and has just the hooks that any of them has.

    A part that fails keeps nothing from the others: all are told, then the failures are raised together, for whoever
    calls recorders to count against the composite's id.

    Attributes:
        parts: the recorders; their own ids matter to nobody.
    """

    def __init__(self, id: str, parts: Sequence[Any]) -> None:  # the recorder contract's name
        self.id = id
        self.parts = tuple(parts)
        for hook in (*ALL_HOOKS, *_LIFECYCLE):
            methods = [method for part in self.parts if callable(method := getattr(part, hook, None))]
            if methods:
                setattr(self, hook, methods[0] if len(methods) == 1 else _fan_out(hook, methods))


def _fan_out(hook: str, methods: Sequence[Callable[[Any], Any]]) -> Callable[[Any], None]:
    def tell(event: Any) -> None:
        failures: list[Exception] = []
        for method in methods:
            try:
                method(event)
            except Exception as error:  # noqa: BLE001  # raised below, once all have been told
                failures.append(error)
        if failures:
            raise ExceptionGroup(f"{len(failures)} of {len(methods)} recorders failed in {hook}", failures)

    return tell
