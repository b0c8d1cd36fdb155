"""What operators run: the `footpath` command, the demo, SQL over an archive, and the deterministic poller.

None of it is shipped in the layer. `footpath_cli.poller` is a tool of its own; `footpath --help` explains the rest.
"""

from __future__ import annotations

__all__: list[str] = []
