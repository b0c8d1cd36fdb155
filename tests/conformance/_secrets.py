"""The rule "hidden is hidden": a value that redaction hides somewhere counts as hidden wherever it stands.

The reference hides a value under its own key and lets copies and derived texts through; this engine hides it
everywhere (docs/parity.md). So both results have the secrets taken out before they are compared: what a secret is, the
engine's own `Secrets` says, and which values are secret, the case: what was written to hidden keys, and what the
reference's snapshot shows that its redacted snapshot does not. What we show must be what the reference shows, or that
without its secrets: we may hide more than it does, never less.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from footpath.values import MARK, Secrets
from tests.conformance._difference import HIDDEN, Difference, dicts_in, dicts_in_both, difference
from tests.conformance._js import utf16
from tests.conformance._view import json_view

__all__ = ["Hiding", "compiled", "forgive_cuts", "hide_everywhere", "hide_in_both", "shown_by_us_alone"]

Json = Any
_LOG_MARK = "REDACTED"
_MARKS = (MARK, _LOG_MARK, HIDDEN)


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
                if self.hides(f"{key}.{member}") and value[member] not in _MARKS:
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

    Of a text, of which a path may name a character, nothing is shown but that: there the field is the text.
    """
    for step in field.split("."):
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


_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}


def compiled(pattern: str | Mapping[str, Any]) -> re.Pattern[str]:
    r"""A regular expression as cases give them: source text, or source and flags. An empty source reads `(?:)` in JavaScript.

    There `\w`, `\d` and `\b` know ASCII alone, and an ASCII letter is no other letter's other case; but `\s` knows all spaces.
    """
    source, letters = (pattern, "") if isinstance(pattern, str) else (pattern["source"], pattern.get("flags") or "")
    flags = re.ASCII if source.isascii() and "\\s" not in source.lower() else re.NOFLAG
    for letter in letters:
        flags |= _FLAGS.get(letter, re.NOFLAG)
    return re.compile(source or "(?:)", flags)


def hide_in_both(theirs: list[Json], ours: list[Json], hiding: Hiding, *, aligned: bool) -> None:
    """Take the secrets out of the reference's phases where we show something else, and leave ours as we show them.

    Where the two are not `aligned`, as parallel charts interleave, secrets are taken out of both.
    """
    for phase in ours:
        phase.get("checkpoint", {}).pop("redactedTexts", None)  # where in it hidden texts stand
    for pair in zip_longest(theirs, ours):
        if None not in pair and pair[0]["op"] == "resume":
            _let_report_more(*pair, hiding)
        if aligned and None not in pair:
            _let_stay_hidden(*pair, hiding)
        shown = copy.deepcopy(pair)
        hidden = Secrets()
        if pair[0] is not None:
            learn_hidden(pair[0], hidden)
        told = "\n".join(line["text"] for line in pair[1]["narrative"]) if pair[1] else ""
        for phase in pair:
            if phase is not None:
                _hide_in_rules(phase, hiding, told)
                hide_everywhere(phase, hiding, hidden)
        if aligned and None not in pair:
            _show_again(*pair, *shown, hidden, _beginning_of(hiding.secrets))


def _let_stay_hidden(theirs: Json, ours: Json, hiding: Hiding) -> None:
    """Put our mark where the reference shows a value under the very key that it was hidden under; in place.

    It forgets that the key is hidden when a parallel child deletes it, which deletes nothing but what the child wrote:
    the value stands there as before.
    """
    for one, other in zip(theirs["narrative"], ours["narrative"], strict=False):
        accessed = _ACCESS.match(one["text"])
        if accessed and "rawValue" in one and _stays(hiding, accessed[2], one["rawValue"], other.get("rawValue")):
            one["rawValue"] = MARK
            if other["text"].endswith(MARK):  # else its summary says nothing of the value, and must be the same
                one["text"] = f"{accessed[1]}{MARK}"
    for left, right in dicts_in_both(theirs, ours):
        if "value" in left and _stays(hiding, left.get("key"), left["value"], right.get("value")):
            left["value"] = MARK
        for bag in ("stageReads", "stageWrites"):
            for key, value in (left.get(bag) or {}).items():
                if _stays(hiding, key, value, (right.get(bag) or {}).get(key)):
                    left[bag][key] = MARK


