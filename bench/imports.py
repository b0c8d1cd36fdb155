"""What importing the engine costs, against importing msgspec; each in a fresh process.

usage: python -m bench.imports [rounds]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench._rows import Row, show
from bench._turns import in_turns, ratio

_PROBE = """
import json, sys, time
began = time.process_time()
import {module}
took = time.process_time() - began
print(json.dumps([took * 1000, sorted(sys.modules)]))
"""


_HANDLER = """
import json, sys
sys.path.insert(0, {root!r})
before = set(sys.modules)
from footpath_service.wiring import request_application
import functions.request_handler.app
request_application({{"TRACE_QUEUE_URL": "https://queue.invalid/1/traces", "ARCHIVE_BUCKET": "archive"}})
loaded = set(sys.modules) - before
own = sorted(name for name in loaded if name.partition(".")[0].startswith(("footpath", "functions")))
print(json.dumps([own, sorted(loaded.difference(own))]))
"""
_OWN = """
import importlib, sys, time
sys.path.insert(0, {root!r})
for name in {foreign!r}:
    try:
        importlib.import_module(name)
    except ImportError:
        pass  # a name that a package makes up for itself
began = time.process_time()
for name in {own!r}:
    importlib.import_module(name)
print((time.process_time() - began) * 1000)
"""


def handler_ms(cache: str, rounds: int) -> tuple[float, int]:
    """What the request handler loads of ours once boto3 and Powertools are there: least CPU milliseconds, and modules."""
    root = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "AWS_DEFAULT_REGION": "us-east-1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def say(program: str) -> str:
        out = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120, env=environment
        )
        return out.stdout

    own, foreign = json.loads(say(_HANDLER.format(root=root)).splitlines()[-1])
    program = _OWN.format(root=root, own=own, foreign=foreign)
    return min(float(say(program)) for _ in range(max(rounds, 3))), len(own)


def probe(module: str, cache: str) -> tuple[float, list[str]]:
    """CPU milliseconds that an import takes in a fresh process, and all modules loaded after it.

    `cache` is a folder of compiled modules: a Lambda's package brings its own, without them every start compiles anew.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    out = subprocess.run(
        [sys.executable, "-c", _PROBE.format(module=module)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**environment, "PYTHONPYCACHEPREFIX": cache},
    )
    took, modules = json.loads(out.stdout)
    return took, modules


def rows(rounds: int) -> list[Row]:
    """Measure."""
    with tempfile.TemporaryDirectory() as cache:
        # The first round compiles, and does not count.
        measured = in_turns(
            {"msgspec": lambda: probe("msgspec", cache)[0], "footpath": lambda: probe("footpath", cache)[0]},
            max(rounds, 25),  # processes are started on a busy machine: few rounds may all meet something
        )
        loaded = probe("footpath", cache)[1]
        base = probe("msgspec", cache)[1]
        handler, modules = handler_ms(cache, rounds)
    unwanted = [name for name in ("asyncio", "pydantic", "botocore") if name in loaded]
    more = len(set(loaded) - set(base))
    return [
        Row(
            "import of the engine",
            "times `import msgspec`",
            ratio(measured["footpath"], measured["msgspec"]),
            1.5,
            at_most=True,
            detail=f"{min(measured['footpath']):.1f} ms, {min(measured['msgspec']):.1f} ms; {more} modules more",
        ),
        Row(
            "import of the engine",
            "asyncio, pydantic, botocore among its modules",
            len(unwanted),
            0,
            at_most=True,
            detail=", ".join(unwanted) or "none",
        ),
        Row(
            "import of the request handler",
            "times `import msgspec`, once boto3, Powertools and msgspec are there",
            handler / min(measured["msgspec"]),
            None,
            detail=f"{handler:.1f} ms for {modules} modules of ours",
        ),
    ]


if __name__ == "__main__":
    show(rows(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
