"""Events of a footprintjs trace: those that its snapshot and its narrative bear out, in the order of the run's steps.

There is no journal, so much is not known: when a stage began and ended (those two hooks stay silent), evidence of
decisions, the run's input and result, payloads of events, attempts that failed. What an event lacks is absent from it.
What a stage read and wrote, and in which order, is only known where a narrative was kept.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from footpath.channels import (
    BreakEvent,
    CommitEvent,
    DecisionEvent,
    EmitEvent,
    FlowErrorEvent,
    FlowPauseEvent,
    FlowResumeEvent,
    ForkEvent,
    LoopEvent,
    Mutation,
    NextEvent,
    ReadEvent,
    RunEndEvent,
    RunFailedEvent,
    RunStartEvent,
    ScopePauseEvent,
    SelectedEvent,
    StageExecutedEvent,
    StageRetryEvent,
    StructuredError,
    SubflowEntryEvent,
    SubflowExitEvent,
    TraversalContext,
    WriteEvent,
)
from footpath.replay import Cursor
from footpath.trace._footprintjs_spec import BRANCHING
from footpath.trace._footprintjs_tree import FATAL, Step, objects, text
from footpath.values import record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from footpath.channels import Dispatcher
    from footpath.trace._footprintjs_tree import Subflow

SEPARATOR = "\u001f"
_ABSENT: Any = UNSET  # for members that our own events always have
_VERB = re.compile(r"(?:Step \d+: )?(Read|Write|Update|Append|Delete) ")
_OPERATIONS = {"Write": "set", "Update": "update", "Append": "append", "Delete": "delete"}
_EMIT = re.compile(r"\[emit\] (.*?): ")
_RETRY = re.compile(
    r"\[Retry\]: attempt (\d{1,9}) of (\d{1,9}) at .*? failed \((.*)\)\.(?: Waited (\d+(?:\.\d+)?)ms before the next attempt\.)?$",
    re.DOTALL,
)
_OF_TOTAL = re.compile(r"\((\d{1,9}) of (\d{1,9}) matched\)")


class Teller(Cursor):
    """Tells what is known of a run, in place of a cursor that follows a journal."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        run_id: str,
        told: tuple[list[Step], dict[str, Subflow]],
        kinds: dict[str, str],
        narrative: list[dict[str, Any]],
        status: str,
        state: dict[str, Any],
    ) -> None:
        super().__init__(dispatcher, run_id, 0.0)
        self._steps, self._subflows = told
        self._kinds = kinds
        self._status = status
        self._before: dict[str, tuple[Step, TraversalContext]] = {}
        self._told: dict[str, list[dict[str, Any]]] = {}
        self._names: dict[str, str] = {}
        self._first_names: dict[str, str] = {}  # a stage that a loop comes back to is called `Name.1` in the tree
        for step in self._steps:
            self._first_names.setdefault(step.id, step.name)
        for entry in narrative:
            runtime_id = text(entry.get("runtimeStageId"), "")
            self._told.setdefault(runtime_id, []).append(entry)
            if entry.get("type") in ("stage", "condition"):
                self._names.setdefault(runtime_id, text(entry.get("stageName"), ""))
        self.top.values = {key: record(value) for key, value in state.items()}

    def feed_all(self, entries: Iterable[Any]) -> None:  # noqa: ARG002  # a cursor's
        """Tell everything; there are no entries."""
        failure: StructuredError | None = None
        open_mounts: list[tuple[int, Step, Subflow]] = []
        if self._steps:
            self.fire("flow", "on_run_start", lambda: RunStartEvent(traversal_context=self.root))
        for step in self._steps:
            while open_mounts and open_mounts[-1][0] < step.number:
                self._leave(*open_mounts.pop()[1:])
            decided = self._before.pop(step.runtime_id, None)
            if decided is not None:
                self._went_on(*decided, self._name(step))
            subflow = self._subflows.get(step.runtime_id)
            if step.is_mount:
                if subflow is not None:
                    open_mounts.append((subflow.last_number, step, subflow))
                self._enter(step, subflow)
            else:
                failure = self._stage_event(step) or failure
        while open_mounts:
            self._leave(*open_mounts.pop()[1:])
        if self._status == "completed":
            self.fire("flow", "on_run_end", lambda: RunEndEvent(traversal_context=self.root))
        elif self._status == "failed":
            error = failure or StructuredError(_ABSENT)
            self.fire(
                "flow", "on_run_failed", lambda: RunFailedEvent(traversal_context=self.root, structured_error=error)
            )

    # ── one step ─────────────────────────────────────────────────────────────────────────────────────────────────
    def _context_of(self, step: Step) -> TraversalContext:
        subflow = text(step.node.get("subflowId")) if step.is_mount else step.subflow
        return TraversalContext(self.run_id, step.id, step.runtime_id, self._name(step), subflow_id=subflow)

    def _name(self, step: Step) -> str:
        return self._names.get(step.runtime_id) or self._first_names[step.id]

    def _scope(self, step: Step) -> tuple[str, str, str, Any, Any]:
        return self._name(step), step.id, step.runtime_id, _ABSENT, _ABSENT

    def _stage_event(self, step: Step) -> StructuredError | None:
        context = self._context_of(step)
        entries = self._told.get(step.runtime_id, [])
        pauses = any(entry.get("type") == "pause" for entry in entries)
        for entry in entries:
            self._did(step, context, entry)
        if pauses:
            self.fire("scope", "on_pause", lambda: ScopePauseEvent(*self._scope(step), UNSET, "scope"))
        self._commits(step)
        errors = step.bag("errors")
        error = next((errors[name] for name in FATAL if name in errors), None)
        found = None if error is None else _structured(error)
        if found is not None:
            if FATAL[0] in errors:  # of what the engine itself refuses only the run's end tells
                self.fire("flow", "on_error", lambda: self._error_event(step, context, found, error))
        elif pauses:
            self.fire("flow", "on_pause", lambda: self._pause_event(step, context))
        elif "parallelForEach" in step.bag("logs"):
            self._forked(step, context, self._name(step), _names(_members_names(step)))
        else:
            self._chose(step, context)
            if step.bundles and self._kinds.get(step.id) not in BRANCHING:
                self._executed_by(step, context, "linear")
            for message in step.messages():
                self._moved(step, context, message)
        self._broke(step, context)
        return found

    def _broke(self, step: Step, context: TraversalContext) -> None:
        if any(entry.get("type") == "break" for entry in self._told.get(step.runtime_id, ())):
            self.fire("flow", "on_break", lambda: BreakEvent(traversal_context=context, stage_name=self._name(step)))

    def _did(self, step: Step, context: TraversalContext, entry: dict[str, Any]) -> None:
        """What the narrative tells of a stage: reads, writes, events, attempts, that it was resumed."""
        kind, line = entry.get("type"), text(entry.get("text"), "")
        if kind == "emit":
            match = _EMIT.match(line)
            if match is not None:
                where = self._name(step), step.runtime_id, _ABSENT, _ABSENT, _ABSENT
                self.fire("emit", "on_emit", lambda: EmitEvent(match[1], UNSET, *where))
        elif kind == "retry":
            match = _RETRY.match(line)
            if match is not None:
                self.fire("flow", "on_stage_retry", lambda: self._retry_event(step, context, match))
        elif kind == "resume":
            self._resumed(step, context, has_input=line.endswith(" with input."))
        elif kind == "step":
            self._accessed(step, entry, _VERB.match(line))

    def _accessed(self, step: Step, entry: dict[str, Any], verb: re.Match[str] | None) -> None:
        key = entry.get("key")
        if verb is None or not isinstance(key, str):
            return
        value = record(entry["rawValue"]) if "rawValue" in entry else UNSET
        if verb[1] == "Read":
            self.fire("scope", "on_read", lambda: ReadEvent(*self._scope(step), key, value))
        else:
            operation = _OPERATIONS[verb[1]]
            self.fire("scope", "on_write", lambda: WriteEvent(*self._scope(step), key, value, operation))

    def _commits(self, step: Step) -> None:
        """A commit for each bundle; a later one of the same step says again what the earlier ones said."""
        writes: dict[str, Mutation] = {}
        kept = step.node.get("stageWrites")
        for number, bundle in enumerate(step.bundles):
            for row in objects(bundle.get("trace")):
                path = text(row.get("path"), "").split(SEPARATOR)
                if path[0] == "runs" and len(path) > 2:  # a parallel child's own part of the state
                    path = path[2:]
                elif number and len(path) == 1:
                    continue  # a subflow's output: whole keys of it are not listed
                key = ".".join(path)
                value = kept[key] if isinstance(kept, dict) and key in kept else _at(bundle, row)
                operation = {"merge": "update", "delete": "delete"}.get(text(row.get("verb"), ""), "set")
                writes[key] = Mutation(key, UNSET if value is UNSET else record(value), operation)
            mutations = tuple(writes.values())
            self.fire("scope", "on_commit", lambda said=mutations: CommitEvent(*self._scope(step), said))

    def _chose(self, step: Step, context: TraversalContext) -> None:
        """What a decider or selector chose."""
        name, description = self._name(step), text(step.node.get("description"))
        for message in step.messages():
            kind, target = message.get("type"), message.get("targetStage")
            if kind == "branch" and isinstance(target, str):
                event = DecisionEvent(
                    traversal_context=context,
                    decider=name,
                    chosen=target,
                    rationale=text(step.bag("logs").get("deciderRationale")),
                    description=description,
                )
                self.fire("flow", "on_decision", lambda told=event: told)
                self._executed_by(step, context, "decider")
                loops = any(other.get("type") == "loop" for other in step.messages())
                if step.following is not None and not loops:
                    self._before[text(step.following.get("runtimeStageId"), "")] = (step, context)
            elif kind == "selected":
                total = _OF_TOTAL.search(text(message.get("description"), ""))
                count = _ABSENT if total is None else int(total[2])
                names = _names(target)
                chosen = SelectedEvent(traversal_context=context, parent=name, selected=names, total=count)
                self.fire("flow", "on_selected", lambda told=chosen: told)
                self._executed_by(step, context, "selector")
                self._forked(step, context, "selector-temp", names)

    def _moved(self, step: Step, context: TraversalContext, message: dict[str, Any]) -> None:
        kind, target = message.get("type"), message.get("targetStage")
        if kind == "children":
            self._forked(step, context, self._name(step), _names(target))
        elif kind == "next" and isinstance(target, str):
            if not text(message.get("description"), "").endswith(" (dynamic)"):
                self._went_on(step, context, target)
        elif kind == "loop" and isinstance(target, str):
            times = message.get("iteration")
            apart = self._kinds.get(step.id) in BRANCHING or step.bag("logs").get("hasDynamicNext") is True
            event = LoopEvent(
                traversal_context=UNSET if apart else context,
                target=target,
                iteration=times if type(times) is int else _ABSENT,
                description=_description(step.following),
            )
            self.fire("flow", "on_loop", lambda: event)

    def _went_on(self, step: Step, context: TraversalContext, to: str) -> None:
        event = NextEvent(
            traversal_context=context, from_=self._name(step), to=to, description=_description(step.following)
        )
        self.fire("flow", "on_next", lambda: event)

    def _forked(self, step: Step, context: TraversalContext, name: str, children: tuple[str, ...]) -> None:
        if children:
            self.fire("flow", "on_fork", lambda: ForkEvent(traversal_context=context, parent=name, children=children))
            self._executed_by(step, context, "fork", name)

    def _executed_by(
        self, step: Step, context: TraversalContext, kind: str, name: str | None = None, node: Any = None
    ) -> None:
        event = StageExecutedEvent(
            traversal_context=context,
            stage_name=name if name is UNSET else name or self._name(step),
            description=UNSET if name == "selector-temp" else _description(node or step.node),
            stage_type=kind,
        )
        self.fire("flow", "on_stage_executed", lambda: event)

    # ── subflows, pauses, errors ─────────────────────────────────────────────────────────────────────────────────
    def _enter(self, step: Step, subflow: Subflow | None) -> None:
        if subflow is None and all(message.get("type") != "subflow" for message in step.messages()):
            return  # its chart could not be had
        context = self._context_of(step)
        first = {} if subflow is None else subflow.first
        event = SubflowEntryEvent(
            traversal_context=context,
            # Its id and name in the tree begin with those of the mounts around it; a mount's own name does not.
            name=step.name.removeprefix(step.id[: step.id.rfind("/") + 1]) if subflow is None else subflow.name,
            subflow_id=text(step.node.get("subflowId"), step.id),
            description=_description(first),
            raw_mapped_input=UNSET if subflow is None or subflow.mapped is UNSET else record(subflow.mapped),
        )
        self.fire("flow", "on_subflow_entry", lambda: event)
        # It is told under the name of the first stage in it, which only the kept result of a subflow has.
        name = _ABSENT if subflow is None else text(first.get("name"), None)
        self._executed_by(step, context, "subflow-mount", name, first)

    def _leave(self, step: Step, subflow: Subflow) -> None:
        context = self._context_of(step)
        self._broke(step, context)
        event = SubflowExitEvent(
            traversal_context=context,
            name=subflow.name,
            subflow_id=subflow.id,
            raw_output_state=UNSET if subflow.state is UNSET else record(subflow.state),
        )
        self.fire("flow", "on_subflow_exit", lambda: event)

    def _resumed(self, step: Step, context: TraversalContext, *, has_input: bool) -> None:
        event = FlowResumeEvent(
            traversal_context=context,
            stage_name=self._name(step),
            stage_id=step.id,
            has_input=has_input,
            channel="flow",
        )
        self.fire("flow", "on_resume", lambda: event)

    def _retry_event(self, step: Step, context: TraversalContext, match: re.Match[str]) -> StageRetryEvent:
        return StageRetryEvent(
            traversal_context=context,
            stage_name=self._name(step),
            stage_id=step.id,
            attempt=int(match[1]),
            max_attempts=int(match[2]),
            delay_ms=float(match[4] or 0),
            message=match[3],
            structured_error=StructuredError(match[3]),
            channel="flow",
        )

    def _pause_event(self, step: Step, context: TraversalContext) -> FlowPauseEvent:
        return FlowPauseEvent(
            traversal_context=context,
            stage_name=self._name(step),
            stage_id=step.id,
            subflow_path=_ABSENT,
            channel="flow",
        )

    def _error_event(self, step: Step, context: TraversalContext, error: StructuredError, shown: Any) -> FlowErrorEvent:
        return FlowErrorEvent(
            traversal_context=context,
            stage_name=self._name(step),
            message=text(shown),
            structured_error=error,
            channel="flow",
        )


def _structured(shown: Any) -> StructuredError:
    """`Name: message` taken apart, where what stands first can be a name."""
    name, colon, message = text(shown, "").partition(": ")
    return StructuredError(message, name) if colon and name.isidentifier() else StructuredError(text(shown, ""))


def _description(node: Any) -> Any:
    return UNSET if node is None else text(node.get("description"))


def _members_names(step: Step) -> list[Any]:
    return [child.get("name") for child in objects(step.node.get("children"))]


def _names(target: Any) -> tuple[str, ...]:
    return tuple([name for name in target if isinstance(name, str)]) if isinstance(target, list) else ()


def _at(bundle: dict[str, Any], row: dict[str, Any]) -> Any:
    """What the log keeps of a write; UNSET for nothing."""
    value: Any = bundle.get("updates" if row.get("verb") == "merge" else "overwrite")
    whole = text(row.get("path"), "").split(SEPARATOR)
    for key in whole:
        if not isinstance(value, dict) or key not in value:
            return UNSET
        value = value[key]
    return value
