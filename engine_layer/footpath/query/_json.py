"""The JSON form of this room's answers, and the order JavaScript sorts text in."""

from __future__ import annotations

from typing import Any, cast

from msgspec import UNSET, Struct


def as_json(answer: Any) -> Any:
    """An answer as plain JSON values in footprintjs's spelling; the values it quotes are passed through, not copied.

    Nesting of structs is bounded by their types, so this recursion is, too.

    Example:
        >>> as_json(array_provenance(snapshot["commitLog"], "nothing"))
        {'key': 'nothing', 'missing': 'never-written'}
    """
    if isinstance(answer, Struct):
        names = zip(answer.__struct_fields__, answer.__struct_encode_fields__, strict=True)
        members = ((spelled, getattr(answer, name)) for name, spelled in names)
        return {spelled: as_json(value) for spelled, value in members if value is not UNSET}
    if isinstance(answer, tuple):
        return [as_json(item) for item in cast("tuple[Any, ...]", answer)]
    return answer


def utf16(text: str) -> bytes:
    """A sort key: JavaScript orders strings by UTF-16 unit."""
    return text.encode("utf-16-be", "surrogatepass")
