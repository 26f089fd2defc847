"""SpiderMultusConfig: as the cluster's API has it (pydantic), and as the planner sees it."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from spiderpool_aws.domain.cluster.pool import API_VERSION, CLUSTER_LABEL, Wire


@dataclass(frozen=True, slots=True)
class MultusConfig:
    """A SpiderMultusConfig of type ipvlan: the network that a pod asks for, on one NIC of the host."""

    namespace: str
    name: str
    master: str
    ours: bool = True
    uid: str = ""

    @property
    def key(self) -> str:
        """`namespace/name`, as pods and pools refer to it."""
        return f"{self.namespace}/{self.name}"


class _MultusMetadata(Wire):
    name: str
    namespace: str
    uid: str = ""
    labels: dict[str, str] = Field(default_factory=dict)


class _Ipvlan(Wire):
    master: tuple[str, ...] = ()


class _MultusSpec(Wire):
    cni_type: str = "custom"
    ipvlan: _Ipvlan | None = None


class SpiderMultusConfig(Wire):
    """A SpiderMultusConfig as the API server answers it."""

    metadata: _MultusMetadata
    spec: _MultusSpec = _MultusSpec()

    def to_config(self) -> MultusConfig:
        """Return the planner's view; the master is empty when the config is not an ipvlan of one NIC."""
        ipvlan = self.spec.ipvlan if self.spec.cni_type == "ipvlan" else None
        return MultusConfig(
            namespace=self.metadata.namespace,
            name=self.metadata.name,
            master=",".join(ipvlan.master) if ipvlan else "",
            ours=CLUSTER_LABEL in self.metadata.labels,
            uid=self.metadata.uid,
        )


def multus_manifest(config: MultusConfig, cluster: str) -> dict[str, Any]:
    """Return what server-side apply sends to create a SpiderMultusConfig."""
    return {
        "apiVersion": API_VERSION,
        "kind": "SpiderMultusConfig",
        "metadata": {"name": config.name, "namespace": config.namespace, "labels": {CLUSTER_LABEL: cluster}},
        "spec": {"cniType": "ipvlan", "ipvlan": {"master": [config.master]}},
    }


def multus_patch(config: MultusConfig, cluster: str) -> dict[str, Any]:
    """Return the merge patch that mends the SpiderMultusConfig of a uid.

    An apply takes nothing away that others own, and Spiderpool refuses an ipvlan beside another type's block.
    """
    others = dict.fromkeys(("macvlan", "vlan", "sriov", "ibsriov", "ipoib", "ovs", "customCNI"))
    return {
        "metadata": {"uid": config.uid, "labels": {CLUSTER_LABEL: cluster}},
        "spec": {"cniType": "ipvlan", "ipvlan": {"master": [config.master]}, **others},
    }
