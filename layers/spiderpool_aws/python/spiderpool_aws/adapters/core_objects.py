"""Kubernetes' own objects as the API server has them: Nodes and pods as they are read, Events as they are written."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from spiderpool_aws.domain.addresses import is_address
from spiderpool_aws.domain.cluster.node import GONE_ANNOTATION, Node, PodRef
from spiderpool_aws.domain.cluster.pool import FIELD_MANAGER
from spiderpool_aws.domain.instance import is_instance_id
from spiderpool_aws.manifests.rbac import EVENT_NAMESPACE

if TYPE_CHECKING:
    from spiderpool_aws.adapters.cluster_api import Json
    from spiderpool_aws.domain.node_events import NodeEvent


def read_node(document: Json) -> Node:
    """Return a Node as the rules know it."""
    metadata, spec = document["metadata"], document.get("spec") or {}
    gone, _, heir = (metadata.get("annotations") or {}).get(GONE_ANNOTATION, "").partition("/")
    is_noted = is_instance_id(gone) and is_instance_id(heir)
    addresses = (document.get("status") or {}).get("addresses") or []
    return Node(
        name=metadata["name"],
        uid=metadata["uid"],
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        provider_id=spec.get("providerID") or "",
        # The kubelet, or whoever may write a Node's status, can put any text here.
        internal_ips=tuple(
            item["address"] for item in addresses if item.get("type") == "InternalIP" and is_address(item["address"])
        ),
        taints=tuple(dict.fromkeys(item["key"] for item in spec.get("taints") or ())),
        gone_instance=gone if is_noted else "",
        heir=heir if is_noted else "",
    )


def event_manifest(event: NodeEvent) -> Json:
    """Return an Event as the API server takes it."""
    moment = event.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": event.name, "namespace": EVENT_NAMESPACE},
        "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": event.node_name, "uid": event.node_uid},
        "type": "Warning" if event.is_warning else "Normal",
        "reason": event.reason,
        "message": event.message,
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }


def read_pod(document: Json) -> PodRef:
    """Return a pod as the rules know it; `created` is when it was bound to its node."""
    metadata = document["metadata"]
    return PodRef(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        created=_bound(document) or datetime.fromisoformat(metadata["creationTimestamp"]),
    )


def _bound(document: Json) -> datetime | None:
    """Return when the pod was bound to its node: one that was pending may be older than the node it got."""
    conditions = (document.get("status") or {}).get("conditions") or []
    bound: Json = next((c for c in conditions if c.get("type") == "PodScheduled" and c.get("status") == "True"), {})
    moment = bound.get("lastTransitionTime")
    return datetime.fromisoformat(moment) if moment else None
