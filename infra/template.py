"""The template after the SAM transform: plain CloudFormation, with its references resolved to something comparable.

The transform is SAM's own (the package that the service runs), offline. Physical names don't exist before a deployment, so
a reference to a resource becomes text such as `<TraceQueue>` or `<TraceQueue.Arn>`, a parameter its default.
"""

from __future__ import annotations

import copy
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"
REGION = "us-east-1"

_REFERENCE = re.compile(r"\$\{(!?)([^}]+)\}")


@dataclass(frozen=True)
class Stack:
    """A transformed template.

    Attributes:
        source: the template as written, parsed.
        resources: logical id to `{"Type", "Properties", "DeletionPolicy", ...}`, every reference resolved.
        outputs: output name to its resolved value.
        conditions: which hold.

    What stands under a condition that does not hold is not in it.
    """

    source: dict[str, Any]
    resources: dict[str, dict[str, Any]]
    outputs: dict[str, Any]
    conditions: frozenset[str]

    def holds(self, condition: str) -> bool:
        """Whether a condition holds."""
        return condition in self.conditions

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of a CloudFormation type, by logical id."""
        return {name: body.get("Properties", {}) for name, body in self.resources.items() if body["Type"] == kind}

    def properties(self, logical_id: str) -> dict[str, Any]:
        """The properties of one resource; empty when there is none of that id."""
        return self.resources.get(logical_id, {}).get("Properties", {})


def load_template(path: Path = TEMPLATE) -> dict[str, Any]:
    """The template as written, with short forms such as `!Ref` spelled out."""
    from samtranslator.yaml_helper import yaml_parse

    return yaml_parse(path.read_text(encoding="utf-8"))


def transform(source: dict[str, Any], parameters: dict[str, Any] | None = None) -> Stack:
    """What CloudFormation makes of a template.

    Args:
        source: from `load_template`; not changed.
        parameters: values that differ from the defaults.

    Raises:
        InvalidDocumentException: of samtranslator, when the SAM transform refuses the template.
    """
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    packaged = copy.deepcopy(source)
    for resource in packaged["Resources"].values():
        for member in ("CodeUri", "ContentUri"):  # what `sam package` does: the transform takes only uploaded code
            if member in resource.get("Properties", {}):
                resource["Properties"][member] = "s3://packaged/code.zip"
    values = {name: body.get("Default") for name, body in source.get("Parameters", {}).items()} | (parameters or {})
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    plain = translator.translate(packaged, dict(values))
    resolve = _Resolver(values, plain.get("Conditions", {}))
    conditions = frozenset(name for name in plain.get("Conditions", {}) if resolve.holds(name))

    def there(body: dict[str, Any]) -> bool:
        return body.get("Condition") is None or body["Condition"] in conditions

    return Stack(
        source=source,
        resources={name: resolve(body) for name, body in plain["Resources"].items() if there(body)},
        outputs={name: resolve(body["Value"]) for name, body in plain.get("Outputs", {}).items() if there(body)},
        conditions=conditions,
    )


class _Resolver:
    """Replaces intrinsic functions by values. A template is shallow and our own, so plain recursion will do."""

    def __init__(self, values: dict[str, Any], conditions: dict[str, Any]) -> None:
        self._values = values
        self._conditions = conditions

    def __call__(self, node: Any) -> Any:
        if isinstance(node, list):
            items = [self(item) for item in node]
            return [item for item in items if item != "<AWS::NoValue>"]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            function = {
                "Ref": self._ref,
                "Fn::GetAtt": lambda parts: f"<{parts[0]}.{parts[1]}>",
                "Fn::Sub": self._sub,
                "Fn::If": lambda parts: self(parts[1] if self.holds(parts[0]) else parts[2]),
                "Fn::Join": lambda parts: parts[0].join(str(self(part)) for part in parts[1]),
            }.get(name)
            if function is not None:
                return function(argument)
        members = {name: self(value) for name, value in node.items()}
        return {name: value for name, value in members.items() if value != "<AWS::NoValue>"}

    def _ref(self, name: str) -> Any:
        return self._values.get(name, f"<{name}>")

    def _sub(self, argument: str | list[Any]) -> str:
        text, extra = (argument, {}) if isinstance(argument, str) else argument

        def replace(hit: re.Match[str]) -> str:
            if hit[1]:  # ${!x} is how a template writes a plain ${x}
                return f"${{{hit[2]}}}"
            return str(self(extra[hit[2]]) if hit[2] in extra else self._ref(hit[2]))

        return _REFERENCE.sub(replace, text)

    def holds(self, name: str) -> bool:
        return self._truth(self._conditions[name])

    def _truth(self, condition: dict[str, Any]) -> bool:
        ((name, parts),) = condition.items()
        if name == "Fn::Equals":
            return str(self(parts[0])) == str(self(parts[1]))
        if name == "Fn::Not":
            return not self._truth(parts[0])
        raise NotImplementedError(f"the template uses {name}, which this resolver does not know: add it")
