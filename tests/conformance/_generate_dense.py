"""A second generator of cases, made otherwise than `_generate`: small charts in which everything meets everything.

Where that one composes long lines carefully, this one nests short ones freely: loops, pauses and dynamic returns at
every depth, parallel children that change what was there before them, odd keys and values everywhere, each option at
once. Some of what it makes is worded by the language (a `TypeError`), and passed over.
"""

from __future__ import annotations

import random
from typing import Any

__all__ = ["generate_dense_case"]

Json = Any
Call = dict[str, Any]

_SCALARS = ("a", "b", "2", "10", "", "é k", "x.y", "toString")
_LISTS = ("l", "0")
_OBJECTS = ("o", "7")
_MEMBERS = ("m", "1", "", "deep")
_VALUES: tuple[Json, ...] = (
    0, 1, -1, 2, 0.1, -0.0, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 9007199254740993, True, False, None, "", "0", "a", "10",
    "\U0001f600", "e\u0301", "\u2028", "line\nbreak", "x" * 81, "undefined", [], {}, [[]], [None], {"": ""}, {"1": 1, "b": {"c": [1]}},
)  # fmt: skip
_MADE: tuple[Json, ...] = (
    ["$undefined"], ["$nan"], ["$inf"], ["$date", "1999-12-31T23:59:59.999Z"], ["$mul", -1, 0], ["$repeat", "\U0001f600", 41],
    ["$arr", ["$undefined"], 1], ["$obj", {"u": ["$undefined"], "v": 1}], ["$range", 3], ["$args"], ["$env", "e"], ["$div", 1, 3],
)  # fmt: skip
_SCOPE_HOOKS = ("onStageStart", "onRead", "onWrite", "onStageEnd", "onCommit", "onError", "onPause", "onResume")
_FLOW_HOOKS = (
    "onRunStart", "onRunEnd", "onStageExecuted", "onNext", "onDecision", "onFork", "onSelected", "onSubflowEntry", "onLoop",
    "onBreak", "onError", "onStageRetry", "onPause",
)  # fmt: skip
_STRUCTURE_HOOKS = ("onStageAdded", "onEdgeAdded", "onDeciderComplete", "onSubflowMounted", "onLoopEdgeAdded")
_QUERIES = (
    "causalChain", "sliceForKey", "forwardSliceForKey", "keyTimeline", "stateAt", "commitValueAt", "arrayProvenance", "stops",
    "subflowPaths", "findLastWriter", "tagStops",
)  # fmt: skip


def generate_dense_case(rng: random.Random, name: str = "dense") -> Json:
    """One case."""
    return _Dense(rng, name).case()


