"""Which charts are mounted where, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, UnsetType

from footpath.values import plain

if TYPE_CHECKING:
    from footpath.channels import SubflowEntryEvent, SubflowMountedEvent, SubflowRegisteredEvent


class ManifestEntry(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A subflow that was entered, once or often.

    Attributes:
        subflow_id: its path of mount ids, `outer/inner`.
        children: the subflows entered inside it, in the order of their first entry.
    """

    subflow_id: str
    name: str
    description: str | UnsetType = UNSET
    children: list[ManifestEntry]


class ManifestRecorder:
    """Lists the subflows a run entered, each under the one it was entered from, and keeps the specs it is shown.

    Specs come at build time (a structure recorder is told of mounts) or at run time (charts a stage returned).
    """

    def __init__(self, id: str = "manifest") -> None:  # the recorder contract's name
        self.id = id
        self._top: list[ManifestEntry] = []
        self._by_path: dict[str, ManifestEntry] = {}
        self._specs: dict[str, Any] = {}

    def begin_trace(self, _trace: object) -> None:
        """Begin an empty tree."""
        self._top.clear()
        self._by_path.clear()
        self._specs.clear()

    def manifest(self) -> list[ManifestEntry]:
        """The subflows entered from the top, with what was entered inside them; the recorder's own, not a copy."""
        return self._top

    def spec(self, subflow_id: str) -> Any:
        """A subflow's spec as JSON, a fresh copy; None when it was never shown."""
        return plain(self._specs.get(subflow_id))

    def on_subflow_entry(self, event: SubflowEntryEvent) -> None:
        """A mounted chart begins."""
        path = event.subflow_id
        if path in self._by_path:
            return
        entry = ManifestEntry(subflow_id=path, name=event.name, description=event.description, children=[])
        self._by_path[path] = entry
        parent = self._by_path.get(path.rpartition("/")[0])
        (self._top if parent is None else parent.children).append(entry)

    def on_subflow_mounted(self, event: SubflowMountedEvent) -> None:
        """A chart was mounted; a lazy one shows no spec."""
        if event.raw_subflow_spec is not UNSET:
            self._specs[event.subflow_id] = event.raw_subflow_spec

    def on_subflow_registered(self, event: SubflowRegisteredEvent) -> None:
        """A chart returned by a stage became known."""
        if event.raw_spec_structure is not UNSET:
            self._specs[event.subflow_id] = event.raw_spec_structure
