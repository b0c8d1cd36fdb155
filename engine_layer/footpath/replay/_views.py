"""Views that a cursor gathers besides firing events: commit log, execution tree, snapshot, in footprintjs's shapes."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw
from msgspec.json import Decoder, encode

from footpath.journal.entries import LINK_NEXT, LINK_ROOT
from footpath.replay._grown import Grown
from footpath.replay._merge import merged
from footpath.replay._mirror import LOG_MARK, log_marked, packed
from footpath.replay._parts import Parts
from footpath.values import ABSENT_RAW, ATOMS, MARK, TAG, head, in_js_order, js_number, js_text, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from footpath.replay._mirror import Declared, MirrorFrame, MirrorRegion

SEPARATOR = "\u001f"
_BAGS = {"debug": "logs", "log": "logs", "error": "errors", "metric": "metrics", "eval": "evals"}
_shallow_list = Decoder(list[Raw]).decode
PREVIEW_UNITS = 80


class Views:
    """Commit log and tree of a run, and of every subflow in it.

    Attributes:
        provenance: whether each row of the log names the keys read before it.
        plain_log: whether rows of the log hold nothing but path and verb.
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
        self.plain_log = commit_values == "full" and not self.provenance
        self.read_tracking = read_tracking
        self.write_tracking = write_tracking
        self.log: list[dict[str, Any]] = []
        self.tree: dict[str, Any] | None = None
        self.parts = Parts()
        self.frames: list[MirrorFrame] = []
        self.hides = False
        self.registered: dict[str, Any] = {}
        self.refusals: list[tuple[Declared, dict[str, Any], list[dict[str, Any]]]] = []

    # ── tree ─────────────────────────────────────────────────────────────────────────────────────────────────────
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
        else:
            self._hang(node, link, origin, frame)

    def _hang(self, node: dict[str, Any], link: int, origin: MirrorFrame | None, frame: MirrorFrame | None) -> None:
        if link == LINK_ROOT:
            if origin is None:
                self.tree = node
            elif frame is not None:
                frame.region.tree = node
        elif origin is not None and origin.node is not None:
            if link == LINK_NEXT:
                origin.node["next"] = node
                if "children" in origin.node and "isDynamic" in origin.node["logs"]:
                    # footprintjs keeps a result of charts that a stage returned where something follows that stage.
                    origin.region.results[origin.decl.id] = {
                        "fan_out": (origin.decl, origin.node, _parent_name(origin))
                    }
            else:
                origin.node.setdefault("children", []).append(node)

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
        """A remark in one of a node's side bags; arrays grow, objects merge one level, the rest replaces."""
        assert frame.node is not None
        held = frame.node[bag]
        value = plain(value)
        before = held.get(key)
        if isinstance(value, list) and isinstance(before, list) and value:
            before.extend(value)  # a copy of our own
        elif isinstance(value, dict) and isinstance(before, dict) and value:
            before.update(value)
        elif isinstance(value, list) and isinstance(before, str) and value:
            held[key] = [*before, *value]  # a text is a list of its characters, in the reference
        elif isinstance(value, dict) and isinstance(before, (list, str)) and value:
            held[key] = {**{str(index): part for index, part in enumerate(before)}, **value}
        else:
            held[key] = value

    def note(self, frame: MirrorFrame, kind: str, key: str, value: Any) -> None:
        """A diagnostic."""
        if kind == "log":
            self.bag(frame, "logs", "messages", Raw(encode([value])))
        else:
            self.bag(frame, _BAGS[kind], key, value)

    def decided(self, frame: MirrorFrame, chosen: str, returned: str, fallback: bool) -> None:
        """A decider chose."""
        rationale = frame.rationale
        if fallback:
            text = f"Returned '{returned}' (no match), fell back to default → {chosen} path."
        elif rationale:
            text = f"Based on: {js_text(rationale)} → chose {chosen} path."
        else:
            text = f"Evaluated scope and returned '{returned}' → chose {chosen} path."
        shown = rationale or f"returned branchId: {returned}"
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

    def seeded(self, region: MirrorRegion) -> None:
        """What a subflow begins with is the first commit of its history; objects are set member by member."""
        assert region.first is not None
        redacted: list[str] = []
        overwrite: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        for key, value in region.values.items():
            overwrite[key] = value
            members = plain(value) if type(value) is Raw else None
            marks = marked_paths(members)
            if marks:
                self.hides = True
                overwrite[key] = log_marked(value)
                redacted.extend(SEPARATOR.join((key, *mark.split("."))) for mark in marks)
            elif value == MARK:
                self.hides = True
                overwrite[key] = LOG_MARK
                redacted.append(key)
            if isinstance(members, dict) and members and TAG not in members:
                rows.extend({"path": f"{key}{SEPARATOR}{member}", "verb": "set"} for member in in_js_order(members))
            else:
                rows.append({"path": key, "verb": "set"})
        first = region.first
        region.history.append(
            {
                "overwrite": overwrite,
                "updates": {},
                "redactedPaths": redacted,
                "trace": rows,
                "stage": first.name,
                "stageId": first.id,
                "runtimeStageId": "",
                "idx": 0,
            }
        )

    def left(self, frame: MirrorFrame, region: MirrorRegion, name: str) -> None:
        """A subflow was left: keep what became of it."""
        assert frame.node is not None
        self.message(frame, "subflow", f"Exiting {name} subflow", region.id)
        result: dict[str, Any] = {
            "region": region,
            "subflowId": region.id,
            "subflowName": name,
            "parentStageId": _parent_name(frame),
        }
        result["state"] = region.recorded_state()
        # What ended in a subflow that has not ended itself is known to that subflow only.
        outer = frame.region.results
        outer.update(region.results)
        outer[region.id] = outer[frame.rsid] = result

    def refused(self, decl: Declared, link: int, parent: MirrorFrame | None) -> None:
        """A line was refused for nesting too deep."""
        node = {
            "id": decl.id,
            "name": decl.name,
            "isDecider": False,
            "isFork": False,
            "logs": {},
            "errors": {},
            "metrics": {},
            "evals": {},
        }
        self._hang(node, link, parent, None)
        self.refusals.append((decl, node, self.log if parent is None else self._log_of(parent)))

    def refused_commit(self) -> None:
        """The refused child settles."""
        if self.refusals:
            decl, node, log = self.refusals.pop(0)
            self._append(log, node["name"], decl.id, "", {}, {}, [], [], None, None)

    # ── commit log ───────────────────────────────────────────────────────────────────────────────────────────────
    def _log_of(self, frame: MirrorFrame) -> list[dict[str, Any]]:
        return frame.region.history if frame.region.id else self.log

    def _append(
        self,
        log: list[dict[str, Any]],
        name: str,
        stage_id: str,
        rsid: str,
        overwrite: dict[str, Any],
        updates: dict[str, Any],
        redacted: list[str],
        rows: list[dict[str, Any]],
        tags: list[str] | None,
        sources: list[str] | None,
        results: dict[str, Any] | None = None,
    ) -> None:
        bundle: dict[str, Any] = {
            "overwrite": overwrite,
            "updates": updates,
            "redactedPaths": redacted,
            "trace": rows,
            "stage": name,
            "stageId": stage_id,
            "runtimeStageId": rsid,
        }
        if tags:
            bundle["tags"] = tags
        if sources:
            bundle["untrackedSources"] = sources
        if results:
            # Patches hold what JSON does not (absent members, NaN): what came of them can't be worked out from the bundle.
            bundle["results"] = results
        bundle["idx"] = len(log)
        log.append(bundle)

    def _commit_scalars(self, frame: MirrorFrame, dropped: Any) -> bool:
        """The bundle of the commonest commit: whole scalars, nothing hidden. False, and nothing done, for any other."""
        overwrite = frame.staged  # the frame begins a new one once it is committed
        if dropped is not None:
            overwrite = {key: value for key, value in overwrite.items() if key not in dropped}
        rows: list[dict[str, Any]] = []
        for key, _, value, _ in frame.ops:
            if type(value) not in ATOMS:
                return False
            if dropped is None or key not in dropped:
                rows.append({"path": key, "verb": "set"})
        assert frame.node is not None
        tags = None if frame.tagged else frame.decl.tags
        frame.tagged = True
        log = frame.region.history if frame.region.id else self.log
        if tags or frame.sources:
            name = frame.node["name"]
            self._append(log, name, frame.decl.id, frame.rsid, overwrite, {}, [], rows, tags, frame.sources)
            frame.sources = None
            return True
        log.append(
            {
                "overwrite": overwrite,
                "updates": {},
                "redactedPaths": [],
                "trace": rows,
                "stage": frame.node["name"],
                "stageId": frame.decl.id,
                "runtimeStageId": frame.rsid,
                "idx": len(log),
            }
        )
        return True

    def commit(self, frame: MirrorFrame, dropped: Any) -> None:
        """The bundle of a commit, before its values reach the region."""
        if self.plain_log and frame.plain and not frame.branch and self._commit_scalars(frame, dropped):
            return
        overwrite: dict[str, Any] = {}
        updates: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        hidden = frame.redacted or {}
        seen: dict[str, tuple[str, Any]] = {}
        delta = self.commit_values == "delta"
        branch = frame.branch
        for key, verb, value, reads in frame.ops:
            if dropped is not None and key in dropped:
                continue
            path = f"runs{SEPARATOR}{branch}{SEPARATOR}{key}" if branch else key
            if key in hidden and verb != "delete" and value is not UNSET:
                value = LOG_MARK
            elif type(value) is Raw:
                value = log_marked(value)
            if not delta:
                row: dict[str, Any] = {"path": path, "verb": "merge" if verb == "merge" else "set"}
                if self.provenance:
                    row["readKeys"] = list(reads)
                rows.append(row)
            if verb == "merge":
                updates[key] = (
                    merged(updates.get(key, UNSET), value) if key in updates and value is not LOG_MARK else value
                )
            else:
                overwrite[key] = value
            if delta:
                previous = seen.pop(key, None)
                seen[key] = (verb if previous is None or verb != "merge" else previous[0], reads)
        if delta:
            self._delta_rows(frame, seen, overwrite, updates, rows)
        results: dict[str, Any] = {}
        for key, together in (frame.whole or {}).items():
            if key in updates:
                if together is not None and key not in hidden:
                    updates[key] = log_marked(together)
                after = LOG_MARK if key in hidden else log_marked(frame.staged.get(key, UNSET))
                if after is not UNSET:
                    results[key] = after
        redacted: list[str] = []
        lead = f"runs{SEPARATOR}{branch}{SEPARATOR}" if branch else ""
        fields = frame.fields or {}
        if hidden or fields:
            for key in dict.fromkeys(op[0] for op in frame.ops):
                if dropped is not None and key in dropped:
                    continue
                if key in fields:
                    for held in (overwrite, updates):
                        if key in held:
                            held[key] = log_marked(held[key])
                    redacted.extend(field_paths(lead + key, fields[key]))
                if key in hidden:
                    redacted.append(lead + key)
        overwrite = {key: value for key, value in overwrite.items() if value is not UNSET}
        if branch:
            # A key that was set to nothing leaves its branch there, as in the reference.
            overwrite = {"runs": {branch: overwrite}} if any(row["verb"] != "merge" for row in rows) else {}
            updates = {"runs": {branch: updates}} if updates else {}
            results = {"runs": {branch: results}} if results else {}
        assert frame.node is not None
        tags = None if frame.tagged else frame.decl.tags
        frame.tagged = True
        self._append(
            self._log_of(frame),
            frame.node["name"],
            frame.decl.id,
            frame.rsid,
            overwrite,
            updates,
            redacted,
            rows,
            tags,
            frame.sources,
            results,
        )
        frame.sources = None
        frame.redacted = None
        frame.fields = None
        frame.whole = None

    def _delta_rows(
        self,
        frame: MirrorFrame,
        seen: dict[str, tuple[str, Any]],
        overwrite: dict[str, Any],
        updates: dict[str, Any],
        rows: list[dict[str, Any]],
    ) -> None:
        region, branch = frame.region, frame.branch
        for key, (verb, reads) in seen.items():
            path = ("runs", branch, key) if branch else (key,)
            row: dict[str, Any] = {"path": SEPARATOR.join(path)}
            final = frame.staged.get(key, UNSET)
            if final is UNSET:
                row["verb"] = "delete" if verb == "delete" else "set"
                overwrite.pop(key, None)
                updates.pop(key, None)
            elif verb == "merge" and key not in overwrite:
                row["verb"] = "merge"
            else:
                before = region.values.get(key) if not branch else None
                tail = final.since(before) if type(final) is Grown else None
                if tail is None:
                    tail = grown(region.get(path), packed(final))
                if frame.redacted and key in frame.redacted:
                    tail = None
                updates.pop(key, None)
                if tail is None:
                    row["verb"] = "set"
                    overwrite[key] = LOG_MARK if frame.redacted and key in frame.redacted else packed(final)
                else:
                    row["verb"] = "append"
                    overwrite[key] = tail
            if self.provenance:
                row["readKeys"] = list(reads)
            rows.append(row)

    def empty_commit(self, frame: MirrorFrame) -> None:
        """A parallel child's second bundle."""
        assert frame.node is not None
        self._append(self._log_of(frame), frame.node["name"], frame.decl.id, frame.rsid, {}, {}, [], [], None, None)

    def output(
        self,
        frame: MirrorFrame,
        rows: Iterable[tuple[tuple[str, ...], Any]],
        dropped: set[int],
        reads: list[str],
        earlier: Iterable[str],
    ) -> None:
        """The bundle of a subflow's output; a member is read before it is written, where the reads name it.

        `earlier` are the keys that the frame had read before.
        """
        known = list(earlier)
        overwrite: dict[str, Any] = {}
        trace: list[dict[str, Any]] = []
        redacted: list[str] = []
        delta = self.commit_values == "delta"
        for index, (path, value) in enumerate(rows):
            name = ".".join(path)
            if name in reads and name not in known:
                known.append(name)
            if index in dropped:
                continue
            shown = value
            row: dict[str, Any] = {"path": SEPARATOR.join(path), "verb": "set"}
            marks = marked_paths(plain(value)) if type(value) is Raw else ()
            if value == MARK:
                redacted.append(SEPARATOR.join(path))
                shown = LOG_MARK
            elif marks:
                redacted.extend(SEPARATOR.join((*path, *mark.split("."))) for mark in marks)
                shown = log_marked(value)
            elif value == ABSENT_RAW:
                shown = UNSET
            elif delta:
                tail = grown(frame.region.get(path), value)
                if tail is not None:
                    row["verb"] = "append"
                    shown = tail
            if self.provenance:
                row["readKeys"] = list(known)
            trace.append(row)
            holder = overwrite
            for step in path[:-1]:
                holder = holder.setdefault(step, {})
            holder[path[-1]] = shown
        assert frame.node is not None
        tags = None if frame.tagged else frame.decl.tags
        frame.tagged = True
        self._append(
            self._log_of(frame),
            frame.node["name"],
            frame.decl.id,
            frame.rsid,
            overwrite,
            {},
            redacted,
            trace,
            tags,
            None,
        )

    # ── snapshot ─────────────────────────────────────────────────────────────────────────────────────────────────
    def finish_tree(self) -> None:
        """Put every frame's reads and writes on its node."""
        whole = self.write_tracking == "full" and self.read_tracking == "full"
        of = self.parts.of
        for frame in self.frames:
            node = frame.node
            assert node is not None
            if whole:
                if frame.wrote:
                    node["stageWrites"] = _shown(frame.wrote, of)
                if frame.reads or frame.earlier:
                    node["stageReads"] = _shown(frame.all_reads(), of)
                continue
            if self.write_tracking != "off" and frame.wrote:
                summarised = self.write_tracking == "summary"
                writes = {
                    key: summary_marker(value, "__writeSummary") if summarised else value
                    for key, value in frame.wrote.items()
                    if summarised or value is not UNSET
                }
                node["stageWrites"] = _tracked(self.parts, writes, summarised)
            if self.read_tracking != "off" and (frame.reads or frame.earlier):
                summarised = self.read_tracking == "summary"
                reads = {
                    key: summary_marker(value, "__readSummary") if summarised else value
                    for key, value in frame.all_reads().items()
                    if value is not UNSET
                }
                node["stageReads"] = _tracked(self.parts, reads, summarised)

    def snapshot(self, region: MirrorRegion, run_id: str) -> dict[str, Any]:
        """The whole, in the reference's shape. It is made of the views' own parts: take it once, at the end."""
        self.finish_tree()
        out: dict[str, Any] = {
            "sharedState": self._state(region.recorded_state()),
            "executionTree": self.tree,
            "initialState": self.parts.members(region.initial),
            "commitLog": [self._bundle(bundle) for bundle in self.log],
            "commitValues": self.commit_values,
            "writeProvenance": self.write_provenance,
            "runId": run_id,
        }
        if region.results:
            out["subflowResults"] = {key: self._result(value) for key, value in region.results.items()}
        return out

    def _state(self, members: dict[str, Any]) -> dict[str, Any]:
        if self.hides:
            members = {key: log_marked(packed(value)) for key, value in members.items()}
        return self.parts.members(members)

    def _bundle(self, bundle: dict[str, Any]) -> dict[str, Any]:
        if not bundle["updates"] and ATOMS.issuperset(map(type, bundle["overwrite"].values())):
            return bundle
        nested = self.parts.nested
        shown = {**bundle, "overwrite": nested(bundle["overwrite"]), "updates": nested(bundle["updates"])}
        if "results" in bundle:
            shown["results"] = nested(bundle["results"])
        return shown

    def _result(self, result: dict[str, Any]) -> dict[str, Any]:
        if "fan_out" in result:
            return _fan_out(*result["fan_out"])
        region: MirrorRegion = result["region"]
        shown: dict[str, Any] = {
            "subflowId": result["subflowId"],
            "subflowName": result["subflowName"],
            "treeContext": {
                "globalContext": self._state(result["state"]),
                "stageContexts": region.tree,
                "history": [self._bundle(bundle) for bundle in region.history],
                "initialState": {},
            },
            "parentStageId": result["parentStageId"],
        }
        if region.id in self.registered:
            shown["pipelineStructure"] = plain(self.registered[region.id])
        return shown


