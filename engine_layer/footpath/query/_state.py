"""State as it was: one key, or all of them, after a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from footpath.query._json import utf16
from footpath.query._log import Bundle, CommitIndex, index_of, rows_of
from footpath.query._patch import Patcher, copied, recorded_at, segments_of
from footpath.values import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class StateAt(Struct, frozen=True, rename="camel"):
    """State after a commit, rebuilt.

    `basis` is "initial+log", or "log-only" when the snapshot holds no initial state (a redacted one does not).
    `redacted` says that the log masks some value in range; `redacted_paths` names them, sorted.
    """

    state: dict[str, Any]
    basis: str
    redacted: bool
    redacted_paths: tuple[str, ...]
    through_commit_idx: int


def commit_value_at(commit_log: Sequence[Bundle] | CommitIndex, idx: int | None, key: str, default: Any = None) -> Any:
    """What the log says `key` was after the commit at position `idx` (None or too large: the last).

    Only the log is asked: a key that the initial state alone held, and one deleted by then, give `default`. The value
    is a private copy.

    Example:
        >>> (
        ...     commit_value_at(snapshot["commitLog"], 2, "risk"),
        ...     commit_value_at(snapshot["commitLog"], 1, "approved", "not yet"),
        ... )
        ('low', 'not yet')
    """
    index = index_of(commit_log)
    end = len(index) if idx is None else min(idx + 1, len(index))
    value = value_before(index, end, key)
    return default if value is ABSENT else value


def value_before(index: CommitIndex, end: int, key: str) -> Any:
    """A private copy of what the log says `key` was before position `end`; `ABSENT` if nothing."""
    segments = segments_of(key)
    fold = Patcher(merging_copies=True)
    value: Any = ABSENT
    for position in _since_whole_write(index, key, end):
        bundle = index.log[position]
        for row in rows_of(bundle):
            if row["path"] == key:
                value = fold.applied(value, row["verb"], bundle, segments)
    return copied(value)


def _since_whole_write(index: CommitIndex, key: str, end: int) -> list[int]:
    """Positions of the writes of `key` before `end`, from the last that does not depend on what was there before."""
    positions: list[int] = []
    position = index.last_writer(key, end)
    while position is not None:
        positions.append(position)
        if any(row["path"] == key and row["verb"] in {"set", "delete"} for row in rows_of(index.log[position])):
            break
        position = index.last_writer(key, position)
    positions.reverse()
    return positions


def state_at(snapshot: Mapping[str, Any], idx: int | None = None) -> StateAt:
    """The shared state after the commit at position `idx`: -1 is the start, None or too large the end.

    Values are private copies. Masked values stay masked.

    Raises:
        TraceDecodeError: the snapshot is malformed.

    Example:
        >>> state_at(snapshot, 0).state, state_at(snapshot).state
        ({'risk': 'low'}, {'risk': 'low', 'approved': True})
    """
    log = index_of(snapshot.get("commitLog") or ()).log
    initial = snapshot.get("initialState")
    through = len(log) - 1 if idx is None else max(-1, min(idx, len(log) - 1))
    fold = Patcher()
    state: dict[str, Any] = fold.own(dict(cast("dict[str, Any]", initial)) if isinstance(initial, dict) else {})
    redacted: set[str] = set()
    for bundle in log[: through + 1]:
        redacted.update(bundle.get("redactedPaths") or ())
        for row in rows_of(bundle):
            verb, segments = row["verb"], segments_of(row["path"])
            value = fold.applied(recorded_at(state, segments), verb, bundle, segments)
            fold.put(state, segments, value, making_room=verb != "delete")
    return StateAt(
        state=copied(state),
        basis="log-only" if initial is None else "initial+log",
        redacted=bool(redacted),
        redacted_paths=tuple(sorted(redacted, key=utf16)),
        through_commit_idx=through,
    )
