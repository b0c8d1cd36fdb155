from __future__ import annotations

import copy
import heapq
import json
import operator
import pickle
from collections import OrderedDict
from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from footpath.state import TrackedDict, TrackedList, capture, is_echo, is_tracked, settle, track, untracked
from footpath.values import ABSENT, plain, record
from tests.property._budget import examples
from tests.unit.state._owner import RecordingOwner
from tests.unit.values._kinds import plain_json, texts

CUSTOMER = {
    "name": "Ada",
    "address": {"zip": "1", "city": "X", "tags": [1, 2]},
    "items": [{"sku": "p", "q": 1}],
    "n": None,
    "num": 5,
}


def stage(**state: Any) -> tuple[Any, RecordingOwner]:
    """A stage over some state; a read of the first key, and the owner."""
    owner = RecordingOwner(**copy.deepcopy(state))
    key = next(iter(state))
    return track(owner.state[key], owner, key), owner


# ── as the reference: which change is an update, which a set ───────────────────────────────────────────────────────
def test_an_assignment_along_objects_is_an_update_with_a_nested_patch() -> None:
    """`scope.c.address.zip = "2"`."""
    view, owner = stage(c=CUSTOMER)
    view["address"]["zip"] = "2"
    view["vip"] = True
    view["address"] = None
    assert owner.events == [
        ("update", "c", {"address": {"zip": "2"}}),
        ("update", "c", {"vip": True}),
        ("update", "c", {"address": None}),
    ]


def test_an_assigned_object_is_merged() -> None:
    """The reference keeps the members that the new object lacks, and unites its lists."""
    view, owner = stage(c=CUSTOMER)
    view["address"] = {"zip": "9", "tags": [7]}
    assert owner.events == [("update", "c", {"address": {"zip": "9", "tags": [7]}})]
    assert view["address"] == {"zip": "9", "city": "X", "tags": [1, 2, 7]}


def test_an_assigned_list_sets_the_whole_root() -> None:
    """A merge would unite it with the old one."""
    for array in ([3], (3,)):
        view, owner = stage(c=CUSTOMER)
        view["address"]["tags"] = array
        ((operation, _, value),) = owner.events
        assert operation == "set"
        assert value == {**CUSTOMER, "address": {"zip": "1", "city": "X", "tags": array}}


def test_a_change_below_a_list_sets_the_whole_root() -> None:
    """A patch can't name an item."""
    view, owner = stage(l=[{"a": {"b": 1}}])
    view[0]["a"]["b"] = 2
    view[0]["a"]["arr"] = [1]
    del view[0]["a"]["b"]
    assert owner.events == [
        ("set", "l", [{"a": {"b": 2}}]),
        ("set", "l", [{"a": {"b": 2, "arr": [1]}}]),
        ("set", "l", [{"a": {"arr": [1]}}]),
    ]


def test_an_object_assigned_below_a_list_replaces() -> None:
    """No merge there, in the reference either."""
    view, owner = stage(l=[{"x": 1, "k": 1}])
    view[0] = {"x": 2}
    view[0]["m"] = {"z": 1}
    view[0]["m"] = {"y": 1}
    assert owner.state["l"] == [{"x": 2, "m": {"y": 1}}]
    assert [operation for operation, _, _ in owner.events] == ["set"] * 3


def test_a_deleted_member_sets_the_whole_root() -> None:
    """`delete scope.c.address.zip`."""
    view, owner = stage(c={"a": {"x": 1, "y": 2}})
    del view["a"]["x"]
    assert owner.events == [("set", "c", {"a": {"y": 2}})]
    with pytest.raises(KeyError):
        del view["a"]["ghost"]
    assert len(owner.events) == 1


def test_an_absent_member_is_an_update_and_stays_as_a_member() -> None:
    """`scope.o.a = undefined` keeps the key."""
    view, owner = stage(o={"a": {"x": 1}})
    view["a"] = ABSENT
    assert owner.events == [("update", "o", {"a": ABSENT})]
    assert list(view) == ["a"]
    assert plain(record(owner.state["o"])) == {"a": {"$footpath": "absent"}}


def test_an_update_with_several_members_is_told_one_by_one() -> None:
    """As `Object.assign`."""
    view, owner = stage(o={"a": 1})
    view.update({"b": 2, "c": [1]}, d={"e": 1})
    assert owner.events == [
        ("update", "o", {"b": 2}),
        ("set", "o", {"a": 1, "b": 2, "c": [1]}),
        ("update", "o", {"d": {"e": 1}}),
    ]


def test_scalars_lists_and_objects_may_follow_each_other() -> None:
    """Every step as the reference has it, an object over a list included."""
    view, owner = stage(o={"a": 1})
    view["a"] = {"b": {"c": 1}}
    view["a"]["b"]["c"] = 2
    view["a"] = 3
    view["a"] = [1]
    view["a"].append(2)
    view["a"] = {"x": 1}
    view["a"]["x"] = 2
    assert owner.state["o"] == {"a": {"0": 1, "1": 2, "x": 2}}
    assert [operation for operation, _, _ in owner.events] == [
        "update",
        "update",
        "update",
        "set",
        "set",
        "update",
        "update",
    ]


