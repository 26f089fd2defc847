"""ReconcilerStack: the functions, their rules, queues, parameters, alarms and roles."""

from aws_cdk import Stack
from constructs import Construct

from stacks.context import Deployment
from stacks.placement import Placement


class ReconcilerStack(Stack):
    """The reconciler; without a placement it stands alone, in the VPC and subnets that the context names."""

    def __init__(self, scope: Construct, name: str, *, deployment: Deployment, placement: Placement | None) -> None:
        super().__init__(scope, name, description=f"The reconciler of {deployment.policy.cluster}")
        self.placement = placement
