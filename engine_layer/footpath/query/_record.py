"""What a run's events tell an explanation: decisions, reads in order, branches, failures, pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from msgspec import UNSET

from footpath.query._control import ControlDependencies, ControlParent, Decision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class RunRecord:
    """The events of a run, sorted by stage execution. Values stay as recorded until someone asks for one."""

    def __init__(self, events: Iterable[tuple[str, Any]]) -> None:
        self.control = ControlDependencies("explain", across_resumes=True)
        self.rationales: dict[str, str] = {}
        self.branch_paths: dict[str, str] = {}
        self.errors: dict[str, str] = {}
        self.resumed: set[str] = set()
        self.attempts: dict[str, int] = {}
        self.stops: dict[str, str] = {}
        self.paused: str | None = None
        self._paused_after: str | None = None
        self.failure: str | None = None
        self.failed = False
        self.run_input: Any = UNSET
        self.last_step: str | None = None
        self.seen_any = False
        self._touched: dict[str, set[str]] = {}
        self._accesses: dict[str, list[tuple[Literal["read", "write"], str, Any]]] = {}
        hooks = {
            name: getattr(self, f"_{name}")
            for name in (
                "on_stage_start",
                "on_read",
                "on_write",
                "on_decision",
                "on_selected",
                "on_stage_executed",
                "on_error",
                "on_stage_retry",
                "on_break",
                "on_pause",
                "on_resume",
                "on_run_start",
                "on_run_failed",
            )
        }
        for hook, event in events:
            self.seen_any = True
            handle = hooks.get(hook)
            if handle is not None:
                handle(event)

    # ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────
    def decision(self, step: str) -> Decision | None:
        """What a decider or selector execution chose."""
        return self.control.decision_of(step)

    def governing(self, step: str) -> ControlParent | None:
        """The decision that a stage execution hangs on."""
        if step == self.paused and self._paused_after is not None:  # it has not run yet, so only this is known of it
            return self.control.next_after(self._paused_after)
        return self.control.lookup(step)

    def reads_before(self, step: str, key: str | None) -> Mapping[str, Any] | None:
        """What an execution read before its last write of `key` (None: at all), each with the event of its first read.

        Keys that it had written itself before reading them are left out. None when no event of the execution is known.
        """
        accesses = self._accesses.get(step)
        if accesses is None:
            return None
        writes = [at for at, (kind, name, _) in enumerate(accesses) if kind == "write" and name == key]
        own: set[str] = set()
        reads: dict[str, Any] = {}
        for kind, name, event in accesses[: writes[-1] if writes else None]:
            if kind == "write":
                own.add(name)
            elif name not in own:
                reads.setdefault(name, event)
        return reads

    def touched(self, step: str) -> set[str]:
        """All keys that an execution read or wrote, failed attempts included, as far as events tell."""
        return self._touched.get(step, set())

    def wrote_before_reading(self, step: str, key: str) -> bool:
        """Whether an execution had written `key` itself before it first read it."""
        first = next((kind for kind, name, _ in self._accesses.get(step, ()) if name == key), None)
        return first == "write"

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _on_stage_start(self, event: Any) -> None:
        # A retried attempt starts again: what the failed one wrote is gone, and what it read led to nothing.
        self._accesses[event.runtime_stage_id] = []
        self.branch_paths[event.runtime_stage_id] = event.pipeline_id
        self.last_step = event.runtime_stage_id

    def _on_read(self, event: Any) -> None:
        self._accessed("read", event)

    def _on_write(self, event: Any) -> None:
        self._accessed("write", event)

    def _accessed(self, kind: Literal["read", "write"], event: Any) -> None:
        step: str = event.runtime_stage_id
        self._touched.setdefault(step, set()).add(event.key)
        self._accesses.setdefault(step, []).append((kind, event.key, event if kind == "read" else None))

    def _on_decision(self, event: Any) -> None:
        self.control.on_decision(event)
        step = _step(event)
        rationale = getattr(event, "rationale", UNSET)
        if step and isinstance(rationale, str):
            self.rationales[step] = rationale

    def _on_selected(self, event: Any) -> None:
        self.control.on_selected(event)

    def _on_stage_executed(self, event: Any) -> None:
        self.control.on_stage_executed(event)

    def _on_error(self, event: Any) -> None:
        step = _step(event)
        if step:
            self.control.on_error(event)
            self.errors.setdefault(step, event.message)

    def _on_stage_retry(self, event: Any) -> None:
        step = _step(event)
        if step:
            self.attempts[step] = event.attempt + 1

    def _on_break(self, event: Any) -> None:
        step = _step(event)
        if step:
            reason = getattr(event, "reason", None)
            self.stops[step] = reason if isinstance(reason, str) else ""

    def _on_pause(self, event: Any) -> None:
        step = _step(event)
        if step:
            self.paused = step
            parent = getattr(event.traversal_context, "parent_runtime_stage_id", None)
            self._paused_after = parent if isinstance(parent, str) else None

    def _on_resume(self, event: Any) -> None:
        self.control.on_resume(event)
        self.paused = None
        if getattr(event, "has_input", False):
            step = _step(event) or getattr(event, "runtime_stage_id", None)
            if step:
                self.resumed.add(cast("str", step))

    def _on_run_start(self, event: Any) -> None:
        payload = getattr(event, "payload", None)
        if payload is not None and self.run_input is UNSET:
            self.run_input = payload

    def _on_run_failed(self, event: Any) -> None:
        self.failed = True
        self.failure = event.structured_error.message


def _step(event: Any) -> str | None:
    context = getattr(event, "traversal_context", UNSET)
    return None if context is UNSET or context is None else context.runtime_stage_id
