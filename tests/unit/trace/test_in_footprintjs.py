"""What a trace exports is read by footprintjs's own functions, and says there what ours says of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from footpath import query
from tests.conformance._oracle import OracleMissingError, find_oracle
from tests.conformance._queries import ControlRecorder, answer
from tests.golden._charts import RUNS

SCRIPT = """
import * as trace from 'footprintjs/trace';
import { listSubflowPaths } from 'footprintjs';
let text = '';
for await (const chunk of process.stdin) text += chunk;
const ref = (b) => (b ? { idx: b.idx, runtimeStageId: b.runtimeStageId } : null);
const said = JSON.parse(text).map(({ exported, keys }) => {
  const { snapshot } = exported;
  const log = snapshot.commitLog;
  const reads = trace.keysReadFromExecutionTree(snapshot.executionTree);
  const of = (key) => {
    const writer = trace.findLastWriter(log, key);
    const root = writer ? trace.causalChain(log, writer.runtimeStageId, reads.lookup, {}) : undefined;
    const slice = trace.sliceForKey(log, key, reads, {});
    return {
      writer: ref(writer),
      chain: root ? trace.formatCausalChain(root) : null,
      slice: trace.sliceToJSON(slice),
      sliceText: trace.formatSlice(slice),
      timeline: trace.formatTimeline(trace.keyTimeline(log, key, reads, {})),
    };
  };
  return {
    keys: Object.fromEntries(keys.map((key) => [key, of(key)])),
    stops: trace.timeTravel(snapshot).stops.length,
    states: log.map((_, idx) => trace.stateAt(snapshot, idx).state),
    subflows: listSubflowPaths(snapshot),
  };
});
process.stdout.write(JSON.stringify(said));
"""


def exported() -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Some runs as footprintjs reads them, with the keys worth asking about; through JSON, as they would travel."""
    for name, runs in RUNS.items():
        for number, trace in enumerate(runs(), 1):
            if trace.status != "deadline":
                shown = msgspec.json.decode(msgspec.json.encode(trace.to_footprintjs()))
                keys = [*shown["snapshot"]["sharedState"], "never"]
                yield f"{name}-{number}", shown, [key for key in keys if key != "runs"]


def asked_of_footprintjs(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        oracle = find_oracle()
    except OracleMissingError as missing:
        pytest.skip(str(missing))
    command = [oracle._node, "--input-type=module", "-e", SCRIPT]
    done = subprocess.run(
        command,
        cwd=oracle.folder,
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_footprintjs_says_of_our_traces_what_we_say() -> None:
    """Last writers, causal chains, slices, timelines, states and subflows: the same answers from both."""
    runs = list(exported())
    answers = asked_of_footprintjs([{"exported": shown, "keys": keys} for _, shown, keys in runs])
    for (name, shown, keys), said in zip(runs, answers, strict=True):
        snapshot = shown["snapshot"]
        reads = query.keys_read_from_execution_tree(snapshot["executionTree"])
        control = ControlRecorder()
        for key in keys:
            theirs = said["keys"][key]
            chain = answer({"q": "causalChain", "key": key}, snapshot, control, reads) if theirs["writer"] else None
            ours = answer({"q": "sliceForKey", "key": key}, snapshot, control, reads)
            assert answer({"q": "findLastWriter", "key": key}, snapshot, control, reads) == theirs["writer"], (
                name,
                key,
            )
            assert (chain and chain["text"]) == theirs["chain"], (name, key)
            assert msgspec.to_builtins(ours["json"]) == theirs["slice"], (name, key)
            assert ours["text"] == theirs["sliceText"], (name, key)
            timeline = answer({"q": "keyTimeline", "key": key}, snapshot, control, reads)
            assert timeline["text"] == theirs["timeline"], (name, key)
        assert len(query.stops(snapshot)) == said["stops"], name
        assert query.list_subflow_paths(snapshot) == said["subflows"], name
        assert [query.state_at(snapshot, idx).state for idx in range(len(snapshot["commitLog"]))] == said["states"], (
            name
        )


def test_where_footprintjs_is_missing_the_test_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A skipped test is a promise that nobody checks, so it must be easy to keep."""
    monkeypatch.setenv("FOOTPATH_ORACLE", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="npm install footprintjs") as skipped:
        asked_of_footprintjs([])
    assert "FOOTPATH_ORACLE" in str(skipped.value)
