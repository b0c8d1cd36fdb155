"""`make sam-local`: everything short of AWS, with the real SAM CLI and Lambda's real Python, in containers.

    python -m infra.local [--keep] [--stop] [pytest arguments]

Ends with 3 where this machine can't have containers, after it has said why; else with pytest's status.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time

from infra.local._engine import Engine, UnavailableError
from infra.local._image import make_base_image, python_folder
from infra.local._paths import RUNTIME
from infra.local._steps import StepError, step
from infra.template import ROOT

UNAVAILABLE = 3
_CLEARING_S = 60


def main() -> int:
    """Prepare, test, clear away."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description="Run the functions in containers.")
    parser.add_argument(
        "--keep", action="store_true", help="leave an engine that this starts running, for the next time"
    )
    parser.add_argument("--stop", action="store_true", help="only stop an engine that was left running")
    options, more = parser.parse_known_args()
    if options.stop:
        engine = Engine.find()
        if engine is not None:
            engine.stop()
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()
    try:
        engine = Engine.find() or Engine.start()
    except UnavailableError as error:
        return _unavailable(error)
    try:
        image = make_base_image(engine)
        print(f"  functions run in {image}, Python {RUNTIME}; ready after {time.monotonic() - began:.1f} s", flush=True)
        with step("pytest tests/sam/containers"):
            return _tests(engine, more)
    except UnavailableError as error:
        return _unavailable(error)
    except StepError as error:
        print(f"sam-local: {error}", file=sys.stderr)
        return 1
    finally:
        if options.keep:
            print(f"  the engine stays: DOCKER_HOST={engine.host}; `make sam-local-stop` ends it", flush=True)
        elif engine.started:
            engine.stop()


def _tests(engine: Engine, more: list[str]) -> int:
    environment = {
        **os.environ,
        "DOCKER_HOST": engine.host,
        "FOOTPATH_CONTAINERS": "1",
        # Behind all others, so that a whole Python of that version is preferred; it compiles the layer.
        "PATH": f"{os.environ['PATH']}{os.pathsep}{python_folder()}",
    }
    tests = [sys.executable, "-m", "pytest", "-q", "--durations=8", "tests/sam/containers", *more]
    with subprocess.Popen(tests, cwd=ROOT, env=environment) as process:
        try:
            return process.wait()
        except SystemExit:  # SIGTERM came: pytest clears its servers and containers away on SIGINT alone
            process.send_signal(signal.SIGINT)
            process.wait(_CLEARING_S)
            raise


def _unavailable(why: UnavailableError) -> int:
    print(f"sam-local: {why}", file=sys.stderr)
    return UNAVAILABLE


if __name__ == "__main__":
    sys.exit(main())
