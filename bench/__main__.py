"""Measure the budgets: `python -m bench [--rounds N] [--only PART ...] [--also PYTHON ...] [--write]`.

Each part measures things in turns in this one run; see the parts for how. Without footprintjs, or other tracers, the
comparisons with them are left out, and the table says so.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench import capture, cold_start, peers
from bench._interpreters import interpreters
from bench._reference import VERSION, ReferenceMissingError
from bench._rows import Row, as_markdown, as_text
from bench.peers import PeersMissingError

if TYPE_CHECKING:
    from bench._interpreters import Interpreter

PARTS = ("capture", "stages", "imports", "processor", "cold-start", "peers")
BASELINE = Path(__file__).with_name("BASELINE.md")


def main() -> int:
    """Measure and print; 0 unless a comparison could not be made at all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the budgets, side by side.")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each measurement (default 9)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    parser.add_argument(
        "--also", nargs="+", default=[], metavar="PYTHON", help="other Pythons to measure with, in turns"
    )
    parser.add_argument("--write", action="store_true", help=f"write the table to bench/{BASELINE.name}")
    arguments = parser.parse_args()
    pythons = interpreters(arguments.also)
    rows: list[Row] = []
    missing: list[str] = []
    for name in arguments.only:
        print(f"measuring {name} ...", file=sys.stderr)
        try:
            rows += _part(name, arguments.rounds, pythons)
        except ReferenceMissingError as error:
            missing.append(f"Not compared with footprintjs: {error}.")
        except PeersMissingError as error:
            rows += error.rows
            missing.append(f"Not compared with every tracer: {error}.")
    print(as_text(rows))
    missed = [row for row in rows if row.verdict == "missed"]
    print(f"\n{sum(row.verdict == 'kept' for row in rows)} budgets kept, {len(missed)} missed")
    for what in missing:
        print(f"\n{what}")
    if arguments.write:
        if missing:
            print(f"{BASELINE.name} is left as it is: half a table is no baseline.")
            return 1
        BASELINE.write_text(_baseline(rows, arguments.rounds, pythons), encoding="utf-8")
        print(f"written to bench/{BASELINE.name}")
    return 0


def _part(name: str, rounds: int, pythons: list[Interpreter]) -> list[Row]:
    """Measure one part with every Python."""
    if name == "capture":
        return capture.rows(rounds, pythons)
    if name == "cold-start":  # measures the runtime of the Lambdas, whatever runs this
        return cold_start.rows(rounds)
    if name == "peers":  # in an environment of their own, with the Python that runs this
        return peers.rows(rounds)
    return [
        replace(row, group=f"{row.group}, {python.name}") for python in pythons for row in python.rows(name, rounds)
    ]


def _baseline(rows: list[Row], rounds: int, pythons: list[Interpreter]) -> str:
    machine = (
        f"{os.cpu_count()} {platform.machine()} cores shared with other work, {platform.system()}, "
        f"{' and '.join(python.name for python in pythons)}, footprintjs {VERSION} on Node; "
        f"load average {os.getloadavg()[0]:.1f} at the end (above the number of cores, Node's compiler and collector "
        "threads starve, and its first runs look several times slower than they are: trust the hot figures then)"
    )
    return f"""# Baseline

Written by `python -m bench --write` on {datetime.now(UTC):%Y-%m-%d}; do not edit by hand. Machine: {machine}.

The Lambdas run CPython 3.13; `make bench ALSO=path/to/python3.13` measures with that one, too. All sides had {rounds} rounds, in turns; a round's figure is the median of its runs, and a ratio compares each side's best
round, because other work on the machine only ever adds time. The ratios are what to compare; the absolute times belong
to that machine and that hour.

{as_markdown(rows)}

- *Capture + encode*: run a chart with the narrative kept, and encode its trace; footprintjs: run with its narrative, and
  `JSON.stringify` of spec, snapshot and narrative. Each round has a Node process of its own, because its
  compiler makes faster code in some than in others. The ratio takes the median of the 15 to 300 runs after the first ten, as
  when the budgets were set; *hot* is what the same process comes to when it runs that one chart for 0.7 s more.
- *All views*: besides, snapshot (state, commit log, tree) and narrative entries, in the same process.
- *Bytes as they travel*: the whole document with header and spec, as a message body carries it, against footprintjs's JSON.
- *A captured stage* is measured without encoding where it is compared with bare functions over a dict.
- *Import*: CPU time in fresh processes, bytecode in place.
- *Cold start*: the processor's time of a new process until its first answer, the built handler and its layer.
- *Against other tracers*: 50 stages of 3 reads and 2 writes, every access recorded with its value, in one process: a subsegment with metadata
  (X-Ray), a span with events and its OTLP bytes (OpenTelemetry), a tracked action (Burr), a checkpointed node (LangGraph); ours captures and encodes.
- *Processor*: from a document's bytes to its line of the archive, against `_fused.py`, which makes the same bytes.
"""


if __name__ == "__main__":
    sys.exit(main())
