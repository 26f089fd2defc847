"""The nodes' role: Session Manager, the parameter with the join script, and AWS Load Balancer Controller's part."""

from collections.abc import Iterable

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.acknowledgements import OF_MACHINES, OF_NODES, Reasons, acknowledge_wildcards
from stacks.nodes import load_balancer_permissions

SESSION_MANAGER = (
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
"""What Session Manager needs at least (Systems Manager guide, "Create a custom IAM role for Session Manager").

AWS's managed policy would also let every node read every parameter of the account.
"""


def machine_role(
    scope: Construct,
    name: str,
    description: str,
    statements: Iterable[iam.PolicyStatement] = (),
    wildcards: Reasons = OF_MACHINES,
) -> iam.Role:
    """Return a role for EC2 instances that Session Manager reaches, and that allows these statements."""
    role = iam.Role(scope, name, assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"), description=description)
    session_manager = iam.PolicyStatement(sid="SessionManager", actions=list(SESSION_MANAGER), resources=["*"])
    for statement in (session_manager, *statements):
        role.add_to_policy(statement)
    acknowledge_wildcards(role, wildcards)
    return role


def node_role(scope: Construct, join_parameter: str) -> iam.Role:
    """Return the nodes' role."""
    parameter = f"arn:{Aws.PARTITION}:ssm:{Aws.REGION}:{Aws.ACCOUNT_ID}:parameter/{join_parameter.removeprefix('/')}"
    join = iam.PolicyStatement(sid="Join", actions=["ssm:GetParameter"], resources=[parameter])
    description = "Nodes: Session Manager, joining, AWS Load Balancer Controller"
    return machine_role(scope, "NodeRole", description, [join, *load_balancer_permissions.statements()], OF_NODES)
