"""Replays a batch of traces to the recorders, and archives them."""

from __future__ import annotations

from typing import Any

from footpath_service.wiring import in_lambda, process_application

if in_lambda():
    process_application()  # settings checked, recorders found and client made, before the first batch


def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """Process an event of SQS; the answer names the messages to deliver again."""
    return process_application().answer(event, context)
