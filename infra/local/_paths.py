"""Where things lie on this machine. Everything is made again when it is missing."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from infra.template import ROOT, load_template

VENV = ROOT / ".venv"
SAM_PYTHON = VENV / "sam" / "bin" / "python"
RUNTIME = load_template()["Globals"]["Function"]["Runtime"].removeprefix("python")

# What Docker, Debian and AWS call the machine's processor.
MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(MACHINE, MACHINE)


def cache_folder() -> Path:
    """Outside the tree, so that clones share it and `make clean` keeps it: some 700 MB."""
    base = os.environ.get("FOOTPATH_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "footpath"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
