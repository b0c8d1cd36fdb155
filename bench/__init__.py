"""Measurements of the budgets in `docs/` and in BASELINE.md: `python -m bench`, or one part of it, `python -m bench.capture`.

Every figure is a ratio of two things measured in turns within one run, on one machine: absolute times move by half with
the machine's other load, their ratio hardly does. Nothing here fails a build; `tests/perf` holds what can be counted
exactly.
"""

from __future__ import annotations
