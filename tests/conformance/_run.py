"""Runs one case on the engine through its public API, and gives the result that FORMAT describes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from footpath import FlowChartExecutor, RedactionPolicy
from footpath.journal import entries
from footpath.query import KeysRead
from footpath.values import record
from tests.conformance import _js
from tests.conformance._charts import ChartBuilding
from tests.conformance._deep import deeply
from tests.conformance._expressions import CaseError
from tests.conformance._hiding import Hiding, compiled
from tests.conformance._js import ABSENT
from tests.conformance._programs import Runtime
from tests.conformance._queries import ControlRecorder, answer, reads_of
from tests.conformance._recording import Events, camel, recorder, throwing_recorder
from tests.conformance._view import error_view, is_run_id, json_view, name_runs

__all__ = ["OPTIONS", "run_case"]

Case = Mapping[str, Any]
Json = Any


def run_case(case: Case) -> dict[str, Json]:
    """Build the case's chart, run it as the case says, ask its queries; the result as plain JSON data.

    Beside what FORMAT describes each run has `hiding`, which knows the values written where they were to be hidden, and
    `mergedWhole`, the dates and errors that were given to a merge as objects without members; phases may have
    `unheard`, events of an executor that the reference's runner does not listen to, and `leftBehind`.
    """
    result: dict[str, Json] = {"format": 1, "name": case.get("name"), "build": {}, "runs": []}
    runtime = Runtime()
    building = ChartBuilding(case.get("charts") or {}, runtime)
    structure = Events()
    recorders = [recorder("conformance-structure", ("structure",), structure)]
    throwing = case.get("throwingStructureRecorder")
    if throwing:
        recorders.insert(0, throwing_recorder("bad-structure", throwing))
    try:
        chart = building.build(case["chart"], tuple(recorders))
    except Exception as error:  # noqa: BLE001  # whatever the builder raises is the result
        result["build"] = {
            "error": error_view(error),
            "failedCall": building.last_call,
            "structure": structure.since(0),
        }
        return _finished(result)
    result["build"] = {
        "spec": json_view(chart.build_time_structure),
        "description": chart.description,
        "stageDescriptions": json_view(chart.stage_descriptions),
        "mermaid": chart.to_mermaid(),
        "openapi": json_view(chart.to_openapi()),
        "mcp": json_view(chart.to_mcp_tool()),
        "structure": structure.since(0),
    }
    if throwing is not None:
        result["build"]["structureErrors"] = [
            {"recorderId": e.recorder_id, "method": camel(e.method), "message": e.message}
            for e in building.root_builder.get_structure_build_errors()
        ]
    result["runs"] = _Runs(chart, runtime).all(case.get("runs") or [case.get("run") or {}])
    return _finished(result)


class _Runs:
    """The runs of one chart, some of which share an executor."""

    def __init__(self, chart: Any, runtime: Runtime) -> None:
        self._chart = chart
        self._runtime = runtime

    def all(self, runs: list[Case]) -> list[Json]:
        results: list[Json] = []
        executor: Any = None
        made_with: Case = {}
        events = Events()
        for run in runs:
            self._runtime.failures = {}
            self._runtime.goes_on = False
            if executor is None or not run.get("sameExecutor"):
                events = Events()
                executor = self._executor(run, events)
                made_with = run
                self._runtime.hiding = Hiding((run.get("options") or {}).get("redaction"))
            else:
                self._runtime.hiding = self._runtime.hiding.in_one_run()
            self._runtime.merged_whole = []
            self._runtime.hung = []
            phases = self._phases(run, executor, events, _tracks_reads(made_with))
            merged = json_view(self._runtime.merged_whole)
            noticed = {"hiding": self._runtime.hiding, "mergedWhole": merged, "hung": self._runtime.hung}
            results.append({"phases": phases, **noticed})
        return results

    def _phases(self, run: Case, executor: Any, events: Events, tracked: bool) -> list[Json]:
        control = ControlRecorder()
        executor.attach_flow_recorder(control)
        options = _run_options(run)
        self._runtime.resume_input_given = False
        phases = [_phase("run", executor, lambda: executor.run(**options), events, run, control, tracked)]
        current, own = executor, events
        # As in the reference's runner, what a fresh executor tells is kept for its own phase only: a later phase that
        # is not fresh goes on with the first executor's list.
        for entry in run.get("resume") or ():
            if not current.is_paused():
                break
            checkpoint = current.get_checkpoint()
            checkpoint = deeply(lambda kept=checkpoint: copy.deepcopy(kept))  # its tree is one level deeper a step
            heard = events
            if entry.get("fresh"):
                own = heard = Events()
                current, tracked = self._executor(run, heard), _tracks_reads(run)
                self._runtime.hiding.also((run.get("options") or {}).get("redaction"))
                current.attach_flow_recorder(control)
                # As JavaScript's JSON has it: the one that the reference goes on from.
                checkpoint = _without_errors(json_view(checkpoint))
            self._runtime.resume_input_given = "input" in entry
            self._runtime.goes_on = True
            act = _resuming(current, checkpoint, entry, run)
            start = len(own)
            phases.append(_phase("resume", current, act, heard, run, control, tracked))
            if own is not heard:
                phases[-1]["unheard"] = own.since(start)
        return phases

    def _executor(self, run: Case, events: Events) -> Any:
        o = run.get("options") or {}
        options: dict[str, Any] = {
            name: _js.copy(o[key]) for key, name in _EXECUTOR_OPTIONS.items() if o.get(key) is not None
        }
        if "throttleOn" in o:
            options["throttling_error_checker"] = lambda error: o["throttleOn"] in str(error)
        executor = FlowChartExecutor(self._chart, stream_handlers=_StreamHandlers(events), **options)
        narrative = o.get("narrative") or {}
        executor.enable_narrative(**{_NARRATIVE_OPTIONS[key]: value for key, value in narrative.items()})
        if o.get("redaction") is not None:
            executor.set_redaction_policy(_redaction_policy(o["redaction"]))
        throwing = o.get("throwingRecorder") or {}
        if throwing.get("scope"):
            executor.attach_scope_recorder(throwing_recorder("bad-scope", throwing["scope"]))
        if throwing.get("flow"):
            executor.attach_flow_recorder(throwing_recorder("bad-flow", throwing["flow"]))
        executor.attach_scope_recorder(recorder("conformance-scope", ("scope", "emit"), events))
        executor.attach_flow_recorder(recorder("conformance-flow", ("flow",), events))
        return executor


_EXECUTOR_OPTIONS = {
    "readTracking": "read_tracking",
    "writeTracking": "write_tracking",
    "commitValues": "commit_values",
    "writeProvenance": "write_provenance",
    "initialContext": "initial_context",
    "defaultValuesForContext": "default_values",
}
_RUN_OPTIONS = {"maxDepth": "max_depth", "maxIterations": "max_iterations", "timeoutMs": "timeout_ms"}
_NARRATIVE_OPTIONS = {
    "includeValues": "include_values",
    "includeStepNumbers": "include_step_numbers",
    "maxValueLength": "max_value_length",
}

OPTIONS = frozenset({*_EXECUTOR_OPTIONS, *_RUN_OPTIONS, *_NARRATIVE_OPTIONS, "redaction", "throttleOn", "abort"})
"""Every option of a run that FORMAT names, recorders that throw aside."""


class _StreamHandlers:
    """What a streaming stage's caller gives: three callables, noted like a channel."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def on_start(self, stream_id: str) -> None:
        self._events.note("stream", "onStart", {"streamId": stream_id})

    def on_token(self, stream_id: str, token: Any) -> None:
        self._events.note("stream", "onToken", record({"streamId": stream_id, "token": token}))

    def on_end(self, stream_id: str, text: Any) -> None:
        self._events.note("stream", "onEnd", record({"streamId": stream_id, "text": text}))


