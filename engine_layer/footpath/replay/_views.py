"""Views that a cursor gathers besides firing events: commit log, execution tree and subflow results, and the snapshot of them."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.replay._log import CommitLog
from footpath.replay._mirror import LOG_MARK
from footpath.replay._parts import Parts
from footpath.replay._results import keep_result
from footpath.replay._tree import Tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from footpath.replay._mirror import MirrorFrame, MirrorRegion


class Views:
    """What a run and every subflow in it leave on their regions, and how it is shown.

    Attributes:
        tree: hangs the nodes.
        log: writes the histories.
        provenance: whether each row of the log names the keys read before it.
    """

    def __init__(
        self,
        *,
        commit_values: str = "full",
        write_provenance: str = "off",
        read_tracking: str = "full",
        write_tracking: str = "full",
    ) -> None:
        self.commit_values = commit_values
        self.write_provenance = write_provenance
        self.provenance = write_provenance == "reads-prefix"
        self.tree = Tree(read_tracking, write_tracking)
        self.log = CommitLog(commit_values, provenance=self.provenance)
        self._parts = Parts()

    # ── what concerns more than one of them ──────────────────────────────────────────────────────────────────────
    def seeded(self, region: MirrorRegion, fields: Mapping[str, list[str]]) -> None:
        """A subflow was given what it begins with."""
        self.log.seeded(region, fields)

    def left(self, frame: MirrorFrame, region: MirrorRegion, name: str) -> None:
        """A subflow was left: keep what became of it."""
        self.tree.message(frame, "subflow", f"Exiting {name} subflow", region.id)
        keep_result(frame, region, name, frame.region.registered.get(region.id))

    # ── snapshot ─────────────────────────────────────────────────────────────────────────────────────────────────
    def snapshot(self, region: MirrorRegion, run_id: str) -> dict[str, Any]:
        """The whole, in the reference's shape. It is made of the views' own parts: take it once, at the end."""
        self.tree.finish(self._parts)
        out: dict[str, Any] = {
            "sharedState": self.state(region.recorded_state(LOG_MARK)),
            "executionTree": region.tree,
            "initialState": self._parts.members(region.initial),
            "commitLog": self.history(region, len(region.history)),
            "commitValues": self.commit_values,
            "writeProvenance": self.write_provenance,
            "runId": run_id,
        }
        if region.results:
            out["subflowResults"] = {key: result.shown(self) for key, result in region.results.items()}
        return out

    def state(self, members: dict[str, Any]) -> dict[str, Any]:
        """A recorded state as JSON."""
        return self._parts.members(members)

    def history(self, region: MirrorRegion, count: int) -> list[dict[str, Any]]:
        """A region's first so many bundles as JSON; those that hold nothing but scalars are it already."""
        shown = region.history[:count]
        nested = self._parts.nested
        for index in region.nested:
            if index < count:
                bundle = shown[index]
                shown[index] = as_json = {
                    **bundle,
                    "overwrite": nested(bundle["overwrite"]),
                    "updates": nested(bundle["updates"]),
                }
                if "results" in bundle:
                    as_json["results"] = nested(bundle["results"])
        return shown