# ── views of one place ─────────────────────────────────────────────────────────────────────────────────────────────
def test_views_of_one_place_show_one_content() -> None:
    """Whichever of them changed it, lists too."""
    view, owner = stage(o={"xs": [1, 2], "k": {"a": 1}})
    other = track(owner.state["o"], owner, "o")
    one, two, kin = view["xs"], other["xs"], view["k"]
    one.append(3)
    two.append(4)
    other["k"]["a"] = 5
    kin["b"] = 6
    assert list(one) == list(two) == view["xs"] == [1, 2, 3, 4]
    assert dict(kin) == other["k"] == {"a": 5, "b": 6}
    assert len(one) == len(two) == 4
    assert repr(kin) == "{'a': 5, 'b': 6}"
    assert "b" in other["k"]


def test_a_view_shows_what_was_written_to_its_key_since() -> None:
    """Views are places: `scope.c = {...}` shows in a view taken before."""
    view, owner = stage(c=CUSTOMER)
    address = view["address"]
    owner.state["c"] = {"address": {"zip": "new"}, "z": 1}
    assert address["zip"] == "new"
    assert "name" not in view
    address["zip"] = "by the old view"
    assert owner.state["c"] == {"address": {"zip": "by the old view"}, "z": 1}


def test_a_view_of_an_item_shows_what_is_at_its_index_now() -> None:
    """As the reference: item 0 is item 0."""
    view, owner = stage(l=[{"x": 1}, {"x": 2}])
    first, second = view[0], view[1]
    assert view.pop(0) == {"x": 1}
    assert first["x"] == 2
    first["x"] = 9
    assert owner.state["l"] == [{"x": 9}]
    with pytest.raises(IndexError, match=r"nothing stands at l\[1\] any more"):
        second["x"] = 3
    assert second == {"x": 2}


def test_an_object_that_is_gone_comes_back_when_it_is_written() -> None:
    """Reads show what was seen last, a write starts anew, as in the reference."""
    view, owner = stage(c={"a": {"b": 1}})
    inner = view["a"]
    owner.state["c"] = 5
    assert inner == {"b": 1}
    inner["b"] = 2
    assert owner.state["c"] == {"a": {"b": 2}}
    owner.state["c"] = ABSENT
    inner["d"] = [3]
    assert owner.state["c"] == {"a": {"b": 2, "d": [3]}}


def test_a_list_that_is_gone_is_empty() -> None:
    """A push starts it anew."""
    view, owner = stage(o={"l": [1]})
    inner = view["l"]
    owner.state["o"] = 5
    assert inner == []
    assert len(inner) == 0
    inner.append(2)
    assert owner.state["o"] == {"l": [2]}


def test_the_state_keeps_no_views() -> None:
    """A view that is written elsewhere is a copy, also inside of other values."""
    view, owner = stage(o={"a": {"x": 1}, "l": [[1]]})
    view["b"] = view["a"]
    view["b"]["x"] = 7
    view["c"] = {"deep": (view["a"], [view["l"]])}
    view["l"].append(view["l"][0])
    view["l"][1].append(2)
    view["self"] = view
    assert not holds_views(owner.state["o"])
    assert owner.state["o"]["a"] == {"x": 1}
    assert owner.state["o"]["b"] == {"x": 7}
    assert owner.state["o"]["l"] == [[1], [1, 2]]
    assert owner.state["o"]["self"]["c"] == {"deep": ({"x": 1}, [[[1]]])}


def holds_views(value: Any) -> bool:
    if is_tracked(value):
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return any(holds_views(part) for part in parts)


def test_reading_costs_no_event() -> None:
    """The read of the root key was the event."""
    view, owner = stage(c=CUSTOMER)
    _ = view["address"]["tags"][0], view.get("nope"), len(view), "name" in view, list(view.items()), sorted(view)
    _ = copy.deepcopy(view), json.dumps(view), view == {}, {**view}, view["items"].index({"sku": "p", "q": 1})
    assert owner.events == []


def test_nothing_that_is_taken_out_leads_back_into_the_state() -> None:
    """What a stage does with it changes no recorded value."""
    view, owner = stage(o={"l": [{"a": [1]}, {"a": [2]}], "d": {"x": {"y": [3]}}})
    before = copy.deepcopy(owner.state)
    committed = owner.state["o"]
    taken = [view["l"].pop(), view["d"].pop("x"), view["l"].pop(0), view.popitem()[1], untracked(view)]
    kept = owner.state["o"]
    for part in taken:
        if isinstance(part, dict):
            part["changed"] = True
            part.get("a", []).append("changed")
            part.get("y", []).append("changed")
    assert owner.state["o"] is kept
    assert kept == {"l": []}
    assert committed == before["o"]
    view, owner = stage(**before)
    own = untracked(view)
    own["l"][0]["a"].append(9)
    assert owner.state == before