class _Dense:
    def __init__(self, rng: random.Random, name: str) -> None:
        self.name = name
        self.rng = rng
        self.count = 0
        self.pauses = 0
        self.waits = 0
        self.shared: dict[str, list[Call]] = {}

    def odds(self, percent: int) -> bool:
        return self.rng.randrange(100) < percent

    def one(self, *options: Any) -> Any:
        return self.rng.choice(options)

    def named(self, stem: str) -> Call:
        self.count += 1
        made: Call = {
            "id": f"{stem}{self.count}",
            "name": f"{stem.upper()} {self.count}" if self.odds(60) else f"{stem}{self.count}",
        }
        if self.odds(25):
            made["description"] = self.one("does it", "“quoted” 😀", "")
        return made

    # ── values, expressions, ops ─────────────────────────────────────────────────────────────────────────────────────
    def value(self) -> Json:
        return self.rng.choice(_VALUES) if self.odds(70) else self.rng.choice(_MADE)

    def item(self) -> Json:
        return self.rng.choice(_VALUES)

    def short(self, expression: Json) -> Json:
        """What is read, if it is short: programs run in loops, and what grows by itself would fill the memory."""
        return ["$if", ["$lt", ["$len", ["$concat", expression]], 90], expression, "long"]

    def expression(self) -> Json:
        key = self.rng.choice((*_SCALARS, *_LISTS, *_OBJECTS))
        return self.one(
            self.value(),
            self.value(),
            self.short(["$get", [key]]),
            self.short(["$get", [self.rng.choice(_OBJECTS), self.rng.choice(_MEMBERS)]]),
            ["$concat", self.short(["$get", [self.rng.choice(_SCALARS)]]), "+"],
            ["$add", ["$len", ["$get", [key]]], 1],
            ["$has", key],
            [self.one("$eq", "$ne", "$lt", "$gte"), ["$get", [self.rng.choice(_SCALARS)]], self.item()],
            ["$or", ["$get", [self.rng.choice(_SCALARS)]], ["$not", ["$get", [self.rng.choice(_LISTS)]]]],
        )

    def writing(self) -> Json:
        scalar, a_list, an_object = self.rng.choice(_SCALARS), self.rng.choice(_LISTS), self.rng.choice(_OBJECTS)
        member = self.rng.choice(_MEMBERS)
        return self.one(
            ["write", scalar, self.expression()],
            ["write", scalar, self.expression()],
            [
                "write",
                scalar,
                self.expression(),
                self.one({}, {"description": "why"}, {"redact": False, "description": "[note]"}),
            ],
            [
                "write",
                "secret",
                f"hidden-{self.rng.randrange(3)}-value",
                *([{"redact": True}] if self.odds(60) else []),
            ],
            ["write", an_object, {member: self.item(), "m": {"n": self.item()}}],
            ["write", a_list, [self.item() for _ in range(self.rng.randrange(4))]],
            ["delete", scalar],
            ["update", an_object, {member: self.item()}],
            [
                "update",
                an_object,
                self.one({}, {"m": {"n": 1}}, {"l": [1, 1, 2]}, {"l": []}, ["$obj", {"u": ["$undefined"]}]),
            ],
            ["update", self.one(scalar, a_list), self.one([1, 2], [2, 3], [], {"x": 1}, 5)],
            ["update_path", [an_object, member], self.value()],
            ["update_path", [a_list, str(self.rng.randrange(2))], self.value()],
            ["delete_path", [an_object, member]],
            ["delete_path", [a_list, "0"]],
            ["push", a_list, self.item(), self.item()],
            [
                "array",
                a_list,
                *self.one(
                    ["pop"],
                    ["shift"],
                    ["reverse"],
                    ["sort"],
                    ["unshift", [0]],
                    ["splice", [0, 1, "s"]],
                    ["splice", [-1]],
                ),
            ],
            ["batch", a_list, [self.item()]],
            ["args", "in", scalar],
        )

    def looking(self) -> Json:
        key = self.rng.choice((*_SCALARS, *_LISTS, *_OBJECTS, "secret", "nowhere"))
        return self.one(
            ["read", key],
            ["read", key],
            ["read_path", "o.m.n"],
            ["emit", self.one("app.e", "secret.e"), self.one(1, "text", {"k": [1]}, None)],
            ["emit", "bare"],
            ["debug", self.one("k", "deciderRationale"), self.one("because", 1, [1], {"z": 1})],
            ["log", self.item()],
            ["metric", "n", self.one(1, 2.5, {"a": 1})],
            ["eval", "n", self.one(1, [1])],
            ["error_info", "k", self.one("bad", {"code": 1})],
            ["let", "v", self.value()],
        )

    def ops(self, most: int = 4, *, writes: bool = True) -> list[Json]:
        made = [
            self.writing() if writes and self.odds(65) else self.looking() for _ in range(self.rng.randrange(most + 1))
        ]
        if writes and made and self.odds(12):
            made = [["if", self.expression(), made, [self.looking()]]]
        return made

    def failure(self) -> Json:
        return self.one({}, {"name": "PaymentError"}, {"name": "PaymentError", "code": "E_PAY"})

    def program(self) -> list[Json]:
        made = self.ops()
        if self.odds(14):
            made.append(
                self.one(
                    ["return", self.expression()],
                    ["break"],
                    ["break", self.item()],
                    ["throw", self.one("slow down", ["$concat", "bad ", ["$get", ["a"]]]), self.failure()],
                    ["fail_times", self.rng.randrange(1, 3), "not yet", self.failure()],
                )
            )
            made += self.ops(1)
        return made

    def stage(self, stem: str = "s") -> Call:
        made: Call = {**self.named(stem), "program": self.program()}
        if self.odds(25):
            made["sync"] = True
        if self.odds(12):
            made["tags"] = self.one(["t:one"], ["all", "t:one"])
        if self.odds(12):
            made["retry"] = self.policy(made)
        return made

    def policy(self, stage: Call) -> Json:
        stage["program"] = [
            *self.ops(2),
            ["fail_times", self.rng.randrange(1, 4), "not yet", self.failure()],
            *stage["program"],
        ]
        return {
            "attempts": self.rng.randrange(1, 4),
            **self.one({}, {}, {"backoffMs": 0}, {"retryOn": "not"}, {"retryOn": "slow"}),
        }

    # ── charts ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def chart(self, depth: int) -> Json:
        if depth and self.shared and self.odds(15):
            return self.rng.choice(sorted(self.shared))
        calls = self.line(depth)
        if depth and self.odds(20):
            name = f"chart-{len(self.shared)}"
            self.shared[name] = calls
            return name
        return calls

    def line(self, depth: int) -> list[Call]:
        seed = [["write", key, [self.item(), 1]] for key in _LISTS]
        seed += [["write", key, {"m": {"n": self.item()}, "deep": 1}] for key in _OBJECTS]
        calls: list[Call] = [{"call": "start", **self.stage("f")}]
        calls[0]["program"] = seed + calls[0]["program"]
        if depth == 0 and self.odds(8):
            branches = [self.stage("b") for _ in range(2)]
            calls = [
                {
                    "call": "startSelector",
                    **self.named("first"),
                    "program": [["return", [b["id"] for b in branches]]],
                    "branches": branches,
                }
            ]
            calls.append({"call": "function", **self.stage(), "program": seed})
        target = calls[-1]["id"]
        plain = True
        for _ in range(self.rng.randrange(1, 5 if depth == 0 else 3)):
            made, plain = self.step(depth, plain)
            calls += made
        if plain and calls[-1]["call"] in ("function", "streaming") and self.odds(25):
            calls += self.turn(target)
        return calls

    def turn(self, target: str) -> list[Call]:
        """The end of a line that goes back to its beginning a few times."""
        counter = f"c{self.count}"
        count = ["write", counter, ["$add", ["$default", ["$get", [counter]], 0], 1]]
        enough = ["if", ["$gte", ["$get", [counter]], self.rng.randrange(1, 4)], [["break", "enough"]], []]
        last = {"call": "function", **self.named("turn"), "program": [count, enough, *self.ops(1)]}
        return [last, {"call": "loopTo", "target": target}]

    def step(self, depth: int, plain: bool) -> tuple[list[Call], bool]:
        lead: list[Call] = [] if plain else [{"call": "function", **self.stage()}]
        inner = depth < 3
        kind = self.one(
            "function", "function", "streaming", "decider", "decider", "selector", "fork", "fork",
            *(("mount", "mount", "lazy", "parallel", "each", "dynamic") if inner else ()),
            *(("pausable", "interrupt") if self.pauses < 3 else ()),
        )  # fmt: skip
        if kind == "decider":
            return [*lead, self.decider(depth)], False
        if kind == "selector":
            return [*lead, self.selector(depth)], False
        if kind == "fork":
            children = [self.stage("k") for _ in range(self.rng.randrange(1, 4))]
            for child in children:
                child.pop("description", None)
            if self.odds(20) and not self.waits:
                self.waits += 1
                waiting = self.rng.choice(children)
                waiting.pop("sync", None)
                waiting["program"] = [["sleep", 12], *waiting["program"]]
            fork: Call = {"call": "fork", "children": children, **({"failFast": True} if self.odds(12) else {})}
            host = {"call": "function", **self.stage("h")}
            return [*lead, host, fork], False
        if kind == "mount":
            return [*lead, {"call": "subflowNext", **self.mounted(depth)}], True
        if kind == "lazy":
            return [*lead, {"call": "lazySubflowNext", **self.mounted(depth)}], True
        if kind == "parallel":
            mounts = [
                {"call": self.one("subflow", "subflow", "lazySubflow"), **self.mounted(depth, apart=True)}
                for _ in range(self.rng.randrange(1, 3))
            ]
            return [*lead, {"call": "function", **self.stage("h")}, *mounts], False
        if kind == "each":
            each: Call = {
                "call": "parallelForEach",
                **self.named("each"),
                "branch": self.chart(depth + 1),
                "maxBranches": self.rng.randrange(1, 4),
            }
            each["items"] = self.one(
                [1, "two", {"three": 3}], [], ["$get", ["l"]], ["$arr", ["$len", ["$get", ["l"]]], None]
            )
            each["into"] = "each"
            if self.odds(10):
                each["failFast"] = True
            return [*lead, each], True
        if kind == "dynamic":
            return [*lead, self.dynamic(depth)], True
        if kind == "pausable":
            self.pauses += 1
            stage = {
                **self.named("wait"),
                "program": [*self.ops(2), ["return", self.one("ticket", {"q": 1}, ["$get", ["a"]], 0)]],
            }
            return [
                *lead,
                {
                    "call": "pausable",
                    **stage,
                    "resume": [*self.ops(2), ["write", "b", ["$default", ["$input"], "none"]], *self.ops(1)],
                },
            ], True
        if kind == "interrupt":
            self.pauses += 1
            stage = {
                **self.named("ask"),
                "program": [*self.ops(2), ["interrupt", self.one({"q": 1}, "q", 1), "a"], *self.ops(2)],
            }
            return [*lead, {"call": "function", **stage}], True
        if kind == "streaming":
            tokens = [["token", self.one("to", "ken", "😀", 1)] for _ in range(self.rng.randrange(3))]
            stage = self.stage("talk")
            stage["program"] = tokens + stage["program"]
            for name in ("retry", "tags"):
                stage.pop(name, None)
            return [*lead, {"call": "streaming", **stage, **self.one({}, {"streamId": "stream"})}], True
        stage = self.stage()
        policy, tags = stage.pop("retry", None), stage.pop("tags", None)
        calls = [*lead, {"call": "function", **stage}]
        if policy is not None:
            calls.append({"call": "retry", "policy": policy})
        if tags is not None:
            calls.append({"call": "tag", "names": tags})
        return calls, True

    def mounted(self, depth: int, *, apart: bool = False) -> Call:
        """A mount. `apart`: what it gives back goes to a key of its own, as the order of parallel charts must not show."""
        made = self.named("sf")
        made.pop("description", None)
        mount: Json = {}
        if self.odds(65):
            mount["input"] = self.one(
                {"keys": ["a", "2"]}, {"rename": {"in0": "o.m", "1": "l"}}, {"exprs": {"in1": ["$get", ["l"]], "in2": self.value()}},
                {"keys": ["a"], "rename": {"seed": "o"}, "exprs": {"e": 1}},
            )  # fmt: skip
        if apart and self.odds(70):
            mount["output"] = {"rename": {f"from-{made['id']}": self.one("a", "l", "o")}}
        elif not apart and self.odds(65):
            mount["output"] = self.one(
                {"keys": ["a", "l"]}, {"rename": {"b": "a", "o": "o"}}, {"keys": ["o"]}, {"exprs": {"b": ["$concat", ["$get", ["a"]], ["$parent", ["a"]]]}},
            )  # fmt: skip
        if self.odds(20):
            mount["arrayMerge"] = self.one("concat", "replace")
        if self.odds(25) and not apart:
            mount["propagateBreak"] = True
        if self.odds(15):
            mount["tags"] = ["t:mount"]
        made["chart"] = self.chart(depth + 1)
        if mount or self.odds(30):
            made["mount"] = mount
        return made

    def branch(self, depth: int) -> Call:
        if depth < 3 and self.odds(25):
            return {**self.mounted(depth), "kind": self.one("subflow", "lazySubflow")}
        if self.pauses < 3 and self.odds(10):
            self.pauses += 1
            return {
                **self.named("bw"),
                "kind": "pausable",
                "program": [["return", {"q": 2}]],
                "resume": [["write", "b", ["$default", ["$input"], 0]]],
            }
        return self.stage("b")

    def rules(self, ids: list[str]) -> list[Json]:
        rules: list[Json] = []
        for chosen in self.rng.sample(ids, self.rng.randrange(1, len(ids) + 1)):
            key = self.rng.choice((*_SCALARS, "l", "o", "secret", "nowhere", "constructor"))
            when: Json = {key: {self.one("eq", "ne", "gt", "gte", "lt", "lte"): self.item()}}
            if self.odds(25):
                when = {
                    key: {self.one("in", "notIn"): self.one([1, "a", None], [self.item()], 5)},
                    "a": {"ne": "never"},
                }
            if self.odds(25):
                when = {"fn": self.one(self.expression(), ["$throw", "broken"])}
            rules.append({"when": when, "then": chosen, **self.one({}, {"label": "Rule “x”"}, {"label": ""})})
        return rules

    def decider(self, depth: int) -> Call:
        branches = [self.branch(depth) for _ in range(self.rng.randrange(1, 4))]
        ids = [branch["id"] for branch in branches]
        call: Call = {"call": "decider", **self.named("d"), "program": self.ops(2), "branches": branches}
        if self.odds(70):
            call["decide"] = {
                "rules": self.rules(ids),
                "default": self.one(ids[0], {"branch": ids[-1], "label": "else"}, "unknown"),
            }
        else:
            call["program"].append(
                self.one(["return", ids[0]], ["return", "unknown"], ["break", "here"], ["return", 2])
            )
        if self.odds(45):
            call["default"] = self.rng.choice(ids)
        if self.odds(10):
            call["retry"] = {"attempts": 2}
            call["program"].insert(0, ["fail_times", 1, "not yet", {}])
        return call

    def selector(self, depth: int) -> Call:
        branches = [
            self.stage("b") if depth > 1 or self.odds(80) else {**self.mounted(depth, apart=True), "kind": "subflow"}
            for _ in range(self.rng.randrange(1, 4))
        ]
        ids = [branch["id"] for branch in branches]
        call: Call = {"call": "selector", **self.named("pick"), "program": self.ops(2), "branches": branches}
        if self.odds(65):
            call["select"] = {"rules": self.rules(ids)}
        else:
            call["program"].append(["return", self.one([], ids, ids[:1], ids[0], ["unknown"], [ids[0], ids[0]])])
        if self.odds(10):
            call["failFast"] = True
        return call

    def dynamic(self, depth: int) -> Call:
        stage = {**self.named("plan"), "program": self.ops(2)}
        if self.odds(60):
            charts = [self.mounted(depth, apart=True) for _ in range(self.rng.randrange(1, 3))]
            ending: Json = ["return_subflows", stage["id"], charts]
        else:
            hop = {**self.named("hop"), "program": self.program()}
            hop.pop("description", None)
            ending = ["return_next", hop]
        if self.odds(30):
            ending = ["if", ["$has", "went"], [["return", 1]], [["write", "went", 1], ending]]
        stage["program"].append(ending)
        return {"call": "function", **stage}

    # ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def case(self) -> Json:
        case: Json = {"name": self.name, "about": "Generated.", "features": ["dense"], "chart": self.chart(0)}
        if self.odds(8):
            case["chart"].append(
                {"call": "contract", "input": {"type": "object", "properties": {"in": {"type": "number"}}}}
            )
        if self.shared:
            case["charts"] = self.shared
        if self.odds(10):
            case["throwingStructureRecorder"] = [hook for hook in _STRUCTURE_HOOKS if self.odds(40)]
        runs = [self.run()]
        if self.odds(12):
            runs.append({**self.run(), **({"sameExecutor": True} if self.odds(60) else {})})
        case.update({"run": runs[0]} if len(runs) == 1 else {"runs": runs})
        return case

    def run(self) -> Json:
        run: Json = {"options": self.options()}
        if self.odds(60):
            run["input"] = self.one(
                {"in": 5},
                {"in": "text", "2": 1},
                {},
                {"in": {"deep": [1]}},
                {"in": 5, "a": 1} if self.odds(20) else {"in": 1},
            )
        if self.odds(30):
            run["env"] = {"e": self.item()}
        if self.pauses:
            run["resume"] = [
                {
                    **({"input": self.one(None, "yes", {"ok": [1]}, 0)} if self.odds(70) else {}),
                    **({"fresh": True} if self.odds(30) else {}),
                }
                for _ in range(self.rng.randrange(1, 4))
            ]
        if self.odds(60):
            run["queries"] = [self.query() for _ in range(self.rng.randrange(1, 5))]
        return run

    def query(self) -> Json:
        kind = self.rng.choice(_QUERIES)
        query: Json = {"q": kind}
        key = self.rng.choice((*_SCALARS, *_LISTS, *_OBJECTS, "each"))
        if kind == "stateAt":
            query["idx"] = self.rng.randrange(-1, 8)
        elif kind == "tagStops":
            query["tag"] = self.one("all", "t:one")
        elif kind not in ("stops", "subflowPaths"):
            query["key"] = key
        if kind in ("causalChain", "sliceForKey") and self.odds(50):
            query["control"] = True
        if kind == "causalChain" and self.odds(30):
            query.update(self.one({"maxDepth": 1}, {"maxNodes": 2}))
        return query

    def options(self) -> Json:
        options: Json = {"maxIterations": self.one(2, 5, 5, 5)}
        for percent, key, choices in (
            (40, "commitValues", ("delta", "full")),
            (25, "readTracking", ("summary", "off", "full")),
            (25, "writeTracking", ("summary", "off", "full")),
            (30, "writeProvenance", ("reads-prefix",)),
            (20, "initialContext", ({"a": 1, "l": [9], "o": {"m": {"n": 0}}}, {"2": None, "z": {"y": [1]}})),
            (20, "defaultValuesForContext", ({"a": 0, "o": {"m": {"q": 1}, "r": 2}, "w": "default"},)),
            (8, "maxDepth", (2, 3)),
            (20, "throttleOn", ("slow", "not yet")),
            (5, "abort", ("called off",)),
            (8, "timeoutMs", (60000,)),
            (
                20,
                "narrative",
                (
                    {"includeValues": False},
                    {"includeStepNumbers": False},
                    {"maxValueLength": 12},
                    {"maxValueLength": 3},
                ),
            ),
        ):
            if self.odds(percent):
                options[key] = self.rng.choice(choices)
        if self.odds(25):
            options["redaction"] = {
                "keys": self.one([], ["secret"]),
                "fields": self.one({}, {"o": ["m.n", "token"]}),
                "patterns": self.one([], ["^sec"], [{"source": "SECRET", "flags": "i"}]),
                "emitPatterns": self.one([], ["^secret\\."], ["metric"]),
            }
        if self.odds(15):
            options["throwingRecorder"] = {
                "scope": [hook for hook in _SCOPE_HOOKS if self.odds(30)],
                "flow": [hook for hook in _FLOW_HOOKS if self.odds(30)],
            }
        return options
