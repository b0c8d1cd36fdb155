"""One execution of one node, seen from inside: its reads, its staged writes, its commit."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET, Raw, Struct, field

from footpath.errors import StateError
from footpath.journal.entries import (
    ABSENT_VALUE,
    APPEND,
    CHANGED,
    DELETE,
    EMIT,
    FIELDS,
    GREW,
    HAS,
    MEMBERS,
    NOTE,
    NOTE_ABSENT,
    NOTE_HIDDEN,
    NOTE_PREFIXES,
    READ_REDACTED,
    REDACTED,
    REMERGE,
    RESULT,
    SET,
    SOURCE,
    TOKEN,
    UPDATE,
)
from footpath.state import (
    Growth,
    LastWritten,
    capture,
    grown,
    is_echo,
    is_tracked,
    just_grew,
    merge,
    private_copy,
    recorded_form,
    same,
    settle,
    track,
    untracked,
)
from footpath.values import ABSENT, ABSENT_RAW, ATOMS, CONTAINERS, MARK, encode_json, is_json, is_recorded_as, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from footpath.chart import Node
    from footpath.scope._host import Host
    from footpath.state import Region

SMALL = 1 << 63
"""Integers below it, in size, are recorded as they are."""

_NUMBERS = frozenset({int, float})
"""1 and 1.0 are one number to a commit; see `footpath.state.same`."""

NO_ANSWER: Any = object()
"""Says that an interrupt has no answer yet; None is an answer."""

NO_PAYLOAD: Any = object()
"""Says that an emit carries no payload; None is a payload."""


class _Ended(dict[str, Any]):
    """Staged writes of a stage that has ended: there can't be any."""

    def __setitem__(self, key: str, value: Any) -> None:
        message = f"a stage that has ended can't write {key!r} any more; use the scope of the stage that runs now"
        raise StateError(message)

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002  # as a dict's
        message = f"a stage that has ended can't read {key!r} any more; use the scope of the stage that runs now"
        raise StateError(message)


_ENDED: Final[dict[str, Any]] = _Ended()
_ARRAY: Final = ord("[")


class Patches(Struct, eq=False):
    """All patches that a stage made to one key.

    Attributes:
        together: all of them as one.
        base: what they were laid over; of patches around a write, what was written.
        left: what the last one left.
        count: how many they are; `since` counts those since `base` was written.
    """

    together: Any
    base: Any
    left: Any
    count: int = 1
    since: int = 1


def _is_tagged(recorded: Any) -> bool:
    """Whether a recorded list is no JSON array."""
    return type(recorded) is Raw and memoryview(recorded)[0] != _ARRAY


