"""Rules with evidence: which were tried, what each looked at, what it saw."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct

from footpath.journal.entries import READ_REDACTED
from footpath.scope._compare import OPERATORS, length
from footpath.scope._frame import SMALL
from footpath.scope._scope import frame_of
from footpath.values import MARK, in_js_order, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from footpath.journal import DecisionEvidence, SelectionEvidence
    from footpath.scope._frame import Frame
    from footpath.scope._rules import DefaultBranch, Rule, RuleDict, State

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

_EXACT = 1 << 53
"""Integers up to it, in size, are the same number as a float: for others `OPERATORS` compares as JavaScript would, which has no more."""

_OF_NUMBERS = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_OF_TEXTS = {"eq": operator.eq, "ne": operator.ne}
"""What `OPERATORS` comes to for two numbers, and for two texts."""

_NOTHING: dict[str, Any] = {}

_HIDES_THRESHOLD = frozenset(("eq", "ne", "in", "notIn"))


class Decision(Struct, gc=False):
    """What `decide()` gives a decider to return: the branch id (None: no rule matched), and what the rules saw, as the journal holds it."""

    branch: str | None
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


def decide(
    scope: State, rules: Iterable[Rule[State] | RuleDict[State]], default: str | DefaultBranch | None = None
) -> Decision:
    """Try rules in order; the first that matches chooses the branch, else the default does.

    Every condition tried is recorded with what it saw. A rule that raises is no match, and its error is in the
    evidence.

    Args:
        scope: the scope the decider was called with.
        rules: `Rule`s, or mappings with `when`, `then` and, if wanted, `label`.
        default: a branch id, or `{"branch": id, "label": text}`. Without one the decider's own default runs
            (`set_default`), and the run fails if that has none either.

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
    default_branch: str | None
    if default is None or isinstance(default, str):
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
    if type(rule) is dict:
        try:
            when, branch, label = rule["when"], rule["then"], rule.get("label")
        except KeyError:
            raise _no_rule(index, rule) from None
    else:
        when, branch, label = _opened(index, rule)
    if type(when) is dict or not callable(when):
        return _try_filter(frame, when, branch, label)  # type: ignore[arg-type]
    return _try_function(scope, frame, when, branch, label)


def _opened(index: int, rule: Any) -> tuple[Any, str, str | None]:
    """The parts of a `Rule`, or of a mapping of another kind than a dict."""
    from footpath.scope._rules import Rule  # loaded already by whoever made one

    if isinstance(rule, Rule):
        known: Rule[Any] = rule
        return known.when, known.then, known.label
    try:
        return rule["when"], rule["then"], rule.get("label")
    except (KeyError, TypeError, IndexError, AttributeError):
        raise _no_rule(index, rule) from None


def _no_rule(index: int, rule: Any) -> TypeError:
    return TypeError(f'rule {index} needs "when" and "then", but is {rule!r:.120}')


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
        from footpath.values import error_text

        failure = _hide(frame, error_text(error))
    tried: list[Any] = [branch, label, matched, failure]
    for entry in journal[start:]:
        if isinstance(entry, str):
            if entry:  # footprintjs takes a read of "" for one without a key
                tried += (str.__str__(entry), _seen(frame, entry, frame.lookup(entry)))
        elif entry[0] == READ_REDACTED:
            tried += (entry[1], (MARK, 1))
    return tuple(tried)


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
    # Here and below, what would be said of the commonest scalars, without asking: a call takes longer than a
    # comparison.
    quick = frame.quick
    values = _NOTHING if quick is None or frame.staged else frame.base
    for name in in_js_order(when):
        wanted = when[name]
        key = name if type(name) is str else str(name)  # as JavaScript has it
        if key in RESERVED:
            matched = False
            continue
        if type(wanted) is not dict:
            if isinstance(wanted, (list, tuple)):
                wanted = {str(index): threshold for index, threshold in enumerate(wanted)}
            elif not isinstance(wanted, dict):
                continue
        actual: Any = values.get(key)
        kind = type(actual)
        if kind in _AS_THEY_ARE:
            quick(key)  # type: ignore[misc]  # there are no values without it
        else:
            key = key if key.isascii() else frame.host.spell(key)
            actual = frame.read(key)
            kind = type(actual)
            if kind not in _AS_THEY_ARE:
                actual = frame.lookup(key)
        counts = (kind is int and -_EXACT <= actual <= _EXACT) or (kind is float and actual - actual == 0.0)
        seen = actual
        if redaction is not None or not (counts or (kind is str and len(actual) <= LONG and actual.isascii())):
            seen = _seen(frame, key, actual)
        for op, threshold in wanted.items():
            other = type(threshold)
            if (other is int and -_EXACT <= threshold <= _EXACT) or (other is float and threshold - threshold == 0.0):
                shown = threshold
                test = _OF_NUMBERS.get(op) if counts else None
            else:
                shown = record(threshold)
                test = _OF_TEXTS.get(op) if kind is str and other is str else None
            if test is not None:
                result = test(actual, threshold)
            else:
                if op in _IN_LISTS and length(threshold) > MOST_IN_LIST:
                    return (branch, label, False, (f"in/notIn array exceeds maximum size of {MOST_IN_LIST}",))
                compare = OPERATORS.get(op)
                try:
                    result = compare is not None and compare(actual, threshold)
                except Exception:  # noqa: BLE001  # an object of a class of its own; in JavaScript no comparison raises
                    result = False
            if not result:
                matched = False
            if redaction is not None:
                hidden = op in _HIDES_THRESHOLD and type(seen) is tuple and len(seen) > 1
                shown = MARK if hidden else redaction.scrub_recorded(shown)
            conditions.append(
                (key, op, shown, seen, result) if shown is not UNSET else (key, op, None, seen, result, 1)
            )
    conditions[2] = matched and len(conditions) > 3
    return tuple(conditions)