# ── as Python: views are dicts and lists ───────────────────────────────────────────────────────────────────────────
def test_views_are_dicts_and_lists() -> None:
    """`isinstance`, equality, hashing and truth are those of the containers."""
    view, _ = stage(c=CUSTOMER)
    assert isinstance(view, dict)
    assert isinstance(view["items"], list)
    assert type(view) is TrackedDict
    assert type(view["items"]) is TrackedList
    assert view == CUSTOMER
    assert CUSTOMER == view  # noqa: SIM300  # the other way round
    assert view["items"] == CUSTOMER["items"]
    assert CUSTOMER["items"] == view["items"]
    assert not view != CUSTOMER  # noqa: SIM202
    assert view
    assert [1, 1] < view["address"]["tags"] < [1, 3]
    assert [1, 2] <= view["address"]["tags"] <= [1, 2]
    for part in (view, view["items"]):
        with pytest.raises(TypeError):
            hash(part)


def test_encoders_take_views_for_plain_values() -> None:
    """Json (C and Python), msgspec and `record`."""
    view, _ = stage(c=CUSTOMER)
    assert json.loads(json.dumps(view)) == CUSTOMER
    assert json.loads(json.dumps(view, indent=1)) == CUSTOMER
    assert msgspec.json.decode(msgspec.json.encode(view)) == CUSTOMER
    assert plain(record(view)) == plain(record([view]))[0] == CUSTOMER


@pytest.mark.parametrize("duplicate", [copy.deepcopy, untracked, lambda view: pickle.loads(pickle.dumps(view))])
def test_deep_copies_are_plain(duplicate: Any) -> None:
    """Exact dicts and lists, all the way down."""
    view, _ = stage(c=CUSTOMER)
    for part, original in ((view, CUSTOMER), (view["items"], CUSTOMER["items"])):
        got = duplicate(part)
        assert type(got) in (dict, list)
        assert got == original
        assert not holds_views(got)


def test_shallow_copies_hold_views() -> None:
    """As a shallow copy of a dict holds the dict's own parts."""
    view, owner = stage(c=CUSTOMER)
    shallow = [
        copy.copy(view), view.copy(), dict(view), {**view}, view | {}, {} | view, dict(view.items()),
        OrderedDict(view), {key: view[key] for key in view}, dict(zip(view, view.values(), strict=True)),
    ]  # fmt: skip
    for got in shallow:
        assert not is_tracked(got)
        assert got == CUSTOMER
        assert is_tracked(got["address"])
        got["own"] = 1
    assert "own" not in owner.state["c"]
    rows = view["items"]
    for items in (
        copy.copy(rows), rows.copy(), list(rows), [*rows], rows[:], rows + [], [] + rows, rows * 1, 1 * rows, sorted(rows, key=str),  # noqa: RUF005
        list(reversed(rows)), [row for row in rows], list(tuple(rows)), list(filter(None, rows)),  # noqa: C414, C416
    ):  # fmt: skip
        assert not is_tracked(items)
        assert items == CUSTOMER["items"]
        assert is_tracked(items[0])
    assert owner.events == []


def test_functions_of_the_language_find_their_way() -> None:
    """Unpacking, matching, formatting, keyword arguments."""
    view, owner = stage(c=CUSTOMER)
    first, *rest = view["address"]["tags"]
    assert (first, rest) == (1, [2])
    match view:
        case {"name": str(name), "address": {"zip": zip_code}}:
            assert (name, zip_code) == ("Ada", "1")
        case _:
            pytest.fail("no match")
    assert "{name} {num}".format_map(view) == "Ada 5"
    assert "%(name)s" % view == "Ada"  # noqa: UP031
    assert dict(**view)["num"] == 5
    assert max(view["address"]["tags"]) == sum(view["address"]["tags"]) - 1 == 2
    assert view.keys() & {"name", "x"} == {"name"}
    assert dict.fromkeys(view) == TrackedDict.fromkeys(view) == dict.fromkeys(CUSTOMER)
    assert type(TrackedDict(a=1)) is dict
    assert type(TrackedList([1])) is list
    assert owner.events == []


def test_items_met_in_a_loop_are_tracked() -> None:
    """The reference hands out raw items here and loses the changes; a parity rule."""
    view, owner = stage(l=[{"x": 1}, {"x": 2}], o={"a": {"x": 1}})
    for item in view:
        item["x"] += 10
    view[-1]["last"] = True
    for item in reversed(view):
        item["seen"] = 1
    for key, part in track(owner.state["o"], owner, "o").items():
        part["y"] = key
    assert owner.state == {
        "l": [{"x": 11, "seen": 1}, {"x": 12, "last": True, "seen": 1}],
        "o": {"a": {"x": 1, "y": "a"}},
    }
    assert len(owner.events) == 6


def test_a_list_may_grow_while_it_is_walked() -> None:
    """By index, as lists do."""
    view, _ = stage(l=[1, 2])
    met = []
    for item in view:
        met.append(item)
        if item < 3:
            view.append(item + 2)
    assert met == [1, 2, 3, 4]
    view, owner = stage(l=[1, 2])
    met = []
    for item in view:
        met.append(item)
        if item == 2:
            owner.state["l"] = [0, 0, 7]  # by another view, or a write of the key
    assert met == [1, 2, 7]


def test_a_dict_may_change_while_it_is_walked() -> None:
    """Over the keys that it had."""
    view, _ = stage(o={"a": 1, "b": 2})
    for key in view:
        view[key + key] = 0
    assert list(view) == ["a", "b", "aa", "bb"]


