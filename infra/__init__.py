"""Helpers for the stack: its template as CloudFormation will see it, and the saved queries.

Nothing here ships; tests and tools use it.
"""

from __future__ import annotations

from infra.template import Stack, cloudformation, load_template, resolve, transform

__all__ = ["Stack", "load_template", "transform", "cloudformation", "resolve"]
