"""State as a journal tells it: the same reads, staged writes and commits as the run's, over recorded forms."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw, Struct
from msgspec.json import Decoder, encode

from footpath.replay._grown import Grown
from footpath.values import ABSENT_FORM, ABSENT_RAW, MARK, TAG, hide_fields, index_in, plain, put_item, ways_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from footpath.replay._declared import Declared

_shallow = Decoder(dict[str, Raw]).decode
_shallow_list = Decoder(list[Raw]).decode
_decode = Decoder().decode


LOG_MARK = "REDACTED"
"""The commit log's own mark for a hidden value; everywhere else it is `footpath.values.MARK`."""

SEPARATOR = "\u001f"
"""What stands between the members of a path in the commit log."""

Way = tuple[str, ...]
"""The steps from a value down to a part of it; none is the value itself."""

Around = tuple[tuple[str, str], Any]
"""A parallel child and a key, and what the state shows of it."""

RUNS = "runs"
"""The key that parallel children write below, each below its id."""


def log_marked(recorded: Any, marks: Mapping[Way, Any]) -> Any:
    """A recorded value as the log shows it: with a mark wherever one of these ways leads, or nothing where nothing was hidden."""
    if () in marks:
        return marks[()]
    value = plain(packed(recorded))
    any_found = False
    for mark in (LOG_MARK, ABSENT_FORM):
        value, found = hide_fields(value, [way for way, each in marks.items() if each == mark], mark)
        any_found = any_found or bool(found)
    return Raw(encode(value)) if any_found else recorded


def marks_of(fields: Iterable[Any], value: Any) -> dict[Way, Any]:
    """What the log shows of hidden fields of a recorded value, by the ways to them; for what `fields` are see `footpath.journal.entries.SET`."""
    fields = list(fields)
    marks: dict[Way, Any] = {way: LOG_MARK for path in fields if type(path) is str for way in ways_of(path)}
    for way in fields:
        if type(way) is str:
            continue
        if way[0] is not None:
            marks[tuple(way)] = ABSENT_FORM
        elif is_text(value):  # of which nothing is left but the way
            shown: Any = LOG_MARK
            for step in reversed(way[1:]):
                shown = {step: shown}
            return {(): Raw(encode(shown))}
    return marks


def grown_ways(ways: Iterable[Way], count: int) -> list[Way]:
    """Ways into what a list has gained, as ways into the whole, of which `count` items were there before."""
    return [(str(int(way[0]) + count), *way[1:]) for way in ways if way and way[0].isdecimal()]


def items_after(value: Any, count: int) -> Any:
    """The items of a recorded list behind the first so many, as a recorded list; of what is hidden, its mark."""
    items = plain(packed(value))
    return Raw(encode(items[count:])) if isinstance(items, list) else value


def marks_in(value: Any) -> list[Way]:
    """Ways to all marks in a recorded value: to what is hidden in it, where nobody said so.

    Traces say so by now. In older ones that hide anything, a mark is what was hidden.
    """
    found: list[Way] = []
    stack: list[tuple[Way, Any]] = [((), plain(packed(value)))]
    while stack:
        way, node = stack.pop()
        if node == MARK:
            found.append(way)
            continue
        named = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        stack += reversed([((*way, str(name)), member) for name, member in named])
    return found


def recorded(value: Any) -> Any:
    """An entry's value as a recorded form: a decoded container is encoded again, the rest is recorded already."""
    kind = type(value)
    if kind is dict or kind is list or kind is tuple:
        return Raw(encode(value))
    return value


