"""The whole way on one machine: the real handlers, moto's SQS and S3, and the poller between them.

What `make demo` runs and what integration tests walk through. Nothing is contacted, whatever AWS settings the machine
has.
"""

from __future__ import annotations

from footpath_cli.pipeline._handlers import load_handler
from footpath_cli.pipeline._pipeline import LocalPipeline

__all__ = ["LocalPipeline", "load_handler"]
