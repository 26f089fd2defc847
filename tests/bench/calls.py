"""How many EC2 and cluster calls a launch and a converged reconcile cost, counted on the models."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from spiderpool_aws.local.ec2.fixtures import launch
from tests.bench.rows import Row
from tests.integration.capacity import PLANS, dual, policy_of
from tests.integration.scene import TAGS, Scene, policy_text, scene

POLICY = policy_text(ipv6={"addresses": 5})
EMPTY: dict[str, Any] = {"Ipv6AddressCount": 1, "PrimaryIpv6": True, "DeleteOnTermination": True}
FILLED: dict[str, Any] = {**EMPTY, "Ipv6AddressCount": 6, "SecondaryPrivateIpAddressCount": 5}


class _Counted:
    """What the product asked of EC2 and of the cluster since the last `clear`."""

    def __init__(self, s: Scene) -> None:
        self._scene = s
        self.clear()

    def clear(self) -> None:
        self._scene.stack.model.calls.clear()
        self._scene.stack.cluster.requests.clear()

    def ec2(self, *, reads: bool) -> Counter[str]:
        roles = self._scene.stack.role_arns
        names = (call.operation for call in self._scene.stack.model.calls if call.caller in roles)
        return Counter(name for name in names if name.startswith("Describe") == reads)

    def cluster(self, *, reads: bool) -> Counter[str]:
        asked = self._scene.stack.cluster.requests
        return Counter(f"{verb} {what}" for verb, what, _ in asked if (verb in ("get", "list")) == reads)

    def row(self, what: str) -> Row:
        """Return what was asked since, mutations by name."""
        mutations = self.ec2(reads=False)
        named = ", ".join(f"{count} {key}" for key, count in sorted(mutations.items()))
        return Row(
            "Calls",
            what,
            f"{mutations.total()} ({named})" if mutations else "0",
            str(self.ec2(reads=True).total()),
            str(self.cluster(reads=False).total()),
            str(self.cluster(reads=True).total()),
        )


def _launch(s: Scene, *nics: dict[str, Any]) -> str:
    subnets = [s.network.subnets[name] for name in ("nodes", "pods")]
    return launch(s.stack.model, [{"SubnetId": sub, **nic} for sub, nic in zip(subnets, nics, strict=False)], tags=TAGS)


def _launches(name: str, s: Scene, *nics: dict[str, Any]) -> Row:
    """Return what a launch costs where another one of its kind has filled the caches."""
    s.stack.bus.scheduled = False
    _launch(s, *nics)
    s.run(120)
    counted = _Counted(s)
    _launch(s, *nics)
    s.run(120)
    return counted.row(name)


def rows() -> Iterator[Row]:
    """Return the figures of a launch, of a converged reconcile, of a batch and of a resync."""
    for name, nic in (("NIC 0 empty", EMPTY), ("NIC 0 filled", FILLED)):
        with scene(policy_of(dual(0), dual(1)), subnets=PLANS) as s:
            yield _launches(f"launch, two NICs, dual stack, the second created, {name}", s, nic)
    for name, *nics in (
        ("nothing filled", EMPTY, EMPTY),
        ("NIC 0 filled", FILLED, EMPTY),
        ("both filled", FILLED, FILLED),
    ):
        with scene(POLICY) as s:
            yield _launches(f"launch, both NICs of the launch template, {name}", s, *nics)
    with scene(POLICY) as s:
        ids = [_launch(s, FILLED, FILLED) for _ in range(10)]
        s.run(120)
        s.stack.bus.scheduled = False
        counted = _Counted(s)
        s.stack.bus.invoke_resync({"instanceIds": ids[:1]})
        s.run(5)
        yield counted.row("converged reconcile of one node")
        counted.clear()
        s.stack.bus.invoke_resync({"instanceIds": ids})
        s.run(5)
        yield counted.row("ten converged nodes, in two batches")
        counted.clear()
        s.stack.bus.invoke_resync({})
        s.run(5)
        yield counted.row("resync of ten converged nodes")
