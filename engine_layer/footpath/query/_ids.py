"""Names of stage executions: `[subflowPath/]stageId#executionIndex`."""

from __future__ import annotations

import re
from typing import Final

from msgspec import UNSET, Struct, UnsetType

_LEADING_INTEGER: Final = re.compile(r"\s*([+-]?[0-9]+)")


class RuntimeStageId(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The parts of a runtime stage id; `execution_index` is None where the text holds no number."""

    stage_id: str
    execution_index: int | None
    subflow_path: str | UnsetType = UNSET


def parse_runtime_stage_id(text: str) -> RuntimeStageId:
    """Take a runtime stage id apart. Never raises: a text without `#` is a stage id as it stands, at index 0.

    Example:
        >>> parse_runtime_stage_id("outer/price#4")
        RuntimeStageId(stage_id='price', execution_index=4, subflow_path='outer')
    """
    name, mark, number = text.rpartition("#")
    if not mark:
        return RuntimeStageId(text, 0)
    digits = _LEADING_INTEGER.match(number)
    found = int(digits[1]) if digits and len(digits[1]) < 20 else None
    path, slash, stage_id = name.rpartition("/")
    return RuntimeStageId(stage_id, found, path if slash else UNSET)


def step_name(name: str, runtime_stage_id: str) -> str:
    """How texts name a stage execution."""
    return f"{name} ({runtime_stage_id})"
