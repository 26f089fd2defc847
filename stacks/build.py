"""The app: which stacks there are, and what one hands to the next."""

from collections.abc import Iterator

from aws_cdk import App, Validations
from aws_cdk.cx_api import CloudAssembly, SynthesisMessageLevel
from cdk_nag import AwsSolutionsChecks

from stacks.context.deployment import Deployment
from stacks.network.stack import NetworkStack
from stacks.nodes.stack import NodesStack
from stacks.placement import Placement
from stacks.reconciler.stack import ReconcilerStack

__all__ = ["App", "build", "warnings"]


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


def warnings(assembly: CloudAssembly) -> Iterator[str]:
    """Yield what we warn of, a line each time; CDK warns of each subnet that exists, which nobody can help."""
    for stack in assembly.stacks:
        for message in stack.messages:
            if message.level == SynthesisMessageLevel.WARNING and "[ack: spiderpool-aws:" in str(message.entry.data):
                yield f"warning: {message.id}: {message.entry.data}"