class _Aborted:
    """An abort signal that has fired."""

    aborted = True

    def __init__(self, message: str) -> None:
        self.reason = CaseError(message)


def _run_options(run: Case) -> dict[str, Any]:
    o = run.get("options") or {}
    options: dict[str, Any] = {name: _js.copy(run[name]) for name in ("input", "env") if name in run}
    options |= {name: o[key] for key, name in _RUN_OPTIONS.items() if o.get(key) is not None}
    if "abort" in o:
        options["signal"] = _Aborted(o["abort"])
    return options


def _without_errors(value: Json) -> Json:
    """JSON as JavaScript writes it where there are errors: they have no members of their own; in place."""
    stack = [value]
    while stack:
        item = stack.pop()
        for key in list(item) if isinstance(item, dict) else range(len(item)):
            part = item[key]
            if isinstance(part, dict) and part.keys() == {"$error"}:
                item[key] = {}
            elif isinstance(part, (dict, list)):
                stack.append(part)
    return value


def _resuming(executor: Any, checkpoint: Any, entry: Case, run: Case) -> Callable[[], Any]:
    options: dict[str, Any] = {}
    if "input" in entry:
        options["input"] = _js.copy(entry["input"])
    if run.get("env") is not None:
        options["env"] = _js.copy(run["env"])
    return lambda: executor.resume(checkpoint, **options)


