"""Least privilege: the verbs that the functions use, and no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spiderpool_aws.domain.pool import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "spiderpool-aws"
SPIDERPOOL_GROUP = API_VERSION.partition("/")[0]
CORE_GROUP = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Verbs on one resource, and what they are needed for."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    purpose: str


# `patch` is how an apply is sent; one that creates the object needs `create` beside it.
RULES = (
    Rule(SPIDERPOOL_GROUP, "spiderippools", ("list", "create", "patch", "delete"), "the pools of every NIC"),
    Rule(SPIDERPOOL_GROUP, "spidermultusconfigs", ("list", "create", "patch"), "one configuration for each NIC"),
    Rule(CORE_GROUP, "nodes", ("get", "list", "patch", "delete"), "providerID and startup taint; Nodes of the dead"),
    Rule(CORE_GROUP, "pods", ("list", "delete"), "the pods of a terminated instance"),
    Rule(CORE_GROUP, "events", ("create",), "what is told on a Node"),
)
"""Everything that the cluster adapter may send. A test keeps it equal to what the adapter does send."""


def role_and_binding(users: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the ClusterRole with exactly RULES, and the binding that gives it to all of these users.

    One binding for every function: applied again for another user alone, it would take the rights from the first.
    """
    api = "rbac.authorization.k8s.io"
    role = {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": NAME},
        "rules": [
            {"apiGroups": [rule.group], "resources": [rule.resource], "verbs": list(rule.verbs)} for rule in RULES
        ],
    }
    binding = {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": NAME},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": NAME},
        "subjects": [{"apiGroup": api, "kind": "User", "name": user} for user in dict.fromkeys(users)],
    }
    return role, binding
