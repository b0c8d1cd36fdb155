"""The nodes that a journal speaks of: declared one by one, or a chart of the spec at once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import UNSET, Raw, Struct
from msgspec.json import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable


class UnknownPartError(LookupError):
    """A journal speaks of something that it has not told of before: a node, a frame, a chart, a kind of entry."""


class Header(Protocol):
    """What stands beside a journal and is not repeated in it: a trace's document, or the phase of a run.

    Attributes:
        spec: the spec document, as JSON.
        input: the run's input in recorded form; UNSET when there was none.
        result: likewise what it returned; UNSET while there is none.
    """

    @property
    def spec(self) -> bytes | Raw: ...
    @property
    def input(self) -> Any: ...
    @property
    def result(self) -> Any: ...


class Declared(Struct, eq=False, gc=False):
    """A node as the journal declares it; `description` is UNSET when there is none. Never changed."""

    id: str
    name: str
    description: Any = UNSET
    tags: list[str] | None = None


class _Chart(Struct, gc=False):
    nodes: list[Declared]


class _Spec(Struct, gc=False):
    charts: list[_Chart]


_decode = Decoder(_Spec).decode


@lru_cache(maxsize=16)
def _charts(spec: bytes) -> list[tuple[list[Declared], int]]:
    """The nodes of a spec's charts, and how long their longest names are; one chart runs many times."""
    return [
        (chart.nodes, max([len(node.id) + len(node.name) for node in chart.nodes], default=0))
        for chart in _decode(spec).charts
    ]


_LONG_NAME = 200
_FEW = 64


class Declarations(dict[int, Declared]):
    """Declared nodes by ordinal. A node of a chart that was declared as a whole is made when it is first asked for.

    Args:
        spend: told of the characters of each node so made whose names are long.

    Attributes:
        long_names: whether any node's name is so long that many frames of it weigh.
    """

    def __init__(self, spend: Callable[[int], None]) -> None:
        super().__init__()
        self._spend = spend
        self._count = 0
        self._starts: list[int] = []
        self._spans: list[tuple[list[Declared], str]] = []
        self.long_names = False

    def add(self, declared: Declared) -> None:
        """Declare the next node."""
        self._look(declared)
        self[self._count] = declared
        self._count += 1

    def add_chart(self, header: Header, number: int, prefix: str) -> None:
        """Declare the next nodes: all of a chart, in the order of the spec, with the prefix before their ids and names.

        Raises:
            UnknownPartError: the spec has no such chart.
        """
        spec = header.spec
        charts = _charts(spec if type(spec) is bytes else bytes(spec))
        if not 0 <= number < len(charts):
            message = f"the spec has no chart {number!r:.60}, but {len(charts)}"
            raise UnknownPartError(message)
        nodes, longest = charts[number]
        start = self._count
        self._count = end = start + len(nodes)
        if not prefix and len(nodes) <= _FEW and longest <= _LONG_NAME:
            self.update(zip(range(start, end), nodes, strict=True))  # most of them will be asked for
            return
        self._starts.append(start)
        self._spans.append((nodes, prefix))

    def __missing__(self, ordinal: int) -> Declared:
        """Make a node of a chart.

        Raises:
            UnknownPartError: no node has this ordinal.
        """
        from bisect import bisect_right  # a run in which nobody listens never comes here

        at = bisect_right(self._starts, ordinal) - 1
        if at < 0 or ordinal < 0:
            raise _undeclared(ordinal)
        nodes, prefix = self._spans[at]
        index = ordinal - self._starts[at]
        if index >= len(nodes):
            raise _undeclared(ordinal)
        declared = nodes[index]
        if prefix:
            declared = Declared(
                f"{prefix}/{declared.id}", f"{prefix}/{declared.name}", declared.description, declared.tags
            )
        self._look(declared)
        self[ordinal] = declared
        return declared

    def _look(self, declared: Declared) -> None:
        size = len(declared.id) + len(declared.name)
        if size > _LONG_NAME:
            self.long_names = True
            self._spend(size)


def _undeclared(ordinal: Any) -> UnknownPartError:
    return UnknownPartError(f"no node {ordinal!r:.60} has been declared")
