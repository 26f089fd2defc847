"""How many EC2 and cluster calls a launch and a converged reconcile cost, counted on the models."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from spiderpool_aws.local.ec2.fixtures import launch
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

    def rows(self, what: str) -> Iterator[tuple[str, str, str]]:
        for name, counter in (
            ("EC2 mutations", self.ec2(reads=False)),
            ("EC2 reads", self.ec2(reads=True)),
            ("cluster writes", self.cluster(reads=False)),
            ("cluster reads", self.cluster(reads=True)),
        ):
            parts = ", ".join(f"{count} {key}" for key, count in sorted(counter.items()))
            yield f"{what}: {name}", str(counter.total()), parts


def _launch(s: Scene, *nics: dict[str, Any]) -> str:
    subnets = (s.network.subnets["nodes"], s.network.subnets["pods"])
    return launch(s.stack.model, [{"SubnetId": sub, **nic} for sub, nic in zip(subnets, nics, strict=True)], tags=TAGS)


def _launches(name: str, *nics: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    with scene(POLICY) as s:
        s.stack.bus.scheduled = False
        _launch(s, EMPTY, EMPTY)
        s.run(120)
        counted = _Counted(s)
        _launch(s, *nics)
        s.run(120)
        yield from counted.rows(name)


def rows() -> Iterator[tuple[str, str, str]]:
    """Return the figures of a launch, of a converged reconcile, of a batch and of a resync."""
    yield from _launches("launch, two NICs without addresses", EMPTY, EMPTY)
    yield from _launches("launch, NIC 0 filled by the template", FILLED, EMPTY)
    yield from _launches("launch, both NICs filled", FILLED, FILLED)
    with scene(POLICY) as s:
        ids = [_launch(s, FILLED, FILLED) for _ in range(10)]
        s.run(120)
        s.stack.bus.scheduled = False
        counted = _Counted(s)
        s.stack.bus.invoke_resync({"instanceIds": ids[:1]})
        s.run(5)
        yield from counted.rows("converged reconcile of one node")
        counted.clear()
        s.stack.bus.invoke_resync({"instanceIds": ids})
        s.run(5)
        yield from counted.rows("converged batch of ten nodes")
        counted.clear()
        s.stack.bus.invoke_resync({})
        s.run(5)
        yield from counted.rows("resync of ten converged nodes")