def _stays(hiding: Hiding, key: Json, value: Json, our_value: Json) -> bool:
    return isinstance(key, str) and our_value == MARK and value not in _MARKS and hiding.held(key, value)


def _show_again(
    theirs: Json, ours: Json, their_shown: Json, our_shown: Json, secrets: Secrets, beginning: Callable[[str], bool]
) -> None:
    """Undo the hiding wherever both sides show the same, and on our side everywhere; in place."""
    stack = [(theirs, ours, their_shown, our_shown)]
    while stack:
        left, right, left_shown, right_shown = stack.pop()
        # Of lists of which one is longer, where the sides part further on, what stands at the same places.
        for key in list(left) if isinstance(left, dict) else range(min(len(left), len(right))):
            if isinstance(left, dict) and not (key in right and key in left_shown and key in right_shown):
                continue
            if left[key] == right[key] == HIDDEN and any(
                isinstance(left_shown[key], kind) and isinstance(right_shown[key], kind) for kind in (dict, list)
            ):
                # Hidden by its name, though neither hides it as a whole: then what is in it counts.
                left[key], right[key] = _without(left_shown[key], secrets), _without(right_shown[key], secrets)
                _hide_members(left[key], right_shown[key])
            parts = left[key], right[key], left_shown[key], right_shown[key]
            if all(isinstance(part, dict) for part in parts) or (
                all(isinstance(part, list) for part in parts)
                and len(parts[0]) == len(parts[2])
                and len(parts[1]) == len(parts[3])
            ):
                stack.append(parts)
            elif difference(parts[2], parts[3]) is None:
                left[key], right[key] = parts[2:]
            elif parts[0] == HIDDEN and isinstance(parts[1], dict) and _bears_mark(parts[3]):
                right[key] = HIDDEN  # of a text the way to what is hidden in it
            elif not isinstance(parts[1], list) and not (parts[1] == HIDDEN and _bears_mark(parts[3])):
                right[key] = parts[3].replace(f'"{MARK}"', MARK) if isinstance(parts[3], str) else parts[3]
                is_cut = _CUT.get(key)
                if is_cut is not None and _is_cut_before_hiding(
                    left[key], left_shown[key], right[key], is_cut, beginning
                ):
                    right[key] = left[key]


def forgive_cuts(theirs: Json, ours: Json) -> None:
    """Where the two sides were not aligned when secrets were taken out: of a text that the reference cut before, compare what it has.

    What it showed, and so whether it was cut, is not known any more: what is left of it must be the beginning of ours,
    and hide something. Where a value of the reference's was taken out as a whole, a summary of ours may show the mark.
    """
    stack = [(theirs, ours)]
    while stack:
        left, right = stack.pop()
        if isinstance(left, dict) and isinstance(right, dict):
            for name in left.keys() & right.keys():
                if left[name] == HIDDEN and _bears_mark(right[name]):
                    right[name] = HIDDEN
            for name in _CUT:
                texts = left.get(name), right.get(name)
                if all(isinstance(each, str) and MARK in each for each in texts):
                    cut = name == "preview" or texts[0].endswith('..."')
                    if cut and _goes_on_as(texts[0], texts[1], lambda rest: MARK not in rest):
                        right[name] = texts[0]
            stack += [(left[key], right[key]) for key in left if key in right]
        elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            stack += zip(left, right, strict=True)


def shown_by_us_alone(theirs: Json, ours: Json, at: str) -> Difference | None:
    """The first place where the reference shows a mark and we show what it hides; None when there is none.

    For two sides that were not aligned when secrets were taken out: from both, so that what we alone show is gone, too.
    """
    stack = [(at, theirs, ours)]
    while stack:
        path, left, right = stack.pop()
        if isinstance(left, dict) and isinstance(right, dict):
            stack += [(f"{path}.{key}", left[key], right[key]) for key in left if key in right]
        elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            stack += [(f"{path}[{index}]", *pair) for index, pair in enumerate(zip(left, right, strict=True))]
        elif isinstance(left, str) and not _bears_mark(right) and (left in _MARKS or MARK in left):
            marks = right.count(MARK) if isinstance(right, str) else 0
            if left in _MARKS or marks < left.count(MARK):
                return Difference(path, json.dumps(left), json.dumps(right))
    return None


