"""Who deploys may change one stack, and can give away no more than the boundary bounds."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra import Stack, load_template, resolve
from infra.template import ROOT
from tests.sam._rules import FUNCTIONS, KEY_GRANTS
from tests.sam.conftest import run

DEPLOYER = ROOT / "infra" / "deployer.yaml"
SOURCE = load_template(DEPLOYER)
NAMED = {"Repository": "owner/name", "Environment": "prod", "StackName": "s", "DatabaseName": "d"}
DROP = object()

# Resources without the stack's name, each with its reason: an action of its own kind has none to give.
UNNAMED = {
    "*": {"ReadATemplate", "AccessLogsOfTheApi", "NewKeys"},
    "<Artifacts.Arn>": {"FindTheBucket"},
    "<Artifacts.Arn>/*": {"BringArtifacts", "Code"},
    "<StackRole.Arn>": {"HandTheRoleOver"},
    ":transform/Serverless-2016-10-31": {"TransformIt"},
    ":alarm:*": {"WatchAlarms"},  # reading them
    ":layer:EngineLayer": {"Layer"},  # SAM names a layer after its logical id
    ":layer:EngineLayer:*": {"Layer"},
    ":event-source-mapping:*": {"Mapping", "ReadMapping"},  # named by a random id; bound by its function
    ":log-group:*": {"FindLogs"},
    ":key/*": {"DecryptItsTrace", "Keys", "UseKeys"},  # named by a random id; bound by the stack's tag
    "::/apis": {"Api"},  # an API's ARN has no account and no name
    "::/apis/*": {"Api"},
    "::/tags/*": {"Api"},
    ":catalog": {"Catalogue"},
    ":database/d": {"Catalogue"},
    ":table/d/*": {"Catalogue"},
}
MUST_BE_BOUND = {
    "HandTheRoleOver": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
    "HandRolesToLambda": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
    "Roles": {"StringEquals": {"iam:PermissionsBoundary": "<Boundary>"}},
    "NewKeys": {"StringEquals": {"aws:RequestTag/aws:cloudformation:stack-name": "s"}},
    "Keys": {"StringEquals": {"aws:ResourceTag/aws:cloudformation:stack-name": "s"}},
    "UseKeys": {"StringEquals": {"aws:ResourceTag/aws:cloudformation:stack-name": "s"}},
    "DecryptItsTrace": {
        "StringEquals": {
            "aws:ResourceTag/aws:cloudformation:stack-name": "s",
            "kms:ViaService": "s3.<AWS::Region>.<AWS::URLSuffix>",
        }
    },
    "Mapping": {
        "ArnLike": {"lambda:FunctionArn": "arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:s-*"}
    },
}


def _statements(stack: Stack) -> Iterator[dict[str, Any]]:
    for name in ("DeployRole", "StackRole"):
        for policy in stack.properties(name)["Policies"]:
            yield from policy["PolicyDocument"]["Statement"]


def only_one_environment_of_one_repository_may_deploy(stack: Stack) -> Iterator[str]:
    """By GitHub's token, for AWS, for that environment; no branch, no pull request, no other repository."""
    (statement,) = stack.properties("DeployRole")["AssumeRolePolicyDocument"]["Statement"]
    expected = {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:owner/name:environment:prod",
        }
    }
    if statement.get("Condition") != expected:
        yield f"assumed where {statement.get('Condition')}"
    (statement,) = stack.properties("StackRole")["AssumeRolePolicyDocument"]["Statement"]
    if statement["Principal"] != {"Service": "cloudformation.amazonaws.com"} or "Condition" not in statement:
        yield f"the stack's role is for {statement}"


def actions_are_named(stack: Stack) -> Iterator[str]:
    """Each of them."""
    for statement in _statements(stack):
        yield from (f"{statement['Sid']}: {action}" for action in statement["Action"] if "*" in action)


