"""Only `make sam-local` comes here: it has a Docker Engine and the base image ready, and says so."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("FOOTPATH_CONTAINERS") else ["*"]
