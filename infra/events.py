"""Writes `events/`: a sample of each input that AWS sends, in its documented shape, for `sam local invoke` and for tests.

    python -m infra.events

Bodies are traces of real runs with a fixed clock and fixed ids, so a second run writes the same files. They need not be
written again when the trace format grows: that the processor still takes them is what the tests see to.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

from footpath import FlowChartExecutor
from footpath.ids import IdMaker
from footpath.trace import encode_trace
from footpath_service.flows import charts
from footpath_service.flows.credit_decision import NAME
from footpath_service.wire import encode_attributes, encode_body, encode_claim
from infra.template import REGION, ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "events"
CHART = NAME
ACCOUNT = "123456789012"  # the one of AWS's own examples
BUCKET = "footpath-archivebucket-1abcdefghijkl"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:footpath-TraceQueue-1abcdefghijkl"
AT_MS = 1_795_341_600_000  # 2026-11-22T10:00:00Z

# Which function takes which samples, by the first word of their names: the one home of that. A new function is one
# line.
SOURCES = {
    "direct": "RequestHandler",
    "http": "RequestHandler",
    "function": "RequestHandler",
    "sqs": "TraceProcessor",
    "schedule": "TraceSealer",
}

APPLICATION = {
    "application_id": "sample-1",
    "duration_months": 24,
    "amount_dm": 3600,
    "installment_rate_band": 3,
    "residence_band": 2,
    "age_years": 41,
    "existing_credits": 1,
    "dependants": 1,
    "checking_account": "0_to_200",
    "credit_history": "paid_so_far",
    "purpose": "radio_tv",
    "savings": "100_to_500",
    "employment_years": "4_to_7",
    "personal_status": "male_single",
    "guarantor": "none",
    "property": "real_estate",
    "other_installments": "none",
    "housing": "own",
    "job": "skilled",
    "telephone_coded": 1,
    "foreign_worker_coded": 1,
}


def samples() -> dict[str, Any]:
    """Every sample, by its file's name without the ending."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def function_for(sample: str) -> str:
    """The logical id of the function that a sample is for.

    Raises:
        KeyError: its name begins with no word of `SOURCES`.
    """
    return SOURCES[sample.partition("-")[0]]


# ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────────
def http_request(method: str, path: str, body: str | None = None, **members: Any) -> dict[str, Any]:
    """What an HTTP API sends for a route, payload format 2.0; `members` replace those of the event."""
    route = re.sub(f"/charts/[^/]+({'/runs'})?$", r"/charts/{chart}\1", path)
    names = re.match(r"/charts/([^/]+)", path)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {route}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "content-length": str(len((body or "").encode())),
            "content-type": "application/json",
            "host": f"a1b2c3d4e5.execute-api.{REGION}.amazonaws.com",
            "user-agent": "curl/8.5.0",
            "x-amzn-trace-id": "Root=1-6921ab60-5759e988bd862e3fe1be46a9",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "a1b2c3d4e5",
            "authentication": None,
            "authorizer": {
                "iam": {
                    "accessKey": "ASIAEXAMPLE",
                    "accountId": ACCOUNT,
                    "callerId": "AROAEXAMPLE:caller",
                    "cognitoIdentity": None,
                    "principalOrgId": "o-exampleorgid",
                    "userArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/caller/caller",
                    "userId": "AROAEXAMPLE:caller",
                }
            },
            "domainName": f"a1b2c3d4e5.execute-api.{REGION}.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"{method} {route}",
            "stage": "$default",
            "time": "22/Nov/2026:10:00:00 +0000",
            "timeEpoch": AT_MS,
        },
        "isBase64Encoded": False,
    }
    if names:
        event["pathParameters"] = {"chart": names[1]}
    if body is not None:
        event["body"] = body
    return event | members


def function_url_request(method: str, path: str, body: str) -> dict[str, Any]:
    """The same over a function URL: no routes, so neither their keys nor path parameters."""
    event = http_request(method, path, body, routeKey="$default")
    del event["pathParameters"]
    domain = f"abcdefghijklmnopqrstuvwxyz0123.lambda-url.{REGION}.on.aws"
    event["headers"]["host"] = domain
    event["requestContext"] |= {
        "apiId": "abcdefghijklmnopqrstuvwxyz0123",
        "domainName": domain,
        "domainPrefix": "abcdefghijklmnopqrstuvwxyz0123",
        "routeKey": "$default",
    }
    return event


# ── the schedule ───────────────────────────────────────────────────────────────────────────────────────────────────
def scheduled() -> dict[str, Any]:
    """What EventBridge sends when a rule's schedule comes round."""
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": "2026-11-22T10:00:00Z",
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/footpath-TraceSealerEveryHour-1abcdefghijkl"],
        "detail": {},
    }


# ── messages ───────────────────────────────────────────────────────────────────────────────────────────────────────
def message(body: str, attributes: dict[str, str], *, number: int = 0, receive_count: int = 1) -> dict[str, Any]:
    """One record of an SQS event."""
    digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
    identity = hashlib.sha256(f"{number} {body}".encode()).hexdigest()
    return {
        "messageId": f"{identity[:8]}-{identity[8:12]}-4{identity[13:16]}-a{identity[17:20]}-{identity[20:32]}",
        "receiptHandle": f"AQEB{identity[:40]}",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(receive_count),
            "SentTimestamp": str(AT_MS + number),
            "SenderId": "AROAEXAMPLE:footpath-RequestHandler-1abcdefghijk",
            "ApproximateFirstReceiveTimestamp": str(AT_MS + number + 1200),
        },
        "messageAttributes": {
            name: {"stringValue": value, "stringListValues": [], "binaryListValues": [], "dataType": "String"}
            for name, value in attributes.items()
        },
        "md5OfBody": digest,
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE_ARN,
        "awsRegion": REGION,
    }