def test_in_place_operators_are_told_once() -> None:
    """`scope.l += [1]` calls the view and then assigns it; the assignment is an echo."""
    view, owner = stage(l=[1], o={"l": [1], "d": {"a": 1}})
    same_view = view
    same_view += [2]
    assert is_echo(same_view, owner, "l")
    assert not is_echo(same_view, owner, "l")
    holder = track(owner.state["o"], owner, "o")
    holder["l"] += [2]
    holder["l"] *= 2
    holder["d"] |= {"b": 2}
    assert owner.events == [
        ("append", "l", [2]),
        ("set", "o", {"l": [1, 2], "d": {"a": 1}}),
        ("set", "o", {"l": [1, 2, 1, 2], "d": {"a": 1}}),
        ("update", "o", {"d": {"b": 2}}),
    ]
    same_view += [3]
    assert not is_echo(same_view, owner, "other")
    assert not is_echo([3], owner, "l")


# ── every list and dict method, against a plain list and dict ──────────────────────────────────────────────────────
LIST_CHANGES: dict[str, Any] = {
    "append": lambda x: x.append({"n": 1}),
    "extend": lambda x: x.extend([7, [8]]),
    "extend by itself": lambda x: x.extend(x),
    "insert": lambda x: x.insert(1, "i"),
    "insert from the end": lambda x: x.insert(-1, "i"),
    "pop": lambda x: x.pop(),
    "pop at": lambda x: x.pop(0),
    "remove": lambda x: x.remove(2),
    "remove an object": lambda x: x.remove({"a": 1}),
    "clear": lambda x: x.clear(),
    "sort": lambda x: x.sort(key=str),
    "sort reversed": lambda x: x.sort(key=str, reverse=True),
    "reverse": lambda x: x.reverse(),
    "set": lambda x: x.__setitem__(0, "s"),
    "set from the end": lambda x: x.__setitem__(-1, "s"),
    "set slice": lambda x: x.__setitem__(slice(1, 3), ["a", "b", "c"]),
    "set steps": lambda x: x.__setitem__(slice(0, 4, 2), ["a", "b"]),
    "delete": lambda x: x.__delitem__(1),
    "delete slice": lambda x: x.__delitem__(slice(0, 2)),
    "add in place": lambda x: x.__iadd__([9]) and None,
    "multiply in place": lambda x: x.__imul__(2) and None,
}
DICT_CHANGES: dict[str, Any] = {
    "set": lambda x: x.__setitem__("n", 1),
    "set over": lambda x: x.__setitem__("a", 1),
    "set a list": lambda x: x.__setitem__("a", [1, 1]),
    "set an int key": lambda x: x.__setitem__(5, "five"),
    "delete": lambda x: x.__delitem__("a"),
    "pop": lambda x: x.pop("l"),
    "pop a default": lambda x: x.pop("ghost", 0),
    "popitem": lambda x: x.popitem(),
    "clear": lambda x: x.clear(),
    "setdefault new": lambda x: x.setdefault("new", 5),
    "setdefault old": lambda x: x.setdefault("a", 5),
    "update": lambda x: x.update({"a": 2}, b=3),
    "update by pairs": lambda x: x.update([("p", 1)]),
    "or in place": lambda x: x.__ior__({"q": 1}) and None,
}
LIST = [2, {"a": 1}, "t", [5], 2]
DICT = {"a": 0, "l": [1, {"x": 2}], "d": {"e": None}}
SILENT = {"pop a default", "setdefault old"}


@pytest.mark.parametrize("name", LIST_CHANGES)
@pytest.mark.parametrize("path", [(), ("in",), (0,), ("in", 0, "in")])
def test_a_list_view_changes_as_a_list_does(name: str, path: tuple[Any, ...]) -> None:
    """Same result, same content, one event with the whole root value."""
    expected = copy.deepcopy(LIST)
    result = LIST_CHANGES[name](expected)
    view, owner = stage(k=planted(LIST, path))
    for step in path:
        view = view[step]
    assert LIST_CHANGES[name](view) == result
    assert view == expected == list(view)
    assert owner.state["k"] == planted(expected, path)
    assert len(owner.events) == 1
    operation, _, value = owner.events[0]
    assert operation in ("set", "append")
    if operation == "set":
        assert value == planted(expected, path)
    else:
        assert LIST + value == expected
        assert path == ()


@pytest.mark.parametrize("name", DICT_CHANGES)
@pytest.mark.parametrize("path", [(), ("in",), (0,), ("in", 0, "in")])
def test_a_dict_view_changes_as_a_dict_does(name: str, path: tuple[Any, ...]) -> None:
    """Same result, same content, order included."""
    expected = copy.deepcopy(DICT)
    result = DICT_CHANGES[name](expected)
    view, owner = stage(k=planted(DICT, path))
    for step in path:
        view = view[step]
    assert DICT_CHANGES[name](view) == result
    assert view == expected
    assert list(view) == list(expected)
    assert owner.state["k"] == planted(expected, path)
    assert bool(owner.events) is (name not in SILENT)


