"""Least privilege: the verbs that the functions use, and no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spiderpool_aws.domain.cluster.pool import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "spiderpool-aws"
EVENT_NAMESPACE = "default"
"""Where the Events of what has no namespace are."""
_API = "rbac.authorization.k8s.io"
SPIDERPOOL_GROUP = API_VERSION.partition("/")[0]
CORE_GROUP = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Verbs on one resource, and what they are needed for."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    purpose: str
    namespace: str = ""
    """The only one in which it holds; empty: everywhere."""


# `patch` is how an apply is sent; one that creates the object needs `create` beside it.
RULES = (
    Rule(SPIDERPOOL_GROUP, "spiderippools", ("list", "create", "patch", "delete"), "the pools of every NIC"),
    Rule(
        SPIDERPOOL_GROUP,
        "spiderreservedips",
        ("list", "create", "patch", "delete"),
        "addresses in use that a NIC lost to another",
    ),
    Rule(SPIDERPOOL_GROUP, "spidermultusconfigs", ("list", "create", "patch"), "one configuration for each NIC"),
    Rule(
        CORE_GROUP,
        "nodes",
        ("get", "list", "patch", "delete"),
        "providerID, startup taint, and the note that its instance is gone; Nodes of the dead",
    ),
    Rule(CORE_GROUP, "pods", ("list", "delete"), "the pods of a terminated instance"),
    Rule(CORE_GROUP, "events", ("create",), "what is told on a Node", EVENT_NAMESPACE),
)
"""Everything that the cluster adapter may send. A test keeps it equal to what the adapter does send."""


def roles_and_bindings(users: Sequence[str]) -> list[dict[str, Any]]:
    """Return the roles with exactly RULES, each followed by the binding that gives it to all of these users.

    A ClusterRole, then a Role for each namespace that a rule is limited to. One binding for every function: applied
    again for another user alone, it would take the rights from the first.
    """
    namespaces = dict.fromkeys(rule.namespace for rule in RULES)
    return [manifest for namespace in namespaces for manifest in _role_and_binding(namespace, users)]


def _role_and_binding(namespace: str, users: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    kind = "Role" if namespace else "ClusterRole"
    metadata = {"name": NAME, "namespace": namespace} if namespace else {"name": NAME}
    rules = [
        {"apiGroups": [rule.group], "resources": [rule.resource], "verbs": list(rule.verbs)}
        for rule in RULES
        if rule.namespace == namespace
    ]
    role = {"apiVersion": f"{_API}/v1", "kind": kind, "metadata": metadata, "rules": rules}
    binding = {
        "apiVersion": f"{_API}/v1",
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _API, "kind": kind, "name": NAME},
        "subjects": [{"apiGroup": _API, "kind": "User", "name": user} for user in dict.fromkeys(users)],
    }
    return role, binding
