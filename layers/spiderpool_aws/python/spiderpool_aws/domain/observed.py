"""The planner's model of one node: what EC2 and the cluster said, and what our own actions have changed since."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.claims import Claims
from spiderpool_aws.domain.instance import Eni, InstanceTypeLimits, ObservedInstance, Subnet
from spiderpool_aws.domain.node import Node, PodRef
from spiderpool_aws.domain.plan import Finding
from spiderpool_aws.domain.pool import MultusConfig, Pool


@dataclass(frozen=True, slots=True)
class LiveClaim:
    """A live instance that has a dead one's node name or primary address: then the Node may be its own."""

    instance_id: str
    launch_time: datetime


@dataclass(frozen=True, slots=True)
class ObservedNode:
    """One instance with all that its plan depends on. Immutable: each change returns a new model."""

    instance_id: str
    now: datetime
    instance: ObservedInstance | None
    """None: EC2 does not know the id. That alone proves nothing (invariant 10)."""
    pools: tuple[Pool, ...] = ()
    """Our pools of this instance, terminating ones included."""
    claims: Claims = field(default_factory=Claims)
    """All pools of the listing, for addresses that others list."""
    limits: InstanceTypeLimits | None = None
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    node: Node | None = None
    """The Node of the instance's name; whether it is proved to be the instance's, the planner judges."""
    pods: tuple[PodRef, ...] = ()
    """Pods of that node; read only when the instance is gone."""
    multus: Mapping[str, MultusConfig] = field(default_factory=dict)
    live_claim: LiveClaim | None = None
    removals_held: str = ""
    """Why nothing may be removed: the fuse of invariant 10. Empty when it is whole."""
    settled: frozenset[str] = frozenset()
    """Keys of the actions that were refused or failed in this pass: planning has to end."""
    refusals: tuple[Finding, ...] = ()

    def with_pool(self, pool: Pool) -> "ObservedNode":
        """Return the model after a pool was written."""
        others = tuple(known for known in self.pools if known.name != pool.name)
        return replace(self, pools=(*others, pool))

    def eni(self, eni_id: str) -> Eni | None:
        """Return a NIC of the instance."""
        enis = self.instance.enis if self.instance is not None else ()
        return next((eni for eni in enis if eni.eni_id == eni_id), None)

    def with_eni(self, eni: Eni) -> "ObservedNode":
        """Return the model after a NIC of the instance got addresses: its subnet has so many fewer."""
        before, subnet = self.eni(eni.eni_id), self.subnets.get(eni.subnet_id)
        if self.instance is None or before is None:
            return self
        enis = tuple(eni if known.eni_id == eni.eni_id else known for known in self.instance.enis)
        subnets = self.subnets
        if subnet is not None and subnet.available_ipv4 is not None:
            taken = len(eni.assigned(IPFamily.IPV4)) - len(before.assigned(IPFamily.IPV4))
            subnets = {**subnets, subnet.subnet_id: replace(subnet, available_ipv4=subnet.available_ipv4 - taken)}
        return replace(self, instance=replace(self.instance, enis=enis), subnets=subnets)

    def with_multus(self, config: MultusConfig) -> "ObservedNode":
        """Return the model after a SpiderMultusConfig was written."""
        return replace(self, multus={**self.multus, config.key: config})

    def with_failure(self, key: str) -> "ObservedNode":
        """Return the model after an action failed: it is not tried again in this pass."""
        return replace(self, settled=self.settled | {key})

    def with_refusal(self, key: str, finding: Finding) -> "ObservedNode":
        """Return the model after an action was refused: it counts as done, so that planning ends."""
        return replace(self, settled=self.settled | {key}, refusals=(*self.refusals, finding))
