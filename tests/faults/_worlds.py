"""What the tests of this folder share: worlds with one fault, and looks at what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from footpath.archive import SEGMENTS, ArchiveReader
from footpath_cli.prove._witness import identities_in

if TYPE_CHECKING:
    from footpath.archive import Identity, Line
    from footpath_cli.prove import World

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def physical(world: World) -> list[Identity]:
    """Every line of every segment, copies too."""
    return [identity for key in world.store.list_keys(SEGMENTS) for identity, _ in identities_in(world.store.get(key))]


def logical(world: World) -> list[Line]:
    """What a reader sees."""
    return list(ArchiveReader(world.store).lines())


def queued(world: World) -> list[Any]:
    """The trace queue's messages, those that travel as text, decoded."""
    return [json.loads(body) for body in world.model.bodies(world.pipeline.queue_url) if body.startswith("{")]
