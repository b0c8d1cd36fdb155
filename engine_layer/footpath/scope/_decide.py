"""Rules with evidence: which were tried, what each looked at, what it saw."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import math
import operator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, NotRequired, TypedDict, TypeVar

from msgspec import UNSET, Struct

from footpath.journal.entries import READ_REDACTED
from footpath.scope._frame import SMALL
from footpath.scope._scope import frame_of
from footpath.values import ABSENT, MARK, in_js_order, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from footpath.journal import DecisionEvidence, SelectionEvidence
    from footpath.scope._frame import Frame

State = TypeVar("State")

RESERVED = frozenset(
    [
        "constructor",
        "prototype",
        "__proto__",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toString",
        "valueOf",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
    ]
)
"""Names that footprintjs refuses in a filter: such a rule never matches."""

MOST_IN_LIST = 1000
"""Items that a threshold of `in` or `notIn` may have; a longer list is an error of its rule."""
_IN_LISTS = frozenset({"in", "notIn"})
LONG = 80
"""Characters from which on a text is described in evidence, not told; descriptions are cut there."""

_AS_THEY_ARE = frozenset({str, int, float, bool})
"""Types whose values a read gives as they are; a None it gives for an absent key too, a container as a view."""

_NO_MORE: Any = object()
_HIDES_THRESHOLD = frozenset(("eq", "ne", "in", "notIn"))


Conditions = TypedDict(
    "Conditions",
    {  # not a class: `in` is no name
        "eq": Any,
        "ne": Any,
        "gt": Any,
        "gte": Any,
        "lt": Any,
        "lte": Any,
        "in": "Sequence[Any]",
        "notIn": "Sequence[Any]",
    },
    total=False,
)
Conditions.__doc__ = "What a filter asks of one key: thresholds by operator, all of which must hold."


class Rule(Struct, Generic[State], frozen=True):
    """A rule of `decide()` or `select()`.

    Attributes:
        when: a filter, `{key: {op: threshold}}` with all conditions required, or a function of the scope.
        then: id of the branch to take.
        label: what the rule is called in the story.

    Example:
        >>> Rule(when={"score": {"gte": 600}}, then="approve", label="good score").then
        'approve'
    """

    when: Mapping[str, Conditions] | Callable[[State], Any]
    then: str
    label: str | None = None


class RuleDict(TypedDict, Generic[State]):
    """A rule as a mapping; members as of `Rule`."""

    when: Mapping[str, Conditions] | Callable[[State], Any]
    then: str
    label: NotRequired[str]


class DefaultBranch(TypedDict):
    """Where a decider goes when no rule matches; `label` says what that is called in the story."""

    branch: str
    label: NotRequired[str]


class Decision(Struct, gc=False):
    """What `decide()` gives a decider to return: the branch id, and what the rules saw, as the journal holds it."""

    branch: str
    seen: Any

    @property
    def evidence(self) -> DecisionEvidence:
        """What the rules saw, with names and texts."""
        from footpath.journal import decision_evidence

        return decision_evidence(self.seen)


class Selection(Struct, gc=False):
    """What `select()` gives a selector to return: the branch ids, and what the rules saw, as the journal holds it."""

    branches: list[str]
    seen: Any

    @property
    def evidence(self) -> SelectionEvidence:
        """What the rules saw, with names and texts."""
        from footpath.journal import selection_evidence

        return selection_evidence(self.seen)


def decide(scope: State, rules: Iterable[Rule[State] | RuleDict[State]], default: str | DefaultBranch) -> Decision:
    """Try rules in order; the first that matches chooses the branch, else the default does.

    Every condition tried is recorded with what it saw. A rule that raises is no match, and its error is in the evidence.

    Args:
        scope: the scope the decider was called with.
        rules: `Rule`s, or mappings with `when`, `then` and, if wanted, `label`.
        default: a branch id, or `{"branch": id, "label": text}`.

    Raises:
        TypeError: `scope` is not a stage's scope, or a rule has no `when` or `then`.

    Example:
        >>> def route(scope):
        ...     return decide(
        ...         scope, [{"when": {"score": {"gte": 600}}, "then": "approve", "label": "good score"}], "reject"
        ...     )
    """
    frame: Frame = frame_of(scope)
    label: str | None = None
    if isinstance(default, str):
        default_branch = default
    else:
        default_branch = default["branch"]
        label = default.get("label")
    seen: list[Any] = [default_branch, label]
    for index, rule in enumerate(rules):
        tried = _try_rule(scope, frame, index, rule)
        seen.append(tried)
        if tried[2]:
            return Decision(tried[0], seen)
    return Decision(default_branch, seen)


def select(scope: State, rules: Iterable[Rule[State] | RuleDict[State]]) -> Selection:
    """Try every rule; each that matches selects its branch. Arguments and errors as for `decide`.

    Example:
        >>> def channels(scope):
        ...     return select(
        ...         scope,
        ...         [
        ...             {"when": {"email": {"ne": None}}, "then": "email"},
        ...             {"when": lambda scope: scope.urgent, "then": "sms", "label": "urgent"},
        ...         ],
        ...     )
    """
    frame: Frame = frame_of(scope)
    seen = [_try_rule(scope, frame, index, rule) for index, rule in enumerate(rules)]
    return Selection([tried[0] for tried in seen if tried[2]], seen)


def _try_rule(scope: Any, frame: Frame, index: int, rule: Any) -> tuple[Any, ...]:
    """Try one rule; gives its evidence, see `footpath.journal._evidence`."""
    if isinstance(rule, Rule):
        known: Rule[Any] = rule
        when, branch, label = known.when, known.then, known.label
    else:
        try:
            when, branch, label = rule["when"], rule["then"], rule.get("label")
        except (KeyError, TypeError, IndexError, AttributeError):
            message = f'rule {index} needs "when" and "then", but is {rule!r:.120}'
            raise TypeError(message) from None
    if type(when) is dict or not callable(when):
        return _try_filter(frame, when, branch, label)  # type: ignore[arg-type]
    return _try_function(scope, frame, when, branch, label)


def _try_function(
    scope: Any, frame: Frame, when: Callable[[Any], Any], branch: str, label: str | None
) -> tuple[Any, ...]:
    journal = frame.host.journal
    start = len(journal)
    failure: str | None = None
    matched = False
    try:
        matched = bool(when(scope))
    except Exception as error:  # noqa: BLE001  # a rule that raises is no match; its error is the evidence
        failure = _hide(frame, str(error))
    looks: list[Any] = []
    for entry in journal[start:]:
        if type(entry) is str:
            if entry:  # footprintjs takes a read of "" for one without a key
                looks += (entry, _seen(frame, entry, frame.lookup(entry)))
        elif entry[0] == READ_REDACTED:
            looks += (entry[1], (MARK, 1))
    return (branch, label, matched, failure, *looks)


def _hide(frame: Frame, text: str) -> str:
    redaction = frame.host.redaction
    return text if redaction is None else redaction.scrub(text)


def _seen(frame: Frame, key: str, actual: Any) -> Any:
    """What a rule saw, as evidence holds it: a short scalar, else a text."""
    redaction = frame.host.redaction
    if redaction is not None:
        if redaction.hides_evidence(key, actual):
            return (MARK, 1)
        return (redaction.scrub(_summary(actual)),)
    kind = type(actual)
    if kind is str:
        if len(actual) <= LONG and actual.isascii():
            return actual
    elif kind is int:
        if -SMALL < actual < SMALL:
            return actual
    elif kind is bool or actual is None or (kind is float and actual - actual == 0.0):
        return actual
    return (_summary(actual),)


def _summary(value: Any) -> str:
    from footpath.values import summarize  # rules compare scalars, as a rule

    return summarize(value)


def _try_filter(frame: Frame, when: Mapping[str, Any], branch: str, label: str | None) -> tuple[Any, ...]:
    conditions: list[Any] = [branch, label, False]
    matched = True
    redaction = frame.host.redaction
    for name in in_js_order(when):
        wanted = when[name]
        key = name if type(name) is str else str(name)  # as JavaScript has it
        if key in RESERVED:
            matched = False
            continue
        if isinstance(wanted, (list, tuple)):
            wanted = {str(index): threshold for index, threshold in enumerate(wanted)}
        if not isinstance(wanted, dict):
            continue
        actual = frame.read(key)
        kind = type(actual)
        if kind not in _AS_THEY_ARE:
            actual = frame.lookup(key)
        # What `_seen` and `record` would say of the commonest scalars, without asking them.
        seen = actual if kind is int and redaction is None and -SMALL < actual < SMALL else _seen(frame, key, actual)
        for op, threshold in wanted.items():
            compare = _OPERATORS.get(op)
            if op in _IN_LISTS and _length(threshold) > MOST_IN_LIST:
                return (branch, label, False, (f"in/notIn array exceeds maximum size of {MOST_IN_LIST}",))
            try:
                result = compare is not None and compare(actual, threshold)
            except Exception:  # noqa: BLE001  # an object of a class of its own; in JavaScript no comparison raises
                result = False
            if not result:
                matched = False
            shown: Any = threshold
            other = type(shown)
            if not ((other is int and -SMALL < shown < SMALL) or (other is str and shown.isascii()) or other is bool):
                shown = record(threshold)
            if redaction is not None:
                hidden = op in _HIDES_THRESHOLD and type(seen) is tuple and len(seen) > 1
                shown = MARK if hidden else redaction.scrub_recorded(shown)
            conditions.append(
                (key, op, shown, seen, result) if shown is not UNSET else (key, op, None, seen, result, 1)
            )
    conditions[2] = matched and len(conditions) > 3
    return tuple(conditions)


# ── comparing as footprintjs does ────────────────────────────────────────────────────────────────────────────────────
def strictly_equal(left: Any, right: Any) -> bool:
    """Equality without coercion: numbers by value, texts by text, True and None only with themselves, containers never."""
    kind, other = type(left), type(right)
    if kind is bool or other is bool:
        return kind is bool and other is bool and left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right
    if kind is str:
        return other is str and left == right
    return left is right and (left is None or left is ABSENT)


def _same_value(left: Any, right: Any) -> bool:
    return strictly_equal(left, right) or (
        type(left) is float and type(right) is float and math.isnan(left) and math.isnan(right)
    )


_JS_WHITESPACE = " \t\n\r\v\f\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


def _primitive(value: Any) -> Any:
    """A container as the text that JavaScript would compare."""
    if isinstance(value, (list, tuple)):
        return _array_text(value)
    return "[object Object]" if isinstance(value, dict) else _moment(value)


def _length(threshold: Any) -> int:
    """Of a list or tuple, also one of a class of its own; of anything else 0."""
    if isinstance(threshold, list):
        return list.__len__(threshold)
    return tuple.__len__(threshold) if isinstance(threshold, tuple) else 0


def _moment(value: Any) -> Any:
    """A point in time as milliseconds, any other value itself."""
    return value.timestamp() * 1000 if isinstance(value, datetime) else value


def _array_text(array: Any) -> str:
    """Items with commas between, arrays in it likewise; an array that stands in itself is empty there."""
    texts: list[str] = []
    todo: list[tuple[Any, Iterator[Any]]] = [(array, iter(array))]
    under = {id(array)}
    first = True
    while todo:
        box, items = todo[-1]
        item = next(items, _NO_MORE)
        if item is _NO_MORE:
            todo.pop()
            under.discard(id(box))
            first = False
            continue
        if not first:
            texts.append(",")
        first = False
        if isinstance(item, (list, tuple)):
            if id(item) not in under:
                under.add(id(item))
                todo.append((item, iter(item)))
                first = True
        elif isinstance(item, dict):
            texts.append("[object Object]")
        elif item is not None and item is not ABSENT:
            texts.append(_text(_moment(item)))
    return "".join(texts)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        from footpath.values import js_number

        return js_number(value)
    return str(value)


def _number(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, (bool, int, float)):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if isinstance(value, str):
        text = value.strip(_JS_WHITESPACE)
        if not text:
            return 0.0
        if text[:2].lower() in ("0x", "0o", "0b"):
            try:
                return float(int(text, 0))
            except ValueError:
                return math.nan
        if text in ("Infinity", "+Infinity", "-Infinity"):
            return math.inf if text[0] != "-" else -math.inf
        if text[-1:].isdigit() or text[-1:] == ".":
            try:
                return math.nan if "_" in text else float(text)
            except ValueError:
                return math.nan
    return math.nan


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(actual: Any, threshold: Any) -> bool:
        kind, other = type(actual), type(threshold)
        if (kind is int or kind is float) and (other is int or other is float):
            try:
                return test(float(actual), float(threshold))
            except OverflowError:
                pass
        if actual is ABSENT or threshold is ABSENT:
            return False
        left, right = _primitive(actual), _primitive(threshold)
        if isinstance(left, str) and isinstance(right, str):
            # JavaScript orders texts by UTF-16 unit, which differs from Python's order beyond the basic plane.
            return test(left.encode("utf-16-be", "surrogatepass"), right.encode("utf-16-be", "surrogatepass"))
        return test(_number(left), _number(right))

    return compare


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": strictly_equal,
    "ne": lambda actual, threshold: not strictly_equal(actual, threshold),
    "gt": _ordered(operator.gt),
    "gte": _ordered(operator.ge),
    "lt": _ordered(operator.lt),
    "lte": _ordered(operator.le),
    "in": lambda actual, threshold: (
        isinstance(threshold, (list, tuple)) and any(_same_value(actual, item) for item in threshold)
    ),
    "notIn": lambda actual, threshold: (
        not (isinstance(threshold, (list, tuple)) and any(_same_value(actual, item) for item in threshold))
    ),
}