def resources_are_the_stacks(stack: Stack) -> Iterator[str]:
    """By its name, or by a reason."""
    for statement in _statements(stack):
        for resource in statement["Resource"]:
            reason = any(
                resource.endswith(end) and statement["Sid"] in sids for end, sids in UNNAMED.items() if end != "*"
            )
            plain = resource == "*" and statement["Sid"] in UNNAMED["*"]
            if not (
                any(mark in resource for mark in (":s-", "/s-", ":stack/s/*", "workgroup/s-traces")) or reason or plain
            ):
                yield f"{statement['Sid']}: {statement['Action'][0]} on {resource}"


def what_has_no_name_is_bound_by_a_condition(stack: Stack) -> Iterator[str]:
    """Keys by the stack's tag, mappings by their function, roles by who gets them and by the boundary."""
    found = {statement["Sid"]: statement.get("Condition") for statement in _statements(stack)}
    for sid, condition in MUST_BE_BOUND.items():
        if found.get(sid) != condition:
            yield f"{sid} is bound by {found.get(sid)}"


def nobody_who_deploys_deletes_traces(stack: Stack) -> Iterator[str]:
    """Neither objects nor the archive bucket, nor the keys that read it."""
    for statement in _statements(stack):
        for action in statement["Action"]:
            if action.startswith(
                ("s3:DeleteObject", "kms:ScheduleKeyDeletion", "kms:DisableKey", "s3:BypassGovernance")
            ):
                yield f"{statement['Sid']}: {action}"
            if action == "s3:DeleteBucket" and any("archivebucket" in resource for resource in statement["Resource"]):
                yield f"{statement['Sid']}: {action}"


