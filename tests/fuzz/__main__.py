"""`python -m tests.fuzz`: each target for a while, guided by coverage; in the environment that has atheris.

Every target runs in a process of its own, so that a crash or a memory limit ends it alone. An input that makes a
finding is kept under `.fuzz/` and printed; `python -m tests.fuzz TARGET FILE` runs it again.
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
_LEAST_BYTES = 4_096
_MOST_BYTES = 16_384
"""Of an input. Under instrumentation a byte of nested JSON costs some 100 us: what has grown to 50 KB runs three times a second, and
says nothing that its first kilobytes did not. Large inputs, deep ones and bombs have tests of their own."""

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
    limit = max_bytes(target)
    for path in corpus.iterdir():
        if path.stat().st_size > limit:  # of a time with other limits
            path.unlink()
    for number, data in enumerate(seeds(target)):
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


def seeds(target: Target) -> list[bytes]:
    """Its seeds, but for those that would make each step slow."""
    return [data for data in target.seeds() if len(data) <= _MOST_BYTES]


def max_bytes(target: Target) -> int:
    """How long an input may become: room for a few things to be repeated, or wrapped in a few hundred levels."""
    return min(max(*(len(data) * 2 for data in seeds(target)), _LEAST_BYTES), _MOST_BYTES)


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
        f"-max_len={max_bytes(target)}",
        f"-artifact_prefix={folder}{os.sep}",
        "-print_final_stats=1",
        str(folder / "corpus"),
    ]
    atheris.Setup(arguments, target.run, custom_mutator=mutate)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
