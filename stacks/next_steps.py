"""The stack's outputs: the commands that come next, ready to be copied."""

from collections.abc import Iterator, Mapping

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam

from spiderpool_aws.deployment import FUNCTIONS, RESYNC, Function
from stacks.context import Context, Deployment


def add_next_steps(stack: Stack, deployment: Deployment, roles: Mapping[Function, iam.IRole], secret: str) -> None:
    """Add an output for each command: log in, give rights in the cluster, look, change the policy."""
    context, names = deployment.context, deployment.names
    steps = dict(_log_in(context, [roles[function].role_arn for function in FUNCTIONS if function.in_vpc], secret))
    steps["ThenDryRun"] = (
        f"aws lambda invoke --function-name {names.of(RESYNC.name)} --cli-binary-format raw-in-base64-out "
        """--payload '{"dryRun": true}' /dev/stdout"""
    )
    steps["ToChangeThePolicy"] = (
        f"aws ssm put-parameter --name {names.policy_parameter} --tier Advanced --type String --overwrite "
        f"--value file://{context.policy_file.name}"
    )
    for title, command in steps.items():
        CfnOutput(stack, title, value=command)


def _log_in(context: Context, roles: list[str], secret: str) -> Iterator[tuple[str, str]]:
    rbac = "spiderpool-aws manifests rbac"
    match context.cluster_login:
        case "kubeconfig":
            yield "First", f"{rbac} --user <the kubeconfig's user> | kubectl apply -f -"
            yield (
                "ThenPutTheKubeconfig",
                f"aws secretsmanager put-secret-value --secret-id {secret} --secret-string file://kubeconfig",
            )
        case "iam-authenticator":
            yield "First", f"Map {' and '.join(roles)} to a user of the cluster {context.cluster_id}"
            yield "ThenGiveRights", f"{rbac} --user <that user> | kubectl apply -f -"
        case "web-identity":
            let_in = " ".join(f"--role-arn {role}" for role in roles)
            yield "First", "aws iam enable-outbound-web-identity-federation"
            yield (
                "ThenTrustTheIssuer",
                "spiderpool-aws manifests auth --issuer <the issuer that it answers> "
                f"--audience {context.cluster_audience} {let_in}",
            )
            for function, role in zip(("Worker", "Resync"), roles, strict=True):
                yield f"ThenGiveRightsTo{function}", f"{rbac} --role-arn {role} | kubectl apply -f -"
