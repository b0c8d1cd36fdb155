"""State as a journal tells it: the same reads, staged writes and commits as the run's, over recorded forms."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw
from msgspec.json import Decoder, encode

_shallow = Decoder(dict[str, Raw]).decode
_decode = Decoder().decode
_list_of_raw = Decoder(list[Raw]).decode


class Declared:
    """A node as the journal declares it."""

    __slots__ = ("description", "id", "name", "tags")

    def __init__(self, node_id: str, name: str, description: str | None, tags: list[str] | None) -> None:
        self.id = node_id
        self.name = name
        self.description = UNSET if description is None else description
        self.tags = tags


class MirrorRegion:
    """The state of one (sub)flow.

    A value is a scalar, a `Raw`, `UNSET` where a key was deleted, or a dict where something was written below the key: then
    its members are values likewise. Such dicts are replaced, never changed, so a frame may hold on to an old one.
    """

    __slots__ = ("first", "history", "id", "initial", "mount", "path", "tree", "values")

    def __init__(self, region_id: str, path: tuple[str, ...]) -> None:
        self.id = region_id
        self.path = path
        self.values: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.tree: dict[str, Any] | None = None
        self.initial: dict[str, Any] = {}
        self.mount: MirrorFrame | None = None
        self.first: Declared | None = None

    def get(self, path: tuple[str, ...]) -> Any:
        """The committed value at a path, UNSET when there is none."""
        value: Any = self.values
        for step in path:
            if type(value) is Raw:
                value = opened(value)
            value = value.get(step, UNSET) if type(value) is dict else UNSET
        return normal(value)

    def put(self, path: tuple[str, ...], value: Any) -> None:
        """Commit a value at a path."""
        if len(path) == 1:
            self.values[path[0]] = value
            return
        holder = self.values
        for step in path[:-1]:
            inner = holder.get(step, UNSET)
            if type(inner) is Raw:
                inner = opened(inner)
            copy = dict(inner) if type(inner) is dict else {}
            holder[step] = copy
            holder = copy
        holder[path[-1]] = value

    def recorded_state(self) -> dict[str, Any]:
        """Top-level keys that have a value, in their recorded form."""
        return {key: packed(value) for key, value in self.values.items() if value is not UNSET}


_OBJECT = ord("{")
_CONTAINERS = frozenset(b"{[")


def first_byte(value: Raw) -> int:
    """What an encoded value begins with; recorded forms have no leading space."""
    return memoryview(value)[0]


def opened(value: Raw) -> Any:
    """An encoded object as a dict of encoded members; anything else as it is."""
    return _shallow(value) if first_byte(value) == _OBJECT else value


def normal(value: Any) -> Any:
    """A scalar that stands encoded becomes itself, an opened object is packed."""
    if type(value) is Raw:
        return value if first_byte(value) in _CONTAINERS else _decode(value)
    return packed(value)


def packed(value: Any) -> Any:
    """An opened object as one Raw; other values as they are."""
    if type(value) is not dict:
        return value
    return Raw(encode(_present(value)))


def _present(value: dict[str, Any]) -> dict[str, Any]:
    # Two levels at most are ever opened by the engine (runs, child, key), so this does not recurse over user data.
    return {
        key: _present(member) if type(member) is dict else member for key, member in value.items() if member is not UNSET
    }


def extended(value: Any, items: Any) -> Any:
    """A recorded list with recorded items at its end, joined as text: no item is decoded."""
    tail = bytes(encode(items))
    if type(value) is not Raw:
        value = packed(value)
    if type(value) is not Raw:
        return Raw(tail)
    head = bytes(value)
    if head == b"[]":
        return Raw(tail)
    if tail == b"[]":
        return value
    return Raw(head[:-1] + b"," + tail[1:])


class MirrorFrame:
    """One execution of one node."""

    __slots__ = (
        "base",
        "bag_time",
        "branch",
        "context",
        "decided",
        "decl",
        "depth",
        "has_scope",
        "loop_iteration",
        "node",
        "number",
        "ops",
        "parent",
        "path",
        "reads",
        "fields",
        "redacted",
        "region",
        "rsid",
        "sources",
        "staged",
        "tagged",
        "timestamp",
        "under",
        "writes",
    )

    def __init__(self, number: int, decl: Declared, region: MirrorRegion, branch: str, parent: MirrorFrame | None) -> None:
        self.number = number
        self.decl = decl
        self.region = region
        self.branch = branch
        self.parent = parent
        self.rsid = f"{decl.id}#{number}"
        self.base = region.values
        self.staged: dict[str, Any] = {}
        self.ops: list[tuple[str, str, Any, Any]] = []
        self.writes: dict[str, tuple[Any, str]] = {}
        self.reads: dict[str, Any] = {}
        self.redacted: dict[str, None] | None = None
        self.fields: dict[str, dict[str, None]] | None = None
        self.sources: list[str] | None = None
        self.tagged = False
        self.timestamp = 0.0
        self.bag_time = 0.0
        self.context: Any = None
        self.depth = 0
        self.loop_iteration: Any = UNSET
        self.has_scope = True
        self.under = False
        self.decided = False
        self.node: dict[str, Any] | None = None
        self.path: tuple[str, ...] = ()

    def lookup(self, key: str) -> Any:
        """The value as the stage would read it; UNSET when absent."""
        if key in self.staged:
            staged = self.staged[key]
            if staged is not UNSET:
                return staged
        base = self.base
        if self.branch:
            runs = base.get("runs")
            if type(runs) is Raw:
                runs = opened(runs)
            if type(runs) is dict:
                own = runs.get(self.branch)
                if type(own) is Raw:
                    own = opened(own)
                if type(own) is dict:
                    value = own.get(key, UNSET)
                    if value is not UNSET:
                        return normal(value)
        value = base.get(key, UNSET)
        return packed(value) if type(value) is dict else value
