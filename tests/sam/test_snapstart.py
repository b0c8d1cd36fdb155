"""A function restored from a snapshot makes ids of its own: nothing unique is made before the snapshot is taken.

SnapStart freezes a process after its init and starts many from that one. `fork` does the same to a process of ours: two
children with the same memory. Their clocks are stopped, so that chance alone can tell their ids apart.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.template import ROOT
from tests.sam._samples import EVENTS
from tests.sam.conftest import variables_of

PROBE = """
import json, os, random, sys, time, uuid
called = []
def watch(module, name):
    before = getattr(module, name)
    def watched(*arguments, **named):
        called.append((name, sys._getframe(1).f_code.co_filename))
        return before(*arguments, **named)
    setattr(module, name, watched)
for module, names in ((os, ["urandom"]), (random, ["random", "randbytes", "getrandbits", "randint"]),
                      (uuid, ["uuid1", "uuid4"]), (time, ["time", "time_ns"])):
    for name in names:
        watch(module, name)
sys.path[:0] = {path!r}
import app
from footpath_service import wiring
{seed}
at_init = [(name, file) for name, file in called if "footpath" in file and "site-packages" not in file]
time.time_ns = lambda: 1_795_341_600_000_000_000
for _ in range(2):
    read, write = os.pipe()
    if os.fork() == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        ids = [app.lambda_handler({event!r}, None)["traceId"] for _ in range(3)]
        os.write(write, json.dumps(ids).encode())
        os._exit(0)
    os.close(write)
    print(os.read(read, 10_000).decode())
    os.wait()
print(json.dumps(at_init))
"""
SEED = "wiring.request_application().handler._make_id._randomness = random.Random(1).randbytes"


def restored_twice(seed: str, folder: Path) -> tuple[list[str], list[str], list[Any]]:
    """Ids that two processes make which were one until their init was done, and what init asked of clock and chance."""
    path = [str(ROOT / "functions" / "request_handler"), str(ROOT / "engine_layer")]
    environment = {
        **variables_of("RequestHandler"),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "HOME": str(folder),
    }
    probe = PROBE.format(path=path, event=EVENTS["direct-run"], seed=seed)
    done = subprocess.run(
        [sys.executable, "-c", probe], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first, second, at_init = (json.loads(line) for line in done.stdout.splitlines()[-3:])
    return first, second, at_init


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str], list[Any]]:
    """The request handler as it is."""
    return restored_twice("", tmp_path_factory.mktemp("restored"))


def test_two_restored_functions_make_different_ids(restored: tuple[list[str], list[str], list[Any]]) -> None:
    """In the same millisecond, too: trace ids name a trace for ever."""
    first, second, _ = restored
    assert len({*first, *second}) == 6
    assert {trace_id[:13] for trace_id in (*first, *second)} == {first[0][:13]}, "the clock was stopped"


def test_init_asks_neither_clock_nor_chance(restored: tuple[list[str], list[str], list[Any]]) -> None:
    """What it asked would be the same in every function that is restored."""
    assert restored[2] == []


def test_ids_of_a_generator_seeded_before_the_snapshot_are_found_out(tmp_path: Path) -> None:
    """The checks above are able to fail."""
    first, second, _ = restored_twice(SEED, tmp_path)
    assert first == second
