"""The sentences of the narrative, one function each, and nothing else: no buffers, no counters.

The words are footprintjs's, to the character. What is said of values comes summarized, from `footpath.values` or
from the evidence that `decide` and `select` left.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from footpath.values import js_number, js_reason

if TYPE_CHECKING:
    from collections.abc import Sequence


# ── evidence, as far as a sentence needs it ────────────────────────────────────────────────────────────────────────
class _Condition(Struct, rename="camel", frozen=True, gc=False):
    key: str = ""
    op: str = ""
    threshold: Raw | UnsetType = UNSET
    actual_summary: str = ""
    result: bool = False


class _Input(Struct, rename="camel", frozen=True, gc=False):
    key: str = ""
    value_summary: str = ""


class _Rule(Struct, rename="camel", frozen=True):
    rule_index: int = 0
    branch: str = ""
    matched: bool = False
    label: str | None = None
    type: str = "filter"
    conditions: tuple[_Condition, ...] = ()
    inputs: tuple[_Input, ...] = ()
    match_error: str | None = None


class Evidence(Struct, rename="camel", frozen=True):
    """What a decider's or selector's rules saw."""

    rules: tuple[_Rule, ...]
    default_label: str | None = None


_decode_evidence = msgspec.json.Decoder(Evidence).decode


def evidence_of(recorded: Any) -> Evidence | None:
    """Read recorded evidence; None when there is none, or when it is not shaped as `decide` and `select` shape it.

    Without evidence the sentences say less and still nothing false.
    """
    if type(recorded) is not Raw:
        return None
    try:
        return _decode_evidence(recorded)
    except (msgspec.MsgspecError, RecursionError):
        return None


# A JSON text's strings, kept as they are, or its numbers with a fraction or an exponent: msgspec's `1.0` and `1e21` are
# JavaScript's `1` and `1e+21`.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)')


def _js_token(match: re.Match[str]) -> str:
    token = match.group()
    return token if token[0] == '"' else js_number(float(token))


def threshold_text(threshold: Raw | UnsetType) -> str:
    """A rule's threshold as `JSON.stringify` prints it."""
    if threshold is UNSET:
        return "undefined"
    return _TOKENS.sub(_js_token, bytes(threshold).decode())


def _quoted(label: str | None) -> str:
    return f' "{label}"' if label else ""


def _what_it_saw(rule: _Rule) -> str:
    if rule.type == "function":
        return ", ".join([f"{seen.key}={seen.value_summary}" for seen in rule.inputs])
    return ", ".join(
        [
            f"{c.key} {c.actual_summary} {c.op} {threshold_text(c.threshold)} {'✓' if c.result else '✗'}"
            for c in rule.conditions
        ]
    )


# ── stages ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def began(name: str, description: str | UnsetType | None) -> str:
    """The first stage of a line."""
    return f"The process began: {description}." if description else f"The process began with {name}."


def moved_on(name: str, description: str | UnsetType | None) -> str:
    """Any later stage."""
    return f"Next step: {description}." if description else f"Next, it moved on to {name}."


def looped_back(name: str, description: str | UnsetType | None, pass_number: int) -> str:
    """A stage that was there before; `pass_number` counts its earlier visits."""
    if description:
        return f"Looped back: {description} (pass {pass_number})."
    return f"Looped back to {name} (pass {pass_number})."


def retried(name: str, attempt: int, most: int, delay_ms: float, message: str) -> str:
    """A failed attempt that is followed by another."""
    waited = f" Waited {js_number(float(delay_ms))}ms before the next attempt." if delay_ms else ""
    return f"[Retry]: attempt {attempt} of {most} at {name} failed ({message}).{waited}"


# ── how the run moved ──────────────────────────────────────────────────────────────────────────────────────────────
def decided(chosen: str, evidence: Evidence | None, description: str | UnsetType | None, rationale: Any) -> str:
    """What a decider chose and why; the first rule that matched decided."""
    if evidence is not None:
        for rule in evidence.rules:
            if rule.matched:
                did = "examined" if rule.type == "function" else f"evaluated Rule {rule.rule_index}"
                return f"[Condition]: It {did}{_quoted(rule.label)}: {_what_it_saw(rule)}, and chose {chosen}."
        threw = sum([rule.match_error is not None for rule in evidence.rules])
        errors = f" ({threw} {'rule' if threw == 1 else 'rules'} threw errors)" if threw else ""
        return (
            f"[Condition]: No rules matched{errors}, fell back to default{_quoted(evidence.default_label)}: {chosen}."
        )
    reason = js_reason(rationale)
    if description:
        how = f"{description}: {reason}, so it chose" if reason is not None else f"{description} and chose"
        return f"[Condition]: It {how} {chosen}."
    made = f": {reason}, so" if reason is not None else ", and"
    return f"[Condition]: A decision was made{made} the path taken was {chosen}."


def selected(names: Sequence[str], total: int, evidence: Evidence | None) -> str:
    """What a selector chose and why."""
    if evidence is None:
        return f"[Selected]: {len(names)} of {total} paths selected for execution: {', '.join(names)}."
    matched = [rule for rule in evidence.rules if rule.matched]
    reasons = "; ".join([f"{rule.branch}{_quoted(rule.label)} ({_what_it_saw(rule)})" for rule in matched])
    return f"[Selected]: {len(matched)} of {total} paths selected: {reasons}."


def forked(names: Sequence[str]) -> str:
    """Parallel children begin."""
    return f"[Parallel]: Forking into {len(names)} parallel paths: {', '.join(names)}."


def entered(name: str, description: str | UnsetType | None) -> str:
    """A subflow begins."""
    return f"Entering {name}: {description}." if description else f"Entering the {name} subflow."


def left(name: str) -> str:
    """A subflow ended."""
    return f"Exiting the {name} subflow."


def passed(target: str, description: str | UnsetType | None, iteration: int) -> str:
    """A loop edge was taken."""
    return f"On pass {iteration}: {description} again." if description else f"On pass {iteration} through {target}."


def stopped(name: str) -> str:
    """A stage broke its line."""
    return f"Execution stopped at {name}."


def paused(name: str) -> str:
    """The run waits at a stage."""
    return f"Execution paused at {name}."


def resumed(name: str, *, with_input: bool) -> str:
    """The run goes on at a stage."""
    return f"Execution resumed at {name} with input." if with_input else f"Execution resumed at {name}."


def cut_short(dropped: object, reason: object) -> str:
    """The recording was cut; footprintjs never cuts one."""
    limit = {"entries": "entries", "bytes": "size"}.get(str(reason), "trace")
    return f"The recording was cut here, at its limit of {limit}: {dropped} later entries were not kept."


def failed(name: str, message: str) -> str:
    """A stage raised."""
    return f"[Error]: An error occurred at {name}: {message}."
