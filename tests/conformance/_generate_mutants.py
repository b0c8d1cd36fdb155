"""A third generator of cases: known ones with one to four changes.

What an author found worth a case is a good place to look beside. A change puts an odd value somewhere, gives a stage
another stage's program, borrows an op or a call from another case, hangs a stage in a fork, behind a decider or in a
chart of its own, mounts the whole chart in another one, turns a dial, hides a key, lets a stage pause, runs again. The
cases are those of our own that `mutants.txt` names and, where it is there, the large set. The list is a frozen one: a
new case would give every number another mutant, and figures of seeds could not be compared any more. Some mutants are
no valid cases, or are answered in the language's own words; they are passed over.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance._places import OWN

__all__ = ["Corpus", "generate_mutant", "known_cases"]

Json = Any
Call = dict[str, Any]

_LARGEST_CHARS = 60_000
_LOOP_LIMIT = 6  # what loops in the reference without a limit takes it minutes

_VALUES: tuple[Json, ...] = (
    None, True, 0, -3, 7, 1e21, 1e-7, 9007199254740993, "", "plain", "10", 'say "hi"\n\\', "Zo\u00eb \u2602 \U0001f600", [], [1, "a", None],
    [[1, [2]], {"k": [3]}], [{"id": 1}, {"id": 1}], {}, {"a": {"b": 2}, "l": [1, 2]}, {"b": 1, "2": "two", "1": "one"},
    ["$undefined"], ["$nan"], ["$inf"], ["$add", 0.1, 0.2], ["$repeat", "y", 81], ["$date", "2024-02-29T12:00:00Z"],
    ["$arr", 1, ["$undefined"], 3], ["$obj", {"gone": ["$undefined"], "here": 1}], ["$range", 12], ["$args"],
)  # fmt: skip
_OPTIONS: tuple[tuple[str, Json], ...] = (
    ("commitValues", "delta"), ("writeProvenance", "reads-prefix"), ("readTracking", "summary"), ("readTracking", "off"),
    ("writeTracking", "summary"), ("writeTracking", "off"), ("maxDepth", 2), ("maxIterations", 1), ("throttleOn", "a"),
    ("narrative", {"maxValueLength": 12}), ("narrative", {"includeValues": False}), ("narrative", {"includeStepNumbers": False}),
    ("initialContext", {"n": 42, "xs": [9], "o": {"a": {"b": 1}}}), ("defaultValuesForContext", {"n": 1, "o": {"a": {"c": 2}}}),
    ("redaction", {"emitPatterns": ["^a", "log\\."]}), ("abort", "stop it"),
    ("throwingRecorder", {"scope": ["onRead", "onWrite", "onCommit"], "flow": ["onNext", "onStageExecuted", "onFork"]}),
)  # fmt: skip
_QUERIES: tuple[str, ...] = (
    "causalChain", "sliceForKey", "forwardSliceForKey", "keyTimeline", "commitValueAt", "arrayProvenance", "findLastWriter",
)  # fmt: skip
_KEYED = frozenset({"write", "update", "read", "delete", "push", "array", "batch", "$has"})
_VALUED = {"write": 2, "update": 2, "update_path": 2, "emit": 2, "push": 2, "debug": 2, "metric": 2} | dict.fromkeys(
    ("return", "break", "throw", "log", "interrupt"), 1
)


def known_cases(shared: Path | None) -> list[Json]:
    """Those of our own cases that the list names and those of the large set, if it is given, each by name."""
    names = (OWN / "mutants.txt").read_text("utf-8").split()
    paths = [OWN / "cases" / f"{name}.json" for name in names]
    if shared is not None:
        paths += sorted((shared / "cases").glob("*.json"))
    return [json.loads(path.read_text("utf-8")) for path in paths]


class Corpus:
    """Known cases, and what can be borrowed from them."""

    def __init__(self, cases: list[Json]) -> None:
        self.cases = cases
        everything = [_Parts(case) for case in cases]
        self.programs = [program for parts in everything for program in parts.programs() if program]
        self.ops = [op for program in self.programs for op in program]
        calls = [call for parts in everything for line in parts.lines() for call in line[1:]]
        self.calls = [call for call in calls if not _names_a_chart(call)]


def generate_mutant(rng: random.Random, corpus: Corpus, name: str = "mutant") -> Json:
    """One of the corpus's cases, changed."""
    while True:
        case = copy.deepcopy(rng.choice(corpus.cases))
        mutant = _Mutant(rng, corpus, case)
        changes = mutant.change(rng.choice((1, 1, 2, 2, 3, 4)))
        known = {"name": name, "about": f"{case['name']}: {', '.join(changes)}"}
        made = json.loads(json.dumps({**case, **known}))  # nothing in it stands twice
        if changes and len(json.dumps(made)) <= _LARGEST_CHARS:
            return made


