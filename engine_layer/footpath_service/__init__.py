"""This application around the engine: settings, flows, the two use cases, and the adapters to AWS.

`request` runs a chart and hands its trace to `ship`; `process` takes a batch of messages, replays each trace to the
recorders and archives it. `wire` is how a trace travels between them, `settings` reads the environment, `wiring` puts
the parts together, and only `adapters.aws` knows boto3.
"""

from __future__ import annotations

__all__: list[str] = []
