"""Runs a chart on request, answers, and sees the run's trace off."""

from __future__ import annotations

from typing import Any

from footpath_service.wiring import in_lambda, request_application

if in_lambda():
    request_application()  # settings checked, flows found and clients made, before the first request


def lambda_handler(event: Any, context: Any) -> Any:
    """Answer a direct invocation `{"chart", "input"}`, or an event of a function URL or an HTTP API."""
    return request_application().answer(event, context)
