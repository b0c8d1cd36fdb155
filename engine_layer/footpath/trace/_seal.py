"""Sealing: taking redacted values out of a whole document, where they were recorded before anybody knew them to be secret.

While a run goes on, what is recorded is scrubbed of the secrets known by then. A value that is marked later may stand
in earlier entries: in the input, in a text made of it, in the evidence of a decision. So a document of a run that hid
anything is gone through once more before it leaves, header and journal alike.

What is looked at, and how:

* *values*, wherever they stand, are scrubbed as `footpath.values.Secrets` does, members' names inside of them too;
* *texts* (errors, remarks, labels, the names of events) likewise;
* *names* of state keys and of nodes are scrubbed of long secrets, and stay distinct: two keys that would read the same
  get a number, so that a replay still tells them apart. A name that the chart's spec or the policy tells anyway stays;
* what the engine counts and measures (steps, times, ordinals), its own words, ids of runs and traces, and the spec are
  left alone.

A stream's tokens become the mark as a whole when the text that they make together shows a secret.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw

from footpath.journal import entries as code
from footpath.journal import told_decision, told_selection
from footpath.values import MARK, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from footpath.trace._document import Document, ErrorInfo
    from footpath.values import Secrets

_encode = msgspec.json.encode
_OBJECT = ord("{")
_NUMBERED = re.compile(r"~\d+$| \[\d+\]$")
"""What a for-each puts behind the id and the name of its branches."""


def sealed(document: Document, secrets: Secrets, known_names: Iterable[str] = ()) -> Document:
    """Give the document without the secrets; the same document when there are none. The one given is not changed.

    Args:
        document: as recorded.
        secrets: every text that must not occur.
        known_names: names that tell nothing: what the redaction policy calls keys.
    """
    if not secrets:
        return document
    seal = _Seal(secrets, _spec_texts(bytes(document.spec)).union(known_names))
    journal = seal.journal(document.journal)
    return msgspec.structs.replace(
        document,
        journal=journal,
        input=seal.members(document.input),
        result=seal.value(document.result),
        error=seal.error_info(document.error),
        context=seal.plain(document.context),
        options=seal.plain(document.options),
    )


def sealed_journals(
    journals: Iterable[list[Any]], spec: bytes, secrets: Secrets, known_names: Iterable[str] = ()
) -> Iterator[list[Any]]:
    """The journals of a run's phases without the secrets, one after the other; they are as `sealed` leaves them in their documents.

    Args:
        journals: as recorded; they are not changed.
        spec: the chart's.
        secrets: every text that must not occur.
        known_names: names that tell nothing: what the redaction policy calls keys.
    """
    seal = _Seal(secrets, _spec_texts(spec).union(known_names))
    for journal in journals:
        yield seal.journal(journal) if secrets else journal


@lru_cache(maxsize=16)
def _spec_texts(spec: bytes) -> frozenset[str]:
    """Every text in a spec: what was written before any run."""
    texts: set[str] = set()
    stack: list[Any] = [msgspec.json.decode(spec)]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            texts.add(part)
        elif isinstance(part, dict):
            texts.update(part)
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    return frozenset(texts)


class _Seal:
    """One document being sealed."""

    def __init__(self, secrets: Secrets, known: frozenset[str]) -> None:
        self._secrets = secrets
        self._known = known
        self._keys: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._nodes: dict[str, str] = {}
        self._taken: dict[int, set[str]] = {}
        self._streams: dict[str, list[tuple[int, str]]] = {}
        self._out: list[Any] = []

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────
    def value(self, recorded: Any) -> Any:
        """A recorded value; a container of a decoded document counts as one."""
        if type(recorded) is dict or type(recorded) is list:
            recorded = Raw(_encode(recorded))
        return recorded if recorded is UNSET else self._secrets.scrub_recorded(recorded)

    def plain(self, value: Any) -> Any:
        """Plain JSON."""
        return plain(self.value(value)) if value else value

    def text(self, text: Any) -> Any:
        """A sentence or a label; what is no text passes."""
        return self._secrets.scrub_text(text) if type(text) is str else text

    def members(self, recorded: Any) -> Any:
        """An object whose members are state keys."""
        if type(recorded) is Raw and memoryview(recorded)[0] == _OBJECT:
            recorded = msgspec.json.decode(recorded, type=dict[str, Raw])
        if type(recorded) is not dict:
            return self.value(recorded)
        return Raw(_encode({self.key(key): self.value(value) for key, value in recorded.items()}))

    def key(self, key: Any) -> Any:
        """The name of a state key; two that differ stay different."""
        return self._distinct(str.__str__(key), self._keys, key in self._known) if isinstance(key, str) else key

    def keys(self, keys: Any) -> Any:
        """A list of state keys."""
        return [self.key(key) for key in keys] if isinstance(keys, (list, tuple)) else keys

    def path(self, path: Any) -> Any:
        """A place in the state: a key, and member names below it."""
        return [self.key(step) if at == 0 else self.member(step) for at, step in enumerate(path)]

    def member(self, name: Any) -> Any:
        """A member's name; what is no text passes. It reads as it does in the value itself, so that a place stays one."""
        return self._secrets.scrub_name(name) if type(name) is str else name

    def member_names(self, names: Any) -> Any:
        """Of state keys, names of members."""
        return {self.key(key): [self.member(name) for name in each] for key, each in names.items()}

    def paths(self, paths: Any) -> Any:
        """Several of them."""
        return [self.path(path) if path[0] is not None else [None, *self.path(path[1:])] for path in paths]

    def name(self, name: Any) -> Any:
        """The name or the description of a node, with the mounts around it; need not stay distinct."""
        if type(name) is not str or self._is_known(name):
            return name
        parts = [part if self._is_known(part) else self._secrets.scrub_name(part) for part in name.split("/")]
        shown = "/".join(parts)
        return shown if all(map(self._is_known, name.split("/"))) else self._secrets.scrub_name(shown)

    def node(self, node_id: Any) -> Any:
        """The id of a node, mount by mount, so that what stands inside of what is still seen."""
        if type(node_id) is not str:
            return node_id
        new = self._nodes.get(node_id)
        if new is None:
            new = "/".join([self._distinct(part, self._ids, self._is_known(part)) for part in node_id.split("/")])
            if not all(map(self._is_known, node_id.split("/"))):
                new = self._secrets.scrub_name(new)  # a secret with a slash in it
            self._nodes[node_id] = new
        return new

    def nodes(self, ids: Any) -> Any:
        """A list of ids."""
        ids = plain(ids)
        return [self.node(node_id) for node_id in ids] if isinstance(ids, (list, tuple)) else ids

    def names(self, names: Any) -> Any:
        """A list of names."""
        return [self.name(name) for name in names] if isinstance(names, (list, tuple)) else names

    def _is_known(self, name: str) -> bool:
        return name in self._known or _NUMBERED.sub("", name) in self._known

    def _distinct(self, name: str, given: dict[str, str], known: bool) -> str:
        new = given.get(name)
        if new is None:
            new = bare = name if known else self._secrets.scrub_name(name)
            taken = self._taken.setdefault(id(given), set())
            count = 1
            while new in taken:
                count += 1
                new = f"{bare} ({count})"
            taken.add(new)
            given[name] = new
        return new

    def error(self, details: Any) -> list[Any]:
        """An error: `[name, message, code?, issues?]`."""
        return [self.value(part) if at == 3 else self.text(part) for at, part in enumerate(details)]

    def error_info(self, error: ErrorInfo | Any) -> Any:
        """The header's error."""
        if error is UNSET:
            return error
        return msgspec.structs.replace(
            error,
            type=self.text(error.type),
            message=self.text(error.message),
            stage_id=self.node(error.stage_id),
            traceback=self.text(error.traceback),
        )

    def decision(self, evidence: Any) -> Any:
        """What `decide` saw, in the form that events tell."""
        return self.evidence(told_decision(evidence))

    def selection(self, evidence: Any) -> Any:
        """What `select` saw, likewise."""
        return self.evidence(told_selection(evidence))

    def evidence(self, recorded: Any) -> Any:
        """What `decide` or `select` saw: its own members' names stay, whatever they say."""
        evidence = plain(self.value(recorded) if type(recorded) is not Raw else recorded)
        if not isinstance(evidence, dict):
            return recorded
        for rule in evidence.get("rules") or ():
            if isinstance(rule, dict):
                self._rule(rule)
        for name, how in _EVIDENCE.items():
            if name in evidence:
                evidence[name] = how(self, evidence[name])
        return Raw(_encode(evidence))

    def _rule(self, rule: dict[str, Any]) -> None:
        for looks in (rule.get("conditions"), rule.get("inputs")):
            for look in looks or ():
                for name, how in _LOOK.items():
                    if name in look:
                        look[name] = how(self, look[name])
        for name, how in _RULE.items():
            if name in rule:
                rule[name] = how(self, rule[name])

    # ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────
    def journal(self, journal: list[Any]) -> list[Any]:
        """Every entry, in order."""
        out = self._out = []
        for entry in journal:
            if isinstance(entry, str):
                out.append(self.key(entry))
                continue
            first = entry[0]
            if isinstance(first, str):
                out.append((self.key(first), self.value(entry[1])))
            elif first == code.TOKEN:
                self._token(entry)
            else:
                shape = SHAPES.get(first)
                out.append(entry if shape is None else self._shaped(entry, shape))
        for tokens in self._streams.values():
            self._hide_tokens(tokens)
        self._streams.clear()
        return out

    def _shaped(self, entry: Any, shape: tuple[Part, ...]) -> tuple[Any, ...]:
        size = len(entry)
        parts = list(entry)
        for at, how in shape:
            if at < size and parts[at] is not None:
                parts[at] = how(self, parts[at])
        return tuple(parts)

    def _token(self, entry: Any) -> None:
        """Tokens can only be judged together: a secret may be cut in two."""
        stream = entry[1]
        shown = (entry[0], self.node(stream), *[self.value(part) for part in entry[2:3]], *entry[3:])
        if len(entry) == 3:
            self._streams.setdefault(stream, []).append((len(self._out), str(plain(entry[2]))))
        else:
            self._hide_tokens(self._streams.pop(stream, []))
        self._out.append(shown)

    def _hide_tokens(self, tokens: list[tuple[int, str]]) -> None:
        text = "".join([token for _, token in tokens])
        if self._secrets.scrub_name(text) != text:
            for at, _ in tokens:
                self._out[at] = (*self._out[at][:2], MARK)

    def writes(self, writes: Any) -> list[Any]:
        """Writes by place: `[[path, value, 1?]]`."""
        return [[self.path(path), self.value(value), *grows] for path, value, *grows in writes]

    def reads(self, reads: Any) -> list[Any]:
        """Reads of a subflow's output, each `key.member`, or key and member apart, and what the read shows."""
        return [
            self._read_name(read) if type(read) is str else [*self.path(read[:2]), *map(self.value, read[2:])]
            for read in reads
        ]

    def _read_name(self, name: str) -> str:
        key, dot, member = name.partition(".")
        return self.key(key) + dot + self.member(member)

    def shown_reads(self, shown: Any) -> dict[str, Any]:
        """What such reads show, by name."""
        return dict(zip(map(self._read_name, shown), map(self.value, shown.values()), strict=True))

    def pause_data(self, data: Any) -> Any:
        """What a stage paused with, in a list of its own."""
        return [self.value(value) for value in data]

    def who(self, who: Any) -> Any:
        """The stage that pauses."""
        name, node_id, frame, branch = who
        return [self.name(name), self.node(node_id), frame, self.node(branch)]

    def base(self, base: Any) -> Any:
        """What a resumed phase begins with."""
        sealed_base = dict(base)
        sealed_base["state"] = {self.key(key): self.value(value) for key, value in base["state"].items()}
        if "hidden" in base:
            sealed_base["hidden"] = self.paths(base["hidden"])
        sealed_base["visitCounts"] = {self.node(key): count for key, count in base["visitCounts"].items()}
        if base["tail"] is not None:
            frame, node_id, name, depth = base["tail"]
            sealed_base["tail"] = [frame, self.node(node_id), self.name(name), depth]
        return sealed_base

    def runtime_id(self, text: Any) -> Any:
        """A runtime stage id, `id#number`."""
        node_id, mark, number = text.rpartition("#")
        return self.node(node_id) + mark + number


