"""What belongs to the stack and does not ship: its template as CloudFormation will see it.

Beside that: the saved queries (`saved_queries`), the samples of `events/` (`events`), what a pipeline does (`deploy`,
`release`), and the built functions in containers on this machine (`local`).
"""

from __future__ import annotations

from infra.template import Stack, cloudformation, load_template, resolve, transform

__all__ = ["Stack", "load_template", "transform", "cloudformation", "resolve"]
