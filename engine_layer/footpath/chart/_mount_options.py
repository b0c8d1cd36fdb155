"""What a mount may be told, for type checkers; a module of its own, because Python takes long to make such a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class MountOptions(TypedDict, total=False):
    """How a mounted chart meets its parent.

    Attributes:
        input_mapper: gets the parent's state (a plain dict), gives the subflow's first state. Without it nothing is
            mapped.
        output_mapper: gets what the subflow produced and the parent's state, gives what to write to the parent.
        array_merge: "concat" (the default) adds a top-level array to the parent's, "replace" overwrites it.
        propagate_break: a break inside also stops the parent's line.
        converge_at: id of the node where a branch joins the main line again; for structure events only.
        tags: names of the mount.
    """

    input_mapper: Callable[[dict[str, Any]], dict[str, Any]] | None
    output_mapper: Callable[[Any, dict[str, Any]], Any] | None
    array_merge: str
    propagate_break: bool
    converge_at: str | None
    tags: Sequence[str]
