"""Which event goes where: `ROUTES`, the one table behind the rules, the router, the local bus and the README.

Nothing here knows an SDK or a settings file: the infrastructure code imports it at synthesis.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import ValidationError

from spiderpool_aws.deployment import RESYNC_SCHEDULE
from spiderpool_aws.domain.lifecycle import LAUNCH_HOOK, TERMINATE_HOOK
from spiderpool_aws.events import (
    ENI_CALLS,
    POLICY_OPERATIONS,
    STATES,
    EniApiCall,
    InstanceStateChange,
    LifecycleAction,
    MalformedEvent,
    ManualResync,
    NodeEvent,
    PolicyChange,
    ResyncEvent,
    ScheduledResync,
    SpotInterruption,
    explain,
)

E = TypeVar("E", NodeEvent, ResyncEvent)


class Target(StrEnum):
    """The function that an event invokes."""

    ROUTE_EVENT = "route_event"
    RESYNC = "resync"


@dataclass(frozen=True, slots=True)
class Route:
    """One row: an event, told by its source and detail-type, its model, and the function that takes it."""

    name: str
    """The rule's own name."""
    source: str
    """Empty for what people send, which has no envelope."""
    detail_type: str
    model: type[NodeEvent] | type[ResyncEvent]
    target: Target
    why: str
    """For the README."""
    every: timedelta | None = None
    """Set: the rule has this schedule instead of a pattern."""


ROUTES = (
    Route(
        "instance-state",
        "aws.ec2",
        "EC2 Instance State-change Notification",
        InstanceStateChange,
        Target.ROUTE_EVENT,
        f"an instance is {', '.join(STATES)}",
    ),
    Route(
        "launch-hook",
        "aws.autoscaling",
        "EC2 Instance-launch Lifecycle Action",
        LifecycleAction,
        Target.ROUTE_EVENT,
        f"an Auto Scaling group waits for our hook `{LAUNCH_HOOK}`",
    ),
    Route(
        "terminate-hook",
        "aws.autoscaling",
        "EC2 Instance-terminate Lifecycle Action",
        LifecycleAction,
        Target.ROUTE_EVENT,
        f"an Auto Scaling group waits for our hook `{TERMINATE_HOOK}`",
    ),
    Route(
        "spot-interruption",
        "aws.ec2",
        "EC2 Spot Instance Interruption Warning",
        SpotInterruption,
        Target.ROUTE_EVENT,
        "EC2 takes a Spot instance back in two minutes",
    ),
    Route(
        "eni-call",
        "aws.ec2",
        "AWS API Call via CloudTrail",
        EniApiCall,
        Target.ROUTE_EVENT,
        "somebody else's successful " + ", ".join(ENI_CALLS),
    ),
    Route(
        "policy-change",
        "aws.ssm",
        "Parameter Store Change",
        PolicyChange,
        Target.RESYNC,
        "the policy's parameter was written",
    ),
    Route(
        "schedule",
        "aws.events",
        "Scheduled Event",
        ScheduledResync,
        Target.RESYNC,
        "whatever no event told, CloudTrail being best effort; every fifth time where no size is elastic",
        every=RESYNC_SCHEDULE,
    ),
    Route(
        "manual",
        "",
        "",
        ManualResync,
        Target.RESYNC,
        '`{}`, `{"instanceIds": […]}`, `{"dryRun": true}`, `{"confirm": "<digest>"}`',
    ),
)


def parse(event: object, kind: type[E]) -> E:
    """Return the event as the model of its route; raise MalformedEvent, saying what is wrong with it.

    `kind` is what the function takes: `NodeEvent` or `ResyncEvent`.
    """
    if not isinstance(event, Mapping):
        raise MalformedEvent(f"an event is a JSON object, this is {_shown(event)}")
    source, detail_type = event.get("source", ""), event.get("detail-type", "")
    models = [(route, route.model) for route in ROUTES if issubclass(route.model, kind)]
    model = next((m for route, m in models if (route.source, route.detail_type) == (source, detail_type)), None)
    if model is None:
        known = ", ".join(f"{route.detail_type!r} of {route.source}" for route, _ in models if route.source)
        raise MalformedEvent(
            f"no route for detail-type {_shown(detail_type)} of source {_shown(source)}; this function takes {known}"
        )
    try:
        return model.model_validate(event)
    except ValidationError as error:
        what = f"malformed {_shown(detail_type)} event" if source else "malformed manual resync"
        raise MalformedEvent(f"{what}: {explain(error, model)}") from error


def pattern(route: Route, *, own_role_arns: Sequence[str] = (), policy_parameter: str = "") -> dict[str, Any] | None:
    """Return the event pattern of the route's rule; None for the schedule and for what people send.

    `own_role_arns` are the IAM roles of the functions: what they do to EC2 comes back as a CloudTrail record, and must
    not wake them again.
    """
    if route.model is InstanceStateChange:
        detail: dict[str, Any] = {"state": list(STATES)}
    elif route.model is LifecycleAction:
        detail = {"LifecycleHookName": [LAUNCH_HOOK if route.name == "launch-hook" else TERMINATE_HOOK]}
    elif route.model is SpotInterruption:
        # Every warning: it has the instance's id, and nothing else to choose by.
        return {"source": [route.source], "detail-type": [route.detail_type]}
    elif route.model is EniApiCall:
        detail = {
            "eventSource": ["ec2.amazonaws.com"],
            "eventName": list(ENI_CALLS),
            "errorCode": [{"exists": False}],
        } | _not_by(own_role_arns)
    elif route.model is PolicyChange:
        detail = {"name": [policy_parameter], "operation": list(POLICY_OPERATIONS)}
    elif route.every or not route.source:
        return None
    else:
        raise ValueError(f"route {route.name} has neither a pattern nor a schedule: say what its rule matches")
    return {"source": [route.source], "detail-type": [route.detail_type], "detail": detail}


def _not_by(role_arns: Sequence[str]) -> dict[str, Any]:
    """Match every caller but these roles, whatever the session's name.

    `anything-but` needs the field to be there; the calls of an IAM user or of the root user have no session issuer.
    Source: Amazon EventBridge User Guide, "Comparison operators" (exists, anything-but, $or).
    """
    if not role_arns:
        return {}
    issuers: list[list[object]] = [[{"anything-but": list(role_arns)}], [{"exists": False}]]
    return {"$or": [{"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": arn}}}} for arn in issuers]}


def as_markdown() -> str:
    """Return the table as the README shows it."""
    lines = ["| event | source | goes to | when |", "| --- | --- | --- | --- |"]
    for route in ROUTES:
        event = route.detail_type or "manual invocation"
        if route.every:
            event += f", every {int(route.every.total_seconds() // 60)} min"
        source = f"`{route.source}`" if route.source else "a person"
        lines.append(f"| {event} | {source} | `{route.target}` | {route.why} |")
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    """Quote what came in, cut short: it goes to logs and dead letters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
