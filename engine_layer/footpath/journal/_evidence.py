"""What `decide` and `select` saw: as the journal holds it, and as events tell it.

A rule is tried while a request waits, so what is kept is what was at hand: a tuple a rule, with the values themselves.
Names for the parts, and the text that describes each value, are made when somebody reads.

In the journal a decision's evidence is `[default, default_label, rule, ...]`, a selection's `[rule, ...]`. A rule is

* a filter: `[branch, label, matched, condition, ...]`, with a condition `[key, op, threshold, actual, result]`, or
  `[key, op, null, actual, result, 1]` where there was no threshold at all; or `[branch, label, false, [error]]`;
* a function: `[branch, label, matched, error, key, actual, ...]`, `error` being the text of what it raised, or null.

An actual value is a scalar as it was, or `[text]`: its description, where it is no scalar or a long one; `[mark, 1]`
where it is hidden. A label that was not given is null.

In a document written before this form, evidence is the JSON object that events tell.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import encode

from footpath.values import summarize, whole_text


class Condition(Struct, rename="camel", omit_defaults=True, gc=False):
    """One comparison of a filter rule; `actual_summary` is what the state held, as text."""

    key: str
    op: str
    threshold: Any
    actual_summary: str
    result: bool
    redacted: bool | UnsetType = UNSET


class Look(Struct, rename="camel", gc=False):
    """One key that a function rule read."""

    key: str
    value_summary: str
    redacted: bool


class RuleEvidence(Struct, rename="camel", omit_defaults=True, tag_field=None, gc=False):
    """What became of one rule."""

    type: str
    rule_index: int
    branch: str
    matched: bool
    label: str | UnsetType = UNSET
    conditions: list[Condition] | UnsetType = UNSET
    inputs: list[Look] | UnsetType = UNSET
    match_error: str | UnsetType = UNSET


class DecisionEvidence(Struct, rename="camel", omit_defaults=True, gc=False):
    """All rules tried by one `decide()`, and what came of them."""

    rules: list[RuleEvidence]
    chosen: str | UnsetType = UNSET
    default: str | UnsetType = UNSET
    default_label: str | UnsetType = UNSET


class SelectionEvidence(Struct, rename="camel", omit_defaults=True, gc=False):
    """All rules tried by one `select()`, and which branches they chose."""

    rules: list[RuleEvidence]
    selected: list[str]


def decision_evidence(seen: Any) -> DecisionEvidence:
    """Give names and texts to what a decision saw.

    Raises:
        TypeError, ValueError, LookupError: it does not have the form of evidence.
    """
    default, label, *tried = seen
    default = UNSET if default is None else default
    rules = _rules(tried)
    chosen = next((rule.branch for rule in rules if rule.matched), default)
    return DecisionEvidence(rules, chosen, default, UNSET if label is None else label)


def selection_evidence(seen: Any) -> SelectionEvidence:
    """Likewise for a selection."""
    rules = _rules(seen)
    return SelectionEvidence(rules, [rule.branch for rule in rules if rule.matched])


def told_decision(evidence: Any) -> Any:
    """A decision's evidence as events tell it, recorded; UNSET when there is none."""
    return _told(evidence, decision_evidence)


def told_selection(evidence: Any) -> Any:
    """Likewise a selection's."""
    return _told(evidence, selection_evidence)


def _told(evidence: Any, named: Any) -> Any:
    if evidence is None:
        return UNSET
    if type(evidence) is Raw:
        return evidence
    if type(evidence) is not list and type(evidence) is not tuple:
        return Raw(encode(evidence))
    try:
        return Raw(encode(named(evidence)))
    except UnicodeEncodeError:
        return Raw(encode(named(_whole(evidence))))


def _whole(evidence: Any) -> list[Any]:
    """Evidence whose texts UTF-8 can hold; a label, or a branch that there is not, may be any text."""
    rules = [_whole_texts(part) if type(part) is tuple else part for part in _whole_texts(evidence)]
    return [
        [_whole_texts(part) if type(part) is tuple else part for part in rule] if type(rule) is list else rule
        for rule in rules
    ]


def _whole_texts(parts: Any) -> list[Any]:
    return [whole_text(part) if isinstance(part, str) else part for part in parts]


def _rules(tried: Any) -> list[RuleEvidence]:
    return [_rule(index, *parts) for index, parts in enumerate(tried)]


def _rule(index: int, branch: str, label: str | None, matched: bool, *parts: Any) -> RuleEvidence:
    rule = RuleEvidence("filter", index, branch, matched, UNSET if label is None else label)
    if parts and (parts[0] is None or type(parts[0]) is str):
        rule.type = "function"
        if parts[0] is not None:
            rule.match_error = parts[0]
        rule.inputs = [Look(key, *_shown(actual)) for key, actual in zip(parts[1::2], parts[2::2], strict=True)]
    elif parts and len(parts[0]) == 1:
        rule.match_error, rule.conditions = parts[0][0], []
    else:
        rule.conditions = [_condition(*part) for part in parts]
    return rule


def _condition(key: str, op: str, threshold: Any, actual: Any, result: bool, absent: int = 0) -> Condition:
    text, redacted = _shown(actual)
    return Condition(key, op, UNSET if absent else threshold, text, result, redacted)


def _shown(actual: Any) -> tuple[str, bool]:
    if type(actual) is list or type(actual) is tuple:
        return actual[0], len(actual) > 1
    return summarize(actual), False
