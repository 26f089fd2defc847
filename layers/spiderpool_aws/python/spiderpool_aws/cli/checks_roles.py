"""The doctor's check of the functions' roles: each call that a function makes, asked of IAM's simulator."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from spiderpool_aws.adapters.simulator import Denied, Denier
from spiderpool_aws.cli.checks_aws import DEPLOY
from spiderpool_aws.cli.findings import Check, Result, ok, results_of, untried, wrong
from spiderpool_aws.deployment import FUNCTIONS, Function
from spiderpool_aws.permissions import needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from spiderpool_aws.cli.world import World

TOPIC = "roles"
REMEDIES = {
    Denier.NOBODY: "deploy again: cdk deploy writes the role's policy",
    Denier.STATEMENT: "take out of the role the policy that denies it",
    Denier.BOUNDARY: "have the role's permissions boundary allow it",
    Denier.ORGANIZATION: "have the organization's service control policies allow it",
}


def roles(world: World) -> Iterator[Result]:
    """Say of each function in one line whether its role may do all that the function calls."""
    for function in FUNCTIONS:
        yield from results_of(Check(TOPIC, partial(_role, function=function)), world)


def _role(world: World, function: Function) -> Iterator[Result]:
    facts, name = world.account.function(function.name), world.names.of(function.name)
    if facts is None:
        yield untried(TOPIC, f"{name} is not deployed: it has no role", DEPLOY)
        return
    asked = needs(function, world.names, facts.place)
    missing = [denied for need in asked for denied in world.account.denied(facts.role_arn, need)]
    if missing:
        # One action may be denied in several statements' requests.
        yield wrong(TOPIC, f"the role of {name} may not {_listed(missing)}", _remedy(missing))
    else:
        count = len({action for need in asked for action in need.actions})
        yield ok(TOPIC, f"the role of {name} may make its calls: IAM's simulator allows all {count} actions")


def _listed(missing: Iterable[Denied]) -> str:
    return ", ".join(dict.fromkeys(f"{denied.action} ({denied.by})" for denied in missing))


def _remedy(missing: Iterable[Denied]) -> str:
    deniers = {denied.by for denied in missing}
    return "; ".join(remedy for denier, remedy in REMEDIES.items() if denier in deniers)


CHECKS = (Check(TOPIC, roles),)