class MirrorRegion:
    """The state of one (sub)flow.

    A value is a scalar, a `Raw`, a `Grown` list, `UNSET` where a key was deleted, or a dict where something was written
    below the key: then its members are values likewise. Such dicts are replaced, never changed, so a frame may hold on
    to an old one.

    Attributes:
        commits: how often its stages have committed.
        masked: what the log hides, and the state with it: what it shows at ways into the value, by parallel child and
            key.
        shown: what the state shows, where it is not the value with such marks: of a list that has gained items in a log
            of deltas.
        hung: lists by parallel child and key on which a write by another name than an index would hang something in
            JavaScript: as in the reference, a log of deltas shows them whole, also where they have only grown.
        history: the bundles of the commits; kept by views.
        nested: which of them, by index, may hold more than scalars.
        registered: specs of the charts that its stages and those around it had returned to be run, in recorded form, by
            id. Never changed, but replaced: what is returned later is not known to the subflows entered before.
        results: of the subflows in it, by id and by the mount's runtime id; kept by views.
        tree: the first node; kept by views.
    """

    __slots__ = (
        "commits",
        "first",
        "history",
        "hung",
        "id",
        "initial",
        "masked",
        "nested",
        "registered",
        "results",
        "shown",
        "tree",
        "values",
    )

    def __init__(self, region_id: str) -> None:
        self.id = region_id
        self.values: dict[str, Any] = {}
        self.commits = 0
        self.masked: dict[tuple[str, str], dict[Way, Any]] = {}
        self.shown: dict[tuple[str, str], Any] = {}
        self.hung: set[tuple[str, str]] = set()
        self.history: list[dict[str, Any]] = []
        self.nested: list[int] = []
        self.registered: dict[str, Any] = {}
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
        if self.masked or self.shown:
            self.unmask(path)
        if self.hung and not _owner(path)[1]:
            self.hung.discard(_owner(path)[0])  # it is another list, if it is one
        if len(path) == 1:
            self.values[path[0]] = value
            return
        holder = self.values
        for at, step in enumerate(path[:-1], 1):
            inner = _opened_container(holder.get(step, UNSET))
            if type(inner) is list:
                if at == len(path) - 1 and index_in(path[at], len(inner)) >= 0:
                    put_item(inner, path[at], value, ABSENT_RAW)
                    holder[step] = Raw(encode(inner))
                elif not _owner(path[:at])[1]:
                    self.hung.add(_owner(path[:at])[0])
                return
            copy = dict(inner) if type(inner) is dict else {}
            holder[step] = copy
            holder = copy
        holder[path[-1]] = value

    def mask(self, path: Iterable[str]) -> None:
        """Hide what stands at a path."""
        owner, way = _owner(tuple(path))
        self.masked[owner] = {**self.masked.get(owner, {}), way: LOG_MARK}

    def hidden_below(self, key: str) -> list[Way]:
        """The ways to what is hidden in the value of a key."""
        ways = list(self.masked.get(("", key), ()))
        if key == RUNS:
            ways += [(*owner, *way) for owner, each in self.masked.items() if owner[0] for way in each]
        return ways

    def hides(self, path: tuple[str, ...]) -> bool:
        """Whether what stands at a path is hidden as a whole."""
        owner, way = _owner(path)
        return any(each == way[: len(each)] for each in self.masked.get(owner, ()))

    def is_hung(self, path: tuple[str, ...]) -> bool:
        """Whether what stands at a path is one of the lists that are shown whole."""
        owner, way = _owner(path)
        return not way and owner in self.hung

    def unmask(self, path: tuple[str, ...]) -> None:
        """Something is written at a path: what was hidden there, or around it, is gone."""
        masked = self.masked
        top, below = path[0], path[1:]
        if top == RUNS and not below[1:]:
            for key in [key for key in masked if key[0] and below in ((), key[:1])]:
                del masked[key]
        for owner, way in {_owner(path), (("", top), below)}:
            self.shown.pop(owner, None)
            marks = masked.pop(owner, {})
            left = {each: marks[each] for each in marks if each[: len(way)] != way and way[: len(each)] != each}
            if left:
                masked[owner] = left

    def shown_around(self, path: tuple[str, ...]) -> Around | None:
        """What the state shows of the key that a path leads below, where that is not its value with marks in it."""
        if not self.masked and not self.shown:
            return None
        for owner, way in ((("", path[0]), path[1:]), _owner(path)):
            if way and (owner in self.shown or type(self.masked.get(owner, {}).get(())) is Raw):
                return owner, self.in_state(owner)
        return None

    def show_in(self, around: Around, path: tuple[str, ...], value: Any) -> Around:
        """Something was written at a path: the state shows it within what it has shown around it; gives what it shows now."""
        owner, before = around
        inner, below = _owner(path)
        if not below and inner in self.shown:
            value = self.shown.pop(inner)
        elif value is not UNSET and value != ABSENT_RAW:
            known = self.masked.get(inner, {})
            marks = {each[len(below) :]: mark for each, mark in known.items() if each[: len(below)] == below}
            value = log_marked(value, marks)
        shown = MirrorRegion("")
        shown.values[owner[1]] = before
        shown.put((owner[1], *path[3 if owner[0] else 1 :]), UNSET if value == ABSENT_RAW else value)
        self.shown[owner] = packed(shown.values[owner[1]])
        return owner, self.shown[owner]

    def in_state(self, owner: tuple[str, str]) -> Any:
        """What the state shows of a key; UNSET where there is nothing."""
        branch, key = owner
        if key != RUNS and not branch:
            if owner in self.shown:
                return packed(self.shown[owner])
            value = self.values.get(key, UNSET)
            return (
                packed(value) if value is UNSET or owner not in self.masked else log_marked(value, self.masked[owner])
            )
        shown = MirrorRegion("")
        shown.values = self._marked({RUNS: self.values.get(RUNS, UNSET)}, LOG_MARK)
        return shown.get((RUNS, branch, key) if branch else (key,))

    def recorded_state(self, mark: str | None = MARK) -> dict[str, Any]:
        """Top-level keys that have a value, in their recorded form, with a mark for what is hidden; without, as whoever reads them is shown them."""
        values = self.values
        if mark is not None and (self.masked or self.shown):
            values = self._marked(dict(values), mark)
        return {key: packed(value) for key, value in values.items() if value is not UNSET}

    def _marked(self, values: dict[str, Any], mark: str) -> dict[str, Any]:
        """Some of the keys' values, with a mark for what is hidden; in place."""
        top = ("", RUNS)
        owners = {**self.masked, **self.shown}
        if top in owners:
            owners = {top: None, **owners}  # what parallel children wrote stands in it
        runs = _Copies(values, RUNS)
        for owner in owners:
            marks = self.masked.get(owner, {})
            if mark is MARK and () not in marks:
                continue  # it stands there already
            branch, key = owner
            if branch and top in self.shown and mark is not MARK:
                continue  # likewise
            holder = runs.below(branch) if branch else values
            held = holder.get(key, UNSET)
            if held is UNSET:
                continue
            if mark is MARK:
                holder[key] = MARK
            else:
                holder[key] = self.shown[owner] if owner in self.shown else log_marked(held, marks)
        return values


