"""The answer to "why": what an explanation is made of. Flat, and plain data throughout."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from footpath.query._notes import Note  # noqa: TC001  # decoding an explanation needs the type

Subject = Literal["key", "failure", "pause", "outcome"]
Origin = Literal["step", "run-input", "environment", "initial-state", "subflow-input", "absent", "unknown"]
How = Literal["read", "checked", "kept", "mapped", "consumed"]
Basis = Literal["recorded", "same-name", "same-value", "tail", "unknown"]


class Source(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One thing that a step rests on.

    `how` it came in: "read" (tracked), "checked" (asked only whether it is there), "kept" (the value that a merge or
    append built on), "mapped" (through a subflow's mapping), "consumed" (the run's input or environment, of which no
    read is recorded).
    `origin` says where it came from; for "step", `step` is the number of the step that wrote it and `path` what it is
    called there, when that differs. `mount` (and its name) is the subflow execution it passed into or out of.
    `basis` says how sure the link is: mappings are code, so through one it rests on the name or on the value.
    """

    key: str
    how: How
    origin: Origin
    step: int | UnsetType = UNSET
    path: str | UnsetType = UNSET
    mount: str | UnsetType = UNSET
    mount_name: str | UnsetType = UNSET
    basis: Basis = "recorded"
    value: Any = UNSET
    redacted: bool = False


class ExplainedWrite(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A write that matters here: the key's value after it (absent after a delete), as the commit log recorded it."""

    key: str
    verb: str
    commit_idx: int
    value: Any = UNSET
    redacted: bool = False


class TriedCondition(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One condition of a filter rule: `actual` is the summary that the evidence holds of what the key was."""

    key: str
    op: str
    threshold: Any
    actual: str
    result: bool
    redacted: bool = False


class TriedRule(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A rule that was evaluated. Function rules have `inputs` (key, summary) in place of conditions."""

    index: int
    branch: str
    matched: bool
    label: str | UnsetType = UNSET
    conditions: tuple[TriedCondition, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    error: str | UnsetType = UNSET


class ExplainedDecision(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a decider or selector chose, and every rule it tried (none where its function just returned a branch).

    `chosen` are branch names. `default` is the branch taken when no rule matched; `fell_back` says that it was.
    """

    chosen: tuple[str, ...]
    rules: tuple[TriedRule, ...] = ()
    fell_back: bool = False
    default: str | UnsetType = UNSET
    default_label: str | UnsetType = UNSET
    selector: bool = False
    rationale: str | UnsetType = UNSET


class Because(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The decision that let a step run: the decider, its step number (absent if cut off), and the rule that matched.

    `chosen` are the branches chosen; the step is in one of them. `rule` is the rule's index, `label` its label;
    `fell_back`: none matched.
    """

    decider: str
    runtime_stage_id: str
    chosen: tuple[str, ...]
    step: int | UnsetType = UNSET
    rule: int | UnsetType = UNSET
    label: str | UnsetType = UNSET
    fell_back: bool = False


class ExplainedStep(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One stage execution of the answer: `kind` "subflow" stands for a mount, whose inside are steps of their own.

    `number` counts from 1 in order of discovery, breadth first; `depth` is the distance from the question.
    `resumed`: it went on after a pause, with input from outside that the log does not hold. `attempts` counts runs of
    its function; what is told is the last one's. `stopped` is the reason it gave for stopping its line ("" for none).
    """

    number: int
    kind: Literal["stage", "subflow"]
    runtime_stage_id: str
    stage_id: str
    stage_name: str
    depth: int
    writes: tuple[ExplainedWrite, ...] = ()
    sources: tuple[Source, ...] = ()
    decision: ExplainedDecision | UnsetType = UNSET
    because: Because | UnsetType = UNSET
    error: str | UnsetType = UNSET
    paused: bool = False
    resumed: bool = False
    attempts: int = 1
    stopped: str | UnsetType = UNSET


class Explanation(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Why a key has its value, or why a run ended as it did. `steps` refer to each other by number.

    `missing` ("empty-log", "never-written") tells why there are no steps; `origin` and `value` then say what a key that
    the run never wrote is. `truncated`: more causes exist than `max_steps` or `max_depth` let in.
    """

    subject: Subject
    key: str | UnsetType = UNSET
    value: Any = UNSET
    redacted: bool = False
    error: str | UnsetType = UNSET
    origin: Origin | UnsetType = UNSET
    missing: str | UnsetType = UNSET
    steps: tuple[ExplainedStep, ...] = ()
    notes: tuple[Note, ...] = ()
    truncated: bool = False
