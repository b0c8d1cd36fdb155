"""A Docker Engine: the one that runs here, or one of our own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from infra.local._paths import cache_folder
from infra.local._steps import StepError, run, step

# Sockets have short names (108 bytes), so not in the cache, whose path is anybody's.
_RUN = Path("/run/footpath")
_PACKAGES = ("docker.io", "debootstrap")
_START_S = 60
_STOP_S = 30


class UnavailableError(Exception):
    """This machine can't have what containers need; the text says why, and what would help."""


class Engine:
    """Docker's API.

    An engine of ours keeps images in the cache folder and has a socket of its own, beside whatever else runs here. It
    forwards nothing and translates no addresses: a container of it reaches this machine and no other.

    Attributes:
        host: as the variable DOCKER_HOST has it.
        started: whether this object started it.
        ours: whether it is one of ours, now or from a run before.
    """

    def __init__(self, host: str, *, started: bool, ours: bool) -> None:
        self.host = host
        self.started = started
        self.ours = ours

    @classmethod
    def find(cls) -> Engine | None:
        """One that answers: the environment's, the system's, or one of ours that was left running."""
        theirs = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        for host in (theirs, _our_host()):
            if _answers(host):
                return cls(host, started=False, ours=host == _our_host())
        return None

    @classmethod
    def start(cls) -> Engine:
        """Install what is missing, and start one of ours.

        Raises:
            UnavailableError: that can't be done here.
        """
        if os.geteuid() != 0:
            raise UnavailableError(
                "no Docker Engine answers, and only root can start one: start Docker's, join its group, or run this as root"
            )
        _install()
        _RUN.mkdir(parents=True, exist_ok=True)
        log = cache_folder() / "dockerd.log"
        with step("starting a Docker Engine"), log.open("wb") as file:
            daemon = subprocess.Popen(
                [
                    "dockerd",
                    f"--host={_our_host()}",
                    f"--data-root={cache_folder() / 'docker'}",
                    f"--exec-root={_RUN / 'exec'}",
                    f"--pidfile={_pid_file()}",
                    # Nothing in a container has any business outside this machine, and then no firewall is touched.
                    "--iptables=false",
                    "--ip-forward=false",
                    "--ip-masq=false",
                ],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
            end = time.monotonic() + _START_S
            while not _answers(_our_host()):
                if daemon.poll() is not None or time.monotonic() > end:
                    with suppress(ProcessLookupError):
                        daemon.send_signal(signal.SIGTERM)
                    said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-6:]
                    raise UnavailableError("dockerd does not start here:\n" + "\n".join(f"    {line}" for line in said))
                time.sleep(0.2)
        return cls(_our_host(), started=True, ours=True)

    def stop(self) -> None:
        """End an engine of ours, with SIGTERM, and wait for it; another one is let be."""
        if not self.ours:
            return
        try:
            pid = int(_pid_file().read_text(encoding="ascii"))
            os.kill(pid, signal.SIGTERM)
        except (OSError, ValueError):
            return
        end = time.monotonic() + _STOP_S
        while _alive(pid):
            if time.monotonic() > end:
                raise StepError(f"dockerd, process {pid}, has not ended {_STOP_S} s after SIGTERM")
            time.sleep(0.1)

    def docker(self, *arguments: str | Path, timeout_s: float = 300) -> str:
        """What a command of Docker's prints.

        Raises:
            StepError: it failed.
        """
        return run("docker", "--host", self.host, *arguments, timeout_s=timeout_s)

    def containers(self) -> set[str]:
        """Ids of all containers, running or not."""
        return set(self.docker("ps", "--all", "--quiet", "--no-trunc").split())

    def remove(self, containers: set[str]) -> None:
        """Remove containers by id."""
        for container in containers:
            with suppress(StepError):  # it was about to go by itself
                self.docker("rm", "--force", container)

    def bridge_address(self) -> str:
        """Where containers find this machine.

        Raises:
            UnavailableError: the engine's default network is not a bridge of this machine's.
        """
        found: list[dict[str, Any]] = json.loads(self.docker("network", "inspect", "bridge"))
        for config in found[0]["IPAM"]["Config"]:
            if "Gateway" in config:
                return str(config["Gateway"])
        # A new bridge without a container names only its subnet.
        address = self.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}").strip()
        if not address:
            raise UnavailableError(
                "the Docker Engine has no bridge to this machine: Footpath needs Docker on Linux itself"
            )
        network, _, _ = address.partition("/")
        return network.rpartition(".")[0] + ".1"


def _install() -> None:
    missing = [
        package
        for package, program in zip(_PACKAGES, ("dockerd", "debootstrap"), strict=True)
        if shutil.which(program) is None
    ]
    if missing and shutil.which("apt-get") is None:
        raise UnavailableError(f"{' and '.join(missing)} are not here, nor is apt-get to install them")
    if missing:
        _apt(missing)
    if shutil.which("docker") is None:
        _apt(["docker-cli"])  # a package of its own from Debian 13 on


def _apt(packages: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    install = ("apt-get", "install", "--yes", "--no-install-recommends", *packages)
    log = cache_folder() / "apt.log"
    try:
        with step(f"installing {' and '.join(packages)}"):
            try:
                run(*install, log=log, environment=environment)
            except StepError:  # the lists of a fresh machine are empty or old
                run("apt-get", "update", log=log, environment=environment)
                run(*install, log=log, environment=environment)
    except StepError as error:
        raise UnavailableError(f"{' and '.join(packages)} can't be installed: {error}") from error


def _our_host() -> str:
    return f"unix://{_RUN / 'docker.sock'}"


def _pid_file() -> Path:
    return _RUN / "dockerd.pid"


def _answers(host: str) -> bool:
    asked = ["docker", "--host", host, "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(asked, capture_output=True, check=False, timeout=15).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


def _alive(pid: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # ours, if this process started it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
