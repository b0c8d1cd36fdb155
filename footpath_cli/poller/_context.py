"""The context object a Lambda function gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from footpath_cli.poller._clock import Clock


@dataclass(slots=True)
class LambdaContext:
    """What AWS passes as `context`; the time that remains follows the simulation's clock."""

    function_name: str
    aws_request_id: str
    clock: Clock
    deadline_ms: int
    memory_limit_in_mb: int = 512
    function_version: str = "$LATEST"
    region: str = "eu-west-1"
    client_context: Any = None
    identity: Any = None

    @property
    def invoked_function_arn(self) -> str:
        """The function's ARN."""
        return f"arn:aws:lambda:{self.region}:123456789012:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """Where the function logs."""
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        """The sandbox's stream."""
        return f"[{self.function_version}]{self.aws_request_id.replace('-', '')}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is killed, never below 0."""
        return max(0, self.deadline_ms - self.clock.now_ms())
