"""Rules about alarms, the topic and the dashboard: each danger is watched, by a metric that somebody really emits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from infra import Stack
from tests.sam._rules import FUNCTIONS, rule


class Metric(NamedTuple):
    """A metric as CloudWatch knows it."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


def metric(namespace: str, name: str, **dimensions: str) -> Metric:
    """A metric of these dimensions."""
    return Metric(namespace, name, frozenset(dimensions.items()))


def _of_queue(name: str, queue: str) -> Metric:
    return metric("AWS/SQS", name, QueueName=f"<{queue}.QueueName>")


REQUEST, PROCESSOR = "request-handler", "trace-processor"

# Alarm to the metric it watches, and the most that is well. For every function its errors and throttles come to these.
DANGERS: dict[str, tuple[Metric, object]] = {
    "DeadLettersWait": (_of_queue("ApproximateNumberOfMessagesVisible", "DeadLetterQueue"), 0),
    "MessagesGrowOld": (_of_queue("ApproximateAgeOfOldestMessage", "TraceQueue"), 1800),
    "TracesAreSpooled": (metric("Footpath", "TracesSpooled", service=REQUEST), 0),
    "TracesAreLogged": (metric("Footpath", "TracesLogged", service=REQUEST), 0),
    "TracesAreDropped": (metric("Footpath", "TracesDropped", service=REQUEST), 0),
    "RecordersFail": (metric("Footpath", "RecorderFailures", service=PROCESSOR), 0),
    "ApiFails": (metric("AWS/ApiGateway", "5xx", ApiId="<ChartApi>"), 0),
    "ApiIsSlow": (metric("AWS/ApiGateway", "Latency", ApiId="<ChartApi>"), 5000),
}
GAP = "TracesAreMissing"
# What is captured less where it may be; the id in the alarm's expression names the metric.
CONSERVATION: dict[str, tuple[Metric, int]] = {
    "captured": (metric("Footpath", "TracesCaptured", service=REQUEST), 1),
    "archived": (metric("Footpath", "TracesArchived", service=PROCESSOR), -1),
    "spooled": (metric("Footpath", "TracesSpooled", service=REQUEST), -1),
    "logged": (metric("Footpath", "TracesLogged", service=REQUEST), -1),
    "dropped": (metric("Footpath", "TracesDropped", service=REQUEST), -1),
    "sampled": (metric("Footpath", "TracesSampledOut", service=REQUEST), -1),
    "poison": (metric("Footpath", "MessagesPoison", service=PROCESSOR), -1),
    "waiting": (_of_queue("ApproximateNumberOfMessagesVisible", "TraceQueue"), -1),
    "taken": (_of_queue("ApproximateNumberOfMessagesNotVisible", "TraceQueue"), -1),
}

DAMAGE, SILENCE = "ArchiveIsDamaged", "SealerIsSilent"
SEALER = "trace-sealer"
FOUND_BY_THE_SEALER = {
    "gone": metric("Footpath", "MissingSegments", service=SEALER),
    "unreadable": metric("Footpath", "UnreadableSegments", service=SEALER),
    "broken": metric("Footpath", "BrokenDigests", service=SEALER),
    "clashing": metric("Footpath", "ClashingTraces", service=SEALER),
}


def metric_of(body: dict[str, Any]) -> Metric:
    """The metric of an alarm, or of one of its members."""
    dimensions = frozenset((entry["Name"], entry["Value"]) for entry in body.get("Dimensions", []))
    return Metric(body.get("Namespace", ""), body.get("MetricName", ""), dimensions)


def is_watched(stack: Stack) -> bool:
    """Whether the stack was asked for alarms."""
    return bool(stack.of_type("AWS::CloudWatch::Alarm"))


@rule
def every_danger_has_an_alarm(stack: Stack) -> Iterator[str]:
    """On the metric that shows it, as soon as it does; and no alarm is left that nobody thought about."""
    alarms = stack.of_type("AWS::CloudWatch::Alarm")
    if not alarms:
        return
    dangers = dict(DANGERS)
    for name in FUNCTIONS:
        for danger in ("Errors", "Throttles"):
            dangers[f"{name}{danger}"] = (metric("AWS/Lambda", danger, FunctionName=f"<{name}>"), 0)
    known = {*dangers, GAP, DAMAGE, SILENCE}
    if set(alarms) != known:
        yield f"alarms: {sorted(set(alarms) ^ known)}"
    for name, (expected, most) in dangers.items():
        alarm = alarms.get(name, {})
        if metric_of(alarm) != expected:
            yield f"{name} watches {metric_of(alarm)}"
        if (alarm.get("Threshold"), alarm.get("ComparisonOperator")) != (most, "GreaterThanThreshold"):
            yield f"{name} rings when {alarm.get('ComparisonOperator')} {alarm.get('Threshold')}"
        if alarm.get("EvaluationPeriods", 0) * alarm.get("Period", 0) > 900:
            yield f"{name} rings too late"