def _hide_members(theirs: Json, our_shown: Json) -> None:
    """Of an object or a list that is hidden by its name we may hide parts instead; in place."""
    stack = [(theirs, our_shown)]
    while stack:
        left, right = stack.pop()
        parts: Iterable[Any] = ()
        if isinstance(left, dict) and isinstance(right, dict):
            parts = left.keys() & right.keys()
        elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            parts = range(len(left))
        for part in parts:
            if right[part] in _MARKS:
                left[part] = HIDDEN
            else:
                stack.append((left[part], right[part]))


def _without(shown: Json, secrets: Secrets) -> Json:
    """A copy of an object or a list in which nothing secret stands."""
    twin = copy.deepcopy(shown)
    stack = [twin]
    while stack:
        item = stack.pop()
        for at in list(item) if isinstance(item, dict) else range(len(item)):
            if isinstance(item[at], (dict, list)):
                stack.append(item[at])
            else:
                item[at] = _hidden(item[at], secrets)
    return twin


_CUT: Mapping[Json, Callable[[str], bool]] = {
    "text": lambda shown: shown.endswith('..."'),
    "preview": lambda shown: len(utf16(shown)) == 2 * _PREVIEW_UNITS,
}
"""How to tell that the end of a text is not shown, by the member that holds it."""


def _is_cut_before_hiding(
    theirs: Json, their_shown: Json, ours: Json, is_cut: Callable[[str], bool], begins: Callable[[str], bool]
) -> bool:
    """Whether the reference cut a long text before something in it was hidden, and we after it was: ours then goes on longer."""
    if not all(isinstance(each, str) for each in (theirs, their_shown, ours)):
        return False
    return is_cut(their_shown) and MARK in ours and _goes_on_as(theirs, ours, begins)


def _goes_on_as(theirs: str, ours: str, begins: Callable[[str], bool]) -> bool:
    """Whether ours begins as what the reference left of a text that it cut; at its end that may be what a hidden text `begins` with."""
    kept = theirs.removesuffix('..."')
    at = next((at for at, (one, other) in enumerate(zip(kept, ours, strict=False)) if one != other), len(kept))
    return len(ours) >= at and (at == len(kept) or (ours[at:].startswith(MARK) and begins(kept[at:])))


def _bears_mark(shown: Json) -> bool:
    """Whether what is shown is a mark, a summary of one, or an object or a list of which nothing else is shown."""
    if isinstance(shown, list):
        return bool(shown) and all(item in _MARKS for item in shown)
    if not isinstance(shown, dict):
        return shown in _MARKS
    return shown.get("preview") in _MARKS or (bool(shown) and all(member in _MARKS for member in shown.values()))


