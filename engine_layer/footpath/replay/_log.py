"""The commit log: a bundle for each commit, in the history of the (sub)flow that it happened in."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET, Raw

from footpath.replay._grown import Grown
from footpath.replay._merge import merged
from footpath.replay._mirror import LOG_MARK, SEPARATOR, items_after, log_marked, marks_of, packed
from footpath.values import ABSENT_RAW, TAG, in_js_order, plain, unescape_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from footpath.replay._mirror import Declared, MirrorFrame, MirrorRegion


class CommitLog:
    """Writes bundles into the history of a frame's region."""

    def __init__(self, commit_values: str, *, provenance: bool) -> None:
        self._delta = commit_values == "delta"
        self._provenance = provenance
        self._plain = commit_values == "full" and not provenance

    def seeded(self, region: MirrorRegion, fields: Mapping[str, list[str]]) -> None:
        """What a subflow begins with is the first commit of its history; objects are set member by member.

        `fields` are those that the policy hides.
        """
        assert region.first is not None
        redacted: list[str] = []
        overwrite: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        for key, value in region.values.items():
            ways = region.hidden_below(key)
            overwrite[key] = log_marked(value, dict.fromkeys(ways, LOG_MARK)) if ways else value
            members = plain(value) if type(value) is Raw else value
            written = [(key,)]
            if isinstance(members, dict) and members and TAG not in members:
                written = [(key, member) for member in in_js_order(members)]
            for path in written:
                rows.append({"path": SEPARATOR.join(named(path)), "verb": "set"})
                redacted += _hidden_paths(path, [(key, *way) for way in ways], fields)
        first = region.first
        _append(region, _bundle(first.name, first.id, "", overwrite, {}, redacted, rows))

    def refused_commit(self, decl: Declared, region: MirrorRegion) -> None:
        """A child settles that was refused for nesting too deep."""
        _append(region, _bundle(decl.name, decl.id, "", {}, {}, [], []))

    def commit_scalars(self, frame: MirrorFrame, kept: dict[str, Any], dropped: Any) -> None:
        """The bundle of the commonest commit, of a frame at the top of its line that wrote `scalars` only.

        `kept` is what was staged, without what was dropped; it belongs to the bundle from now on.
        """
        if not self._plain:
            self._commit(frame, dropped)
            frame.ops.clear()
            return
        node = frame.node
        assert node is not None
        if dropped is None:
            rows = [{"path": op[0], "verb": "set"} for op in frame.ops]
        else:
            rows = [{"path": op[0], "verb": "set"} for op in frame.ops if op[0] in kept]
        frame.ops.clear()
        history = frame.region.history
        bundle: dict[str, Any] = {
            "overwrite": kept,
            "updates": {},
            "redactedPaths": [],
            "trace": rows,
            "stage": node["name"],
            "stageId": frame.decl.id,
            "runtimeStageId": frame.rsid,
            "idx": len(history),
        }
        history.append(bundle)
        if frame.decl.tags or frame.sources:
            _describe(bundle, _new_tags(frame), frame.sources)
            frame.sources = None

    def commit(self, frame: MirrorFrame, dropped: Any) -> None:
        """The bundle of a commit, before its values reach the region."""
        if frame.scalars and not frame.branch:
            kept = frame.staged  # the frame begins a new one once it is committed
            if dropped is not None:
                kept = {key: value for key, value in kept.items() if key not in dropped}
            self.commit_scalars(frame, kept, dropped)
        else:
            self._commit(frame, dropped)

    def _commit(self, frame: MirrorFrame, dropped: Any) -> None:
        overwrite: dict[str, Any] = {}
        updates: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        hidden = frame.redacted or {}
        seen: dict[str, tuple[str, bool, Any]] = {}
        delta = self._delta
        branch = frame.branch
        for op in frame.ops:
            key, verb, value, reads = op if len(op) == 4 else (op[0], "set", op[1], ())
            if dropped is not None and key in dropped:
                continue
            path = f"runs{SEPARATOR}{branch}{SEPARATOR}{key}" if branch else key
            if key in hidden and verb != "delete" and value is not UNSET:
                value = LOG_MARK
            if not delta:
                row: dict[str, Any] = {"path": path, "verb": "merge" if verb == "merge" else "set"}
                if self._provenance:
                    row["readKeys"] = list(reads)
                rows.append(row)
            if verb == "merge":
                replaces = key not in updates or value is LOG_MARK or value is UNSET
                updates[key] = value if replaces else merged(updates[key], value)
            else:
                overwrite[key] = value
            if delta:
                previous = seen.pop(key, None)
                seen[key] = (verb, verb == "merge" and (previous is None or previous[1]), reads)
        if delta:
            self._delta_rows(frame, seen, overwrite, updates, rows)
        results: dict[str, Any] = {}
        for key, together in (frame.whole or {}).items():
            if key in updates:
                if together is not None and key not in hidden:
                    updates[key] = together
                after = LOG_MARK if key in hidden else frame.staged.get(key, UNSET)
                if after is not UNSET:
                    results[key] = after
        redacted: list[str] = []
        lead = f"runs{SEPARATOR}{branch}{SEPARATOR}" if branch else ""
        fields = frame.fields or {}
        if hidden or fields:
            written = {op[0] for op in frame.ops}  # by this attempt
            for key, what in frame.hidden or ():
                if key not in written or (dropped is not None and key in dropped):
                    continue
                if what == "whole":
                    redacted.append(lead + key)
                    continue
                ways = [*fields[key], *(frame.nothing or {}).get(key, ())]
                for held in () if hidden.get(key) else (overwrite, updates, results):
                    if held.get(key, UNSET) is not UNSET:
                        held[key] = log_marked(held[key], marks_of(ways, held[key]))
                redacted.extend(_field_paths(lead + key, fields[key]))
        overwrite = {key: value for key, value in overwrite.items() if value is not UNSET}
        if branch:
            # A key that was set to nothing leaves its branch there, as in the reference.
            overwrite = {"runs": {branch: overwrite}} if any(row["verb"] != "merge" for row in rows) else {}
            updates = {"runs": {branch: updates}} if updates else {}
            results = {"runs": {branch: results}} if results else {}
        bundle = _of(frame, overwrite, updates, redacted, rows)
        _append(frame.region, bundle, _new_tags(frame), frame.sources, results)
        frame.sources = None

    def _delta_rows(
        self,
        frame: MirrorFrame,
        seen: dict[str, tuple[str, bool, Any]],
        overwrite: dict[str, Any],
        updates: dict[str, Any],
        rows: list[dict[str, Any]],
    ) -> None:
        region, branch = frame.region, frame.branch
        for key, (verb, patched, reads) in seen.items():
            path = ("runs", branch, key) if branch else (key,)
            row: dict[str, Any] = {"path": SEPARATOR.join(path)}
            final = frame.staged.get(key, UNSET)
            if final is UNSET:
                row["verb"] = "delete" if verb == "delete" else "merge" if patched else "set"
                overwrite.pop(key, None)
                updates.pop(key, None)
            elif patched:
                row["verb"] = "merge"
            else:
                count = (frame.grew or {}).get(key)
                if count is not None:
                    tail = items_after(final, count)
                elif key in (frame.fields or ()) or (branch, key) in region.hung:
                    tail = None  # of hidden fields it would have been said
                else:
                    before = region.values.get(key) if not branch else None
                    tail = final.since(before) if type(final) is Grown else None
                    if tail is None:
                        tail = _grown(region.get(path), packed(final))
                hidden = bool(frame.redacted and key in frame.redacted)
                updates.pop(key, None)
                row["verb"] = "set" if tail is None or (hidden and count is None) else "append"
                overwrite[key] = LOG_MARK if hidden else packed(final) if tail is None else tail
            if self._provenance:
                row["readKeys"] = list(reads)
            rows.append(row)

    def empty_commit(self, frame: MirrorFrame) -> None:
        """A parallel child's second bundle; the first of a mount that was never entered."""
        _append(frame.region, _of(frame, {}, {}, [], []), _new_tags(frame))

    def output(
        self,
        frame: MirrorFrame,
        rows: Iterable[OutputRow],
        dropped: set[int],
        reads: list[str],
        earlier: Iterable[str],
        fields: Mapping[str, list[str]],
        hidden: Sequence[tuple[str, ...]],
    ) -> None:
        """The bundle of a subflow's output; a member is read before it is written, where the reads name it.

        Args:
            frame: through which it is written.
            rows: what is written.
            dropped: which of them were there already.
            reads: of what the output is laid over.
            earlier: the keys that the frame had read before.
            fields: those that the policy hides.
            hidden: the places that are hidden.
        """
        known = list(earlier)
        overwrite: dict[str, Any] = {}
        trace: list[dict[str, Any]] = []
        redacted: list[str] = []
        delta = self._delta
        for index, written in enumerate(rows):
            path, value = written.path, written.value
            name = member_name(path, frame.branch)
            if name in reads and name not in known:
                known.append(name)
            if index in dropped:
                continue
            shown = value
            start = _lead(path, frame.branch)
            row: dict[str, Any] = {"path": SEPARATOR.join((*path[:start], *named(path[start:]))), "verb": "set"}
            grows = delta and not frame.region.is_hung(path)
            if written.gained is not None and grows:
                row["verb"] = "append"
                shown = written.gained
            redacted += _hidden_paths(path, hidden, fields, start)
            ways = [way[len(path) :] for way in hidden if way[: len(path)] == path]
            if written.absent or value == ABSENT_RAW:
                shown, ways = UNSET, []
            elif () in ways:
                shown = LOG_MARK
            elif grows and written.gained is None:
                tail = (
                    _grown(frame.region.get(path), value)
                    if written.before is None
                    else items_after(value, written.before)
                )
                if tail is not None:
                    row["verb"] = "append"
                    shown = tail
            if ways:
                shown = log_marked(shown, dict.fromkeys(ways, LOG_MARK))
            if self._provenance:
                row["readKeys"] = list(known)
            trace.append(row)
            holder = overwrite
            for step in path[:-1]:
                holder = holder.setdefault(step, {})
            holder[path[-1]] = shown
        _append(frame.region, _of(frame, overwrite, {}, redacted, trace), _new_tags(frame))


