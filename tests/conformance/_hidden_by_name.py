"""What is hidden by its name where the reference shows it: inputs, results, states, side bags, and all that a resume has forgotten."""

from __future__ import annotations

import copy
import re
from typing import Any

from footpath.values import MARK
from tests.conformance._difference import HIDDEN, dicts_in
from tests.conformance._hiding import MARKS, Hiding

__all__ = ["ACCESS", "hide_given", "hide_named", "let_report_more", "shared_states", "stay_hidden"]

Json = Any

_INPUT = re.compile(r"Input: (.*?) = ", re.DOTALL)

_IN_RUNS = re.compile("runs\x1f[^\x1f]*\x1f")

_BAGS = {"logs": "log.debug.", "errors": "log.error.", "metrics": "metric.", "evals": "eval."}

ACCESS = re.compile(r"^((?:Step \d+: )?(?:Read|Write|Update) (.+?) = ).*$", re.DOTALL)

_GIVEN = re.compile(r"^(Input: (.+?) = ).*$", re.DOTALL)


def hide_given(phase: dict[str, Json], hiding: Hiding) -> None:
    """Hide by name what the reference shows of a run's input and result, and of a state that was gone back to."""
    for entry in phase["events"]:
        payload = entry["event"].get("payload")
        if entry["method"] == "onRunStart" and isinstance(payload, dict):
            for key, value in payload.items():
                if value not in MARKS:
                    hiding.wrote(key, copy.deepcopy(value))
            hiding.hide_in(payload)
        elif entry["method"] == "onRunEnd" and isinstance(payload, dict):
            given = [each.get("result") for each in payload.values() if isinstance(each, dict) and "isError" in each]
            for each in given or [payload]:  # of each parallel child, or the run's own
                if isinstance(each, dict):
                    hiding.hide_in(each)
        elif entry["method"] == "onWrite" and entry["event"].get("pipelineId") and "value" in entry["event"]:
            hiding.wrote_in_child(*(copy.deepcopy(entry["event"][part]) for part in ("pipelineId", "key", "value")))
        mapped = entry["event"].get("mappedInput")
        if entry["method"] == "onSubflowEntry" and isinstance(mapped, dict):
            hiding.hide_members(mapped)
    for key, value in ((phase.get("snapshot") or {}).get("initialState") or {}).items():
        if value not in MARKS:
            hiding.wrote(key, copy.deepcopy(value))
    for line in phase["narrative"]:
        given = _INPUT.match(line["text"])
        if given and "rawValue" in line:
            hiding.hide_members({given[1]: line["rawValue"]})
    for query in phase.get("queries") or ():
        answer = query.get("answer")
        if query["q"] == "stateAt" and isinstance(answer, dict) and isinstance(answer.get("state"), dict):
            hiding.hide_in(answer["state"])


def stay_hidden(phase: dict[str, Json], hiding: Hiding) -> None:
    """After a resume the reference has forgotten which keys redacted writes had marked."""
    for entry in phase["events"]:
        event = entry["event"]
        gone = event.get("operation") == "delete" or "value" not in event
        if entry["method"] == "onWrite" and gone and hiding.hides(event["key"]):
            hiding.deleted.add((event["runtimeStageId"], event["key"]))
        for mutation in event.get("mutations") or ():
            if hiding.hides(mutation["key"]):
                mutation["value"] = HIDDEN
        if entry["method"] in ("onRead", "onWrite") and hiding.hides(event["key"]):
            event.update(value=HIDDEN, redacted=True)
        for name in ("outputState", "mappedInput"):
            if isinstance(event.get(name), dict):
                hiding.hide_all(event[name])
    for held, shown in shared_states(phase):
        hiding.secrets += [copy.deepcopy(value) for key, value in (held or {}).items() if hiding.hides(key)]
        if shown:
            hiding.hide_all(shown)
    for bundle in dicts_in([phase.get("snapshot"), phase.get("snapshotRedacted")]):
        for part in ("overwrite", "updates") if "redactedPaths" in bundle else ():
            hiding.hide_all(bundle[part])
    for node in dicts_in([phase.get(name) for name in ("snapshot", "snapshotRedacted", "checkpoint")]):
        for stage, key in hiding.deleted if "isDecider" in node else ():
            if node.get("runtimeStageId") == stage and key not in node.get("stageWrites", ()):
                node.setdefault("stageWrites", {})[key] = HIDDEN  # where it stands with nothing, which JSON leaves out
        if isinstance(node.get("globalContext"), dict):
            hiding.hide_all(node["globalContext"])
        for bag in ("stageReads", "stageWrites"):
            for key in node.get(bag) or ():
                if hiding.hides(key):
                    node[bag][key] = HIDDEN
    for line in phase["narrative"]:
        accessed = ACCESS.match(line["text"]) or _GIVEN.match(line["text"])
        if accessed and hiding.hides(accessed[2]):
            line.update(text=f"{accessed[1]}{MARK}", rawValue=HIDDEN)


