"""NodesStack: jump host, node role, security group, and one Auto Scaling group an availability zone."""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.context import Deployment
from stacks.network import NetworkStack


class NodesStack(Stack):
    """The nodes; their launch template brings the NICs, so that a launch needs no EC2 call of ours."""

    security_group: ec2.SecurityGroup

    def __init__(self, scope: Construct, name: str, *, deployment: Deployment, network: NetworkStack) -> None:
        super().__init__(scope, name, description=f"The nodes of {deployment.policy.cluster}")
        self.security_group = ec2.SecurityGroup(self, "Nodes", vpc=network.vpc)
