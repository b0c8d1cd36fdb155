"""The built-in recorders beside the reference's: attached to the same charts, asked after every phase."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from footpath import replay
from tests.conformance._compare import may_go_on_otherwise
from tests.conformance._difference import dicts_in
from tests.conformance._js import load_json
from tests.conformance._oracle import OracleMissingError, find_oracle
from tests.conformance._places import OWN, shared_folder
from tests.conformance._recorders import ask, attached, made_of_case
from tests.conformance._run import run_case

SCRIPT = OWN / "recorders.mjs"
# One line a case: what the reference's recorders made of it. `python -m tests.conformance.test_recorders` writes it anew.
KEPT = OWN / "recorders.jsonl"
CASES = (
    "loop-long", "loop-until", "decide-filters", "select-rules", "fork-waits", "fork-of-subflows", "fork-fail-fast",
    "for-each-items", "dynamic-nodes", "retry-and-fail", "error-with-writes", "pause-and-go-on", "pause-inside",
    "subflow-mappings", "emits-and-diagnostics", "two-runs",
)  # fmt: skip


def _kept() -> dict[str, Any]:
    return dict(json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines())


def _case(path: Path) -> dict[str, Any]:
    return load_json(path.read_text(encoding="utf-8"))


def _compared(
    phases: list[dict[str, Any]], *, parallel_charts: bool, hides: bool, halves: bool, paused_inside: int
) -> list[dict[str, Any]]:
    """What is left of a side by the rules of docs/parity.md."""
    left: list[dict[str, Any]] = []
    for number, phase in enumerate(phases):
        seen = json.loads(json.dumps(phase))
        for entries in (seen["minimal"], seen["verbose"][0], seen["verbose"][1]["data"]):
            for entry in entries:
                if entry["type"] == "error":
                    entry["data"].pop("message", None)  # rule 10: ours says what the stage raised
        for part in seen["composite"]["data"]["children"]:
            if part["id"] == "part":  # rule 10: our composite hands pauses on
                part["data"].pop("totalPauses")
                for step in part["data"]["steps"].values():
                    step.pop("pauseCount")
        for boundary in dicts_in(seen["inOut"]):  # rule 4
            if boundary.get("payload", 0) is None:
                del boundary["payload"]
        dropped: tuple[str, ...] = ()
        if parallel_charts:  # rule 10: ours tells charts that run side by side apart
            dropped += ("manifest", "topology", "composite")
            del seen["executor"]["manifest"]
        if number >= paused_inside:  # rule 6: the reference's subflow goes on for ever, and all that follows is in it
            dropped += ("topology", "manifest")
            seen["executor"].pop("manifest", None)
            for part in seen["composite"]["data"]["children"]:
                if part["id"] == "sub":
                    del part["data"]
        if hides:  # rules 8 and 9
            dropped += ("inOut", "verbose", "combined", "control")
        if halves:  # rule 7
            dropped += ("combined",)
        left.append({name: said for name, said in seen.items() if name not in dropped})
    return left


def _same(case: dict[str, Any], expected: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    alike_phases = _alike(case)
    got, _traces = made_of_case(case, monkeypatch)
    parallel_charts = any("fork-branch" in json.dumps(phase["topology"]) for phase in expected)
    paused_inside = next((n for n, phase in enumerate(expected, 1) if phase["topology"][0]["activeNodeId"]), 1000)
    text = json.dumps(case)
    rules: dict[str, Any] = {
        "parallel_charts": parallel_charts,
        "hides": '"redact' in text,
        "halves": "\\ud83" in text,
        "paused_inside": paused_inside,
    }
    fresh = any(entry.get("fresh") for run in _runs(case) for entry in run.get("resume") or ())
    sides = zip(alike_phases, _compared(got, **rules), _compared(expected, **rules), strict=True)
    for alike, ours, theirs in sides:
        if not alike:
            continue
        for name, said in theirs.items():
            if fresh and name == "combined":
                continue  # empty in the reference, which the format leaves uncompared
            assert ours[name] == said, name


def _alike(case: dict[str, Any]) -> list[bool]:
    """Of each phase, whether rules 5 and 6 compare it, and all that the same executor did before."""
    alike: list[bool] = []
    going = True
    for run, ran in zip(_runs(case), run_case(case)["runs"], strict=True):
        throwing = (run.get("options") or {}).get("throwingRecorder") or {}
        fails = any("onResume" in methods for methods in throwing.values())
        going = going or not run.get("sameExecutor")
        for phase in ran["phases"]:
            alike.append(going)
            if "checkpoint" in phase and (fails or may_go_on_otherwise(case, phase["checkpoint"])):
                going = False
    return alike


def _runs(case: dict[str, Any]) -> list[dict[str, Any]]:
    return case.get("runs") or [case.get("run") or {}]


@pytest.mark.parametrize("name", CASES)
def test_recorders_say_what_the_references_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics, debug, manifest, in and out, topology, quality, composite, control dependencies, narratives, bundles."""
    _same(_case(OWN / "cases" / f"{name}.json"), _kept()[name], monkeypatch)


@pytest.mark.parametrize("name", CASES)
def test_recorders_say_the_same_of_a_replay(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told of the traces of an executor's phases, one after the other, they stand as they stood after the live ones."""
    live, traces = made_of_case(_case(OWN / "cases" / f"{name}.json"), monkeypatch)
    told: dict[Any, dict[str, Any]] = {}
    for said, made in zip(live, traces, strict=True):
        if made is None:
            continue
        executor, trace = made
        recorders = told.setdefault(executor, attached())
        replay(trace, *recorders.values())
        again = ask(recorders, trace.snapshot)
        # A trace of a resumed phase has that phase's commits alone, so what is asked of the log is not compared.
        live_only = {"bundles", "executor"}
        assert {**again, "trace": None} == {k: held for k, held in said.items() if k not in live_only} | {"trace": None}


def test_the_large_set_agrees_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All shared cases, asked of the reference now; the kept answers are checked against it as well."""
    shared = shared_folder()
    if shared is None:
        pytest.skip("the large set of cases is not here")
    try:
        find_oracle()
    except OracleMissingError as missing:
        pytest.skip(str(missing))
    own = [OWN / "cases" / f"{name}.json" for name in CASES]
    answers = asked_of_the_reference([*sorted((shared / "cases").glob("*.json")), *own])
    assert {name: answers[name] for name in CASES} == _kept()
    failures: dict[str, str] = {}
    for path in sorted((shared / "cases").glob("*.json")):
        if not answers[path.stem]:
            continue
        with pytest.MonkeyPatch.context() as patch:
            try:
                _same(_case(path), answers[path.stem], patch)
            except AssertionError as difference:
                failures[path.stem] = str(difference).splitlines()[0]
    assert failures == {}


def asked_of_the_reference(cases: list[Path]) -> dict[str, Any]:
    """What the reference's recorders make of some cases, by name."""
    folder = find_oracle().folder
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run(
        [node, str(SCRIPT), *map(str, cases)], cwd=folder, capture_output=True, check=True, timeout=120
    )
    return load_json(done.stdout.decode())


if __name__ == "__main__":
    answers = asked_of_the_reference([OWN / "cases" / f"{name}.json" for name in CASES])
    lines = [json.dumps([name, answers[name]], ensure_ascii=False, separators=(",", ":")) for name in CASES]
    KEPT.write_text("\n".join(lines) + "\n", encoding="utf-8")
