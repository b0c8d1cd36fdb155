"""Starts a handler as Lambda's runtime for Python does: the interface client, over the search path that Lambda has.

The base image has it as `/var/runtime/bootstrap.py`; on the host the emulator runs it from here, with folders that the
environment names.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

version = f"python{sys.version_info.major}.{sys.version_info.minor}"
task = os.environ["LAMBDA_TASK_ROOT"]
layers = os.environ.get("FOOTPATH_LAYER", "/opt")
runtime = os.environ["LAMBDA_RUNTIME_DIR"]
# The function's own code first, then the layers', then the runtime's; this file's folder is no place to import from.
ours = [task, f"{layers}/python/lib/{version}/site-packages", f"{layers}/python", runtime]
sys.path[:] = ours + [path for path in sys.path if path not in {*ours, str(Path(__file__).resolve().parent)}]

from awslambdaric.__main__ import main  # noqa: E402 - its place on the path was just made

main(["awslambdaric", os.environ["_HANDLER"]])
