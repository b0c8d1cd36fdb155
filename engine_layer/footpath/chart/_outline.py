"""The lines of a chart's description, as they come with its building.

The words are footprintjs's, and so are their oddities (a root selector is listed twice and counted from two); agents
and people compare both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from footpath.chart._chart import FlowChart


class Outline:
    """The description of a chart, growing line by line with its builder.

    `lines` holds texts, and in the place of an eager mount its heading and the mounted chart: that one's own lines are
    put in when somebody asks.
    """

    __slots__ = ("_last_number", "_numbers", "lines", "stage_descriptions")

    def __init__(self) -> None:
        """Begin without a line."""
        self.lines: list[str | tuple[str, FlowChart]] = []
        self.stage_descriptions: dict[str, str] = {}
        self._last_number = 0
        self._numbers: dict[str, int] = {}

    def stage(self, name: str, description: str | None) -> None:
        """A stage or for-each joined."""
        self._number(name)
        self._stage_line(name, description)

    def _number(self, key: str) -> None:
        """Count a step; loops find it under `key`: a stage's name or a mount's id, a later one of that name first."""
        self._last_number += 1
        self._numbers[key] = self._last_number

    def _stage_line(self, name: str, description: str | None) -> None:
        if description is None:
            self.lines.append(f"{self._last_number}. {name}")
        else:
            self.lines.append(f"{self._last_number}. {name} — {description}")
            self.stage_descriptions[name] = description

    def root_selector(self, name: str, description: str | None) -> None:
        """A selector begins the chart: it counts twice and is listed here and again when its branches are known."""
        self._number(name)
        self._number(name)
        self._stage_line(name, description)

    def branching(self, name: str) -> None:
        """A decider or selector joined; its line follows when its branches are known."""
        self._number(name)

    def decided(self, name: str, description: str | None, branches: Sequence[tuple[str, str | None]]) -> None:
        """A decider's branches are known: ids and descriptions of those that are stages."""
        ids = ", ".join(branch for branch, _ in branches)
        if description is None:
            self.lines.append(f"{self._last_number}. {name} — Decides between: {ids}")
        else:
            self._stage_line(name, description)
            self.lines[-1] = f"{self.lines[-1]} (branches: {ids})"
        self._branch_lines(branches)

    def selected(self, name: str, description: str | None, branches: Sequence[tuple[str, str | None]]) -> None:
        """A selector's branches are known."""
        if description is None:
            ids = ", ".join(branch for branch, _ in branches)
            self.lines.append(f"{self._last_number}. {name} — Selects from: {ids}")
        else:
            self._stage_line(name, description)
        self._branch_lines(branches)

    def _branch_lines(self, branches: Sequence[tuple[str, str | None]]) -> None:
        for branch, description in branches:
            if description is not None:
                self.lines.append(f"   → {branch}: {description}")
                self.stage_descriptions[branch] = description

    def branch_loop(self, branch: str, target: str) -> None:
        """A branch loops back."""
        self.lines.append(f"   → branch '{branch}' loops back to {target}")

    def loop(self, target: str) -> None:
        """The line loops back."""
        number = self._numbers.get(target)
        self.lines.append(f"→ loops back to {target if number is None else f'step {number}'}")

    def fork(self, names: Sequence[str]) -> None:
        """Parallel children joined."""
        self._last_number += 1
        self.lines.append(f"{self._last_number}. Runs in parallel: {', '.join(names)}")

    def mount(self, mount_id: str, name: str, chart: FlowChart | None) -> None:
        """A chart was mounted, lazily when there is none yet."""
        self._number(mount_id)
        if chart is None:
            self.lines.append(f"{self._last_number}. [Lazy Sub-Execution: {name}]")
        else:
            self.lines.append((f"{self._last_number}. [Sub-Execution: {name}]", chart))
