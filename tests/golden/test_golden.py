"""Every trace that was ever written reads and replays, for ever (fate F15 of docs/reliability.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from footpath import Trace, decode_trace, encode_trace, replay
from footpath.channels import EMIT_HOOKS, FLOW_HOOKS, SCOPE_HOOKS, STRUCTURE_HOOKS
from footpath.errors import UnknownVersionError
from footpath.journal import entries
from footpath.trace import VERSION
from tests.golden._charts import RUNS

HERE = Path(__file__).parent
TRACES = sorted(HERE.glob("v*/*.trace.json"))
FOREIGN = sorted((HERE / "footprintjs").glob("*.json"))


def read(path: Path) -> Trace:
    return decode_trace(path.read_bytes().rstrip(b"\n"))


def expected(path: Path) -> dict[str, Any]:
    return json.loads(path.with_name(path.name.replace(".trace.", ".expected.")).read_text(encoding="utf-8"))


def as_json(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


class Heard:
    """Keeps every call."""

    id = "heard"

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []
        for hook in (*STRUCTURE_HOOKS, *SCOPE_HOOKS, *FLOW_HOOKS, *EMIT_HOOKS):
            setattr(self, hook, lambda event, hook=hook: self.calls.append([hook, as_json(event)]))


@pytest.mark.parametrize("path", TRACES, ids=lambda path: f"{path.parent.name}/{path.name.partition('.')[0]}")
def test_a_kept_trace_says_what_it_always_said(path: Path) -> None:
    """Events, story, snapshot and final state; and its bytes stay those it was read from."""
    trace = read(path)
    said = expected(path)
    heard = Heard()
    replay(trace, heard)
    assert heard.calls == [*said["structure"], *said["events"]]
    assert [entry.as_json() for entry in trace.narrative] == said["narrative"]
    assert trace.snapshot == said["snapshot"]
    assert as_json(trace.final_state()) == said["finalState"]
    assert (
        trace.state_at(len(trace.snapshot["commitLog"])) == said["snapshot"]["sharedState"] or trace.status == "paused"
    )
    assert encode_trace(trace) + b"\n" == path.read_bytes()


def test_the_kept_traces_hold_every_kind_of_entry() -> None:
    """A new kind of entry comes with a trace that has it."""
    kinds = {
        value
        for name, value in vars(entries).items()
        if name.isupper() and isinstance(value, int) and not name.startswith("LINK_") and name not in FLAGS
    }
    kept = {entry[0] for path in TRACES for entry in read(path).document.journal if not isinstance(entry, str)}
    assert kinds - kept == set()


FLAGS = ("REDACTED", "ABSENT_VALUE", "FIELDS", "RESULT")


@pytest.mark.parametrize("name", RUNS)
def test_todays_runs_say_what_the_kept_ones_say(name: str) -> None:
    """The same charts, run now: other bytes are allowed, other words are not."""
    for number, trace in enumerate(RUNS[name](), 1):
        said = expected(HERE / "v1" / f"{name}-{number}.trace.json")
        again = decode_trace(encode_trace(trace))
        assert [[hook, as_json(event)] for hook, event in again.events()] == said["events"]
        assert again.snapshot == said["snapshot"]


def test_a_newer_version_is_told_apart_from_a_broken_one() -> None:
    """It is nobody's fault; whoever reads it knows which version it would take."""
    document = json.loads(TRACES[0].read_bytes())
    document["version"] = VERSION + 1
    document["journal"] = {"of another": "shape"}
    with pytest.raises(UnknownVersionError, match="deploy a newer Footpath") as caught:
        decode_trace(json.dumps(document).encode())
    assert caught.value.version == VERSION + 1


def test_members_of_later_documents_are_passed_over() -> None:
    """What this code does not know does not stop it."""
    document = json.loads((HERE / "v1" / "line-1.trace.json").read_bytes())
    document["colour"] = "blue"
    document["chart"]["size"] = 3
    document["options"]["narrative"] = {"include_values": True, "language": "fr"}
    document["options"]["newDial"] = 7
    assert decode_trace(json.dumps(document).encode()).narrative


@pytest.mark.parametrize("path", FOREIGN, ids=lambda path: path.stem)
def test_a_kept_footprintjs_trace_is_read(path: Path) -> None:
    """Its own snapshot and story, and the events that they bear out."""
    captured = json.loads(path.read_text(encoding="utf-8"))
    trace = decode_trace(path.read_bytes())
    assert trace.snapshot == captured["snapshot"]
    assert trace.spec == captured["spec"]
    assert [entry.as_json() for entry in trace.narrative] == captured["narrative"]
    heard = Heard()
    replay(trace, heard)
    stages = [event["stageName"] for hook, event in heard.calls if hook == "on_stage_executed"]
    assert len(stages) > 1
    assert as_json(trace.final_state()) == captured["snapshot"]["sharedState"]
