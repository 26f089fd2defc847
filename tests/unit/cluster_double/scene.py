"""A node with a pool and an agent, on the clock of the tests' client."""

from typing import Any

from spiderpool_aws.local.cluster import ClusterOptions, PodResult, SpiderpoolAgent
from tests.unit.cluster_double.client import Client, Json, node, pool

NETWORK = "kube-system/ipvlan-ens5"


def pool4(name: str, *ips: str, **spec: Any) -> Json:
    """Return a default pool of node n1 and network ens5, unless the spec says otherwise."""
    return pool(name, *ips, **{"nodeName": ["n1"], "multusName": [NETWORK], "default": True, **spec})


def pool6(name: str, *ips: str, **spec: Any) -> Json:
    """Return the same of IPv6."""
    return pool4(name, *ips, **{"subnet": "2001:db8:1:1::/64", **spec})


def reserved(name: str, *ips: str) -> Json:
    """Return a SpiderReservedIP."""
    api = "spiderpool.spidernet.io/v2beta1"
    spec = {"ipVersion": 4, "ips": list(ips)}
    return {"apiVersion": api, "kind": "SpiderReservedIP", "metadata": {"name": name}, "spec": spec}


class Scene(Client):
    """Node n1, its pool "a" of three addresses, and an agent."""

    def __init__(self, options: ClusterOptions | None = None, *, seed: int = 0) -> None:
        super().__init__(options)
        self.agent = SpiderpoolAgent(self.double, seed=seed, needs_networks=False)
        self.double.put(node("n1"))
        self.double.put(pool4("a", "10.0.1.10-10.0.1.12"))
        self.clock.advance(1)

    def stored(self, path: str) -> Json:
        """Return an object that is there."""
        answer = self.get(path)
        assert answer.status == 200, answer.body
        return answer.body

    def allocated(self, name: str) -> set[str]:
        """Return the addresses that the pool's status says are in use."""
        entry = self.double.pools.get(name)
        return set(entry.allocations) if entry else set()

    def run(self, name: str = "web", node_name: str = "n1", network: str = NETWORK) -> PodResult:
        """Run a pod."""
        return self.agent.run_pod("default", name, node_name, network)

    def seconds_until_released(self, pool_name: str = "a", limit: int = 1200) -> float:
        """Move the clock on in steps until the pool's status names nobody; return how long that took."""
        start = self.clock.now()
        while self.allocated(pool_name):
            waited = (self.clock.now() - start).total_seconds()
            assert waited < limit, "never released"
            self.clock.advance(0.5)
        return (self.clock.now() - start).total_seconds()
