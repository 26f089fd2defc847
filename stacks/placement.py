"""Where the functions run, and which security group the API server has."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2


@dataclass(frozen=True, slots=True)
class Placement:
    """The VPC and the private subnets of the functions that talk to the cluster."""

    vpc: ec2.IVpc
    subnets: Sequence[ec2.ISubnet]
    api_server: ec2.ISecurityGroup
    """The group of the machines that the API server is on, unless the context says where it is."""
