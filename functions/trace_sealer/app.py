"""Writes down, from time to time, what the archive holds, and signs it."""

from __future__ import annotations

from typing import Any

from footpath_service.wiring import in_lambda, seal_application

if in_lambda():
    seal_application()  # settings checked, before the first call


def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """Seal what was archived since the last time; a schedule calls."""
    return seal_application().answer(event, context)