@dataclass(frozen=True)
class _Parts:
    """What a case is made of."""

    case: Json

    def all(self) -> Iterator[Json]:
        """Every value in its charts."""
        yield from _walk([self.case["chart"], self.case.get("charts") or {}])

    def lines(self) -> list[list[Call]]:
        """Its charts, each a list of calls."""
        return [
            x for x in self.all() if isinstance(x, list) and x and all(isinstance(c, dict) and "call" in c for c in x)
        ]

    def stages(self) -> list[Call]:
        """What runs a program."""
        return [x for x in self.all() if isinstance(x, dict) and isinstance(x.get("program"), list)]

    def programs(self) -> list[list[Json]]:
        """The programs, those of resume halves included."""
        halves = [stage["resume"] for stage in self.stages() if isinstance(stage.get("resume"), list)]
        return [stage["program"] for stage in self.stages()] + halves

    def ops(self) -> list[list[Json]]:
        """Ops and expressions: whatever is a list that begins with a word."""
        return [
            x
            for program in self.programs()
            for x in _walk(program)
            if isinstance(x, list) and x and isinstance(x[0], str)
        ]

    def ids(self) -> list[str]:
        """What has an id."""
        return [x["id"] for x in self.all() if isinstance(x, dict) and isinstance(x.get("id"), str)]

    def state_keys(self) -> list[str]:
        """The state keys that its programs name."""
        named = {op[1] for op in self.ops() if op[0] in _KEYED and len(op) > 1 and isinstance(op[1], str)}
        return sorted(named) or ["x"]

    def runs(self) -> list[Json]:
        """Its runs, as a list from now on."""
        if "runs" not in self.case:
            self.case["runs"] = [self.case.pop("run", None) or {}]
        return self.case["runs"]


