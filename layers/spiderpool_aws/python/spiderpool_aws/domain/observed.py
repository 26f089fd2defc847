"""The planner's model of one node: what EC2 and the cluster said, and what our own actions have changed since."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from spiderpool_aws.domain.actions.plan import Action, Finding, Tried
from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.cluster.node import Node, NodeProof, PodRef
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.cluster.reservation import Reservation
from spiderpool_aws.domain.instance import Eni, InstanceState, InstanceTypeLimits, ObservedInstance, Subnet
from spiderpool_aws.domain.lifecycle import Lifecycle


@dataclass(frozen=True, slots=True)
class LiveClaim:
    """An instance that EC2 does not call terminated, with a dead one's node name or primary address.

    The Node may be its own, also while it shuts down: nothing has proved yet that it is gone.
    """

    instance_id: str
    launch_time: datetime


@dataclass(frozen=True, slots=True)
class ObservedNode:
    """One instance with all that its plan depends on. Immutable: each change returns a new model."""

    instance_id: str
    now: datetime

    # What EC2, Auto Scaling and the cluster said, and what this pass has changed of it.
    instance: ObservedInstance | None
    """None: EC2 does not know the id. That alone proves nothing (invariant 10)."""
    limits: InstanceTypeLimits | None = None
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    spares: tuple[Eni, ...] = ()
    """NICs that carry our tags and this instance's id and are attached to nothing."""
    unsettled: tuple[Eni, ...] = ()
    """NICs that we created for the instance and that one look has at it and the other has not: one of them is stale."""
    lifecycle: Lifecycle | None = None
    """Where the instance stands in its Auto Scaling group; None: it is in none."""
    pools: tuple[Pool, ...] = ()
    """Our pools of this instance, terminating ones included."""
    claims: Claims = field(default_factory=Claims)
    """All pools of the listing, for addresses that others list."""
    reservations: tuple[Reservation, ...] = ()
    """Our SpiderReservedIPs of this instance."""
    multus: Mapping[str, MultusConfig] = field(default_factory=dict)
    node: Node | None = None
    """The newest Node that is proved the instance's, else that of its name."""
    other_nodes: tuple[Node, ...] = ()
    """Further ones: proved, too, or, when the instance is gone, of a name that was its own."""
    others: Mapping[str, InstanceState] = field(default_factory=dict)
    """The state of other instances that have, or may have, the Node or its name; who is not here EC2 does not know."""
    left_names: tuple[str, ...] = ()
    """Of an instance that is gone: the node names under which its pods may still be."""
    pods: tuple[PodRef, ...] = ()
    """Pods of those names; read only when the instance is gone."""
    live_claim: LiveClaim | None = None

    # What the message, the process and the control say.
    token_seed: str = ""
    """What the client token of a create is made of: the same when the same message comes back."""
    warned: datetime | None = None
    """When EC2 warned that it will take the Spot instance back, as an event said; the pools remember it."""
    flip: bool = False
    """A complete listing allows that IPv6 pools become default now, or are it no longer (`rules.ipv6_default`)."""
    flip_held: str = ""
    """What of nobody's keeps IPv6 pools from becoming default; only the resync knows."""
    removals_held: str = ""
    """Why nothing may be removed: the fuse of invariant 10. Empty when it is whole."""
    cooling: Mapping[str, datetime] = field(default_factory=dict)
    """Subnet (for a NIC), `desired.cooling_key` or `nics.attach_key` -> until when that is not asked again."""
    heartbeat_due: bool = False
    """The group was not told for a while that the instance is being worked on."""
    leaving_since: datetime | None = None
    """Since when this process has seen the group wait to terminate it: what counts where no pool could be written."""

    # What this pass has come across, and the others of its batch have.
    names_given: Mapping[str, str] = field(default_factory=dict)
    """Node name -> the instance whose pools have got it since the listing."""
    tried: tuple[Tried, ...] = ()
    """What was refused or failed in this pass and is not planned again in it: planning ends."""
    stuck: frozenset[str] = frozenset()
    """Scopes (NICs) for which something failed in this pass: nothing more is tried for them."""
    refusals: tuple[Finding, ...] = ()

    @property
    def seems_gone(self) -> bool:
        """Tell whether EC2 calls the instance terminated, or does not know it: no proof by itself (invariant 10)."""
        return self.instance is None or self.instance.state is InstanceState.TERMINATED

    @property
    def proof(self) -> NodeProof:
        """What proves a Node to be the instance's."""
        return node_proof(self.instance_id, self.instance, self.pools)

    @property
    def proved_node(self) -> Node | None:
        """The Node when it is proved to be the instance's."""
        return self.node if self.node is not None and self.proof.holds(self.node) else None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All Nodes that the model has."""
        return (self.node, *self.other_nodes) if self.node is not None else self.other_nodes

    def is_dead(self, instance_id: str) -> bool:
        """Tell whether another instance is known to be dead or dying."""
        state = self.others.get(instance_id)
        return state is not None and not state.is_live

    def holders_of(self, node_name: str) -> set[str]:
        """Return the other instances whose pools have a node name."""
        given = self.names_given.get(node_name, "")
        return {*self.claims.instances_named(node_name), given} - {"", self.instance_id}

    def with_changed_node(self, uid: str, change: Callable[[Node], Node]) -> "ObservedNode":
        """Return the model after a Node was written."""
        node, *others = (change(node) if node.uid == uid else node for node in self.nodes)
        return replace(self, node=node, other_nodes=tuple(others))

    def without_node(self, uid: str) -> "ObservedNode":
        """Return the model after a Node was deleted."""
        node = self.node if self.node is not None and self.node.uid != uid else None
        return replace(self, node=node, other_nodes=tuple(other for other in self.other_nodes if other.uid != uid))

    def with_pool(self, pool: Pool) -> "ObservedNode":
        """Return the model after a pool was written."""
        others = tuple(known for known in self.pools if known.name != pool.name)
        return replace(self, pools=(*others, pool))

    def eni(self, eni_id: str) -> Eni | None:
        """Return a NIC of the instance."""
        enis = self.instance.enis if self.instance is not None else ()
        return next((eni for eni in enis if eni.eni_id == eni_id), None)

    def with_changed_eni(self, eni_id: str, change: Callable[[Eni], Eni]) -> "ObservedNode":
        """Return the model after a NIC of the instance got or lost something: its subnet has so many fewer or more."""
        before = self.eni(eni_id)
        if self.instance is None or before is None:
            return self
        after = change(before)
        enis = tuple(after if known.eni_id == eni_id else known for known in self.instance.enis)
        return replace(
            self,
            instance=replace(self.instance, enis=enis),
            subnets=_taken(self.subnets, before.subnet_id, _ipv4(after) - _ipv4(before)),
        )

    def with_own_nics(self, enis: Iterable[Eni]) -> "ObservedNode":
        """Return the model with the NICs that we created for the instance, as a look after the instance's has them.

        A NIC that is being detached is lacking in a fresh look at the instance, and not loose yet in a stale one.
        """
        own = tuple(enis)
        spares = tuple(eni for eni in own if not eni.attachment_id)
        unsettled = tuple(eni for eni in own if eni.attachment_id and self.eni(eni.eni_id) is None)
        return replace(self, spares=spares, unsettled=unsettled)

    def with_spare(self, eni: Eni) -> "ObservedNode":
        """Return the model after a NIC was created for the instance."""
        return replace(self, spares=(*self.spares, eni), subnets=_taken(self.subnets, eni.subnet_id, 1 + _ipv4(eni)))

    def with_attached(self, eni_id: str, attachment_id: str, device_index: int) -> "ObservedNode":
        """Return the model after a spare NIC was attached: EC2 has accepted it, and does the rest by itself."""
        spare = next((eni for eni in self.spares if eni.eni_id == eni_id), None)
        if self.instance is None or spare is None:
            return self
        eni = replace(
            spare,
            attachment_id=attachment_id,
            device_index=device_index,
            attached=True,
            # EC2's default for a NIC that was attached by a call (AttachNetworkInterface).
            delete_on_termination=False,
        )
        return replace(
            self,
            instance=replace(self.instance, enis=(*self.instance.enis, eni)),
            spares=tuple(other for other in self.spares if other.eni_id != eni_id),
        )

    def with_tagged_spare(self, eni_id: str, tags: Mapping[str, str]) -> "ObservedNode":
        """Return the model after tags were written to a spare NIC."""
        spares = (replace(eni, tags={**eni.tags, **tags}) if eni.eni_id == eni_id else eni for eni in self.spares)
        return replace(self, spares=tuple(spares))

    def with_multus(self, config: MultusConfig) -> "ObservedNode":
        """Return the model after a SpiderMultusConfig was written."""
        return replace(self, multus={**self.multus, config.key: config})

    def with_failure(self, action: Action) -> "ObservedNode":
        """Return the model after an action failed: nothing of its scope is tried again in this pass."""
        return replace(self, tried=(*self.tried, Tried(action)), stuck=self.stuck | {action.scope})

    def with_reservation(self, reservation: Reservation) -> "ObservedNode":
        """Return the model after a reservation was written."""
        others = tuple(known for known in self.reservations if known.name != reservation.name)
        return replace(self, reservations=(*others, reservation))

    def without_reservation(self, reservation: Reservation) -> "ObservedNode":
        """Return the model after a reservation was deleted."""
        return replace(self, reservations=tuple(known for known in self.reservations if known != reservation))

    def reservation_of(self, pool: Pool) -> Reservation | None:
        """Return the reservation of a pool's addresses."""
        return next((known for known in self.reservations if known.is_of(pool)), None)

    def with_refusal(self, action: Action, finding: Finding) -> "ObservedNode":
        """Return the model after an action was refused: it counts as done, so that planning ends."""
        return replace(self, tried=(*self.tried, Tried(action, finding.code)), refusals=(*self.refusals, finding))

    def outcome_of(self, action: Action) -> str | None:
        """Return the code with which the action was refused in this pass, empty when it failed; None: not tried."""
        return next((tried.code for tried in self.tried if tried.action.key == action.key), None)


def node_proof(instance_id: str, instance: ObservedInstance | None, pools: Iterable[Pool]) -> NodeProof:
    """Return what proves a Node to be an instance's."""
    uids = frozenset(pool.memory.node_uid for pool in pools if pool.memory.node_uid)
    if instance is None or instance.state is InstanceState.TERMINATED:
        return NodeProof(instance_id, uids)
    return NodeProof(instance_id, uids, instance.private_ipv4, instance.launch_time)


def _ipv4(eni: Eni) -> int:
    return eni.assigned(IPFamily.IPV4).count()


def _taken(subnets: Mapping[str, Subnet], subnet_id: str, count: int) -> Mapping[str, Subnet]:
    subnet = subnets.get(subnet_id)
    return {**subnets, subnet_id: subnet.without(count)} if subnet is not None else subnets
