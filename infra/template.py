"""The template after the SAM transform: plain CloudFormation, with its references resolved to something comparable.

The transform is SAM's own (the package that the service runs), offline. Physical names don't exist before a deployment,
so a reference to a resource becomes text such as `<TraceQueue>` or `<TraceQueue.Arn>`, a parameter its default.
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
        resources: logical id to `{"Type", "Properties", "DeletionPolicy", ...}`, every reference resolved; without
            those whose condition does not hold.
        outputs: output name to its resolved value.
        refusals: what CloudFormation would say to these parameters by the template's `Rules`; it would make nothing.
    """

    source: dict[str, Any]
    resources: dict[str, dict[str, Any]]
    outputs: dict[str, Any]
    refusals: list[str]

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


def cloudformation(source: dict[str, Any], parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    """The plain CloudFormation template that SAM makes of one; its references and conditions stand.

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
            place = resource.get("Properties", {}).get(member)
            if isinstance(place, str) and not place.startswith("s3://"):
                resource["Properties"][member] = "s3://packaged/code.zip"
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    return translator.translate(packaged, _values(source, parameters))


def transform(source: dict[str, Any], parameters: dict[str, Any] | None = None) -> Stack:
    """What CloudFormation makes of a template.

    Args:
        source: from `load_template`; not changed.
        parameters: values that differ from the defaults.

    Raises:
        InvalidDocumentException: of samtranslator, when the SAM transform refuses the template.
    """
    return resolve(source, cloudformation(source, parameters), parameters)


def resolve(source: dict[str, Any], plain: dict[str, Any], parameters: dict[str, Any] | None = None) -> Stack:
    """What CloudFormation makes of a plain template.

    Args:
        source: the template before the transform.
        plain: from `cloudformation`.
        parameters: values that differ from the defaults.
    """
    resolver = _Resolver(_values(source, parameters), plain.get("Conditions", {}))
    return Stack(
        source=source,
        resources={
            name: resolver({member: value for member, value in body.items() if member != "Condition"})
            for name, body in plain["Resources"].items()
            if resolver.holds(body.get("Condition"))
        },
        outputs={
            name: resolver(body["Value"])
            for name, body in plain.get("Outputs", {}).items()
            if resolver.holds(body.get("Condition"))
        },
        refusals=[
            assertion["AssertDescription"]
            for rule in plain.get("Rules", {}).values()
            if resolver.truth(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not resolver.truth(assertion["Assert"])
        ],
    )


def _values(source: dict[str, Any], parameters: dict[str, Any] | None) -> dict[str, Any]:
    return {name: body.get("Default") for name, body in source.get("Parameters", {}).items()} | (parameters or {})


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
                "Fn::GetAtt": self._attribute,
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

    @staticmethod
    def _attribute(place: str | list[str]) -> str:
        return f"<{place if isinstance(place, str) else '.'.join(place)}>"

    def holds(self, name: str | None) -> bool:
        """Whether a condition does; what has none always stands."""
        return name is None or self.truth(self._conditions[name])

    def truth(self, condition: dict[str, Any]) -> bool:
        """What a condition's functions come to."""
        ((name, parts),) = condition.items()
        if name == "Condition":
            return self.holds(parts)
        if name == "Fn::Equals":
            return str(self(parts[0])) == str(self(parts[1]))
        if name == "Fn::Not":
            return not self.truth(parts[0])
        if name in {"Fn::And", "Fn::Or"}:
            return (all if name == "Fn::And" else any)(self.truth(part) for part in parts)
        raise NotImplementedError(f"the template uses {name}, which this resolver does not know: add it")
