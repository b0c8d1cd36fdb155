from __future__ import annotations

import copy
import gc
import inspect
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Raw

import footpath.values
from footpath.values import ABSENT, MAX_DEPTH, encode_json, is_json, is_recorded_as, plain, record, revive
from footpath.values._tags import type_name
from tests.unit.values._kinds import (
    LOSSLESS,
    LOSSY,
    SUBCLASSED,
    TYPES,
    Family,
    Order,
    Point,
    RaisingField,
    anything,
    bomb,
    json_scalars,
    lossless,
    nested,
    plain_json,
    ring,
)

ENGINE = Path(footpath.values.__file__).parents[2]


def text_of(value: Any) -> str:
    recorded = record(value)
    return bytes(recorded).decode() if type(recorded) is Raw else json.dumps(recorded)


def depth_of(text: str) -> int:
    depth = deepest = 0
    for token in text:  # no brackets in the strings of these tests
        depth += (token in "[{") - (token in "]}")
        deepest = max(deepest, depth)
    return deepest


@pytest.mark.parametrize("name", LOSSLESS)
def test_every_lossless_kind_comes_back_equal_and_of_its_type(name: str) -> None:
    """Nothing that JSON can't hold is lost in a JSON type that looks like it."""
    value = LOSSLESS[name]
    back = revive(record(value), TYPES)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("name", LOSSLESS)
def test_kinds_come_back_from_inside_of_containers_too(name: str) -> None:
    """The check is made all the way down, in small values and in wide ones."""
    value = LOSSLESS[name]
    for box in ({"a": [value]}, [{"n": n, "v": value if n == 90 else 0} for n in range(100)]):
        assert revive(record(box), TYPES) == box


@given(value=lossless)
def test_values_of_all_lossless_kinds_survive_the_way_there_and_back(value: Any) -> None:
    """`revive` undoes `record`."""
    assert revive(record(value), TYPES) == value


@pytest.mark.parametrize("name", LOSSY)
def test_what_nothing_can_hold_is_marked_lossy(name: str) -> None:
    """A stage never sees an error from recording, and a reader sees what the value was."""
    form = plain(record(LOSSY[name]))
    assert list(form) == ["$footpath", "type", "text"]
    assert form["$footpath"] == "lossy"
    assert len(form["text"]) <= 200
    assert " at 0x" not in form["text"]
    assert plain(record([LOSSY[name]])) == [form]


@pytest.mark.parametrize("name", SUBCLASSED)
def test_subclasses_of_json_types_are_recorded_as_those(name: str) -> None:
    """The class of a container or scalar that JSON does hold is not kept."""
    value, expected = SUBCLASSED[name]
    assert plain(record(value)) == expected
    assert plain(record({"x": value})) == {"x": expected}


@given(value=anything)
def test_recording_never_raises_and_gives_readable_json(value: Any) -> None:
    """Whatever a stage writes."""
    recorded = record(value)
    if type(recorded) is Raw:
        assert json.loads(bytes(recorded)) == msgspec.json.decode(recorded)
    elif recorded is not UNSET:
        assert recorded is None or type(recorded) in (str, int, float, bool)
        assert json.loads(msgspec.json.encode(recorded)) == recorded


@given(value=plain_json)
def test_plain_json_is_recorded_as_msgspec_writes_it(value: Any) -> None:
    """Ordinary data carries no tags and keeps its order, unless a key reads like one."""
    recorded = record(value)
    if type(value) in (dict, list):
        assert "$footpath" in str(value) or bytes(recorded) == msgspec.json.encode(value)
    assert type(recorded) is Raw or recorded is value


@given(value=lossless)
def test_the_quick_way_is_taken_only_where_nothing_is_lost(value: Any) -> None:
    """Canary of `scan`: what it lets through decodes to the same value, types included, and back to the same bytes."""
    if type(value) not in (dict, list):
        return
    encoded = encode_json(value)
    if encoded is not None:
        assert typed(json.loads(encoded)) == typed(value)


def typed(value: Any) -> Any:
    """A value with its types spelled out: 1, 1.0 and True differ."""
    if isinstance(value, dict):
        return dict, [(key, typed(part)) for key, part in value.items()]
    if isinstance(value, (list, tuple)):
        return list, [typed(part) for part in value]
    return type(value), value