class Frame(Struct, eq=False):
    """A stage's hold on the shared state.

    A frame owns its stage's staged writes. They reach the shared state at `commit`, or are dropped by `forget` when an
    attempt failed. After the commit the frame takes nothing more, though views that came out of it can still be looked
    at. Every access is appended to the journal before its effect is visible. A struct, because each stage execution
    makes one, and C does that in half the time.

    Attributes:
        number: the step number of this execution in the run.
        branch: id of the parallel child this frame belongs to, empty on the main line.
        base: the committed values that the stage sees.
        quick: appends an entry of an access that asks for nothing: on the main line, nothing hidden, the stage not
            over. None where an access has to be looked at.
        touched: containers the stage has looked into, `(value, view)` by key.
        patches: of each key that was patched, all its patches.
        recorded: the recorded form of each staged container, by key, or how it grew.
        broke: whether the stage asked to stop its line; `reason` is what it said.
        seen: which untracked sources were noted, as bits.
    """

    host: Host
    region: Region
    node: Node
    number: int
    branch: str
    base: dict[str, Any]
    quick: Callable[[Any], None] | None
    staged: dict[str, Any] = {}
    recorded: dict[str, Any] | None = None
    touched: dict[str, Any] | None = None
    patches: dict[str, Patches] | None = None
    broke: bool = False
    reason: Any = None
    seen: int = 0
    resume_input: Any = None
    answer: Any = NO_ANSWER
    tokens: list[Any] | None = None

    def enter(self) -> None:
        """What comes next belongs to this frame.

        Raises:
            StateError: the stage has ended.
        """
        if self.staged is _ENDED:
            message = (
                f"the stage '{self.node.id}' has ended, and its scope with it: what it still asks or writes would be lost; "
                "use the scope of the stage that runs now"
            )
            raise StateError(message)
        self.host.switch(self)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────
    def lookup(self, key: str) -> Any:
        if key in self.staged:
            value = self.staged[key]
            # A key deleted in this stage reads as what was committed, until the stage commits: footprintjs's rule.
            if value is not ABSENT:
                return value
        if self.branch:
            own = self.base.get("runs")
            if isinstance(own, dict):
                own = own.get(self.branch)
                if isinstance(own, dict) and key in own and own[key] is not ABSENT:
                    return own[key]
            return self.region.values.get(key, ABSENT)  # what lies outside of it is seen as it is now
        return self.base.get(key, ABSENT)

    def own(self, key: str) -> Any:
        """The committed value that a patch is laid over: in a parallel child its own, never one from before the fork."""
        if not self.branch:
            return self.base.get(key, ABSENT)
        own = self.base.get("runs")
        own = own.get(self.branch) if isinstance(own, dict) else None
        return own.get(key, ABSENT) if isinstance(own, dict) else ABSENT

    def read(self, key: str) -> Any:
        """A tracked read; None when the key is absent."""
        host = self.host
        if host.current is not self or self.staged is _ENDED:
            self.enter()
        if host.careful:
            return self.read_with_care(key)
        host.record_entry(key)
        staged = self.staged
        value = staged.get(key, ABSENT)
        if value is ABSENT:
            value = self.base.get(key, ABSENT)
        if type(value) in ATOMS:
            return value
        if value is ABSENT:
            return None
        return self.view(key, value)

    def read_with_care(self, key: str) -> Any:
        """A tracked read in a parallel child, or where values may have to be hidden."""
        host = self.host
        redaction = host.redaction
        value = self.lookup(key)
        if redaction is not None and redaction.wants(key):
            host.record_entry((READ_REDACTED, key))
        elif redaction is not None and key in redaction.fields:
            entry: tuple[Any, ...] = (READ_REDACTED, key, 1)
            if (key == "runs" and type(value) is dict) or (key in redaction.patched and value is not ABSENT):
                # What parallel children wrote is recorded under their own keys, so the mirror does not hold it masked.
                entry += (redaction.show(key, record(value)),)
            host.record_entry(entry)
        else:
            host.record_entry(key)
        if type(value) in ATOMS:
            return value
        if value is ABSENT:
            return None
        return self.view(key, value)

    def view(self, key: str, value: Any) -> Any:
        touched = self.touched
        if touched is None:
            touched = self.touched = {}
        earlier = touched.get(key)
        own = type(value) is list and type(self.known(key, value)) is Growth
        view = track(value, self, key, None if earlier is None else earlier[1], own=own)
        # What a stage has looked into is looked at again when it commits: nothing may change behind the scope's back.
        touched[key] = (value, view)
        return view

    def has(self, key: str) -> bool:
        host = self.host
        if host.current is not self or self.staged is _ENDED:
            self.enter()
        redaction = host.redaction
        host.record_entry((HAS, key) if redaction is None or not redaction.wants(key) else (HAS, key, 1))
        return self.lookup(key) is not ABSENT

    def present(self, key: str) -> bool:
        """Whether the key has a value, without a trace of the question."""
        return self.lookup(key) is not ABSENT

    def keys(self) -> list[str]:
        """Keys that have a value, in state order; names are not reads."""
        keys = dict.fromkeys(self.base)
        if self.branch:
            keys.update(dict.fromkeys(self.region.branch_values(self.branch)))
        keys.update(dict.fromkeys(self.staged))
        return [key for key in keys if self.lookup(key) is not ABSENT]

    def source(self, name: str, value: Any) -> Any:
        bit = 1 if name == "args" else 2
        if value and not self.seen & bit:
            self.seen |= bit
            host = self.host
            if host.current is not self or self.staged is _ENDED:
                self.enter()
            host.record_entry((SOURCE, name))
        return value

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────
    def begin_write(self, key: str, *, deleting: bool = False) -> Host:
        host = self.host
        if host.current is not self or self.staged is _ENDED:
            self.enter()
        if key in self.region.readonly:
            message = (
                f'Cannot delete readonly input key "{key}" — input values are immutable'
                if deleting
                else f'Cannot write to readonly input key "{key}" — use getArgs() to read input values'
            )
            raise StateError(message)
        if not self.staged and host.parallel:
            self.base = dict(self.region.values)
        return host

    def write(self, key: str, value: Any) -> None:
        """A tracked write.

        Raises:
            StateError: the key is one of the input, or is no string.
        """
        host = self.host
        if host.careful or key in self.region.readonly:
            self.write_with_care(key, value)
            return
        if host.current is not self or self.staged is _ENDED:
            self.enter()
        kind = type(value)
        if kind in CONTAINERS and (encoded := encode_json(value)) is not None:
            recorded: Any = Raw(encoded)  # what `capture` would say of plain JSON
        elif kind in ATOMS:
            # What `record` would say of the commonest scalars, without asking it.
            if (kind is str and value.isascii()) or (kind is int and -SMALL < value < SMALL) or kind is bool:
                host.record_entry((key, value))
            else:
                host.record_entry((key, record(value)))
            self.staged[key] = value
            if self.recorded is not None:
                self.recorded.pop(key, None)
            return
        else:
            if is_tracked(value) and is_echo(value, self, key):
                return
            value, recorded = capture(value)
            if value is ABSENT:
                host.record_entry((SET, key, None, ABSENT_VALUE))
                self.staged[key] = value
                return
        host.record_entry((key, recorded))
        self.staged[key] = value
        if self.recorded is None:
            self.recorded = {key: recorded}
        else:
            self.recorded[key] = recorded

    def write_with_care(self, key: str, value: Any) -> None:
        """A tracked write where something has to be asked first."""
        host = self.begin_write(key)
        if is_tracked(value) and is_echo(value, self, key):
            return
        value, recorded = capture(value)
        redaction = host.redaction
        if redaction is not None and (redaction.active or redaction.wants(key)):
            self.write_redacted(key, value, recorded, redaction.wants(key), None)
            return
        if value is ABSENT:
            host.record_entry((SET, key, None, ABSENT_VALUE))
        else:
            host.record_entry((key, recorded))
        self.stage(key, value, recorded)

    def stage(self, key: str, value: Any, recorded: Any) -> None:
        # A key stands where it was first written in the stage, with delta commits where it was last: footprintjs's
        # order.
        self.staged[key] = value
        self.remember(key, value, recorded)

    def remember(self, key: str, value: Any, recorded: Any) -> None:
        """Remember how a staged container was recorded, to see at commit whether it has changed since."""
        if type(value) in ATOMS:
            if self.recorded is not None:
                self.recorded.pop(key, None)
            return
        if self.recorded is None:
            self.recorded = {}
        self.recorded[key] = recorded

    def write_redacted(self, key: str, value: Any, recorded: Any, hide: Any, description: str | None) -> None:
        host = self.host
        redaction = host.redaction
        assert redaction is not None
        entry: tuple[Any, ...]
        if hide is True:
            redaction.mark(key, value)
            entry = (SET, key, None, REDACTED | ABSENT_VALUE if value is ABSENT else REDACTED)
            if description is not None:
                entry += (description,)
        else:
            shown, hidden = redaction.masked(key, recorded)
            absent = value is ABSENT
            flags = (ABSENT_VALUE if absent else 0) | (FIELDS if hidden else 0)
            if description is None and not flags:
                entry = (key, shown)
            else:
                entry = (SET, key, None if absent else shown, flags)
                if description is not None or hidden:
                    entry += (description,)
                if hidden:
                    entry += (hidden,)
        host.record_entry(entry)
        self.stage(key, value, recorded)

    def write_with(self, key: str, value: Any, redact: bool, description: str | None) -> None:
        """Write a key with options."""
        host = self.begin_write(key)
        value, recorded = capture(value)
        redaction = host.redaction
        if redact and redaction is None:
            redaction = host.start_redaction()
        if redaction is not None:
            self.write_redacted(key, value, recorded, True if redact else redaction.wants(key), description)
            return
        if description is not None or value is ABSENT:
            flags = ABSENT_VALUE if value is ABSENT else 0
            tail = () if description is None else (description,)
            host.record_entry((SET, key, None if flags else recorded, flags, *tail))
        else:
            host.record_entry((key, recorded))
        self.stage(key, value, recorded)

    def update(self, key: str, patch: Any) -> None:
        host = self.begin_write(key)
        patch = untracked(patch)
        # Over a key that the stage has deleted a patch starts anew, though a read still shows what was committed.
        held = self.staged.get(key, NO_ANSWER)
        base = self.own(key) if held is NO_ANSWER else held
        redaction = host.redaction
        if redaction is not None and redaction.wants(key) is True:
            redaction.mark(key, patch)
            merged = merge(base, patch)
            host.record_entry((UPDATE, key, None, REDACTED | ABSENT_VALUE if merged is ABSENT else REDACTED))
        else:
            shown = record(patch)
            hidden: list[str] = []
            if redaction is not None:
                shown, hidden = redaction.masked(key, shown)
                if hidden:
                    redaction.note_patch(key)
            entry: tuple[Any, ...] = (UPDATE, key, None if shown is UNSET else shown)
            flags = (FIELDS if hidden else 0) | (ABSENT_VALUE if shown is UNSET else 0)
            merged = merge(base, patch)
            recorded = record(merged)
            if not _merges_alike(base, patch) or (
                redaction is not None and not hidden and redaction.blurs(patch, recorded)
            ):
                # JSON has lost what the merge went by, so the journal holds what came of it.
                result = recorded if redaction is None else redaction.show(key, recorded)
                entry += (flags | RESULT, hidden, None if result is UNSET else result)
                earlier = (self.patches or {}).get(key)
                if earlier is not None:
                    together = record(merge(earlier.together, patch))
                    if redaction is not None:
                        together = redaction.masked(key, together)[0]
                    entry += (ABSENT_RAW if together is UNSET else together,)
            elif (
                redaction is not None and held is NO_ANSWER and (left := redaction.members_left(key, base)) is not None
            ):
                entry += (flags | MEMBERS, hidden, None, None, left)
            elif flags:
                entry += (flags, hidden)
            host.record_entry(entry)
            self.stage(key, merged, recorded)
            self.note_patch(key, patch, base, merged)
            return
        self.stage(key, merged, record(merged))
        self.note_patch(key, patch, base, merged)

    def note_patch(self, key: str, patch: Any, base: Any, merged: Any) -> None:
        """Keep a key's patches as one, with what they were laid over and what the last one left."""
        if self.patches is None:
            self.patches = {}
        before = self.patches.get(key)
        if before is None:
            self.patches[key] = Patches(patch, base, merged)
            return
        if base is not before.left:
            before.base, before.since = base, 0  # written anew
            if not self.host.delta_commits:
                # A full commit tells writes and patches apart, so no list that was written holds an item of a patch.
                before.together = private_copy(before.together)
        before.together = merge(before.together, patch)
        before.count += 1
        before.since += 1
        before.left = merged

    def patch_again(self, patches: dict[str, Patches]) -> set[str]:
        """Do as the reference does, which lays all patches of a stage together over what the stage wrote, once for each of them.

        With delta commits, once over what was committed. Mostly that comes to what the stage has seen: not where a
        patch of two undoes what the other one did, where a list in it says an item twice, or where something was
        written between them. Whether a key has changed is judged by what the stage has seen: gives the keys that have,
        though what comes of it may be what was there.
        """
        changed: set[str] = set()
        for key, held in patches.items():
            if held.count == 1 or self.staged.get(key) is not held.left:
                continue
            value = merge(held.base, held.together)
            once = self.host.delta_commits and held.base is self.own(key)
            if held.since > 1 and not once:
                value = merge(value, held.together)
            alike = same(value, held.left)
            # A member that is absent equals one that is missing, and yet its name is shown.
            if (alike and not _holds_absent(held.together)) or same(self.committed(key), held.left):
                continue
            recorded = record(value)
            if alike and recorded == record(held.left):
                continue
            changed.add(key)
            host = self.host
            shown = recorded
            if host.redaction is not None:
                shown = MARK if host.redaction.wants(key) else host.redaction.show(key, recorded)
            self.say((REMERGE, key, ABSENT_RAW if shown is UNSET else shown))
            dict.__setitem__(self.staged, key, value)  # its place is that of the last patch
            self.remember(key, value, recorded)
        self.patches = None
        return changed

    def committed(self, key: str) -> Any:
        """What has been committed under a key, in a parallel child by itself; `ABSENT` when nothing has."""
        held = self.region.branch_values(self.branch) if self.branch else self.region.values
        return held.get(key, ABSENT)

    def delete(self, key: str) -> None:
        host = self.begin_write(key, deleting=True)
        redaction = host.redaction
        if redaction is not None and redaction.unmark(key):
            host.record_entry((DELETE, key, REDACTED))
        elif redaction is not None and key in redaction.fields:
            host.record_entry((DELETE, key, 0, list(redaction.fields[key])))
        else:
            host.record_entry((DELETE, key))
        self.stage(key, ABSENT, None)

    def append_all(self, key: str, items: Iterable[Any]) -> None:
        view = self.read(key)
        added = [untracked(item) for item in items]
        held = self.lookup(key)
        if type(held) is list:
            view.extend(added)
        else:
            self.write(key, [*untracked(view), *added] if isinstance(held, (list, tuple)) else added)

    # What a tracked view calls when it is changed; see footpath.state.
    def nested_set(self, key: str, path: tuple[Any, ...], value: Any) -> None:
        patch: Any = value
        for step in reversed(path):
            patch = {step: patch}
        self.update(key, patch)

    def root_set(self, key: str, value: Any) -> None:
        self.write(key, value)

    def root_extend(self, key: str, items: list[Any]) -> None:
        """Let the list under key grow; the journal holds the new items alone."""
        host = self.begin_write(key)
        redaction = host.redaction
        old = self.lookup(key)
        if redaction is not None and redaction.needs_whole(key):
            self.write(key, [*old, *items])
            return
        text = record(items)
        known = self.known(key, old)
        # Parts that hold one another, say, make no array that could be joined with another.
        if _is_tagged(text) or _is_tagged(known):
            self.write(key, [*old, *items])
            return
        host.record_entry((APPEND, key, text if redaction is None else redaction.scrub_recorded(text)))
        if type(known) is Growth and key in self.staged and known.add(items, text):
            self.staged[key] = old  # the list is this stage's own already
            return
        whole, growth = grown(old, known, items, text)
        self.stage(key, whole, record(whole) if growth is None else growth)

    def known(self, key: str, value: Any) -> Any:
        """How the container that is the key's value was recorded, or how it grew; None when nobody knows."""
        region, branch = self.region, self.branch
        if key in self.staged:
            found = None if self.recorded is None else self.recorded.get(key)
        elif branch and region.branch_values(branch).get(key) is value:
            found = region.recorded.get((branch, key))
        else:
            found = region.recorded.get(key) if region.values.get(key) is value else None
        return None if type(found) is Growth and found.items is not value else found

    def current_value(self, key: str) -> Any:
        """The key's value as the stage would read it now, without an event; ABSENT when there is none."""
        return self.lookup(key)

    # ── committing ───────────────────────────────────────────────────────────────────────────────────────────────
    def commit(self) -> list[str] | None:
        """Move staged writes into the region; gives the keys whose value was there already.

        Containers written or read here are recorded once more and compared: a difference means that somebody changed
        them without the scope, and becomes a `CHANGED` entry.
        """
        if self.touched is not None:
            self.check_touched()
        patched = None if self.patches is None else self.patch_again(self.patches)
        staged = self.staged
        self.staged = _ENDED
        self.quick = None
        if not staged:
            return None
        if self.branch:
            return self.commit_in_branch(staged, patched)
        values = self.region.values
        known = self.region.recorded
        dropped: list[str] | None = None
        for key, value in staged.items():
            base = values.get(key, ABSENT)
            kind = type(value)
            if kind is type(base) and kind in ATOMS:
                # A NaN is the same as another, though it does not equal it.
                if base != value and (kind is not float or base == base or value == value):
                    values[key] = value
                    continue
                unchanged = True
            elif kind in ATOMS:
                if base is ABSENT:
                    values[key] = value
                    continue
                unchanged = kind in _NUMBERS and type(base) in _NUMBERS and base == value
                if known:
                    known.pop(key, None)
            else:
                unchanged = self.commit_container(key, key, base, value)
                if value is ABSENT and not unchanged and type(staged) is LastWritten and key in staged.deleted:
                    del values[key]  # so that a later write stands at the end, as with footprintjs's delta commits
                    continue
            if not unchanged:
                values[key] = value
            elif patched is not None and key in patched:
                pass
            elif dropped is None:
                dropped = [key]
            else:
                dropped.append(key)
        if self.recorded is not None:
            self.recorded = None
            self.base = values
        return dropped

    def commit_container(self, key: str, slot: Any, base: Any, value: Any) -> bool:
        """Remember how a container, or a deletion, was recorded; tells whether it was there already."""
        known = self.region.recorded
        if value is ABSENT:
            self.region.holes = True
            known.pop(slot, None)
            return base is value
        assert self.recorded is not None
        now = self.recorded[key]
        if not (now.settle() if type(now) is Growth else is_recorded_as(value, now)):
            now = record(value)
            self.changed(key, now)
        unchanged = base is not ABSENT and _is_unchanged(base, known.get(slot), value, now)
        if not unchanged:
            known[slot] = now
        return unchanged

    def commit_in_branch(self, staged: dict[str, Any], patched: set[str] | None) -> list[str] | None:
        """Commit into a parallel child's own part of the state."""
        region = self.region
        dropped: list[str] | None = None
        branch = self.branch
        for key, value in staged.items():
            base = region.branch_values(branch).get(key, ABSENT)
            slot = (branch, key)
            if type(value) in ATOMS:
                unchanged = base is not ABSENT and same(base, value)
                region.recorded.pop(slot, None)
            else:
                unchanged = self.commit_container(key, slot, base, value)
            if not unchanged:
                region.put_path(("runs", branch, key), value)
                if value is ABSENT and type(staged) is LastWritten and key in staged.deleted:
                    del region.values["runs"][branch][key]
            elif patched is not None and key in patched:
                pass
            elif dropped is None:
                dropped = [key]
            else:
                dropped.append(key)
        self.recorded = None
        self.base = region.values
        return dropped

    def check_touched(self) -> None:
        """Look again at what the stage looked into: C code may have changed a view, anybody the object below it."""
        region = self.region
        for key, (value, view) in (self.touched or {}).items():
            settle(view)
            if key in self.staged or self.branch:
                continue
            before = region.recorded.get(key)
            if type(before) is Growth:
                if before.items is value and before.own == len(value):
                    continue
                before = before.recorded()
            if before is not None and is_recorded_as(value, before):
                continue
            now = record(value)
            if before is None:
                region.recorded[key] = now
            elif before != now and region.values.get(key) is value:
                self.changed(key, now)
                self.staged[key] = value
                self.remember(key, value, now)
        self.touched = None

    def changed(self, key: str, now: Any) -> None:
        host = self.host
        redaction = host.redaction
        more: tuple[Any, ...] = ()
        if redaction is not None:
            if redaction.hides(key):
                redaction.secrets.add(now)
                now, more = MARK, (REDACTED,)
            else:
                now, fields = redaction.masked(key, now)
                more = (FIELDS, fields) if fields else ()
        host.record_entry((CHANGED, key, now, *more))

    def forget(self) -> None:
        """Drop what a failed attempt had staged."""
        self.staged = type(self.staged)()
        self.recorded = None
        self.seen = 0
        self.touched = None
        self.patches = None
        self.tokens = None
        self.base = self.region.values

    # ── everything else a stage may say ──────────────────────────────────────────────────────────────────────────
    def say(self, entry: tuple[Any, ...]) -> None:
        host = self.host
        if host.current is not self or self.staged is _ENDED:
            self.enter()
        host.record_entry(entry)

    def emit(self, name: str, payload: Any = NO_PAYLOAD) -> None:
        host = self.host
        recorded = UNSET if payload is NO_PAYLOAD or payload is ABSENT else capture(payload)[1]
        if host.redaction is not None:
            recorded = host.redaction.show_emit(name, recorded)
        self.say((EMIT, host.now(), name) if recorded is UNSET else (EMIT, host.now(), name, recorded))

    def note(self, kind: str, key: str, value: Any) -> None:
        host = self.host
        recorded = record(untracked(value))
        flags = NOTE_ABSENT if recorded is UNSET else 0
        if host.redaction is not None:
            name = NOTE_PREFIXES[kind] + key
            if host.redaction.hides_emit(name):
                flags |= NOTE_HIDDEN
            recorded = host.redaction.show_emit(name, recorded)
        if flags:
            self.say((NOTE, host.now(), kind, key, None if flags & NOTE_ABSENT else recorded, flags))
        else:
            self.say((NOTE, host.now(), kind, key, recorded))

    def token(self, text: Any) -> None:
        if self.node.is_silent:
            return
        stream = self.node.stream
        if self.tokens is None:
            self.tokens = []
        self.tokens.append(text)
        self.host.stream("on_token", stream, text)
        self.say((TOKEN, stream, ABSENT_RAW if text is ABSENT else record(untracked(text))))


