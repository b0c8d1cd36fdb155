"""The histories in a snapshot: the run's own, and one for each subflow execution."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from footpath.query._history import KeyHistory
from footpath.query._ids import parse_runtime_stage_id
from footpath.query._log import PATH_SEPARATOR, Bundle, CommitIndex
from footpath.query._patch import Patcher, copied, recorded_at, segments_of
from footpath.query._reads import tree_nodes
from footpath.query._subflows import subflow_histories
from footpath.values import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LOG_MASK = "REDACTED"
FORK_KEY = "runs"
"""State key under which a fork's children write, each below its own id."""


class Scope:
    """One history: a commit log with the execution tree and the state it began with."""

    def __init__(
        self,
        log: Sequence[Bundle],
        tree: Mapping[str, Any] | None,
        initial: object,
        mount: str | None = None,
    ) -> None:
        self.index = CommitIndex(log)
        self.initial = cast("dict[str, Any]", initial) if isinstance(initial, dict) else dict[str, Any]()
        self.mount = mount
        self.parent: Scope | None = None
        self.nodes: dict[str, Mapping[str, Any]] = {}
        self.tree_parents: dict[str, str] = {}
        for node in tree_nodes(tree):
            step = node.get("runtimeStageId")
            if step:
                self.nodes.setdefault(step, node)
                for child in node.get("children") or ():
                    if child.get("runtimeStageId"):
                        self.tree_parents.setdefault(child["runtimeStageId"], step)
        self._histories: dict[str, KeyHistory] = {}
        self._below: dict[str, list[str]] = {}
        for path in self.index.paths():
            root, mark, _ = path.partition(PATH_SEPARATOR)
            if mark:
                self._below.setdefault(root, []).append(path)

    def steps(self) -> Iterator[str]:
        """Every stage execution known here."""
        yield from self.nodes
        for bundle in self.index.log:
            yield bundle.get("runtimeStageId", "")

    def first_commit(self, step: str) -> int | None:
        """Position of a stage execution's own commit; later ones are mappings written through it."""
        commits = self.index.steps(step)
        return commits[0] if commits else None

    def roots(self, before: int) -> list[str]:
        """State keys that have a value before a position, whole or in parts."""
        written = (path.partition(PATH_SEPARATOR)[0] for path in self.index.paths())
        return [
            key for key in dict.fromkeys([*self.initial, *written]) if key in self.initial or self.writers(key, before)
        ]

    def writers(self, key: str, before: int) -> list[tuple[int, str]]:
        """The commits that made `key` what it was before a position: its last whole write, then later ones below it."""
        last = self.index.last_writer(key, before)
        found = [] if last is None else [(last, key)]
        below = self._below.get(key.partition(PATH_SEPARATOR)[0], ())
        prefix = key + PATH_SEPARATOR
        parts = ((self.index.last_writer(path, before), path) for path in below if path.startswith(prefix))
        later = [(at, path) for at, path in parts if at is not None and (last is None or at > last)]
        return found + sorted(later, key=itemgetter(0))

    def value_before(self, key: str, before: int) -> Any:
        """What `key` was before a position, as recorded (masks included); `ABSENT` where there was nothing."""
        segments = segments_of(key)
        value = self._history(key).before(before)
        last = self.index.last_writer(key, before)
        parts = [(at, path) for at, path in self.writers(key, before) if at != last or path != key]
        if not parts:
            return value
        fold = Patcher()
        whole = fold.own({"": value} if value is not ABSENT else {})
        for _, path in parts:
            part = self._history(path).before(before)
            fold.put(whole, ["", *segments_of(path)[len(segments) :]], part, making_room=part is not ABSENT)
        return copied(whole.get("", ABSENT))

    def _history(self, key: str) -> KeyHistory:
        history = self._histories.get(key)
        if history is None:
            base = recorded_at(self.initial, segments_of(key))
            history = self._histories[key] = KeyHistory(self.index, key, base)
        return history

    def is_mount(self, step: str) -> bool:
        """Whether a stage execution is a subflow's mount."""
        return bool(self.nodes.get(step, {}).get("subflowId"))

    def author(self, position: int) -> str:
        """Whose write a commit holds: a parallel or chosen subflow maps its output through the stage it hangs on."""
        step: str = self.index.log[position].get("runtimeStageId", "")
        if position + 1 < len(self.index) and position != self.first_commit(step):
            following: str = self.index.log[position + 1].get("runtimeStageId", "")
            if self.is_mount(following) and self.tree_parents.get(following) == step:
                return following
        return step

    def step_at(self, position: int) -> str:
        """The stage execution of a commit; empty for a subflow's seed."""
        return self.index.log[position].get("runtimeStageId", "")

    def name_of(self, step: str) -> str:
        """What a stage execution is called: as its first commit says, else the tree, else its id."""
        at = self.first_commit(step)
        named = None if at is None else self.index.log[at].get("stage")
        return named or self.nodes.get(step, {}).get("name") or step.rpartition("#")[0]

    def seeded(self) -> int:
        """How many commits filled this state before its first stage."""
        log = self.index.log
        return next((at for at, bundle in enumerate(log) if bundle.get("runtimeStageId")), len(log))

    def hides(self, position: int, path: str) -> bool:
        """Whether a commit masked the whole value at a path."""
        hidden = self.index.log[position].get("redactedPaths") or ()
        return any(path == masked or path.startswith(masked + PATH_SEPARATOR) for masked in hidden)

    def item_mounts(self, step: str) -> list[str]:
        """The branches of a for-each execution, in item order; none for other stages."""
        prefix = parse_runtime_stage_id(step).stage_id + "~"
        children = self.nodes.get(step, {}).get("children") or ()
        found = [
            child["runtimeStageId"] for child in children if child.get("subflowId") and child.get("runtimeStageId")
        ]
        return [child for child in found if parse_runtime_stage_id(child).stage_id.startswith(prefix)]

    def start_of(self, mount: str) -> int | None:
        """How many commits of this history surely came before a mount began."""
        parent = self.tree_parents.get(mount)
        own = self.first_commit(mount)
        above = None if parent is None else self.first_commit(parent)
        return own if above is None else above + 1


