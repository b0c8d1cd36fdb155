"""`python -m tests.fuzz`: each target for a while, guided by coverage; in the environment that has atheris.

Every target runs in a process of its own, so that a crash or a memory limit ends it alone. An input that makes a finding is
kept under `.fuzz/` and printed; `python -m tests.fuzz TARGET FILE` runs it again.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz._targets import Target

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".fuzz"
INSTRUMENTED = ["footpath", "footpath_service", "footpath_cli"]
_FINDINGS = "[clot]*-*"
"""crash-, leak-, oom- and timeout-; a slow-unit- only says that it was the slowest yet."""
_EXECUTIONS = re.compile(r"^#(\d+)\s", re.MULTILINE)


def main() -> int:
    """Run what the command line asks for; 1 when there was a finding."""
    if "--inside" in sys.argv:
        return fuzz(*sys.argv[2:])
    from tests.fuzz._targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument(
        "targets", nargs="*", help=f"of {', '.join(TARGETS)}; all without any. Or one target and files."
    )
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    files = [Path(name) for name in asked.targets if name not in TARGETS]
    if files:
        for path in files:
            TARGETS[asked.targets[0]].run(path.read_bytes())
        return 0
    findings = 0
    for name in asked.targets or TARGETS:
        findings += run_apart(name, TARGETS[name], asked.seconds, asked.seed)
    return 1 if findings else 0


def run_apart(name: str, target: Target, seconds: int, seed: int) -> int:
    """One target in a process of its own; how many findings it made."""
    folder = KEPT / name
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(data)
    before = set(folder.glob(_FINDINGS))
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.fuzz", "--inside", name, str(seconds), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=seconds * 3 + 900)
    said = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
    executions = max(map(int, _EXECUTIONS.findall(said)), default=0)
    print(f"{name:>11}  {executions:>9} executions  {time.monotonic() - began:5.0f} s  {target.about}")
    found = sorted(set(folder.glob(_FINDINGS)) - before)
    if done.returncode and not found:
        print(said[-3000:])
        return 1
    for path in found:
        print(f"  finding: {path.relative_to(ROOT)}: {path.read_bytes()[:400]!r}")
    if found:
        print(said[-3000:])
    return len(found)


def fuzz(name: str, seconds: str, seed: str) -> int:
    """Inside of a target's process."""
    import atheris  # type: ignore[import-not-found]  # only in the environment of `make fuzz-bytes`

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz._mutate import mutated_text
        from tests.fuzz._targets import TARGETS

    target = TARGETS[name]
    folder = KEPT / name
    turn = 0

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        nonlocal turn
        turn += 1
        changed = mutated_text(data, seed) if turn % 4 else None
        return changed if changed is not None and len(changed) <= max_size else atheris.Mutate(data, max_size)

    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        "-timeout=60",
        "-rss_limit_mb=2500",
        "-max_len=300000",
        f"-artifact_prefix={folder}{os.sep}",
        "-print_final_stats=1",
        str(folder / "corpus"),
    ]
    atheris.Setup(arguments, target.run, custom_mutator=mutate)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