def member_name(path: tuple[str, ...], branch: str) -> str:
    """What a place that was written to is called: by the path from where its stage's writes begin."""
    return ".".join(named(path[_lead(path, branch) :]))


def named(path: tuple[str, ...]) -> tuple[str, ...]:
    """A key and a member as they are called: in a recorded object a name that reads like a tag has one more `$`."""
    return (path[0], *map(unescape_key, path[1:]))


def _lead(path: tuple[str, ...], branch: str) -> int:
    """How many steps of a path lead to where the writes of a parallel child begin, if they lead there."""
    return 2 if branch and path[:2] == ("runs", branch) else 0


class OutputRow(NamedTuple):
    """One write of a subflow's output: the whole value, and of a list that has grown, by what, or how many items were there before.

    What is hidden may be that the member is `absent`.
    """

    path: tuple[str, ...]
    value: Any
    gained: Any = None
    before: int | None = None
    absent: bool = False


def _bundle(
    name: str,
    stage_id: str,
    rsid: str,
    overwrite: dict[str, Any],
    updates: dict[str, Any],
    redacted: list[str],
    rows: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "overwrite": overwrite,
        "updates": updates,
        "redactedPaths": redacted,
        "trace": rows,
        "stage": name,
        "stageId": stage_id,
        "runtimeStageId": rsid,
    }


