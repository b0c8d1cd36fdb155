"""What a run hides: by the keys and fields that its policy names, and by the writes that ask for it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from typing import Any

from footpath.values import MARK, ways_of
from tests.conformance._difference import HIDDEN
from tests.conformance._js import utf16
from tests.conformance._view import json_view

__all__ = ["LOG_MARK", "MARKS", "Hiding", "compiled"]

Json = Any
LOG_MARK = "REDACTED"
MARKS = (MARK, LOG_MARK, HIDDEN)

_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}


class Hiding:
    """Learns the secrets of a run while its programs write.

    Attributes:
        secrets: the values hidden so far.
        deleted: stage execution and key of each hidden key that was deleted after a resume.
        active: whether the run hides anything at all.
    """

    def __init__(self, policy: Mapping[str, Any] | None = None) -> None:
        chosen = policy or {}
        self.secrets: list[Any] = []
        self._under: dict[str, list[Any]] = {}
        self.deleted: set[tuple[str, str]] = set()
        self.active = bool(policy)
        self._keys = set(chosen.get("keys") or ())
        self._by_call: set[str] = set()
        self._fields: Mapping[str, list[str]] = chosen.get("fields") or {}
        self._patterns = [compiled(p) for p in chosen.get("patterns") or ()]
        self._emit_patterns = [compiled(p) for p in chosen.get("emitPatterns") or ()]
        self._newest = self
        """The policy of the executor that goes on now."""

    def in_one_run(self) -> Hiding:
        """The same for the next run of the executor: what the other executors hide by that its resumes were in, is no matter there."""
        twin = copy.copy(self)
        twin._newest = twin
        return twin

    def also(self, policy: Mapping[str, Any] | None) -> None:
        """Hide by another policy, too: a run goes on in an executor of its own."""
        other = self._newest = Hiding(policy)
        self.active = self.active or other.active
        self._keys = self._keys | other._keys
        self._fields = {**self._fields, **other._fields}
        self._patterns = [*self._patterns, *other._patterns]
        self._emit_patterns = [*self._emit_patterns, *other._emit_patterns]

    def wrote(self, key: str, value: Any, *, redact: bool = False) -> None:
        """Note a write; one that asks for redaction hides its key from then on."""
        if redact:
            self.active = True
            self._by_call.add(key)
        if self.hides(key):
            self.secrets.append(value)
            self._under.setdefault(key, []).append(value)
        for field in self._fields.get(key, ()):
            holder, at = _field({key: value}, key, field)
            if at is not None and holder[at] is not None:
                self.secrets.append(holder[at])

    def wrote_at(self, path: list[str], value: Any) -> None:
        """Note a write below a key."""
        for step in reversed(path[1:]):
            value = {step: value}
        self.wrote(path[0], value)

    def wrote_in_child(self, child: str, key: str, value: Json) -> None:
        """Note what a parallel child wrote, for the policy may hide it as a field of `runs`."""
        for field in self._fields.get("runs", ()):
            holder, at = _field({"runs": {child: {key: value}}}, "runs", field)
            if at is not None and field.startswith(f"{child}.{key}"):
                self.secrets.append(holder[at])

    def hides(self, key: str) -> bool:
        """Whether what is written to a key is hidden."""
        return key in self._by_call or self._names_key(key)

    def hides_by_policy(self, key: str) -> bool:
        """Whether it is hidden by the policy, which the reference, too, knows after a resume; if in a new executor, by that one's."""
        return self._newest._names_key(key)

    def _names_key(self, key: str) -> bool:
        return key in self._keys or any(pattern.search(key) for pattern in self._patterns)

    def has_forgotten(self, path: str) -> bool:
        """Whether a trace path lies at or below a key that is hidden for another reason, which the reference does not know after a resume."""
        steps = path.split("\x1f")
        key = steps[2] if steps[0] == "runs" and len(steps) > 2 else steps[0]
        return self.hides(key) and not self.hides_by_policy(key)

    def names(self, path: str, *, by_policy: bool = False) -> bool:
        """Whether a trace path (keys joined by U+001F) lies at or below a hidden key, or is a hidden field."""
        steps = re.split(r"[\x1f.]", path)
        hides = self.hides_by_policy if by_policy else self.hides
        for lead in (steps, steps[2:] if steps[0] == "runs" else []):
            if any(hides(".".join(lead[:end])) for end in range(1, len(lead) + 1)):
                return True
            if by_policy and lead and lead[0] in self._by_call:
                continue  # hidden as a whole where that has not been forgotten: its fields are not told
            if any(lead[1:] == field.split(".") for field in self._fields.get(lead[0] if lead else "", ())):
                return True
        return False

    def mapped(self, mapped: Mapping[str, Any]) -> None:
        """Note what a subflow begins with or hands out: it is written by key, and of an object by member."""
        for key, value in mapped.items():
            self.wrote(key, value)
            for name, member in value.items() if isinstance(value, dict) else ():
                if self.hides(f"{key}.{name}"):
                    self.secrets.append(member)

    def hide_in(self, state: dict[str, Json]) -> None:
        """Hide a subflow's hidden keys and fields in its state; in place."""
        for key in state:
            if self.hides(key):
                state[key] = HIDDEN
            for field in self._fields.get(key, ()):
                holder, at = _field(state, key, field)
                if at is not None:
                    holder[at] = HIDDEN

    def hide_texts(self, state: dict[str, Json]) -> None:
        """Hide texts of which a hidden field is a character: the reference does so in its log alone, we do everywhere; in place."""
        for key in self._fields.keys() & state.keys():
            if isinstance(state[key], str) and any(
                _field(state, key, field)[1] is not None for field in self._fields[key]
            ):
                state[key] = HIDDEN

    def held(self, key: Json, value: Json) -> bool:
        """Whether a value stands under a key just as it was hidden there, however common it is."""
        return any(json_view(each) == value for each in self._under.get(key, ()))

    def hide_dotted(self, state: dict[str, Json]) -> None:
        """Hide members that a policy hides by a dotted name, which the reference does where they are written one by one; in place."""
        for key, value in state.items():
            for member in value if isinstance(value, dict) else ():
                if self.hides(f"{key}.{member}"):
                    value[member] = HIDDEN

    def hide_all(self, state: dict[str, Json]) -> None:
        """Hide what is hidden by a key, a field or a dotted name; in place."""
        self.hide_in(state)
        self.hide_dotted(state)

    def hide_members(self, mapped: dict[str, Json]) -> None:
        """Hide what a policy hides by a dotted name in what a subflow begins with, which is written member by member; in place. It is a secret from then on."""
        for key, value in mapped.items():
            for member in value if isinstance(value, dict) else ():
                if self.hides(f"{key}.{member}") and value[member] not in MARKS:
                    self.secrets.append(value[member])
                    value[member] = HIDDEN

    def emitted(self, name: str, payload: Any) -> None:
        """Note an emit."""
        if self.hides_emit(name):
            self.secrets.append(payload)

    def hides_emit(self, name: str) -> bool:
        """Whether the payload of an emit of that name is hidden."""
        return any(pattern.search(name) for pattern in self._emit_patterns)


