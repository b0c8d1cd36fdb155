"""How much a journal may unfold to."""

from __future__ import annotations

from footpath.errors import ReplayTooLargeError

NO_LIMIT = 1 << 62


class Allowance:
    """Bytes that are still allowed.

    An object of its own, so that what spends need not know the cursor that it spends for: a cursor in a cycle would
    stay in memory, with all that it made, until the collector comes; and the processor keeps that away for a whole
    batch.
    """

    __slots__ = ("left",)

    def __init__(self, left: int = NO_LIMIT) -> None:
        self.left = left

    def spend(self, amount: int) -> None:
        """Count what a journal unfolds to beyond its own size: values that grow, states that are copied, in bytes, roughly.

        Raises:
            ReplayTooLargeError: it is more than was allowed.
        """
        self.left -= amount
        if self.left < 0:
            message = (
                "the journal unfolds to more than is allowed: values grow, or long names recur, too often; "
                "for a run that may do so, set the trace's max_unfolded_bytes higher"
            )
            raise ReplayTooLargeError(message)
