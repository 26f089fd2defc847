"""Who may do what: the rules of ClusterRoles and Roles, as Kubernetes' RBAC reads them.

Source: Kubernetes, "Using RBAC Authorization" and "Authorization" (verbs of requests); the texts are kube-apiserver's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spiderpool_aws.local.cluster.answers import ApiError, failure
from spiderpool_aws.local.cluster.resources import Target

_EVERYTHING = "*"
_EVERYWHERE = ""
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "GET": "get"}
_VERBS_OF_COLLECTIONS = {"GET": "list", "DELETE": "deletecollection"}

Rule = Mapping[str, Any]
"""An element of a role's `rules`: apiGroups, resources, verbs, and perhaps resourceNames."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, as RBAC sees it."""

    verb: str
    target: Target

    @property
    def resource(self) -> str:
        """The resource with its sub-resource: `nodes/status`."""
        return "/".join(filter(None, (self.target.resource.plural, self.target.subresource)))

    def is_in(self, rule: Rule) -> bool:
        """Say whether the rule allows it; a rule with names allows nothing that has none, such as create and list."""
        names = rule.get("resourceNames") or ()
        return (
            _lists(rule["verbs"], self.verb)
            and _lists(rule["apiGroups"], self.target.resource.group)
            and _lists(rule["resources"], self.resource)
            and (not names or (self.verb != "create" and self.target.name in names))
        )


class Authorizer:
    """The table of users. Who is not in it may do everything, as an administrator."""

    def __init__(self) -> None:
        self._rules: dict[str, dict[str, Sequence[Rule]]] = {}

    def limit(self, user: str, rules: Sequence[Rule], **namespaced: Sequence[Rule]) -> None:
        """Let a user do what these rules allow, and in a namespace what that one's allow, and nothing else."""
        self._rules[user] = {_EVERYWHERE: rules, **namespaced}

    def check(self, user: str, method: str, target: Target, *, creates: bool = False) -> None:
        """Raise the 403 of what the user may not do; an apply that makes the object needs `create` beside `patch`."""
        if user not in self._rules:
            return
        # What has no namespace is in none that a Role could be for.
        places = {_EVERYWHERE, target.namespace}
        rules = [rule for place in places for rule in self._rules[user].get(place, ())]
        verb = _VERBS[method] if target.name else _VERBS_OF_COLLECTIONS.get(method, _VERBS[method])
        for one in (verb, "create") if creates else (verb,):
            asked = Asked(one, target)
            if not any(asked.is_in(rule) for rule in rules):
                raise _forbidden(user, asked)


def _lists(allowed: Sequence[str], wanted: str) -> bool:
    return wanted in allowed or _EVERYTHING in allowed


def _forbidden(user: str, asked: Asked) -> ApiError:
    target = asked.target
    what = target.resource.resource_name
    named = f'{what} "{target.name}"' if target.name else str(what)
    where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    text = (
        f'{named} is forbidden: User "{user}" cannot {asked.verb} resource "{asked.resource}"'
        f' in API group "{target.resource.group}" {where}'
    )
    details = {key: value for key, value in what.details(target.name).items() if value}
    return failure(403, "Forbidden", text, details)
