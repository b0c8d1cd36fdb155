"""What became of subflows, in footprintjs's shape."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from footpath.replay._mirror import LOG_MARK
from footpath.values import plain

if TYPE_CHECKING:
    from footpath.replay._mirror import Declared, MirrorFrame, MirrorRegion
    from footpath.replay._views import Views


class SubflowResult(NamedTuple):
    """A subflow that was left, with its state of that moment in recorded form, and how many commits there were.

    Children that a failure left behind may commit more. `spec` is there where a stage returned the chart.
    """

    region: MirrorRegion
    name: str
    parent_name: str
    state: dict[str, Any]
    commit_count: int
    spec: Any

    def shown(self, views: Views) -> dict[str, Any]:
        """As JSON."""
        region = self.region
        shown: dict[str, Any] = {
            "subflowId": region.id,
            "subflowName": self.name,
            "treeContext": {
                "globalContext": views.state(self.state),
                "stageContexts": region.tree,
                "history": views.history(region, self.commit_count),
                "initialState": {},
            },
            "parentStageId": self.parent_name,
        }
        if self.spec is not None:
            shown["pipelineStructure"] = plain(self.spec)
        return shown


class ReturnedCharts(NamedTuple):
    """What footprintjs keeps of charts that a stage returned to be run, beside the result of each."""

    decl: Declared
    node: dict[str, Any]
    parent_name: str

    def shown(self, views: Views) -> dict[str, Any]:
        """As JSON."""
        decl, blamed = self.decl, views.tree.blamed
        children = self.node.get("children", [])
        return {
            "subflowId": decl.id,
            "subflowName": decl.name,
            "treeContext": {
                "globalContext": {},
                "stageContexts": {
                    child["name"] or child["id"]: {
                        "name": child["name"],
                        "output": dict(child["logs"]),
                        "errors": dict(child["errors"]),
                        "metrics": dict(child["metrics"]),
                        "status": "error" if child["errors"] or child.get("runtimeStageId") in blamed else "success",
                    }
                    for child in children
                },
                "history": [],
                "initialState": {},
            },
            "parentStageId": self.parent_name,
            "pipelineStructure": {
                "id": f"{decl.id}-children",
                "name": "Dynamic Children",
                "type": "fork",
                "children": [{"id": child["id"], "name": child["name"], "type": "stage"} for child in children],
            },
        }


def keep_result(frame: MirrorFrame, region: MirrorRegion, name: str, spec: Any) -> None:
    """A mount has left its subflow: what came of it is known to the (sub)flow that the mount belongs to."""
    outer = frame.region.results
    # What ended in a subflow that has not ended itself is known to that subflow only.
    outer.update(region.results)
    state, parent_name = region.recorded_state(LOG_MARK), _parent_name(frame)
    outer[region.id] = outer[frame.rsid] = SubflowResult(region, name, parent_name, state, len(region.history), spec)


def keep_returned(frame: MirrorFrame) -> None:
    """Something follows a stage that returned charts: then footprintjs keeps a result of them."""
    assert frame.node is not None
    frame.region.results[frame.decl.id] = ReturnedCharts(frame.decl, frame.node, _parent_name(frame))


def _parent_name(frame: MirrorFrame) -> str:
    """A frame's name as results refer to it: with its branch before it."""
    assert frame.node is not None
    name = frame.node["name"]
    return f"{frame.branch}.{name}" if frame.branch else name
