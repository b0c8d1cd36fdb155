"""`docs/reliability.md` states each promise with the test that keeps it: the tests are there, and every fate of the design has one."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

TESTS = Path(__file__).parents[1]
TEXT = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| ")]
PROMISES = [row for row in ROWS if row[-1] != "kept by" and "---" not in row[0]]
_NAMED = re.compile(r"`([\w/]+\.py)?(?:::([\w*]+))?`|`(tests/[\w/]+)`")


def _file(name: str) -> Path:
    """A file as the document names it: under `tests/faults`, with its folder, or beside the one named before it."""
    found = [
        path
        for path in (TESTS / "faults" / name, TESTS.parent / name, TESTS / "unit" / "service" / name)
        if path.is_file()
    ]
    assert len(found) == 1, f"{name} is {found or 'not there'}"
    return found[0]


def _kept_by() -> dict[str, list[str]]:
    """Promise to the names of the tests that keep it; a name without a file is of the file that was last named with one."""
    last: Path | None = None
    found: dict[str, list[str]] = {}
    for promise, *_, kept_by in PROMISES:
        for name, pattern, folder in _NAMED.findall(kept_by):
            if folder:
                files, pattern = (
                    [_file(folder)] if folder.endswith(".py") else sorted((TESTS.parent / folder).glob("test_*.py")),
                    "*",
                )
            elif name:
                files = [_file(name)]
                last = files[0] if pattern else last
            else:
                assert last is not None
                files = [last]
            names = [
                one
                for path in files
                for one in re.findall(r"^ *def (test_\w+)|^(Test\w+) =", path.read_text(encoding="utf-8"), re.MULTILINE)
            ]
            matching = [one or case for one, case in names if fnmatch(one or case, pattern or "*")]
            assert matching, f"{promise}: no test {pattern or 'at all'} in {[path.name for path in files]}"
            found.setdefault(promise, []).extend(matching)
    return found


def test_every_promise_names_tests_that_are_there() -> None:
    """A file that moved, or a test that was renamed, is found here and not by who relies on it."""
    kept = _kept_by()
    assert set(kept) == {row[0] for row in PROMISES}


def test_every_fate_has_a_promise() -> None:
    """F1 to F15, in order."""
    assert [row[0] for row in PROMISES if re.fullmatch(r"F\d+", row[0])] == [f"F{number}" for number in range(1, 16)]
