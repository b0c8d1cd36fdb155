"""What has no place in a repository: paths of one machine, hosts of registries, files that only grow."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MAX_FILE_BYTES = 600_000
MAX_MODULE_LINES = 1100  # of what ships; the cursor, with a handler an entry, is the longest by far

# Written so that this file is not its own finding.
FORBIDDEN = re.compile(
    "|".join(
        (
            r"(?:^|[^A-Za-z0-9_.-])/(?:work|farm|home|Users)/",  # somebody's machine
            "/ro" + "ot/",
            "pyp" + r"i\.org",
            "pythonhoste" + "d",
            r"registr[y]\.npmjs",
            "deb" + r"\.debian\.",
            r"\.libr" + "ary/",
            r"-----BEGIN [A-Z ]*PRIVATE KEY",
            r"\bAKIA[0-9A-Z]{16}\b(?<!EXAMPLE)",
        )
    )
)


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


TRACKED = _tracked()


def findings(text: str) -> list[str]:
    """The lines of a text that name what must not be named."""
    return [
        f"{number}: {line.strip()[:160]}" for number, line in enumerate(text.splitlines(), 1) if FORBIDDEN.search(line)
    ]


def test_no_file_names_a_machine_or_a_registry() -> None:
    """Whoever clones this has other paths, and says where packages come from."""
    found: dict[str, list[str]] = {}
    for path in TRACKED:
        try:
            lines = findings(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue  # bytes that golden tests hold
        if lines:
            found[path.relative_to(ROOT).as_posix()] = lines
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "see /wo" + "rk/main/x",
        "cd /ho" + "me/me/footpath",
        "--index-url https://pyp" + "i.org/simple",
        "key AKIA" + "Z" * 16,
    ],
)
def test_such_a_line_is_found(line: str) -> None:
    """The check itself is able to fail."""
    assert findings(line)


@pytest.mark.parametrize(
    "line", ["how it should work/behave", "s3://bucket/work/x", "/opt/python/footpath", "a framework/"]
)
def test_an_innocent_line_is_let_be(line: str) -> None:
    """Nor does it cry wolf."""
    assert not findings(line)


def test_no_tracked_file_is_huge_or_generated() -> None:
    """Build products and caches stay out; data is small."""
    assert {path.name for path in TRACKED if path.suffix in {".pyc", ".so", ".whl"}} == set()
    large = {
        path.relative_to(ROOT).as_posix(): path.stat().st_size
        for path in TRACKED
        if path.stat().st_size > MAX_FILE_BYTES
    }
    assert large == {}


def test_modules_that_ship_stay_readable_in_one_sitting() -> None:
    """A module that grows beyond that has more than one subject."""
    shipped = [path for path in TRACKED if path.suffix == ".py" and path.is_relative_to(ROOT / "engine_layer")]
    assert shipped
    long = {path.name: lines for path in shipped if (lines := path.read_text().count("\n")) > MAX_MODULE_LINES}
    assert long == {}


def test_locks_hold_hashes_and_no_addresses() -> None:
    """A lock says what, not from where."""
    locks = [*sorted((ROOT / "locks").glob("*.txt")), ROOT / "engine_layer" / "requirements.txt"]
    assert len(locks) == 8
    for path in locks:
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        pinned = re.findall(r"^[a-z0-9._-]+==", text, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"^[^ #\n]", text, re.MULTILINE)), path.name
        assert text.count(" \\\n    --hash=sha256:") >= len(pinned)


def test_the_layer_is_locked_to_what_tests_run_with() -> None:
    """Production gets the versions that were tested."""

    def pins(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE))

    layer, tested = pins(ROOT / "engine_layer" / "requirements.txt"), pins(ROOT / "locks" / "dev.txt")
    assert layer
    assert {name: tested.get(name) for name in layer} == layer


def test_every_package_asked_for_is_locked() -> None:
    """A dependency added to pyproject.toml works for others only after `make lock`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {
        "locks/dev.txt": [
            *project["project"]["dependencies"],
            *project["project"]["optional-dependencies"]["cli"],
            *project["dependency-groups"]["dev"],
        ],
        "locks/sam.txt": project["dependency-groups"]["sam"],
        "locks/peers.txt": project["dependency-groups"]["peers"],
        "locks/uv.txt": project["dependency-groups"]["uv"],
        "engine_layer/requirements.txt": project["project"]["dependencies"],
    }
    for lock, requirements in wanted.items():
        pinned = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))
        names = {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in requirements}
        assert names - pinned == set(), lock
