"""Hiding values: which keys, and every trace of what they held."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from footpath.values import ABSENT, MARK, TAG, Secrets, live_name, plain, recorded_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class RedactionPolicy(msgspec.Struct, frozen=True):
    """What must never be seen in anything that is recorded.

    Attributes:
        keys: state keys, by name; `person.name` hides that member where a subflow begins with it or hands it out.
        fields: members of a key's object, by dotted path: `{"patient": ["ssn", "address.zip"]}`.
        patterns: regular expressions; a key that one of them finds is hidden.
        emit_patterns: likewise for the names of emitted events.
    """

    keys: tuple[str, ...] = ()
    fields: dict[str, tuple[str, ...]] = {}
    patterns: tuple[re.Pattern[str] | str, ...] = ()
    emit_patterns: tuple[re.Pattern[str] | str, ...] = ()


class Redaction:
    """A policy at work in one run: what is hidden so far, and the texts that must not occur.

    Attributes:
        has_policy: whether there is one, or only writes that ask to be hidden.
        marked: keys whose value is hidden because a hidden write was made.
        told_fields: whether the journal says which fields are hidden; there may be none.
    """

    def __init__(self, policy: RedactionPolicy | None) -> None:
        self.has_policy = policy is not None
        self.policy = policy or RedactionPolicy()
        self.keys = frozenset(map(recorded_name, self.policy.keys))
        self.patterns = _compiled(self.policy.patterns)
        self.emit_patterns = _compiled(self.policy.emit_patterns)
        self.fields = {recorded_name(key): tuple(paths) for key, paths in dict(self.policy.fields).items()}
        self.marked: dict[str, None] = {}
        self.secrets = Secrets()
        self.told_fields = not self.fields
        self._names_members = bool(self.patterns) or any("." in key for key in self.keys)
        self._verdicts: dict[str, bool] = {}
        self._unmarked: set[str] = set()

    @property
    def active(self) -> bool:
        """Whether a write that is not hidden itself has to be looked at."""
        return bool(self.secrets) or bool(self.fields)

    def wants(self, key: str) -> bool:
        """Whether a write of this key is hidden."""
        verdict = self._verdicts.get(key)
        if verdict is None:
            verdict = key in self.keys or any(pattern.search(live_name(key)) for pattern in self.patterns)
            self._verdicts[key] = verdict
        return verdict or key in self.marked

    hides = wants

    def wanted_at(self, path: tuple[str, ...]) -> str | None:
        """What hides a write at a path as a whole: its key, or a dotted name of a member on the way; None where nothing does."""
        for end in range(1, len(path) + 1):
            name = ".".join(path[:end])
            if self.wants(name):
                return name
        return ".".join(path) if len(path) > 1 and ".".join(path[1:]) in self.fields.get(path[0], ()) else None

    def needs_whole(self, key: str) -> bool:
        """Whether what is added to a list can't be shown by itself, because the list is or was hidden, or fields of it are."""
        return key in self.fields or key in self._unmarked or self.wants(key)

    def hides_evidence(self, key: str, value: Any) -> bool:
        """Whether evidence shows the mark; where nothing is, only if something hidden was written."""
        return self.wants(key) if value is not ABSENT else key in self.marked

    def mark(self, key: str, value: Any) -> None:
        """A hidden write was made."""
        self.marked[key] = None
        self.secrets.add(value)

    def learn(self, states: Iterable[Mapping[str, Any]], marked: Iterable[str]) -> None:
        """Know again what was hidden in states that come from elsewhere, in JSON's form."""
        for key in marked:
            self.marked[key] = None
        for state in states:
            self.show_state({key: _as_recorded(value) for key, value in state.items()})

    def unmark(self, key: str) -> bool:
        """The key was deleted; tells whether it was hidden."""
        hidden = self.wants(key)
        if self.marked.pop(key, 0) is None:
            self._unmarked.add(key)
        return hidden

    def show(self, key: str, recorded: Any) -> Any:
        """The recorded form of a write that is not hidden as a whole: hidden fields masked, known secrets scrubbed."""
        return self.masked(key, recorded)[0]

    def masked(self, key: str, recorded: Any) -> tuple[Any, list[str]]:
        """Like `show`, with the dotted paths of the key's fields that are to be hidden, whether there are any such or not."""
        paths = self.fields.get(key)
        if not paths:
            return self.scrub_recorded(recorded), []
        return self.scrub_recorded(self._mask(recorded, paths)), list(paths)

    def show_path(self, path: tuple[str, ...], value: Any, recorded: Any) -> Any:
        """The recorded form of what a subflow writes into its parent."""
        wanted = self.wanted_at(path)
        if wanted is not None:
            self.mark(wanted, value)
            return MARK
        return self.scrub_recorded(self._masked_below(path, recorded))

    def show_read(self, path: tuple[str, ...], recorded: Any) -> Any:
        """The recorded form of what a subflow's output is laid over, as a read of it shows it."""
        return MARK if self.wanted_at(path) is not None else self._masked_below(path, recorded)

    def _masked_below(self, path: tuple[str, ...], recorded: Any) -> Any:
        lead = "".join(f"{step}." for step in path[1:])
        below = [field[len(lead) :] for field in self.fields.get(path[0], ()) if field.startswith(lead)]
        return self._mask(recorded, below) if below else recorded

    def _mask(self, recorded: Any, paths: Iterable[str]) -> Any:
        if type(recorded) is not msgspec.Raw:
            return recorded
        value = plain(recorded)
        found = False
        for path in paths:
            steps = path.split(".")
            # A dotted path may be a member's own name, too.
            for way in [steps] if len(steps) == 1 else [[path], steps]:
                holder: Any = value
                for step in way[:-1]:
                    at = _place_of(step, _members(holder))
                    holder = None if at is None else _members(holder)[at]
                holder = _members(holder)
                at = _place_of(way[-1], holder)
                if at is not None:
                    if holder[at] != MARK:
                        self.secrets.add_form(holder[at])
                    holder[at] = MARK
                    found = True
        return msgspec.Raw(msgspec.json.encode(value)) if found else recorded

    def scrub(self, text: str) -> str:
        """A text without the secrets known so far."""
        return self.secrets.scrub_text(text) if self.secrets else text

    def scrub_recorded(self, recorded: Any) -> Any:
        """A recorded value without the secrets known so far."""
        return self.secrets.scrub_recorded(recorded) if self.secrets else recorded

    def hides_emit(self, name: str) -> bool:
        """Whether the payload of an event of that name is hidden, a diagnostic's as well."""
        return any(pattern.search(live_name(name)) for pattern in self.emit_patterns)

    def show_emit(self, name: str, recorded: Any) -> Any:
        """The payload of an event, UNSET when it has none; hidden when its name is to be."""
        if self.hides_emit(name):
            if recorded is not msgspec.UNSET:
                self.secrets.add_form(plain(recorded))
            return MARK
        return recorded if recorded is msgspec.UNSET else self.scrub_recorded(recorded)

    def show_input(self, recorded: Any) -> Any:
        """A run's input, its result, or what a subflow begins with: what the policy hides by name becomes the mark.

        That is by a key at the top, or of a parallel child, below `runs`.
        """
        value = plain(recorded)
        if isinstance(value, dict):
            changed = self._hide_members(value)
            changed = self._hide_in_runs(value.get(_RUNS)) or changed
            if changed:
                recorded = msgspec.Raw(msgspec.json.encode(value))
        return self.scrub_recorded(recorded)

    def show_result(self, recorded: Any) -> Any:
        """A run's result, likewise; of parallel children, who stand in it by their ids, what each gave."""
        value = plain(recorded)
        if isinstance(value, dict) and value and all(map(_is_outcome, value.values())):
            given = [each["result"] for each in value.values() if isinstance(each.get("result"), dict)]
            changed = [self._hide_members(each) for each in given]
            if any(changed):
                recorded = msgspec.Raw(msgspec.json.encode(value))
            return self.scrub_recorded(recorded)
        return self.show_input(recorded)

    def show_state(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """A state that a run begins with, by key, each value in its recorded form: without what is hidden."""
        shown: dict[str, Any] = {}
        for key, recorded in state.items():
            if self.wants(key):
                self.secrets.add(recorded)
                shown[key] = MARK
                continue
            if key == _RUNS:
                runs = plain(recorded)
                if self._hide_in_runs(runs):
                    recorded = msgspec.Raw(msgspec.json.encode(runs))
            shown[key] = self.show(key, recorded)
        return shown

    def _hide_in_runs(self, runs: Any) -> bool:
        """Hide by name what parallel children wrote; in place. Whether there was any of it."""
        changed = False
        if isinstance(runs, dict):
            for own in runs.values():
                if isinstance(own, dict):
                    changed = self._hide_members(own) or changed
        return changed

    def _hide_members(self, value: dict[str, Any]) -> bool:
        changed = False
        for key, held in value.items():
            if self.wants(key):
                self.secrets.add_form(held)
                value[key] = MARK
                changed = True
            elif key in self.fields:
                value[key] = plain(self._mask(_as_recorded(held), self.fields[key]))
                changed = True
        return changed

    def seed(self, mapped: Mapping[str, Any]) -> dict[str, list[str]]:
        """Mark what of a mapped input is hidden; gives the member names of objects that are hidden as a whole, by key."""
        members: dict[str, list[str]] = {}
        for key, value in mapped.items():
            if self.wants(key):
                self.marked[key] = None
                if value is ABSENT:
                    members[key] = []
                elif isinstance(value, dict) and dict.__len__(value):
                    members[key] = [str(name) for name, member in dict.items(value) if member is not ABSENT]
            elif isinstance(value, dict):
                named = (self.wanted_at((key, name)) for name in dict.keys(value) if type(name) is str)
                self.marked.update((name, None) for name in named if name is not None)
        return members

    def show_members(self, key: str, recorded: Any) -> Any:
        """The recorded form of what a mounted chart begins with under a key: written member by member, each may be hidden by its name."""
        if not self._names_members or type(recorded) is not msgspec.Raw:
            return recorded
        members = plain(recorded)
        if not isinstance(members, dict) or TAG in members:
            return recorded
        found = [name for name in members if self.wants(f"{key}.{name}")]
        for name in found:
            self.mark(f"{key}.{name}", _as_recorded(members[name]))
            members[name] = MARK
        return msgspec.Raw(msgspec.json.encode(members)) if found else recorded

    def show_mapped(self, recorded: Any) -> Any:
        """The recorded form of a mapped input."""
        recorded = self.show_input(recorded)
        if not self._names_members:
            return recorded
        mapped = plain(recorded)
        shown = {key: self.show_members(key, _as_recorded(value)) for key, value in mapped.items()}
        return msgspec.Raw(msgspec.json.encode(shown))

    def report(self) -> dict[str, Any]:
        """What is hidden now, by name; never what it holds."""
        return {
            "redactedKeys": list(self.marked),
            "fieldRedactions": {key: list(paths) for key, paths in self.fields.items()},
            "patterns": [pattern.pattern for pattern in self.patterns],
        }


_RUNS = "runs"  # where parallel children write, by child


def _as_recorded(value: Any) -> Any:
    """The recorded form of what is in JSON's form already."""
    return msgspec.Raw(msgspec.json.encode(value)) if isinstance(value, (dict, list)) else value


def _is_outcome(value: Any) -> bool:
    """Whether a value is what is said of one parallel child in the record of all."""
    return isinstance(value, dict) and {"id", "isError"} <= value.keys() <= {"id", "isError", "result"}


def _members(form: Any) -> Any:
    """The members of an object, also of one that stands in a tagged form: a dataclass, a struct."""
    return form.get("value") if isinstance(form, dict) and TAG in form else form


def _place_of(step: str, holder: Any) -> Any:
    """Where a step of a field's path leads in an object or a list; None when there is nothing."""
    if isinstance(holder, dict):
        return step if step in holder else None
    if isinstance(holder, list) and step.isdecimal() and step.isascii() and int(step) < len(holder):
        return int(step) if str(int(step)) == step else None
    return None


def _compiled(patterns: Iterable[re.Pattern[str] | str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


def policy_from(settings: Mapping[str, Any]) -> RedactionPolicy:
    """A policy from plain data, as configuration holds it.

    Raises:
        msgspec.ValidationError: the data has another shape.
    """
    return msgspec.convert(settings, RedactionPolicy)
