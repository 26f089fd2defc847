"""A stand-in for Spiderpool's controller on a real API server, which works when it is told to."""

from spiderpool_aws.local.cluster.answers import Json
from spiderpool_aws.local.cluster.multus import attachment, attachment_name
from spiderpool_aws.local.cluster.pool_index import parse_pool
from spiderpool_aws.local.cluster.pool_rules import FINALIZER
from tests.e2e import api

_ATTACHMENTS = "/apis/k8s.cni.cncf.io/v1/namespaces/{}/network-attachment-definitions"


class Controller:
    """Counts addresses, takes finalizers away, makes network attachments: as the double's controller."""

    def __init__(self, admin: api.Api) -> None:
        self._admin = admin

    def count(self) -> None:
        """Write how many addresses each pool has into its status, where that is not there or has changed."""
        for pool in self._admin.items(api.POOLS):
            total = sum(len(one) for one in parse_pool(pool).ranges)
            status = {"allocatedIPCount": 0, **pool.get("status", {}), "totalIPCount": total}
            if status != pool.get("status"):
                self._patch(f"{api.POOLS}/{pool['metadata']['name']}/status", {"status": status})

    def settle(self) -> None:
        """Do everything that a real one does within seconds."""
        self.count()
        for pool in self._admin.items(api.POOLS):
            self._finish(pool)
        for config in self._admin.items(api.MULTUS):
            self._attach(config)

    def _finish(self, pool: Json) -> None:
        metadata = pool["metadata"]
        if "deletionTimestamp" in metadata and not pool.get("status", {}).get("allocatedIPs"):
            kept = [name for name in metadata.get("finalizers", ()) if name != FINALIZER]
            self._patch(f"{api.POOLS}/{metadata['name']}", {"metadata": {"finalizers": kept}})

    def _attach(self, config: Json) -> None:
        path = _ATTACHMENTS.format(config["metadata"]["namespace"])
        wanted = attachment(config)
        if self._admin.request("GET", f"{path}/{attachment_name(config)}").status == 404:
            self._admin.expect("POST", path, wanted)
        else:
            self._patch(f"{path}/{attachment_name(config)}", {"spec": wanted["spec"]})

    def _patch(self, path: str, patch: Json) -> None:
        self._admin.expect("PATCH", path, patch, api.MERGE, fieldManager="spiderpool-controller")