WIDE: dict[str, Any] = {
    "a set in a wide list": [*range(500), {1}],
    "bytes in a wide list": [*range(500), b"x"],
    "a NaN in a wide list": [*[0.5] * 500, float("nan"), None],
    "an infinity beside None": [{"a": 1.0, "b": None} for _ in range(100)] + [{"a": float("inf"), "b": None}],
    "an int key in one of many rows": [{"a": 1} for _ in range(100)] + [{1: 1}],
    "a dict that once had an int key": [{"a": 1} for _ in range(100)],
    "a date deep in one of many rows": [{"a": {"b": [n]}} for n in range(100)] + [{"a": {"b": [Decimal(1)]}}],
    "a bool key in a wide dict": {**{f"k{n}": n for n in range(500)}, True: 1},
    "half a pair in a wide list": ["a"] * 500 + ["\ud800"],
    "a huge int in a wide list": [*range(500), 10**5000],
    "a tuple of dates": tuple(datetime(2026, 1, 1, tzinfo=UTC) for _ in range(100)),
}
WIDE["a dict that once had an int key"][50][1] = 0
del WIDE["a dict that once had an int key"][50][1]


@pytest.mark.parametrize("name", WIDE)
def test_a_single_odd_part_in_a_wide_value_is_found(name: str) -> None:
    """The C-speed scan looks at every part, key and number."""
    value = WIDE[name]
    back = revive(record(value))
    expected = list(value) if type(value) is tuple else value
    assert repr(back) == repr(expected) if "NaN" in name else back == expected
    assert (encode_json(value) is None) is (name != "a dict that once had an int key")


def test_the_scan_relies_on_the_collector_to_show_every_part() -> None:
    """`gc.get_referents` gives all items of lists and tuples and all values of dicts, also those it never collects."""
    parts = ["text", 7, 0.5, None, True, b"bytes", Decimal(1), datetime(2026, 1, 1, tzinfo=UTC), frozenset()]
    for box in (list(parts), tuple(parts), {f"k{n}": part for n, part in enumerate(parts)}, dict(enumerate(parts))):
        found = gc.get_referents(box)
        assert all(any(part is other for other in found) for part in parts)


def test_absent_members_and_items_are_recorded_as_such() -> None:
    """Absent differs from None inside of containers, too; a declared field that is not set is left out."""
    absent = '{"$footpath":"absent"}'
    value = {"a": ABSENT, "b": [ABSENT, 1], "c": UNSET}
    assert text_of(value) == f'{{"a":{absent},"b":[{absent},1],"c":{absent}}}'
    assert revive(record(value)) == {"a": ABSENT, "b": [ABSENT, 1], "c": ABSENT}
    assert record(ABSENT) is UNSET
    assert text_of({1: ABSENT, 2: 3}) == f'{{"$footpath":"dict","value":[[1,{absent}],[2,3]]}}'
    assert (
        text_of(Point(1, ABSENT)) == '{"$footpath":"dataclass","type":"tests.unit.values._kinds:Point","value":{"x":1}}'
    )


def test_keys_keep_their_order() -> None:
    """A Python dict's own, which the narrative shows."""
    assert text_of({"b": 1, "a": 2, "10": 3}) == '{"b":1,"a":2,"10":3}'
    assert text_of({"b": 1, "a": {2}}) == '{"b":1,"a":{"$footpath":"set","value":[2]}}'


def test_a_sets_order_does_not_depend_on_the_process() -> None:
    """The same input gives the same bytes."""
    assert text_of({"b", "a", "c"}) == '{"$footpath":"set","value":["a","b","c"]}'


def test_scalars_are_recorded_by_reference() -> None:
    """No copy, no wrapper: most writes are scalars."""
    for value in ("x" * 1000, "é", 12, 1.5, True, None):
        assert record(value) is value


def test_a_dict_that_looks_like_a_tagged_form_is_not_taken_for_one() -> None:
    """Whatever a stage writes, only Footpath makes tags."""
    fake = {"$footpath": "lossy", "type": "x", "text": "y"}
    assert plain(record(fake)) == {"$$footpath": "lossy", "type": "x", "text": "y"}
    assert revive(record(fake)) == fake