def the_boundary_lets_functions_do_what_they_need(stack: Stack) -> Iterator[str]:
    """And never delete, nor touch a role."""
    allowed = {
        action
        for statement in stack.properties("Boundary")["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }
    needed = {action for grants in FUNCTIONS.values() for action, _ in grants} | {action for action, _ in KEY_GRANTS}
    needed |= {"kms:GenerateMac", "kms:Sign", "logs:CreateLogStream", "logs:PutLogEvents"}
    yield from (f"the boundary forbids {action}" for action in needed - allowed)
    yield from (f"the boundary allows {action}" for action in allowed - needed)


def artifacts_are_private(stack: Stack) -> Iterator[str]:
    """Whoever can write them runs as the functions."""
    bucket = stack.properties("Artifacts")
    if not all(bucket.get("PublicAccessBlockConfiguration", {}).get(name) for name in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")):  # fmt: skip
        yield "open to the public"
    if "BucketEncryption" not in bucket or bucket.get("VersioningConfiguration") != {"Status": "Enabled"}:
        yield "not encrypted, or not versioned"
    statements = [
        statement
        for policy in stack.of_type("AWS::S3::BucketPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    if [(one["Effect"], one["Condition"]) for one in statements] != [
        ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    ]:
        yield f"taken without TLS: {statements}"


RULES: dict[str, Callable[[Stack], Iterator[str]]] = {
    rule.__name__: rule
    for rule in (
        only_one_environment_of_one_repository_may_deploy,
        actions_are_named,
        resources_are_the_stacks,
        what_has_no_name_is_bound_by_a_condition,
        nobody_who_deploys_deletes_traces,
        the_boundary_lets_functions_do_what_they_need,
        artifacts_are_private,
    )
}


def _policy(role: str, sid: str) -> dict[str, Any]:
    statements = SOURCE["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return next(statement for statement in statements if statement["Sid"] == sid)


def _at(template: dict[str, Any], role: str, sid: str) -> dict[str, Any]:
    statements = template["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return next(statement for statement in statements if statement["Sid"] == sid)


def _set(role: str, sid: str, member: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(template: dict[str, Any]) -> None:
        _at(template, role, sid)[member] = value

    return change


def _drop(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(template: dict[str, Any]) -> None:
        node = template["Resources"]
        for step in path[:-1]:
            node = node[step]
        del node[path[-1]]

    return change


def _trust_everybody(template: dict[str, Any]) -> None:
    (statement,) = template["Resources"]["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    statement["Condition"] = {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:owner/name:*"}}


def _bound_too_little(template: dict[str, Any]) -> None:
    template["Resources"]["Boundary"]["Properties"]["PolicyDocument"]["Statement"][1]["Action"].append(
        "s3:DeleteObject"
    )


MUTATIONS: list[tuple[str, Callable[[dict[str, Any]], None]]] = [
    ("only_one_environment_of_one_repository_may_deploy", _trust_everybody),
    ("actions_are_named", _set("StackRole", "Queues", "Action", ["sqs:*"])),
    ("resources_are_the_stacks", _set("StackRole", "Queues", "Resource", ["*"])),
    ("resources_are_the_stacks", _set("DeployRole", "TakeBack", "Resource", ["arn:aws:lambda:eu-west-1:1:function:*"])),
    ("what_has_no_name_is_bound_by_a_condition", _set("StackRole", "Roles", "Condition", {})),
    ("what_has_no_name_is_bound_by_a_condition", _set("DeployRole", "HandTheRoleOver", "Condition", {})),
    ("nobody_who_deploys_deletes_traces", _set("StackRole", "Code", "Action", ["s3:GetObject", "s3:DeleteObject"])),
    ("the_boundary_lets_functions_do_what_they_need", _bound_too_little),
    ("artifacts_are_private", _drop("ArtifactsPolicy")),
    ("artifacts_are_private", _drop("Artifacts", "Properties", "PublicAccessBlockConfiguration")),
]


def _broken(source: dict[str, Any], parameters: dict[str, Any]) -> set[str]:
    stack = resolve(source, source, parameters)
    return {name for name, rule in RULES.items() if list(rule(stack))}


@pytest.mark.parametrize(
    "provider", ["", "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"]
)
def test_the_deployer_keeps_every_rule(provider: str) -> None:
    """With a provider of its own or an account's."""
    parameters = NAMED | {"OidcProviderArn": provider}
    stack = resolve(SOURCE, SOURCE, parameters)
    assert {name: found for name, rule in RULES.items() if (found := list(rule(stack)))} == {}
    assert ("GitHub" in stack.resources) == (provider == "")


@pytest.mark.parametrize(("name", "change"), MUTATIONS, ids=[name for name, _ in MUTATIONS])
def test_each_rule_notices_a_broken_deployer_and_no_other_does(
    name: str, change: Callable[[dict[str, Any]], None]
) -> None:
    """A rule that can't fail protects nothing."""
    source = copy.deepcopy(SOURCE)
    change(source)
    assert _broken(source, NAMED | {"OidcProviderArn": ""}) == {name}


def test_every_rule_of_the_deployer_has_a_mutation() -> None:
    """So no rule is added without one."""
    assert {name for name, _ in MUTATIONS} == set(RULES)


def test_the_stack_role_makes_every_type_of_the_template() -> None:
    """A resource of a service that the role does not know could not be created."""
    services = {
        "AWS::ApiGatewayV2": "apigateway",
        "AWS::Athena": "athena",
        "AWS::Budgets": "budgets",
        "AWS::CloudWatch": "cloudwatch",
        "AWS::Events": "events",
        "AWS::Glue": "glue",
        "AWS::IAM": "iam",
        "AWS::KMS": "kms",
        "AWS::Lambda": "lambda",
        "AWS::Logs": "logs",
        "AWS::S3": "s3",
        "AWS::SNS": "sns",
        "AWS::SQS": "sqs",
    }
    from infra import cloudformation

    types = {body["Type"] for body in cloudformation(load_template())["Resources"].values()}
    statements = resolve(SOURCE, SOURCE, NAMED).properties("StackRole")["Policies"][0]["PolicyDocument"]["Statement"]
    granted = {action.partition(":")[0] for statement in statements for action in statement["Action"]}
    assert {services[kind.rpartition("::")[0]] for kind in types} <= granted


def test_cfn_lint_knows_every_action() -> None:
    """Its list is AWS's: a misspelt right would be refused by nobody, and missed at the first deployment."""
    done = run("cfn-lint", DEPLOYER)
    assert (done.returncode, done.stdout) == (0, "")
