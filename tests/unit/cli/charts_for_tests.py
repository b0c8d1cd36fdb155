"""Charts that the CLI's tests serve by the setting CHARTS."""

from __future__ import annotations

from typing import Any

from footpath import Pausable, flow_chart
from footpath_service.flows import Flow


def _say(scope: Any) -> None:
    scope.word = "hello"


def _fail(scope: Any) -> None:
    scope.before = 1
    raise ValueError("boom\x1b[31m")


def _wait(scope: Any) -> Any:
    return {"question": "go on?"}


def _go_on(scope: Any, answer: Any) -> None:
    scope.answer = answer


def charts() -> list[Flow]:
    failing = flow_chart("Say", _say, "say").add_function("Fail", _fail, "fail").build()
    pausing = flow_chart("Say", _say, "say").add_pausable_function("Wait", Pausable(_wait, _go_on), "wait").build()
    return [Flow("failing", lambda: failing), Flow("pausing", lambda: pausing)]


def broken() -> list[Flow]:
    raise RuntimeError("no charts today")


def mapping() -> Any:
    return {"failing": charts}


def leaving() -> list[Flow]:
    raise SystemExit(3)


NOTHING = 7


class Totals:
    """A recorder that counts stages."""

    def __init__(self) -> None:
        self.id = "totals"
        self.stages: list[str] = []

    def on_stage_executed(self, event: Any) -> None:
        self.stages.append(event.stage_name)

    def report(self) -> dict[str, Any]:
        return {"stages": len(self.stages), "last": self.stages[-1]}


class Faulty(Totals):
    """A recorder that fails."""

    def on_read(self, event: Any) -> None:
        raise RuntimeError(f"cannot take {event.key}")


class Mute:
    """No recorder at all."""

    def __init__(self) -> None:
        self.id = "mute"


class NeedsMore:
    """Cannot be made without arguments."""

    def __init__(self, more: int) -> None:
        self.id = str(more)


class Nameless:
    """Hears, and has no id."""

    def on_read(self, event: Any) -> None: ...


class Mistyped(Totals):
    """Has a hook that is none, beside one that is."""

    def on_wirte(self, event: Any) -> None: ...


class Secretive(Totals):
    """Hears all, and can't say what."""

    def report(self) -> dict[str, Any]:
        raise ValueError("nothing to tell")