def _fan_out(decl: Declared, node: dict[str, Any], parent_name: str) -> dict[str, Any]:
    """What footprintjs keeps of charts that a stage returned to be run, beside the result of each."""
    children = node.get("children", [])
    return {
        "subflowId": decl.id,
        "subflowName": decl.name,
        "treeContext": {
            "globalContext": {},
            "stageContexts": {
                child["name"]: {
                    "name": child["name"],
                    "output": dict(child["logs"]),
                    "errors": dict(child["errors"]),
                    "metrics": dict(child["metrics"]),
                    "status": "error" if child["errors"] else "success",
                }
                for child in children
            },
            "history": [],
            "initialState": {},
        },
        "parentStageId": parent_name,
        "pipelineStructure": {
            "id": f"{decl.id}-children",
            "name": "Dynamic Children",
            "type": "fork",
            "children": [{"id": child["id"], "name": child["name"], "type": "stage"} for child in children],
        },
    }


def _parent_name(frame: MirrorFrame) -> str:
    """A frame's name as results refer to it: with its branch before it."""
    assert frame.node is not None
    name = frame.node["name"]
    return f"{frame.branch}.{name}" if frame.branch else name


def _shown(values: dict[str, Any], of: Callable[[str, Any], Any]) -> dict[str, Any]:
    """Values as JSON, those that are there; the same dict where it holds nothing but scalars."""
    for value in values.values():
        if type(value) not in ATOMS:
            return {key: of(key, value) for key, value in values.items() if value is not UNSET}
    return values


