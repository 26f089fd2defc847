"""The secret with the kubeconfig, for the login of that name."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.acknowledgements import KUBECONFIG, acknowledge
from stacks.context.deployment import Deployment


def kubeconfig_secret_arn(scope: Construct, deployment: Deployment) -> str:
    """Return the ARN of the kubeconfig's secret; empty for the other logins.

    The secret is the one that the context gives, or a new one without a value: a person puts the kubeconfig there, and
    no deploy touches it. It goes with the stack, because a credential that nobody uses should not stay.
    """
    context = deployment.context
    if context.cluster_login != "kubeconfig":
        return ""
    if context.kubeconfig_secret_arn:
        return context.kubeconfig_secret_arn
    # L1: the construct of a level above always has a value generated. The key is Secrets Manager's own (no KMS key of
    # the customer's): a role of this account that may read the secret is the one that is given its ARN.
    secret = secretsmanager.CfnSecret(
        scope,
        "Kubeconfig",
        name=deployment.names.kubeconfig_secret,
        description=f"The kubeconfig with which spiderpool-aws logs in to {deployment.names.cluster}",
    )
    acknowledge(secret, KUBECONFIG)
    secret.apply_removal_policy(RemovalPolicy.DESTROY)
    return secret.ref
