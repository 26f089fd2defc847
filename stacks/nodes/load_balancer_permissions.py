"""What AWS Load Balancer Controller may do with the nodes' role: every action of its published policies (v2.6, v3.5).

The resources are this account's and region's where the published policies name all of them. The tag
`elbv2.k8s.aws/cluster` is the controller's own mark: what it did not make, it may not change.
"""

from collections.abc import Iterator, Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

MARK = "elbv2.k8s.aws/cluster"
MARKS_IT = {"Null": {f"aws:RequestTag/{MARK}": "false"}}
IS_MARKED = {"Null": {f"aws:ResourceTag/{MARK}": "false"}}
MARKED_AND_STAYS_SO = {"Null": {f"aws:RequestTag/{MARK}": "true", f"aws:ResourceTag/{MARK}": "false"}}

READS = {
    "ec2": (
        "DescribeAccountAttributes DescribeAddresses DescribeAvailabilityZones DescribeCoipPools DescribeInstances "
        "DescribeInternetGateways DescribeIpamPools DescribeNetworkInterfaces DescribeRouteTables "
        "DescribeSecurityGroups DescribeSubnets DescribeTags DescribeVpcPeeringConnections DescribeVpcs "
        "GetCoipPoolUsage GetSecurityGroupsForVpc"
    ),
    "elasticloadbalancing": (
        "DescribeCapacityReservation DescribeListenerAttributes DescribeListenerCertificates DescribeListeners "
        "DescribeLoadBalancerAttributes DescribeLoadBalancers DescribeRules DescribeSSLPolicies DescribeTags "
        "DescribeTargetGroupAttributes DescribeTargetGroups DescribeTargetHealth DescribeTrustStores"
    ),
    "acm": "DescribeCertificate ListCertificates",
    "iam": "GetServerCertificate ListServerCertificates",
    "cognito-idp": "DescribeUserPoolClient",
}
# Certificates, firewalls and protections belong to people, and their ARNs are known to Ingress annotations only.
FIREWALLS = {
    "waf-regional": "AssociateWebACL DisassociateWebACL GetWebACL GetWebACLForResource",
    "wafv2": "AssociateWebACL DisassociateWebACL GetWebACL GetWebACLForResource",
    "shield": "CreateProtection DeleteProtection DescribeProtection GetSubscriptionState",
}
# The published policies have these without a condition: rules and listeners are found through what is marked.
LISTENERS = (
    "AddListenerCertificates CreateListener CreateRule DeleteListener DeleteRule ModifyListener ModifyRule "
    "RemoveListenerCertificates SetRulePriorities SetWebAcl"
)
OF_MARKED = (
    "DeleteLoadBalancer DeleteTargetGroup ModifyCapacityReservation ModifyIpPools ModifyListenerAttributes "
    "ModifyLoadBalancerAttributes ModifyTargetGroup ModifyTargetGroupAttributes SetIpAddressType SetSecurityGroups "
    "SetSubnets"
)


def statements() -> Iterator[iam.PolicyStatement]:
    """Yield the statements, none of which names a partition."""
    for what, actions in (("Reads", READS), ("Firewalls", FIREWALLS)):
        listed = [f"{service}:{action}" for service, names in actions.items() for action in names.split()]
        yield iam.PolicyStatement(sid=f"LoadBalancer{what}", actions=listed, resources=["*"])
    yield _allow(
        "ServiceRole",
        "iam",
        "CreateServiceLinkedRole",
        [
            f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/aws-service-role/elasticloadbalancing.amazonaws.com/"
            "AWSServiceRoleForElasticLoadBalancing"
        ],
        {"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}},
    )
    yield from _security_groups()
    yield from _load_balancers()


def _security_groups() -> Iterator[iam.PolicyStatement]:
    groups = _arns("ec2", "security-group/*")
    yield _allow("CreateGroup", "ec2", "CreateSecurityGroup", [*groups, *_arns("ec2", "vpc/*")])
    # Also in groups that are not its own: it lets its load balancers in on the nodes'.
    yield _allow("GroupRules", "ec2", "AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress", groups)
    yield _allow("DeleteGroup", "ec2", "DeleteSecurityGroup", groups, IS_MARKED)
    created = {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}} | MARKS_IT
    yield _allow("TagNewGroup", "ec2", "CreateTags", groups, created)
    yield _allow("TagGroup", "ec2", "CreateTags DeleteTags", groups, MARKED_AND_STAYS_SO)


def _load_balancers() -> Iterator[iam.PolicyStatement]:
    service = "elasticloadbalancing"
    balancers = _arns(service, "targetgroup/*/*", "loadbalancer/net/*/*", "loadbalancer/app/*/*")
    listeners = [
        "listener/net/*/*/*",
        "listener/app/*/*/*",
        "listener-rule/net/*/*/*",
        "listener-rule/app/*/*/*",
    ]
    everything = _arns(service, "*")
    yield _allow("Create", service, "CreateLoadBalancer CreateTargetGroup", everything, MARKS_IT)
    created = {f"{service}:CreateAction": ["CreateTargetGroup", "CreateLoadBalancer"]}
    yield _allow("TagNew", service, "AddTags", balancers, {"StringEquals": created} | MARKS_IT)
    yield _allow("Tag", service, "AddTags RemoveTags", balancers, MARKED_AND_STAYS_SO)
    yield _allow("TagListener", service, "AddTags RemoveTags", _arns(service, *listeners))
    yield _allow("Listeners", service, LISTENERS, everything)
    yield _allow("Change", service, OF_MARKED, everything, IS_MARKED)
    targets = _arns(service, "targetgroup/*/*")
    yield _allow("Targets", service, "DeregisterTargets RegisterTargets", targets)


def _allow(
    name: str,
    service: str,
    actions: str,
    resources: Sequence[str],
    conditions: dict[str, dict[str, str]] | dict[str, dict[str, list[str]] | dict[str, str]] | None = None,
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=f"LoadBalancer{name}",
        actions=[f"{service}:{action}" for action in actions.split()],
        resources=list(resources),
        conditions=conditions,
    )


def _arns(service: str, *resources: str) -> list[str]:
    return [f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}" for resource in resources]
