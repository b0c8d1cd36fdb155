"""What the documents show is so: their Python runs, their commands run and print what is shown, their data parses.

A fence's word decides:

- ```` ```python ````: executed, one namespace a document, in order. An `assert` in it is part of the example.
- ```` ```pycon ````: a session in that namespace, checked as a doctest.
- ```` ```console ````: lines that begin with `$ ` are commands; what follows is their output, `...` standing for
  anything. Commands that start with `footpath` or `python` are run, in one folder a document; those of `TOLD` are not,
  and `make` has to know the target.
- `json`, `yaml`, `sql`: parsed. `text` or nothing: only shown.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlglot
import yaml

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]

# Commands that a document may show without this test running them, and why.
TOLD = {
    "aws": "needs an AWS account",
    "cd": "moves the reader",
    "git": "needs a remote",
    "sam": "needs an AWS account, or is run by tests/sam",
}
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<word>[a-z]*)[^\n]*\n(?P<body>.*?)^(?P=indent)```\s*$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)(?P<target>[^)#\s]*)(?:#(?P<anchor>[^)\s]*))?\)")


class Block(NamedTuple):
    """A fenced block of a document."""

    word: str
    body: str
    line: int


class Command(NamedTuple):
    """A command of a console block, and what it is shown to print; "" leaves its output open."""

    text: str
    output: str

    @property
    def program(self) -> str:
        """Its first word."""
        return self.text.split()[0]


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a document, without their indentation."""
    found: list[Block] = []
    for hit in _FENCE.finditer(text):
        indent = len(hit["indent"])
        body = "".join(line[indent:] for line in hit["body"].splitlines(keepends=True))
        found.append(Block(hit["word"], body, text.count("\n", 0, hit.start()) + 1))
    return found


def commands(body: str) -> list[Command]:
    """The commands of a console block; a line that ends with a backslash goes on in the next."""
    found: list[tuple[str, list[str]]] = []
    for line in body.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            found.append((line[2:].partition("  #")[0].strip(), []))
        elif found:
            found[-1][1].append(line)
        elif line.strip():
            raise ValueError(f"a console block begins with a command, not with {line!r}")
    return [Command(text, "\n".join(output).strip()) for text, output in found]


def prints(shown: str, printed: str) -> bool:
    """Whether the output shown is what was printed; `...` stands for anything, and line ends don't count."""

    def normal(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.strip().splitlines())

    parts = [re.escape(part) for part in normal(shown).split("...")]
    return re.fullmatch(".*?".join(parts), normal(printed), re.DOTALL) is not None


def make_targets() -> set[str]:
    """What `make` can be asked for."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


# ── the documents ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("name", NAMES)
def test_python_in_a_document_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, in one namespace, in an empty folder; what a session shows is what it prints."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "example"}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for block in blocks((ROOT / name).read_text(encoding="utf-8")):
        if block.word == "python":
            padded = "\n" * block.line + block.body  # so that a traceback names the document's own line
            exec(compile(padded, str(ROOT / name), "exec"), namespace)
        elif block.word == "pycon":
            test = doctest.DocTestParser().get_doctest(block.body, {}, name, str(ROOT / name), block.line)
            test.globs = namespace
            result = runner.run(test, clear_globs=False)
            assert result.failed == 0, f"{name}:{block.line}"


@pytest.mark.parametrize("name", NAMES)
def test_commands_in_a_document_do_what_it_shows(name: str, tmp_path: Path) -> None:
    """Run in order, in one folder; a command fails only where its output shows an error."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1", "COLUMNS": "120"}
    for block in blocks((ROOT / name).read_text(encoding="utf-8")):
        if block.word != "console":
            continue
        for command in commands(block.body):
            if command.program == "make":
                assert set(command.text.split()[1:]) <= make_targets(), command.text
            elif command.program not in TOLD:
                assert command.program in {"footpath", "python"}, (
                    f"{name}:{block.line}: what to do with {command.text}?"
                )
                done = subprocess.run(
                    command.text, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{name}:{block.line}: $ {command.text}\n{done.stdout}{done.stderr}"
                if command.output:
                    assert prints(command.output, done.stdout), f"{name}:{block.line}: $ {command.text}\n{done.stdout}"


@pytest.mark.parametrize("name", NAMES)
def test_data_in_a_document_parses(name: str) -> None:
    """JSON, YAML and SQL; and no fence has a word that nobody checks."""
    for block in blocks((ROOT / name).read_text(encoding="utf-8")):
        assert block.word in {"", "text", "python", "pycon", "console", "json", "yaml", "sql", "mermaid"}, block
        if block.word == "json":
            json.loads(block.body)
        elif block.word == "yaml":
            assert yaml.safe_load(block.body) is not None
        elif block.word == "sql":
            assert sqlglot.parse(block.body, dialect="athena")


@pytest.mark.parametrize("name", NAMES)
def test_links_in_a_document_lead_somewhere(name: str) -> None:
    """To a file of this repository, and to a heading that is there."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for hit in _LINK.finditer(_FENCE.sub("", text)):
        path = (ROOT / name).parent / hit["target"] if hit["target"] else ROOT / name
        assert path.exists(), f"{name}: {hit[0]}"
        if hit["anchor"] and path.suffix == ".md":
            assert hit["anchor"] in _anchors(path.read_text(encoding="utf-8")), f"{name}: {hit[0]}"


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_where_to_change_what_names_what_is_there() -> None:
    """A file that was moved or renamed must not send a newcomer astray."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## Where to change what")[2].partition("\n## ")[0]
    named = re.findall(r"`([\w./]*(?:/|\.py|\.yaml))`", section)
    homes = (ROOT, ROOT / "engine_layer" / "footpath", ROOT / "engine_layer" / "footpath_service")
    assert len(named) > 20
    assert [path for path in named if not any((home / path).exists() for home in homes)] == []


# ── the reader itself ──────────────────────────────────────────────────────────────────────────────────────────────
def test_blocks_are_found_with_their_words_and_lines() -> None:
    """Indented ones, in a list, too."""
    text = "a\n\n```python\nx = 1\n```\n\n- b\n\n  ```console\n  $ footpath \\\n    traces ls\n  id\n  ```\n"
    first, second = blocks(text)
    assert first == ("python", "x = 1\n", 3)
    assert second.line == 9
    assert commands(second.body) == [("footpath    traces ls", "id")]


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\nb", "a  \nb\n", True),
        ("a ... c", "a b\nb c", True),
        ("a", "a\nb", False),
        ("1 (one)", "1 (one)", True),
    ],
)
def test_output_is_compared_line_by_line(shown: str, printed: str, same: bool) -> None:
    """With `...` for anything."""
    assert prints(shown, printed) is same


def test_a_console_block_without_a_command_is_refused() -> None:
    """It would never be run."""
    with pytest.raises(ValueError, match="begins with a command"):
        commands("footpath traces ls\n")


def test_decisions_are_numbered_once() -> None:
    """A number has to mean one page."""
    numbers = [path.name.partition("-")[0] for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]
    assert [number for number in numbers if numbers.count(number) > 1] == []