class _Mutant:
    """A case under change."""

    def __init__(self, rng: random.Random, corpus: Corpus, case: Json) -> None:
        self.rng = rng
        self.corpus = corpus
        self.case = case
        self.parts = _Parts(case)
        case.pop("expect", None)

    def change(self, count: int) -> list[str]:
        """Make so many changes; gives the names of those that found their place."""
        kinds = self.rng.choices(_CHANGES, _WEIGHTS, k=count)
        made = [kind.__name__.removeprefix("_") for kind in kinds if kind(self)]
        text = json.dumps(self.case)
        if "oopTo" in text or '"target"' in text:
            for run in self.parts.runs():
                run.setdefault("options", {}).setdefault("maxIterations", _LOOP_LIMIT)
        return made

    def program(self) -> list[Json]:
        """One of the case's programs; it may be changed."""
        return self.rng.choice(self.parts.programs() or [[]])

    def borrowed(self) -> list[Json]:
        """A program of another case, told of this one's keys."""
        return [self.told(op) for op in self.rng.choice(self.corpus.programs)]

    def told(self, op: Json) -> Json:
        """An op of another case, mostly on this one's keys."""
        op, keys = copy.deepcopy(op), self.parts.state_keys()
        for x in _walk(op):
            if isinstance(x, list) and len(x) > 1 and isinstance(x[1], str) and self.rng.random() < 0.7:
                if x[0] in _KEYED:
                    x[1] = self.rng.choice(keys)
                elif x[0] == "$get":
                    x[1] = ".".join([self.rng.choice(keys), *x[1].split(".")[1:]])
        return op

    def fresh(self, call: Call) -> Call:
        """A copy of a call under ids that nothing has yet."""
        taken, made = set(self.parts.ids()), copy.deepcopy(call)
        new = {name: f"{name}-m" for name in taken}
        for x in _walk(made):
            if isinstance(x, dict):
                for name in ("id", "target", "default", "then", "loopTo", "thenLoopTo", "branch"):
                    if isinstance(x.get(name), str):
                        x[name] = new.get(x[name], x[name])
        return made

    def plain_stage(self) -> Call | None:
        """A stage in line."""
        return self.one([call for line in self.parts.lines() for call in line if call["call"] == "function"])

    def one(self, found: list[Any]) -> Any:
        """One of them; None when there is none."""
        return self.rng.choice(found) if found else None

    def mount(self) -> Json:
        """How a chart might be mounted."""
        keys = self.parts.state_keys()
        mount: Json = {
            "input": {"keys": self.rng.sample(keys, self.rng.randint(0, min(2, len(keys))))},
            "output": {"keys": self.rng.sample(keys, min(2, len(keys))), "rename": {"w": self.rng.choice(keys)}},
        }
        if self.rng.random() < 0.3:
            mount["arrayMerge"] = self.rng.choice(["replace", "concat"])
        if self.rng.random() < 0.4:
            mount["propagateBreak"] = True
        return self.rng.choice([mount, mount, mount, {}])

    # ── changes: each says whether it found its place ────────────────────────────────────────────────────────────────
    def _odd_value(self) -> bool:
        op = self.one([op for op in self.parts.ops() if len(op) > _VALUED.get(op[0], len(op))])
        if op is not None:
            op[_VALUED[op[0]]] = copy.deepcopy(self.rng.choice(_VALUES))
        return op is not None

    def _other_program(self) -> bool:
        program = self.program()
        kept = self.rng.choice([[], [], list(program)])
        program[:] = kept + self.borrowed() if self.rng.random() < 0.5 else self.borrowed() + kept
        return True

    def _another_op(self) -> bool:
        program = self.program()
        program.insert(self.rng.randint(0, len(program)), self.told(self.rng.choice(self.corpus.ops)))
        return True

    def _other_order(self) -> bool:
        program = self.program()
        self.rng.shuffle(program)
        return len(program) > 1

    def _other_op(self) -> bool:
        op = self.one([op for op in self.parts.ops() if op[0] in ("write", "update", "read", "delete") and len(op) > 1])
        if op is None:
            return False
        key, value = op[1], op[2] if len(op) > 2 else 1
        op[:] = self.rng.choice(
            [
                ["write", key, value, {"redact": True}], ["update", key, value], ["delete", key], ["push", key, value],
                ["update_path", [key, "m"], value], ["delete_path", [key, "m"]], ["batch", key, [value]],
                ["array", key, "reverse"], ["interrupt", value, key], ["emit", key, value], ["write", key, ["$arr", ["$get", key], value]],
            ]
        )  # fmt: skip
        return True

    def _another_call(self) -> bool:
        line = self.one(self.parts.lines())
        line.insert(self.rng.randint(1, len(line)), self.fresh(self.rng.choice(self.corpus.calls)))
        return True

    def _call_elsewhere(self) -> bool:
        line = self.one([line for line in self.parts.lines() if len(line) > 1])
        if line is None:
            return False
        call = line.pop(self.rng.randrange(1, len(line)))
        other = self.rng.choice([line, line, self.one(self.parts.lines())])
        other.insert(self.rng.randint(1, len(other)), call)
        return True

    def _call_again(self) -> bool:
        line = self.one([line for line in self.parts.lines() if len(line) > 1])
        if line is not None:
            line.insert(self.rng.randint(1, len(line)), self.fresh(self.rng.choice(line[1:])))
        return line is not None

    def _loop(self) -> bool:
        lines = [line for line in self.parts.lines() if all(call["call"] != "loopTo" for call in line)]
        line = self.one(lines)
        if line is not None:
            line.append({"call": "loopTo", "target": self.rng.choice([call["id"] for call in line if "id" in call])})
        return line is not None

    def _other_kind(self) -> bool:
        stage = self.plain_stage()
        if stage is None:
            return False
        kind = self.rng.choice(["streaming", "pausable", "sync", "retry", "tags"])
        if kind == "streaming":
            stage.update(call=kind, program=[["token", "a"], *stage.get("program", [])])
        elif kind == "pausable":
            asks = self.rng.choice([[], [["return", {"ask": 1}]]])
            stage.update(call=kind, program=stage.get("program", []) + asks, resume=self.borrowed())
        elif kind == "sync":
            stage["sync"] = not stage.get("sync", False)
        else:
            stage.update({"retry": {"attempts": 2}} if kind == "retry" else {"tags": ["t"]})
        return True

    def _in_a_fork(self) -> bool:
        return self._hung(
            lambda own, other: {"call": "fork", "children": [own, other], "failFast": self.rng.random() < 0.3}
        )

    def _in_a_branch(self) -> bool:
        key = self.rng.choice(self.parts.state_keys())
        kind = self.rng.choice(["decider", "selector"])

        def call(own: Call, other: Call) -> Call:
            rule = {
                "when": {key: {self.rng.choice(["eq", "gt", "ne", "in"]): self.rng.choice([1, "x", [1]])}},
                "then": own["id"],
            }
            chosen = {"decide": {"rules": [rule], "default": self.rng.choice([own, other])["id"]}}
            if kind == "selector":
                chosen = {"select": {"rules": [rule, {"when": {"fn": True}, "then": other["id"]}]}}
            return {
                "call": kind,
                "name": "Pick",
                "id": f"{own['id']}-d",
                "program": [],
                "branches": [own, other],
                **chosen,
            }

        return self._hung(call)

    def _hung(self, call: Callable[[Call, Call], Call]) -> bool:
        """Put a stage of a line beside another one, in a call that has both."""
        stage = self.plain_stage()
        if stage is None:
            return False
        own = {name: stage[name] for name in ("name", "id", "program", "sync", "tags", "retry") if name in stage}
        other = {"id": f"{own['id']}-o", "name": "Other", "program": self.borrowed()}
        made = call(own, other)
        stage.clear()
        stage.update(made)
        return True

    def _in_a_chart(self) -> bool:
        stage = self.plain_stage()
        if stage is None:
            return False
        inner = {**stage, "call": "start"}
        more = {"call": "function", "name": "More", "id": f"{inner['id']}-more", "program": self.borrowed()}
        kind = self.rng.choice(["subflowNext", "lazySubflowNext", "subflow"])
        mount = self.mount()
        stage.clear()
        stage.update(call=kind, id=f"{inner['id']}-c", name="Inner", chart=[inner, more], mount=mount)
        return True

    def _mounted(self) -> bool:
        """The whole chart in another one."""
        keys, chart = self.parts.state_keys(), self.case["chart"]
        mine = "wr" if "wr" not in self.parts.ids() else "wr-o"
        mount: Json = {"id": mine, "name": "Wrapped", "chart": chart, "mount": self.mount()}
        other = {"id": f"{mine}-x", "name": "X", "program": [["write", "xx", 1]]}
        kind = self.rng.choice(
            ["subflowNext", "subflow", "lazySubflowNext", "lazySubflow", "branch", "selected", "each", "returned"]
        )
        call: Json = {**mount, "call": kind}
        if kind in ("branch", "selected"):
            program = [["return", mine if kind == "branch" else [mine, other["id"]]]]
            call = {
                "call": "decider" if kind == "branch" else "selector",
                "name": "Pick",
                "id": f"{mine}-p",
                "program": program,
            }
            call["branches"] = [{**mount, "kind": self.rng.choice(["subflow", "lazySubflow"])}, other]
        elif kind == "each":
            items = ["$lit", [1, {"v": 2}]]
            call = {
                "call": "parallelForEach",
                "name": "Each",
                "id": mine,
                "items": items,
                "branch": chart,
                "maxBranches": 4,
                "into": "all",
            }
        elif kind == "returned":
            call = {
                "call": "function",
                "name": "Plan",
                "id": f"{mine}-p",
                "program": [["return_subflows", "fan", [mount]]],
            }
        begun = [
            ["write", key, copy.deepcopy(self.rng.choice(_VALUES))] for key in self.rng.sample(keys, min(2, len(keys)))
        ]
        start = {"call": "start", "name": "Outer", "id": f"{mine}-a", "program": begun}
        end = {
            "call": "function",
            "name": "Outer End",
            "id": f"{mine}-z",
            "program": [["read", key] for key in keys[:3]],
        }
        self.case["chart"] = [start, call, end]
        return True

    def _other_mount(self) -> bool:
        found = [x for x in self.parts.all() if isinstance(x, dict) and "chart" in x and ("call" in x or "kind" in x)]
        call = self.one(found)
        if call is not None:
            call["mount"] = self.mount()
        return call is not None

    def _option(self) -> bool:
        name, value = self.rng.choice(_OPTIONS)
        for run in self.parts.runs():
            run.setdefault("options", {})[name] = copy.deepcopy(value)
        return True

    def _hidden_key(self) -> bool:
        key = self.one([key for key in self.parts.state_keys() if key.isidentifier()])
        if key is None:
            return False
        policy = self.rng.choice(
            [{"keys": [key]}, {"patterns": [f"^{key[:1]}"]}, {"fields": {key: ["a"]}}, {"fields": {key: ["a.b"]}}]
        )
        for run in self.parts.runs():
            options = run.setdefault("options", {})
            options["redaction"] = {**(options.get("redaction") or {}), **copy.deepcopy(policy)}
        return True

    def _questions(self) -> bool:
        keys = self.parts.state_keys()
        asked: list[Json] = [{"q": self.rng.choice(_QUERIES), "key": self.rng.choice(keys)} for _ in range(3)]
        asked += [{"q": "stateAt", "idx": self.rng.randint(-1, 6)}, {"q": "stops"}, {"q": "subflowPaths"}]
        for run in self.parts.runs():
            run["queries"] = (run.get("queries") or []) + copy.deepcopy(asked)
        return True

    def _another_run(self) -> bool:
        runs = self.parts.runs()
        if len(runs) > 2:
            return False
        again = copy.deepcopy(self.rng.choice(runs))
        again["sameExecutor"] = self.rng.random() < 0.7
        again["input"] = self.rng.choice([again.get("input"), {"x": 1}, None])
        runs.append(again)
        return True

    def _pause(self) -> bool:
        program = self.program()
        key = self.rng.choice(["answer", *self.parts.state_keys()])
        program.insert(self.rng.randint(0, len(program)), ["interrupt", self.rng.choice([1, {"q": 1}, "sure?"]), key])
        given = [{"input": "yes"}, {}, {"input": {"v": 1}, "fresh": True}, {"input": None}]
        self.rng.choice(self.parts.runs())["resume"] = copy.deepcopy(self.rng.choices(given, k=2))
        return True


