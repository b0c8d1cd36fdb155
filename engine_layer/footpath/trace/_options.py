"""The dials of a run, as a document says them: believed only as far as they make sense."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.errors import TraceDecodeError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_VALUE_LENGTH = 10_000
"""Longest value summary that a narrative may ask for; without a bound a small document could ask for gigabytes of text."""

_DIALS = {
    "readTracking": ("full", "summary", "off"),
    "writeTracking": ("full", "summary", "off"),
    "commitValues": ("full", "delta"),
    "writeProvenance": ("off", "reads-prefix"),
}
_SWITCHES = ("include_values", "include_step_numbers")
_LENGTH = "max_value_length"


def check_options(options: Mapping[str, Any]) -> None:
    """See that the options which this code knows are ones that it can follow. Others are a later version's, and are passed over.

    Raises:
        TraceDecodeError: one is not.
    """
    for name, allowed in _DIALS.items():
        if name in options and options[name] not in allowed:
            raise _refusal(name, options[name], " or ".join(allowed))
    narrative = options.get("narrative", {})
    if not isinstance(narrative, dict):
        raise _refusal("narrative", narrative, "an object")
    for name in _SWITCHES:
        if not isinstance(narrative.get(name, True), bool):
            raise _refusal(f"narrative.{name}", narrative[name], "true or false")
    length = narrative.get(_LENGTH, 0)
    if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= MAX_VALUE_LENGTH:
        raise _refusal(f"narrative.{_LENGTH}", length, f"a whole number up to {MAX_VALUE_LENGTH}")


def narrative_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The narrative's options among a document's, those that this code knows."""
    narrative = options.get("narrative")
    if not isinstance(narrative, dict):
        return {}
    return {name: narrative[name] for name in (*_SWITCHES, _LENGTH) if name in narrative}


def _refusal(name: str, value: object, allowed: str) -> TraceDecodeError:
    return TraceDecodeError(f"malformed trace document: option {name} is {value!r:.60}, not {allowed}")
