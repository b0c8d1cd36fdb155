"""What the setting CHARTS may name by mistake."""

from __future__ import annotations

from typing import Any

from footpath import FlowChart, flow_chart
from footpath_service.flows import Flow


def _one() -> FlowChart:
    return flow_chart("One", lambda scope: None, "one").build()


def gives_a_mapping() -> Any:
    return {"one": _one}


def gives_nothing() -> Any:
    return None


def gives_a_chart() -> Any:
    return [_one()]


def gives_no_function() -> Any:
    chart: Any = _one()
    return [Flow("one", chart)]


def gives_no_policy() -> Any:
    policy: Any = ["ssn"]
    return [Flow("one", _one, policy)]


def gives_no_name() -> Any:
    return [Flow("", _one)]


def gives_one_name_twice() -> Any:
    return [Flow("one", _one), Flow("one", _one)]


def fails() -> Any:
    raise KeyError("no flows today")


def _unfinished() -> Any:
    return flow_chart("One", lambda scope: None, "one")


def _broken() -> Any:
    raise ZeroDivisionError("no")


def gives_wrong_builds() -> Any:
    return [Flow("one", _one), Flow("unfinished", _unfinished), Flow("broken", _broken)]
