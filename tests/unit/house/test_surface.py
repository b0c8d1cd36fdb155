"""The page for people who know footprintjs names everything there is, and nothing that isn't (`docs/from-footprintjs.md`)."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from footpath import FlowChart, FlowChartExecutor
from footpath.chart import DeciderList, FlowChartBuilder, SelectorList
from footpath.scope import StageOps
from tests.conformance._oracle import OracleMissingError, find_oracle

PAGE = Path(__file__).resolve().parents[3] / "docs" / "from-footprintjs.md"
# What the names in a section's second column belong to.
CLASSES: dict[str, tuple[type, ...]] = {
    "The executor": (FlowChartExecutor,),
    "The chart": (FlowChart,),
    "Building": (FlowChartBuilder, DeciderList, SelectorList),
    "In a stage": (StageOps,),
    "Recorders and questions": (),
}
# Of these the page names every public method. A chart's are partly for the engine alone.
COMPLETE = ("The executor", "Building", "In a stage")
# Files and types of footprintjs whose public methods the page names, all of them.
THEIRS = {
    "The executor": (("runner/FlowChartExecutor", "class FlowChartExecutor"),),
    "The chart": (("runner/RunnableChart", "interface RunnableFlowChart"), ("builder/types", "type FlowChart<")),
    "Building": (
        ("builder/FlowChartBuilder", "class FlowChartBuilder"),
        ("builder/FlowChartBuilder", "class DeciderList"),
        ("builder/FlowChartBuilder", "class SelectorFnList"),
    ),
    "In a stage": (("reactive/types", "interface ScopeMethods"),),
}
# The doors behind which names are looked for.
ROOMS = ("footpath", "footpath.chart", "footpath.errors", "footpath.query", "footpath.recorders")
UNNAMED = {
    "The chart": {"root"},  # the same word on both sides
    "Building": {"constructor", "options"},  # the second is a parameter that stands on a line of its own
    "The executor": {"constructor"},
}


class Row(NamedTuple):
    section: str
    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    remark: str

    def __str__(self) -> str:
        return f"{self.section}: {', '.join(self.theirs or self.ours)}"


def quoted(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def rows_of(page: str) -> list[Row]:
    """The rows of all tables, without heads and lines."""
    rows: list[Row] = []
    section = ""
    head = True
    for line in page.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if not line.startswith("|"):
            head = True
            continue
        if head or set(line) <= set("|- "):
            head = False
            continue
        theirs, ours, remark = (cell.strip() for cell in line.strip("|").split(" | "))
        assert ours == "—" or quoted(ours), f"a row names what is here, or —: {line}"
        rows.append(Row(section, quoted(theirs), quoted(ours), remark.strip("| ")))
    return rows


ROWS = rows_of(PAGE.read_text(encoding="utf-8"))


def test_the_page_has_its_sections() -> None:
    """Else the tests below would look at nothing."""
    assert {row.section for row in ROWS} == set(CLASSES)
    assert len(ROWS) > 60


def options_of(kind: type) -> set[str]:
    return set(inspect.signature(kind).parameters)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_the_page_names_is_here(row: Row) -> None:
    """A method, property or option of the section's classes; a name behind a door; or Python of a stage."""
    kinds = CLASSES[row.section]
    for name in row.ours:
        if name.startswith("footpath."):
            room, _, what = name.rpartition(".")
            assert what in importlib.import_module(room).__all__, name
        elif name.isidentifier():
            assert any(hasattr(kind, name) or name in options_of(kind) for kind in kinds), name
        else:
            assert row.section == "In a stage", name
            ast.parse(name)


def test_what_is_not_here_has_a_reason() -> None:
    """In a few words."""
    assert [str(row) for row in ROWS if not row.ours and len(row.remark) < 8] == []


@pytest.mark.parametrize("section", COMPLETE)
def test_the_page_names_every_public_method(section: str) -> None:
    """So that a new one is not forgotten there."""
    named = {name for row in ROWS if row.section == section for name in row.ours}
    public = {name for kind in CLASSES[section] for name in dir(kind) if not name.startswith("_")}
    assert public - named == set()


def public_names(types: str, opening: str) -> set[str]:
    """Of one type in a `.d.ts` file: members that are not private, in TypeScript's four spaces."""
    body = types[types.index(opening) :]
    body = body[: body.index("\n}")]
    return {
        hit["name"]
        for hit in re.finditer(r"^    (?P<word>private |readonly )*(?P<name>[$\w]+)\??(?=[(:<])", body, re.MULTILINE)
        if not hit[0].lstrip().startswith(("private", "_"))
    }


def test_the_page_names_every_public_method_of_footprintjs() -> None:
    """Asked of the types that the reference comes with; its own words in the first column."""
    try:
        folder = find_oracle().folder / "node_modules" / "footprintjs" / "dist" / "types" / "lib"
    except OracleMissingError as missing:
        pytest.skip(str(missing))
    unnamed: dict[str, set[str]] = {}
    for section, files in THEIRS.items():
        named: set[str] = {
            word
            for row in ROWS
            if row.section == section
            for name in row.theirs
            for word in re.findall(r"[$\w]+", name)
        }
        for file, opening in files:
            types: Any = re.sub(
                r"/\*.*?\*/", "", (folder / f"{file}.d.ts").read_text(encoding="utf-8"), flags=re.DOTALL
            )
            missing_names = public_names(types, opening) - named - UNNAMED.get(section, set())
            if missing_names:
                unnamed[opening] = missing_names
    assert unnamed == {}


@pytest.mark.parametrize("room", ["footprintjs", "footprintjs/trace", "footprintjs/recorders"])
def test_the_page_names_every_export_of_footprintjs(room: str) -> None:
    """Or it is here under the same name, in Python's spelling."""
    try:
        exports = find_oracle().exports(room)
    except OracleMissingError as missing:
        pytest.skip(str(missing))
    named = {word for row in ROWS for name in row.theirs for word in re.findall(r"[$\w]+", name)}
    ours = {name for door in ROOMS for name in importlib.import_module(door).__all__}
    assert len(exports) > 5
    assert {name for name in exports - named if name not in ours and in_python(name) not in ours} == set()


def in_python(name: str) -> str:
    """`keyTimeline` as `key_timeline`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def test_public_names_of_a_type_are_found() -> None:
    """Methods and members; nothing private, nothing of the next type."""
    types = "class A<T> {\n    private x;\n    _y: Map;\n    readonly z?: number;\n    run(a: T): void;\n    $get<K>(): K;\n}\nclass B {\n    no(): void;\n}"
    assert public_names(types, "class A") == {"z", "run", "$get"}
