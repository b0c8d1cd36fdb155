"""The demo: a thousand real applications through the real handlers, then questions to the archive they leave."""

from __future__ import annotations

from footpath_cli.demo._applications import DATA, Application, applications
from footpath_cli.demo._demo import run_demo

__all__ = ["run_demo", "Application", "applications", "DATA"]
