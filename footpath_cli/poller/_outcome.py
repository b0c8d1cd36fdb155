"""What Lambda makes of a function's answer to a batch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Outcome:
    """Which records are done.

    Attributes:
        failed: message ids that stay in the queue.
        whole_batch: why nothing of the batch counts as done; None when the answer was taken at its word.
    """

    failed: frozenset[str]
    whole_batch: str | None = None


def settle(message_ids: Sequence[str], answer: object, *, report_batch_item_failures: bool = True) -> Outcome:
    """Read a function's answer as Lambda does.

    Nothing, `{}`, and an absent, null or empty `batchItemFailures` mean that every record is done. One item whose
    identifier is missing, null, empty or not of this batch makes the whole batch fail, and so does an answer that is
    not JSON or not of that shape.
    """
    everything = frozenset(message_ids)
    if not report_batch_item_failures:
        return Outcome(frozenset())
    try:
        plain: object = json.loads(json.dumps(answer))
    except (TypeError, ValueError, RecursionError) as error:
        return Outcome(everything, f"the answer is not JSON: {error}")
    if plain is None:
        return Outcome(frozenset())
    if not isinstance(plain, dict):
        return Outcome(everything, f"the answer is a {type(plain).__name__}, not an object")
    items: object = cast("dict[str, Any]", plain).get("batchItemFailures")
    if items is None:
        return Outcome(frozenset())
    if not isinstance(items, list):
        return Outcome(everything, "batchItemFailures is not a list")
    failed: set[str] = set()
    for item in cast("list[object]", items):
        identifier = cast("dict[str, object]", item).get("itemIdentifier") if isinstance(item, dict) else None
        if not isinstance(identifier, str) or identifier not in everything:
            return Outcome(everything, f"itemIdentifier {identifier!r} names no record of the batch")
        failed.add(identifier)
    return Outcome(frozenset(failed))
