"""Lambda on this machine: what `make sam-local` and `make sam-host` need before a test can begin.

`Engine` finds Docker's, or installs and starts one of its own, shut off from every network; `make_base_image` makes the
image that the SAM CLI runs functions in, from Debian's and Python's packages; `Emulator` runs one built function
without a container, on the Runtime Interface Emulator that the SAM CLI brings. Nothing here ships.
"""

from __future__ import annotations

from infra.local._emulator import Emulator, EmulatorError
from infra.local._engine import Engine, UnavailableError
from infra.local._image import install_runtime, make_base_image, python_folder

__all__ = [
    "Engine",
    "UnavailableError",
    "make_base_image",
    "python_folder",
    "install_runtime",
    "Emulator",
    "EmulatorError",
]
