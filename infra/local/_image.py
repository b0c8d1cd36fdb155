"""The base image that the SAM CLI runs functions in, made of Debian's Python and Lambda's runtime interface client."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local._debian import debian_root, python_folder
from infra.local._paths import ARCHITECTURE, MACHINE, RUNTIME, SAM_PYTHON, VENV
from infra.local._steps import StepError, pipe, run, step
from infra.template import ROOT

if TYPE_CHECKING:
    from infra.local._engine import Engine

__all__ = ["install_runtime", "make_base_image", "python_folder"]

LOCK = ROOT / "locks" / "lambda.txt"
RECIPE = Path(__file__).parent / "runtime"
_LABEL = "footpath.recipe"
_FOLDERS = ("runtime", "task", "rapid", "lang")  # of /var, as Lambda has them
_ASK = (
    "from samcli.local.docker.lambda_image import LambdaImage, Runtime; import sys; "
    "print(LambdaImage._INVOKE_REPO_PREFIX + '/' + Runtime.get_image_name_tag(*sys.argv[1:]))"
)


def image_name() -> str:
    """The name under which the SAM CLI looks for the runtime's image; asked of it, since it differs between versions."""
    return run(SAM_PYTHON, "-c", _ASK, f"python{RUNTIME}", ARCHITECTURE).strip()


def make_base_image(engine: Engine) -> str:
    """The base image's name, once the engine has it.

    Nothing is done when it is there already, made by this recipe. One of that name that has another origin, such as
    AWS's own from its registry, is left as it is, and used.

    Raises:
        UnavailableError: Debian's packages can't be had.
        StepError: it can't be made.
    """
    name = image_name()
    recipe = hashlib.sha256(
        b"".join(path.read_bytes() for path in (LOCK, Path(__file__), *sorted(RECIPE.iterdir()))) + MACHINE.encode()
    ).hexdigest()
    found = _recipe_of(engine, name)
    if found == recipe:
        return name
    if found == "":
        print(f"  {name} is here already, from somebody else: it is used as it is", flush=True)
        return name
    root = debian_root()
    with tempfile.TemporaryDirectory(prefix="footpath-image-") as folder, step("making the base image"):
        stage = Path(folder)
        _runtime_into(stage)
        pipe(
            # No folder twice, which Docker refuses: what stands in the stage's is new to Debian's.
            [
                *("tar", "--create", "--exclude=./var/cache/*", "--directory", root, "."),
                *("--directory", stage, *(f"./var/{name}" for name in _FOLDERS), "./lambda-entrypoint.sh"),
            ],
            [
                *("docker", "--host", engine.host, "import"),
                *("--change", "ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin"),
                *("--change", "ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/task:/opt/lib"),
                *(
                    "--change",
                    "ENV LANG=en_US.UTF-8 TZ=:UTC LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime",
                ),
                *("--change", "WORKDIR /var/task"),
                *("--change", 'ENTRYPOINT ["/lambda-entrypoint.sh"]'),
                *("--change", f"LABEL {_LABEL}={recipe}"),
                *("-", name),
            ],
        )
    engine.docker("image", "prune", "--force", "--filter", f"label={_LABEL}")  # the one of the recipe before
    return name


def _recipe_of(engine: Engine, name: str) -> str | None:
    """The recipe by which an image was made: "" when it is not one of ours, None when there is none."""
    try:
        labels = json.loads(engine.docker("image", "inspect", name, "--format", "{{json .Config.Labels}}"))
    except StepError:
        return None
    return str((labels or {}).get(_LABEL, ""))


def _runtime_into(stage: Path) -> None:
    stage.chmod(0o755)
    runtime = stage / "var/runtime"
    for name in _FOLDERS:
        (stage / "var" / name).mkdir(parents=True)
    (stage / "var/lang/bin").mkdir()
    install_runtime(runtime, RUNTIME)
    for file in RECIPE.iterdir():
        target = (stage if file.name == "lambda-entrypoint.sh" else runtime) / file.name
        shutil.copyfile(file, target)
        target.chmod(0o755)
    for python in ("python3", f"python{RUNTIME}"):
        (stage / "var/lang/bin" / python).symlink_to(f"/usr/bin/python{RUNTIME}")
    compiler = python_folder() / f"python{RUNTIME}"
    run(
        *(compiler, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
        *("-s", stage, "-p", "/", runtime),
    )


def install_runtime(folder: Path, python: str) -> None:
    """The locked packages of Lambda's own runtime, for a Python of this machine's processor, into a folder.

    Raises:
        StepError: they can't be had.
    """
    command = (
        *(VENV / "bin" / "uv", "pip", "install", "--quiet", "--link-mode", "copy", "--target", folder),
        *("--python-version", python, "--python-platform", f"{MACHINE}-manylinux2014"),
        *("--only-binary", ":all:", "--require-hashes", "--requirements", LOCK),
    )
    try:
        run(*command, "--offline")
    except StepError:
        run(*command)
