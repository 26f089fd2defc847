"""A running IPv4 cluster whose policy gets IPv6, with pods that come and go all the while; what is measured of it."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from spiderpool_aws.local.cluster import ClusterWrite
from spiderpool_aws.local.cluster.double import PRODUCT
from tests.integration.capacity import PLANS, dual, interface, node_name, policy_of
from tests.integration.scene import Scene, scene

NETWORK = "kube-system/ipvlan-ens5"


@dataclass
class Flip:
    """What was seen."""

    default_pools: int = 0
    flip_writes: int = 0
    """Writes of pools from the first that became default to the last."""
    flip_seconds: float = 0.0
    preparation_seconds: float = 0.0
    """From the policy's change to the first pool that became default."""
    preparation_writes: int = 0
    pods_before_flip: int = 0
    pods_after_flip: int = 0
    pods_within: int = 0
    failed_within: int = 0
    failed_outside: list[str] = field(default_factory=list)
    dual_stack_at_the_end: bool = False


class _Watch:
    """Notes when IPv6 pools become default, and has a pod created before each write while some are and some are not."""

    def __init__(self, s: Scene, nodes: list[str]) -> None:
        self._scene, self._nodes, self._numbers = s, nodes, count()
        self.writes: list[tuple[datetime, bool]] = []
        """Each write of a pool, and whether an IPv6 pool became default with it."""
        self.pods: list[tuple[datetime, int, int, str]] = []
        """When a pod was created, after how many writes, how many pools were default, and its error."""
        s.stack.cluster.observe(self._on_write)
        s.stack.cluster.inject(self._before)

    def defaults(self) -> int:
        return sum(pool.spec.default for pool in self._scene.pools() if pool.family == 6)

    def _before(self, method: str, path: str) -> None:
        if method == "PATCH" and "/spiderippools/" in path and 0 < self.defaults() < len(self._nodes):
            self.try_pod()

    def _on_write(self, write: ClusterWrite) -> None:
        if write.user != PRODUCT or write.resource != "spiderippools" or write.status >= 400:
            return
        was, now = ((obj or {}).get("spec", {}).get("default") for obj in (write.before, write.after))
        ipv6 = (write.after or {}).get("spec", {}).get("ipVersion") == 6
        self.writes.append((self._scene.stack.clock.now(), bool(ipv6 and now and not was)))

    def try_pod(self) -> None:
        """Create a pod on the next node, note what became of it, and end it."""
        number = next(self._numbers)
        name, node = f"pod-{number}", self._nodes[number % len(self._nodes)]
        before = self.defaults()
        pod = self._scene.stack.agent.run_pod("default", name, node, NETWORK)
        self.pods.append((self._scene.stack.clock.now(), len(self.writes), before, pod.error))
        self._scene.stack.agent.delete_pod("default", name)


def turned_on(nodes: int) -> Flip:
    """Run it with so many nodes: every five seconds a pod is created on each of them."""
    with scene(policy_of(interface(0)), subnets=PLANS) as s:
        ids = [s.launch(nics=1) for _ in range(nodes)]
        s.run(400)
        names = [node_name(s, instance_id) for instance_id in ids]
        watch = _Watch(s, names)
        changed = s.stack.clock.now()
        s.stack.put_policy(policy_of(dual(0)))
        for _ in range(120):
            s.run(5)
            for _ in range(nodes):
                watch.try_pod()
            if watch.defaults() == nodes:
                break
        result = _measured(watch, changed, nodes)
        last = s.stack.agent.run_pod("default", "last", names[0], NETWORK)
        result.dual_stack_at_the_end = len(last.addresses) == 2
        s.stack.agent.delete_pod("default", "last")
        s.run(300)
        s.checker.assert_idle(lambda: s.run(600))
        result.default_pools = watch.defaults()
        return result


def _measured(watch: _Watch, changed: datetime, nodes: int) -> Flip:
    flips = [index for index, (_, flipped) in enumerate(watch.writes) if flipped]
    first, last = flips[0], flips[-1]
    result = Flip(
        flip_writes=last - first + 1,
        flip_seconds=(watch.writes[last][0] - watch.writes[first][0]).total_seconds(),
        preparation_seconds=(watch.writes[first][0] - changed).total_seconds(),
        preparation_writes=first,
    )
    for _, _, defaults, error in watch.pods:
        within = 0 < defaults < nodes
        result.pods_before_flip += defaults == 0
        result.pods_after_flip += defaults == nodes
        result.pods_within += within
        result.failed_within += within and bool(error)
        if error and not within:
            result.failed_outside.append(error)
    return result