_Change = Callable[[_Mutant], bool]
_WEIGHED: dict[_Change, int] = {
    _Mutant._odd_value: 4,
    _Mutant._other_program: 5,
    _Mutant._another_op: 4,
    _Mutant._other_order: 1,
    _Mutant._other_op: 3,
    _Mutant._another_call: 3,
    _Mutant._call_elsewhere: 2,
    _Mutant._call_again: 2,
    _Mutant._loop: 2,
    _Mutant._other_kind: 2,
    _Mutant._in_a_fork: 2,
    _Mutant._in_a_branch: 2,
    _Mutant._in_a_chart: 2,
    _Mutant._mounted: 4,
    _Mutant._other_mount: 2,
    _Mutant._option: 4,
    _Mutant._hidden_key: 3,
    _Mutant._questions: 2,
    _Mutant._another_run: 3,
    _Mutant._pause: 3,
}
_CHANGES, _WEIGHTS = tuple(_WEIGHED), tuple(_WEIGHED.values())


def _walk(value: Json) -> Iterator[Json]:
    stack = [value]
    while stack:
        item = stack.pop()
        yield item
        if isinstance(item, dict):
            stack += item.values()
        elif isinstance(item, list):
            stack += item


def _names_a_chart(call: Call) -> bool:
    """Whether a call mounts a chart by its name, which another case has not."""
    return any(
        isinstance(x.get("chart", x.get("branch")), str) and "call" in x for x in _walk(call) if isinstance(x, dict)
    )
