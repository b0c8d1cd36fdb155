"""The commit log, indexed once.

Everywhere in this room a commit is named by its position in the log (which a whole log repeats in each bundle's `idx`),
and a key is a trace path: a state key, or keys joined by U+001F where a write went below one (`runs␟left␟total`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, cast

from footpath.errors import TraceDecodeError

PATH_SEPARATOR = "\x1f"

Bundle = Mapping[str, Any]
"""One commit, as the snapshot's `commitLog` holds it."""


class CommitIndex:
    """A commit log with its writers and stages looked up once; every function of this room takes it in place of the log.

    Built in one pass; a lookup is a dictionary access and a bisection. It keeps a reference to the log and expects
    that nobody changes it meanwhile.

    Raises:
        TraceDecodeError: the log is malformed; a snapshot may come from anywhere.

    Example:
        >>> index = CommitIndex(snapshot["commitLog"])  # goes wherever a log goes
        >>> find_last_writer(index, "risk")["stage"], commit_value_at(index, None, "risk")
        ('Assess', 'low')
    """

    __slots__ = ("_by_stage", "_by_step", "_writers", "log")

    def __init__(self, commit_log: Sequence[Bundle]) -> None:
        self.log = commit_log
        self._writers: dict[str, list[int]] = {}
        self._by_step: dict[str, list[int]] = {}
        self._by_stage: dict[str, list[int]] = {}
        for position, bundle in enumerate(commit_log):
            _check(bundle, position)
            self._by_step.setdefault(bundle.get("runtimeStageId", ""), []).append(position)
            self._by_stage.setdefault(bundle.get("stageId", ""), []).append(position)
            for row in rows_of(bundle):
                positions = self._writers.setdefault(row["path"], [])
                if not positions or positions[-1] != position:
                    positions.append(position)

    def __len__(self) -> int:
        return len(self.log)

    def writers(self, key: str) -> Sequence[int]:
        """Positions of the commits that wrote exactly this path, ascending."""
        return self._writers.get(key, ())

    def steps(self, runtime_stage_id: str) -> Sequence[int]:
        """Positions of the commits of one stage execution, ascending."""
        return self._by_step.get(runtime_stage_id, ())

    def stages(self, stage_id: str) -> Sequence[int]:
        """Positions of the commits of all executions of one stage, ascending."""
        return self._by_stage.get(stage_id, ())

    def last_writer(self, key: str, before: int | None = None) -> int | None:
        """Position of the last commit before position `before` (default: the end) that wrote `key`; None without one."""
        positions = self._writers.get(key)
        if positions is None:
            return None
        found = len(positions) if before is None else bisect_left(positions, before)
        return positions[found - 1] if found else None

    def next_writer(self, key: str, after: int) -> int | None:
        """Position of the first commit after position `after` that wrote `key`; None without one."""
        positions = self._writers.get(key)
        if positions is None:
            return None
        found = bisect_left(positions, after + 1)
        return positions[found] if found < len(positions) else None

    def paths(self) -> list[str]:
        """All paths written, in order of first write."""
        return list(self._writers)


def rows_of(bundle: Bundle) -> Sequence[Mapping[str, Any]]:
    """The trace rows of a commit: `{path, verb, readKeys?}`, in operation order."""
    return bundle.get("trace") or ()


def wrote(bundle: Bundle, key: str) -> bool:
    """Whether a commit wrote exactly this path."""
    return any(row["path"] == key for row in rows_of(bundle))


def last_row(bundle: Bundle, key: str) -> Mapping[str, Any] | None:
    """The last row of a path in a commit."""
    return next((row for row in reversed(rows_of(bundle)) if row["path"] == key), None)


def last_verb(bundle: Bundle, key: str) -> str:
    """How a commit last wrote a path; "set" where it did not."""
    row = last_row(bundle, key)
    return "set" if row is None else row["verb"]


def _check(bundle: object, position: int) -> None:
    """Refuse a commit that is not one, before anything is built on it."""
    fault = "it is no object"
    if isinstance(bundle, dict):
        members = cast("dict[str, Any]", bundle)
        fault = _fault(members)
        for row in members.get("trace") or ():
            fault = fault or _row_fault(row)
    if fault:
        raise TraceDecodeError(f"commit {position} of the log is malformed: {fault}")


def _fault(bundle: dict[str, Any]) -> str:
    for name in ("stage", "stageId", "runtimeStageId"):
        if not isinstance(bundle.get(name, ""), str):
            return f"its {name} is no text"
    for name in ("redactedPaths", "untrackedSources", "tags"):
        if not _is_texts(bundle.get(name)):
            return f"its {name} is no list of texts"
    return "" if isinstance(bundle.get("trace"), (list, tuple, NoneType)) else "its trace is no list"


def _row_fault(row: object) -> str:
    if not isinstance(row, dict):
        return "a row of its trace is no object"
    members = cast("dict[str, Any]", row)
    if not isinstance(members.get("path"), str) or not isinstance(members.get("verb"), str):
        return "a row of its trace lacks path or verb"
    return "" if _is_texts(members.get("readKeys")) else "a row of its trace has readKeys that are no list of texts"


def _is_texts(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in cast("list[Any]", value))


def index_of(commit_log: Sequence[Bundle] | CommitIndex) -> CommitIndex:
    """The log's index; the log itself when it is one already."""
    return commit_log if isinstance(commit_log, CommitIndex) else CommitIndex(commit_log)


def find_last_writer(commit_log: Sequence[Bundle] | CommitIndex, key: str, before: int | None = None) -> Bundle | None:
    """The last commit before position `before` (default: the end) that wrote exactly the path `key`.

    Of an index this is a bisection, of a bare log a walk from its end.

    Example:
        >>> find_last_writer(snapshot["commitLog"], "risk")["runtimeStageId"]
        'assess#0'
    """
    if isinstance(commit_log, CommitIndex):
        position = commit_log.last_writer(key, before)
        return None if position is None else commit_log.log[position]
    end = len(commit_log) if before is None else min(before, len(commit_log))
    for position in range(end - 1, -1, -1):
        bundle = commit_log[position]
        _check(bundle, position)
        if wrote(bundle, key):
            return bundle
    return None


def find_commit(commit_log: Sequence[Bundle] | CommitIndex, stage_id: str, key: str | None = None) -> Bundle | None:
    """The first commit of a stage (of any execution), or its first one that wrote `key`; an empty key is none.

    Example:
        >>> find_commit(snapshot["commitLog"], "approve", "approved")["idx"]
        2
    """
    commits = find_commits(commit_log, stage_id)
    return next((bundle for bundle in commits if not key or wrote(bundle, key)), None)


def find_commits(commit_log: Sequence[Bundle] | CommitIndex, stage_id: str) -> list[Bundle]:
    """All commits of a stage, in order.

    Example:
        >>> [bundle["idx"] for bundle in find_commits(snapshot["commitLog"], "assess")]
        [0]
    """
    index = index_of(commit_log)
    return [index.log[position] for position in index.stages(stage_id)]
