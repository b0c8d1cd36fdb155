"""The world behind the ports: AWS (`aws`, the only module here that knows boto3), memory, and a local folder.

Import the module that is meant, not this door: AWS must not be imported where it is not used.
"""

from __future__ import annotations

__all__: list[str] = []
