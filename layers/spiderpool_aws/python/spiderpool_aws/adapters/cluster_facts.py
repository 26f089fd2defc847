"""What people ask of the API server and the functions never do: Events, what is installed, who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from spiderpool_aws.adapters.cluster import EVENTS, MULTUS, POOLS, RESERVED
from spiderpool_aws.adapters.cluster_api import ClusterApi, Json, Resource
from spiderpool_aws.domain.cluster.pool import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spiderpool_aws.adapters.credentials import ClusterCredentials
    from spiderpool_aws.manifests.rbac import Rule


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """An Event about a Node, of whomever."""

    at: str
    """As the API server writes it, in UTC; empty when nobody said when."""
    is_warning: bool
    reason: str
    message: str
    source: str


CONFIG_MAP = "spiderpool-conf"
"""Spiderpool's own ConfigMap; its `conf.yml` has `enableStatefulSet` (the Helm chart, templates/configmap.yaml)."""
_CONFIG_MAPS = Resource("/api/v1", "configmaps")
_REVIEWS = Resource("/apis/authorization.k8s.io/v1", "subjectaccessreviews")
_OWN_REVIEWS = Resource("/apis/authorization.k8s.io/v1", "selfsubjectaccessreviews")
_VERSION = Resource("", "version")
_PROBE: Json = {
    "apiVersion": API_VERSION,
    "kind": "SpiderIPPool",
    "metadata": {"name": "spiderpool-aws-doctor"},
    # Addresses for documentation (RFC 5737): no pool has them.
    "spec": {"ipVersion": 4, "subnet": "192.0.2.0/24", "ips": ["192.0.2.10"], "nodeName": ["none"]},
}


class ClusterFacts:
    """Reads of the person at the terminal; what looks like a write is a dry run."""

    def __init__(self, credentials: ClusterCredentials) -> None:
        self._api = ClusterApi(credentials)
        self._credentials = credentials

    @property
    def server(self) -> str:
        """Return the API server's URL."""
        return str(self._credentials.client().configuration.host)

    def events_of(self, node_name: str) -> Sequence[ToldEvent]:
        """Return the Events of a Node, the oldest first; an API server keeps them for an hour (`--event-ttl`)."""
        about = f"involvedObject.kind=Node,involvedObject.name={node_name}"
        return sorted(self._api.list_all(EVENTS, _event, about), key=lambda event: (event.at, event.reason))

    def version(self) -> str:
        """Return the API server's version (`v1.34.1`)."""
        return str((self._api.get(_VERSION, "") or {}).get("gitVersion", "unknown"))

    def count(self, kind: str) -> int:
        """Return how many objects there are of one of Spiderpool's resources, by its plural.

        Raises RetryLater where it is not served.
        """
        resource = next(one for one in (POOLS, RESERVED, MULTUS) if one.plural == kind)
        return len(self._api.list_all(resource, lambda item: item))

    def try_pool(self) -> None:
        """Have a pool go through Spiderpool's webhooks without storing it. Raises RetryLater when they do not answer.

        `dryRun=All` runs the webhooks (recorded behaviour).
        """
        self._api.create(POOLS, _PROBE, dry_run=True)

    def spiderpool_config(self) -> Json | None:
        """Return what `conf.yml` of Spiderpool's ConfigMap holds; None when there is none, or nothing of use in it."""
        found = self._api.list_all(_CONFIG_MAPS, lambda item: item, f"metadata.name={CONFIG_MAP}")
        try:
            config = yaml.safe_load((found[0].get("data") or {}).get("conf.yml", "")) if found else None
        except yaml.YAMLError:
            return None
        return config if isinstance(config, dict) else None

    def allows(self, rule: Rule, verb: str, user: str = "") -> bool:
        """Tell whether RBAC lets a user do it; without a user, the person at the terminal.

        Raises Refused `Forbidden` when the person may not ask for others (SubjectAccessReview).
        """
        asked = {"group": rule.group, "resource": rule.resource, "verb": verb, "namespace": rule.namespace}
        kind = "SubjectAccessReview" if user else "SelfSubjectAccessReview"
        spec: Json = {"resourceAttributes": asked} | ({"user": user} if user else {})
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
        answer = self._api.create(_REVIEWS if user else _OWN_REVIEWS, review)
        return (answer.get("status") or {}).get("allowed") is True


def _event(document: Json) -> ToldEvent:
    return ToldEvent(
        at=str(document.get("lastTimestamp") or document.get("eventTime") or ""),
        is_warning=document.get("type") == "Warning",
        reason=str(document.get("reason", "")),
        message=str(document.get("message", "")),
        source=str((document.get("source") or {}).get("component") or document.get("reportingComponent", "")),
    )
