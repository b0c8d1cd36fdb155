"""The ways out of every corner: dead letters, spool, log lines, a damaged archive, a configuration that would lose data.

What the commands `footpath dlq`, `footpath traces recover`, `footpath traces verify` and `footpath doctor` do, as
functions that tests and the proof call, too. Nothing here prints.
"""

from __future__ import annotations

from footpath_cli.operate._bodies import Held, held_in
from footpath_cli.operate._dead_letters import DISCARDS, Choice, Discard, discard, redrive
from footpath_cli.operate._digests import KeyFileError, PublicKey
from footpath_cli.operate._doctor import Expiry, Facts, Ill, examine
from footpath_cli.operate._facts import facts_of_stack, facts_of_template
from footpath_cli.operate._finding import Finding
from footpath_cli.operate._queues import MOVED_BY_POLICY, Desk, Parked
from footpath_cli.operate._recover import Recovered, Recovery, Way
from footpath_cli.operate._verify import Verified, verify

__all__ = [
    "Desk",
    "Parked",
    "MOVED_BY_POLICY",
    "Choice",
    "redrive",
    "discard",
    "Discard",
    "DISCARDS",
    "Recovery",
    "Recovered",
    "Way",
    "verify",
    "Verified",
    "Finding",
    "PublicKey",
    "KeyFileError",
    "examine",
    "Facts",
    "Expiry",
    "Ill",
    "facts_of_stack",
    "facts_of_template",
    "Held",
    "held_in",
]
