"""What our built-in recorders make of a case, in the form in which `recorders.mjs` shows the reference's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from footpath import recorders as built_in
from footpath.engine import FlowChartExecutor
from footpath.query import ControlDependencies, format_quality_trace, get_subtree_snapshot, quality_trace
from tests.conformance import _run
from tests.conformance._compare import same_events
from tests.conformance._difference import Difference, dicts_in, difference
from tests.conformance._view import json_view

__all__ = ["ask", "attached", "first_recorder_difference", "made_of_case"]

Json = Any


def _score(_step: str, context: built_in.StepContext) -> built_in.Score:
    score = max(0, 1 - len(context.keys_read) / 4 - len(context.keys_written) / 8)
    written = context.keys_written
    return built_in.Score(score, [f"wrote {', '.join(written)}"] if written else [])


def attached() -> dict[str, Any]:
    """The recorders, as `recorders.mjs` makes them."""
    return {
        "flow": built_in.NarrativeFlowRecorder("r-flow"),
        "adaptive": built_in.AdaptiveNarrativeFlowRecorder(2, 3, "r-adaptive"),
        "milestone": built_in.MilestoneNarrativeFlowRecorder(3, True, "r-milestone"),
        "milestoneOnly": built_in.MilestoneNarrativeFlowRecorder(3, False, "r-milestone-only"),
        "progressive": built_in.ProgressiveNarrativeFlowRecorder(2, "r-progressive"),
        "rle": built_in.RLENarrativeFlowRecorder("r-rle"),
        "separate": built_in.SeparateNarrativeFlowRecorder("r-separate"),
        "silent": built_in.SilentNarrativeFlowRecorder("r-silent"),
        "windowed": built_in.WindowedNarrativeFlowRecorder(1, 1, "r-windowed"),
        "metric": built_in.MetricRecorder("r-metric"),
        "filtered": built_in.MetricRecorder(
            "r-filtered", stage_filter=lambda name: len(name) % 2 == 0, preferred_operation="translate"
        ),
        "verbose": built_in.DebugRecorder("r-verbose", verbosity="verbose"),
        "minimal": built_in.DebugRecorder("r-minimal", verbosity="minimal"),
        "manifest": built_in.ManifestFlowRecorder("r-manifest"),
        "inOut": built_in.InOutRecorder("r-in-out"),
        "topology": built_in.TopologyRecorder("r-topology"),
        "control": ControlDependencies("r-control"),
        "quality": built_in.QualityRecorder(_score, "r-quality"),
        "combined": built_in.NarrativeRecorder(id="r-combined", include_step_numbers=False, max_value_length=20),
        "composite": built_in.CompositeRecorder(
            "r-composite",
            [
                built_in.MetricRecorder("part"),
                built_in.ManifestFlowRecorder("sub"),
                built_in.NarrativeFlowRecorder("none"),
            ],
        ),
    }


def _ranges(ranges: Mapping[str, Any]) -> Json:
    return {step: {"firstIdx": found.first_index, "endIdx": found.end_index} for step, found in ranges.items()}


def _topology(recorder: built_in.TopologyRecorder) -> Json:
    around = [
        [[n.id for n in recorder.get_children(node.id)], [n.id for n in recorder.get_parallel_siblings(node.id)]]
        for node in recorder.get_topology().nodes
    ]
    return [recorder.get_topology(), [node.id for node in recorder.get_subflow_nodes()], around]


_VIEWS: dict[str, Any] = {
    "flow": lambda r: r.get_sentences(),
    "rle": lambda r: [r.get_sentences()],
    "separate": lambda r: [r.get_sentences(), r.get_loop_sentences(), r.get_loop_counts()],
    "silent": lambda r: [r.get_sentences(), r.get_loop_counts()],
    "metric": lambda r: [r.get_metrics(), r.size, r.to_snapshot()],
    "filtered": lambda r: r.to_snapshot(),
    "verbose": lambda r: [r.get_errors(), r.to_snapshot()],
    "minimal": lambda r: r.get_entries(),
    "manifest": lambda r: [
        r.get_spec_ids(),
        [r.get_spec(each) for each in r.get_spec_ids()],
        r.to_snapshot(),
    ],
    "inOut": lambda r: [
        len(r.get_steps()),
        r.get_root_boundary().exit,
        _ranges(r.get_entry_ranges()),
        r.to_snapshot(),
    ],
    "topology": _topology,
    "control": lambda r: list(r.decisions),
    "quality": lambda r: [r.size, r.get_overall_score(), *_lowest(r), r.to_snapshot()],
    "combined": lambda r: [
        [_entry(entry) for entry in r.get_entries()],
        r.entry_count,
        r.step_count,
        _ranges(r.get_entry_ranges()),
        list(r.get_entries_by_subflow()),
        len(r.to_snapshot()["data"]),
    ],
    "composite": lambda r: r.to_snapshot(),
}


def _entry(entry: Any) -> Json:
    return entry.as_json()


def _lowest(recorder: built_in.QualityRecorder) -> list[Json]:
    lowest = recorder.get_lowest()
    # JavaScript's JSON has null for a list's undefined item.
    return [None if lowest is None else {"runtimeStageId": lowest.runtime_stage_id, "entry": lowest.entry}]


def ask(recorders: Mapping[str, Any], snapshot: Mapping[str, Any]) -> dict[str, Json]:
    """What the recorders have to say, as JSON."""
    said: dict[str, Json] = {}
    for name, recorder in recorders.items():
        view = _VIEWS.get(name, lambda r: [r.get_sentences(), r.get_suppressed_count()])
        said[name] = _plain(view(recorder))
    quality = recorders["quality"]
    log = snapshot["commitLog"]
    lowest = quality.get_lowest()
    ids = [lowest and lowest.runtime_stage_id, log[-1]["runtimeStageId"] if log else None, "nowhere#9"]
    said["trace"] = []
    for step in dict.fromkeys(step for step in ids if step is not None):
        trace = quality_trace(log, quality, step, 5)
        said["trace"].append([_plain(trace), format_quality_trace(trace)])
    return said


# As in `recorders.mjs`.
_STAMPED = ("on_commit", "on_stage_start", "on_stage_end", "on_stage_executed", "on_decision", "on_selected", "on_next",
            "on_fork", "on_loop", "on_break", "on_subflow_entry", "on_subflow_exit", "on_run_start", "on_run_end",
            "on_run_failed", "on_pause", "on_resume")  # fmt: skip


class Stamps:
    """Each event with the commits that there were when it happened."""

    id = "r-stamps"

    def __init__(self, executor: FlowChartExecutor) -> None:
        self.seen: list[Json] = []
        self._executor = executor
        for hook in _STAMPED:
            setattr(self, hook, self._stamp(hook))

    def _stamp(self, hook: str) -> Callable[[Any], None]:
        camel = re.sub("_(.)", lambda letter: letter[1].upper(), hook)

        def stamp(event: Any) -> None:
            context = getattr(event, "traversal_context", None)
            place = getattr(event if context in {None, msgspec.UNSET} else context, "runtime_stage_id", None)
            self.seen.append([camel, place, self._executor.get_commit_count()])

        return stamp


def answered(executor: FlowChartExecutor, stamps: Stamps, spec_ids: list[str], snapshot: Mapping[str, Any]) -> Json:
    """What the executor itself answers after a phase."""
    entries = executor.get_narrative_entries()
    subtrees: list[Json] = []
    for key in (*snapshot.get("subflowResults", {}), "/nowhere/", ""):
        found = get_subtree_snapshot(snapshot, key, entries)
        if found is None:
            subtrees.append([key])
            continue
        tree, history, told = found.execution_tree or {}, found.history, found.narrative_entries or []
        count = None if history is None else len(history)
        texts = [entry.text for entry in told]
        place = tree.get("runtimeStageId")
        subtrees.append([key, found.subflow_id, place, found.shared_state, count, found.initial_state, texts])
    seen, stamps.seen = stamps.seen, []
    return _plain(
        {
            "stamps": seen,
            "commits": executor.get_commit_count(),
            "results": list(executor.get_subflow_results()),
            "manifest": executor.get_subflow_manifest(),
            "specs": [executor.get_subflow_spec(each) is not None for each in spec_ids],
            "subtrees": subtrees,
        }
    )


def _plain(value: Any) -> Json:
    return _still(json_view(msgspec.json.decode(msgspec.json.encode(value))))


def _still(value: Json) -> Json:
    """Durations are no fact of a case."""
    if isinstance(value, dict):
        return {
            name: 0 if name in _DURATIONS and isinstance(held, int | float) else _still(held)
            for name, held in value.items()
        }
    return [_still(item) for item in value] if isinstance(value, list) else value


_DURATIONS = {"totalDuration", "grandTotal", "duration"}


def made_of_case(case: Mapping[str, Any]) -> tuple[dict[str, Json], list[dict[str, Json]], list[Any]]:
    """Run a case on executors that have the recorders attached.

    Gives the case's result, what the recorders say after each phase, and each phase's executor and trace, None where it
    never began.
    """
    phases: list[dict[str, Json]] = []
    traces: list[Any] = []

    class Recorded(FlowChartExecutor):
        """Attaches the recorders when the runner makes an executor, and asks them when it asks for the snapshot."""

        answering = False

        def enable_narrative(self, **options: Any) -> None:
            super().enable_narrative(**options)
            self.ours = attached()
            self.stamps = Stamps(self)
            for recorder in (*self.ours.values(), self.stamps):
                self.attach_combined_recorder(recorder)

        def get_snapshot(self, redact: bool = False) -> dict[str, Any]:
            snapshot = super().get_snapshot(redact)
            bundles = snapshot.pop("recorders", [])
            if not redact and not self.answering:
                self.answering = True  # what is asked now may ask for the snapshot again
                said = ask(self.ours, snapshot)
                shown = [b for b in bundles if b["id"] not in {"r-metric", "r-verbose"}]
                said["bundles"] = [{k: v for k, v in b.items() if k != "data"} for b in shown]
                spec_ids = self.ours["manifest"].get_spec_ids()
                said["executor"] = answered(self, self.stamps, spec_ids, snapshot)
                self.answering = False
                phases.append(said)
                traces.append((self, self.get_trace()) if self._phases else None)
            return snapshot

    plain = _run.FlowChartExecutor
    _run.FlowChartExecutor = Recorded
    try:
        result = _run.run_case(case)
    finally:
        _run.FlowChartExecutor = plain
    return result, phases, traces


def first_recorder_difference(
    case: Mapping[str, Any], result: dict[str, Json], said: list[dict[str, Json]]
) -> Difference | None:
    """The first difference between what the reference's recorders and ours make of a case; None when there is none.

    Recorders know events and nothing else: they are compared after each phase in which both sides have heard the same,
    by the rules of docs/parity.md, and so has their executor in all phases before.

    Args:
        case: the case.
        result: the reference's result.
        said: what its recorders said after each phase, of all runs.
    """
    got, ours, _traces = made_of_case(case)
    heard = same_events(result, got, case)
    rules = _Rules(case, got, said)
    left = rules.left_of(said), rules.left_of(ours)
    at = [0, 0]
    alike = True
    for number, (run, theirs, mine) in enumerate(zip(_runs(case), result["runs"], got["runs"], strict=True)):
        fresh = any(entry.get("fresh") for entry in run.get("resume") or ())
        alike = alike or not run.get("sameExecutor")
        for index in range(min(len(theirs["phases"]), len(mine["phases"]))):
            alike = alike and heard[number][index]
            one, other = left[0][at[0] + index], left[1][at[1] + index]
            for name in one if alike else ():
                # The narrative after a fresh resume is empty in the reference, and left uncompared.
                found = None if fresh and name == "combined" else difference(one[name], other.get(name))
                if found is not None:
                    path = f"$.runs[{number}].phases[{index}].recorders.{name}{found.path[1:]}"
                    return Difference(path, found.expected, found.got)
        at = [at[0] + len(theirs["phases"]), at[1] + len(mine["phases"])]
    return None


def _runs(case: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return case.get("runs") or [case.get("run") or {}]


class _Rules:
    """What the rules of docs/parity.md leave of what recorders say of a case; seen from what the reference's say."""

    def __init__(self, case: Mapping[str, Any], got: dict[str, Json], said: list[dict[str, Json]]) -> None:
        text = json.dumps(case)
        dropped: list[str] = []
        if any("fork-branch" in json.dumps(phase["topology"]) for phase in said):
            dropped += ("manifest", "topology", "composite")  # rule 10: ours tells charts that run side by side apart
        if '"redact' in text:
            dropped += ("inOut", "verbose", "combined", "control")  # rule 9
        if "\\ud83" in text:
            dropped += ("combined",)  # rule 7
        if any(run.get("mergedWhole") for run in got["runs"]):
            dropped += ("verbose", "combined")  # rule 1
        # Narratives and states of subflows: what is said of "combined", and of what is hidden.
        fresh = any(entry.get("fresh") for run in _runs(case) for entry in run.get("resume") or ())
        self._dropped_answers = {"subtrees"} if fresh or "combined" in dropped else set[str]()
        if "manifest" in dropped:
            self._dropped_answers.add("manifest")
        self._dropped = frozenset(dropped)
        # Rule 6: the reference's subflow goes on for ever, and all that follows is in it.
        self._paused_inside = next((n for n, phase in enumerate(said, 1) if phase["topology"][0]["activeNodeId"]), None)

    def left_of(self, phases: list[dict[str, Json]]) -> list[dict[str, Json]]:
        """Of each phase, by recorder."""
        return [self._left(number, json.loads(json.dumps(phase))) for number, phase in enumerate(phases)]

    def _left(self, number: int, seen: dict[str, Json]) -> dict[str, Json]:
        dropped = self._dropped
        for entries in (seen["minimal"], seen["verbose"][0], seen["verbose"][1]["data"]):
            for entry in entries:
                if entry["type"] == "error":
                    entry["data"].pop("message", None)  # rule 10: ours says what the stage raised
        for part in seen["composite"]["data"]["children"]:
            if part["id"] == "part":  # rule 10: our composite hands pauses on
                part["data"].pop("totalPauses")
                for step in part["data"]["steps"].values():
                    step.pop("pauseCount")
            elif part["id"] == "sub" and self._paused_inside is not None and number >= self._paused_inside:
                del part["data"]
        if self._paused_inside is not None and number >= self._paused_inside:
            dropped |= {"topology", "manifest"}
            seen["executor"].pop("manifest", None)
        for name in self._dropped_answers:
            seen["executor"].pop(name, None)
        for boundary in dicts_in(seen["inOut"]):  # rule 4
            if boundary.get("payload", 0) is None:
                del boundary["payload"]
        return {name: said for name, said in seen.items() if name not in dropped}