def planted(value: Any, path: tuple[Any, ...]) -> Any:
    """A value with something beside each step of its path."""
    value = copy.deepcopy(value)
    for step in reversed(path):
        value = [value, "beside"] if step == 0 else {"beside": 1, step: value}
    return value


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: x.pop(99), IndexError), (lambda x: x.remove("ghost"), ValueError), (lambda x: x.__setitem__(99, 1), IndexError),
        (lambda x: x.__delitem__(99), IndexError), (lambda x: x[99], IndexError), (lambda x: x["a"], TypeError),
        (lambda x: x.sort(), TypeError), (lambda x: x.extend(5), TypeError), (lambda x: x.__setitem__("a", 1), (TypeError, AttributeError)),
        (lambda x: x.index("ghost"), ValueError), (lambda x: x.__setitem__(slice(0, 4, 2), [1]), ValueError),
    ],
)  # fmt: skip
def test_a_change_that_fails_is_no_event(call: Any, error: Any) -> None:
    """The list is as it was."""
    view, owner = stage(l=LIST)
    with pytest.raises(error):
        call(view)
    assert owner.events == []
    assert view == LIST


def test_a_large_container_is_not_copied_deeply_by_a_read() -> None:
    """One level is, as references."""
    rows = [{"id": n, "tags": ["a"]} for n in range(1000)]
    owner = RecordingOwner(rows=rows)
    view = track(rows, owner, "rows")
    assert list.__getitem__(view, 7) is rows[7]
    view[5]["id"] = -1
    assert owner.state["rows"][7] is rows[7]
    assert rows[5]["id"] == 5


def test_other_values_are_given_as_they_are() -> None:
    """Tuples, and classes of the stage's own."""
    for value in ((1, [2]), OrderedDict(a=1), {1, 2}, "x", 5, None):
        assert track(value, RecordingOwner(), "k") is value
        assert untracked(value) is value
    view, _ = stage(o={"od": 1})
    assert view.get("ghost", [1]) == [1]


def test_untracked_gives_plain_values_back_as_they_are() -> None:
    """Only what holds a view is copied."""
    view, _ = stage(o={"a": [1]})
    value = {"x": [1, {2}], "y": ({"z": 1},)}
    assert untracked(value) is value
    mixed = {"x": value["x"], "v": (view["a"], 5)}
    got = untracked(mixed)
    assert got == {"x": [1, {2}], "v": ([1], 5)}
    assert not holds_views(got)
    ring: list[Any] = [view]
    ring.append(ring)
    got = untracked(ring)
    assert got[1] is got
    assert type(got[0]) is dict
    loop: dict[str, Any] = {"v": view}
    loop["again"] = loop
    got = untracked(loop)
    assert got["again"] is got
    shared = {"n": 1}
    got = untracked({"v": view, "one": shared, "two": shared})
    assert got["one"] is got["two"] is not shared


def test_capture_gives_the_plain_value_and_its_record() -> None:
    """What a write needs, with one look through plain data."""
    view, _ = stage(o={"a": [1]})
    for value, expected in (
        ({"x": [1]}, {"x": [1]}),
        (view, {"a": [1]}),
        ({"v": view, "s": {2}}, {"v": {"a": [1]}, "s": {2}}),
        ((view["a"],), ([1],)),
        ({2}, {2}),
        (5, 5),
    ):
        kept, recorded = capture(value)
        assert kept == expected
        assert not holds_views(kept)
        assert recorded == record(expected)
    plain_value = {"x": [1, {"y": 2}]}
    assert capture(plain_value)[0] is plain_value


# ── changes past the methods ───────────────────────────────────────────────────────────────────────────────────────
def test_changes_by_c_code_are_settled() -> None:
    """`heapq` changes lists without asking their methods."""
    view, owner = stage(o={"queue": [3, 5], "other": {"deep": [[9, 8]]}})
    heapq.heappush(view["queue"], 1)
    assert view["queue"] == [1, 5, 3]
    heapq.heapify(view["other"]["deep"][0])
    assert owner.events == []
    assert settle(view)
    assert owner.state["o"] == {"queue": [1, 5, 3], "other": {"deep": [[8, 9]]}}
    assert len(owner.events) == 2
    assert not settle(view)
    assert not settle(5)


def test_a_change_by_c_code_is_part_of_the_next_change() -> None:
    """Nothing is lost in between."""
    view, owner = stage(h=[3, 5])
    heapq.heappush(view, 1)
    view.append(7)
    assert owner.events == [("set", "h", [1, 5, 3, 7])]
    assert not settle(view)


def test_a_list_that_is_read_twice_keeps_what_c_code_did() -> None:
    """One view for one list: by way of `before` for the root, by itself below."""
    owner = RecordingOwner(h=[3, 5])
    first = track(owner.state["h"], owner, "h")
    heapq.heappush(first, 1)
    second = track(owner.state["h"], owner, "h", first)
    assert second == [1, 5, 3]
    assert settle(second)
    assert owner.state["h"] == [1, 5, 3]


