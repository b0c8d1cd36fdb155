"""Lambda's Python, out of Debian: packages fetched and checked by debootstrap, then only unpacked.

Nothing is configured and nothing runs in it, which debootstrap would do for minutes: files are all that Python needs.
It runs in the image made from it, and on this machine too, by its own loader and C library.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from infra.local._engine import UnavailableError
from infra.local._paths import MACHINE, RUNTIME, VENV, cache_folder
from infra.local._steps import StepError, pipe, run, step

if TYPE_CHECKING:
    from pathlib import Path

SUITES = {"3.13": "trixie"}  # the Debian release whose python3 is that Python
_TRIES = 2


def suite() -> str:
    """The Debian release for the template's runtime.

    Raises:
        UnavailableError: none is known.
    """
    if RUNTIME not in SUITES:
        raise UnavailableError(f"no Debian release is known to have Python {RUNTIME}: add it to SUITES in {__file__}")
    return SUITES[RUNTIME]


def debian_root() -> Path:
    """A folder with a Debian system's files, Python among them, and its modules compiled; made at the first call.

    Raises:
        UnavailableError: the packages can't be had.
        StepError: they can't be unpacked.
    """
    root = cache_folder() / f"debian-{suite()}-{MACHINE}"
    if not root.exists():
        part, fetched = root.with_suffix(".part"), root.with_suffix(".fetched")
        for folder in (part, fetched):
            shutil.rmtree(folder, ignore_errors=True)
        _fetch(fetched)
        with step("unpacking them"):
            part.mkdir()
            for package in sorted((fetched / "var/cache/apt/archives").glob("*.deb")):
                pipe(["dpkg-deb", "--fsys-tarfile", package], ["tar", "--extract", "--directory", part])
            for useless in ("doc", "man", "locale", "info", "lintian", "perl5", "bash-completion"):
                shutil.rmtree(part / "usr/share" / useless, ignore_errors=True)
            (part / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
            (part / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
        with step("compiling its modules"):
            python = _loader(part)
            run(*python, "-I", "-m", "compileall", "-q", "-x", "/(lib2to3|idlelib)/", part / f"usr/lib/python{RUNTIME}")
        part.rename(root)
        shutil.rmtree(fetched)
    return root


def _fetch(folder: Path) -> None:
    mirror, proxy = _apt_mirror()
    environment = {**os.environ, "LC_ALL": "C.UTF-8"} | ({"http_proxy": proxy} if proxy else {})
    command = ("debootstrap", "--variant=minbase", "--include=python3", "--download-only", suite(), folder, mirror)
    with step(f"fetching Debian {suite()}'s packages, some 40 MB"):
        for tried in range(1, _TRIES + 1):
            try:
                run(*command, log=cache_folder() / "debootstrap.log", environment=environment)
                return
            except StepError as error:
                if tried == _TRIES:
                    raise UnavailableError(f"Debian's packages can't be had: {error}") from error


def _apt_mirror() -> tuple[str, str]:
    """Where this machine's apt gets Debian from, and through which proxy ("" for none)."""
    try:
        told = run("apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages")
        settings = run("apt-config", "shell", "PROXY", "Acquire::http::Proxy")
    except StepError as error:
        raise UnavailableError(f"apt does not say where it gets Debian from: {error}") from error
    return mirror_of(told), settings.partition("'")[2].rpartition("'")[0]


def mirror_of(told: str) -> str:
    """The address of Debian's mirror among lines of `origin|label|address`, as `apt-get indextargets` tells them.

    Raises:
        UnavailableError: there is none.
    """
    for line in told.splitlines():
        origin, label, address = line.split("|", 2)
        if (origin, label) == ("Debian", "Debian"):
            return address
    raise UnavailableError("apt's configuration names no mirror of Debian's, and none is named here")


def _loader(root: Path) -> list[str | Path]:
    """How this machine runs the Python of a root folder."""
    python = root / f"usr/bin/python{RUNTIME}"
    libraries = root / f"usr/lib/{MACHINE}-linux-gnu"
    loader = next(iter(sorted(libraries.glob("ld-linux-*.so.*"))), None)
    if loader is None:
        raise StepError(f"{libraries} has no loader: what was unpacked there?")
    return [loader, "--library-path", libraries, "--argv0", python, python]


def python_folder() -> Path:
    """A folder with one program, `pythonX.Y`: that Python, for this machine to compile modules with.

    Not a whole one: what it starts anew by `sys.executable` does not find its C library.
    """
    folder = VENV / "runtime"
    folder.mkdir(exist_ok=True)
    program = folder / f"python{RUNTIME}"
    words = " ".join(f"'{word}'" for word in _loader(debian_root()))
    text = f'#!/bin/sh\nexec {words} "$@"\n'
    if not program.exists() or program.read_text(encoding="utf-8") != text:
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
    return folder