class _Copies:
    """The objects below a key, each copied into its place when it is asked for."""

    def __init__(self, values: dict[str, Any], key: str) -> None:
        self._values = values
        self._key = key
        self._members: dict[str, Any] | None = None
        self._below: dict[str, dict[str, Any]] = {}

    def below(self, name: str) -> dict[str, Any]:
        known = self._below.get(name)
        if known is None:
            if self._members is None:
                self._members = _copied(self._values, self._key)
            known = self._below[name] = _copied(self._members, name)
        return known


def _copied(holder: dict[str, Any], name: str) -> dict[str, Any]:
    """A member that is an object, as a copy that stands in its place; of anything else, nothing."""
    inner = _opened_container(holder.get(name, UNSET))
    if type(inner) is not dict:
        return {}
    holder[name] = inner = dict(inner)
    return inner


def _owner(path: tuple[str, ...]) -> tuple[tuple[str, str], Way]:
    """The parallel child and the key that a path leads to, and what is left of it below them."""
    top, below = path[0], path[1:]
    if top == RUNS and below[1:]:
        return (below[0], below[1]), below[2:]
    return ("", top), below


_OBJECT = ord("{")
_LIST = ord("[")
_QUOTE = ord('"')
_CONTAINERS = frozenset(b"{[")


def first_byte(value: Raw) -> int:
    """What an encoded value begins with; recorded forms have no leading space."""
    return memoryview(value)[0]


_TAGGED = b'{"%b":' % TAG.encode()
"""How a tagged form begins; its tag is its first member."""


def is_text(value: Any) -> bool:
    """Whether a recorded value is a text, encoded or not."""
    return type(value) is str or (type(value) is Raw and first_byte(value) == _QUOTE)


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
        ops: writes since the last commit, `(key, verb, value, keys read before)` or, of a plain one, `(key, value)`;
            kept for views only.
        steps: what there is to tell of it, as a story put it into words; kept for a story only.
        writes: key to `(value, operation)`, of the whole execution; kept for commit events only.
        wrote: key to value, of the whole execution; kept for views only.
        reads: key to value, of the attempt; kept for views only.
        hidden: keys that were hidden since the last commit, each with "whole" or "fields", in that order.
        patched: of patched keys in which something is hidden, what was staged and what the state will show.
        secret_writes: of what it wrote, the keys that were hidden; `secret_reads` likewise.
        nothing: ways to hidden fields that are absent, by key; behind a None the way into a text.
        whole: keys with a patch that JSON cannot follow; the log shows what came of it, too. With all patches of the
            stage as one, where there are several.
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
    redacted: dict[str, bool] | None = None
    hidden: dict[tuple[str, str], None] | None = None
    fields: dict[str, dict[str, None]] | None = None
    patched: dict[str, tuple[Any, Any]] = {}
    secret_writes: frozenset[str] = frozenset()
    secret_reads: frozenset[str] = frozenset()
    whole: dict[str, Any] | None = None
    nothing: dict[str, list[tuple[str | None, ...]]] | None = None
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
        runs = self.base.get(RUNS)
        if type(runs) is Raw:
            runs = opened(runs)
        own = runs.get(self.branch) if type(runs) is dict else None
        if type(own) is Raw:
            own = opened(own)
        return normal(own.get(key, UNSET)) if type(own) is dict else UNSET
