"""A run's story on the screen: after the run, or while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from footpath.recorders import NarrativeRecorder
from footpath_cli._output import harmless, out

if TYPE_CHECKING:
    from collections.abc import Iterable

    from footpath.replay import NarrativeEntry

# By the narrative's own kinds of entry; what is not named is printed as it is.
_STYLES = {
    "stage": "bold",
    "condition": "cyan",
    "selector": "cyan",
    "fork": "cyan",
    "subflow": "magenta",
    "loop": "yellow",
    "error": "bold red",
    "break": "yellow",
    "pause": "yellow",
    "resume": "yellow",
    "emit": "green",
}
_LIVE_HOOKS = (
    "on_stage_executed",
    "on_decision",
    "on_selected",
    "on_fork",
    "on_subflow_entry",
    "on_subflow_exit",
    "on_loop",
    "on_break",
    "on_error",
    "on_pause",
    "on_resume",
)
_QUIET_HOOKS = ("on_read", "on_write", "on_emit", "on_stage_retry")


def tell(entries: Iterable[NarrativeEntry]) -> None:
    """Print a story, what belongs to a stage indented under it."""
    console = out()
    for entry in entries:
        console.print(Text("  " * entry.depth + harmless(entry.text), style=_STYLES.get(entry.type, "")))


class LiveStory:
    """A recorder that prints a run's story as it happens: each stage when it completes, each decision when it falls."""

    def __init__(self) -> None:
        self.id = "footpath.live-story"
        self._narrative = NarrativeRecorder()
        self._told = 0
        for hook in _QUIET_HOOKS:
            setattr(self, hook, getattr(self._narrative, hook))
        for hook in _LIVE_HOOKS:
            setattr(self, hook, self._telling(getattr(self._narrative, hook)))

    def _telling(self, hear: Any) -> Any:
        def hook(event: Any) -> None:
            hear(event)
            self.catch_up()

        return hook

    def catch_up(self) -> None:
        """Print what has not been printed yet."""
        entries = self._narrative.entries()
        tell(entries[self._told :])
        self._told = len(entries)