@rule
def the_gap_between_captured_and_archived_has_an_alarm(stack: Stack) -> Iterator[str]:
    """Captured - (archived + spooled + logged + dropped + poison + in flight), forgiving one in a thousand."""
    if not is_watched(stack):
        return
    alarm = stack.properties(GAP)
    members = {entry["Id"]: entry for entry in alarm.get("Metrics", [])}
    if len(members) != len(alarm.get("Metrics", [])):
        yield "an id stands there twice"
    expression = str(members.pop("missing", {}).get("Expression"))
    signed: dict[str, int] = {}
    for sign, name, divisor in re.findall(r"(^|[+-]) ?FILL\((\w+), 0\)(?: / (\d+))?", expression):
        if not divisor:
            signed[name] = -1 if sign == "-" else 1
        elif (sign, name, divisor) != ("-", "captured", "1000"):
            yield f"it forgives {name} / {divisor}"
    if signed != {name: sign for name, (_, sign) in CONSERVATION.items()}:
        yield f"it adds up {signed}"
    for name, (expected, _) in CONSERVATION.items():
        stat = members.get(name, {}).get("MetricStat", {})
        if metric_of(stat.get("Metric", {})) != expected:
            yield f"{name} is {metric_of(stat.get('Metric', {}))}"
        if (
            stat.get("Stat") != ("Maximum" if expected.namespace == "AWS/SQS" else "Sum")
            or stat.get("Period") != 21_600
        ):
            yield f"{name} is the {stat.get('Stat')} of {stat.get('Period')} s"
    if (alarm.get("Threshold"), alarm.get("ComparisonOperator")) != (1, "GreaterThanThreshold"):
        yield f"it rings when {alarm.get('ComparisonOperator')} {alarm.get('Threshold')}"


@rule
def what_the_sealer_finds_has_an_alarm(stack: Stack) -> Iterator[str]:
    """Damage of any kind within the hour; and that it looks at all, for which silence is the sign."""
    if not is_watched(stack):
        return
    alarm = stack.properties(DAMAGE)
    members = {entry["Id"]: entry for entry in alarm.get("Metrics", [])}
    if members.pop("damage", {}).get("Expression") != " + ".join(f"FILL({name}, 0)" for name in FOUND_BY_THE_SEALER):
        yield f"{DAMAGE} does not add up"
    found = {name: metric_of(entry["MetricStat"]["Metric"]) for name, entry in members.items()}
    if found != FOUND_BY_THE_SEALER or {entry["MetricStat"]["Stat"] for entry in members.values()} != {"Sum"}:
        yield f"{DAMAGE} watches {found}"
    if (alarm.get("Threshold"), alarm.get("ComparisonOperator")) != (0, "GreaterThanThreshold"):
        yield f"{DAMAGE} rings when {alarm.get('ComparisonOperator')} {alarm.get('Threshold')}"
    silence = stack.properties(SILENCE)
    if metric_of(silence) != metric("AWS/Lambda", "Invocations", FunctionName="<TraceSealer>"):
        yield f"{SILENCE} watches {metric_of(silence)}"
    if (silence.get("ComparisonOperator"), silence.get("Threshold")) != ("LessThanThreshold", 1):
        yield f"{SILENCE} rings when {silence.get('ComparisonOperator')} {silence.get('Threshold')}"


@rule
def alarms_tell_somebody_and_where_to_read_on(stack: Stack) -> Iterator[str]:
    """When it begins and when it ends; silence is no alarm; and the runbook has an entry."""
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
        for actions in ("AlarmActions", "OKActions"):
            if not alarm.get(actions) or "" in alarm[actions]:
                yield f"{name}: {actions} is {alarm.get(actions)}"
        if alarm.get("TreatMissingData") != ("breaching" if name == SILENCE else "notBreaching"):
            yield f"{name}: without data it is {alarm.get('TreatMissingData')}"
        if not re.search(r"\. docs/runbook\.md#[a-z0-9-]+$", alarm.get("AlarmDescription", "")):
            yield f"{name} names no entry of the runbook"


@rule
def the_topic_takes_tls_only(stack: Stack) -> Iterator[str]:
    """And mails whom the parameter names."""
    for name, topic in stack.of_type("AWS::SNS::Topic").items():
        policies = [
            statement
            for policy in stack.of_type("AWS::SNS::TopicPolicy").values()
            if f"<{name}>" in policy["Topics"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        if not any(
            (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "sns:Publish")
            and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
            for statement in policies
        ):
            yield f"{name} takes messages without TLS"
        if [entry["Protocol"] for entry in topic.get("Subscription", [])] != ["email"]:
            yield f"{name} tells nobody"


def dashboard_metrics(stack: Stack) -> list[Metric]:
    """Every metric that the dashboard shows.

    Raises:
        ValueError: its body is not JSON.
    """
    found: list[Metric] = []
    for body in stack.of_type("AWS::CloudWatch::Dashboard").values():
        for widget in json.loads(body["DashboardBody"])["widgets"]:
            for namespace, name, *rest in widget["properties"]["metrics"]:
                pairs = [part for part in rest if isinstance(part, str)]
                found.append(Metric(namespace, name, frozenset(zip(pairs[::2], pairs[1::2], strict=True))))
    return found


@rule
def the_dashboard_shows_where_traces_went(stack: Stack) -> Iterator[str]:
    """All that the alarms watch but the gap's sum, of this stack and region, in widgets that do not overlap."""
    for name, body in stack.of_type("AWS::CloudWatch::Dashboard").items():
        try:
            shown = dashboard_metrics(stack)
        except (ValueError, KeyError) as error:
            yield f"{name} can't be read: {error}"
            return
        wanted = {watched for watched, _ in DANGERS.values() if watched.name != "5xx"}
        wanted |= {
            metric("AWS/Lambda", danger, FunctionName=f"<{n}>") for n in FUNCTIONS for danger in ("Errors", "Throttles")
        }
        for missing in wanted - set(shown):
            yield f"{name} does not show {missing}"
        cells: set[tuple[int, int]] = set()
        for widget in json.loads(body["DashboardBody"])["widgets"]:
            if widget["properties"]["region"] != "<AWS::Region>":
                yield f"{name} shows {widget['properties']['region']}"
            here = {
                (x, y)
                for x in range(widget["x"], widget["x"] + widget["width"])
                for y in range(widget["y"], widget["y"] + widget["height"])
            }
            if here & cells or widget["x"] + widget["width"] > 24:
                yield f"{name}: {widget['properties']['title']} overlaps"
            cells |= here
