"""A chart's contract: JSON Schemas of its input and output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.errors import InputValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal

    from footpath.chart._schema import Issue


class Contract:
    """What a chart takes and gives.

    Attributes:
        input: JSON Schema of the run's input; True, which anything meets; None when not declared.
        output: the same of its result; told to readers, not checked.
        mapper: makes the output of `RunContext.run` of the final state; None when it is the state.
        strict: the whole schema is checked. Otherwise only what footprintjs checks: required members and types at the
            top, where null is of every type and no input is no fault.
    """

    __slots__ = ("input", "mapper", "output", "strict")

    def __init__(
        self,
        input: Mapping[str, Any] | Literal[True] | None = None,
        output: Mapping[str, Any] | Literal[True] | None = None,
        *,
        strict: bool = True,
        mapper: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:
        """Copy and check the schemas.

        Raises:
            BuildError: a schema is neither a JSON object nor True, or in strict mode uses what is not supported.
        """
        self.strict = strict
        self.mapper = mapper
        self.input: dict[str, Any] | Literal[True] | None = None
        self.output: dict[str, Any] | Literal[True] | None = None
        if input is not None or output is not None:
            from footpath.chart._schema import private_copy  # most charts demand nothing

            self.input = private_copy(input, "input", strict=strict)
            self.output = private_copy(output, "output", strict=strict)

    def __repr__(self) -> str:
        return f"Contract(input={self.input!r}, output={self.output!r}, strict={self.strict!r})"

    def check_input(self, value: object) -> list[Issue]:
        """Give what is wrong with an input, in the schema's order; an empty list when nothing is.

        None stands for a run without input; in strict mode that is an input without members.
        """
        if self.input is None or self.input is True:
            return []
        from footpath.chart._schema import accepts, check, check_shallow

        if not self.strict:
            return [] if value is None else check_shallow(self.input, value)
        if value is None and accepts(self.input.get("type", "object"), {}):
            value = {}
        return check(self.input, value)

    def validate_input(self, value: object) -> None:
        """Raise what `check_input` finds.

        Raises:
            InputValidationError: the input breaks the contract.
        """
        issues = self.check_input(value)
        if issues:
            raise InputValidationError(self._summary(issues), issues)

    def _summary(self, issues: Sequence[Issue]) -> str:
        texts = [_placed(issue) if self.strict else str(issue["message"]) for issue in issues]
        if issues[0]["path"] == [] and not self.strict:
            return texts[0]
        if len(texts) == 1:
            return f"Input validation failed: {texts[0]}"
        return f"Input validation failed: {len(texts)} issues — {'; '.join(texts)}"


def _placed(issue: Issue) -> str:
    """Say where, unless that is at the top: there the message is footprintjs's to the letter."""
    path: list[str | int] = issue["path"]
    if len(path) < 2:
        return str(issue["message"])
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return f"{issue['message']} at {text}"
