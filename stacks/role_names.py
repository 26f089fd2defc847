"""What the functions' roles are called: IAM is one for all regions of an account, so each name carries the region."""

from aws_cdk import Aws

from spiderpool_aws.deployment import RECONCILE_NODES, RESYNC, ROUTE_EVENT, Function, Names

OF_FUNCTIONS = {ROUTE_EVENT: "router", RECONCILE_NODES: "worker", RESYNC: "resync"}
OF_SEED = "seeder"
"""Short ones: with the longest cluster, 24 letters, and the longest region, 15, there are 8 left of IAM's 64."""


def of_function(names: Names, function: Function) -> str:
    """Return the name of a function's role. It stays when the stack is deployed again, and so does its ARN."""
    return _name(names, OF_FUNCTIONS[function])


def of_seed(names: Names) -> str:
    """Return the name of the role that seeds the policy."""
    return _name(names, OF_SEED)


def _name(names: Names, what: str) -> str:
    return f"{names.of('')}{Aws.REGION}-{what}"
