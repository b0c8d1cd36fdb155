"""One proof as several worlds, each with a seed of its own, so that every core has something to do."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import sys
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from queue import Empty
from typing import TYPE_CHECKING, Any

from footpath_cli.prove._ledger import Count
from footpath_cli.prove._prove import Proof, prove

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

_PART = 50_000
"""Most requests of one world: more make each quiet point slow, because a whole archive is counted there."""

_WORTH_PARTING = 2_000


def prove_in_parts(requests: int, seed: int, *, jobs: int | None = None, tell: Callable[[str, int], None]) -> Proof:
    """Run a proof; a large one in worlds side by side, whose accounts are added up.

    How it is parted, and so what happens, follows from the number of requests and the seed alone.

    Args:
        requests: how many in all.
        seed: of every die.
        jobs: processes at a time; as many as there are cores unless told otherwise.
        tell: hears of progress: what is going on, and how many requests have been made.

    Raises:
        ValueError: too few requests to reach every corner.
        AssertionError: a caller got a wrong answer.
    """
    shares = _shares(requests)
    if len(shares) == 1:
        proof = prove(requests, seed, tell=tell)
        proof.facts["MB at most, of a process"] = peak_mb()
        return proof
    context = multiprocessing.get_context("spawn")
    news: Any = context.Queue()
    with ProcessPoolExecutor(
        min(jobs or os.cpu_count() or 1, len(shares)), mp_context=context, initializer=_tell_to, initargs=(news,)
    ) as pool:
        futures = [
            pool.submit(_part, share, seed * 1_000 + number, number) for number, share in enumerate(shares, start=1)
        ]
        follow(futures, news, tell)
        return added([future.result() for future in futures], seed, requests)


def follow(futures: Sequence[Future[Proof]], news: Any, tell: Callable[[str, int], None]) -> None:
    """Wait for worlds, and tell how far they are meanwhile, where that can be told: no proof fails for it.

    Args:
        futures: the worlds'.
        news: a queue of (number of the world, what is going on, requests made there).
        tell: hears what is going on, and how many requests have been made in all.

    Raises:
        Exception: what a world fell over; it takes the others along.
    """
    done: Counter[int] = Counter()
    pending = set(futures)
    while pending:
        finished, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
        for one in finished:
            one.result()
        with contextlib.suppress(Empty, OSError, EOFError):
            while True:
                number, what, count = news.get_nowait()
                done[number] = count
                tell(what, done.total())


def _shares(requests: int) -> list[int]:
    parts = 1 if requests < _WORTH_PARTING else max(2, -(-requests // _PART))
    return [requests // parts + (number < requests % parts) for number in range(parts)]


_news: Any = None
"""Where a worker tells of its progress."""


def _tell_to(news: Any) -> None:
    global _news  # noqa: PLW0603 - a pool hands a queue to its workers when they start, and in no other way
    _news = news
    news.cancel_join_thread()  # what nobody has read must not hold a worker up at its end


def _part(requests: int, seed: int, number: int) -> Proof:
    proof = prove(requests, seed, tell=lambda what, done: _news.put((number, what, done)))
    proof.facts["MB at most, of a process"] = peak_mb()
    return proof


def peak_mb() -> int:
    """The most memory that this process has held."""
    # KiB on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20 if sys.platform == "darwin" else 1 << 10)


def added(proofs: Sequence[Proof], seed: int, requests: int) -> Proof:
    """Proofs added up, quiet point by quiet point: sums of equations are equations."""
    whole = Proof(seed, requests)
    for proof in proofs:
        whole.struck += proof.struck
        whole.kinds += proof.kinds
        whole.problems += [f"seed {proof.seed}, {proof.requests} requests: {problem}" for problem in proof.problems]
    whole.counts = [_summed(counts) for counts in zip(*(proof.counts for proof in proofs), strict=True)]
    for name in dict.fromkeys(name for proof in proofs for name in proof.facts):
        whole.facts[name] = _joined(name, [proof.facts[name] for proof in proofs if name in proof.facts])
    return whole


def _summed(counts: Sequence[Count]) -> Count:
    return Count(
        counts[0].name,
        sum(count.captured for count in counts),
        {fate: sum(count.fates[fate] for count in counts) for fate in counts[0].fates},
        tuple(identity for count in counts for identity in count.lost),
        tuple(text for count in counts for text in count.doubled),
        sum(count.died for count in counts),
        sum(count.dropped for count in counts),
    )


def _joined(name: str, values: Sequence[float | str]) -> float | str:
    if name in ("virtual days", "MB at most, of a process"):
        return max(value for value in values if not isinstance(value, str))
    if any(isinstance(value, str) for value in values):
        # "reason number, reason number"
        totals: Counter[str] = Counter()
        for value in values:
            for item in filter(None, str(value).split(", ")):
                reason, _, number = item.rpartition(" ")
                totals[reason] += int(number)
        return ", ".join(f"{reason} {number}" for reason, number in sorted(totals.items()))
    return sum(value for value in values if not isinstance(value, str))
