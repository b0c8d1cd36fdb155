"""Several recorders under one id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from footpath.channels import ALL_HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LIFECYCLE = ("begin_trace", "end_trace", "flush")
_EVERYTHING = (*ALL_HOOKS, *_LIFECYCLE)
T = TypeVar("T")


class CompositeRecorder:
    """Tells each event to its parts, in order, and has just the hooks that any of them has.

    A part that fails keeps nothing from the others: all are told, then the failures are raised together, for whoever
    calls recorders to count against the composite's id.

    Args:
        id: what the parts are attached and detached under together.
        children: the recorders; their own ids name them in the snapshot alone.

    Example:
        >>> both = CompositeRecorder("both", [MetricRecorder("numbers"), ManifestFlowRecorder()])
        >>> executor.attach_combined_recorder(both)
        >>> _ = executor.run(input={"amount": 100})
        >>> both.get(MetricRecorder).get_metrics().total_writes
        2
        >>> [bundle["id"] for bundle in both.to_snapshot()["data"]["children"]]
        ['numbers', 'manifest']
    """

    def __init__(self, id: str, children: Sequence[Any]) -> None:  # the recorder contract's name
        self.id = id
        self._children = tuple(children)
        for hook in _EVERYTHING:
            methods = [method for part in self._children if callable(method := getattr(part, hook, None))]
            if methods:
                setattr(self, hook, methods[0] if len(methods) == 1 else _fan_out(hook, methods))

    def get(self, kind: type[T]) -> T | None:
        """The first part of a class; None when there is none."""
        for part in self._children:
            if isinstance(part, kind):
                return part
        return None

    def get_children(self) -> tuple[Any, ...]:
        """The parts, in order."""
        return self._children

    def clear(self) -> None:
        """Let every part that can forget the run before."""
        _told("clear", [clear for part in self._children if callable(clear := getattr(part, "clear", None))], ())

    def to_snapshot(self) -> dict[str, Any]:
        """What the parts show, each under its own id; parts that show nothing are left out."""
        children: list[dict[str, Any]] = []
        for part in self._children:
            show = getattr(part, "to_snapshot", None)
            if callable(show):
                bundle = cast("dict[str, Any]", show())
                children.append({"id": part.id, "name": bundle["name"], "data": bundle["data"]})
        return {"name": "Composite", "data": {"children": children}}


def _fan_out(hook: str, methods: Sequence[Callable[..., Any]]) -> Callable[[Any], None]:
    def tell(event: Any) -> None:
        _told(hook, methods, (event,))

    return tell


def _told(what: str, methods: Sequence[Callable[..., Any]], arguments: tuple[Any, ...]) -> None:
    failures: list[Exception] = []
    for method in methods:
        try:
            method(*arguments)
        except Exception as error:  # noqa: BLE001  # raised below, once all have been told
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(methods)} recorders failed in {what}", failures)
