"""How Spiderpool and AWS Load Balancer Controller are installed for a policy: Helm's commands and values, as data.

Sources: Spiderpool's chart, `charts/spiderpool/values.yaml`, and its guide for AWS; the controller's chart,
`helm/aws-load-balancer-controller/values.yaml` in kubernetes-sigs/aws-load-balancer-controller.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spiderpool_aws.domain.policy.model import Group, Policy

NAMESPACE = "kube-system"
END = "VALUES"
"""What ends the values in the shell's here-document."""


@dataclass(frozen=True, slots=True)
class Place:
    """What no policy says: where images come from, and where the cluster is."""

    registry: str = ""
    """In place of the registry of each of Spiderpool's images."""
    region: str = ""
    vpc_id: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """One chart to install, with its values."""

    name: str
    repository: str
    url: str
    values: dict[str, Any]
    version: str = ""
    """Helm's constraint; empty: the newest."""
    notes: tuple[str, ...] = ()

    def script(self, values_text: str) -> str:
        """Return the commands for a shell, with the values in a here-document."""
        install = [
            *("helm", "upgrade", "--install", self.name, f"{self.repository}/{self.name}", "--namespace", NAMESPACE),
            *(("--version", self.version) if self.version else ()),
            *("--wait", "--values", "-"),
        ]
        return "\n".join(
            [
                # A line break in a name of the policy would end the comment: what follows it would be run.
                *(f"# {' '.join(note.split())}" for note in self.notes),
                f"helm repo add {self.repository} {self.url}",
                f"helm repo update {self.repository}",
                f"{shlex.join(install)} <<'{END}'",
                f"{values_text.rstrip()}\n{END}\n",
            ]
        )


def releases(policy: Policy, place: Place) -> tuple[Release, Release]:
    """Return Spiderpool, then the load balancer controller, which the pods' network has to be there for."""
    return _spiderpool(policy, place), _load_balancer_controller(policy, place)


def default_network(group: Group) -> str:
    """Return the network that a group's pods get when they name none: that of the first NIC."""
    return min(group.interfaces, key=lambda nic: nic.device_index).multus


def _spiderpool(policy: Policy, place: Place) -> Release:
    network = default_network(policy.groups[0])
    # A fixed address of a StatefulSet's pod works on the node that has it and on no other.
    values: dict[str, Any] = {
        "ipam": {"enableStatefulSet": False},
        "multus": {"multusCNI": {"defaultCniCRName": network}},
    }
    if place.registry:
        values["global"] = {"imageRegistryOverride": place.registry}
    return Release(
        name="spiderpool",
        repository="spiderpool",
        url="https://spidernet-io.github.io/spiderpool",
        values=values,
        version="1.2.x",
        notes=("Spiderpool, with Multus and the CRDs.", *_other_networks(policy.groups, network)),
    )


def _other_networks(groups: Sequence[Group], network: str) -> list[str]:
    return [
        f"Pods on nodes of group {group.name} have to name their network: "
        f"v1.multus-cni.io/default-network: {default_network(group)}"
        for group in groups
        if default_network(group) != network
    ]


def _load_balancer_controller(policy: Policy, place: Place) -> Release:
    # The nodes' metadata, and with them the role, answer the host only (docs/nodes.md).
    values: dict[str, Any] = {"clusterName": policy.cluster, "defaultTargetType": "ip", "hostNetwork": True}
    notes = ["AWS Load Balancer Controller: it acts by the nodes' role, and finds targets by the Nodes' providerID."]
    if place.region:
        values["region"] = place.region
    if place.vpc_id:
        values["vpcId"] = place.vpc_id
    if not (place.region and place.vpc_id):
        notes.append("Without --region and --vpc-id it asks its node's metadata for them.")
    return Release(
        name="aws-load-balancer-controller",
        repository="eks",
        url="https://aws.github.io/eks-charts",
        values=values,
        notes=tuple(notes),
    )