# ── depth, cycles, sharing ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("shell", [list, dict, tuple])
def test_nesting_up_to_the_limit_is_plain_json(shell: type) -> None:
    """At most `MAX_DEPTH` levels, so that every reader can read what is written."""
    assert text_of(nested(MAX_DEPTH, shell)).startswith("[" if shell is not dict else "{")
    assert "graph" not in text_of(nested(MAX_DEPTH, shell))
    assert text_of(nested(MAX_DEPTH + 1, shell)).startswith('{"$footpath":"graph"')


@pytest.mark.parametrize("make", [nested, lambda depth: nested(depth, dict), lambda depth: _points(depth)])
def test_three_thousand_levels_come_back(make: Any) -> None:
    """Too deep for JSON readers, so it is written flat."""
    recorded = record(make(3000))
    assert depth_of(bytes(recorded).decode()) <= 8
    back, levels = revive(recorded, TYPES), 0
    while back != 0:
        back = back[0] if isinstance(back, list) else back["a"] if isinstance(back, dict) else back.x
        levels += 1
    assert levels == 3000


def _points(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = Point(value, None)
    return value


@pytest.mark.parametrize(
    "wrap", [lambda inner: {"v": {1: inner}}, lambda inner: Order(1, [inner]), lambda inner: Point(inner, 1)]
)
def test_tagged_forms_count_all_their_levels(wrap: Any) -> None:
    """A dict of pairs is three levels of JSON, a dataclass two."""
    value: Any = 0
    for _ in range(99):
        value = wrap(value)
        assert depth_of(text_of(value)) <= MAX_DEPTH + 3


def test_a_value_that_holds_itself_comes_back_holding_itself() -> None:
    """A cycle is a graph."""
    back = revive(record(ring()))
    assert back[1]["again"] is back
    both: dict[Any, Any] = {(1, ("x",)): "tuple", frozenset({Point(1, (2,))}): "frozen", "set": {Point(3, 4), (5,)}}
    both["again"] = both
    back = revive(record(both), TYPES)
    assert back.pop("again") is back
    assert back == {key: value for key, value in both.items() if key != "again"}
    root = Family("root")
    child = Family("child", root)
    root.children.append(child)
    back = revive(record(root), TYPES)
    assert back.children[0].parent is back
    assert revive(record(root)).value["children"][0].value["parent"].type.endswith(":Family")


@given(value=lossless)
def test_all_kinds_survive_inside_of_a_graph(value: Any) -> None:
    """The flat form holds what the tree form holds."""
    ring: list[Any] = [value]
    ring.append(ring)
    back = revive(record(ring), TYPES)
    assert back[1] is back
    assert back[0] == value


@pytest.mark.parametrize("name", LOSSLESS)
def test_every_kind_survives_inside_of_a_graph(name: str) -> None:
    """With its type."""
    test_all_kinds_survive_inside_of_a_graph.hypothesis.inner_test(LOSSLESS[name])  # type: ignore[attr-defined]


def test_a_value_that_repeats_its_parts_endlessly_is_recorded_by_its_parts() -> None:
    """2**60 items written out, sixty lists in memory."""
    assert len(bytes(record(bomb()))) < 10_000
    assert len(bytes(record({"x": {1}, "y": bomb()}))) < 10_000
    assert len(bytes(record({"x": tuple(bomb())}))) < 10_000


def test_a_part_used_twice_is_written_twice() -> None:
    """Sharing alone is no reason for a graph: readers see a plain tree."""
    row = {"a": 1}
    assert text_of([row, row]) == '[{"a":1},{"a":1}]'
    assert bytes(record([row] * 50_000)) == msgspec.json.encode([row] * 50_000)


def test_recording_works_where_the_stack_is_nearly_used_up() -> None:
    """A stage may be deep in a recursion of its own when it writes."""
    value = {"a": nested(60), "b": {1, 2}}

    def dive(levels: int) -> Any:
        return record(value) if levels == 0 else dive(levels - 1)

    used = len(inspect.stack())
    for left in (60, 90, 120, 200):
        recorded = dive(sys.getrecursionlimit() - used - left)
        assert type(recorded) is Raw
        json.loads(bytes(recorded))


# ── isolation ──────────────────────────────────────────────────────────────────────────────────────────────────────
@given(value=anything, data=st.data())
def test_a_recorded_value_is_not_changed_by_later_changes(value: Any, data: st.DataObject) -> None:
    """Law 8: the record is a copy."""
    box = {"value": value, "list": [1, [2]], "dict": {"a": {"b": [3]}}}
    recorded = record(box)
    before = bytes(recorded)
    box["list"][1].append("changed")
    box["dict"]["a"]["b"].clear()
    if issubclass(type(value), dict):  # not by what it says that it is
        dict.__setitem__(value, "changed", True)
    if issubclass(type(value), list):
        list.append(value, "changed")
    assert bytes(recorded) == before


def test_plain_gives_a_private_copy_each_time() -> None:
    """A recorder that changes what it was given changes nothing for anyone else."""
    recorded = record({"a": [1]})
    plain(recorded)["a"].append(2)
    assert plain(recorded) == {"a": [1]}
    assert plain(UNSET) is None


def test_no_value_is_copied_by_way_of_deepcopy() -> None:
    """An object's own `__deepcopy__`, `__reduce__` or `__copy__` is never called."""

    class Guarded:
        def __reduce_ex__(self, protocol: Any) -> Any:
            raise AssertionError

        __deepcopy__ = __copy__ = __reduce_ex__

        def __repr__(self) -> str:
            return "guarded"

    with pytest.raises(AssertionError):
        copy.deepcopy(Guarded())
    assert plain(record([Guarded()]))[0]["text"] == "guarded"


def test_a_dict_that_another_thread_changes_does_not_break_recording() -> None:
    """The stage gets no error; the record is one of the states, or marked."""
    shared: dict[str, Any] = {f"k{n}": {n} for n in range(2000)}
    stop = threading.Event()

    def stir() -> None:
        n = 0
        while not stop.is_set():
            shared[f"x{n % 50}"] = n
            shared.pop(f"x{(n + 25) % 50}", None)
            n += 1

    thread = threading.Thread(target=stir)
    thread.start()
    try:
        for _ in range(20):
            assert type(record(shared)) is Raw
    finally:
        stop.set()
        thread.join()


# ── the dirty check ────────────────────────────────────────────────────────────────────────────────────────────────
@given(value=lossless)
def test_an_unchanged_value_still_encodes_to_its_record(value: Any) -> None:
    """No false alarm at a commit."""
    assert is_recorded_as(value, record(value))


@given(value=plain_json, other=plain_json)
def test_a_changed_value_is_noticed(value: Any, other: Any) -> None:
    """Every change of content shows."""
    box = {"a": value}
    recorded = record(box)
    box["a"] = other
    assert is_recorded_as(box, recorded) is (bytes(record(box)) == bytes(recorded))


def test_changes_inside_tagged_values_are_noticed() -> None:
    """A set that grows is a change as well."""
    box = {"tags": {1}, "when": datetime(2026, 1, 1, tzinfo=UTC)}
    recorded = record(box)
    assert is_recorded_as(box, recorded)
    box["tags"].add(2)
    assert not is_recorded_as(box, recorded)
    assert is_recorded_as(5, 5)
    assert not is_recorded_as(True, 1)
    assert not is_recorded_as(5, record([5]))
    assert not is_recorded_as(float("nan"), record([5]))


def test_is_json_knows_plain_values() -> None:
    """Exact types, all through."""
    assert is_json({"a": [1, (2.5, None, True, "x")]})
    assert not is_json({"a": {1}})
    assert not is_json({1: 2})
    assert not is_json(Decimal(1))
    assert is_json("x")


# ── classes of the stage's own ─────────────────────────────────────────────────────────────────────────────────────
def test_models_are_recorded_by_their_fields_without_calling_them() -> None:
    """Pydantic's shape, old and new: declared fields and extra ones; no method of the model's is run."""

    class Model:
        model_fields: ClassVar[dict[str, Any]] = {"name": None, "unset": None}

        def __init__(self) -> None:
            self.name = "Ada"
            self.private = "not a field"
            self.__pydantic_extra__ = {"more": {1}}

        def model_dump(self) -> Any:
            raise AssertionError

    form = plain(record(Model()))
    assert (form["$footpath"], form["value"]) == ("model", {"name": "Ada", "more": {"$footpath": "set", "value": [1]}})

    class OldModel:
        __fields__: ClassVar[dict[str, Any]] = {"a": None}
        a = 1

    assert plain(record(OldModel()))["value"] == {"a": 1}


def test_attrs_classes_are_recorded_by_their_fields() -> None:
    """Known by the attribute that attrs leaves on them."""

    class Field:
        name = "x"

    class Attrs:
        __attrs_attrs__ = (Field(),)
        x = 5

    assert plain(record(Attrs())) == {"$footpath": "attrs", "type": type_name(Attrs), "value": {"x": 5}}


def test_one_part_that_raises_is_marked_and_the_rest_is_recorded() -> None:
    """A broken property does not cost the whole record."""
    form = plain(record({"good": [1], "bad": RaisingField()}))
    assert form["good"] == [1]
    assert form["bad"]["$footpath"] == "lossy"


def test_the_same_object_gives_the_same_bytes_in_every_process() -> None:
    """Law 4: no addresses, no hash order."""
    program = (
        "from footpath.values import record\n"
        "print(bytes(record({'f': len, 'o': object(), 's': {'b', 'a', 'c', 'd'}, 'k': {(1, 'x'): {frozenset('ab')}}})))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ENGINE)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


def test_a_key_that_holds_itself_is_refused() -> None:
    """`record` never writes one."""
    ref = {"$footpath": "ref", "value": 1}
    with pytest.raises(ValueError, match="holds itself"):
        revive(
            {
                "$footpath": "graph",
                "value": [{"$footpath": "dict", "value": [[{"$footpath": "frozenset", "value": [ref]}, 1]]}, [ref]],
            }
        )


@pytest.mark.parametrize(
    "form",
    [
        {"$footpath": "nope", "value": 1}, {"$footpath": 5}, {"$footpath": ["x"]}, {"$footpath": "lossy"}, {"$footpath": "decimal"},
        {"$footpath": "decimal", "value": "zz"}, {"$footpath": "datetime", "value": 5}, {"$footpath": "date", "value": "x"},
        {"$footpath": "set", "value": 5}, {"$footpath": "set", "value": [{}]}, {"$footpath": "dict", "value": [[1]]},
        {"$footpath": "graph", "value": []}, {"$footpath": "graph", "value": 5}, {"$footpath": "ref", "value": 3},
        {"$footpath": "enum", "value": 1}, {"$footpath": "bytes", "value": "*"}, {"$footpath": "range", "value": [1, 2, 0]},
        {"$footpath": "int", "value": "xyz"}, {"$footpath": "complex", "value": [1]}, {"$footpath": "float", "value": "NaNaN"},
        {"$footpath": "timedelta", "value": 10**30}, {"$footpath": "graph", "value": [{"$footpath": "ref", "value": 7}]},
        {"$footpath": "graph", "value": [{"$footpath": "frozenset", "value": 5}]},
    ],
)  # fmt: skip
def test_a_form_that_nobody_writes_is_refused(form: Any) -> None:
    """A trace comes from a queue; what is wrong with it is said, whatever it is."""
    for value in (form, [form], {"a": {"b": form}}):
        with pytest.raises(ValueError, match="not a tagged form that footpath writes"):
            revive(value)


_keys = st.sampled_from(["$footpath", "value", "type", "name", "a"])
_kinds = st.sampled_from(
    ["graph", "set", "dict", "ref", "enum", "dataclass", "deque", "frozenset", "namedtuple", "lossy"]
)


@given(
    value=st.recursive(
        json_scalars | _kinds,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner | _kinds, max_size=4),
        max_leaves=12,
    )
)
def test_hostile_forms_are_revived_or_refused(value: Any) -> None:
    """Nothing but a ValueError."""
    with suppress(ValueError):
        revive(value, TYPES)


@pytest.mark.parametrize(("limit", "digits"), [(640, 1000), (640, 5000), (0, 5000), (6000, 5000), (0, 1000)])
def test_an_integer_can_be_read_back_whatever_length_the_process_allows(limit: int, digits: int) -> None:
    """A program may set Python's limit between int and text lower or higher; msgspec reads 4,300 digits whatever it is."""
    number = 10**digits
    usual = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(limit)
    try:
        forms = [record(value) for value in (number, -number, [1, number], {"a": {"b": (number,)}})]
        encoded = [msgspec.json.encode(form) for form in forms]
    finally:
        sys.set_int_max_str_digits(usual)
    told = [revive(msgspec.json.decode(text)) for text in encoded]
    assert told == [number, -number, [1, number], {"a": {"b": [number]}}]
