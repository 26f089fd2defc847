"""The objects that `verify` creates, as manifests: servers, probes, one Service; all with the run's label. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spiderpool_aws.cli.verify_plan import LOG, PORT

if TYPE_CHECKING:
    from spiderpool_aws.cli.verify_plan import Spot

LABEL = "spiderpool-aws/verify"
NETWORK = "v1.multus-cni.io/default-network"
IMAGE = "docker.io/library/busybox:1.37"
LASTS_SECONDS = 600
"""After which a kubelet ends a pod that nobody removed (`activeDeadlineSeconds`)."""
_SERVE = f"echo ok > /tmp/index.html; exec httpd -f -p {PORT} -h /tmp"


class Manifests:
    """Those of one run: an id that is in every name, a namespace, an image with busybox's commands."""

    def __init__(self, run_id: str, namespace: str, image: str = IMAGE) -> None:
        self.run_id = run_id
        self.namespace = namespace
        self._image = image

    def name(self, what: str) -> str:
        """Return the name of an object of this run."""
        return f"spiderpool-aws-verify-{self.run_id}-{what}"

    def server(self, what: str, spot: Spot) -> dict[str, Any]:
        """Return a pod that answers HTTP on one network of a node."""
        return self._pod(what, spot.node, _SERVE, network=spot.network, role="server")

    def probe(self, what: str, spot: Spot, script: str) -> dict[str, Any]:
        """Return a pod that runs a script once on one network of a node."""
        return self._pod(what, spot.node, script, network=spot.network)

    def host_probe(self, what: str, node: str, script: str) -> dict[str, Any]:
        """Return a pod that runs a script once on a node's own network."""
        return self._pod(what, node, script)

    def service(self, what: str) -> dict[str, Any]:
        """Return the Service in front of the servers."""
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self._metadata(what),
            "spec": {
                "selector": {LABEL: self.run_id, "role": "server"},
                "ports": [{"port": 80, "targetPort": PORT, "protocol": "TCP"}],
            },
        }

    def _metadata(self, what: str) -> dict[str, Any]:
        return {"name": self.name(what), "namespace": self.namespace, "labels": {LABEL: self.run_id}}

    def _pod(self, what: str, node: str, script: str, *, network: str = "", role: str = "probe") -> dict[str, Any]:
        metadata = self._metadata(what)
        metadata["labels"]["role"] = role
        if network:
            metadata["annotations"] = {NETWORK: network}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {
                # On this node and no other, whatever its taints say.
                "nodeName": node,
                "tolerations": [{"operator": "Exists"}],
                "hostNetwork": not network,
                "restartPolicy": "Never",
                "activeDeadlineSeconds": LASTS_SECONDS,
                "terminationGracePeriodSeconds": 1,
                "automountServiceAccountToken": False,
                "containers": [
                    {
                        "name": "verify",
                        "image": self._image,
                        "command": ["sh", "-c", script],
                        "terminationMessagePath": LOG,
                    }
                ],
            },
        }
