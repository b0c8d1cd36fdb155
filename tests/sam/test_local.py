"""Where this machine can't have what containers need, it says what is missing, and nothing is taken for done."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.local import Engine, UnavailableError, __main__, _engine
from infra.local._debian import mirror_of
from infra.local._steps import StepError, run
from infra.template import ROOT


def test_debian_comes_from_where_apt_gets_it() -> None:
    """No host is named here: a company's mirror is used where a company has one."""
    told = "Docker|Docker CE|http://elsewhere.test/\nDebian|Debian-Security|http://m.test/sec/\nDebian|Debian|http://m.test/debian/\n"
    assert mirror_of(told) == "http://m.test/debian/"


def test_a_machine_whose_apt_knows_no_debian_says_so() -> None:
    """Ubuntu, say."""
    with pytest.raises(UnavailableError, match="no mirror of Debian"):
        mirror_of("Ubuntu|Ubuntu|http://m.test/ubuntu/\n")


def test_without_an_engine_and_without_root_it_ends_by_3_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """3 is what the Makefile turns into a loud line."""
    monkeypatch.setattr(Engine, "find", classmethod(lambda cls: None))
    monkeypatch.setattr(_engine.os, "geteuid", lambda: 1000)
    monkeypatch.setattr("sys.argv", ["infra.local"])
    assert __main__.main() == 3
    assert "only root can start one" in capsys.readouterr().err


def test_without_apt_nothing_can_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names what would be."""
    monkeypatch.setattr(_engine.shutil, "which", lambda name: None)
    monkeypatch.setattr(_engine.os, "geteuid", lambda: 0)
    with pytest.raises(UnavailableError, match=r"docker\.io and debootstrap are not here, nor is apt-get"):
        Engine.start()


@pytest.mark.parametrize(("status", "passes"), [(3, True), (1, False), (0, True)])
def test_make_takes_only_the_missing_engine_for_no_failure(status: int, passes: bool) -> None:
    """A test that fails in a container fails the target."""
    done = subprocess.run(
        ["make", "-o", ".venv/.ready", "-o", ".venv/.sam-ready", "sam-local", f"PY=bash -c 'exit {status}'"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is passes, done.stderr
    assert ("NOT RUN" in done.stdout) is (status == 3)


def test_a_step_that_fails_shows_what_was_said_last(tmp_path: Path) -> None:
    """Also when it went to a log."""
    for log in (None, tmp_path / "log"):
        with pytest.raises(StepError, match=r"failed \(4\):\n    no space left"):
            run("sh", "-c", "echo no space left >&2; exit 4", log=log)
    with pytest.raises(StepError, match="no-such-program is not here"):
        run("no-such-program")
    with pytest.raises(StepError, match="not done after 0 s"):
        run("sleep", "5", timeout_s=0.1)
