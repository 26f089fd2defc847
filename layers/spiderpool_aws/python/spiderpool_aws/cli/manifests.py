"""`spiderpool-aws manifests`: what a user's cluster needs, printed as YAML or as a script for Helm."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from spiderpool_aws.cli.errors import Mistake
from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.manifests.authentication import (
    ManifestError,
    Trust,
    authentication_configuration,
    checked_user,
    user_of,
)
from spiderpool_aws.trust import checked_authority

app = typer.Typer(help="Print what the cluster needs: YAML, and Helm's commands.", no_args_is_help=True)

_AUTH_HEADER = """\
# For kube-apiserver --authentication-config=<this file>. Where it has such a file, add the entry of jwt: to that one.
# With this flag and any --oidc-* flag it does not start: make your own issuer another entry of jwt: instead.
# The issuer serves the whole AWS account: only the roles that are named here are let in.
"""
_RBAC_HEADER = "# Exactly the verbs that spiderpool-aws uses. For kubectl apply -f -.\n"


@app.command()
def auth(
    issuer: Annotated[
        str, typer.Option(help="The account's issuer: aws iam get-outbound-web-identity-federation-info.")
    ],
    audience: Annotated[str, typer.Option(help="What SPIDERPOOL_AWS_CLUSTER_AUDIENCE has.")],
    role_arn: Annotated[list[str], typer.Option(help="The ARN of a role that may log in; give it once a role.")],
    issuer_ca: Annotated[
        Path | None, typer.Option(help="PEM file, for an issuer whose certificate is of no public authority.")
    ] = None,
    v1beta1: Annotated[bool, typer.Option("--v1beta1", help="For Kubernetes 1.30 to 1.33.")] = False,
    output: OUTPUT = Output.TABLE,
) -> None:
    """Print the AuthenticationConfiguration with which an API server lets AWS's tokens of these roles in."""
    authority = None if issuer_ca is None else _authority(issuer_ca)
    try:
        document = authentication_configuration(Trust(issuer, audience, role_arn, authority), beta=v1beta1)
    except ManifestError as error:
        raise _of_option(error.field, str(error)) from error
    _print(_AUTH_HEADER, [document], output)


@app.command()
def rbac(
    role_arn: Annotated[
        list[str] | None, typer.Option(help="The role of a function; its user is aws:<role ARN>. Give it once a role.")
    ] = None,
    user: Annotated[
        list[str] | None, typer.Option(help="A user's name, for the other ways of logging in. Give it once a user.")
    ] = None,
    output: OUTPUT = Output.TABLE,
) -> None:
    """Print the ClusterRole, the Role and their bindings to the users of all functions."""
    from spiderpool_aws.manifests.rbac import roles_and_bindings

    try:
        users = [*map(user_of, role_arn or ()), *map(checked_user, user or ())]
    except ManifestError as error:
        raise _of_option(error.field, str(error)) from error
    if not users:
        raise typer.BadParameter(
            "give --role-arn (login web-identity) or --user (the other logins), once for each of reconcile_nodes and "
            "resync: what is applied replaces who had the rights before",
            param_hint="--role-arn or --user",
        )
    _print(_RBAC_HEADER, roles_and_bindings(users), output)


@app.command()
def helm(
    policy: Annotated[str, typer.Option(help="The policy file; `-` reads the standard input.")],
    registry: Annotated[
        str, typer.Option(help="Where Spiderpool's images are instead: ghcr.m.daocloud.io, a mirror of your own.")
    ] = "",
    region: Annotated[str, typer.Option(help="The AWS region. Default: the controller asks its node's metadata.")] = "",
    vpc_id: Annotated[str, typer.Option(help="The VPC. Default: as the region.")] = "",
    output: OUTPUT = Output.TABLE,
) -> None:
    """Print the commands and values that install Spiderpool and AWS Load Balancer Controller for a policy."""
    import yaml

    from spiderpool_aws.cli.policy import read_policy
    from spiderpool_aws.domain.errors import PolicyError
    from spiderpool_aws.domain.policy.model import parse_policy
    from spiderpool_aws.manifests.helm import Place, releases

    try:
        parsed = parse_policy(read_policy(policy))
    except PolicyError as error:
        raise Mistake(f"--policy {policy} is not valid:\n{error}") from error
    made = releases(parsed, Place(registry, region, vpc_id))
    if output is Output.JSON:
        print(json.dumps([asdict(release) for release in made], indent=2))
        return
    scripts = [release.script(yaml.safe_dump(release.values, sort_keys=True)) for release in made]
    print("\n".join(["#!/bin/sh -e", *scripts]), end="")


def _authority(path: Path) -> str:
    try:
        return checked_authority(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _of_option("issuer_ca", f"{path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        wanted = "it is not PEM, which is text: openssl x509 -inform der -in FILE makes it of DER"
        raise _of_option("issuer_ca", f"{path} is no use: {wanted}") from error
    except ValueError as error:
        raise _of_option("issuer_ca", f"{path} is no use: {error}") from error


def _of_option(field: str, message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint=f"--{field.replace('_', '-')}")


def _print(header: str, documents: Sequence[dict[str, Any]], output: Output) -> None:
    """Print YAML, or JSON, which kubectl and kube-apiserver read as well: several objects are one List."""
    import yaml

    if output is Output.JSON:
        several = {"apiVersion": "v1", "kind": "List", "items": documents}
        print(json.dumps(several if len(documents) > 1 else documents[0], indent=2))
    else:
        print(header + yaml.safe_dump_all(documents, sort_keys=False, width=120), end="")
