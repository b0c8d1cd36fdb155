"""What a cold start costs: the processor's time of a new process, from its start to its first answer.

The built handler with its layer's bytecode against the same without, and against the smallest handler that does what a
cold start of ours can't do without: make boto3's clients of SQS and S3. Nothing is sent anywhere: the sample asks for a
list of charts. Time of the processor, not of the wall, because a cold start waits for nothing here but other work on
the machine.

usage: python -m bench.cold_start [rounds]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench._rows import Row, as_text
from bench._turns import in_turns, ratio
from infra.events import samples
from infra.local import install_runtime
from infra.template import ROOT

_HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
_BARE = """
import boto3
sqs, s3 = boto3.client("sqs"), boto3.client("s3")
def lambda_handler(event, context):
    return {"statusCode": 200}
"""
_VARIABLES = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # nobody listens
    "ARCHIVE_BUCKET": "bench-archive",
    "TRACE_QUEUE_URL": "http://127.0.0.1:9/123456789012/bench",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",  # so that all that init does on Lambda is done
}


_PROBE = """
import json, sys, time
sys.path[:0] = sys.argv[1:-1]
import app
answer = app.lambda_handler(json.loads(sys.argv[-1]), None)
assert answer["statusCode"] == 200, answer
print(time.process_time() * 1000)
"""


def first_answer_ms(*path: Path) -> float:
    """Milliseconds of the processor's time, with only these folders and the standard library within reach."""
    event = json.dumps(samples()["http-api-list-charts"])
    # Isolated, without this environment's packages, and, as on Lambda, without a place to keep bytecode in.
    command = [sys.executable, "-I", "-S", "-B", "-c", _PROBE, *path, event]
    done = subprocess.run(command, env=_VARIABLES, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def rows(rounds: int) -> list[Row]:
    """Build for this Python, then measure."""
    with tempfile.TemporaryDirectory(prefix="footpath-bench-") as name:
        folder = Path(name)
        layer, bare_layer, code, bare, runtime = (
            folder / part for part in ("layer", "layer-without", "code", "bare", "runtime")
        )
        _make_layer(layer)
        shutil.copytree(layer, bare_layer, ignore=shutil.ignore_patterns("__pycache__"))
        for made in (code, bare):
            made.mkdir()
        shutil.copy(ROOT / "functions" / "request_handler" / "app.py", code)
        (bare / "app.py").write_text(_BARE, encoding="utf-8")
        install_runtime(runtime, _HERE)
        compiling = [sys.executable, "-m", "compileall", "-q", runtime, bare]
        subprocess.run(compiling, check=True)
        took = in_turns(
            {
                "with": lambda: first_answer_ms(code, layer / "python", runtime),
                "without": lambda: first_answer_ms(code, bare_layer / "python", runtime),
                "bare": lambda: first_answer_ms(bare, runtime),
            },
            max(rounds, 5),
        )
    best = {part: min(times) for part, times in took.items()}
    return [
        Row(
            "cold start",
            "without the layer's bytecode, times with it",
            ratio(took["without"], took["with"]),
            None,
            detail=f"{best['without']:.0f} ms, {best['with']:.0f} ms of the processor's time",
        ),
        Row(
            "cold start",
            "the request handler, times a bare handler with boto3's two clients",
            ratio(took["with"], took["bare"]),
            None,
            detail=f"{best['with']:.0f} ms, {best['bare']:.0f} ms of the processor's time",
        ),
    ]


def _make_layer(layer: Path) -> None:
    command = ["make", "--silent", "-C", ROOT / "engine_layer", "build-EngineLayer"]
    made = [f"ARTIFACTS_DIR={layer}", f"PYTHONS={_HERE}"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run([*command, *made], check=True, env={**os.environ, "PATH": path})


if __name__ == "__main__":
    print(as_text(rows(int(sys.argv[1]) if len(sys.argv) > 1 else 7)))