def hide_everywhere(phase: dict[str, Json], hiding: Hiding, hidden: Secrets) -> None:
    """Take every secret out of a phase, but for the state that the plain snapshot and a checkpoint show; in place.

    Secret is what was written to hidden keys, and what is `hidden` in the reference's redacted snapshot.
    Where a hidden value stood as a whole, `HIDDEN` is left, which compares equal to either of the marks.
    """
    _hide_given(phase, hiding)
    if phase["op"] == "resume":
        _stay_hidden(phase, hiding)
    for _, state in _shared_states(phase):
        hiding.hide_texts(state or {})
    secrets = hidden
    for value in hiding.secrets:
        secrets.add(value)
        secrets.add(json_view(value))  # as the results have it: a date as text, say
    long = [text for text in _texts(json_view(hiding.secrets)) if len(text) > _PREVIEW_UNITS // 2]
    stack: list[tuple[Json, bool]] = [(phase, True)]
    while stack:
        item, live = stack.pop()
        if isinstance(item, dict):
            _hide_named(item, hiding, resumed=phase["op"] == "resume")
            for key, member in item.items():
                if key == "sharedState" and live:
                    continue
                if isinstance(member, dict) and _SUMMARIES & member.keys():
                    preview = _hidden(member.get("preview"), secrets)
                    if any(_summarized(text) == (member.get("size"), member.get("preview")) for text in long):
                        preview = HIDDEN
                    if preview == HIDDEN:
                        item[key] = HIDDEN
                        continue
                    if isinstance(preview, str) and MARK in preview:
                        member.pop("size", None)  # of a text in which something is hidden
                if isinstance(member, (dict, list)):
                    stack.append((member, live and key != "snapshotRedacted"))
                elif secrets and not (key in _COUNTS and isinstance(member, int)):
                    item[key] = _hidden(member, secrets)
            if item.get("type") in _TELLING_LINES and "text" in item:
                item["text"] = _THRESHOLD.sub(lambda m: _threshold(m[0], secrets), item["text"])
            emitted = _EMITTED.match(item["text"]) if item.get("type") == "emit" and "text" in item else None
            if secrets and emitted is not None and _hidden(emitted[2], secrets) == HIDDEN:
                item["text"] = emitted[1] + MARK
            if item.get("rawValue") in _MARKS:
                item["text"] = _VALUE.sub(lambda m: m[1] + MARK, item["text"])
        else:
            for index, member in enumerate(item):
                if isinstance(member, (dict, list)):
                    stack.append((member, live))
                elif secrets:
                    item[index] = _hidden(member, secrets)


def _hide_given(phase: dict[str, Json], hiding: Hiding) -> None:
    """Hide by name what the reference shows of a run's input and result, and of a state that was gone back to."""
    for entry in phase["events"]:
        payload = entry["event"].get("payload")
        if entry["method"] == "onRunStart" and isinstance(payload, dict):
            for key, value in payload.items():
                if value not in _MARKS:
                    hiding.wrote(key, copy.deepcopy(value))
            hiding.hide_in(payload)
        elif entry["method"] == "onRunEnd" and isinstance(payload, dict):
            given = [each.get("result") for each in payload.values() if isinstance(each, dict) and "isError" in each]
            for each in given or [payload]:  # of each parallel child, or the run's own
                if isinstance(each, dict):
                    hiding.hide_in(each)
        elif entry["method"] == "onWrite" and entry["event"].get("pipelineId") and "value" in entry["event"]:
            hiding.wrote_in_child(*(copy.deepcopy(entry["event"][part]) for part in ("pipelineId", "key", "value")))
        mapped = entry["event"].get("mappedInput")
        if entry["method"] == "onSubflowEntry" and isinstance(mapped, dict):
            hiding.hide_members(mapped)
    for key, value in ((phase.get("snapshot") or {}).get("initialState") or {}).items():
        if value not in _MARKS:
            hiding.wrote(key, copy.deepcopy(value))
    for line in phase["narrative"]:
        given = _INPUT.match(line["text"])
        if given and "rawValue" in line:
            hiding.hide_members({given[1]: line["rawValue"]})
    for query in phase.get("queries") or ():
        answer = query.get("answer")
        if query["q"] == "stateAt" and isinstance(answer, dict) and isinstance(answer.get("state"), dict):
            hiding.hide_in(answer["state"])


def _stay_hidden(phase: dict[str, Json], hiding: Hiding) -> None:
    """After a resume the reference has forgotten which keys redacted writes had marked."""
    for entry in phase["events"]:
        event = entry["event"]
        gone = event.get("operation") == "delete" or "value" not in event
        if entry["method"] == "onWrite" and gone and hiding.hides(event["key"]):
            hiding.deleted.add((event["runtimeStageId"], event["key"]))
        for mutation in event.get("mutations") or ():
            if hiding.hides(mutation["key"]):
                mutation["value"] = HIDDEN
        if entry["method"] in ("onRead", "onWrite") and hiding.hides(event["key"]):
            event.update(value=HIDDEN, redacted=True)
        for name in ("outputState", "mappedInput"):
            if isinstance(event.get(name), dict):
                hiding.hide_all(event[name])
    for _, shown in _shared_states(phase):
        if shown:
            hiding.hide_all(shown)
    for bundle in dicts_in([phase.get("snapshot"), phase.get("snapshotRedacted")]):
        for part in ("overwrite", "updates") if "redactedPaths" in bundle else ():
            hiding.hide_all(bundle[part])
    for node in dicts_in([phase.get(name) for name in ("snapshot", "snapshotRedacted", "checkpoint")]):
        for stage, key in hiding.deleted if "isDecider" in node else ():
            if node.get("runtimeStageId") == stage and key not in node.get("stageWrites", ()):
                node.setdefault("stageWrites", {})[key] = HIDDEN  # where it stands with nothing, which JSON leaves out
        if isinstance(node.get("globalContext"), dict):
            hiding.hide_all(node["globalContext"])
        for bag in ("stageReads", "stageWrites"):
            for key in node.get(bag) or ():
                if hiding.hides(key):
                    node[bag][key] = HIDDEN
    for line in phase["narrative"]:
        accessed = _ACCESS.match(line["text"]) or _GIVEN.match(line["text"])
        if accessed and hiding.hides(accessed[2]):
            line.update(text=f"{accessed[1]}{MARK}", rawValue=HIDDEN)


def _hide_in_rules(phase: dict[str, Json], hiding: Hiding, ours: str) -> None:
    """In the lines that tell a rule, hide what its events hide by the key's name, where our lines do."""
    for condition in dicts_in(phase["events"]):
        if "actualSummary" in condition and hiding.hides(condition.get("key")):
            told = re.escape("{key} {actualSummary} {op} ".format_map(condition))
            shown = "{key} {0} {op} ".format(MARK, **condition)
            if shown not in ours:
                continue
            if condition["op"] in TELLING_OPERATORS:
                told, shown = rf"{told}.*?(?= [✓✗])", shown + MARK
            for line in phase["narrative"]:
                if line.get("type") in _TELLING_LINES:
                    line["text"] = re.sub(told, lambda _, shown=shown: shown, line["text"], flags=re.DOTALL)


def _let_report_more(theirs: Json, ours: Json, hiding: Hiding) -> None:
    """After a resume the report may list more of ours: keys that are hidden, in any order."""
    reports = [phase.get("redactionReport") for phase in (theirs, ours)]
    if all(reports):
        known, listed = (report["redactedKeys"] for report in reports)
        reports[0]["redactedKeys"] = sorted(known)
        reports[1]["redactedKeys"] = sorted(key for key in listed if key in known or not hiding.hides(key))


_PREVIEW_UNITS = 80
"""What a summary shows of a text at most, in UTF-16 units."""


def _summarized(text: str) -> tuple[int, str]:
    """Size and preview of a text in a summary."""
    units = utf16(text)
    return len(units) // 2, units[: 2 * _PREVIEW_UNITS].decode("utf-16-be", "surrogatepass")


def _beginning_of(values: list[Any]) -> Callable[[str], bool]:
    """Tells whether a text is what one of these values, as text or as JSON, begins with."""
    texts = {text for each in _texts(json_view(values)) for text in (each, json.dumps(each, ensure_ascii=False)[1:])}
    return lambda rest: any(text.startswith(rest) for text in texts)


def _texts(value: Json) -> Iterator[str]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, (dict, list)):
            stack += item.values() if isinstance(item, dict) else item


