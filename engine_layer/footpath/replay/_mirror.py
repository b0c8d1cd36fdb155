"""State as a journal tells it: the same reads, staged writes and commits as the run's, over recorded forms."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw, Struct
from msgspec.json import Decoder, encode

from footpath.replay._grown import Grown
from footpath.values import ABSENT_RAW, MARK, TAG, index_in, plain, put_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from footpath.replay._declared import Declared

_shallow = Decoder(dict[str, Raw]).decode
_shallow_list = Decoder(list[Raw]).decode
_decode = Decoder().decode


LOG_MARK = "REDACTED"
"""The commit log's own mark for a hidden value; everywhere else it is `footpath.values.MARK`."""

SEPARATOR = "\u001f"
"""What stands between the members of a path in the commit log."""

_MARK_BYTES = MARK.encode()


def log_marks(value: Any) -> Any:
    """A plain JSON value with the log's mark in place of the events' one; changes the value it is given."""
    if value == MARK:
        return LOG_MARK
    stack: list[Any] = [value]
    while stack:
        node = stack.pop()
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, member in list(items):
            if isinstance(member, str):
                if member == MARK:
                    node[key] = LOG_MARK
            elif isinstance(member, (dict, list)):
                stack.append(member)
    return value


def log_marked(recorded: Any) -> Any:
    """A recorded value with the log's mark in place of the events' one."""
    if type(recorded) is not Raw:
        return LOG_MARK if recorded == MARK else recorded
    if _MARK_BYTES not in memoryview(recorded).tobytes():
        return recorded
    return Raw(encode(log_marks(plain(recorded))))


def recorded(value: Any) -> Any:
    """An entry's value as a recorded form: a decoded container is encoded again, the rest is recorded already."""
    kind = type(value)
    if kind is dict or kind is list or kind is tuple:
        return Raw(encode(value))
    return value


class MirrorRegion:
    """The state of one (sub)flow.

    A value is a scalar, a `Raw`, a `Grown` list, `UNSET` where a key was deleted, or a dict where something was written below the
    key: then its members are values likewise. Such dicts are replaced, never changed, so a frame may hold on to an old one.

    Attributes:
        commits: how often its stages have committed.
        masked: parallel child and key of what the log hides, and the state with it, though whoever reads it is shown the value.
        history: the bundles of the commits; kept by views.
        nested: which of them, by index, may hold more than scalars.
        results: of the subflows in it, by id and by the mount's runtime id; kept by views.
        tree: the first node; kept by views.
    """

    __slots__ = ("commits", "first", "history", "id", "initial", "masked", "nested", "results", "tree", "values")

    def __init__(self, region_id: str) -> None:
        self.id = region_id
        self.values: dict[str, Any] = {}
        self.commits = 0
        self.masked: set[tuple[str, str]] = set()
        self.history: list[dict[str, Any]] = []
        self.nested: list[int] = []
        self.results: dict[str, Any] = {}
        self.tree: dict[str, Any] | None = None
        self.initial: dict[str, Any] = {}
        self.first: Declared | None = None

    def get(self, path: tuple[str, ...]) -> Any:
        """The committed value at a path, UNSET when there is none."""
        value: Any = self.values
        for step in path:
            value = _opened_container(value)
            if type(value) is list:
                index = index_in(step, len(value))
                value = value[index] if 0 <= index < len(value) else UNSET
            else:
                value = value.get(step, UNSET) if type(value) is dict else UNSET
        return normal(value)

    def put(self, path: tuple[str, ...], value: Any) -> None:
        """Commit a value at a path; as the run's state, a list takes items by index."""
        if self.masked:
            own = path[1:3] if path[0] == "runs" else ()  # what a parallel child wrote
            self.masked.discard(own if len(own) == 2 else ("", path[0]))
        if len(path) == 1:
            self.values[path[0]] = value
            return
        holder = self.values
        for at, step in enumerate(path[:-1], 1):
            inner = _opened_container(holder.get(step, UNSET))
            if type(inner) is list:
                if at == len(path) - 1:
                    put_item(inner, path[at], value, ABSENT_RAW)
                    holder[step] = Raw(encode(inner))
                return
            copy = dict(inner) if type(inner) is dict else {}
            holder[step] = copy
            holder = copy
        holder[path[-1]] = value

    def mask(self, branch: str, written: Mapping[str, Any], hidden: Mapping[str, bool]) -> None:
        """After a commit: what of it the log hides. A key may have been hidden first, and then deleted and written openly."""
        for key, value in written.items():
            if key in hidden and value != MARK and value is not UNSET:
                self.masked.add((branch, key))
            else:
                self.masked.discard((branch, key))

    def recorded_state(self, *, masked: bool = True) -> dict[str, Any]:
        """Top-level keys that have a value, in their recorded form, without what is hidden; or as whoever reads them is shown them."""
        values = self.values
        if self.masked and masked:
            values = dict(values)
            runs = values.get("runs")
            for branch, key in self.masked:
                if not branch:
                    values[key] = MARK
                elif type(runs) is dict and type(runs.get(branch)) is dict:
                    values["runs"] = runs = {**runs, branch: {**runs[branch], key: MARK}}
        return {key: packed(value) for key, value in values.items() if value is not UNSET}


_OBJECT = ord("{")
_LIST = ord("[")
_CONTAINERS = frozenset(b"{[")


def first_byte(value: Raw) -> int:
    """What an encoded value begins with; recorded forms have no leading space."""
    return memoryview(value)[0]


