"""What the person who runs `verify` has to be allowed, asked before anything is created."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spiderpool_aws.manifests.rbac import CORE_GROUP, Rule

if TYPE_CHECKING:
    from spiderpool_aws.cli.world import FactsPort

NAMESPACE = "default"
_VERBS = ("create", "get", "delete")


def lacking_rights(facts: FactsPort, namespace: str) -> list[str]:
    """Return what the person may not do in a namespace. Raises RetryLater when nobody answers."""
    rules = [
        Rule(CORE_GROUP, "pods", _VERBS, "servers and probes", namespace),
        Rule(CORE_GROUP, "services", _VERBS, "a ClusterIP in front of the servers", namespace),
    ]
    return [f"{verb} {rule.resource}" for rule in rules for verb in rule.verbs if not facts.allows(rule, verb)]
