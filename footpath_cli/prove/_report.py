"""`footpath prove`: the proof, told while it runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from footpath_cli._exits import CommandError
from footpath_cli._output import out, say, table, title
from footpath_cli.prove._ledger import FATES
from footpath_cli.prove._parts import prove_in_parts

if TYPE_CHECKING:
    from footpath_cli.prove._ledger import Count
    from footpath_cli.prove._prove import Proof


def run_proof(requests: int, seed: int) -> None:
    """Run the proof and print it.

    Args:
        requests: how many.
        seed: of every die; the same one tells the same story.

    Raises:
        CommandError: a trace was lost or counted twice.
    """
    began = time.monotonic()
    say(
        f"Trying to lose a trace: {requests} requests, seed {seed}, virtual time, the handlers that are deployed.",
        "bold",
    )
    progress = Progress(
        TextColumn("{task.description:>28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=out()
    )
    with progress:
        bar = progress.add_task("beginning", total=requests)

        def tell(what: str, done: int) -> None:
            progress.update(bar, description=what, completed=done)

        proof = prove_in_parts(requests, seed, tell=tell)
        progress.update(bar, description="done", completed=requests)
    show(proof)
    took_s = time.monotonic() - began
    say()
    say(f"{took_s:.0f} s, {requests / took_s * 60:.0f} requests a minute, seed {seed}.")
    if proof.problems:
        for problem in proof.problems:
            say(problem, "bold red")
        cure = f"the same again: make prove N={requests} SEED={seed}"
        raise CommandError(f"the account is not even: {len(proof.problems)} problems", cure)
    last = proof.counts[-1]
    say(f"0 lost, 0 counted twice: {equation(last)}.", "bold green")


def equation(count: Count) -> str:
    """What was captured and where it is, with its numbers."""
    terms = " + ".join(f"{count.fates[fate]} {fate}" for fate in FATES)
    return f"{count.captured} captured = {terms}"


def show(proof: Proof) -> None:
    """Print what was counted."""
    title("Captured = archived + in flight + spooled + logged + dead-lettered + discarded + sampled out")
    rows = [
        (count.name, count.captured, *(count.fates[fate] for fate in FATES), "yes" if count.holds else "NO")
        for count in proof.counts
    ]
    table(("at a quiet point", "captured", *FATES, "equal"), rows)
    title("What was run")
    table(("kind", "requests"), sorted(proof.kinds.items()))
    title("What went wrong on purpose")
    table(("fault", "times"), sorted(proof.struck.items()))
    title("What it came to")
    died = proof.counts[-1].died
    told = {"runs that died in the shipper, unanswered, without a trace": died} | proof.facts
    table(("", ""), list(told.items()))
