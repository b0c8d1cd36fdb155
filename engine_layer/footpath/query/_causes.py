"""Walking back from a write to its causes.

Breadth first, so that what lies near the question is numbered first and survives the limits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from msgspec import UNSET
from msgspec.structs import replace

from footpath.query._drafts import Draft, explained
from footpath.query._explanation import Because, ExplainedStep, ExplainedWrite, Source
from footpath.query._log import PATH_SEPARATOR, Bundle, last_row, last_verb, rows_of
from footpath.query._mappings import MAX_LEADS, Lead, lead_of_item, leads_in, leads_out
from footpath.query._matches import MASKS, path_in_input
from footpath.query._reads import keys_in
from footpath.values import ABSENT

if TYPE_CHECKING:
    from footpath.query._record import RunRecord
    from footpath.query._scopes import Scope, Scopes


class Walk:
    """One walk. Ask for writes or steps, then `run`; `steps` is what was found, in order of discovery."""

    def __init__(self, scopes: Scopes, record: RunRecord, run_input: Any, max_steps: int, max_depth: int) -> None:
        self.scopes = scopes
        self.record = record
        # Of an input that is no object there are no fields to name.
        self.run_input = dict(cast("Mapping[str, Any]", run_input)) if isinstance(run_input, Mapping) else {}
        self.max_steps = max_steps
        self.max_depth = max_depth
        self.truncated = False
        self.lost_mounts: set[str] = set()
        self._drafts: dict[str, Draft] = {}
        self._queue: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()

    @property
    def steps(self) -> tuple[ExplainedStep, ...]:
        """The steps found so far."""
        return tuple(draft.finished(self.record) for draft in self._drafts.values())

    def ask_write(self, scope: Scope, position: int, path: str, depth: int = 0) -> Draft | None:
        """Have a write explained; None if a limit keeps its step out."""
        draft = self.ask_step(scope, scope.author(position), depth)
        if draft is not None and (position, path) not in draft.writes:
            draft.writes[position, path] = _write(scope, position, path)
            self._queue.append((self._explain_write, (draft, position, path)))
        return draft

    def ask_step(self, scope: Scope, step: str, depth: int = 0) -> Draft | None:
        """The draft of a stage execution, made if need be; None if a limit keeps it out."""
        known = self._drafts.get(step)
        if known is not None:
            return known
        if len(self._drafts) >= self.max_steps or depth > self.max_depth:
            self.truncated = True
            return None
        draft = self._drafts[step] = Draft(len(self._drafts) + 1, scope, step, depth, self.record)
        self._queue.append((self._explain_choice, (draft,)))
        return draft

    def ask_reads(self, draft: Draft) -> None:
        """Have all that a step read explained, and name all that it wrote."""
        for path in dict.fromkeys(row["path"] for row in rows_of(draft.bundle)):
            self.ask_write(draft.scope, draft.reads_at(), path)
        self._queue.append((self._explain_reads, (draft, None)))

    def run(self) -> None:
        """Follow every cause to its end, or to a limit."""
        while self._queue:
            explain, subject = self._queue.popleft()
            explain(*subject)

    # ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────
    def _explain_choice(self, draft: Draft) -> None:
        """The decision made here, and the one that let this step run."""
        made = self.record.decision(draft.step)
        if made is not None:
            draft.decision = explained(made, self.record.rationales.get(draft.step))
            for rule in draft.decision.rules:
                for key in dict.fromkeys([*(each.key for each in rule.conditions), *(key for key, _ in rule.inputs)]):
                    self._explain_evidence(draft, key)
            if not draft.decision.rules:
                self._explain_reads(draft, None)
        governing = self.record.governing(draft.step)
        if governing is None:
            return
        decider = governing.decider_id
        scope = self.scopes.home(decider)
        above = None if scope is None else self.ask_step(scope, decider, draft.depth + 1)
        ruling = self.record.decision(decider)
        choice = None if ruling is None else explained(ruling)
        rules = [rule for rule in choice.rules if rule.matched] if choice else []
        if choice and choice.selector:
            rules = [rule for rule in rules if rule.branch == draft.stage_id]
        draft.because = Because(
            decider=above.stage_name if above else decider.rpartition("#")[0],
            runtime_stage_id=decider,
            chosen=choice.chosen if choice else (),
            step=above.number if above else UNSET,
            rule=rules[0].index if rules else UNSET,
            label=rules[0].label if rules else UNSET,
            fell_back=choice.fell_back if choice else False,
        )

    def _explain_evidence(self, draft: Draft, key: str) -> None:
        """A key that a rule looked at: the step's own write, if it came first, else a read."""
        if self.record.wrote_before_reading(draft.step, key):
            for row in rows_of(draft.bundle):
                if draft.local(row["path"]) == key:
                    self.ask_write(draft.scope, draft.reads_at(), row["path"], draft.depth)
                    return
        self._explain_read(draft, Source(key, "read", "absent"))

    # ── writes ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _explain_write(self, draft: Draft, position: int, path: str) -> None:
        write = draft.writes[position, path]
        if draft.is_mount:
            self._explain_mapped(draft, position, write)
            return
        for at, mount in enumerate(draft.scope.item_mounts(draft.step)[:MAX_LEADS]):
            lead = lead_of_item(self.scopes, mount)
            if lead is None:
                self.lost_mounts.add(mount)
            else:
                self._follow(draft, Source(f"{path}[{at}]", "mapped", "unknown"), lead)
        self._explain_reads(draft, path)
        rows = rows_of(draft.scope.index.log[position])
        if any(row["path"] == path and row["verb"] in {"merge", "append"} for row in rows):
            self._explain_kept(draft, position, path)
        if position == draft.position:
            self._explain_untracked(draft, write)

    def _explain_kept(self, draft: Draft, position: int, path: str) -> None:
        """What a write built on: the value that was there before."""
        if not any(source.key == draft.local(path) and source.how == "read" for source in draft.sources.values()):
            for at, part in draft.scope.writers(path, position):
                self._lead_to(draft, Source(path, "kept", "step"), draft.scope, at, part)

    def _explain_untracked(self, draft: Draft, write: ExplainedWrite) -> None:
        """Run input and environment are read unseen: say so, and name the field if the name or the value tells."""
        if "env" in draft.untracked:
            self._add(draft, Source("", "consumed", "environment", basis="unknown"))
        if "args" not in draft.untracked:
            return
        name = draft.local(write.key)
        if draft.scope.mount is not None:  # inside a subflow the arguments are what was mapped in
            if draft.scope.writers(name, draft.scope.seeded()):
                self._explain_read(draft, Source(name, "consumed", "absent"))
            else:
                unknown = Source("", "consumed", "subflow-input", mount=draft.scope.mount, basis="unknown")
                self._add(draft, unknown)
            return
        given = self.run_input
        if name in given:
            self._add(draft, Source(name, "consumed", "run-input", basis="same-name"))
            return
        found = None if write.redacted else path_in_input(write.value, given, name)
        basis = "unknown" if found is None else "same-value"
        self._add(draft, Source(found or "", "consumed", "run-input", basis=basis))

    # ── reads ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _explain_reads(self, draft: Draft, path: str | None) -> None:
        """What a step read before its last write of `path` (None: at all)."""
        in_tree = keys_in(draft.scope.nodes.get(draft.step, {}))
        events = self.record.reads_before(draft.step, None if path is None else draft.local(path))
        if events is not None:
            for key, event in events.items():
                redacted = getattr(event, "redacted", False) is True
                present = getattr(event, "raw_value", getattr(event, "value", UNSET)) is not UNSET
                value = event.value if present else UNSET
                self._explain_read(draft, Source(key, "read", "absent", value=value, redacted=redacted))
            touched = self.record.touched(draft.step)
            for key in in_tree:
                if key not in touched:
                    self._explain_read(draft, Source(key, "checked", "absent"))
            return
        written = {draft.local(row["path"]) for row in rows_of(draft.bundle)}
        recorded = None if path is None else _keys_before(draft.bundle, path)
        for key in in_tree if recorded is None else recorded:
            if key in written and not draft.scope.writers(key, draft.reads_at()):
                continue  # its own write, read back
            value = in_tree.get(key, ABSENT)
            value = UNSET if value is ABSENT else value
            redacted = isinstance(value, str) and value in MASKS
            self._explain_read(draft, Source(key, "read", "absent", value=value, redacted=redacted))

    def _explain_read(self, draft: Draft, read: Source) -> None:
        """Where something that a step read came from; `read` says what, how, and with which value."""
        scope, before = draft.scope, draft.reads_at()
        own = draft.branch_path(read.key)
        writers = (scope.writers(own, before) if own else []) or scope.writers(read.key, before)
        for position, path in writers[-MAX_LEADS:]:
            self._lead_to(draft, read, scope, position, path)
        if writers:
            return
        if read.key in scope.initial:
            hidden = read.redacted or read.key in self.scopes.redacted_names
            self._add(draft, replace(read, origin="initial-state", redacted=hidden))
        else:
            absent = read.value is UNSET or read.value is None
            self._add(draft, replace(read, origin="absent" if absent else "unknown"))

    # ── leads ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _explain_mapped(self, draft: Draft, position: int, write: ExplainedWrite) -> None:
        """What a mount gave to the state around it."""
        whole = draft.scope.value_before(write.key.partition(PATH_SEPARATOR)[0], position + 1)
        known = (UNSET, UNSET) if write.redacted else (write.value, UNSET if whole is ABSENT else whole)
        leads = leads_out(self.scopes, draft.step, write.key, *known)
        if leads is None:
            self.lost_mounts.add(draft.step)
            return
        for lead in leads:
            self._follow(draft, Source(write.key, "mapped", "unknown", redacted=write.redacted), lead)
        if any(lead.basis == "tail" for lead in leads):
            self._explain_kept(draft, position, write.key)

    def _lead_to(self, draft: Draft, source: Source, scope: Scope, position: int, path: str) -> None:
        """A commit holds it: the step that made that commit, or, for a subflow's seed, what was mapped in."""
        if scope.step_at(position):
            self._follow(draft, source, Lead("step", "recorded", path, scope=scope, position=position))
        else:
            for lead in leads_in(scope, path):
                self._follow(draft, source, lead)

    def _follow(self, draft: Draft, source: Source, lead: Lead) -> None:
        above = None
        if lead.scope is not None and lead.path is not UNSET:
            above = self.ask_write(lead.scope, lead.position, lead.path, draft.depth + 1)
        path = UNSET if lead.path is UNSET else lead.path + lead.inside
        self._add(
            draft,
            replace(
                source,
                origin=lead.origin,
                step=above.number if above else UNSET,
                path=UNSET if path == source.key else path,
                mount=lead.mount,
                basis=lead.basis,
                redacted=source.redacted or (lead.origin == "initial-state" and self._hidden(path)),
            ),
        )

    def _hidden(self, path: object) -> bool:
        return isinstance(path, str) and path.partition(".")[0] in self.scopes.redacted_names

    def _add(self, draft: Draft, source: Source) -> None:
        home = None if source.mount is UNSET else self.scopes.home(source.mount)
        if home is not None and source.mount is not UNSET:
            source = replace(source, mount_name=home.name_of(source.mount))
        draft.add(source)


def _write(scope: Scope, position: int, path: str) -> ExplainedWrite:
    value = scope.value_before(path, position + 1)
    return ExplainedWrite(
        key=path,
        verb=last_verb(scope.index.log[position], path),
        commit_idx=position,
        value=UNSET if value is ABSENT else value,
        redacted=scope.hides(position, path) or (isinstance(value, str) and value in MASKS),
    )


def _keys_before(bundle: Bundle, path: str) -> Iterable[str] | None:
    """What the log itself says was read before the last write of a path; None where it does not."""
    row = last_row(bundle, path)
    return None if row is None else row.get("readKeys")
