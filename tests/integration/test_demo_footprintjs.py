"""What `traces get --footprintjs` prints, read by the real footprintjs: its functions answer on it as ours do.

Runs where Node and the npm package footprintjs are; elsewhere it is skipped and says how to get them.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from footpath import query
from footpath_cli._app import app
from footpath_cli.demo import applications
from tests.conformance._oracle import OracleMissingError, find_oracle

if TYPE_CHECKING:
    from pathlib import Path

ASK = """
import * as trace from 'footprintjs/trace';
let text = '';
for await (const chunk of process.stdin) text += chunk;
const { footprintjs: { spec, snapshot, narrative }, keys } = JSON.parse(text);
const log = snapshot.commitLog;
const reads = trace.keysReadFromExecutionTree(snapshot.executionTree);
const answers = {};
for (const key of keys) {
  const writer = trace.findLastWriter(log, key);
  const chain = writer && trace.causalChain(log, writer.runtimeStageId, reads.lookup);
  answers[key] = {
    writer: writer ? [writer.idx, writer.runtimeStageId] : null,
    chain: chain ? trace.formatCausalChain(chain) : null,
    slice: trace.formatSlice(trace.sliceForKey(log, key, reads)),
  };
}
console.log(JSON.stringify({ answers, stages: narrative.length, root: spec.id }));
"""


def in_footprintjs(printed: dict[str, Any], keys: list[str]) -> Any:
    try:
        oracle = find_oracle()
    except OracleMissingError as error:
        pytest.skip(str(error))
    done = subprocess.run(
        [oracle._node, "--input-type=module", "-e", ASK],
        cwd=oracle.folder,
        input=json.dumps({"footprintjs": printed, "keys": keys}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ours(snapshot: dict[str, Any], key: str) -> dict[str, Any]:
    log = snapshot["commitLog"]
    reads = query.keys_read_from_execution_tree(snapshot["executionTree"])
    writer = query.find_last_writer(log, key)
    chain = query.causal_chain(log, writer["runtimeStageId"], reads) if writer else None
    return {
        "writer": [writer["idx"], writer["runtimeStageId"]] if writer else None,
        "chain": query.format_causal_chain(chain) if chain else None,
        "slice": query.format_slice(query.slice_for_key(log, key, reads)),
    }


@pytest.mark.parametrize("at", [0, 1, 2, 3], ids=["countered", "declined", "referred", "another"])
def test_footprintjs_gives_the_same_causes_for_every_key(at: int, tmp_path: Path) -> None:
    """findLastWriter, causalChain and sliceForKey of npm's footprintjs, and ours, on the trace of a credit decision."""
    run = CliRunner()
    place = ["-a", str(tmp_path)]
    given = json.dumps(applications()[at].given)
    answer = json.loads(run.invoke(app, ["run", "credit-decision", "-i", "-", "--json", *place], input=given).stdout)
    printed = json.loads(run.invoke(app, ["traces", "get", answer["traceId"], "--footprintjs", *place]).stdout)
    keys = [*printed["snapshot"]["sharedState"], "nothing"]
    assert len(keys) > 10
    theirs = in_footprintjs(printed, keys)
    assert theirs["root"] == "credit-decision"
    assert theirs["stages"] > 20
    assert theirs["answers"] == {key: ours(printed["snapshot"], key) for key in keys}