def traces(count: int) -> list[tuple[bytes, dict[str, str]]]:
    """Documents of real runs with their message attributes; every one the same, to the byte, whenever they are made."""
    clock_ms = itertools.count(AT_MS, 250)
    bits = itertools.count(1)
    make_id = IdMaker(clock_ms=lambda: next(clock_ms), randomness=lambda size: next(bits).to_bytes(size, "big"))
    (flow,) = (flow for flow in charts() if flow.name == CHART)
    found: list[tuple[bytes, dict[str, str]]] = []
    for number in range(count):
        ticks = itertools.count(0, 40_000)
        executor = FlowChartExecutor(
            flow.build(),
            clock=lambda: next(ticks),  # noqa: B023  # the executor is done before the next one begins
            wall_clock=lambda: (AT_MS + number * 1000) * 1_000_000,  # noqa: B023
            ids=make_id,
        )
        executor.enable_narrative()
        if flow.redaction is not None:
            executor.set_redaction_policy(flow.redaction)
        executor.run(input=APPLICATION | {"application_id": f"sample-{number}", "amount_dm": 1200 + 700 * number})
        trace = executor.get_trace()
        header = json.loads(document := encode_trace(trace))
        attributes = encode_attributes(
            format=header["format"], trace_id=header["traceId"], chart=CHART, status=header["status"]
        )
        found.append((document, attributes))
    return found


def footprintjs_trace() -> str:
    """What footprintjs itself captured of a run, out of the results that it recorded for a conformance case."""
    path = ROOT / "tests" / "conformance" / "expected" / "loop-until.json"
    recorded = json.loads(path.read_text(encoding="utf-8"))
    (phase,) = recorded["runs"][0]["phases"]
    members = {"spec": recorded["build"]["spec"], "snapshot": phase["snapshot"], "narrative": phase["narrative"]}
    return json.dumps(members, separators=(",", ":"))


def sqs_events() -> tuple[dict[str, list[dict[str, Any]]], bytes]:
    """Record lists by file name, and the object that the claim among them is for."""
    runs = traces(10)
    plain = [(document.decode(), attributes) for document, attributes in runs]
    packed = [(encode_body(document), attributes) for document, attributes in runs]
    (body, attributes) = packed[0]
    claim, _ = encode_claim(BUCKET, body.encode())
    poison = {
        "not-a-trace": "hello",
        "bad-base64": "z1:!!!!",
        "bad-zlib": "z1:aGVsbG8=",
        "bad-json": '{"format": "footpath.trace", ',
        "unknown-version": '{"format": "footpath.trace", "version": 99}',
        "foreign-claim": encode_claim("somebody-elses-bucket", body.encode())[0],
        "claim-missing": encode_claim(BUCKET, b"never put")[0],
    }
    reason = {"reason": "claim-missing", "detail": "there was no object to claim; it has been restored since"}
    return {
        "sqs-one": [message(*packed[0])],
        "sqs-one-as-text": [message(*plain[1])],
        "sqs-ten": [message(*run, number=number) for number, run in enumerate(packed)],
        "sqs-duplicate": [message(*packed[2], number=1), message(*packed[2], number=2, receive_count=3)],
        "sqs-claim": [message(claim, attributes)],
        "sqs-poison-among-good": [
            message(*packed[3]),
            *(message(text, {"format": name}, number=number) for number, (name, text) in enumerate(poison.items())),
            message(*packed[4]),
        ],
        "sqs-footprintjs": [message(footprintjs_trace(), {})],
        # Redriven from the dead-letter queue: a new message, which brings along the reason for which it lay there.
        "sqs-redriven": [message(claim, attributes | reason, number=7)],
    }, body.encode()


def write(folder: Path = FOLDER) -> None:
    """Write every event, and the claimed object under `claims/`."""
    run = {"chart": CHART, "input": APPLICATION}
    body = json.dumps({"input": APPLICATION})
    path = f"/charts/{CHART}/runs"
    events: dict[str, Any] = {
        "direct-run": run,
        "direct-run-explained": run | {"explain": True},
        "direct-unknown-chart": run | {"chart": "no-such-chart"},
        "direct-bad-input": {"chart": CHART, "input": {"amount_dm": "a lot"}},
        "http-api-run": http_request("POST", path, body),
        "http-api-bad-json": http_request("POST", path, '{"input": '),
        "http-api-list-charts": http_request("GET", "/charts"),
        "http-api-describe-chart": http_request("GET", f"/charts/{CHART}"),
        "function-url-run": function_url_request("POST", path, body),
        "schedule": scheduled(),
    }
    messages, claimed = sqs_events()
    events |= {name: {"Records": records} for name, records in messages.items()}
    for name, event in events.items():
        (folder / f"{name}.json").write_text(json.dumps(event, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "claims").mkdir(exist_ok=True)
    (folder / "claims" / hashlib.sha256(claimed).hexdigest()).write_bytes(claimed)


if __name__ == "__main__":
    write()
