"""`sam deploy` as a pipeline does it: an environment of samconfig.toml, artifacts and roles by variables.

    ARTIFACTS_BUCKET=... STACK_ROLE_ARN=... BOUNDARY_ARN=... python -m infra.deploy --environment prod

The SAM CLI takes either a bucket or `resolve_s3`, and options of the command line replace a list of samconfig.toml
whole; so the options are put together here, from that one file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

from infra.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONFIG = ROOT / "samconfig.toml"
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"


def environments(path: Path = CONFIG) -> dict[str, dict[str, Any]]:
    """Environment to its stack's name, and its parameters by name."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        name: {
            "stack": body["global"]["parameters"]["stack_name"],
            "parameters": dict(
                pair.split("=", 1) for pair in body["deploy"]["parameters"].get("parameter_overrides", [])
            ),
        }
        for name, body in found.items()
        if isinstance(body, dict) and "deploy" in body
    }


def command(environment: str, variables: Mapping[str, str]) -> list[str]:
    """The words of `sam deploy`.

    Raises:
        SystemExit: there is no such environment, or a variable is not set.
    """
    known = environments()
    if environment not in known:
        sys.exit(f"there is no environment {environment!r} in samconfig.toml; there are: {', '.join(known)}")
    missing = [name for name in ("ARTIFACTS_BUCKET", "STACK_ROLE_ARN") if not variables.get(name)]
    if missing:
        sys.exit(f"not set: {', '.join(missing)}; they are outputs of infra/deployer.yaml")
    found = known[environment]
    parameters = dict(found["parameters"])
    if variables.get("BOUNDARY_ARN"):
        parameters["PermissionsBoundaryArn"] = variables["BOUNDARY_ARN"]
    if variables.get("ALARM_EMAIL"):
        parameters["AlarmEmail"] = variables["ALARM_EMAIL"]
    return [
        "sam",
        "deploy",
        *("--config-env", environment),
        *("--template-file", str(BUILT)),
        "--no-resolve-s3",
        *("--s3-bucket", variables["ARTIFACTS_BUCKET"]),
        *("--role-arn", variables["STACK_ROLE_ARN"]),
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        *("--parameter-overrides", *(f"{name}={value}" for name, value in sorted(parameters.items()))),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m infra.deploy")
    parser.add_argument("--environment", required=True)
    words = command(parser.parse_args().environment, os.environ)
    sys.exit(subprocess.run(words, check=False).returncode)  # noqa: S603 - the words are ours
