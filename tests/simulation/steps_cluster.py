"""Steps on the cluster's side: pods that come and go, kubelets and controllers that lag."""

from contextlib import suppress

from spiderpool_aws.local.cluster.answers import ApiError
from tests.simulation.script import step
from tests.simulation.steps import Steps

MOST_PODS = 24
NETWORKS = ("kube-system/ipvlan-ens5", "kube-system/ipvlan-ens6")


class ClusterSteps(Steps):
    """What happens in the cluster without the product."""

    pods_made: int = 0

    def _pods(self) -> list[tuple[str, str]]:
        pods = self.stack.cluster.objects("pods")
        return [(pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in pods]

    def _pod(self, number: int) -> tuple[str, str] | None:
        pods = self._pods()
        return pods[number % len(pods)] if pods else None

    @step
    def run_pod(self, number: int, networks: int = 1, waits: bool = False) -> None:
        """Run a pod on a Node; one that waits is in the agent's queue for a second."""
        nodes = self.stack.cluster.objects("nodes")
        if not nodes or len(self._pods()) >= MOST_PODS:
            return
        node = nodes[number % len(nodes)]
        if node["spec"].get("taints"):
            return
        self.pods_made += 1
        run = self.stack.agent.queue_pod if waits else self.stack.agent.run_pod
        run("default", f"pod-{self.pods_made}", node["metadata"]["name"], NETWORKS[:networks])

    @step
    def retry_pods(self) -> None:
        """Let the kubelets try again what has no addresses yet."""
        for pod in self.stack.cluster.objects("pods"):
            metadata = pod["metadata"]
            if pod.get("status", {}).get("podIP") or "deletionTimestamp" in metadata:
                continue
            annotations = metadata.get("annotations", {}).values()
            networks = [one for value in annotations for one in value.split(",")]
            self.stack.agent.allocate(metadata["namespace"], metadata["name"], networks)

    @step
    def delete_pod(self, number: int) -> None:
        """Delete a pod the ordinary way."""
        if pod := self._pod(number):
            with suppress(ApiError):
                self.stack.agent.delete_pod(*pod)

    @step
    def remove_pod(self, number: int) -> None:
        """Delete a pod through the API: its kubelet stops it a second later, if it can."""
        if pod := self._pod(number):
            path = f"/api/v1/namespaces/{pod[0]}/pods/{pod[1]}"
            self.stack.cluster.request("DELETE", path, {}, self._admin(), {})

    @step
    def hang_pod(self, number: int) -> None:
        """Let a kubelet be unable to stop a pod: only garbage collection releases its address."""
        if pod := self._pod(number):
            self.stack.agent.hang_pod(*pod)

    @step
    def controller(self, up: bool) -> None:
        """Stop or start Spiderpool's controller: without it nothing is admitted, finished or collected."""
        self.stack.cluster.controller_up = up

    @step
    def touch_pools(self) -> None:
        """Let somebody else change an annotation of every pool: what was read is no longer the newest."""
        for pool in self.stack.cluster.objects("spiderippools"):
            name, headers = pool["metadata"]["name"], self._admin() | {"content-type": "application/merge-patch+json"}
            self.pods_made += 1
            patch = {"metadata": {"annotations": {"example.com/touched": str(self.pods_made)}}}
            path = f"/apis/spiderpool.spidernet.io/v2beta1/spiderippools/{name}"
            self.stack.cluster.request("PATCH", path, {}, headers, patch)

    @step
    def delete_pool(self, number: int) -> None:
        """Let a person delete a pool."""
        pools = self.stack.cluster.objects("spiderippools")
        if pools:
            name = pools[number % len(pools)]["metadata"]["name"]
            path = f"/apis/spiderpool.spidernet.io/v2beta1/spiderippools/{name}"
            self.stack.cluster.request("DELETE", path, {}, self._admin(), {})

    @step
    def delete_node(self, number: int) -> None:
        """Let a person delete a Node; its pods are collected a minute later."""
        nodes = self.stack.cluster.objects("nodes")
        if nodes:
            self._delete_node(nodes[number % len(nodes)]["metadata"]["name"])

    def _delete_node(self, name: str) -> None:
        self.stack.cluster.request("DELETE", f"/api/v1/nodes/{name}", {}, self._admin(), {})

    def _admin(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.stack.cluster.admin_token}", "content-type": "application/json"}