_TAGGED = b'{"%b":' % TAG.encode()
"""How a tagged form begins; its tag is its first member."""


def is_tagged(value: Raw) -> bool:
    """Whether an encoded value is a tagged form: an object to JSON, and to nobody else."""
    return bytes(memoryview(value)[: len(_TAGGED)]) == _TAGGED


def opened(value: Raw) -> Any:
    """An encoded object as a dict of encoded members; anything else as it is."""
    return _shallow(value) if first_byte(value) == _OBJECT else value


def _opened_container(value: Any) -> Any:
    """An object or a list that stands encoded as its encoded members or items; a tagged form, say, as it is."""
    if type(value) is Grown:
        value = value.packed()
    if type(value) is not Raw:
        return value
    if first_byte(value) == _LIST:
        return _shallow_list(value)
    return value if is_tagged(value) else opened(value)


def normal(value: Any) -> Any:
    """A scalar that stands encoded becomes itself, an opened object is packed."""
    if type(value) is Raw:
        return value if first_byte(value) in _CONTAINERS else _decode(value)
    return packed(value)


def packed(value: Any) -> Any:
    """An opened object or a grown list as one Raw; other values as they are."""
    if type(value) is dict:
        return Raw(encode(_present(value)))
    return value.packed() if type(value) is Grown else value


def _present(value: dict[str, Any]) -> dict[str, Any]:
    # Two levels at most are ever opened by the engine (runs, child, key), so this does not recurse over user data.
    return {
        key: _present(member) if type(member) is dict else member.packed() if type(member) is Grown else member
        for key, member in value.items()
        if member is not UNSET
    }


class MirrorFrame(Struct, eq=False):
    """One execution of one node.

    A struct because thousands are made in a replay, and its defaults are filled in by C.

    Attributes:
        ops: writes since the last commit, `(key, verb, value, keys read before)` or, of a plain one, `(key, value)`; kept for views only.
        steps: what there is to tell of it, as a story put it into words; kept for a story only.
        writes: key to `(value, operation)`, of the whole execution; kept for commit events only.
        wrote: key to value, of the whole execution; kept for views only.
        reads: key to value, of the attempt; kept for views only.
        earlier: what earlier attempts read.
        hidden: keys of which something was hidden since the last commit, in that order.
        whole: keys with a patch that JSON cannot follow; the log shows what came of it, too. With all patches of the stage as
            one, where there are several.
        grew: of lists that only grew, where that can't be seen, how many items they had.
        scalars: whether all that the execution wrote are scalars, written plainly: whole, by key, with nothing hidden.
        saw_scalars: whether all that it read are scalars, nothing absent among them.
        inner_id: of a mount, the id of its subflow.
        under: whether its parent is the mount that it is the first stage of.
        rationale: what the stage noted as the reason of its decision.
        bag_time: when it last moved, in milliseconds since the epoch.
    """

    number: int
    decl: Declared
    region: MirrorRegion
    branch: str
    parent: MirrorFrame | None
    rsid: str
    base: dict[str, Any]
    timestamp: float = 0.0
    bag_time: float = 0.0
    staged: dict[str, Any] = {}
    ops: list[Any] = []
    steps: list[Any] = []
    writes: dict[str, tuple[Any, str]] | None = None
    wrote: dict[str, Any] = {}
    reads: dict[str, Any] = {}
    earlier: dict[str, Any] | None = None
    redacted: dict[str, bool] | None = None
    hidden: dict[str, None] | None = None
    fields: dict[str, dict[str, None]] | None = None
    whole: dict[str, Any] | None = None
    grew: dict[str, int] | None = None
    sources: list[str] | None = None
    scalars: bool = True
    saw_scalars: bool = True
    tagged: bool = False
    context: Any = None
    depth: int = 0
    loop_iteration: Any = UNSET
    has_scope: bool = True
    under: bool = False
    decided: bool = False
    rationale: Any = UNSET
    node: dict[str, Any] | None = None
    path: tuple[str, ...] = ()
    inner_id: str = ""

    @property
    def place(self) -> tuple[str, str, Any]:
        """Stage id, runtime stage id and subflow id, as a story names a place; UNSET at the top."""
        return self.decl.id, self.rsid, self.subflow

    @property
    def subflow(self) -> Any:
        """Id of the subflow that it belongs to, of a mount its own; UNSET at the top."""
        return self.region.id or UNSET if self.has_scope else self.inner_id

    def all_reads(self) -> dict[str, Any]:
        """What the execution read, in all its attempts."""
        return {**self.earlier, **self.reads} if self.earlier else self.reads

    def lookup(self, key: str) -> Any:
        """The value as the stage would read it, a grown list as such; UNSET when absent."""
        staged = self.staged.get(key, UNSET)
        if staged is not UNSET:
            return staged
        if self.branch:
            value = self.own(key)
            if value is not UNSET:
                return value
            value = self.region.values.get(key, UNSET)  # what lies outside of it is seen as it is now
        else:
            value = self.base.get(key, UNSET)
        return packed(value) if type(value) is dict else value

    def own(self, key: str) -> Any:
        """The committed value that a patch is laid over: in a parallel child its own, never one from before the fork."""
        if not self.branch:
            return packed(self.base.get(key, UNSET))
        runs = self.base.get("runs")
        if type(runs) is Raw:
            runs = opened(runs)
        own = runs.get(self.branch) if type(runs) is dict else None
        if type(own) is Raw:
            own = opened(own)
        return normal(own.get(key, UNSET)) if type(own) is dict else UNSET
