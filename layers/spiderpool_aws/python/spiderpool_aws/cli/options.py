"""The options that every command about a cluster has, and what runs such a command."""

from __future__ import annotations

import inspect
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spiderpool_aws.cli.connect import Where

if TYPE_CHECKING:
    from collections.abc import Callable


class Output(StrEnum):
    """How a command shows its result."""

    TABLE = "table"
    JSON = "json"


def _common(
    cluster: Annotated[
        str, typer.Option(envvar="SPIDERPOOL_AWS_CLUSTER", help="The cluster's name, as its policy has it.")
    ] = "",
    policy: Annotated[
        str, typer.Option(help="A policy FILE, - (standard input) or ssm:PARAMETER. Default: the deployed one.")
    ] = "",
    context: Annotated[str, typer.Option(help="The context of the kubeconfig. Default: its current one.")] = "",
    region: Annotated[str, typer.Option(help="The AWS region. Default: as boto3 finds it.")] = "",
    profile: Annotated[str, typer.Option(help="The AWS profile. Default: as boto3 finds it.")] = "",
    demo: Annotated[
        bool, typer.Option("--demo", help="Try it on the embedded demo cluster: no AWS, no cluster is needed.")
    ] = False,
) -> Where:
    return Where(cluster, policy, context, region, profile, demo)


_COMMON = tuple(inspect.signature(_common, eval_str=True).parameters.values())
OUTPUT = Annotated[Output, typer.Option("--output", "-o", help="A table for people, or JSON.")]


def register(app: typer.Typer, name: str, run: Callable[..., None]) -> None:
    """Add a command to an app. `run` takes the options' `Where` first, then its own."""
    own = [p for p in inspect.signature(run, eval_str=True).parameters.values() if p.name != "where"]
    names = [parameter.name for parameter in _COMMON]

    def command(**given: Any) -> None:
        where = _common(**{key: given.pop(key) for key in names})
        run(where, **given)

    command.__doc__ = run.__doc__
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *_COMMON)]
    command.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    app.command(name)(command)
