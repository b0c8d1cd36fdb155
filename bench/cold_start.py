"""What a cold start costs: from a new process to the first answer, through Lambda's Runtime Interface Emulator.

The built handler with its layer's bytecode against the same without, and against the smallest handler that does what a cold
start of ours can't do without: make boto3's clients of SQS and S3. Nothing is sent anywhere: the sample asks for a list of
charts.

usage: python -m bench.cold_start [rounds]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench._rows import Row, as_text
from bench._turns import in_turns, ratio
from infra.events import samples
from infra.local import Emulator, install_runtime
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
    # As on Lambda, where a layer can't be written to.
    "PYTHONDONTWRITEBYTECODE": "1",
}


def first_answer_ms(code: Path, layer: Path, runtime: Path, log: Path) -> float:
    """Milliseconds from starting the emulator and its function to the first answer."""
    began = time.perf_counter()
    with Emulator("bench", code=code, layer=layer, runtime=runtime, variables=_VARIABLES, log=log) as function:
        answer = function.invoke(samples()["http-api-list-charts"])
        took_ms = (time.perf_counter() - began) * 1000
    if answer.get("statusCode") != 200:
        raise RuntimeError(f"the function fails: {answer}")
    return took_ms


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
        log = folder / "log"
        took = in_turns(
            {
                "with": lambda: first_answer_ms(code, layer, runtime, log),
                "without": lambda: first_answer_ms(code, bare_layer, runtime, log),
                "bare": lambda: first_answer_ms(bare, layer, runtime, log),
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
            detail=f"{best['without']:.0f} ms, {best['with']:.0f} ms to the first answer",
        ),
        Row(
            "cold start",
            "the request handler, times a bare handler with boto3's two clients",
            ratio(took["with"], took["bare"]),
            None,
            detail=f"{best['with']:.0f} ms, {best['bare']:.0f} ms to the first answer",
        ),
    ]


def _make_layer(layer: Path) -> None:
    command = ["make", "--silent", "-C", ROOT / "engine_layer", "build-EngineLayer"]
    made = [f"ARTIFACTS_DIR={layer}", f"PYTHONS={_HERE}"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run([*command, *made], check=True, env={**os.environ, "PATH": path})


if __name__ == "__main__":
    print(as_text(rows(int(sys.argv[1]) if len(sys.argv) > 1 else 7)))
