"""What the AWS account has of a cluster's deployment: functions, rules, trails. Reads, and dry runs of EC2's writes.

Sources: the API references of CloudTrail (DescribeTrails, GetTrailStatus, GetEventSelectors), EventBridge
(DescribeRule), Lambda (GetFunctionConfiguration, ListEventSourceMappings), IAM (GetOutboundWebIdentityFederationInfo),
STS (GetCallerIdentity), and EC2's `DryRun` parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from spiderpool_aws.adapters.aws_errors import Call, aws_errors
from spiderpool_aws.adapters.simulator import Denied, denied
from spiderpool_aws.deployment import RECONCILE_NODES, Names
from spiderpool_aws.permissions import Place
from spiderpool_aws.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from spiderpool_aws.permissions import Need

DRY_RUN = "DryRunOperation"
"""How EC2 says that a dry run would have succeeded."""
WRITES = ("All", "WriteOnly")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the caller is, and AWS's own time."""

    arn: str
    account: str
    time: datetime | None


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """A deployed function."""

    state: str
    update: str
    role_arn: str
    place: Place


@dataclass(frozen=True, slots=True)
class TrailFacts:
    """A trail of this region, or of all."""

    name: str
    is_logging: bool
    has_writes: bool
    """It records management events that write: only those become events of the bus."""


class Account:
    """Asks AWS. Every read may be Refused `Forbidden`: that says what the person's own role lacks."""

    def __init__(self, make_client: Callable[[str], Any], names: Names) -> None:
        self._make_client = make_client
        self._names = names

    def identity(self) -> Identity:
        """Return who asks."""
        with aws_errors("sts:GetCallerIdentity", call=Call.IDEMPOTENT):
            answer = self._make_client("sts").get_caller_identity()
        date = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
        return Identity(answer["Arn"], answer["Account"], parsedate_to_datetime(date) if date else None)

    def function(self, name: str) -> FunctionFacts | None:
        """Return a function by the name that `deployment` has; None when it is not deployed."""
        full = self._names.of(name)
        answer = self._unless_missing(
            "lambda:GetFunctionConfiguration",
            full,
            lambda: self._make_client("lambda").get_function_configuration(FunctionName=full),
        )
        if answer is None:
            return None
        return FunctionFacts(
            answer.get("State", ""), answer.get("LastUpdateStatus", ""), answer["Role"], _place(answer)
        )

    def queue_is_read(self) -> bool:
        """Tell whether the worker takes requests from its queue."""
        name = self._names.of(RECONCILE_NODES.name)
        with aws_errors("lambda:ListEventSourceMappings", name, Call.IDEMPOTENT):
            answer = self._make_client("lambda").list_event_source_mappings(FunctionName=name)
        return any(mapping["State"] == "Enabled" for mapping in answer["EventSourceMappings"])

    def rule_state(self, name: str) -> str:
        """Return `ENABLED`, `DISABLED`, or nothing for a rule that is not there; the name is the route's."""
        full = self._names.of(name)
        answer = self._unless_missing(
            "events:DescribeRule", full, lambda: self._make_client("events").describe_rule(Name=full)
        )
        return str(answer["State"]) if answer is not None else ""

    def trails(self) -> Sequence[TrailFacts]:
        """Return the trails that record this region."""
        client = self._make_client("cloudtrail")
        with aws_errors("cloudtrail:DescribeTrails", call=Call.IDEMPOTENT):
            trails = client.describe_trails(includeShadowTrails=True)["trailList"]
        return [self._trail(client, trail["TrailARN"], trail["Name"]) for trail in trails]

    def federation_is_on(self) -> bool:
        """Tell whether AWS signs tokens for this account."""
        with aws_errors("iam:GetOutboundWebIdentityFederationInfo", call=Call.IDEMPOTENT):
            try:
                answer = self._make_client("iam").get_outbound_web_identity_federation_info()
            except ClientError as error:
                if error.response.get("Error", {}).get("Code", "").startswith("FeatureDisabled"):
                    return False
                raise
        return answer.get("JwtVendingEnabled") is True

    def try_write(self, operation: str, params: Mapping[str, Any]) -> None:
        """Have EC2 say whether the caller may do it, without doing it. Raises Refused `Forbidden`."""
        client = self._make_client("ec2")
        action = "".join(part.title() for part in operation.split("_"))
        with aws_errors(f"ec2:{action}", call=Call.IDEMPOTENT):
            try:
                getattr(client, operation)(**params, DryRun=True)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != DRY_RUN:
                    raise

    def denied(self, role_arn: str, need: Need) -> Sequence[Denied]:
        """Return what of a need IAM would deny a role. Raises Refused `Forbidden`."""
        return denied(self._make_client("iam"), role_arn, need)

    def _trail(self, client: Any, arn: str, name: str) -> TrailFacts:
        with aws_errors("cloudtrail:GetTrailStatus", name, Call.IDEMPOTENT):
            is_logging = client.get_trail_status(Name=arn)["IsLogging"]
        with aws_errors("cloudtrail:GetEventSelectors", name, Call.IDEMPOTENT):
            selectors = client.get_event_selectors(TrailName=arn)
        return TrailFacts(name, is_logging, _has_writes(selectors))

    def _unless_missing(self, action: str, subject: str, call: Callable[[], Any]) -> Any:
        with aws_errors(action, subject, Call.IDEMPOTENT):
            try:
                return call()
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                    return None
                raise


def _place(configuration: Mapping[str, Any]) -> Place:
    variables = configuration.get("Environment", {}).get("Variables", {})
    login, secret, audience = (
        variables.get(f"{PREFIX}{name}", "") for name in ("CLUSTER_LOGIN", "KUBECONFIG_SECRET", "CLUSTER_AUDIENCE")
    )
    vpc_id = configuration.get("VpcConfig", {}).get("VpcId", "")
    return Place(configuration["FunctionArn"], vpc_id, login, secret, audience)


def _has_writes(selectors: Mapping[str, Any]) -> bool:
    """Tell whether management events that write are among what a trail's selectors choose."""
    for basic in selectors.get("EventSelectors") or ():
        if basic.get("IncludeManagementEvents") and basic.get("ReadWriteType") in WRITES:
            return True
    for advanced in selectors.get("AdvancedEventSelectors") or ():
        fields = {field["Field"]: field for field in advanced["FieldSelectors"]}
        category = fields.get("eventCategory", {}).get("Equals", [])
        # Without the field `readOnly` both are recorded; `["false"]` are the writes.
        if "Management" in category and fields.get("readOnly", {}).get("Equals", ["false"]) == ["false"]:
            return True
    return False
