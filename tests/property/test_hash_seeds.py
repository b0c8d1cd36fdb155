"""Law 4, between processes: bytes do not depend on how a process hashes, nor on where its objects lie."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SCRIPT = """
import hashlib
from footpath import RedactionPolicy, encode_trace, flow_chart
from tests.golden._charts import RUNS, executor, finished
from tests.property._values import ODD, made

def keep(scope):
    for name in ODD:
        scope[name] = made(("odd", name))
        scope["around " + name] = made(("around odd", name))
    longer = ["4929-1" + "234"[: at % 4] + "-0" * (at // 4) for at in range(12)]  # one begins as another
    scope.card = {"5555-1234", "4111-1234", *longer}
    scope.note = " and ".join(("5555-1234 and 4111-1234", *longer))

for name, runs in RUNS.items():
    for trace in runs():
        print(name, hashlib.sha256(encode_trace(trace)).hexdigest())
kept = executor(flow_chart("Keep", keep, "keep").build())
kept.set_redaction_policy(RedactionPolicy(keys=("card",)))
print("odd", hashlib.sha256(encode_trace(finished(kept, kept.run))).hexdigest())
"""


def digests(seed: int) -> str:
    path = os.pathsep.join((str(ROOT / "engine_layer"), str(ROOT)))
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_two_processes_write_the_same_bytes() -> None:
    """Sets, secrets and every odd value among them."""
    first = digests(1)
    assert first.count("\n") > 10
    assert digests(2) == first
