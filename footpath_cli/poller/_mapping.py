"""The settings of an event source mapping, refused where AWS refuses them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """How Lambda polls a queue for a function.

    Attributes:
        queue_url: the queue.
        batch_size: most records an invocation gets, 1 to 10,000; over 10 only with a window.
        window_s: how long a poller gathers, 0 to 300 s; 0 takes what one receive gives.
        pollers: how many gather at once, each into a batch of its own. AWS starts with five.
        max_concurrency: most invocations at one time; 2 to 1,000 on AWS, and 1 here for exact sequences.
        report_batch_item_failures: off, the function's answer is ignored and every return is success.
        timeout_s: the function's timeout.
    """

    queue_url: str
    batch_size: int = 10
    window_s: int = 0
    pollers: int = 5
    max_concurrency: int = 5
    report_batch_item_failures: bool = True
    timeout_s: int = 30

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            ValueError: naming each setting that AWS would refuse.
        """
        problems: list[str] = []
        for name, low, high in (
            ("batch_size", 1, 10_000),
            ("window_s", 0, 300),
            ("pollers", 1, 2_000),
            ("max_concurrency", 1, 1_000),
            ("timeout_s", 1, 900),
        ):
            value: int = getattr(self, name)
            if not low <= value <= high:
                problems.append(f"{name} is {value}, allowed are {low} to {high}")
        if self.batch_size > 10 and self.window_s < 1:
            problems.append(f"batch_size {self.batch_size} needs window_s of at least 1")
        if problems:
            raise ValueError("; ".join(problems))

    def check_visibility(self, visibility_timeout_s: int) -> None:
        """Refuse a queue that would show a message again while the function may still be at it.

        Raises:
            ValueError: when the queue's visibility timeout is below the function's timeout, as AWS does.
        """
        if visibility_timeout_s < self.timeout_s:
            raise ValueError(
                f"the queue's visibility timeout is {visibility_timeout_s} s, less than the function's timeout of "
                f"{self.timeout_s} s; AWS advises six times the timeout plus the window"
            )
