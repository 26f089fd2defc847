"""The app: which stacks there are, and what one hands to the next."""

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from stacks.context import Deployment
from stacks.network import NetworkStack
from stacks.nodes import NodesStack
from stacks.placement import Placement
from stacks.reconciler import ReconcilerStack

__all__ = ["App", "build"]


def build(app: App, deployment: Deployment) -> None:
    """Add the stacks: network, nodes and reconciler; or the reconciler alone, beside a VPC that exists.

    What they violate of cdk-nag's AwsSolutions rules, and nobody has acknowledged, stops the synthesis.
    """
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    names = deployment.names
    if deployment.context.alone:
        ReconcilerStack(app, names.of("reconciler"), deployment=deployment, placement=None)
        return
    network = NetworkStack(app, names.of("network"), deployment=deployment)
    nodes = NodesStack(app, names.of("nodes"), deployment=deployment, network=network)
    placement = Placement(network.vpc, network.node_subnets, nodes.security_group)
    ReconcilerStack(app, names.of("reconciler"), deployment=deployment, placement=placement)
