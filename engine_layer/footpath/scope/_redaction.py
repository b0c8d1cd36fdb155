"""Hiding values: which keys, and every trace of what they held."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec

from footpath.errors import BuildError
from footpath.values import (
    ABSENT,
    ABSENT_FORM,
    MARK,
    TAG,
    Secrets,
    hide_fields,
    live_name,
    plain,
    record,
    recorded_name,
    ways_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    Path = tuple[str, ...]
    Hidden = list[list[str | None]]
    """Places in a state at which something was hidden: a method that is given such a list adds to it. None stands before what is absent."""


class RedactionPolicy(msgspec.Struct, frozen=True):
    """What must never be seen in anything that is recorded.

    Attributes:
        keys: state keys, by name; `person.name` hides that member where a subflow begins with it or hands it out.
        fields: members of a key's object, by dotted path: `{"patient": ["ssn", "address.zip"]}`.
        patterns: regular expressions; a key that one of them finds is hidden.
        emit_patterns: likewise for the names of emitted events.

    Raises:
        BuildError: one of them is not a list of texts, or a pattern is no regular expression.
    """

    keys: tuple[str, ...] = ()
    fields: dict[str, tuple[str, ...]] = {}
    patterns: tuple[re.Pattern[str] | str, ...] = ()
    emit_patterns: tuple[re.Pattern[str] | str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would hide nothing of what is meant: a lone text is a sequence of its letters."""
        _check_texts("keys", self.keys)
        _check_texts("patterns", self.patterns, of=(str, re.Pattern))
        _check_texts("emit_patterns", self.emit_patterns, of=(str, re.Pattern))
        fields = cast("object", self.fields)
        if not isinstance(fields, Mapping):
            raise BuildError(f'a redaction policy\'s fields are {fields!r:.120}: give {{"key": ["path", ...]}}')
        for key, paths in fields.items():
            _check_texts(f"fields[{key!r:.60}]", paths)
        for pattern in (*self.patterns, *self.emit_patterns):
            try:
                re.compile(pattern)
            except re.error as error:
                message = f"a redaction policy's pattern {pattern!r:.120} is no regular expression: {error}"
                raise BuildError(message) from error


