"""The template on moto, as far as moto goes; what it can't do is named here, and a test keeps the list true."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import boto3

from infra import cloudformation, load_template
from tests.sam._rules import FUNCTIONS

NAME = "footpath"

# Types that moto's CloudFormation passes over without a word, though it calls the stack complete.
IGNORED_TYPES = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Athena::NamedQuery",
    "AWS::Athena::WorkGroup",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::Lambda::Alias",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}


def plain_template() -> dict[str, Any]:
    """What CloudFormation gets, with references to aliases led to their functions: moto knows none, and would fail."""
    text = json.dumps(cloudformation(load_template()))
    for name in FUNCTIONS:
        text = text.replace(f'{{"Ref": "{name}Aliaslive"}}', f'{{"Fn::GetAtt": ["{name}", "Arn"]}}')
        text = text.replace(f"${{{name}Aliaslive}}", f"${{{name}.Arn}}")
    return json.loads(text)


def create_stack(parameters: dict[str, Any], name: str = NAME) -> dict[str, Any]:
    """Creates the stack; gives what DescribeStacks says of it."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "def lambda_handler(event, context): ...")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="packaged")
    s3.put_object(Bucket="packaged", Key="code.zip", Body=code.getvalue())
    client = boto3.client("cloudformation")
    client.create_stack(
        StackName=name,
        TemplateBody=json.dumps(plain_template()),
        Parameters=[{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    return client.describe_stacks(StackName=name)["Stacks"][0]


def outputs_of(stack: dict[str, Any]) -> dict[str, str]:
    """Its outputs by name."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def add_aliases(outputs: dict[str, str]) -> None:
    """The aliases that CloudFormation would have made."""
    client = boto3.client("lambda")
    for name in FUNCTIONS:
        client.create_alias(FunctionName=outputs[f"{name}Name"], Name=outputs["FunctionAlias"], FunctionVersion="1")
