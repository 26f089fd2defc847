"""`spiderpool-aws adopt`: have hand-made pools taken over, after a look at what would become of each."""

import json
import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiderpool_aws.cli.adopt_view import as_document, as_text, outcome_line
from spiderpool_aws.cli.policy import read_policy
from spiderpool_aws.domain.errors import PolicyError, Refused, RetryLater
from spiderpool_aws.domain.policy.model import Policy, parse_policy

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from spiderpool_aws.about import About
    from spiderpool_aws.adopting import Adopted, Adopter
    from spiderpool_aws.domain.adoption.plan import AdoptionPlan
    from spiderpool_aws.user_access import UserAccess

FAILED, TO_DO = 1, 2
"""Exit codes, as `terraform plan -detailed-exitcode` has them."""


class Output(StrEnum):
    """How the plan is printed."""

    TEXT = "text"
    JSON = "json"


class Warnings:
    """A reporter for people: warnings go to the standard error."""

    def about(self, _about: "About") -> "AbstractContextManager[None]":
        """Do nothing: a message names what it is about."""
        return nullcontext()

    def info(self, message: str, **fields: object) -> None:
        """Say nothing: the plan says it."""

    def warning(self, message: str, **fields: object) -> None:
        """Say what a person should know."""
        print(": ".join([message, *map(str, fields.values())]), file=sys.stderr)

    def count(self, metric: str, value: int = 1, *, of: str = "") -> None:
        """Count nothing."""

    def measure(self, metric: str, value: float, *, of: str = "") -> None:
        """Measure nothing."""


def adopt(
    policy: Annotated[
        str, typer.Option(help="The policy: a file, `-` for the standard input, or the name of the SSM parameter.")
    ],
    pool: Annotated[
        list[str] | None, typer.Option(help="A pool to adopt; give it once a pool. Without it: all that can be.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Adopt them, instead of only showing the plan.")] = False,
    output: Annotated[Output, typer.Option(help="How to print it.")] = Output.TEXT,
) -> None:
    """Show what would become of hand-made pools that list addresses of the nodes' NICs; with --yes adopt them.

    AWS is found as boto3 finds it, the cluster as kubectl does. Pods keep running. Exit code without --yes: 0 nothing
    to do; 2 there are pools to adopt; 1 there are only pools that cannot be adopted, or something failed. With --yes: 0
    all are adopted, else 1.
    """
    from spiderpool_aws.user_access import UserAccess

    access = UserAccess(Warnings())
    outcomes: list[Adopted] = []
    problem = ""
    plan: AdoptionPlan | None = None
    try:
        valid = _policy(policy, access)
        adopter = access.adopter()
        plan = adopter.plan(valid, frozenset(pool or ()))
        if output is Output.TEXT:
            where = f"Cluster {valid.cluster} at {access.server}, AWS region {access.region}"
            print(f"{where}\n{as_text(plan, valid, yes=yes)}", flush=True)
        if yes:
            _adopt(adopter, plan, outcomes, output)
    except (Refused, RetryLater) as error:
        problem = error.reason
    if output is Output.JSON and plan is not None:
        print(json.dumps(as_document(plan, outcomes), indent=2))
    if problem:
        print(problem, file=sys.stderr)
    raise typer.Exit(_exit_code(plan, outcomes, problem, yes=yes))


def _adopt(adopter: "Adopter", plan: "AdoptionPlan", outcomes: "list[Adopted]", output: Output) -> None:
    for outcome in adopter.adopt(plan):
        outcomes.append(outcome)
        if output is Output.TEXT:
            print(outcome_line(outcome), flush=True)


def _exit_code(plan: "AdoptionPlan | None", outcomes: "list[Adopted]", problem: str, *, yes: bool) -> int:
    if plan is None or problem:
        return FAILED
    if not yes and plan.ready:
        return TO_DO
    done = [outcome for outcome in outcomes if not outcome.refusal]
    return FAILED if plan.refused or (yes and len(done) < len(plan.ready)) else 0


def _policy(where: str, access: "UserAccess") -> Policy:
    """Return the policy of a file, or of an SSM parameter. Raises Refused, or RetryLater when it cannot be read."""
    from_file = where == "-" or Path(where).is_file()
    try:
        text = read_policy(where) if from_file else access.policy_text(where)
    except RetryLater as later:
        raise Refused(f"--policy {where}: there is no such file, nor such a parameter: {later.reason}") from later
    try:
        return parse_policy(text)
    except PolicyError as error:
        raise Refused(f"--policy {where} is not valid:\n{error}") from None
