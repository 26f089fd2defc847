"""What cdk-nag's AwsSolutions rules ask of the nodes, and why it is not so."""

from collections.abc import Iterable

from aws_cdk import Acknowledgment, Aws, Validations
from aws_cdk import aws_iam as iam
from constructs import IConstruct

PSEUDO = {Aws.PARTITION: "<AWS::Partition>", Aws.REGION: "<AWS::Region>", Aws.ACCOUNT_ID: "<AWS::AccountId>"}

JUMP_HOST = {
    "EC26": "its volume is encrypted; the rule cannot read an instance with NICs of its own (a test reads it)",
    "EC28": "nothing runs on it that minute-by-minute metrics would tell of",
    "EC29": "it holds nothing: `cdk destroy` may take it",
}
GROUP = {"AS3": "the reconciler follows EC2's own events of each instance, so nobody waits for a notification"}
WILDCARD = "AWS Load Balancer Controller makes and finds these itself, and their names are not known before"
READS = (
    "Session Manager's channels, describing, and firewalls or certificates that annotations name: actions without "
    "resources, or of resources that are not known before; AWS's published policy has the same"
)


def acknowledge(construct: IConstruct, reasons: dict[str, str]) -> None:
    """Acknowledge rules for a construct and what is in it: rule -> reason."""
    rules = [Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=why) for rule, why in reasons.items()]
    Validations.of(construct).acknowledge(*rules)


def acknowledge_wildcards(role: iam.Role, statements: Iterable[iam.PolicyStatement]) -> None:
    """Acknowledge each resource of a role's statements that has a wildcard."""
    resources = {resource for statement in statements for resource in statement.resources if "*" in resource}
    reasons = {f"IAM5[Resource::{_shown(resource)}]": READS if resource == "*" else WILDCARD for resource in resources}
    acknowledge(role, dict(sorted(reasons.items())))


def _shown(resource: str) -> str:
    """Return a resource as cdk-nag writes it."""
    for token, name in PSEUDO.items():
        resource = resource.replace(token, name)
    return resource