def test_a_change_of_the_list_itself_is_not_taken_for_one_by_c_code() -> None:
    """A stage that still holds the list it wrote may change it; that is the commit's to find, not the view's to undo."""
    mine = [1]
    owner = RecordingOwner(xs=mine, o={"xs": mine})
    view = track(mine, owner, "xs")
    below = track(owner.state["o"], owner, "o")
    assert below["xs"] == [1]
    mine.append(2)
    assert not settle(view)
    assert not settle(below)
    assert track(mine, owner, "xs", view) == [1, 2]
    assert below["xs"] == [1, 2]
    assert owner.events == []


def test_a_list_that_was_written_anew_has_nothing_to_settle() -> None:
    """The later write wins."""
    view, owner = stage(h=[3, 5])
    heapq.heappush(view, 1)
    owner.state["h"] = [0]
    assert not settle(view)
    assert view == [0]


# ── every way to change and to look ────────────────────────────────────────────────────────────────────────────────
def outcome(way: Any, *arguments: Any) -> Any:
    """What it gives, or the type of what it raises."""
    try:
        return way(*arguments)
    except Exception as error:  # noqa: BLE001  # to be compared with what a plain container raises
        return type(error)


def _in_place(act: Any) -> Any:
    """An operator that changes what it is given; what it gives is that, which is no outcome to compare."""

    def way(x: Any, *arguments: Any) -> bool:
        return act(x, *arguments) is x

    return way


def _flat(x: Any) -> bool:
    """A few scalars. A view that is written somewhere writes a copy, where a plain list would hold one object twice."""
    return len(x) < 10 and not any(isinstance(item, (dict, list)) for item in x)


def _sort_or_leave(some: Any) -> None:
    """Sort; where that fails a view is as it was before, while a plain list may be left sorted in part."""
    before = list(some) if type(some) is list else None
    try:
        some.sort()
    except TypeError:
        if before is not None:
            some[:] = before
        raise


