"""The events: what each of them says about *whom*, and nothing about *what*.

An event carries identity, never state: by the time it is read it may be old, doubled or out of order. So a model here
keeps the ids and the event's own id, and drops the rest; the reconciler reads the truth.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from spiderpool_aws.domain.request import Hint, ReconcileRequest

STATES = ("running", "stopping", "stopped", "shutting-down", "terminated")
"""The instance states after which something is to be done; `pending` has no NIC worth looking at yet."""

ENI_CALLS = (
    "CreateNetworkInterface",
    "AttachNetworkInterface",
    "DetachNetworkInterface",
    "DeleteNetworkInterface",
    "AssignPrivateIpAddresses",
    "UnassignPrivateIpAddresses",
    "AssignIpv6Addresses",
    "UnassignIpv6Addresses",
    "ModifyNetworkInterfaceAttribute",
)
"""The EC2 calls that change what a NIC holds, or who holds the NIC."""

POLICY_OPERATIONS = ("Create", "Update")

MAX_DEPTH = 8
"""How deep ids are looked for; CloudTrail's own documents are three or four deep."""


class MalformedEvent(ValueError):  # noqa: N818 - it names the event, as people speak of it
    """An event that does not say whom it is about; the message says what is wrong with it."""


def _instance_id(value: str) -> str:
    if not re.fullmatch(r"i-[0-9a-f]{8,17}", value):
        raise ValueError(f"{value!r} is not an instance id (i-0123456789abcdef0)")
    return value


InstanceId = Annotated[str, AfterValidator(_instance_id)]
# The id becomes a part of the SQS deduplication id: at most 128 letters, digits and punctuation marks, with the rest.
EventId = Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]


@dataclass(frozen=True, slots=True)
class ResyncRequest:
    """What a resync is asked for. All defaults: every instance of the cluster."""

    request_id: str
    """The event's or the invocation's id; the same one again makes no second message (deduplication)."""
    instance_ids: tuple[str, ...] = ()
    dry_run: bool = False
    confirm: str = ""
    """The digest of the removals that a person has agreed to."""
    at: datetime | None = None
    """When the schedule fired; None: something else asked."""
    page_token: str = ""
    """Where a dry run's list of plans goes on: the `nextToken` of the page before."""


class _Envelope(BaseModel):
    """What EventBridge wraps around every event; fields that nobody needs are ignored, AWS adds some now and then."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: EventId


class NodeEvent(BaseModel):
    """An event about instances or NICs."""

    def to_requests(self) -> tuple[ReconcileRequest, ...]:
        """Keep the identity, drop the state. A subject may be an ENI or attachment id: the router looks it up."""
        raise NotImplementedError


class ResyncEvent(BaseModel):
    """An event after which every node is looked at, or those that a person names."""

    def to_resync(self, invocation_id: str) -> ResyncRequest:
        """Return what is asked for; an event without an id of its own takes the invocation's."""
        raise NotImplementedError


class _InstanceState(BaseModel):
    instance_id: InstanceId = Field(alias="instance-id")


class InstanceStateChange(_Envelope, NodeEvent):
    """`EC2 Instance State-change Notification`.

    Source: Amazon EC2 User Guide, "State change events for your instances".
    """

    detail: _InstanceState

    def to_requests(self) -> tuple[ReconcileRequest, ...]:
        """Return one request, for the instance."""
        return (ReconcileRequest(self.detail.instance_id, self.id, "EC2 Instance State-change Notification"),)


class SpotInterruption(_Envelope, NodeEvent):
    """`EC2 Spot Instance Interruption Warning`: two minutes before EC2 takes an instance back.

    No describe shows it, so the message says it, with its time: a message may be read when the instance was stopped
    and started again (Amazon EC2 User Guide, "Spot Instance interruption notices").
    """

    time: AwareDatetime
    detail: _InstanceState

    def to_requests(self) -> tuple[ReconcileRequest, ...]:
        """Return one request, for the instance."""
        hints, why = frozenset({Hint.INTERRUPTED}), "EC2 Spot Instance Interruption Warning"
        return (ReconcileRequest(self.detail.instance_id, self.id, why, hints, self.time),)


class _LifecycleDetail(BaseModel):
    instance_id: InstanceId = Field(alias="EC2InstanceId")


class LifecycleAction(_Envelope, NodeEvent):
    """`EC2 Instance-launch Lifecycle Action` and `EC2 Instance-terminate Lifecycle Action`: a hook of ours waits.

    Source: Amazon EC2 Auto Scaling user guide, "EventBridge event types and patterns".
    """

    detail: _LifecycleDetail

    def to_requests(self) -> tuple[ReconcileRequest, ...]:
        """Return one request, for the instance; the hook's state is read from Auto Scaling."""
        return (ReconcileRequest(self.detail.instance_id, self.id, "Auto Scaling lifecycle action"),)