def _of(
    frame: MirrorFrame,
    overwrite: dict[str, Any],
    updates: dict[str, Any],
    redacted: list[str],
    rows: list[dict[str, Any]],
) -> dict[str, Any]:
    assert frame.node is not None
    return _bundle(frame.node["name"], frame.decl.id, frame.rsid, overwrite, updates, redacted, rows)


def _new_tags(frame: MirrorFrame) -> list[str] | None:
    """A stage's tags stand on the first bundle of each of its executions."""
    if frame.tagged:
        return None
    frame.tagged = True
    tags = frame.decl.tags
    return tags and [*tags]  # the bundle's own: a snapshot is its caller's to change


def _append(
    region: MirrorRegion,
    bundle: dict[str, Any],
    tags: list[str] | None = None,
    sources: list[str] | None = None,
    results: dict[str, Any] | None = None,
) -> None:
    _describe(bundle, tags, sources)
    if results:
        # Patches hold what JSON does not (absent members, NaN): what came of them can't be worked out from the bundle.
        bundle["results"] = results
    history = region.history
    bundle["idx"] = len(history)
    region.nested.append(len(history))
    history.append(bundle)


def _describe(bundle: dict[str, Any], tags: list[str] | None, sources: list[str] | None) -> None:
    if tags:
        bundle["tags"] = tags
    if sources:
        bundle["untrackedSources"] = sources


def _field_paths(key: str, fields: Iterable[str]) -> list[str]:
    """Hidden fields as the log lists them: dotted below the key and, when nested, separated all through."""
    paths: list[str] = []
    for path in fields:
        paths.append(f"{key}{SEPARATOR}{path}")
        if "." in path:
            paths.append(f"{key}{SEPARATOR}{path.replace('.', SEPARATOR)}")
    return paths


def _hidden_paths(
    path: tuple[str, ...], hidden: Iterable[tuple[str, ...]], fields: Mapping[str, list[str]], start: int = 0
) -> list[str]:
    """What the log lists as hidden where something was written at a path: all of it, or the fields in it, found or not.

    The key is the path's step at `start`.
    """
    written = SEPARATOR.join(path)
    marked = [way for way in hidden if way[: len(path)] == path]
    if path in marked:
        return [written]
    below = fields.get(path[start], ())
    lead = "".join(f"{step}." for step in path[start + 1 :])
    found = _field_paths(written, [field[len(lead) :] for field in below if field.startswith(lead)])
    known = frozenset(found)
    return [*found, *[each for each in map(SEPARATOR.join, marked) if each not in known]]


def _grown(before: Any, after: Any) -> Any:
    """The items that a recorded list grew by at its end, as a recorded list; None when it did not just grow."""
    if type(before) is not Raw or type(after) is not Raw:
        return None
    old, new = bytes(before), bytes(after)
    if old[:1] != b"[" or new[:1] != b"[" or len(new) <= len(old):
        return None
    if old == b"[]":
        return after
    if new.startswith(old[:-1] + b","):
        return Raw(b"[" + new[len(old) :])
    return None
