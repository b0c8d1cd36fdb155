"""A captured stage against other tracers that record the same: X-Ray, OpenTelemetry, Burr, LangGraph.

usage: python -m bench.peers [rounds]

They live in an environment of their own, `.venv/peers`, which `make bench` makes from `locks/peers.txt`; `bench._peers`
runs there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bench import _charts as charts
from bench._rows import Row, as_text
from bench._turns import ratio
from footpath_service.wire import encode_body

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "peers" / "bin" / "python"
BUDGETS = {"x-ray": 6.0, "opentelemetry": 25.0, "burr": 60.0, "langgraph": 100.0}
_STAGES = 50


class PeersMissingError(Exception):
    """The other tracers, or one of them, are not here; the message says which, and how to get them.

    Attributes:
        rows: what could be measured all the same.
    """

    def __init__(self, message: str, rows: list[Row]) -> None:
        super().__init__(message)
        self.rows = rows


def rows(rounds: int) -> list[Row]:
    """Measure.

    Raises:
        PeersMissingError: a tracer is not here.
    """
    if not PYTHON.is_file():
        raise PeersMissingError(
            "the other tracers are not installed; `make bench` does that, and needs the network once", []
        )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "engine_layer"), str(ROOT)))}
    done = subprocess.run(
        [str(PYTHON), "-m", "bench._peers", str(rounds)],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        env=environment,
        cwd=ROOT,
    )
    if done.returncode:
        raise PeersMissingError(f"the other tracers could not be measured: {done.stderr[-400:]}", [])
    told = json.loads(done.stdout.splitlines()[-1])
    measured, names = told["measured"], told["names"]
    ours = measured["ours"]
    table = [
        Row(
            "against other tracers",
            f"times less a stage than {names[peer]}",
            ratio(measured[peer], ours),
            budget,
            detail=f"{min(measured[peer]) / _STAGES:.1f} us a stage, {min(ours) / _STAGES:.2f} us here",
        )
        for peer, budget in BUDGETS.items()
        if peer in measured
    ]
    sent = len(encode_body(charts.document_of(charts.linear(_STAGES))).encode())
    table += [
        Row(
            "against other tracers",
            f"bytes as they travel, part of {names[peer]}",
            sent / size,
            None,
            at_most=True,
            detail=f"{size} bytes of theirs, {sent} of ours, {_STAGES} stages",
        )
        for peer, size in told["bytes"].items()
    ]
    if told["missing"]:
        what = "; ".join(f"{peer}: {why}" for peer, why in told["missing"].items())
        raise PeersMissingError(f"not measured: {what}", table)
    return table


if __name__ == "__main__":
    try:
        print(as_text(rows(int(sys.argv[1]) if len(sys.argv) > 1 else 7)))
    except PeersMissingError as missing:
        print(as_text(missing.rows))
        sys.exit(str(missing))
