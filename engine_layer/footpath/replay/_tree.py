"""The execution tree: a node for each frame, in footprintjs's shape, with what flow and stages say on it."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw
from msgspec.json import encode

from footpath.journal.entries import LINK_NEXT, LINK_ROOT, THROTTLED
from footpath.replay._results import keep_returned
from footpath.replay._summaries import summary_marker
from footpath.values import ATOMS, MARK, TAG, js_reason, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.replay._mirror import Declared, MirrorFrame, MirrorRegion
    from footpath.replay._parts import Parts

_BAGS = {"debug": "logs", "log": "logs", "error": "errors", "metric": "metrics", "eval": "evals"}


class Tree:
    """Nodes as frames begin and speak. Each (sub)flow's first node hangs on its region, the others on the node before or above.

    Attributes:
        frames: that have a node.
        paused_behind: the frame that the phase goes on behind; its children had paused, not ended.
        blamed: stage executions that an error was noted on which says nothing, so that no bag shows it.
    """

    __slots__ = ("_reads", "_writes", "blamed", "frames", "paused_behind")

    def __init__(self, read_tracking: str, write_tracking: str) -> None:
        self._reads = read_tracking
        self._writes = write_tracking
        self.frames: list[MirrorFrame] = []
        self.paused_behind: MirrorFrame | None = None
        self.blamed: set[str] = set()

    def opened(self, frame: MirrorFrame, link: int, origin: MirrorFrame | None, suffix: str) -> None:
        """A frame began: hang its node where it belongs."""
        decl = frame.decl
        node: dict[str, Any] = {
            "id": decl.id,
            "runtimeStageId": frame.rsid,
            "name": decl.name + suffix,
            "isDecider": False,
            "isFork": False,
            "logs": {},
            "errors": {},
            "metrics": {},
            "evals": {},
        }
        if decl.description is not UNSET:
            node["description"] = decl.description
        frame.node = node
        self.frames.append(frame)
        if link == LINK_NEXT and origin is not None and origin.node is not None and "children" not in origin.node:
            origin.node["next"] = node
        elif link == LINK_ROOT:
            frame.region.tree = node
        else:
            self._hang(node, link, origin)

    def message(self, frame: MirrorFrame, kind: str, text: str, target: Any = None, **more: Any) -> None:
        """A flow message on a frame's node."""
        node = frame.node
        assert node is not None
        message: dict[str, Any] = {"type": kind, "description": text, "timestamp": frame.bag_time}
        if target is not None:
            message["targetStage"] = target
            if kind == "subflow":
                node["subflowId"] = target
        if more:
            message.update(more)
        node.setdefault("flowMessages", []).append(message)

    def moved_on(self, frame: MirrorFrame, name: str) -> None:
        """The commonest message of all: another stage follows."""
        node = frame.node
        assert node is not None
        message = {
            "type": "next",
            "description": f"Moving to {name} stage",
            "timestamp": frame.bag_time,
            "targetStage": name,
        }
        node.setdefault("flowMessages", []).append(message)

    def bag(self, frame: MirrorFrame, bag: str, key: str, value: Any) -> None:
        """A remark in one of a node's side bags; arrays grow, objects merge one level, the rest replaces.

        A tagged form (a date, NaN, a set) is of the rest: its members are not the value's.
        """
        assert frame.node is not None
        held = frame.node[bag]
        value = plain(value)
        before = held.get(key)
        if any(isinstance(form, dict) and TAG in form for form in (value, before)):
            held[key] = value
        elif isinstance(value, list) and isinstance(before, list) and value:
            before.extend(value)  # a copy of our own
        elif isinstance(value, dict) and isinstance(before, dict) and value:
            before.update(value)
        elif isinstance(value, list) and isinstance(before, str) and value:
            held[key] = [*before, *value]  # a text is a list of its characters, in the reference
        elif isinstance(value, dict) and isinstance(before, (list, str)) and value:
            from footpath.values import js_units  # seldom wanted

            parts = js_units(before) if isinstance(before, str) else before
            held[key] = {**{str(index): part for index, part in enumerate(parts)}, **value}
        else:
            held[key] = value

    def note(self, frame: MirrorFrame, kind: str, key: str, value: Any, *, absent: bool) -> None:
        """A diagnostic; one that says nothing takes away what was said under its key, but for the list of messages."""
        if absent and kind != "log":
            assert frame.node is not None
            frame.node[_BAGS[kind]].pop(key, None)
            if kind == "error":
                self.blamed.add(frame.rsid)
        elif kind == "log":
            self.bag(frame, "logs", "messages", Raw(encode([value])))
        else:
            self.bag(frame, _BAGS[kind], key, value)

    def decided(self, frame: MirrorFrame, chosen: str, returned: str, fallback: bool) -> None:
        """A decider chose."""
        reason = js_reason(frame.rationale)
        if fallback and returned != "default":  # the id of the branch that stands in for others
            text = f"Returned '{returned}' (no match), fell back to default → {chosen} path."
        elif reason is not None:
            text = f"Based on: {reason} → chose {chosen} path."
        else:
            text = f"Evaluated scope and returned '{returned}' → chose {chosen} path."
        shown = f"returned branchId: {returned}" if reason is None else frame.rationale
        self.message(frame, "branch", text, chosen, rationale=shown)

    def selected(self, frame: MirrorFrame, names: tuple[str, ...], ids: Any, total: int, skipped: Any) -> None:
        """A selector chose."""
        assert frame.node is not None
        logs = frame.node["logs"]
        logs["selectedChildIds"] = plain(ids)
        logs["selectorPattern"] = "scope-based-multi-choice"
        if names:
            if skipped:
                logs["skippedChildIds"] = list(skipped)
            text = f"Running {', '.join(names)} ({len(names)} of {total} matched)"
        else:
            logs["skippedAllChildren"] = True
            text = "No children selected — skipping all branches."
        self.message(frame, "selected", text, list(names), count=len(names))

    def forked(self, frame: MirrorFrame, names: tuple[str, ...]) -> None:
        """A fork began."""
        assert frame.node is not None
        frame.node["logs"]["totalChildren"] = len(names)
        frame.node["logs"]["orderOfExecution"] = "ChildrenAfterStage"
        text = f"Executing all {len(names)} children in parallel: {', '.join(names)}"
        self.message(frame, "children", text, list(names), count=len(names))

    def looped(self, frame: MirrorFrame, target: Declared, iteration: int) -> None:
        """A loop edge was taken."""
        assert frame.node is not None
        frame.node["logs"]["dynamicNextTarget"] = target.id
        frame.node["logs"]["dynamicNextIteration"] = iteration - 1
        self.message(
            frame, "loop", f"Looping back to {target.name} (iteration {iteration})", target.name, iteration=iteration
        )

    def entered(self, frame: MirrorFrame, region: MirrorRegion, name: str) -> None:
        """A subflow was entered."""
        assert frame.node is not None
        frame.node.pop("description", None)
        self.message(frame, "subflow", f"Entering {name} subflow", region.id)

    def refused(self, decl: Declared, link: int, parent: MirrorFrame | None) -> dict[str, Any] | None:
        """A line was refused for nesting too deep; of a chart that was to be entered there is no node."""
        if link == LINK_ROOT:
            return None
        node: dict[str, Any] = {
            "id": decl.id,
            "name": decl.name,
            "isDecider": False,
            "isFork": False,
            "logs": {},
            "errors": {},
            "metrics": {},
            "evals": {},
        }
        self._hang(node, link, parent)
        return node

    def _hang(self, node: dict[str, Any], link: int, origin: MirrorFrame | None) -> None:
        if origin is None or origin.node is None:
            return
        if link == LINK_NEXT:
            origin.node["next"] = node
            if "children" in origin.node and "isDynamic" in origin.node["logs"] and origin is not self.paused_behind:
                keep_returned(origin)
        else:
            origin.node.setdefault("children", []).append(node)

    def marked(self, node: dict[str, Any], throttled: Any) -> None:
        """A child that was refused counts as one that was asked to slow down."""
        if self._writes != "off":
            summed = self._writes == "summary" and throttled != MARK
            shown = summary_marker(throttled, "__writeSummary") if summed else throttled
            node["stageWrites"] = {THROTTLED: shown}

    def finish(self, parts: Parts) -> None:
        """Put every frame's reads and writes on its node, as the parts of one snapshot."""
        whole = self._writes == "full" and self._reads == "full"
        of = parts.of
        for frame in self.frames:
            node = frame.node
            assert node is not None
            if whole:
                if frame.wrote:
                    node["stageWrites"] = frame.wrote if frame.scalars else _shown(frame.wrote, of)
                if frame.reads:
                    node["stageReads"] = frame.reads if frame.saw_scalars else _shown(frame.reads, of)
                continue
            if self._writes != "off" and frame.wrote:
                summarised = self._writes == "summary"
                writes = {
                    key: summary_marker(value, "__writeSummary")
                    if summarised and not (value == MARK and key in frame.secret_writes)
                    else value
                    for key, value in frame.wrote.items()
                    if summarised or value is not UNSET
                }
                node["stageWrites"] = _tracked(parts, writes, summarised)
            if self._reads != "off" and frame.reads:
                summarised = self._reads == "summary"
                reads = {
                    key: summary_marker(value, "__readSummary")
                    if summarised and not (value == MARK and key in frame.secret_reads)
                    else value
                    for key, value in frame.reads.items()
                    if value is not UNSET
                }
                node["stageReads"] = _tracked(parts, reads, summarised)


def _shown(values: dict[str, Any], of: Callable[[str, Any], Any]) -> dict[str, Any]:
    """Values as JSON, those that are there; the same dict where it holds nothing but scalars."""
    for value in values.values():
        if type(value) not in ATOMS:
            return {key: of(key, value) for key, value in values.items() if value is not UNSET}
    return values


def _tracked(parts: Parts, values: dict[str, Any], summarised: bool) -> dict[str, Any]:
    return values if summarised else parts.members(values)