def let_report_more(theirs: Json, ours: Json, hiding: Hiding) -> None:
    """After a resume the report may list more of ours: keys and fields that are hidden, in any order."""
    reports = [phase.get("redactionReport") for phase in (theirs, ours)]
    if all(reports):
        known, listed = (report["redactedKeys"] for report in reports)
        reports[0]["redactedKeys"] = sorted(known)
        reports[1]["redactedKeys"] = sorted(
            key for key in listed if key in known or not (hiding.hides(key) or hiding.names(key))
        )


def hide_named(item: dict[str, Json], hiding: Hiding, *, resumed: bool) -> None:
    """Hide what a policy hides by name, where the reference does not: tree nodes, states, lists of hidden paths."""
    if "metrics" in item and "evals" in item:
        for bag, prefix in _BAGS.items():
            for key in item.get(bag) or ():
                if hiding.hides_emit(prefix + key) and key != "stageExecutionError":  # which is no remark of a stage
                    item[bag][key] = HIDDEN
    for name in ("initialState", "globalContext"):
        if isinstance(item.get(name), dict):
            hiding.hide_in(item[name])
    for runs in (item.get("runs"), *(item.get(name) for name in ("value", "rawValue") if item.get("key") == "runs")):
        for state in runs.values() if isinstance(runs, dict) else ():  # what parallel children wrote
            if isinstance(state, dict):
                hiding.hide_in(state)
    for name in ("value", "rawValue"):
        if name in item and isinstance(item.get("key"), str):
            held = {item["key"]: item[name]}
            hiding.hide_texts(held)
            hiding.hide_dotted(held)
            item[name] = held[item["key"]]
    for bag in ("stageReads", "stageWrites"):
        hiding.hide_texts(item.get(bag) or {})
        hiding.hide_dotted(item.get(bag) or {})
    if "actualSummary" in item:
        seen = {item["key"]: str(item["actualSummary"])[1:-1]}
        hiding.hide_texts(seen)
        if hiding.hides(item["key"]) or HIDDEN in seen.values():
            item.update(actualSummary=HIDDEN, redacted=True)
    if isinstance(item.get("redactedPaths"), list):
        paths = [path for path in item["redactedPaths"] if hiding.names(path, by_policy=resumed)]
        if resumed:
            paths = [path for path in paths if not hiding.has_forgotten(path)]
        if (
            item.get("runtimeStageId") == ""
        ):  # what a subflow goes on from: of what its children wrote, the reference hides nothing
            paths = [path for path in paths if not _IN_RUNS.match(path)]
        item["redactedPaths"] = paths
        item.pop("redacted", None)  # of a state that was gone back to: whether there are any


def shared_states(phase: dict[str, Json]) -> list[tuple[Json, Json]]:
    raw, shown = phase.get("snapshot") or {}, phase.get("snapshotRedacted") or {}
    pairs = [(raw.get("sharedState"), shown.get("sharedState"))]
    for name, result in (raw.get("subflowResults") or {}).items():
        other = (shown.get("subflowResults") or {}).get(name) or {}
        pairs.append(
            (
                (result.get("treeContext") or {}).get("globalContext"),
                (other.get("treeContext") or {}).get("globalContext"),
            )
        )
    return pairs