class Redaction:
    """A policy at work in one run: what is hidden so far, and the texts that must not occur.

    Attributes:
        has_policy: whether there is one, or only writes that ask to be hidden.
        marked: keys whose value is hidden because a hidden write was made.
        told_fields: whether the journal says which fields are hidden; there may be none.
        patched: keys of which the journal does not tell what may be seen: a patch was laid over them that adds items to
            a list, of which some are hidden by their place.
    """

    def __init__(self, policy: RedactionPolicy | None) -> None:
        self.has_policy = policy is not None
        self.policy = policy or RedactionPolicy()
        self.keys = frozenset(map(recorded_name, self.policy.keys))
        self.patterns = _compiled(self.policy.patterns)
        self.emit_patterns = _compiled(self.policy.emit_patterns)
        self.fields = {recorded_name(key): tuple(paths) for key, paths in dict(self.policy.fields).items() if paths}
        self.marked: dict[str, None] = {}
        self.secrets = Secrets()
        self.told_fields = not self.fields
        self._dotted = bool(self.patterns) or any("." in key for key in self.keys)
        self.patched: set[str] = set()
        self._verdicts: dict[str, bool] = {}
        self._unmarked: set[str] = set()

    @property
    def active(self) -> bool:
        """Whether a write that is not hidden itself has to be looked at."""
        return bool(self.secrets) or bool(self.fields)

    @property
    def _names_members(self) -> bool:
        """Whether a member may be hidden by its name, as `key.member`."""
        return self._dotted or any("." in key for key in self.marked)

    @property
    def known_names(self) -> tuple[str, ...]:
        """Names that tell nothing of what they are names of: the policy's own."""
        return (*self.keys, *self.fields)

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
        if type(value) is str and key in self.fields and self._mask(value, self.fields[key], (), []) is MARK:
            return True
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
            self.show_state({key: _as_recorded(value) for key, value in state.items()}, [])

    def forgotten(self, states: Iterable[Mapping[str, Any]]) -> Secrets:
        """The secrets that `learn` would not know again from these states and what is marked now."""
        anew = Redaction(self.policy)
        anew.learn(states, self.marked)
        return self.secrets.less(anew.secrets)

    def unmark(self, key: str) -> bool:
        """The key was deleted; tells whether it was hidden."""
        hidden = self.wants(key)
        if self.marked.pop(key, 0) is None:
            self._unmarked.add(key)
        return hidden

    def members_left(self, key: str, base: Any) -> Any:
        """Of a key that is not hidden any more, the members of what was there before, each hidden; None where there are none to tell of.

        A deletion by a parallel child, or in a subflow, leaves what it was hidden for where others have it.
        """
        if key not in self._unmarked or not isinstance(base, dict):
            return None
        hidden = {str(name): MARK for name, member in dict.items(base) if member is not ABSENT}
        return self.scrub_recorded(record(hidden)) if hidden else None

    def note_patch(self, key: str) -> None:
        """A patch was laid over a key with hidden fields."""
        if any(step.isdecimal() or step == "length" for path in self.fields[key] for step in path.split(".")):
            self.patched.add(key)

    def blurs(self, patch: Any, recorded: Any) -> bool:
        """Whether a merge of recorded forms may not come to what a patch came to: in lists, two texts that are secret are one mark."""
        return bool(self.secrets) and _holds_list(patch) and self.scrub_recorded(recorded) is not recorded

    def show(self, key: str, recorded: Any) -> Any:
        """The recorded form of what stands under a key that is not hidden as a whole: hidden fields masked, known secrets scrubbed.

        Of what parallel children wrote, also what is hidden by its name.
        """
        if key == _RUNS:
            runs = plain(recorded)
            if self._hide_in_runs(runs, []):
                recorded = msgspec.Raw(msgspec.json.encode(runs))
        return self.masked(key, recorded)[0]

    def masked(self, key: str, recorded: Any) -> tuple[Any, list[Any]]:
        """Like `show`, with the dotted paths of the key's fields that are to be hidden, whether there are any such or not.

        Of those that are there and absent, the ways follow, as lists of steps; of a text, the way that led into it,
        behind a None.
        """
        paths = self.fields.get(key)
        if not paths:
            return self.scrub_recorded(recorded), []
        hidden: Hidden = []
        shown = self._mask(recorded, paths, (), hidden)
        if hidden and type(recorded) is str:
            return shown, [*paths, [None, *hidden[0]]]
        return self.scrub_recorded(shown), [*paths, *[way[1:] for way in hidden if way[0] is None]]

    def show_path(self, path: Path, value: Any, recorded: Any, hidden: Hidden) -> Any:
        """The recorded form of what a subflow writes into its parent."""
        wanted = self.wanted_at(path)
        if wanted is not None:
            self.mark(wanted, value)
            hidden.append([None, *path] if value is ABSENT else list(path))
            return MARK
        return self.scrub_recorded(self._masked_below(path, recorded, hidden))

    def show_read(self, path: Path, recorded: Any) -> Any:
        """The recorded form of what a subflow's output is laid over, as a read of it shows it."""
        return MARK if self.wanted_at(path) is not None else self._masked_below(path, recorded, [])

    def _masked_below(self, path: Path, recorded: Any, hidden: Hidden) -> Any:
        lead = "".join(f"{step}." for step in path[1:])
        below = [field[len(lead) :] for field in self.fields.get(path[0], ()) if field.startswith(lead)]
        return self._mask(recorded, below, path, hidden) if below else recorded

    def _mask(self, recorded: Any, paths: Iterable[str], at: Path, hidden: Hidden) -> Any:
        """Hide fields of what stands at a path."""
        if type(recorded) is not msgspec.Raw and type(recorded) is not str:
            return recorded
        ways = [way for path in paths for way in ways_of(path)]
        held: list[Any] = []
        value, found = hide_fields(plain(recorded), ways, MARK, held.append)
        if not found:
            return recorded
        for way, form in zip(found, held, strict=True):
            self._learn(form)
            hidden.append([None, *at, *way] if form == ABSENT_FORM else [*at, *way])
        if type(recorded) is str:
            return MARK  # a way led into it
        return msgspec.Raw(msgspec.json.encode(value))

    def _learn(self, form: Any) -> None:
        if form != MARK:
            self.secrets.add_form(form)

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
        return self._show_members(recorded, [])

    def _show_members(self, recorded: Any, hidden: Hidden) -> Any:
        value = plain(recorded)
        if isinstance(value, dict):
            before = len(hidden)
            self._hide_members(value, (), hidden)
            self._hide_in_runs(value.get(_RUNS), hidden)
            if len(hidden) != before:
                recorded = msgspec.Raw(msgspec.json.encode(value))
        return self.scrub_recorded(recorded)

    def show_result(self, recorded: Any) -> Any:
        """A run's result, likewise; of parallel children, who stand in it by their ids, what each gave."""
        value = plain(recorded)
        if isinstance(value, dict) and value and all(map(_is_outcome, value.values())):
            hidden: Hidden = []
            for each in value.values():
                if isinstance(each.get("result"), dict):
                    self._hide_members(each["result"], (), hidden)
            if hidden:
                recorded = msgspec.Raw(msgspec.json.encode(value))
            return self.scrub_recorded(recorded)
        return self.show_input(recorded)

    def show_state(self, state: Mapping[str, Any], hidden: Hidden) -> dict[str, Any]:
        """A state that a run begins with, by key, each value in its recorded form: without what is hidden."""
        shown: dict[str, Any] = {}
        for key, recorded in state.items():
            if self.wants(key):
                self.secrets.add(recorded)
                shown[key] = MARK
                hidden.append([key])
                continue
            if key == _RUNS:
                runs = plain(recorded)
                if self._hide_in_runs(runs, hidden):
                    recorded = msgspec.Raw(msgspec.json.encode(runs))
            shown[key] = self.scrub_recorded(self._masked_below((key,), recorded, hidden))
        return shown

    def _hide_in_runs(self, runs: Any, hidden: Hidden) -> bool:
        """Hide by name what parallel children wrote; in place. Whether there was any of it."""
        before = len(hidden)
        if isinstance(runs, dict):
            for branch, own in runs.items():
                if isinstance(own, dict):
                    self._hide_members(own, (_RUNS, branch), hidden)
        return len(hidden) != before

    def _hide_members(self, value: dict[str, Any], at: Path, hidden: Hidden) -> None:
        for key, held in value.items():
            if self.wants(key):
                self.secrets.add_form(held)
                value[key] = MARK
                hidden.append([*at, key])
            elif key in self.fields:
                value[key] = plain(self._mask(_as_recorded(held), self.fields[key], (*at, key), hidden))

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

    def show_members(self, key: str, recorded: Any, hidden: Hidden) -> Any:
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
            hidden.append([key, name])
        return msgspec.Raw(msgspec.json.encode(members)) if found else recorded

    def show_mapped(self, recorded: Any, hidden: Hidden) -> Any:
        """The recorded form of a mapped input."""
        recorded = self._show_members(recorded, hidden)
        if not self._names_members:
            return recorded
        mapped = plain(recorded)
        shown = {key: self.show_members(key, _as_recorded(value), hidden) for key, value in mapped.items()}
        return msgspec.Raw(msgspec.json.encode(shown))

    def report(self) -> dict[str, Any]:
        """What is hidden now, by name; never what it holds."""
        return {
            "redactedKeys": list(self.marked),
            "fieldRedactions": {recorded_name(key): list(paths) for key, paths in dict(self.policy.fields).items()},
            "patterns": [pattern.pattern for pattern in self.patterns],
        }


def _holds_list(value: Any) -> bool:
    todo = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, (list, tuple)):
            return True
        if isinstance(part, dict):
            todo += part.values()
    return False


_RUNS = "runs"  # where parallel children write, by child


def _as_recorded(value: Any) -> Any:
    """The recorded form of what is in JSON's form already."""
    return msgspec.Raw(msgspec.json.encode(value)) if isinstance(value, (dict, list)) else value


def _is_outcome(value: Any) -> bool:
    """Whether a value is what is said of one parallel child in the record of all."""
    return isinstance(value, dict) and {"id", "isError"} <= value.keys() <= {"id", "isError", "result"}


def _check_texts(name: str, texts: object, of: tuple[type, ...] = (str,)) -> None:
    if isinstance(texts, list | tuple | set | frozenset) and all(isinstance(text, of) for text in texts):
        return
    example = f'["{texts}"]' if isinstance(texts, str) else '["card", "ssn"]'
    raise BuildError(f"a redaction policy's {name} are {texts!r:.120}: give a list of texts, such as {example:.120}")


def _compiled(patterns: Iterable[re.Pattern[str] | str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)