LIST_WAYS: dict[str, Any] = {
    "set slice": lambda x, v, items, a, s: x.__setitem__(slice(a, None, s), items),
    "set slice of itself": lambda x, v, items, a, s: _flat(x) and x.__setitem__(slice(a, a), list(x)),
    "set slice from an iterator": lambda x, v, items, a, s: x.__setitem__(slice(a, None), iter(items)),
    "delete slice": lambda x, v, items, a, s: x.__delitem__(slice(a, None, s)),
    "delete item": lambda x, v, items, a, s: x.__delitem__(a),
    "set item": lambda x, v, items, a, s: x.__setitem__(a, v),
    "set no item": lambda x, v, items, a, s: x.__setitem__("0", v),
    "insert": lambda x, v, items, a, s: x.insert(a, v),
    "pop": lambda x, v, items, a, s: x.pop(a),
    "remove": lambda x, v, items, a, s: x.remove(v),
    "remove first": lambda x, v, items, a, s: x.remove(copy.deepcopy(x[0])),
    "extend by itself": lambda x, v, items, a, s: _flat(x) and x.extend(x),
    "extend by a tuple": lambda x, v, items, a, s: x.extend(tuple(items)),
    "extend by nothing iterable": lambda x, v, items, a, s: x.extend(5),
    "iadd": _in_place(lambda x, v, items, a, s: operator.iadd(x, items)),
    "iadd text": _in_place(lambda x, v, items, a, s: operator.iadd(x, "ab")),
    "iconcat": _in_place(lambda x, v, items, a, s: operator.iconcat(x, items)),
    "imul": _in_place(lambda x, v, items, a, s: operator.imul(x, s) if _flat(x) else x),
    "imul by a text": lambda x, v, items, a, s: operator.imul(x, "2"),
    "sort": lambda x, v, items, a, s: x.sort(key=json.dumps, reverse=a > 0),
    "sort what may not compare": lambda x, v, items, a, s: _sort_or_leave(x),
    "reverse": lambda x, v, items, a, s: x.reverse(),
    "unpack": lambda x, v, items, a, s: _flat(x) and x.append([*x][:3]),
}
DICT_WAYS: dict[str, Any] = {
    "update by pairs": lambda x, v, key: x.update([(key, v), ("p", 1)]),
    "update by name": lambda x, v, key: x.update({"q": v}, r=2),
    "update by nothing": lambda x, v, key: x.update(),
    "update by what is no mapping": lambda x, v, key: x.update(5),
    "setdefault": lambda x, v, key: x.setdefault(key, v) == x[key],
    "setdefault without": lambda x, v, key: x.setdefault("new"),
    "popitem": lambda x, v, key: x.popitem(),
    "pop": lambda x, v, key: x.pop(key),
    "pop what is not there": lambda x, v, key: x.pop("never"),
    "pop with a default": lambda x, v, key: x.pop("never", 5),
    "delete": lambda x, v, key: x.__delitem__(key),
    "delete what is not there": lambda x, v, key: x.__delitem__("never"),
    "ior": _in_place(lambda x, v, key: operator.ior(x, {key: v})),
    "ior pairs": _in_place(lambda x, v, key: operator.ior(x, [(key, v)])),
    "ior number": lambda x, v, key: operator.ior(x, 5),
    "clear": lambda x, v, key: x.clear(),
}
LOOKS: dict[str, Any] = {
    "len": lambda x, v: len(x),
    "bool": lambda x, v: bool(x),
    "iter": lambda x, v: list(x),
    "reversed": lambda x, v: list(reversed(x)),
    "in": lambda x, v: v in x,
    "eq": lambda x, v: (x == v, v == x, x != v, v != x, x == copy.deepcopy(x), copy.deepcopy(x) == x),
    "hash": lambda x, v: hash(x),
    "repr": lambda x, v: repr(x),
    "str": lambda x, v: str(x),
    "copy": lambda x, v: (copy.copy(x), type(copy.copy(x)), x.copy(), type(x.copy())),
    "deepcopy": lambda x, v: (copy.deepcopy(x), type(copy.deepcopy(x))),
    "pickle": lambda x, v: (pickle.loads(pickle.dumps(x)), type(pickle.loads(pickle.dumps(x)))),
    "json": lambda x, v: (json.dumps(x), json.dumps({"x": [x]}, indent=1), json.dumps(x, sort_keys=True)),
    "msgspec": lambda x, v: bytes(msgspec.json.encode(x)),
    "sorted": lambda x, v: sorted(x, key=json.dumps),
    "isinstance": lambda x, v: [
        isinstance(x, kind) for kind in (dict, list, Mapping, MutableMapping, Sequence, Hashable)
    ],
    "getitem of the wrong kind": lambda x, v: x[None],
}
LIST_LOOKS: dict[str, Any] = {
    **LOOKS,
    "items": lambda x, v: [x[at] for at in range(-len(x), len(x))],
    "beyond": lambda x, v: x[len(x)],
    "slices": lambda x, v: (x[1:], x[::-1], x[-2:], x[:100], x[::2], x[3:1]),
    "unpack": lambda x, v: ([*x], _given(*x)),
    "unpack first": lambda x, v: _first_and_rest(x),
    "add": lambda x, v: (operator.add(x, [1]), operator.add([1], x), x + x),
    "add a tuple": lambda x, v: operator.add(x, (1,)),
    "mul": lambda x, v: (x * 2, 2 * x, x * 0),
    "index": lambda x, v: x.index(v),
    "index from": lambda x, v: x.index(x[-1], 1),
    "count": lambda x, v: x.count(v),
    "compare": lambda x, v: (x < [*x, 1], x >= [], x >= []),
    "compare items": lambda x, v: (x < [1, "a"], x < [0]),
    "match": lambda x, v: _matched(x),
    "zip and enumerate": lambda x, v: (list(zip(x, x, strict=True)), list(enumerate(x))),
    "min": lambda x, v: min(x, key=json.dumps),
    "to tuple": lambda x, v: (tuple(x), list(map(json.dumps, x))),
    "join": lambda x, v: ",".join(x),
    "sum": lambda x, v: sum(x, 0),
}
DICT_LOOKS: dict[str, Any] = {
    **LOOKS,
    "items": lambda x, v: (list(x.items()), list(x.keys()), list(x.values())),
    "reversed items": lambda x, v: (list(reversed(x.items())), list(reversed(x.keys())), list(reversed(x.values()))),
    "sets of keys": lambda x, v: (
        x.keys() & {"a"},
        x.keys() | {"a"},
        x.keys() - {"a"},
        x.keys() == set(x),
        operator.contains(x.keys(), "a"),
    ),
    "items in": lambda x, v: [pair in x.items() for pair in (*dict(x).items(), ("a", v), ("never", 1))],
    "length of items": lambda x, v: (len(x.items()), len(x.keys()), len(x.values())),
    "mapping of keys": lambda x, v: dict(x.keys().mapping) == dict(x),
    "get": lambda x, v: [x.get(key, 5) for key in (*list(x), "never")],
    "every": lambda x, v: [x[key] for key in x],
    "never": lambda x, v: x["never"],
    "or": lambda x, v: (x | {"a": 1}, {"a": 1} | x, x | x, type(x | {})),
    "or pairs": lambda x, v: x | [("a", 1)],
    "unpack": lambda x, v: ({**x}, dict(x), dict(x, z=1), {**x, "z": 1}),
    "by name": lambda x, v: _named(**x),
    "match": lambda x, v: _matched(x),
    "fromkeys": lambda x, v: type(x).fromkeys("ab", 1),
    "format": lambda x, v: "{0}".format(x) == repr(dict(x)) if not x else True,  # noqa: UP030, UP032
}


def _given(*given: Any) -> Any:
    return given


def _named(**named: Any) -> Any:
    return named


def _first_and_rest(x: Any) -> Any:
    first, *rest = x
    return first, rest


def _matched(x: Any) -> Any:
    match x:
        case []:
            return "no items"
        case [first, *rest]:
            return first, rest
        case {"a": inner, **rest}:
            return inner, rest
        case {}:
            return "an object"
        case _:
            return "neither"


