"""What was built runs in containers on Lambda's own Python, by each way that the SAM CLI has (`make sam-local`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infra.events import APPLICATION, CHART, function_for
from infra.local import Engine
from tests.sam._samples import EVENTS, EXPECTED
from tests.sam._walk import ask_of_every_sample, assert_archived, walk_from_http_to_the_archive
from tests.sam._world import World
from tests.sam.conftest import RUNTIME, Build
from tests.sam.containers._sam import Sam, Server


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """Docker; what the tests leave in it is removed, by id."""
    found = Engine.find()
    assert found is not None, "come here by `make sam-local`"
    before = found.containers()
    yield found
    found.remove(found.containers() - before)


@pytest.fixture(scope="module")
def world(engine: Engine) -> Iterator[World]:
    """Queues and bucket, on the bridge between this machine and its containers."""
    with World(engine.bridge_address()) as made:
        yield made


@pytest.fixture(scope="module")
def sam(build: Build, world: World, tmp_path_factory: pytest.TempPathFactory) -> Sam:
    """The SAM CLI."""
    functions = sorted({function_for(name) for name in EVENTS})
    return Sam(build, world, functions, tmp_path_factory.mktemp("sam-local"))


@pytest.fixture(scope="module")
def functions(sam: Sam) -> Iterator[Server]:
    """`sam local start-lambda`."""
    with Server(sam, "start-lambda") as server:
        yield server


@pytest.fixture(scope="module")
def api(sam: Sam) -> Iterator[Server]:
    """`sam local start-api`."""
    with Server(sam, "start-api") as server:
        yield server


# ── invoke ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("name", EXPECTED)
def test_sam_local_invoke_answers_a_sample_as_its_name_says(name: str, sam: Sam, world: World) -> None:
    """Every function, with every sample that AWS could send it."""
    ask_of_every_sample(name, lambda _: sam.invoke(name), world)


# ── start-api, start-lambda ────────────────────────────────────────────────────────────────────────────────────────
def test_a_request_over_http_ends_in_the_archive_and_is_read_back(world: World, api: Server, functions: Server) -> None:
    """HTTP into one container, the queue, our poller, the SDK into another container, the archive, the CLI."""
    world.empty()
    walk_from_http_to_the_archive(world, api.http, functions.invoke)


def test_a_request_by_the_sdk_ends_in_the_archive_and_is_read_back(
    world: World, functions: Server, tmp_path: Path
) -> None:
    """`footpath run CHART --stack` is the SDK's way in."""
    world.empty()
    given = tmp_path / "input.json"
    given.write_text(json.dumps(APPLICATION), encoding="utf-8")
    said = world.footpath("run", CHART, "--input", given, "--json", AWS_ENDPOINT_URL_LAMBDA=functions.url)
    answer: Any = json.loads(said)
    assert answer["status"] == "completed"
    world.drain(partial(functions.invoke, "TraceProcessor"))
    assert_archived(world, answer["traceId"], answer)


def test_twenty_requests_are_twenty_lines(world: World, api: Server, functions: Server) -> None:
    """A warm container keeps nothing of the request before."""
    world.empty()
    sent: set[str] = set()
    for number in range(20):
        body = json.dumps({"input": APPLICATION | {"application_id": f"local-{number}"}})
        status, answer = api.http("POST", f"/charts/{CHART}/runs", body)
        assert status == 200
        assert answer["result"]["application_id"] == f"local-{number}"
        sent.add(answer["traceId"])
    world.drain(partial(functions.invoke, "TraceProcessor"))
    lines = world.archived()
    assert {line["traceId"] for line in lines} == sent
    assert len(lines) == len(sent) == 20


def test_a_mistake_over_http_is_told_as_one(api: Server) -> None:
    """400 and 404 come through."""
    status, body = api.http("POST", f"/charts/{CHART}/runs", '{"input": ')
    assert status == 400
    assert "JSON" in json.dumps(body)
    status, body = api.http("GET", "/charts/no-such-chart", None)
    assert status == 404
    assert "no-such-chart" in json.dumps(body)


def test_a_failure_is_told_in_the_payload(functions: Server) -> None:
    """What the poller goes by: SAM's server leaves the header out that AWS sets."""
    answer = functions.invoke("TraceProcessor", EVENTS["schedule"])
    assert answer["errorType"] == "ValueError"


# ── what it ran on ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_layer_was_compiled_for_the_python_that_ran(build: Build, engine: Engine) -> None:
    """Lambda can't write to a layer, so what is not compiled here is compiled at every cold start."""
    layer = build.code_of("EngineLayer")
    probe = (
        "import sys, footpath; assert '%d.%d' % sys.version_info[:2] == sys.argv[1];"
        "from importlib._bootstrap_external import _classify_pyc, MAGIC_NUMBER;"
        "data = open(footpath.__cached__, 'rb').read(); print(_classify_pyc(data, 'footpath', {}), data[:4] == MAGIC_NUMBER)"
    )
    said = engine.docker(
        *("run", "--rm", "--network", "none", "--volume", f"{layer}:/opt:ro", "--env", "PYTHONPATH=/opt/python"),
        *("--entrypoint", f"/var/lang/bin/python{RUNTIME}", _image(engine), "-c", probe, RUNTIME),
    )
    assert said.split() == ["1", "True"]  # by hash, unchecked; and this Python's


def test_a_container_reaches_this_machine_and_nothing_else(engine: Engine) -> None:
    """An engine of ours forwards nothing. Someone else's may."""
    if not engine.ours:
        pytest.skip("this Docker Engine was here before, with a network of its own")
    probe = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=3)"
    said = engine.docker(
        *("run", "--rm", "--entrypoint", "/bin/sh", _image(engine), "-c"),
        f'/var/lang/bin/python3 -c "{probe}" 2>&1 || true',
    )
    assert "Error" in said.splitlines()[-1]


def _image(engine: Engine) -> str:
    from infra.local import make_base_image

    return make_base_image(engine)
