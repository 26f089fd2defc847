"""The cluster's API server: the `ClusterPort`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from spiderpool_aws.adapters.cluster_api import ClusterApi, Json, Resource
from spiderpool_aws.adapters.cluster_errors import ChangedSinceReadError, NotServedError
from spiderpool_aws.adapters.core_objects import event_manifest, read_node, read_pod
from spiderpool_aws.adapters.pool_reader import PoolReader
from spiderpool_aws.domain.cluster.multus import SpiderMultusConfig, multus_manifest, multus_patch
from spiderpool_aws.domain.cluster.node import GONE_ANNOTATION
from spiderpool_aws.domain.cluster.pool import API_VERSION, SpiderIPPool, pool_manifest
from spiderpool_aws.domain.cluster.reservation import SpiderReservedIP, reservation_manifest
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.metrics import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from spiderpool_aws.adapters.credentials import ClusterCredentials
    from spiderpool_aws.domain.cluster.multus import MultusConfig
    from spiderpool_aws.domain.cluster.node import Node, PodRef
    from spiderpool_aws.domain.cluster.pool import Pool
    from spiderpool_aws.domain.cluster.reservation import Reservation
    from spiderpool_aws.domain.node_events import NodeEvent
    from spiderpool_aws.ports import Reporter

POOLS = Resource(f"/apis/{API_VERSION}", "spiderippools")
RESERVED = Resource(f"/apis/{API_VERSION}", "spiderreservedips")
MULTUS = Resource(f"/apis/{API_VERSION}", "spidermultusconfigs")
NODES = Resource("/api/v1", "nodes")
PODS = Resource("/api/v1", "pods")
EVENTS = Resource("/api/v1", "events")

# pydantic's ValidationError, JSONDecodeError and AddressError are ValueErrors; the others come from
# `status.allocatedIPs`, a text whose JSON nobody validates.
UNREADABLE = (ValueError, TypeError, AttributeError)
LONGEST_NAME = 253
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
"""What the name of a Node is: an RFC 1123 subdomain (Kubernetes, "Object Names and IDs")."""
NODE_ATTEMPTS = 3
"""How often a Node is read again when somebody changed it between our read and our patch."""


class ClusterAdapter:
    """Implements `ClusterPort`. What others wrote and cannot be read is passed over with a warning."""

    def __init__(self, credentials: ClusterCredentials, reporter: Reporter) -> None:
        self._api = ClusterApi(credentials)
        self._reporter = reporter
        self._pools = PoolReader()

    def list_pools(self) -> Sequence[Pool]:
        """Return every SpiderIPPool that can be read."""
        pools = self._pools.keep(self._readable(POOLS, self._pools.parse))
        for pool in pools:
            if pool.problems:
                self._warn(POOLS, pool.name, "cannot be read as a whole", "; ".join(pool.problems))
        return pools

    def apply_pool(self, pool: Pool) -> Pool:
        """Create or write a pool. A create never joins a pool that is there; a write takes our fields back."""
        stored = self._api.apply(POOLS, pool_manifest(pool))
        try:
            return SpiderIPPool.model_validate(stored).to_pool()
        except UNREADABLE as error:
            raise Refused(f"pool {pool.name} was written and cannot be read: {error}", Code.INVALID) from error

    def note_pool(self, pool: Pool) -> None:
        """Write a pool that nobody changed since it was read, or Refused `Conflict`.

        A whole apply and no patch of the annotation alone: that would leave a second owner of it, whom no later apply
        could make give it up.
        """
        manifest = pool_manifest(pool)
        manifest["metadata"]["resourceVersion"] = pool.resource_version
        try:
            self._api.apply(POOLS, manifest)
        except ChangedSinceReadError as changed:
            raise Refused(changed.reason, Code.CONFLICT) from changed

    def delete_pool(self, pool: Pool) -> None:
        """Delete the pool of that uid; gone already is success, another of that name is Refused `Conflict`."""
        self._api.delete(POOLS, pool.name, pool.uid)

    def list_multus(self) -> Mapping[str, MultusConfig]:
        """Return `namespace/name` -> SpiderMultusConfig, of those that can be read."""

        def parse(item: Json) -> MultusConfig:
            return SpiderMultusConfig.model_validate(item).to_config()

        return {config.key: config for config in self._readable(MULTUS, parse)}

    def apply_multus(self, config: MultusConfig, cluster: str) -> MultusConfig:
        """Create a SpiderMultusConfig where there is none of that name, or mend the one of that uid."""
        if config.uid:
            stored = self._api.merge(MULTUS, config.name, multus_patch(config, cluster), config.namespace)
        else:
            stored = self._api.apply(MULTUS, multus_manifest(config, cluster))
        return SpiderMultusConfig.model_validate(stored).to_config()

    def list_reservations(self) -> Sequence[Reservation]:
        """Return our SpiderReservedIPs that can be read; none where Spiderpool does not have them."""

        def parse(item: Json) -> Reservation | None:
            return SpiderReservedIP.model_validate(item).to_reservation()

        try:
            return self._readable(RESERVED, parse)
        except NotServedError:
            return []

    def apply_reservation(self, reservation: Reservation) -> Reservation:
        """Create a SpiderReservedIP where there is none of that name, or write the one of that uid."""
        try:
            stored = self._api.apply(RESERVED, reservation_manifest(reservation))
            written = SpiderReservedIP.model_validate(stored).to_reservation()
        except Refused as refused:
            if refused.code is not Code.CONFLICT or reservation.uid:
                raise
            reason = (
                f"SpiderReservedIP {reservation.name} is not ours, or is being deleted, and is left alone, so "
                f"{reservation.addresses} can be given to a pod again: delete it, or name it otherwise"
            )
            raise Refused(reason, Code.CONFLICT) from refused
        except UNREADABLE as error:
            reason = f"SpiderReservedIP {reservation.name} was written and cannot be read: {error}"
            raise Refused(reason, Code.INVALID) from error
        if written is None:
            reason = f"SpiderReservedIP {reservation.name} is being deleted: it is made again when it is gone"
            raise Refused(reason, Code.CONFLICT)
        return written

    def delete_reservation(self, reservation: Reservation) -> None:
        """Delete the SpiderReservedIP of that uid; gone already is success, another of that name is left alone."""
        self._delete_if_still_there(RESERVED, reservation.name, reservation.uid)

    def get_node(self, name: str) -> Node | None:
        """Return a Node; None when there is none of that name, or when no Node can have it."""
        if len(name) > LONGEST_NAME or not SUBDOMAIN.fullmatch(name):
            # It may come from a tag: `a/b` and `..` are paths, and would ask for something else than a Node.
            return None
        document = self._api.get(NODES, name)
        return None if document is None else read_node(document)

    def list_nodes(self) -> Sequence[Node]:
        """Return all Nodes."""
        return self._api.list_all(NODES, read_node)

    def prepare_node(self, node_name: str, node_uid: str, *, provider_id: str = "", taint: str = "") -> None:
        """Set an empty providerID and remove every taint of a key, in one patch; what is empty is left as it is.

        Refused when the Node is another one, or has another providerID.
        """

        def change(document: Json) -> Json | None:
            spec, changed = document.get("spec") or {}, Json()
            present = spec.get("providerID") or ""
            if provider_id and present and present != provider_id:
                raise Refused(f"Node {node_name} has the providerID {present}, which cannot be changed", Code.CONFLICT)
            if provider_id and not present:
                changed["providerID"] = provider_id
            taints = spec.get("taints") or []
            rest = [item for item in taints if item.get("key") != taint]
            if taint and len(rest) < len(taints):
                changed["taints"] = rest or None
            return {"spec": changed} if changed else None

        self._change_node(node_name, node_uid, change)

    def taint_node(self, node_name: str, node_uid: str, taint: str) -> None:
        """Add a taint (NoSchedule) that is not there yet. Refused when the Node is another one."""

        def change(document: Json) -> Json | None:
            taints = (document.get("spec") or {}).get("taints") or []
            if any(item.get("key") == taint for item in taints):
                return None
            return {"spec": {"taints": [*taints, {"key": taint, "effect": "NoSchedule"}]}}

        self._change_node(node_name, node_uid, change)

    def note_gone(self, node_name: str, node_uid: str, instance_id: str, heir: str) -> None:
        """Note on a Node that its instance is gone and who has it; empty: take the note off.

        Refused when the Node is another one.
        """
        wanted = f"{instance_id}/{heir}" if instance_id else None

        def change(document: Json) -> Json | None:
            noted = (document["metadata"].get("annotations") or {}).get(GONE_ANNOTATION)
            return None if noted == wanted else {"metadata": {"annotations": {GONE_ANNOTATION: wanted}}}

        self._change_node(node_name, node_uid, change)

    def delete_node(self, node_name: str, node_uid: str) -> None:
        """Delete the Node of that uid; gone already is success, another of the name is left alone."""
        self._delete_if_still_there(NODES, node_name, node_uid)

    def list_pods(self, node_name: str) -> Sequence[PodRef]:
        """Return the pods bound to a node."""
        return self._api.list_all(PODS, read_pod, f"spec.nodeName={node_name}")

    def delete_pod(self, pod: PodRef) -> None:
        """Delete the pod of that uid with grace 0; gone already is success, also when its name is taken again."""
        self._delete_if_still_there(PODS, pod.name, pod.uid, namespace=pod.namespace, grace_seconds=0)

    def post_event(self, event: NodeEvent) -> None:
        """Create an Event on a Node; there already is success: it tells the same."""
        try:
            self._api.create(EVENTS, event_manifest(event))
        except Refused as refused:
            if refused.code is not Code.CONFLICT:
                raise

    def _delete_if_still_there(self, resource: Resource, name: str, uid: str, **options: Any) -> None:
        try:
            self._api.delete(resource, name, uid, **options)
        except Refused as refused:
            # Another one has the name, so the one of that uid is gone.
            if refused.code is not Code.CONFLICT:
                raise

    def _change_node(self, name: str, uid: str, change: Callable[[Json], Json | None]) -> None:
        """Read the Node and patch it with what `change` returns (None: nothing), on the version that was read.

        The resourceVersion is in the patch because the list of taints is replaced whole: a taint that somebody adds
        meanwhile would be lost.
        """
        for _ in range(NODE_ATTEMPTS):
            document = self._api.get(NODES, name)
            if document is None or document["metadata"]["uid"] != uid:
                raise Refused(f"Node {name} is no longer the one that was read", Code.CONFLICT)
            patch = change(document)
            if patch is None:
                return
            version = {"uid": uid, "resourceVersion": document["metadata"]["resourceVersion"]}
            try:
                self._api.merge(NODES, name, {**patch, "metadata": {**patch.get("metadata", {}), **version}})
            except ChangedSinceReadError:
                continue
            return
        raise RetryLater(f"Node {name} was changed by others {NODE_ATTEMPTS} times while it was being patched")

    def _readable(self, resource: Resource, parse: Callable[[Json], Any]) -> list[Any]:
        def parse_or_warn(item: Json) -> Any:
            try:
                return parse(item)
            except UNREADABLE as error:
                name = item.get("metadata", {}).get("name", "?")
                self._warn(resource, name, "is passed over because it cannot be read", str(error))
                return None

        return [item for item in self._api.list_all(resource, parse_or_warn) if item is not None]

    def _warn(self, resource: Resource, name: str, what: str, error: str) -> None:
        self._reporter.warning(f"{resource.plural} {name} {what}: mend or delete it", error=" ".join(error.split()))
        self._reporter.count(Metric.UNREADABLE_OBJECTS)
