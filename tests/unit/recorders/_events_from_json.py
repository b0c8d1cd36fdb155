"""The events of a conformance result, as the records recorders get.

Values become the recorded form: scalars as they are, containers as encoded JSON.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from footpath import channels as ev
from footpath.values import record

if TYPE_CHECKING:
    from collections.abc import Iterator

SCOPE = {
    "onStageStart": ev.StageStartEvent,
    "onRead": ev.ReadEvent,
    "onWrite": ev.WriteEvent,
    "onStageEnd": ev.StageEndEvent,
    "onCommit": ev.CommitEvent,
    "onError": ev.ScopeErrorEvent,
    "onPause": ev.ScopePauseEvent,
    "onResume": ev.ScopeResumeEvent,
}
FLOW = {
    "onRunStart": ev.RunStartEvent,
    "onRunEnd": ev.RunEndEvent,
    "onRunFailed": ev.RunFailedEvent,
    "onStageExecuted": ev.StageExecutedEvent,
    "onNext": ev.NextEvent,
    "onDecision": ev.DecisionEvent,
    "onFork": ev.ForkEvent,
    "onSelected": ev.SelectedEvent,
    "onSubflowEntry": ev.SubflowEntryEvent,
    "onSubflowExit": ev.SubflowExitEvent,
    "onSubflowRegistered": ev.SubflowRegisteredEvent,
    "onLoop": ev.LoopEvent,
    "onBreak": ev.BreakEvent,
    "onError": ev.FlowErrorEvent,
    "onStageRetry": ev.StageRetryEvent,
    "onPause": ev.FlowPauseEvent,
    "onResume": ev.FlowResumeEvent,
}
CLASSES = {"scope": SCOPE, "flow": FLOW, "emit": {"onEmit": ev.EmitEvent}}
_RECORDED = frozenset(
    {"value", "payload", "pauseData", "mappedInput", "outputState", "evidence", "specStructure", "issues"}
)


def hook_name(method: str) -> str:
    """`onStageStart` to `on_stage_start`."""
    return re.sub(r"([A-Z])", lambda m: "_" + m.group(1).lower(), method)


@cache
def _names(cls: type[Any]) -> dict[str, str]:
    return {field.encode_name: field.name for field in msgspec.structs.fields(cls)}


def _record(cls: type[Any], members: dict[str, Any]) -> Any:
    """One record from its JSON members, by their JSON names; an unknown member is an error."""
    by_json = _names(cls)
    given: dict[str, Any] = {}
    for name, value in members.items():
        match name:
            case "traversalContext":
                value = _record(ev.TraversalContext, value)
            case "structuredError":
                value = _record(ev.StructuredError, value)
            case "mutations":
                value = tuple(_record(ev.Mutation, m) for m in value)
            case _ if name in _RECORDED:
                value = record(value)
            case "rationale":
                pass  # a list of a decider's, not of ours
            case _ if isinstance(value, list):
                value = tuple(value)
            case _:
                pass
        given[by_json[name]] = value
    return cls(**given)


def events_of(phase: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """`(channel, hook name, record)` of a phase's scope, flow and emit events, in order."""
    for item in phase["events"]:
        classes = CLASSES.get(item["channel"])
        if classes is not None:
            yield item["channel"], hook_name(item["method"]), _record(classes[item["method"]], item["event"])


def feed(recorder: object, phase: dict[str, Any]) -> None:
    """Call the recorder's hooks with a phase's events, in order."""
    for _channel, hook, event in events_of(phase):
        call = getattr(recorder, hook, None)
        if call is not None:
            call(event)