def _redaction_policy(policy: Case) -> RedactionPolicy:
    options: dict[str, Any] = {name: policy[name] for name in ("keys", "fields") if policy.get(name)}
    if policy.get("patterns"):
        options["patterns"] = [compiled(p) for p in policy["patterns"]]
    if policy.get("emitPatterns"):
        options["emit_patterns"] = [compiled(p) for p in policy["emitPatterns"]]
    return RedactionPolicy(**options)


def _phase(
    op: str, executor: Any, act: Callable[[], Any], events: Events, run: Case, control: ControlRecorder, tracked: bool
) -> dict[str, Json]:
    start = len(events)
    phase: dict[str, Json] = {"op": op, "outcome": "completed"}
    try:
        returned = act()
        if executor.is_paused():
            phase["outcome"] = "paused"
            phase["checkpoint"] = json_view(executor.get_checkpoint())
        elif returned is not None and returned is not ABSENT:
            phase["result"] = json_view(returned)
    except Exception as error:  # noqa: BLE001  # the run's failure is its result
        phase["outcome"] = "failed"
        phase["error"] = error_view(error)
    snapshot = executor.get_snapshot()
    phase["snapshot"] = json_view(snapshot)
    phase["narrative"] = json_view(executor.get_narrative_entries())
    if (run.get("options") or {}).get("redaction") is not None:
        phase["snapshotRedacted"] = json_view(executor.get_snapshot(redact=True))
        phase["redactionReport"] = json_view(executor.get_redaction_report())
    if "queries" in run:
        reads = reads_of(executor, snapshot, tracked=tracked)
        phase["queries"] = [{**q, "answer": _answered(q, snapshot, control, reads)} for q in run["queries"]]
    phase["events"] = events.since(start)
    if phase["events"]:
        phase["leftBehind"] = _leaves_children(executor)
    return phase


def _leaves_children(executor: Any) -> bool:
    """Whether parallel children had not settled when the run ended or paused: some other had failed or paused, and they were stopped.

    Those that paused have not settled either.
    """
    journal = msgspec.json.decode(executor.get_trace().encoded)["journal"]
    coded = [entry for entry in journal if entry and isinstance(entry[0], int)]
    began = sum(len(entry[2]) for entry in coded if entry[0] == entries.FORK)
    paused = sum(entry[0] == entries.PAUSE and entry[1] != entries.PAUSED_SCOPE for entry in coded)
    return began > paused + sum(entry[0] == entries.SETTLE for entry in coded)


def _tracks_reads(run: Case) -> bool:
    return (run.get("options") or {}).get("readTracking") != "off"


def _answered(query: Case, snapshot: Any, control: ControlRecorder, reads: KeysRead) -> Json:
    try:
        return json_view(answer(query, snapshot, control, reads))
    except Exception as error:  # noqa: BLE001  # a query that fails answers with its error
        return {"$error": error_view(error)}


def _finished(result: dict[str, Json]) -> dict[str, Json]:
    name_runs(result, is_run_id)
    result["concurrency"] = _concurrency(result)
    return result


def _concurrency(result: dict[str, Json]) -> str:
    """`deep` when a parallel child was a subflow, `flat` with any other fork of two or more."""
    found = "none"
    for run in result["runs"]:
        for phase in run["phases"]:
            mounted_under = {
                (e["event"].get("traversalContext") or {}).get("parentRuntimeStageId")
                for e in phase["events"]
                if e["method"] == "onSubflowEntry"
            }
            for e in phase["events"]:
                if e["channel"] != "flow" or e["method"] != "onFork" or len(e["event"]["children"]) < 2:
                    continue
                parent = (e["event"].get("traversalContext") or {}).get("runtimeStageId")
                found = "deep" if parent in mounted_under else "flat" if found == "none" else found
    return found