Part = tuple[int, "Callable[[_Seal, Any], Any]"]

SHAPES: dict[int, tuple[Part, ...]] = {
    code.NODE: (
        (1, _Seal.node),
        (2, _Seal.name),
        (3, _Seal.name),
        (4, _Seal.names),
        (5, _Seal.node),
    ),
    code.CHART: ((2, _Seal.node),),
    code.DONE: ((3, _Seal.keys),),
    code.COMMIT: ((1, _Seal.keys),),
    code.ADVANCE: ((3, _Seal.keys),),
    code.CYCLE: ((4, _Seal.keys),),
    code.TAKE: ((3, _Seal.node), (4, _Seal.decision), (5, _Seal.keys)),
    code.EXECUTED: ((2, _Seal.name),),
    code.UPDATE: ((1, _Seal.key), (2, _Seal.value), (5, _Seal.value), (6, _Seal.value), (7, _Seal.value)),
    code.DELETE: ((1, _Seal.key),),
    code.APPEND: ((1, _Seal.key), (2, _Seal.value)),
    code.HAS: ((1, _Seal.key),),
    code.SET: ((1, _Seal.key), (2, _Seal.value), (4, _Seal.text)),
    code.READ_REDACTED: ((1, _Seal.key), (3, _Seal.value)),
    code.CHANGED: ((1, _Seal.key), (2, _Seal.value)),
    code.EMIT: ((2, _Seal.text), (3, _Seal.value)),
    code.NOTE: ((3, _Seal.text), (4, _Seal.value)),
    code.DECIDE: ((2, _Seal.node), (3, _Seal.decision)),
    code.SELECT: ((2, _Seal.nodes), (4, _Seal.nodes), (5, _Seal.selection)),
    code.MOUNT: ((6, _Seal.members), (7, _Seal.name), (8, _Seal.member_names), (10, _Seal.paths)),
    code.OUTPUT: ((2, _Seal.writes), (3, _Seal.reads), (5, _Seal.shown_reads), (6, _Seal.paths)),
    code.EXIT: ((1, _Seal.keys),),
    code.HALT: ((5, _Seal.node),),
    code.BREAK: ((1, _Seal.value), (2, _Seal.node)),
    code.FAIL: ((1, _Seal.error),),
    code.RETRY: ((4, _Seal.error),),
    code.PAUSE: ((2, _Seal.pause_data), (3, _Seal.nodes), (4, _Seal.who)),
    code.RESUME: ((1, _Seal.name), (2, _Seal.node), (3, _Seal.runtime_id), (5, _Seal.base)),
    code.RUN_START: ((1, _Seal.members),),
    code.RUN_END: ((1, _Seal.value),),
    code.RUN_FAILED: ((1, _Seal.error),),
    code.BAG: ((3, _Seal.value),),
    code.REGISTER: ((1, _Seal.node), (2, _Seal.name), (3, _Seal.name), (4, _Seal.value)),
    code.SEED: ((1, _Seal.writes), (3, _Seal.paths)),
    code.HIDDEN_FIELDS: ((1, _Seal.member_names),),
    code.GREW: ((1, _Seal.key),),
    code.REMERGE: ((1, _Seal.key), (2, _Seal.value)),
    code.MESSAGE: ((2, _Seal.name), (3, _Seal.name)),
}
"""For each kind of entry its parts that may show what a stage wrote."""

NUMBERS_ONLY = frozenset(
    {
        code.OPEN,
        code.END,
        code.NEXT,
        code.FRAME,
        code.SOURCE,
        code.FORK,
        code.SETTLE,
        code.LOOP,
        code.AGAIN,
        code.REFUSE,
        code.PROCEED,
    }
)
"""The kinds without any such part; together with `SHAPES` and `TOKEN`, all there are."""

_EVIDENCE: dict[str, Callable[[_Seal, Any], Any]] = {
    "chosen": _Seal.node,
    "default": _Seal.node,
    "defaultLabel": _Seal.name,
    "selected": _Seal.nodes,
}
_RULE: dict[str, Callable[[_Seal, Any], Any]] = {
    "branch": _Seal.node,
    "label": _Seal.name,
    "matchError": _Seal.text,
}
_LOOK: dict[str, Callable[[_Seal, Any], Any]] = {
    "key": _Seal.key,
    "op": _Seal.name,
    "threshold": _Seal.plain,
    "actualSummary": _Seal.text,
    "valueSummary": _Seal.text,
}
