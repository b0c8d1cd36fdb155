"""What a pipeline asks and does around a deployment: what is live, does an alarm ring, take it back.

    python -m infra.release note --stack NAME > live.json       # before
    python -m infra.release alarms --stack NAME --for 300       # after: fails when one rings
    python -m infra.release take-back --stack NAME live.json    # when it failed

A first deployment notes nothing, and there is nothing to take back.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK_EVERY_S = 15.0


def outputs_of(stack: str) -> dict[str, str]:
    """A stack's outputs; none when there is no such stack yet.

    Raises:
        ClientError: AWS refused.
    """
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def functions_of(stack: str) -> list[str]:
    """The stack's functions, by their outputs."""
    names = ("RequestHandlerName", "TraceProcessorName", "TraceSealerName")
    outputs = outputs_of(stack)
    return [outputs[name] for name in names if name in outputs]


def live_versions(stack: str, alias: str = "live") -> dict[str, str]:
    """Function to the version that its alias points at."""
    client = boto3.client("lambda")
    return {name: client.get_alias(FunctionName=name, Name=alias)["FunctionVersion"] for name in functions_of(stack)}


def take_back(stack: str, versions: dict[str, str], alias: str = "live") -> list[str]:
    """Move the aliases to where they were; gives the functions that were moved. Twice is harmless."""
    client = boto3.client("lambda")
    now = live_versions(stack, alias)
    moved: list[str] = []
    for name, version in versions.items():
        if name in now and now[name] != version:
            client.update_alias(FunctionName=name, Name=alias, FunctionVersion=version)
            moved.append(name)
    return moved


def ringing(stack: str) -> list[str]:
    """The stack's alarms that ring now."""
    found: list[str] = []
    pages = boto3.client("cloudwatch").get_paginator("describe_alarms")
    for page in pages.paginate(AlarmNamePrefix=f"{stack}-", StateValue="ALARM"):
        found += [alarm["AlarmName"] for alarm in page["MetricAlarms"]]
    return sorted(found)


def watch(
    stack: str,
    seconds: float,
    *,
    before: list[str],
    clock_s: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> list[str]:
    """Look for so long; gives the first alarms that ring and did not before. Nothing is a good sign.

    Args:
        stack: its name.
        seconds: how long.
        before: alarms that rang before the deployment, which it is not to blame for.
        clock_s: seconds, of a clock that never steps back.
        sleep: waits.
    """
    until_s = clock_s() + seconds
    while True:
        new = [name for name in ringing(stack) if name not in before]
        if new or clock_s() >= until_s:
            return new
        sleep(min(_LOOK_EVERY_S, max(until_s - clock_s(), 0.1)))


def main(words: list[str] | None = None) -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.release", description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["note", "alarms", "take-back"])
    parser.add_argument("note", nargs="?", type=Path, help="what `note` printed")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--for", dest="seconds", type=float, default=0.0)
    asked = parser.parse_args(words)
    noted: dict[str, Any] = json.loads(asked.note.read_text(encoding="utf-8")) if asked.note else {}
    if asked.what == "note":
        print(json.dumps({"versions": live_versions(asked.stack), "ringing": ringing(asked.stack)}))
        return 0
    if asked.what == "alarms":
        new = watch(asked.stack, asked.seconds, before=noted.get("ringing", []))
        print(f"ringing: {', '.join(new)}" if new else "no alarm rings")
        return 1 if new else 0
    moved = take_back(asked.stack, noted.get("versions", {}))
    print(f"taken back: {', '.join(moved)}" if moved else "nothing to take back")
    return 0


if __name__ == "__main__":
    sys.exit(main())
