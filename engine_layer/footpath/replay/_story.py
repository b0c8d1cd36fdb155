"""What is told of a run: counters, summaries, and which sentence when. The words are in `_wording`.

`Story` is told by two: by `NarrativeBuilder`, which hears events, and by a cursor, which follows a journal and needs no
event in between. Both say the same few things with plain arguments, so there is one story, however it came.

What a stage read and wrote is told when the stage completes. What belongs to a stage that failed, or to a selector,
is therefore never told: footprintjs's narrative is a story of what happened to state, not a log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec import UNSET, Raw, Struct, UnsetType, field
from msgspec.json import Encoder, decode

from footpath.replay import _wording as wording
from footpath.replay._grown import Grown, packed_list
from footpath.values import SUMMARY_LENGTH, js_number, members, plain, summarize

if TYPE_CHECKING:
    from collections.abc import Sequence

    Place = tuple[Any, Any, Any]
    """Stage id, runtime stage id and subflow id, UNSET where there is none."""

EMITTED, RETRIED = "emit", "retry"
"""Verbs of steps that are no access; the others are "read", "set", "update", "merge", "append" and "delete"."""

_WORDS = {
    "read": "Read",
    "set": "Write",
    "update": "Update",
    "merge": "Update",
    "append": "Append",
    "delete": "Delete",
}
_LEADS_KNOWN = 64
_NUMBERED = {verb: [f"Step {n}: {word} " for n in range(1, _LEADS_KNOWN + 1)] for verb, word in _WORDS.items()}
_BARE = {verb: [f"{word} "] * _LEADS_KNOWN for verb, word in _WORDS.items()}
"""How a line about an access begins, by how many were before it. A run of a hundred stages says the same few."""
_ALWAYS_SHORT = 40
"""Characters; twice as many UTF-16 units at most, so such a string needs no cut at the default limit."""
_SUMMARIES_KEPT = 256
"""Values whose summary is remembered: those that a run reads again and again are few."""

_encode = Encoder(enc_hook=packed_list).encode


class NarrativeEntry(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """One line of the narrative.

    `type` is "stage", "step", "condition", "selector", "fork", "subflow", "loop", "break", "pause", "resume", "error",
    "emit", "retry" or "truncated"; `depth` 0 or 1 is how far a reader would indent it. `step_number` counts from 1 what
    one stage execution did. `raw_value` is the value in recorded form, `value` a fresh copy of it.
    """

    type: str
    text: str
    depth: int
    stage_name: str | UnsetType = UNSET
    stage_id: str | UnsetType = UNSET
    runtime_stage_id: str | UnsetType = UNSET
    step_number: int | UnsetType = UNSET
    subflow_id: str | UnsetType = UNSET
    direction: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    held: Any = field(default=UNSET, name="rawValue")

    @property
    def raw_value(self) -> Any:
        """The value read, written or mapped in, in recorded form; UNSET when absent."""
        held = self.held
        return held.packed() if type(held) is Grown else held

    @property
    def value(self) -> Any:
        """The value read, written or mapped in, as JSON; None when absent."""
        return plain(self.raw_value)

    def as_json(self) -> dict[str, Any]:
        """The entry as footprintjs has it: camelCase, absent members left out, the value decoded."""
        return decode(_encode(self))


class Story:
    """Tells one run, line by line; lines once told never change. Not to be shared by runs.

    Args:
        include_values: say the value of each read and write, not only its key.
        include_step_numbers: begin each read and write with "Step N: ".
        max_value_length: longest value summary, in UTF-16 units.
        text_only: keep the lines' text, and no entries.

    Attributes:
        quick: of an execution's first so many steps the lines begin with one of `leads_of`, if the value is said.
        short: UTF-16 units in twice as many of which a text needs no cut.
    """

    __slots__ = (
        "_entries",
        "_joined",
        "_leads",
        "_limit",
        "_lines",
        "_stage_numbers",
        "_summaries",
        "_values",
        "_visits",
        "quick",
        "short",
        "text_only",
    )

    def __init__(
        self,
        *,
        include_values: bool = True,
        include_step_numbers: bool = True,
        max_value_length: int = SUMMARY_LENGTH,
        text_only: bool = False,
    ) -> None:
        self.tell_with(
            include_values=include_values,
            include_step_numbers=include_step_numbers,
            max_value_length=max_value_length,
        )
        self.text_only = text_only
        self._entries: list[NarrativeEntry] = []
        self._lines: list[str] = []
        # Stage numbers count per subflow id (UNSET at the top), passes per stage id.
        self._stage_numbers: dict[Any, int] = {}
        self._visits: dict[str, int] = {}
        # Whether the story was joined in the middle: by a resume, in a trace or an executor of its own.
        self._joined = False
        # By identity of a recorded container; kept beside its summary, so that the identity stays its own.
        self._summaries: dict[int, tuple[Raw, str]] = {}

    def tell_with(
        self,
        *,
        include_values: bool = True,
        include_step_numbers: bool = True,
        max_value_length: int = SUMMARY_LENGTH,
    ) -> None:
        """Tell what is still untold with these options; what is left out takes its default."""
        self._values = include_values
        self._leads = _NUMBERED if include_step_numbers else _BARE
        self._limit = max_value_length
        self.quick = _LEADS_KNOWN if include_values else 0
        self.short = _ALWAYS_SHORT if max_value_length >= SUMMARY_LENGTH else 0

    def begin(self) -> None:
        """Begin another run's story; the old one is gone."""
        self._entries = []
        self._lines = []
        self._stage_numbers.clear()
        self._visits.clear()
        self._summaries.clear()
        self._joined = False

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def entries(self) -> list[NarrativeEntry]:
        """Every line so far, as data; the list is the caller's own. None with `text_only`."""
        return list(self._entries)

    def lines(self) -> list[str]:
        """Every line so far, as text."""
        return list(self._lines) if self.text_only else [entry.text for entry in self._entries]

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._lines) if self.text_only else len(self._entries)

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def leads_of(self, verb: str) -> list[str]:
        """How the lines about an execution's first accesses of a kind begin, by how many steps were before them."""
        return self._leads[verb]

    def step(self, steps: list[Any], key: str, verb: str, raw: Any, name: str, place: Place) -> None:
        """Put what a stage did into words, behind what it did before. It is told when the stage completes.

        Args:
            steps: the steps of the same execution so far, as this method made them.
            key: what was read or written; of an emit its name, of a failed attempt its sentence.
            verb: "read", "set", "update", "merge", "append" or "delete"; `EMITTED` or `RETRIED`.
            raw: the value in recorded form.
            name: the stage's name.
            place: of the stage.
        """
        if not key and verb == "read":
            return  # footprintjs takes a read of "" for one without a key, and passes over it
        before = len(steps)
        row = self._leads.get(verb)
        if row is None:
            text = f"[emit] {key}: {summarize(raw, self._limit)}" if verb == EMITTED else key
            steps.append(
                text
                if self.text_only
                else NarrativeEntry(verb, text, 1, name, place[0], place[1], before + 1, place[2])
            )
            return
        text = (row[before] if before < _LEADS_KNOWN else self._lead(verb, before + 1)) + key
        if self._values and verb != "delete":
            text = f"{text} = {self._said(raw)}"
        if self.text_only:
            steps.append(text)
        else:
            stage_id, stage, subflow = place
            steps.append(NarrativeEntry("step", text, 1, name, stage_id, stage, before + 1, subflow, UNSET, key, raw))

    def _lead(self, verb: str, number: int) -> str:
        """How the line of a late step begins."""
        return f"Step {number}: {_BARE[verb][0]}" if self._leads is _NUMBERED else _BARE[verb][0]

    def _said(self, raw: Any) -> str:
        """A value as a line shows it."""
        of = type(raw)  # pyright: ignore[reportUnknownVariableType]
        if of is int:
            return f"{raw!r}"
        if of is float:
            return js_number(raw)
        if of is Raw:
            return self._summary(raw)
        return raw.summary() if of is Grown else summarize(raw, self._limit)

    def _summary(self, raw: Raw) -> str:
        known = self._summaries.get(id(raw))
        if known is None:
            if len(self._summaries) >= _SUMMARIES_KEPT:
                self._summaries.clear()
            known = self._summaries[id(raw)] = (raw, summarize(raw, self._limit))
        return known[1]

    # ── stages ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def stage(self, name: str, description: str | UnsetType, place: Place, steps: Sequence[Any]) -> None:
        """A linear stage completed."""
        stage_id, stage, subflow = place
        numbers, visits = self._stage_numbers, self._visits
        numbers[subflow] = number = numbers.get(subflow, 0) + 1
        again = 0
        if stage_id in visits:
            again = visits[stage_id]
        visits[stage_id] = again + 1
        if number == 1 and self._begins(subflow):
            sentence = wording.began(name, description)
        elif again:
            sentence = wording.looped_back(name, description, again)
        else:
            sentence = wording.moved_on(name, description)
        text = f"Stage {number!r}: {sentence}"
        if self.text_only:
            lines = self._lines
            lines.append(text)
            lines += steps
        else:
            entries = self._entries
            entries.append(NarrativeEntry("stage", text, 0, name, stage_id, stage, UNSET, subflow))
            entries += steps

    def decision(
        self,
        name: str,
        description: str | UnsetType,
        chosen: str,
        rationale: Any,
        evidence: Any,
        place: Place,
        steps: Sequence[Any],
    ) -> None:
        """A decider chose; `evidence` is in recorded form."""
        subflow = place[2]
        numbers = self._stage_numbers
        numbers[subflow] = number = numbers.get(subflow, 0) + 1
        first = number == 1 and self._begins(subflow)
        sentence = wording.began(name, description) if first else wording.moved_on(name, description)
        self._add("stage", f"Stage {number}: {sentence}", 0, name, place)
        told: list[Any] = self._lines if self.text_only else self._entries
        told += steps
        self._add(
            "condition", wording.decided(chosen, wording.evidence_of(evidence), description, rationale), 1, name, place
        )

    def _begins(self, subflow: str | UnsetType) -> bool:
        """Whether stage number 1 begins its line: not where a resume was the first thing heard of the run.

        footprintjs tells nothing then; a trace of the phase after a pause must not claim that the process began there.
        """
        return not self._joined or subflow is not UNSET

    # ── how the run moved ────────────────────────────────────────────────────────────────────────────────────────────
    def selected(self, names: Sequence[str], total: int, evidence: Any, place: Place | None) -> None:
        """A selector chose; `evidence` is in recorded form."""
        self._add("selector", wording.selected(names, total, wording.evidence_of(evidence)), 0, UNSET, place)

    def forked(self, names: Sequence[str], place: Place | None) -> None:
        """Parallel children begin."""
        self._add("fork", wording.forked(names), 0, UNSET, place)

    def entered(self, name: str, description: str | UnsetType, subflow: str, mapped: Any, place: Place) -> None:
        """A mounted chart begins with its mapped input, in recorded form."""
        self._stage_numbers[subflow] = 0
        place = (place[0], place[1], subflow)
        self._add("subflow", wording.entered(name, description), 0, name, place, "entry")
        for key, raw in members(mapped):
            text = f"Input: {key} = {summarize(raw, self._limit)}" if self._values else f"Input: {key}"
            self._add("step", text, 1, name, place, UNSET, key, raw)

    def left(self, name: str, subflow: str, place: Place) -> None:
        """A mounted chart ended."""
        self._add("subflow", wording.left(name), 0, name, (place[0], place[1], subflow), "exit")

    def passed(self, target: str, description: str | UnsetType, iteration: int, place: Place | None) -> None:
        """A loop edge was taken."""
        self._add("loop", wording.passed(target, description, iteration), 0, UNSET, place)

    def stopped(self, name: str, place: Place | None) -> None:
        """A stage broke its line."""
        self._add("break", wording.stopped(name), 0, name, place)

    def paused(self, name: str, place: Place | None) -> None:
        """The run waits at a stage; of one without a name footprintjs tells neither this nor that it goes on."""
        if name:
            self._add("pause", wording.paused(name), 0, name, place)

    def resumed(self, name: str, *, with_input: bool, place: Place | None) -> None:
        """The run goes on at a stage."""
        if not self._entries and not self._lines:
            self._joined = True
        if name:
            self._add("resume", wording.resumed(name, with_input=with_input), 0, name, place)

    def failed(self, name: str, message: str, place: Place | None) -> None:
        """A stage raised."""
        self._add("error", wording.failed(name, message), 0, name, place)

    def cut(self, payload: Any) -> None:
        """The recording was cut. Told at once: the stage during which it was never completes in it."""
        found = plain(payload)
        said = cast("dict[str, object]", found) if isinstance(found, dict) else {}
        self._add("truncated", wording.cut_short(said.get("dropped", "some"), said.get("reason")), 0, UNSET, None)

    def _add(
        self,
        kind: str,
        text: str,
        depth: int,
        name: str | UnsetType,
        place: Place | None,
        direction: str | UnsetType = UNSET,
        key: str | UnsetType = UNSET,
        raw: Any = UNSET,
    ) -> None:
        if self.text_only:
            self._lines.append(text)
        elif place is None:
            self._entries.append(NarrativeEntry(kind, text, depth, name))
        else:
            stage_id, stage, subflow = place
            self._entries.append(
                NarrativeEntry(kind, text, depth, name, stage_id, stage, UNSET, subflow, direction, key, raw)
            )
