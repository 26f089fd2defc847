"""The doctor's checks of the cluster: API server, CRDs, webhook, Spiderpool's settings, RBAC of the product's user."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spiderpool_aws.cli.findings import Check, Result, ok, untried, wrong
from spiderpool_aws.cli.verify_rights import NAMESPACE, lacking_rights
from spiderpool_aws.deployment import RECONCILE_NODES, RESYNC
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.manifests.authentication import user_of
from spiderpool_aws.manifests.rbac import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spiderpool_aws.cli.world import World

INSTALL = "install Spiderpool v1.2 (Helm), with its CRDs"
OLDEST = (1, 30)
"""kube-apiserver's AuthenticationConfiguration, which web-identity needs, is on by default from 1.30 on."""


def api_server(world: World) -> Iterator[Result]:
    """Say whether your own kubeconfig reaches the API server, and whether it is new enough for the login."""
    version = world.facts.version()
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    facts = world.account.function(RECONCILE_NODES.name)
    needs = facts is not None and facts.place.login == "web-identity"
    if needs and numbers is not None and (int(numbers[1]), int(numbers[2])) < OLDEST:
        said = f"Kubernetes {version} has no AuthenticationConfiguration for the login web-identity"
        yield wrong("API server", said, "upgrade to 1.30, or deploy with another clusterLogin")
    else:
        yield ok("API server", f"your kubeconfig reaches it: Kubernetes {version}")


def crds(world: World) -> Iterator[Result]:
    """Say of each of Spiderpool's resources that is used whether it is served."""
    for kind in ("spiderippools", "spiderreservedips", "spidermultusconfigs"):
        try:
            count = world.facts.count(kind)
        except RetryLater as later:
            yield wrong("CRDs", later.reason, INSTALL)
        else:
            yield ok("CRDs", f"{kind} is served ({count} objects)")


def webhook(world: World) -> Iterator[Result]:
    """Say whether Spiderpool's webhooks answer: a pool goes through them and is not stored."""
    try:
        world.facts.try_pool()
    except Refused as refused:
        if refused.code is Code.FORBIDDEN:
            yield untried("webhook", refused.reason, "ask somebody who may create a SpiderIPPool")
        elif refused.code in (Code.INVALID, Code.OVERLAP, Code.DENIED, Code.CONFLICT):
            # A refusal with a reason is an answer, too.
            yield ok("webhook", f"it answers, and would refuse a pool of 192.0.2.0/24: {refused.reason}")
        else:
            yield wrong("webhook", refused.reason, "see that the spiderpool-controller runs")
    else:
        yield ok("webhook", "a pool would be accepted")


def stateful_sets(world: World) -> Iterator[Result]:
    """Say whether Spiderpool would let a StatefulSet's pod take its address to another node."""
    config = world.facts.spiderpool_config()
    remedy = "helm upgrade spiderpool … --reuse-values --set ipam.enableStatefulSet=false"
    if config is None:
        said = "there is no ConfigMap spiderpool-conf with a conf.yml"
        yield untried("enableStatefulSet", said, f"see to it: {remedy}")
    elif config.get("enableStatefulSet") is False:
        yield ok("enableStatefulSet", "it is off")
    else:
        said = "it is on: a pod of a StatefulSet that moves keeps an address that works on its old node only"
        yield wrong("enableStatefulSet", said, remedy)


def rbac(world: World) -> Iterator[Result]:
    """Say whether the users of the functions may do what they have to; without a known user, whether you may."""
    users = _users(world)
    for user in users or ("",):
        who = user or "your own user"
        asked = [(rule, verb) for rule in RULES for verb in rule.verbs]
        denied = [f"{verb} {rule.resource}" for rule, verb in asked if not world.facts.allows(rule, verb, user)]
        if denied:
            option = f"--role-arn {user.removeprefix('aws:')}" if user else "--user NAME"
            said = f"{who} may not {', '.join(denied)}"
            remedy = f"spiderpool-aws manifests rbac {option} (all users at once) | kubectl apply -f -"
            yield wrong("RBAC", said, remedy)
        else:
            yield ok("RBAC", f"{who} may do what the product does")
    if not users:
        yield untried(
            "RBAC",
            "which user the functions have is known for the login web-identity only",
            "kubectl auth can-i --list --as USER",
        )


def verify_rights(world: World) -> Iterator[Result]:
    """Say whether you may run `verify`, which needs more than the product does."""
    if lacking := lacking_rights(world.facts, NAMESPACE):
        said = f"you may not {', '.join(lacking)} in namespace {NAMESPACE}"
        yield untried("verify", said, "nothing, unless you want to run verify: have it allowed, or give a --namespace")
    else:
        yield ok("verify", f"you may create its pods in namespace {NAMESPACE}, and remove them")


def _users(world: World) -> Sequence[str]:
    """Return the users of the functions that log in, where their login says who they are."""
    found = (world.account.function(function.name) for function in (RECONCILE_NODES, RESYNC))
    return [user_of(facts.role_arn) for facts in found if facts is not None and facts.place.login == "web-identity"]


CHECKS = (
    Check("API server", api_server),
    Check("CRDs", crds),
    Check("webhook", webhook),
    Check("enableStatefulSet", stateful_sets),
    Check("RBAC", rbac),
    Check("verify", verify_rights),
)
