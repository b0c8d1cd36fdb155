"""Which traces are kept, where not all of them are. Off unless rules are set.

Rules are looked at in order, and the first that fits a trace says which share of its like is kept; a trace that none
fits is kept. Whatever they say, these are always kept: a run that failed, paused, ran into its deadline, met an error
or a retry on its way, or was cut short; the phases that follow a pause; and the final trace of a run whose partial
trace has left already, which it must supersede.

The choice follows from the trace's id alone, so that it can be made again, anywhere, with the same outcome. A kept
trace says how many it stands for (`weight`, 1 / share): sums over weights estimate what there would be without
sampling.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from footpath.journal.entries import BAG, FAIL, NOTE, RETRY, RUN_FAILED
from footpath.trace import STATUSES
from footpath.values import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from footpath.trace import Trace

__all__ = ["KEPT", "SamplingRule", "Sampler", "Verdict", "read_sampling"]

LEAST_SHARE = 1e-6
"""The smallest share that may be kept: none at all would leave nothing to weigh."""

_ERRORS = frozenset({FAIL, RETRY, RUN_FAILED})


class SamplingRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """One rule; every condition that it has must fit.

    Attributes:
        keep: which share of the traces that fit is kept, over 0 and up to 1.
        chart: id of their chart.
        status: theirs; only completed runs are ever sampled out, so another one needs a share of 1.
        min_duration_ms: how long they took at least.
        attributes: what their header says: dotted path, such as `context.tenant` or `input.region`, to the value there
            or a list of values. A hidden value reads as its mark.
    """

    keep: float
    chart: str | None = None
    status: str | None = None
    min_duration_ms: float | None = None
    attributes: dict[str, Any] = {}

    def fits(self, trace: Trace) -> bool:
        """Whether every condition does."""
        if self.chart is not None and trace.chart_id != self.chart:
            return False
        if self.status is not None and trace.status != self.status:
            return False
        if self.min_duration_ms is not None and trace.duration_ms < self.min_duration_ms:
            return False
        return all(_is_one_of(_at(trace, path), wanted) for path, wanted in self.attributes.items())


class Verdict(NamedTuple):
    """What becomes of a trace.

    Attributes:
        keep: whether it is shipped.
        weight: how many traces it then stands for.
    """

    keep: bool
    weight: float


KEPT = Verdict(keep=True, weight=1.0)

_decode = msgspec.json.Decoder(tuple[SamplingRule, ...]).decode
_ROOTS = ("context", "input", "result")


def read_sampling(text: str) -> tuple[SamplingRule, ...]:
    """Rules out of a JSON array.

    Raises:
        ValueError: says what was expected.
    """
    example = 'a JSON array of rules such as [{"chart": "loan", "keep": 0.1}]'
    try:
        rules = _decode(text.encode())
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValueError(f"{example} ({error})") from error
    for number, rule in enumerate(rules, start=1):
        if not LEAST_SHARE <= rule.keep <= 1:
            raise ValueError(
                f"{example}; rule {number} keeps {rule.keep:g}, where a share from {LEAST_SHARE:g} to 1 is due"
            )
        if rule.status is not None and rule.status not in STATUSES:
            raise ValueError(f"{example}; rule {number} has status {rule.status!r}, none of {', '.join(STATUSES)}")
        if rule.status not in (None, "completed") and rule.keep < 1:
            raise ValueError(f"{example}; rule {number} samples {rule.status} runs, which are always kept")
        for path in rule.attributes:
            if path.partition(".")[0] not in _ROOTS:
                raise ValueError(f"{example}; rule {number} looks at {path!r}, not into {', '.join(_ROOTS)}")
    return rules


class Sampler:
    """Judges traces.

    Args:
        rules: in the order in which they are looked at.
    """

    def __init__(self, rules: Sequence[SamplingRule]) -> None:
        self._rules = tuple(rules)

    def judge(self, trace: Trace) -> Verdict:
        """Whether a trace of a run that has ended is kept."""
        rule = next((rule for rule in self._rules if rule.fits(trace)), None)
        if rule is None or rule.keep >= 1 or is_always_kept(trace):
            return KEPT
        return Verdict(share_of(trace.trace_id) < rule.keep, 1 / rule.keep)


def is_always_kept(trace: Trace) -> bool:
    """Whether a trace is one that no rule samples out."""
    return (
        trace.status != "completed"
        or trace.revision == 0
        or trace.truncated is not None
        or trace.document.continues is not msgspec.UNSET
        or any(_is_error(entry) for entry in trace.document.journal)
    )


def share_of(trace_id: str) -> float:
    """A number from 0 up to 1 that follows from an id: it is kept where that lies under the share."""
    return int.from_bytes(hashlib.sha256(trace_id.encode()).digest()[:8], "big") / 2**64


def _is_error(entry: Any) -> bool:
    if isinstance(entry, str):
        return False
    code = entry[0]
    return code in _ERRORS or (code == NOTE and entry[2] == "error") or (code == BAG and entry[1] == "errors")


def _at(trace: Trace, path: str) -> Any:
    root, *steps = path.split(".")
    value: Any = plain(getattr(trace, root))
    for step in steps:
        if not isinstance(value, dict) or step not in value:
            return None
        value = cast("dict[str, Any]", value)[step]
    return value


def _is_one_of(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, list) else value == wanted
