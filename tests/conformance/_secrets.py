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
from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any

from footpath.values import MARK, Secrets
from tests.conformance._difference import HIDDEN, Difference, dicts_in_both, difference
from tests.conformance._hidden_by_name import (
    ACCESS,
    hide_given,
    hide_named,
    let_report_more,
    shared_states,
    stay_hidden,
)
from tests.conformance._hidden_texts import (
    CUT,
    PREVIEW_UNITS,
    TELLING_LINES,
    THRESHOLD,
    beginning_of,
    goes_on_as,
    hidden_form,
    hide_in_rules,
    is_cut_before_hiding,
    summarized,
    texts_in,
    without_secrets,
)
from tests.conformance._hiding import LOG_MARK, MARKS, Hiding
from tests.conformance._view import json_view

__all__ = ["forgive_cuts", "hide_everywhere", "hide_in_both", "shown_by_us_alone"]

Json = Any


def hide_in_both(theirs: list[Json], ours: list[Json], hiding: Hiding, *, aligned: bool) -> None:
    """Take the secrets out of the reference's phases where we show something else, and leave ours as we show them.

    Where the two are not `aligned`, as parallel charts interleave, secrets are taken out of both.
    """
    for phase in ours:
        phase.get("checkpoint", {}).pop("redactedTexts", None)  # where in it hidden texts stand
    for pair in zip_longest(theirs, ours):
        if None not in pair and pair[0]["op"] == "resume":
            let_report_more(*pair, hiding)
        if aligned and None not in pair:
            _let_stay_hidden(*pair, hiding)
        shown = copy.deepcopy(pair)
        hidden = Secrets()
        if pair[0] is not None:
            learn_hidden(pair[0], hidden)
        told = "\n".join(line["text"] for line in pair[1]["narrative"]) if pair[1] else ""
        for phase in pair:
            if phase is not None:
                hide_in_rules(phase, hiding, told)
                hide_everywhere(phase, hiding, hidden)
        if aligned and None not in pair:
            _show_again(*pair, *shown, hidden, beginning_of(hiding.secrets))


def _let_stay_hidden(theirs: Json, ours: Json, hiding: Hiding) -> None:
    """Put our mark where the reference shows a value under the very key that it was hidden under; in place.

    It forgets that the key is hidden when a parallel child deletes it, which deletes nothing but what the child wrote:
    the value stands there as before.
    """
    for one, other in zip(theirs["narrative"], ours["narrative"], strict=False):
        accessed = ACCESS.match(one["text"])
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
    return isinstance(key, str) and our_value == MARK and value not in MARKS and hiding.held(key, value)


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
                is_cut = CUT.get(key)
                if is_cut is not None and is_cut_before_hiding(
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
            for name in CUT:
                texts = left.get(name), right.get(name)
                if all(isinstance(each, str) and MARK in each for each in texts):
                    cut = name == "preview" or texts[0].endswith('..."')
                    if cut and goes_on_as(texts[0], texts[1], lambda rest: MARK not in rest):
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
        elif isinstance(left, str) and not _bears_mark(right) and (left in MARKS or MARK in left):
            marks = right.count(MARK) if isinstance(right, str) else 0
            if left in MARKS or marks < left.count(MARK):
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
            if right[part] in MARKS:
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
                item[at] = hidden_form(item[at], secrets)
    return twin


def _bears_mark(shown: Json) -> bool:
    """Whether what is shown is a mark, a summary of one, or an object or a list of which nothing else is shown."""
    if isinstance(shown, list):
        return bool(shown) and all(item in MARKS for item in shown)
    if not isinstance(shown, dict):
        return shown in MARKS
    return shown.get("preview") in MARKS or (bool(shown) and all(member in MARKS for member in shown.values()))


def hide_everywhere(phase: dict[str, Json], hiding: Hiding, hidden: Secrets) -> None:
    """Take every secret out of a phase, but for the state that the plain snapshot and a checkpoint show; in place.

    Secret is what was written to hidden keys, and what is `hidden` in the reference's redacted snapshot.
    Where a hidden value stood as a whole, `HIDDEN` is left, which compares equal to either of the marks.
    """
    hide_given(phase, hiding)
    if phase["op"] == "resume":
        stay_hidden(phase, hiding)
    for _, state in shared_states(phase):
        hiding.hide_texts(state or {})
    secrets = hidden
    for value in hiding.secrets:
        secrets.add(value)
        secrets.add(json_view(value))  # as the results have it: a date as text, say
    long = [text for text in texts_in(json_view(hiding.secrets)) if len(text) > PREVIEW_UNITS // 2]
    stack: list[tuple[Json, bool]] = [(phase, True)]
    while stack:
        item, live = stack.pop()
        if isinstance(item, dict):
            hide_named(item, hiding, resumed=phase["op"] == "resume")
            for key, member in item.items():
                if key == "sharedState" and live:
                    continue
                if isinstance(member, dict) and _SUMMARIES & member.keys():
                    preview = hidden_form(member.get("preview"), secrets)
                    if any(summarized(text) == (member.get("size"), member.get("preview")) for text in long):
                        preview = HIDDEN
                    if preview == HIDDEN:
                        item[key] = HIDDEN
                        continue
                    if isinstance(preview, str) and MARK in preview:
                        member.pop("size", None)  # of a text in which something is hidden
                if isinstance(member, (dict, list)):
                    stack.append((member, live and key != "snapshotRedacted"))
                elif secrets and not (key in _COUNTS and isinstance(member, int)):
                    item[key] = hidden_form(member, secrets)
            if item.get("type") in TELLING_LINES and "text" in item:
                item["text"] = THRESHOLD.sub(lambda m: without_secrets(m[0], secrets), item["text"])
            emitted = _EMITTED.match(item["text"]) if item.get("type") == "emit" and "text" in item else None
            if secrets and emitted is not None and hidden_form(emitted[2], secrets) == HIDDEN:
                item["text"] = emitted[1] + MARK
            if item.get("rawValue") in MARKS:
                item["text"] = _VALUE.sub(lambda m: m[1] + MARK, item["text"])
        else:
            for index, member in enumerate(item):
                if isinstance(member, (dict, list)):
                    stack.append((member, live))
                elif secrets:
                    item[index] = hidden_form(member, secrets)


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

_EMITTED = re.compile(r"^(\[emit\] .*?: )(.*)$", re.DOTALL)

_VALUE = re.compile(r"^([^=]* = ).*$", re.DOTALL)


def learn_hidden(phase: dict[str, Json], secrets: Secrets) -> None:
    """Add what a phase's redacted snapshot hides."""
    for raw, shown in shared_states(phase):
        _learn(raw, shown, secrets)


def _learn(raw: Json, shown: Json, secrets: Secrets) -> None:
    """Add what `raw` has where `shown` has a mark."""
    stack = [(raw, shown)]
    while stack:
        left, right = stack.pop()
        if right in (MARK, LOG_MARK) and left != right:
            secrets.add(left)
        elif isinstance(left, dict) and isinstance(right, dict):
            stack += [(left[key], right[key]) for key in left if key in right]
        elif isinstance(left, list) and isinstance(right, list):
            stack += zip(left, right, strict=False)
