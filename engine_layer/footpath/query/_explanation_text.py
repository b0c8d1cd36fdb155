"""An explanation as text for a person: numbered blocks, at most 120 columns wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from footpath.query._ids import parse_runtime_stage_id, step_name
from footpath.query._log import PATH_SEPARATOR
from footpath.query._preview import fitted, harmless, preview, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from footpath.query._explanation import (
        Because,
        ExplainedDecision,
        ExplainedStep,
        ExplainedWrite,
        Explanation,
        Source,
        TriedRule,
    )

WIDTH = 120
SOURCES_SHOWN = 8
WRITES_SHOWN = 8
CONDITIONS_SHOWN = 8
MASK = "[REDACTED]"
NOT_THERE = "(absent)"


def format_explanation(explanation: Explanation) -> str:
    """The explanation as text. Steps are numbered as in `steps`; an arrow points to the step that a value came from."""
    lines = [*_lines(_heading(explanation), 0, 4)]
    for step in explanation.steps:
        lines.extend(_block(step, explanation))
    for note in explanation.notes:
        lines.extend(_lines(f"⚠ {note.detail}", 0, 2))
    return "\n".join(lines)


def _lines(text: str, indent: int, hanging: int) -> list[str]:
    return wrapped(harmless(text), WIDTH, indent, hanging)


def _heading(explanation: Explanation) -> str:
    if explanation.subject == "failure":
        return f"WHY the run failed: {fitted(explanation.error or 'no reason recorded', 400)}"
    if explanation.subject == "pause":
        return "WHY the run paused"
    if explanation.subject == "outcome":
        return "WHY the run ended as it did" + (_nothing(explanation) if not explanation.steps else "")
    key = shown_key(explanation.key or "")
    if explanation.steps or explanation.origin == "initial-state":
        value = _value(explanation.value, redacted=explanation.redacted, limit=100)
        given = "" if explanation.steps else " — it was in the initial state, and the run never wrote it"
        return f"WHY {key} = {value}{given}"
    return f"WHY {key}{_nothing(explanation)}"


def _nothing(explanation: Explanation) -> str:
    if explanation.missing == "empty-log":
        return " — no answer: nothing was executed"
    return (
        " — no answer: the run never wrote it, and it was not in the initial state"
        if explanation.key
        else (" — the run wrote nothing")
    )


def shown_key(path: str) -> str:
    """A trace path as a person writes it."""
    return path.replace(PATH_SEPARATOR, ".")


def _value(value: object, *, redacted: bool, limit: int = 60) -> str:
    if redacted:
        return MASK
    return NOT_THERE if value is UNSET else preview(value, limit)


def _block(step: ExplainedStep, explanation: Explanation) -> Iterator[str]:
    yield from _lines(f"[{step.number}] {_name(step)} {_deed(step)}", 0, 6)
    if step.attempts > 1:
        yield from _lines(f"this was attempt {step.attempts}", 4, 6)
    if step.error:
        yield from _lines(f"failed: {fitted(step.error, 300)}", 4, 6)
    if step.resumed:
        yield from _lines("went on after a pause, with input from outside that the log does not hold", 4, 6)
    if step.decision:
        yield from _decision_lines(step.decision)
    yield from _source_lines(step)
    if step.stopped is not UNSET:
        yield from _lines(f"stopped its line here{': ' + fitted(step.stopped, 200) if step.stopped else ''}", 4, 6)
    if step.because and not _told_by_mount(step, explanation):
        because = step.because
        number = f"[{because.step}] " if because.step else ""
        chose = f"{_bare(because.decider, because.runtime_stage_id)} chose {', '.join(because.chosen) or 'its branch'}"
        yield from _lines(f"ran because {number}{chose}{_ruling(because)}", 4, 6)


def _ruling(because: Because) -> str:
    if because.label:
        return f': rule "{because.label}"'
    if because.rule is not UNSET:
        return f": rule {because.rule + 1}"
    return ": no rule matched" if because.fell_back else ""


def _told_by_mount(step: ExplainedStep, explanation: Explanation) -> bool:
    """Whether the decision above a step is one outside its subflow, which the mount's own block tells."""
    return bool(step.because) and any(
        each.kind == "subflow" and each.because and each.because.runtime_stage_id == step.because.runtime_stage_id
        for each in explanation.steps
        if step.stage_id.startswith(each.stage_id + "/")
    )


def _name(step: ExplainedStep) -> str:
    """The stage's name without the path that its id repeats."""
    return step_name(_bare(step.stage_name, step.runtime_stage_id), step.runtime_stage_id)


def _bare(name: str, runtime_stage_id: str) -> str:
    path = parse_runtime_stage_id(runtime_stage_id).subflow_path
    return name.removeprefix(f"{path}/") if path else name


def _deed(step: ExplainedStep) -> str:
    deeds: list[str] = []
    if step.writes:
        shown = [_write(write) for write in step.writes[:WRITES_SHOWN]]
        if len(step.writes) > WRITES_SHOWN:
            shown.append(f"+{len(step.writes) - WRITES_SHOWN} more")
        deeds.append(f"{'gave' if step.kind == 'subflow' else 'wrote'} {', '.join(shown)}")
    if step.decision:
        deeds.append(f"chose {', '.join(step.decision.chosen) or 'no branch'}")
    if step.paused:
        deeds.append("paused")
    if step.error:
        deeds.append("failed")
    return " and ".join(deeds) or "ran"


def _write(write: ExplainedWrite) -> str:
    key = shown_key(write.key)
    if write.verb == "delete" or (write.value is UNSET and not write.redacted):
        return f"{key} (deleted)"
    return f"{key} = {_value(write.value, redacted=write.redacted)}"


# ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _decision_lines(decision: ExplainedDecision) -> Iterator[str]:
    for rule in decision.rules:
        yield from _lines(_rule(rule), 4, 8)
    if decision.fell_back:
        label = f' "{decision.default_label}"' if decision.default_label else ""
        yield from _lines(f"→ no rule matched: took the default{label}", 4, 8)
    elif not decision.rules:
        why = f": {decision.rationale}" if decision.rationale else ""
        yield from _lines(f"no rules are on record: its function returned the branch itself{why}", 4, 8)


def _rule(rule: TriedRule) -> str:
    name = f'"{rule.label}"' if rule.label else f"rule {rule.index + 1}"
    tried = [
        f"{condition.key} {condition.op} {preview(condition.threshold, 40)} {_mark(condition.result)} "
        f"(it was {MASK if condition.redacted else fitted(condition.actual, 60)})"
        for condition in rule.conditions[:CONDITIONS_SHOWN]
    ]
    tried += [f"saw {key} = {fitted(summary, 60)}" for key, summary in rule.inputs[:CONDITIONS_SHOWN]]
    if rule.error:
        tried.append(f"it raised: {fitted(rule.error, 120)}")
    more = max(len(rule.conditions), len(rule.inputs)) - CONDITIONS_SHOWN
    if more > 0:
        tried.append(f"+{more} more")
    return f"{_mark(rule.matched)} {name} → {rule.branch}" + (f": {', '.join(tried)}" if tried else "")


def _mark(hit: bool) -> str:  # one thing, two signs
    return "✓" if hit else "✗"


# ── sources ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def _source_lines(step: ExplainedStep) -> Iterator[str]:
    known = bool(step.decision and step.decision.rules)  # the rules have told the values
    for how, words in (("read", "read"), ("checked", "asked whether there is"), ("kept", "built on")):
        yield from _listed(words, [_read(group, told=known) for group in _grouped(step.sources, how)])
    mapped = [source for source in step.sources if source.how == "mapped"]
    one = len({source.key for source in mapped}) == 1 and step.kind == "subflow"
    yield from _listed("from" if one else "from inside:", [_mapped(source, alone=one) for source in mapped])
    consumed = [source for source in step.sources if source.how == "consumed"]
    named = {source.origin for source in consumed if source.key}
    taken = [_taken(source) for source in consumed if source.key or source.origin not in named]
    yield from _listed("took", list(dict.fromkeys(taken)))


def _listed(words: str, items: list[str]) -> Iterator[str]:
    if items:
        more = [f"+{len(items) - SOURCES_SHOWN} more"] if len(items) > SOURCES_SHOWN else []
        yield from _lines(f"{words} {', '.join(items[:SOURCES_SHOWN] + more)}", 4, 6)


def _grouped(sources: Iterable[Source], how: str) -> list[list[Source]]:
    """Sources of one kind, those of one key together: a value may have been written in parts."""
    groups: dict[str, list[Source]] = {}
    for source in sources:
        if source.how == how:
            groups.setdefault(source.key, []).append(source)
    return list(groups.values())


def _read(group: list[Source], *, told: bool) -> str:
    first = group[0]
    text = shown_key(first.key)
    if first.how == "read" and not told and (first.value is not UNSET or first.redacted):
        text += f" = {_value(first.value, redacted=first.redacted, limit=48)}"
    words = [_in_words(source) for source in group if source.origin != "step"]
    arrows = _arrows([source for source in group if source.origin == "step"])
    if arrows:
        text += f" ← {arrows}"
        text += f" through {_mount(first)}" if first.mount else ""
    return " ".join([text, *words])


def _mount(source: Source) -> str:
    """The subflow's name without the path that its mount repeats."""
    if not source.mount:
        return "the subflow"
    return _bare(source.mount_name or source.mount, source.mount)


def _arrows(sources: list[Source]) -> str:
    """Steps that something came from, each with what it was called there."""
    names: dict[str, list[str]] = {}
    for source in sources:
        paths = names.setdefault(_number(source), [])
        paths.extend([shown_key(source.path)] if source.path else [])
    shown = [f"{number} {', '.join(paths)}".rstrip() for number, paths in names.items()]
    more = [f"+{len(shown) - SOURCES_SHOWN} more"] if len(shown) > SOURCES_SHOWN else []
    return "; ".join(shown[:SOURCES_SHOWN] + more)


def _number(source: Source) -> str:
    return f"[{source.step}]" if source.step else "(not shown)"


def _mapped(source: Source, *, alone: bool) -> str:
    key = shown_key(source.key)
    inner = shown_key(source.path) if source.path else key
    came = f"its {inner} {_number(source)}" if source.origin == "step" else _in_words(source)
    sure = {"same-value": " (equal value)", "tail": " (added at the end)", "unknown": " (its last write)"}
    return f"{'' if alone else key + ' ← '}{came}{sure.get(source.basis, '') if source.origin == 'step' else ''}"


def _in_words(source: Source) -> str:
    """An origin that is no step."""
    if source.origin == "subflow-input":
        unsure = "" if source.basis == "recorded" else " by code"
        return f"(mapped into {_mount(source)}{unsure})"
    if source.origin == "initial-state":
        return f"({f'{shown_key(source.path)} in ' if source.path else ''}the initial state)"
    if source.origin == "absent":
        return "(absent)"
    return "(before the run, or unknown)"


def _taken(source: Source) -> str:
    if source.origin == "run-input":
        return f"input.{source.key}" if source.key else "some of the run input (which fields is not recorded)"
    if source.origin == "environment":
        return "some of the environment"
    if source.origin == "subflow-input":
        return f"some of what was mapped into {_mount(source)}"
    return _read([source], told=False)
