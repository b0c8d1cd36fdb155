"""Trying to lose a trace: the real handlers under every fault the poller can make, and an account of where each trace is.

`run_proof` drives them in virtual time over days, and stops at quiet points to count: captured must equal archived, in
flight, spooled, logged, dead-lettered, discarded and sampled out, each trace in one of them. `make prove` runs it.
"""

from __future__ import annotations

from footpath_cli.prove._charts import charts
from footpath_cli.prove._ledger import Count, Ledger
from footpath_cli.prove._parts import prove_in_parts
from footpath_cli.prove._prove import Proof, prove
from footpath_cli.prove._report import run_proof
from footpath_cli.prove._world import World

__all__ = ["run_proof", "prove", "prove_in_parts", "Proof", "World", "Ledger", "Count", "charts"]