def masked(members: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """A copy of an object with every member of these names masked, at any depth."""
    twin: dict[str, Any] = copied(members)
    work: list[Any] = [twin]
    while work:
        holder = work.pop()
        if isinstance(holder, dict):
            inner = cast("dict[str, Any]", holder)
            for name in inner.keys() & names:
                inner[name] = LOG_MASK
            work.extend(inner.values())
        elif isinstance(holder, list):
            work.extend(cast("list[Any]", holder))
    return twin


class Scopes:
    """All histories of a snapshot, and where each stage execution belongs."""

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        self.root = Scope(snapshot.get("commitLog") or [], snapshot.get("executionTree"), snapshot.get("initialState"))
        self._inner: dict[str, Scope] = {}
        self._homes: dict[str, Scope] = {}
        self._adopt(self.root)
        for mount, inside in subflow_histories(snapshot):
            scope = Scope(inside.get("history") or [], inside.get("stageContexts"), inside.get("initialState"), mount)
            self._inner[mount] = scope
            self._adopt(scope)
        self.redacted_names = frozenset(self._redacted_names())
        """Last parts of all paths that some commit masked; initial state is kept unmasked, so it is masked by these."""
        if self.redacted_names:
            for scope in (self.root, *self._inner.values()):
                scope.initial = masked(scope.initial, self.redacted_names)
        for mount, scope in self._inner.items():
            scope.parent = self._homes.get(mount)

    def _adopt(self, scope: Scope) -> None:
        for step in scope.steps():
            if step:
                self._homes.setdefault(step, scope)

    def _redacted_names(self) -> Iterator[str]:
        for scope in (self.root, *self._inner.values()):
            for bundle in scope.index.log:
                for path in bundle.get("redactedPaths") or ():
                    yield path.replace(".", PATH_SEPARATOR).rpartition(PATH_SEPARATOR)[2]

    def home(self, step: str) -> Scope | None:
        """The history that a stage execution belongs to."""
        return self._homes.get(step)

    def inner(self) -> list[Scope]:
        """The histories of all subflow executions, in the snapshot's order."""
        return list(self._inner.values())

    def inside(self, mount: str) -> Scope | None:
        """The history of a subflow execution; None where the snapshot does not hold it."""
        return self._inner.get(mount)