def _field(holder: Any, at: Any, field: str) -> tuple[Any, Any]:
    """What holds the field of a dotted path below a place, and where in it; None where there is none.

    A member may have a dot in its name. Of a text, of which a path may name a character, nothing is shown but that: there
    the field is the text.
    """
    found = (_member(holder, at, way) for way in ways_of(field))
    return next((each for each in found if each[1] is not None), (None, None))


def _member(holder: Any, at: Any, way: Iterable[str]) -> tuple[Any, Any]:
    for step in way:
        value = holder[at]
        if isinstance(value, dict) and step in value:
            holder, at = value, step
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            holder, at = value, int(step)
        elif isinstance(value, str) and (step == "length" or (step.isdecimal() and int(step) < len(utf16(value)) // 2)):
            return holder, at
        else:
            return None, None
    return holder, at


def compiled(pattern: str | Mapping[str, Any]) -> re.Pattern[str]:
    r"""A regular expression as cases give them: source text, or source and flags. An empty source reads `(?:)` in JavaScript.

    There `\w`, `\d` and `\b` know ASCII alone, and an ASCII letter is no other letter's other case; but `\s` knows all spaces.
    """
    source, letters = (pattern, "") if isinstance(pattern, str) else (pattern["source"], pattern.get("flags") or "")
    flags = re.ASCII if source.isascii() and "\\s" not in source.lower() else re.NOFLAG
    for letter in letters:
        flags |= _FLAGS.get(letter, re.NOFLAG)
    return re.compile(source or "(?:)", flags)