class DeltaFrame(Frame, eq=False):
    """A frame of a run with delta commits."""

    staged: dict[str, Any] = field(default_factory=LastWritten)

    def delete(self, key: str) -> None:
        super().delete(key)
        if type(self.staged) is LastWritten:
            self.staged.deleted.add(key)

    def commit(self) -> list[str] | None:
        """Move staged writes into the region; gives the keys whose value was there already."""
        if self.host.redaction is not None:
            self.tell_what_grew()
        return super().commit()

    def tell_what_grew(self) -> None:
        """Say which lists only grew: what is recorded of them may lack what is hidden."""
        for key, value in self.staged.items():
            before = self.committed(key) if type(value) is list else ABSENT
            if type(before) is list and just_grew(before, value):
                self.say((GREW, key, len(before)))


def _is_unchanged(base: Any, recorded_base: Any, value: Any, recorded: Any) -> bool:
    if type(recorded) is Growth and type(base) is list and len(base) != len(value):
        return False
    form = recorded_form(recorded)
    if recorded_form(recorded_base) == form and not (type(form) is Raw and b"null" in bytes(form)):
        return True
    return same(base, value)  # a null may stand for an absent item, which a recorded form does not tell from a None


def _holds_absent(patch: Any) -> bool:
    """Whether a patch has a member that is `ABSENT`."""
    shown = record(patch)
    return type(shown) is Raw and bytes(ABSENT_RAW) in bytes(shown)


def _merges_alike(base: Any, patch: Any) -> bool:
    """Whether merging recorded forms gives what merging the values gave: both are plain JSON all through."""
    return (type(patch) in ATOMS or is_json(patch)) and (type(base) in ATOMS or base is ABSENT or is_json(base))