_INPUT = re.compile(r"Input: (.*?) = ", re.DOTALL)
_IN_RUNS = re.compile("runs\x1f[^\x1f]*\x1f")
_COUNTS = frozenset(
    {
        "commitIdx",
        "firstCommitIdx",
        "idx",
        "iteration",
        "lastCommitIdx",
        "loopIteration",
        "stepNumber",
        "throughCommitIdx",
    }
)
"""Numbers that the engine gives: none is a value that somebody wrote, however like a hidden one it is."""
_SUMMARIES = frozenset({"__writeSummary", "__readSummary"})
_BAGS = {"logs": "log.debug.", "errors": "log.error.", "metrics": "metric.", "evals": "eval."}
_ACCESS = re.compile(r"^((?:Step \d+: )?(?:Read|Write|Update) (.+?) = ).*$", re.DOTALL)
_GIVEN = re.compile(r"^(Input: (.+?) = ).*$", re.DOTALL)
_EMITTED = re.compile(r"^(\[emit\] .*?: )(.*)$", re.DOTALL)
TELLING_OPERATORS = frozenset({"eq", "ne", "in", "notIn"})
"""Whose threshold says what the actual value is, or is not."""
_TELLING_LINES = frozenset({"condition", "selector"})
_THRESHOLD = re.compile(
    r"(?:(?<= eq )|(?<= ne )|(?<= gt )|(?<= gte )|(?<= lt )|(?<= lte )|(?<= in )|(?<= notIn ))\S.*?(?= [✓✗])", re.DOTALL
)


