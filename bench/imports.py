"""What importing the engine costs, against importing msgspec; each in a fresh process.

usage: python -m bench.imports [rounds]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from bench._rows import Row, as_text
from bench._turns import in_turns, ratio

_PROBE = """
import json, sys, time
began = time.perf_counter()
import {module}
took = time.perf_counter() - began
print(json.dumps([took * 1000, sorted(sys.modules)]))
"""


def probe(module: str, cache: str) -> tuple[float, list[str]]:
    """Milliseconds that an import takes in a fresh process, and all modules loaded after it.

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
            max(rounds, 9),
        )
        loaded = probe("footpath", cache)[1]
        base = probe("msgspec", cache)[1]
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
    ]


if __name__ == "__main__":
    print(as_text(rows(int(sys.argv[1]) if len(sys.argv) > 1 else 7)))
