"""What the demo shows at its end: nodes with their NICs, and pools."""

from collections.abc import Sequence
from typing import Any

from spiderpool_aws.local.stack import LocalStack


def nodes_of(stack: LocalStack, nics: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row for each attached NIC; `nics` are the host's names by device index."""
    rows = []
    for eni in sorted(stack.model.enis.values(), key=lambda eni: (eni.availability_zone, eni.primary_ip)):
        if eni.attachment is not None:
            instance = stack.model.instances[eni.attachment.instance_id]
            rows.append(
                {
                    "node": instance.private_dns_name,
                    "instance": instance.id,
                    "zone": eni.availability_zone,
                    "nic": nics[eni.attachment.device_index],
                    "eni": eni.id,
                    "primary": eni.primary_ip,
                    "ipv4": sorted(eni.secondary_ips),
                    "ipv6Prefixes": eni.ipv6_prefixes,
                }
            )
    return sorted(rows, key=lambda row: (row["zone"], row["node"], row["nic"]))


def pools_of(stack: LocalStack) -> list[dict[str, Any]]:
    """Return a row for each pool."""
    return [
        {
            "name": stored["metadata"]["name"],
            "subnet": stored["spec"]["subnet"],
            "gateway": stored["spec"].get("gateway"),
            "ips": stored["spec"].get("ips", []),
            "nodeName": stored["spec"]["nodeName"],
            "multusName": stored["spec"]["multusName"],
            "default": stored["spec"]["default"],
            "allocated": stored.get("status", {}).get("allocatedIPCount", 0),
        }
        for stored in stack.cluster.objects("spiderippools")
    ]