def _threshold(text: str, secrets: Secrets) -> str:
    """A condition's threshold, JSON, without what is hidden; as it is where it has a mark already."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    items: list[Json] = value if isinstance(value, list) else [value]
    shown = [
        MARK if item in _MARKS or _hidden(item, secrets) == HIDDEN else json.dumps(item, ensure_ascii=False)
        for item in items
    ]
    if MARK not in shown:
        return text
    return f"[{','.join(shown)}]" if isinstance(value, list) else shown[0]


_VALUE = re.compile(r"^([^=]* = ).*$", re.DOTALL)


def _hide_named(item: dict[str, Json], hiding: Hiding, *, resumed: bool) -> None:
    """Hide what a policy hides by name, where the reference does not: tree nodes, states, lists of hidden paths."""
    if "metrics" in item and "evals" in item:
        for bag, prefix in _BAGS.items():
            for key in item.get(bag) or ():
                if hiding.hides_emit(prefix + key) and key != "stageExecutionError":  # which is no remark of a stage
                    item[bag][key] = HIDDEN
    for name in ("initialState", "globalContext"):
        if isinstance(item.get(name), dict):
            hiding.hide_in(item[name])
    for runs in (item.get("runs"), *(item.get(name) for name in ("value", "rawValue") if item.get("key") == "runs")):
        for state in runs.values() if isinstance(runs, dict) else ():  # what parallel children wrote
            if isinstance(state, dict):
                hiding.hide_in(state)
    for name in ("value", "rawValue"):
        if name in item and isinstance(item.get("key"), str):
            held = {item["key"]: item[name]}
            hiding.hide_texts(held)
            hiding.hide_dotted(held)
            item[name] = held[item["key"]]
    for bag in ("stageReads", "stageWrites"):
        hiding.hide_texts(item.get(bag) or {})
        hiding.hide_dotted(item.get(bag) or {})
    if "actualSummary" in item:
        seen = {item["key"]: str(item["actualSummary"])[1:-1]}
        hiding.hide_texts(seen)
        if hiding.hides(item["key"]) or HIDDEN in seen.values():
            item.update(actualSummary=HIDDEN, redacted=True)
    if isinstance(item.get("redactedPaths"), list):
        paths = [path for path in item["redactedPaths"] if hiding.names(path, by_policy=resumed)]
        if resumed:
            paths = [path for path in paths if not hiding.has_forgotten(path)]
        if (
            item.get("runtimeStageId") == ""
        ):  # what a subflow goes on from: of what its children wrote, the reference hides nothing
            paths = [path for path in paths if not _IN_RUNS.match(path)]
        item["redactedPaths"] = paths
        item.pop("redacted", None)  # of a state that was gone back to: whether there are any


def _hidden(value: Json, secrets: Secrets) -> Json:
    if value in _MARKS:
        return value
    if isinstance(value, str) and len(value) > 2 and value[0] == value[-1] == '"':
        inner = value[1:-1]  # the summary of a text
        if inner in _MARKS or secrets.scrub_text(inner) == MARK:
            return HIDDEN
    found = secrets.scrub_recorded(value)
    if found == MARK:
        return HIDDEN
    return found.replace(f'"{MARK}"', MARK) if isinstance(found, str) else found


def learn_hidden(phase: dict[str, Json], secrets: Secrets) -> None:
    """Add what a phase's redacted snapshot hides."""
    for raw, shown in _shared_states(phase):
        _learn(raw, shown, secrets)


def _shared_states(phase: dict[str, Json]) -> list[tuple[Json, Json]]:
    raw, shown = phase.get("snapshot") or {}, phase.get("snapshotRedacted") or {}
    pairs = [(raw.get("sharedState"), shown.get("sharedState"))]
    for name, result in (raw.get("subflowResults") or {}).items():
        other = (shown.get("subflowResults") or {}).get(name) or {}
        pairs.append(
            (
                (result.get("treeContext") or {}).get("globalContext"),
                (other.get("treeContext") or {}).get("globalContext"),
            )
        )
    return pairs


def _learn(raw: Json, shown: Json, secrets: Secrets) -> None:
    """Add what `raw` has where `shown` has a mark."""
    stack = [(raw, shown)]
    while stack:
        left, right = stack.pop()
        if right in (MARK, _LOG_MARK) and left != right:
            secrets.add(left)
        elif isinstance(left, dict) and isinstance(right, dict):
            stack += [(left[key], right[key]) for key in left if key in right]
        elif isinstance(left, list) and isinstance(right, list):
            stack += zip(left, right, strict=False)
