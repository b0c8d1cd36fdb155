from __future__ import annotations

from random import Random

import pytest

from tests.fuzz._mutate import mutated_text
from tests.fuzz._targets import TARGETS
from tests.property._budget import examples


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_its_seeds(name: str) -> None:
    """Valid inputs make no finding; without them a fuzzer would begin at nothing."""
    seeds = TARGETS[name].seeds()
    assert seeds
    for data in seeds:
        TARGETS[name].run(data)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_mutations(name: str) -> None:
    """What `make fuzz-bytes` begins with, without a guide: documents changed by dice, and bytes by chance."""
    dice = Random(name)
    seeds = [data for data in TARGETS[name].seeds() if len(data) < 100_000]
    for _ in range(examples(40)):
        data = dice.choice(seeds)
        changed = mutated_text(data, dice.getrandbits(32))
        if changed is None or dice.random() < 0.2:
            cut = bytearray(data)
            for _ in range(dice.randint(1, 4)):
                cut[dice.randrange(len(cut))] = dice.randrange(256)
            changed = bytes(cut[: dice.randint(1, len(cut))]) if dice.random() < 0.3 else bytes(cut)
        TARGETS[name].run(changed)