def _tracked(parts: Parts, values: dict[str, Any], summarised: bool) -> dict[str, Any]:
    return values if summarised else parts.members(values)


def field_paths(key: str, fields: Iterable[str]) -> list[str]:
    """Hidden fields as the log lists them: dotted below the key and, when nested, separated all through."""
    paths: list[str] = []
    for path in fields:
        paths.append(f"{key}{SEPARATOR}{path}")
        if "." in path:
            paths.append(f"{key}{SEPARATOR}{path.replace('.', SEPARATOR)}")
    return paths


def marked_paths(members: Any) -> list[str]:
    """Dotted paths of the members of an object or a list that are hidden."""
    found: list[str] = []
    stack: list[tuple[str, Any]] = [("", members)]
    while stack:
        path, node = stack.pop()
        if path and node == MARK:
            found.append(path)
            continue
        named = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        stack += reversed([(f"{path}.{key}" if path else str(key), member) for key, member in named])
    return found


def grown(before: Any, after: Any) -> Any:
    """The items that a recorded list grew by at its end, as a recorded list; None when it did not just grow."""
    if type(before) is not Raw or type(after) is not Raw:
        return None
    old, new = bytes(before), bytes(after)
    if old[:1] != b"[" or new[:1] != b"[" or len(new) <= len(old):
        return None
    if old == b"[]":
        return after
    if new.startswith(old[:-1] + b","):
        return Raw(b"[" + new[len(old) :])
    return None


def summary_marker(value: Any, mark: str) -> Any:
    """What stands for a value where only summaries are tracked."""
    if value is UNSET:
        return {mark: True, "type": "undefined", "preview": "undefined"}
    if type(value) is Grown:
        return {mark: True, "type": "array", "size": value.count}
    value = plain(value)
    marker: dict[str, Any] = {mark: True}
    if value == MARK:
        return value
    if isinstance(value, dict) and value.get(TAG) == "float":
        marker.update(type="number", preview=str(value.get("value")))
    elif isinstance(value, dict) and value.get(TAG) == "datetime":
        marker.update(type="object", size=0)
    elif value is None:
        marker["type"] = "null"
    elif isinstance(value, bool):
        marker.update(type="boolean", preview="true" if value else "false")
    elif isinstance(value, (int, float)):
        marker.update(type="number", preview=js_number(value))
    elif isinstance(value, str):
        marker.update(
            type="string", size=len(value.encode("utf-16-le", "surrogatepass")) // 2, preview=head(value, PREVIEW_UNITS)
        )
    elif isinstance(value, list):
        marker.update(type="array", size=len(value))  # type: ignore[arg-type]
    else:
        marker.update(type="object", size=len(value))
    return marker
