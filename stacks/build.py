"""The app: which stacks there are, and what one hands to the next."""

from aws_cdk import App

from stacks.context import Deployment
from stacks.network import NetworkStack
from stacks.nodes import NodesStack
from stacks.placement import Placement
from stacks.reconciler import ReconcilerStack


def build(app: App, deployment: Deployment) -> None:
    """Add the stacks: network, nodes and reconciler; or the reconciler alone, beside a VPC that exists."""
    names = deployment.names
    if deployment.context.alone:
        ReconcilerStack(app, names.of("reconciler"), deployment=deployment, placement=None)
        return
    network = NetworkStack(app, names.of("network"), deployment=deployment)
    nodes = NodesStack(app, names.of("nodes"), deployment=deployment, network=network)
    placement = Placement(network.vpc, network.node_subnets, nodes.security_group)
    ReconcilerStack(app, names.of("reconciler"), deployment=deployment, placement=placement)
