"""Which subflows a run went through, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, UnsetType

from footpath.recorders._bundle import RecorderBundle, as_json
from footpath.values import plain

if TYPE_CHECKING:
    from footpath.channels import SubflowEntryEvent, SubflowExitEvent, SubflowRegisteredEvent


class ManifestEntry(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """One passage through a subflow.

    Attributes:
        subflow_id: its path of mount ids, `outer/inner`.
        description: of its first stage, when that has one.
        children: the passages inside it, in the order they ended.
    """

    subflow_id: str
    name: str
    description: str | UnsetType = UNSET
    children: list[ManifestEntry]


class ManifestFlowRecorder:
    """Lists the subflows that a run passed through, each under the one it was entered from; a flow recorder.

    A passage is listed when it ends: one that failed or waits is not, nor is what it holds. A loop through a subflow is
    a passage each time. `clear` begins anew; an executor calls it before each run, and not before a resume.

    Example:
        >>> manifest = ManifestFlowRecorder()
        >>> executor.attach_flow_recorder(manifest)
        >>> _ = executor.run(input={"amount": 100})
        >>> manifest.get_manifest()
        []
    """

    def __init__(self, id: str = "manifest") -> None:  # the recorder contract's name
        self.id = id
        self._ended: list[ManifestEntry] = []
        self._open: list[ManifestEntry] = []
        self._specs: dict[str, Any] = {}

    # ── the events ───────────────────────────────────────────────────────────────────────────────────────────────────
    def on_subflow_entry(self, event: SubflowEntryEvent) -> None:
        """A mounted chart begins."""
        self._open.append(
            ManifestEntry(
                subflow_id=event.subflow_id, name=event.name, description=event.description or UNSET, children=[]
            )
        )

    def on_subflow_exit(self, event: SubflowExitEvent) -> None:
        """A mounted chart ended: the innermost of its path."""
        path = event.subflow_id
        for index in range(len(self._open) - 1, -1, -1):
            entry = self._open[index]
            if entry.subflow_id == path:
                del self._open[index]
                self._siblings(path, index).append(entry)
                return

    def on_subflow_registered(self, event: SubflowRegisteredEvent) -> None:
        """A chart returned by a stage became known."""
        if event.raw_spec_structure is not UNSET:
            self._specs[event.subflow_id] = event.raw_spec_structure

    def _siblings(self, path: str, below: int) -> list[ManifestEntry]:
        """Where a passage belongs: in the nearest open one whose path holds it, parallel ones aside."""
        for entry in reversed(self._open[:below]):
            if path == entry.subflow_id or path.startswith(entry.subflow_id + "/"):
                return entry.children
        return self._ended

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def get_manifest(self) -> list[ManifestEntry]:
        """The passages at the top that have ended, each with those inside it; the recorder's own entries."""
        return list(self._ended)

    def get_spec(self, subflow_id: str) -> Any:
        """The spec of a chart that a stage returned, as JSON, a fresh copy; None for any other.

        What was mounted when the chart was built stands in `chart.build_time_structure`.
        """
        return plain(self._specs.get(subflow_id))

    def get_spec_ids(self) -> list[str]:
        """Which subflows `get_spec` knows."""
        return list(self._specs)

    def to_snapshot(self) -> RecorderBundle:
        """The tree as `get_snapshot()["recorders"]` shows it."""
        return {
            "name": "Manifest",
            "description": "Translator (FlowRecorder) — subflow catalog built during traversal",
            "preferredOperation": "translate",
            "data": as_json(self._ended),
        }

    def clear(self) -> None:
        """Begin an empty tree."""
        self._ended.clear()
        self._open.clear()
        self._specs.clear()
