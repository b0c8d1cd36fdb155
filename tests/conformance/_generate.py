"""Random valid cases, for asking the reference and this engine the same questions.

Everything is drawn from one `random.Random`, so a seed names a case for ever, and hypothesis's `randoms()` can stand in
its place: `st.randoms(use_true_random=False).map(generate_case)` gives charts that hypothesis knows how to shrink.

Cases stay inside what both languages word alike. A key's first letter says what it holds, so that no program trips over
a value of another kind (whose message would be the language's own): `n…` scalars, `l…` lists, `o…` objects with `a` and
`l` inside, `c…` counters. Loops count, so they end. At most one parallel child waits, so timers decide nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["generate_case"]

Json = Any
Call = dict[str, Any]

_SCALARS = ("n0", "n1", "n2", "n3")
_LISTS = ("l0", "l1")
_OBJECTS = ("o0", "o1")
_WORDS = ("", "a", "B", "word", "10", "1", "é", "😀", 'say "hi"', "line\nbreak", "x" * 90)
_NUMBERS = (0, 1, 2, 3, 10, -1, 0.5, 1.0, 1e21, 1e-7, 4294967296)
_ARITHMETIC = ("$add", "$sub", "$mul", "$div", "$mod")
_PLAIN = ("start", "function", "tag", "retry")
_OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "notIn")


def generate_case(rng: random.Random, name: str = "generated", size: int = 6) -> Json:
    """One case. `size` bounds the steps of its line; charts inside it are shorter."""
    return _Case(rng).case(name, size)


class _Case:
    """The making of one case: its random numbers, and what must be unique or remembered across its charts."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.ids = 0
        self.charts: dict[str, list[Call]] = {}
        self.pauses = 0
        self.features: set[str] = set()
        self.calm = False  # inside parallel charts: nothing whose order would show in shared state

    # ── chances ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.rng.randrange(len(options))]

    def weighted(self, *options: tuple[int, Any]) -> Any:
        at = self.rng.randrange(sum(weight for weight, _ in options))
        for weight, option in options:
            at -= weight
            if at < 0:
                return option
        raise AssertionError

    def new_id(self, stem: str) -> str:
        self.ids += 1
        return f"{stem}{self.ids}"

    # ── the case ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def case(self, name: str, size: int) -> Json:
        chart = self.chart(self.rng.randint(1, size), depth=0)
        run = self.run()
        case: Json = {"name": name, "about": "Generated.", "features": sorted(self.features), "chart": chart}
        if self.charts:
            case["charts"] = self.charts
        if self.chance(0.08):
            again: Json = {"input": self.object_of_scalars(("i0", "i1"))}
            case["runs"] = [run, {**again, "sameExecutor": True} if self.chance(0.7) else again]
        else:
            case["run"] = run
        return case

    def run(self) -> Json:
        run: Json = {}
        if self.chance(0.6):
            run["input"] = self.object_of_scalars(("i0", "i1"))
        if self.chance(0.3):
            run["env"] = {"region": self.pick(_WORDS)}
        if self.chance(0.4):
            run["options"] = self.options()
        if self.pauses:
            entries: list[Json] = []
            for _ in range(self.pauses):
                entry: Json = {"fresh": True} if self.chance(0.25) else {}
                if self.chance(0.75):
                    entry["input"] = self.pick((None, 1, "yes", {"ok": True}, [1, 2]))
                entries.append(entry)
            run["resume"] = entries
        if self.chance(0.5):
            run["queries"] = [self.query() for _ in range(self.rng.randint(1, 4))]
        return run

    def options(self) -> Json:
        options: Json = {}
        for probability, key, make in (
            (0.5, "commitValues", lambda: "delta"),
            (0.2, "readTracking", lambda: self.pick(("summary", "full", "off"))),
            (0.2, "writeTracking", lambda: self.pick(("summary", "full", "off"))),
            (0.2, "writeProvenance", lambda: "reads-prefix"),
            (0.2, "initialContext", lambda: {"n0": self.scalar(), "d0": {"x": 1, "y": [1]}}),
            (0.2, "defaultValuesForContext", lambda: {"n0": 0, "n3": "default", "d0": {"x": 0, "z": 2}}),
            (0.1, "maxIterations", lambda: 1),
            (0.1, "throttleOn", lambda: "boom"),
            (0.15, "narrative", self.narrative_options),
            (0.2, "redaction", self.redaction),
            (0.08, "throwingRecorder", lambda: {"scope": self.some(("onRead", "onWrite", "onCommit", "onStageEnd"))}),
        ):
            if self.chance(probability):
                options[key] = make()
        return options

    def narrative_options(self) -> Json:
        return {
            "includeValues": self.chance(0.5),
            "includeStepNumbers": self.chance(0.5),
            "maxValueLength": self.pick((10, 20, 80)),
        }

    def redaction(self) -> Json:
        """A policy. Only texts of their own are hidden: hiding `1` wherever it stands would hide the differences."""
        return {
            "keys": self.some(("s0", "s1")),
            "fields": {"o0": ["s", "deep.s"]} if self.chance(0.5) else {},
            "patterns": ["^s1$"] if self.chance(0.3) else [],
            "emitPatterns": ["^secret\\."] if self.chance(0.3) else [],
        }

    def secret(self) -> str:
        return f"secret-{self.rng.randint(1, 3)}-value"

    def query(self) -> Json:
        key = self.pick((*_SCALARS, *_LISTS, *_OBJECTS))
        return self.weighted(
            (2, {"q": "causalChain", "key": key, **({"control": True} if self.chance(0.5) else {})}),
            (2, {"q": "sliceForKey", "key": key, **({"control": True} if self.chance(0.3) else {})}),
            (1, {"q": "forwardSliceForKey", "key": key}),
            (2, {"q": "keyTimeline", "key": key, **({"before": self.rng.randint(0, 4)} if self.chance(0.3) else {})}),
            (2, {"q": "stateAt", "idx": self.rng.randint(-1, 6)}),
            (2, {"q": "commitValueAt", "key": key, **({"idx": self.rng.randint(0, 5)} if self.chance(0.7) else {})}),
            (1, {"q": "arrayProvenance", "key": self.pick(_LISTS)}),
            (1, {"q": "stops"}),
            (1, {"q": "subflowPaths"}),
            (1, {"q": "findLastWriter", "key": key}),
        )

    # ── charts ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def chart(self, steps: int, depth: int) -> list[Call]:
        """A line of calls. Its first stage gives every list and object key its first value."""
        seed = [["write", key, self.list_value()] for key in _LISTS]
        seed += [["write", key, self.object_value()] for key in _OBJECTS]
        if self.chance(0.8):
            seed.append(["write", "n0", self.scalar()])
        first = {"call": "start", **self.stage("start"), "program": seed}
        calls: list[Call] = [first]
        self.maybe_retry_or_tag(calls, first)
        targets = [first["id"]]
        branching = False  # the builder wants a plain stage after a branching one
        for _ in range(steps):
            if branching:
                calls.append(self.function(targets))
            made, branching = self.step(depth, targets)
            if made[0]["call"] in ("fork", "subflow") and calls[-1]["call"] not in _PLAIN:
                # Children hung on a mount run in place of what is mounted, in the reference.
                calls.append(self.function(targets))
            calls += made
        if not branching and depth == 0 and not self.pauses and self.chance(0.08):
            calls += self.loop_back(targets)
        elif depth == 0 and self.chance(0.06):
            calls.append({"call": "contract", "input": self.schema()})
        return calls

    def schema(self) -> Json:
        """A JSON Schema that a run's input meets more often than not."""
        types = {key: {"type": self.pick(("string", "number", "boolean"))} for key in ("i0", "i1") if self.chance(0.3)}
        return {"type": "object", "properties": types, **({"required": ["i0"]} if self.chance(0.3) else {})}

    def step(self, depth: int, targets: list[str]) -> tuple[list[Call], bool]:
        """The calls of one step, and whether it branches."""
        deeper = depth < 2
        kind = self.weighted(
            (10, "function"),
            (4, "decider"),
            (2, "selector"),
            (2, "fork"),
            (3 if deeper else 0, "subflowNext"),
            (1 if deeper else 0, "lazySubflowNext"),
            (1 if deeper and depth == 0 else 0, "subflow"),
            (1 if deeper and depth == 0 else 0, "parallelForEach"),
            (1 if self.may_pause(depth) else 0, "pausable"),
            (1, "streaming"),
            (1 if deeper and not self.calm else 0, "dynamic"),
        )
        self.features.add(kind)
        if kind == "function":
            calls = [self.function(targets)]
            self.maybe_retry_or_tag(calls, calls[0])
            return calls, False
        if kind in ("decider", "selector"):
            return [getattr(self, kind)(depth, targets)], True
        if kind == "fork":
            return [self.fork()], True
        if kind in ("subflowNext", "lazySubflowNext"):
            return [self.mount(kind, depth)], False
        if kind == "subflow":
            return self.parallel_mounts(depth), True
        if kind == "parallelForEach":
            return [self.for_each(depth)], False
        if kind == "pausable":
            return [self.pausable()], False
        if kind == "dynamic":
            return [self.dynamic(depth, targets)], False
        return [{"call": "streaming", **self.stage("talk"), "program": self.tokens() + self.program()}], False

    def may_pause(self, depth: int) -> bool:
        # In a resumed run the reference takes a loop edge as the end of the line, or fills its memory.
        return not self.calm and self.pauses < 2 and "loop" not in self.features

    def stage(self, stem: str, described: float = 0.3) -> Call:
        stage_id = self.new_id(stem)
        stage: Call = {"name": stage_id.title() if self.chance(0.8) else stage_id, "id": stage_id}
        if self.chance(described):
            stage["description"] = f"Do {stage_id}"
        if self.chance(0.2):
            stage["sync"] = True
        return stage

    def function(self, targets: list[str]) -> Call:
        call = {"call": "function", **self.stage("s"), "program": self.program(ending=True)}
        targets.append(call["id"])
        return call

    def maybe_retry_or_tag(self, calls: list[Call], stage: Call) -> None:
        if self.chance(0.15):
            calls.append({"call": "tag", "names": [f"t:{stage['id']}", "all"]})
        if self.chance(0.15):
            calls.append({"call": "retry", "policy": self.retry_on_failure(stage)})

    def retry_on_failure(self, stage: Call) -> Json:
        """A retry policy; the stage is made to fail once more than not."""
        if self.chance(0.7):
            stage["program"].append(["fail_times", self.rng.randint(1, 2), "not yet", self.error()])
        policy: Json = {"attempts": self.rng.randint(1, 3)}
        if self.chance(0.3):
            policy["retryOn"] = self.pick(("not", "other"))
        return policy

    def loop_back(self, targets: list[str]) -> list[Call]:
        counter = self.new_id("c")
        stop = ["if", ["$gte", ["$default", ["$get", counter], 0], 2], [["break", "looped enough"]]]
        count = ["write", counter, ["$add", ["$default", ["$get", counter], 0], 1]]
        self.features.add("loop")
        last = {"call": "function", **self.stage("turn"), "program": [count, stop]}
        return [last, {"call": "loopTo", "target": self.pick(targets)}]

    def pausable(self) -> Call:
        self.pauses += 1
        if self.chance(0.3):
            program = [*self.program(), ["interrupt", {"ask": 1}, "n2"], *self.program()]
            return {"call": "function", **self.stage("ask"), "program": program}
        resume = [*self.program(), ["write", "n3", ["$default", ["$input"], "nothing"]]]
        data = self.pick(({"why": 1}, "ticket", ["$get", "n0"]))
        program = [*self.program(), ["return", ["$default", data, "anyway"]]]
        return {"call": "pausable", **self.stage("wait"), "program": program, "resume": resume}

    def dynamic(self, depth: int, targets: list[str]) -> Call:
        """A stage that returns charts to run, or where to go next."""
        call = {"call": "function", **self.stage("plan"), "program": self.program()}
        if self.chance(0.6):
            charts: list[Json] = []
            for _ in range(self.rng.randint(1, 2)):
                made = {**self.stage("dyn", described=0), **self.mounted(depth, output=False)}
                made.pop("sync", None)
                if self.chance(0.5):
                    made.setdefault("mount", {})["output"] = {"rename": {f"from-{made['id']}": "n0"}}
                made.get("mount", {}).pop("propagateBreak", None)
                charts.append(made)
            call["program"].append(["return_subflows", call["id"], charts])
        else:
            hop = {**self.stage("hop", described=0), "program": self.program()}
            call["program"].append(["return_next", hop])
        targets.append(call["id"])
        return call

    def tokens(self) -> list[Json]:
        return [["token", self.pick(("Hel", "lo ", "😀"))] for _ in range(self.rng.randint(0, 3))]

    # ── branching ────────────────────────────────────────────────────────────────────────────────────────────────────
    def decider(self, depth: int, targets: list[str]) -> Call:
        call: Call = {"call": "decider", **self.stage("pick"), "program": self.program(writes=False)}
        branches = [self.branch(depth) for _ in range(self.rng.randint(1, 3))]
        ids = [branch["id"] for branch in branches]
        if depth == 0 and not self.pauses and self.chance(0.3):
            self.loop_by(call, branches, targets)
        elif self.chance(0.75):
            default = self.pick(ids)
            call["decide"] = {
                "rules": [self.rule(ids) for _ in range(self.rng.randint(1, 3))],
                "default": {"branch": default, "label": "Otherwise"} if self.chance(0.5) else default,
            }
        else:
            call["program"].append(["return", self.pick(ids) if self.chance(0.9) else "nowhere"])
        if self.chance(0.25):
            call["default"] = self.pick(ids)
        call["branches"] = branches
        return call

    def loop_by(self, call: Call, branches: list[Call], targets: list[str]) -> None:
        """Make a decider count, and go back to an earlier stage a few times."""
        self.features.add("loop")
        counter = self.new_id("c")
        back = {**self.stage("again"), "program": [], "loopTo": self.pick(targets)}
        back.pop("sync", None)
        call["program"].append(["write", counter, ["$add", ["$default", ["$get", counter], 0], 1]])
        call["decide"] = {
            "rules": [{"when": {counter: {"lte": self.rng.randint(1, 2)}}, "then": back["id"], "label": "Once more"}],
            "default": branches[0]["id"],
        }
        branches.append(back)

    def branch(self, depth: int) -> Call:
        if depth < 2 and self.chance(0.15):
            branch = {**self.stage("chart"), "kind": self.pick(("subflow", "lazySubflow")), **self.mounted(depth)}
            branch.pop("sync", None)
            return branch
        return self.maybe_retried({**self.stage("b"), "program": self.program(ending=True)})

    def maybe_retried(self, stage: Call) -> Call:
        if self.chance(0.15):
            stage["retry"] = self.retry_on_failure(stage)
        if self.chance(0.15):
            stage["tags"] = ["all", f"t:{stage['id']}"]
        return stage

    def rule(self, ids: list[str]) -> Json:
        if self.chance(0.3):
            when: Json = {"fn": self.condition() if self.chance(0.85) else ["$throw", "broken rule"]}
        else:
            when = {self.pick((*_SCALARS, "missing", "s0")): self.conditions() for _ in range(self.rng.randint(0, 2))}
        rule: Json = {"when": when, "then": self.pick(ids)}
        if self.chance(0.7):
            rule["label"] = self.pick(("First", "Second", 'With "quotes"'))
        return rule

    def conditions(self) -> Json:
        conditions: Json = {}
        for _ in range(self.rng.randint(1, 2)):
            operator = self.pick(_OPERATORS) if self.chance(0.95) else "between"
            many = operator in ("in", "notIn") and self.chance(0.9)
            conditions[operator] = [self.scalar(), self.scalar()] if many else self.scalar()
        return conditions

    def selector(self, depth: int, _: list[str]) -> Call:
        call: Call = {"call": "selector", **self.stage("choose"), "program": self.program(writes=False)}
        branches = [self.child(waits=False) for _ in range(self.rng.randint(1, 3))]
        ids = [branch["id"] for branch in branches]
        if self.chance(0.7):
            rules = [{**self.rule([chosen]), "then": chosen} for chosen in ids if self.chance(0.8)]
            call["select"] = {"rules": rules or [self.rule(ids)]}
        else:
            call["program"].append(["return", [chosen for chosen in ids if self.chance(0.6)]])
        if self.chance(0.1):
            call["failFast"] = True
        call["branches"] = branches
        return call

    def fork(self) -> Call:
        count = self.rng.randint(1, 3)
        waiting = self.rng.randrange(count) if self.chance(0.2) else -1
        children = [self.child(waits=n == waiting) for n in range(count)]
        for child in children:
            child.pop("description", None)
        return {"call": "fork", "children": children, **({"failFast": True} if self.chance(0.1) else {})}

    def child(self, *, waits: bool) -> Call:
        """A parallel child: it sets the lists and objects that it changes, since its writes are its own."""
        own = [["write", "l0", self.list_value()], ["write", "o0", self.object_value()]] if self.chance(0.5) else []
        program = own + self.program(ending=True, containers=("l0", "o0") if own else ())
        child = self.maybe_retried({**self.stage("k"), "program": program})
        if waits:
            child.pop("sync", None)
            child["program"] = [["sleep", 15], *program]
        return child

    # ── charts inside ────────────────────────────────────────────────────────────────────────────────────────────────
    def mounted(self, depth: int, *, output: bool = True) -> Call:
        """The chart and mount members of a call."""
        mount: Json = {}
        if self.chance(0.7):
            rename = {"in0": self.pick(("n0", "o0.a.b", "l0", "missing"))}
            mount["input"] = self.weighted(
                (1, {"keys": ["n1"]}), (2, {"rename": rename}), (1, {"exprs": {"in1": self.expression()}})
            )
        if output and self.chance(0.7):
            mount["output"] = self.weighted(
                (2, {"keys": ["n2", "l0"]}),
                (2, {"rename": {"n3": "n0", "r": "o0"}}),
                (1, {"exprs": {"n1": ["$concat", ["$get", "n0"], "|", ["$parent", "n0"]]}}),
            )
        if self.chance(0.2):
            mount["arrayMerge"] = self.pick(("concat", "replace"))
        if self.chance(0.2):
            mount["propagateBreak"] = True
        return {"chart": self.inner_chart(depth), **({"mount": mount} if mount or self.chance(0.5) else {})}

    def inner_chart(self, depth: int) -> Json:
        if self.charts and self.chance(0.2):
            return self.pick(sorted(self.charts))
        chart = self.chart(self.rng.randint(0, 2), depth + 1)
        if self.chance(0.2):
            name = self.new_id("chart-")
            self.charts[name] = chart
            return name
        return chart

    def mount(self, kind: str, depth: int) -> Call:
        call = {"call": kind, **self.stage("sf", described=0), **self.mounted(depth)}
        call.pop("sync", None)
        return call

    def parallel_mounts(self, depth: int) -> list[Call]:
        """Charts side by side: what they give back goes to a key each, so that their order shows nowhere."""
        before, self.calm = self.calm, True
        calls: list[Call] = []
        for _ in range(self.rng.randint(1, 2)):
            call = {"call": "subflow", **self.stage("sf", described=0), **self.mounted(depth, output=False)}
            call.pop("sync", None)
            if self.chance(0.7):
                call.setdefault("mount", {})["output"] = {"rename": {f"from-{call['id']}": "n0"}}
            call.get("mount", {}).pop("propagateBreak", None)
            calls.append(call)
        self.calm = before
        return calls

    def for_each(self, depth: int) -> Call:
        before, self.calm = self.calm, True
        call: Call = {
            "call": "parallelForEach",
            **self.stage("each"),
            "items": self.items(),
            "branch": self.inner_chart(depth),
            "maxBranches": self.rng.randint(1, 4),
            "into": "each-result",
        }
        call.pop("sync", None)
        self.calm = before
        return call

    def items(self) -> Json:
        """What a for-each goes through: its items are there."""
        if self.chance(0.5):
            return [self.scalar() for _ in range(self.rng.randint(0, 4))]
        return ["$arr", ["$len", ["$get", "l0"]], ["$default", ["$get", "n0"], "none"], {"x": 1}]

    def item(self) -> Json:
        """A value for a list, also one that is absent."""
        return self.expression(part=True)

    # ── programs ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def program(
        self, *, ending: bool = False, writes: bool = True, containers: Sequence[str] = (*_LISTS, *_OBJECTS)
    ) -> list[Json]:
        ops = [self.op(writes, containers) for _ in range(self.rng.randint(0, 5))]
        if ending and self.chance(0.15):
            ops.append(self.ending())
        return ops

    def ending(self) -> Json:
        return self.weighted(
            (2, ["return", self.expression()]),
            (1, ["break", self.pick(("stop here", 1))]),
            (1, ["break"]),
            (2, ["throw", self.pick(("boom", ["$concat", "boom ", ["$get", "n0"]])), self.error()]),
            (1, ["fail_times", 1, "not yet", {}]),
        )

    def error(self) -> Json:
        return self.pick(({}, {"name": "PaymentError"}, {"name": "PaymentError", "code": "E_PAY"}))

    def op(self, writes: bool, containers: Sequence[str]) -> Json:
        lists = [key for key in containers if key.startswith("l")]
        objects = [key for key in containers if key.startswith("o")]
        scalar = self.pick(_SCALARS)
        options: list[tuple[int, Callable[[], Json]]] = [
            (4, lambda: ["read", self.pick((*_SCALARS, *_LISTS, *_OBJECTS, "missing"))]),
            (1, lambda: ["read_path", "o0.a.b"]),
            (1, lambda: ["let", "v", ["$range", 2]]),
            (1, lambda: ["emit", self.pick(("app.x", "app.y")), self.payload()]),
            (1, lambda: ["emit", "app.bare"]),
            (1, lambda: ["emit", "secret.note", {"what": self.secret()}]),
            (1, lambda: ["read", self.pick(("s0", "s1"))]),
            (1, lambda: [self.pick(("debug", "metric", "eval", "error_info")), "k", self.payload()]),
            (1, lambda: ["log", self.payload()]),
            (1, lambda: ["args", "i0", scalar]),
        ]
        if writes:
            options += [
                (8, lambda: ["write", scalar, self.expression()]),
                (1, lambda: ["write", scalar, self.expression(), {}]),
                (1, lambda: ["write", self.pick(("s0", "s1")), self.secret(), *self.some(({"redact": True},))]),
                (1, lambda: ["write", scalar, self.pick((["$get", "s0"], ["$concat", "about ", ["$get", "s1"]]))]),
                (1, lambda: ["update", scalar, self.scalar()]),
                (1, lambda: ["delete", self.pick((*_SCALARS, "missing"))]),
                (1, lambda: ["if", self.condition(), [self.op(writes, containers)], [self.op(writes, containers)]]),
            ]
        if writes and lists:
            options += [
                (
                    2,
                    lambda: [
                        "push",
                        self.pick(lists),
                        *[self.item() for _ in range(self.rng.randint(1, 2))],
                    ],
                ),
                (2, lambda: ["array", self.pick(lists), *self.method()]),
                (1, lambda: ["batch", self.pick(lists), [self.scalar(), self.item()]]),
                (1, lambda: ["update", self.pick(lists), [self.scalar(), self.scalar()]]),
                (1, lambda: ["write", self.pick(lists), self.list_value()]),
                (
                    1,
                    lambda: [
                        "update_path",
                        [self.pick(lists), str(self.rng.randint(0, 3))],
                        self.expression(part=True),
                    ],
                ),
                (1, lambda: ["delete_path", [self.pick(lists), "0"]]),
            ]
        if writes and objects:
            options += [
                (2, lambda: ["update", self.pick(objects), self.patch()]),
                (
                    2,
                    lambda: [
                        "update_path",
                        [self.pick(objects), "a", self.pick(("b", "z"))],
                        self.expression(part=True),
                    ],
                ),
                (1, lambda: ["update_path", [self.pick(objects), "new"], self.expression(part=True)]),
                (1, lambda: ["push", [self.pick(objects), "l"], self.item()]),
                (1, lambda: ["array", [self.pick(objects), "l"], *self.method()]),
                (1, lambda: ["delete_path", [self.pick(objects), *self.pick((("a", "b"), ("new",), ("zz",)))]]),
                (1, lambda: ["write", self.pick(objects), self.object_value()]),
                (1, lambda: ["update", self.pick(objects), {self.pick(("s", "deep")): {"s": self.secret()}}]),
                (1, lambda: ["update_path", [self.pick(objects), "s"], self.secret()]),
            ]
        return self.weighted(*options)()

    def method(self) -> list[Json]:
        return self.pick(
            (
                ["pop"],
                ["shift"],
                ["reverse"],
                ["sort"],
                ["unshift", [self.scalar()]],
                ["splice", [self.rng.randint(-2, 2), self.rng.randint(0, 2), self.scalar()]],
            )
        )

    # ── values and expressions ───────────────────────────────────────────────────────────────────────────────────────
    def scalar(self) -> Json:
        return self.weighted((5, self.pick(_NUMBERS)), (4, self.pick(_WORDS)), (2, self.pick((True, False))), (1, None))

    def object_of_scalars(self, keys: Sequence[str]) -> Json:
        return {key: self.scalar() for key in keys if self.chance(0.8)}

    def list_value(self) -> Json:
        return [
            self.scalar() if self.chance(0.8) else {"id": self.rng.randint(0, 2)} for _ in range(self.rng.randint(0, 3))
        ]

    def object_value(self) -> Json:
        return {"a": {"b": self.scalar()}, "l": self.list_value(), **self.object_of_scalars(("p", "q"))}

    def patch(self) -> Json:
        return self.weighted(
            (2, {"a": {"b": self.scalar()}}),
            (1, {"a": {"deep": {"er": self.scalar()}}}),
            (1, {"l": self.list_value()}),
            (1, {"p": None}),
            (1, ["$obj", {"p": self.expression(part=True), "a": ["$obj", {"c": self.expression(part=True)}]}]),
            (1, {}),
        )

    def some(self, options: Sequence[Any]) -> list[Any]:
        return [option for option in options if self.chance(0.5)]

    def payload(self) -> Json:
        """What is sent beside the state: in emits, diagnostics and logs."""
        return self.weighted(
            (3, self.scalar()),
            (2, ["$concat", self.expression(part=True)]),
            (1, ["$len", ["$get", self.pick(_LISTS)]]),
            (1, ["$default", ["$get", "l0"], "absent"]),
            (1, {"x": self.scalar(), "y": [self.scalar()]}),
            (1, ["$obj", {"x": self.expression(part=True), "y": self.expression(part=True)}]),
        )

    def condition(self) -> Json:
        return self.weighted(
            (3, [self.pick(("$lt", "$lte", "$gt", "$gte")), ["$get", self.pick(_SCALARS)], self.scalar()]),
            (2, [self.pick(("$eq", "$ne")), ["$get", self.pick(_SCALARS)], self.scalar()]),
            (1, ["$has", self.pick((*_SCALARS, "l0"))]),
            (1, ["$not", ["$get", self.pick(_SCALARS)]]),
            (1, ["$and", ["$get", "n0"], ["$lt", ["$get", "n1"], 5]]),
        )

    def expression(self, depth: int = 2, *, part: bool = False) -> Json:
        """An expression. As `part` of something that grows (a text, a list), it gives nothing long."""
        if depth == 0:
            return self.scalar()
        deeper = depth - 1
        read = ["$get", self.pick((*_SCALARS, "l0", "o0", "o0.a.b", "l0.0", "missing", "o1.p"))]
        if part:
            # Programs run in loops: what doubles at each pass would fill the memory.
            read = ["$if", ["$lt", ["$len", ["$concat", read]], 60], read, "much"]
        return self.weighted(
            (5, lambda: self.scalar()),
            (4, lambda: read),
            (
                2,
                lambda: [
                    self.pick(_ARITHMETIC),
                    self.expression(deeper, part=True),
                    self.expression(deeper, part=True),
                ],
            ),
            (2, lambda: ["$concat", self.expression(deeper, part=True), "-", self.expression(deeper, part=True)]),
            (1, lambda: ["$len", ["$get", self.pick(("l0", "o0", "missing"))]]),
            (
                1,
                lambda: [
                    "$if",
                    self.condition(),
                    self.expression(deeper, part=part),
                    self.expression(deeper, part=part),
                ],
            ),
            (1, lambda: ["$default", ["$get", "missing"], self.expression(deeper, part=part)]),
            (1, lambda: ["$arr", self.expression(deeper, part=True), self.expression(deeper, part=True)]),
            (1, lambda: ["$obj", {"x": self.expression(deeper, part=True), "y": self.expression(deeper, part=True)}]),
            (
                1,
                lambda: self.pick(
                    (["$undefined"], ["$date", "2024-03-01T12:00:00.000Z"] if not part else 7, ["$range", 3], ["$nan"])
                ),
            ),
            (1, lambda: self.pick((["$args", "i0"], ["$args"], ["$env", "region"]))),
            (1, lambda: self.condition()),
        )()
