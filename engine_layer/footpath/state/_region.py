"""The shared state of one (sub)flow while a run is alive."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from footpath.state._growth import Growth
from footpath.values import ABSENT, index_in, put_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from footpath.chart import Node

_NOTHING: dict[str, Any] = {}


class Region(Struct, eq=False):
    """Committed values of one flow instance: the run itself, or one entry of a mounted subflow.

    Attributes:
        values: live values by key; a deleted key stays in place as `ABSENT`, so that a later write keeps its position.
            Parallel children live below `runs`, by child id.
        recorded: for containers, the recorded form they had when they were committed, by key, or how they grew; what a
            commit compares with.
        prefix: what stands before its nodes' ids and names, mount ids joined by "/"; empty at the top.
        mounted: likewise before the nodes of charts mounted in it. The same, but where a chart was resolved while the
            run went on: what is mounted in that one has been named before, so the way to it is not in those names.
        readonly: keys of the run's or mount's input.
        args: that input.
        nodes: this flow's nodes by id, where loop edges lead.
        holes: whether a value may be `ABSENT`.
        first_ordinal: of the chart's nodes in the journal, when they were declared together; negative when they were
            not.
        declared: ordinal of each other node's declaration.
        loops: how often a loop edge has led back to a node; `hops`, how often a stage has named a new one to go on
            with.
        registered: what stages of this flow and of those around it have returned to be run, as the engine keeps it;
            None when they have not.
        nesting: how many charts it is run in.
        lines: how many lines of stages are under way, where siblings count.
        grown: children that a stage has returned; as in the reference they stay with the stage as long as this flow
            runs.
    """

    nodes: Mapping[str, Node]
    prefix: str = ""
    mounted: str = ""
    readonly: frozenset[str] = frozenset()
    values: dict[str, Any] = {}
    recorded: dict[Any, Any] = {}
    args: Any = {}
    first_ordinal: int = -1
    holes: bool = False
    declared: dict[Node, int] = {}
    loops: dict[Node, int] = {}
    hops: int = 0
    registered: Any = None
    grown: dict[Node, list[Node]] = {}
    lines: int = 0
    nesting: int = 0

    def branch_values(self, branch: str) -> Mapping[str, Any]:
        """What a parallel child has committed so far."""
        runs = self.values.get("runs")
        if isinstance(runs, dict):
            own = runs.get(branch)
            if isinstance(own, dict):
                return own
        return _NOTHING

    def put(self, key: str, value: Any) -> None:
        """Commit one top-level key."""
        self.values[key] = value

    def put_path(self, path: tuple[str, ...], value: Any) -> None:
        """Commit a value below a key; every container on the way is replaced by a copy, so earlier readers keep theirs.

        A list stays one: it takes an item by its index, as in the reference.
        """
        values = self.values
        self.recorded.pop(path[0], None)
        for at, step in enumerate(path[:-1], 1):
            inner = values.get(step)
            if isinstance(inner, (list, tuple)):
                if at == len(path) - 1:
                    values[step] = items = list(inner)
                    put_item(items, path[at], value, ABSENT)
                return
            copy = dict(inner) if isinstance(inner, dict) else {}
            values[step] = copy
            values = copy
        values[path[-1]] = value

    def get_path(self, path: tuple[str, ...]) -> Any:
        """The committed value at a path, or ABSENT."""
        value: Any = self.values
        for step in path:
            if isinstance(value, dict):
                value = value.get(step, ABSENT)
            elif isinstance(value, (list, tuple)):
                index = index_in(step, len(value))
                value = value[index] if 0 <= index < len(value) else ABSENT
            else:
                return ABSENT
        return value

    def plain_view(self) -> dict[str, Any]:
        """The state as a mapping function sees it: untracked, without deleted keys.

        From here on others hold what is in it, so a commit looks at all of it again.
        """
        for key, known in self.recorded.items():
            if type(known) is Growth:
                self.recorded[key] = known.recorded()
        if not self.holes:
            return self.values.copy()
        return {key: value for key, value in self.values.items() if value is not ABSENT}


class LastWritten(dict[str, Any]):
    """Staged writes in the order of each key's last write: so they reach the state with delta commits, as in footprintjs.

    Attributes:
        deleted: keys that were deleted last: they leave the state, while one that is set to nothing keeps its place.
    """

    __slots__ = ("deleted",)

    def __init__(self) -> None:
        super().__init__()
        self.deleted: set[str] = set()

    def __setitem__(self, key: str, value: Any) -> None:
        self.pop(key, None)
        self.deleted.discard(key)
        super().__setitem__(key, value)