class _ApiCall(BaseModel):
    """A CloudTrail record, as far as it says whom the call was about."""

    event_name: str = Field(alias="eventName")
    # CloudTrail writes null where a call has no parameters or answers nothing (record contents, "responseElements").
    request_parameters: dict[str, Any] | None = Field(default=None, alias="requestParameters")
    response_elements: dict[str, Any] | None = Field(default=None, alias="responseElements")

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return the ids of the best kind that the record has: instances, else ENIs, else attachments."""
        found: dict[str, list[str]] = {"i": [], "eni": [], "eni-attach": []}
        for identifier in (*_ids(self.request_parameters), *_ids(self.response_elements)):
            found[identifier.rpartition("-")[0]].append(identifier)
        return tuple(dict.fromkeys(found["i"] or found["eni"] or found["eni-attach"]))


class EniApiCall(_Envelope, NodeEvent):
    """`AWS API Call via CloudTrail`, for the EC2 calls in `ENI_CALLS`.

    Attach names the instance; Create (in its answer), Delete, Assign, Unassign and Modify name the ENI; Detach names
    only the attachment.
    """

    detail: _ApiCall

    @model_validator(mode="after")
    def _names_somebody(self) -> "EniApiCall":
        if not self.detail.subjects:
            raise ValueError(
                f"the {self.detail.event_name} record has no instanceId, networkInterfaceId or attachmentId in its "
                "requestParameters and responseElements"
            )
        return self

    def to_requests(self) -> tuple[ReconcileRequest, ...]:
        """Return a request for each instance, ENI or attachment that the call names."""
        return tuple(ReconcileRequest(subject, self.id, self.detail.event_name) for subject in self.detail.subjects)


class _ParameterChange(BaseModel):
    name: str


class PolicyChange(_Envelope, ResyncEvent):
    """`Parameter Store Change` of the policy's parameter: what every node should hold may differ now."""

    detail: _ParameterChange

    def to_resync(self, invocation_id: str) -> ResyncRequest:  # noqa: ARG002 - the event has an id of its own
        """Return a request for all instances."""
        return ResyncRequest(self.id)


class ScheduledResync(_Envelope, ResyncEvent):
    """`Scheduled Event`, what a rule with a schedule sends."""

    time: AwareDatetime

    def to_resync(self, invocation_id: str) -> ResyncRequest:  # noqa: ARG002 - the event has an id of its own
        """Return a request for all instances, with the moment: which of them is due depends on the policy."""
        return ResyncRequest(self.id, at=self.time)


class ManualResync(ResyncEvent):
    """What a person (or the CLI) invokes the resync with: `{}`, or some of these fields, and no other."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    instance_ids: list[InstanceId] | None = Field(default=None, alias="instanceIds")
    dry_run: bool = Field(default=False, alias="dryRun")
    confirm: str = ""
    page_token: str = Field(default="", alias="pageToken")

    @model_validator(mode="after")
    def _fits_together(self) -> "ManualResync":
        if self.instance_ids == []:
            raise ValueError("instanceIds is empty: name instances, or leave it out to mean all of them")
        if self.page_token and not self.dry_run:
            raise ValueError('pageToken pages through the plans of a dry run: add "dryRun": true')
        if self.confirm and self.instance_ids:
            raise ValueError("confirm is for what a pass over all instances would remove: leave instanceIds out")
        if self.confirm and self.dry_run:
            raise ValueError("confirm lets removals happen and dryRun changes nothing: give one of the two")
        return self

    def to_resync(self, invocation_id: str) -> ResyncRequest:
        """Return what the person asks for. A second delivery of one invocation has the same id."""
        return ResyncRequest(
            request_id=invocation_id,
            instance_ids=tuple(dict.fromkeys(self.instance_ids or ())),
            dry_run=self.dry_run,
            confirm=self.confirm,
            page_token=self.page_token,
        )


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Return one sentence a problem, with the path of the field; for a wrong key, with the model's own."""
    fields = ", ".join(field.alias or name for name, field in model.model_fields.items())
    return "; ".join(_sentence(problem, fields) for problem in error.errors(include_url=False))


def _sentence(problem: ErrorDetails, fields: str) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{path} is missing"
    if problem["type"] == "extra_forbidden":
        return f"{path} is not known; what may be given: {fields}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{path}: {message}" if path else message


# Some EC2 calls are recorded as {"AssignIpv6AddressesRequest": {"NetworkInterfaceId": …}}, others flat in camel case.
_ID_KEYS = {"instanceid", "networkinterfaceid", "attachmentid"}
_ID = re.compile(r"(i|eni|eni-attach)-[0-9a-f]{8,17}")


def _ids(node: object, depth: int = MAX_DEPTH) -> Iterator[str]:
    """Yield the instance, ENI and attachment ids in a CloudTrail document, whatever their case and nesting."""
    if depth == 0:
        return
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str) and str(key).lower() in _ID_KEYS and _ID.fullmatch(value):
                yield value
            else:
                yield from _ids(value, depth - 1)
    elif isinstance(node, list):
        for item in node:
            yield from _ids(item, depth - 1)