# ── whatever is done, in whatever order ────────────────────────────────────────────────────────────────────────────
class ViewsMachine(RuleBasedStateMachine):
    """A view is used like a plain value is, side by side; all events together rebuild the state."""

    @initialize(value=st.dictionaries(texts, plain_json, max_size=3))
    def begin(self, value: dict[str, Any]) -> None:
        self.model = copy.deepcopy(value)
        self.owner = RecordingOwner(k=copy.deepcopy(value))
        self.replayed = copy.deepcopy(value)
        self.view = track(self.owner.state["k"], self.owner, "k")

    def pair(self, data: st.DataObject) -> tuple[Any, Any, bool]:
        """Some container in the view, its twin in the model, and whether a list lies on the way."""
        view, model, in_list = self.view, self.model, False
        for _ in range(data.draw(st.integers(0, 3))):
            steps = list(model) if isinstance(model, dict) else list(range(len(model)))
            steps = [step for step in steps if isinstance(model[step], (dict, list))]
            if not steps:
                break
            step = data.draw(st.sampled_from(steps))
            in_list = in_list or isinstance(model, list)
            view, model = view[step], model[step]
        return view, model, in_list

    @rule(data=st.data(), value=plain_json, key=texts)
    def change(self, data: st.DataObject, value: Any, key: str) -> None:
        view, model, in_list = self.pair(data)
        if isinstance(model, list):
            change = data.draw(st.sampled_from(["append", "insert", "pop", "reverse", "set", "clear", "extend"]))
            for x in (view, model):
                if change == "append":
                    x.append(copy.deepcopy(value))
                elif change == "insert":
                    x.insert(1, copy.deepcopy(value))
                elif change == "pop" and x:
                    x.pop()
                elif change == "reverse":
                    x.reverse()
                elif change == "set" and x:
                    x[0] = copy.deepcopy(value)
                elif change == "clear":
                    x.clear()
                elif change == "extend":
                    x.extend([copy.deepcopy(value), 1])
            return
        change = data.draw(st.sampled_from(["set", "set", "delete", "pop", "clear"]))
        if change == "set":
            if isinstance(value, dict) and not in_list:
                value = 5  # an object is merged, which plain dicts know nothing of
            for x in (view, model):
                x[key] = copy.deepcopy(value)
        elif change == "clear":
            for x in (view, model):
                x.clear()
        elif model:
            victim = data.draw(st.sampled_from(list(model)))
            for x in (view, model):
                x.pop(victim) if change == "pop" else x.__delitem__(victim)

    @rule(data=st.data(), value=plain_json, items=st.lists(plain_json, max_size=3))
    def change_in_less_common_ways(self, data: st.DataObject, value: Any, items: list[Any]) -> None:
        view, model, in_list = self.pair(data)
        if isinstance(model, list):
            name = data.draw(st.sampled_from(sorted(LIST_WAYS)))
            start, step = data.draw(st.integers(-4, 4)), data.draw(st.sampled_from((1, 1, 2, -1, -2)))
            outcomes = [
                outcome(LIST_WAYS[name], x, copy.deepcopy(value), copy.deepcopy(items), start, step)
                for x in (view, model)
            ]
        else:
            if isinstance(value, dict) and not in_list:
                value = 5  # an object is merged, which plain dicts know nothing of
            name = data.draw(st.sampled_from(sorted(DICT_WAYS)))
            key = data.draw(st.sampled_from(sorted(model)) if model else texts)
            outcomes = [outcome(DICT_WAYS[name], x, copy.deepcopy(value), key) for x in (view, model)]
        assert outcomes[0] == outcomes[1]

    @rule(data=st.data(), value=plain_json)
    def look_in_every_way(self, data: st.DataObject, value: Any) -> None:
        view, model, _ = self.pair(data)
        number = len(self.owner.events)
        for name, way in (LIST_LOOKS if isinstance(model, list) else DICT_LOOKS).items():
            assert outcome(way, view, value) == outcome(way, model, value), name
        assert len(self.owner.events) == number

    @rule(data=st.data())
    def copy_a_part(self, data: st.DataObject) -> None:
        view, model, _ = self.pair(data)
        self.view["copied"] = [view]
        self.model["copied"] = [copy.deepcopy(model)]

    @precondition(lambda self: hasattr(self, "owner"))
    @invariant()
    def view_state_and_model_agree(self) -> None:
        assert self.view == self.model
        assert self.owner.state["k"] == self.model
        assert not holds_views(self.owner.state["k"])
        assert plain(record(self.view)) == plain(record(self.model))

    @precondition(lambda self: hasattr(self, "owner"))
    @invariant()
    def events_rebuild_the_state(self) -> None:
        last = [value for operation, _, value in self.owner.events if operation == "set"][-1:]
        if last and self.owner.events[-1][0] == "set":
            assert last[0] == self.model


TestViews = ViewsMachine.TestCase
TestViews.settings = settings(max_examples=examples(40), stateful_step_count=30)


@given(
    value=st.dictionaries(texts, plain_json, max_size=3), path=st.lists(texts, min_size=1, max_size=3), new=plain_json
)
def test_nested_sets_spell_the_patch_of_their_path(value: Any, path: list[str], new: Any) -> None:
    """Through whatever objects there are."""
    view, owner = stage(k=value)
    for step in path[:-1]:
        if not isinstance(view.get(step), dict):
            view[step] = {}
        view = view[step]
        if type(view) is not TrackedDict:
            return
    owner.events.clear()
    view[path[-1]] = new
    ((operation, key, told),) = owner.events
    assert key == "k"
    if isinstance(new, list):
        assert operation == "set"
    else:
        assert operation == "update"
        for step in path:
            told = told[step]
        assert told == new
