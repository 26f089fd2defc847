"""The stack's outputs: the commands that come next, ready to be copied."""

import shlex
from collections.abc import Iterator, Mapping

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam

from spiderpool_aws.deployment import FUNCTIONS, RESYNC, Function
from stacks.context.deployment import Context, Deployment

PROGRAM = ".venv/bin/spiderpool-aws"
"""Where `make setup` puts it: the commands are run in the checkout that deployed."""


def add_next_steps(stack: Stack, deployment: Deployment, roles: Mapping[Function, iam.IRole], secret: str) -> None:
    """Add an output for each command: log in, give rights in the cluster, look, change the policy.

    The CDK CLI sorts outputs by their names, so the names are numbered.
    """
    context, names = deployment.context, deployment.names
    in_cluster = [roles[function].role_arn for function in FUNCTIONS if function.in_vpc]
    policy = shlex.quote(f"file://{context.policy_file}")
    steps = [
        *_log_in(context, in_cluster, secret),
        (
            "DryRun",
            f"aws lambda invoke --function-name {names.of(RESYNC.name)} --cli-binary-format raw-in-base64-out "
            """--payload '{"dryRun": true}' /dev/stdout""",
        ),
        (
            "ChangeThePolicy",
            f"aws ssm put-parameter --name {names.policy_parameter} --tier Advanced --type String --overwrite "
            f"--value {policy}",
        ),
    ]
    for number, (title, command) in enumerate(steps, start=1):
        CfnOutput(stack, f"Step{number}{title}", value=command)


def _log_in(context: Context, roles: list[str], secret: str) -> Iterator[tuple[str, str]]:
    rbac = f"{PROGRAM} manifests rbac"
    # One command for all roles: what is applied replaces who had the rights before.
    let_in = " ".join(f"--role-arn {role}" for role in roles)
    match context.cluster_login:
        case "kubeconfig":
            if not context.kubeconfig_secret_arn:
                yield (
                    "PutTheKubeconfig",
                    f"aws secretsmanager put-secret-value --secret-id {secret} --secret-string file://kubeconfig",
                )
            yield "GiveRights", f"{rbac} --user <the kubeconfig's user> | kubectl apply -f -"
        case "iam-authenticator":
            yield "MapTheRoles", f"Map {' and '.join(roles)} to a user of the cluster {context.cluster_id}"
            yield "GiveRights", f"{rbac} --user <that user> | kubectl apply -f -"
        case "web-identity":
            yield "EnableWebIdentity", "aws iam enable-outbound-web-identity-federation"
            yield (
                "TrustTheIssuer",
                f"{PROGRAM} manifests auth --issuer <the issuer that it answers> "
                f"--audience {shlex.quote(context.cluster_audience)} {let_in}",
            )
            yield "GiveRights", f"{rbac} {let_in} | kubectl apply -f -"
