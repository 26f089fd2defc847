"""Invariants 1, 3, 4, 7 and 10: what the system writes to pools."""

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily, parse_network, vpc_gateway
from spiderpool_aws.domain.cluster.pool import OWNED, STATE_ANNOTATION, Pool, PoolIdentity
from spiderpool_aws.local.cluster import ClusterWrite
from spiderpool_aws.local.ec2.state import Eni
from spiderpool_aws.local.invariants.history import assigned
from spiderpool_aws.local.invariants.truth import LIVE, Json, Truth, read_pool

IDENTITY = frozenset(PoolIdentity("", "", "", "", IPFamily.IPV4).to_labels())


class PoolRules:
    """Judges one write of a pool at a time. What the write left as it was is not its doing."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._broken = truth.report

    def judge(self, write: ClusterWrite) -> None:
        """Report what a write of a pool broke."""
        if write.subresource:
            self._broken(3, f"spiderippools/{write.subresource} of {write.name} was written: it is Spiderpool's record")
            return
        before, after = read_pool(write.before), read_pool(write.after)
        if before is not None:
            self._judge_owner(write, before)
            self._judge_finalizers(write, before)
        if write.verb == "delete":
            if before is not None and not before.terminating:
                self._judge_deletion(before)
        elif after is not None:
            self._judge_change(before, after)
            if before is not None:
                self._judge_fields(write, before, after)

    def judge_adoption(self, write: ClusterWrite) -> None:
        """Report what an adoption broke: a hand-made pool gets our labels and our fields, and nothing else changes.

        What it lists is judged as if the pool were created now.
        """
        is_pool = write.resource == "spiderippools" and not write.subresource
        before, after = (read_pool(write.before), read_pool(write.after)) if is_pool else (None, None)
        if before is None or after is None:
            self._broken(7, f"{write.resource} {write.name} is no pool to adopt ({write.verb})")
            return
        if before.identity is not None:
            self._broken(7, f"pool {write.name} was adopted, and was ours already")
        if _others(write.before) != _others(write.after) or before.spec.disable != after.spec.disable:
            self._broken(7, f"the adoption of pool {write.name} changed fields of others")
        if more := after.spec.ips - before.spec.ips:
            self._broken(7, f"the adoption of pool {write.name} added {more}")
        if dropped := (before.spec.ips - after.spec.ips) & before.allocated:
            self._broken(3, f"the adoption of pool {write.name} dropped {dropped}, which pods use")
        self._judge_change(None, after)

    def _judge_fields(self, write: ClusterWrite, before: Pool, after: Pool) -> None:
        """Report fields of others that a write changed, and a `disable` that was not ours and that it took back."""
        if _others(write.before) != _others(write.after):
            self._broken(7, f"fields of others were changed in pool {write.name}")
        if before.spec.disable and not after.spec.disable and not before.memory.disabled:
            self._broken(7, f"pool {write.name} was enabled, and it was somebody else who had disabled it")

    def _judge_owner(self, write: ClusterWrite, before: Pool) -> None:
        cluster = self._truth.policy().cluster
        if before.identity is None:
            self._broken(7, f"pool {write.name} is not ours and was written ({write.verb})")
        elif before.identity.cluster != cluster:
            self._broken(7, f"pool {write.name} is of {before.identity.cluster}, not of {cluster} ({write.verb})")

    def _judge_finalizers(self, write: ClusterWrite, before: Pool) -> None:
        kept = (write.after or {}).get("metadata", {}).get("finalizers", [])
        stripped = set((write.before or {})["metadata"].get("finalizers", [])) - set(kept)
        removed = write.after is None and before.allocated
        if stripped or removed:
            what = "is gone" if write.after is None else f"lost the finalizers {sorted(stripped)}"
            invariant = 3 if before.allocated else 7
            self._broken(invariant, f"pool {write.name} {what} by our {write.verb}; in use: {before.allocated}")

    def _judge_deletion(self, pool: Pool) -> None:
        identity = pool.identity
        if identity is None or self._truth.is_gone(identity.instance_id):
            return
        eni = self._truth.model.enis.get(identity.eni_id)
        attachment = eni.attachment if eni else None
        if self._is_unwanted(pool, eni):
            return
        if attachment is not None and attachment.id == identity.attachment_id and attachment.status != "detaching":
            self._broken(
                10, f"pool {pool.name} was deleted, and {identity.instance_id} lives and has {identity.eni_id}"
            )

    def _is_unwanted(self, pool: Pool, eni: Eni | None) -> bool:
        """Say whether the policy gives the NIC none of the family, and nothing is left that a pod could have of it."""
        interface = self._truth.interface_of(eni) if eni is not None else None
        if interface is None or pool.family in interface.families or pool.spec.default:
            return False
        return not pool.spec.ips and not pool.allocated

    def _judge_change(self, before: Pool | None, after: Pool) -> None:
        identity = after.identity
        if identity is None:
            self._broken(7, f"pool {after.name} was written without the labels that say whose it is")
            return
        eni = self._truth.model.enis.get(identity.eni_id)
        # What the pool listed for another NIC is as new as the rest.
        same_nic = before is not None and before.identity is not None and before.identity.eni_id == identity.eni_id
        old = before.spec.ips if before is not None else EMPTY[after.family]
        listed = old if same_nic else EMPTY[after.family]
        new = after.spec.ips - listed
        self._judge_assigned(after, new, eni)
        dropped = (old - after.spec.ips) & (before.allocated if before else EMPTY[after.family])
        if dropped:
            self._broken(3, f"pool {after.name} dropped {dropped}, which pods use")
        if before is None or before.identity != identity:
            self._judge_labels(after)
        if eni is not None:
            self._judge_network(before, after, eni)
            own = new & self._truth.host_addresses(eni, after.family)
            if own:
                self._broken(4, f"pool {after.name} lists the host's own address {own}")
        self._judge_users(before, after, eni)

    def _judge_assigned(self, pool: Pool, new: AddressSet, eni: Eni | None) -> None:
        eni_id = pool.identity.eni_id if pool.identity else ""
        held = assigned(eni, pool.family) if eni else EMPTY[pool.family]
        unproved = new - held - self._truth.history.recently_lost(eni_id, pool.family)
        if unproved:
            self._broken(1, f"pool {pool.name} got {unproved}, which EC2 has not assigned to {eni_id}")

    def _judge_labels(self, pool: Pool) -> None:
        identity, cluster = pool.identity, self._truth.policy().cluster
        if identity is None:
            return
        if identity.cluster != cluster:
            self._broken(7, f"pool {pool.name} was labelled for {identity.cluster}, we are {cluster}")
        if (identity.instance_id, identity.attachment_id) not in self._truth.history.places(identity.eni_id):
            says = f"{identity.instance_id} and {identity.attachment_id}"
            self._broken(4, f"pool {pool.name} is labelled {says}, and EC2 has {identity.eni_id} elsewhere")

    def _judge_network(self, before: Pool | None, after: Pool, eni: Eni) -> None:
        subnet = self._truth.model.subnets[eni.subnet_id]
        cidr = subnet.cidr if after.family is IPFamily.IPV4 else subnet.ipv6_cidr
        if cidr is None or after.spec.subnet != cidr:
            self._broken(4, f"pool {after.name} has subnet {after.spec.subnet}, its NIC's is {cidr}")
        elif before is not None and before.spec.gateway == after.spec.gateway:
            return
        elif after.spec.gateway not in (None, vpc_gateway(parse_network(cidr))):
            self._broken(4, f"pool {after.name} has gateway {after.spec.gateway}, which is not that of {cidr}")

    def _judge_users(self, before: Pool | None, after: Pool, eni: Eni | None) -> None:
        """Judge which pods the pool serves: those of its own node, on the network of its own NIC."""
        spec = after.spec
        if not spec.node_name or not spec.multus_name:
            self._broken(4, f"pool {after.name} has an empty nodeName or multusName and fits every pod")
            return
        instance = self._truth.model.instances.get(after.identity.instance_id) if after.identity else None
        if instance is None or instance.state not in LIVE or eni is None or eni.attachment is None:
            return
        renamed = before is None or before.spec.node_name != spec.node_name
        if renamed and (len(spec.node_name) != 1 or not self._truth.is_named(instance, spec.node_name[0])):
            self._broken(4, f"pool {after.name} is for {spec.node_name}, which is not proved to be {instance.id}")
        if before is None or before.spec.multus_name != spec.multus_name:
            interface = self._truth.interface_of(eni)
            if interface is None:
                self._broken(7, f"pool {after.name} is for {eni.id}, which the policy leaves alone")
            elif spec.multus_name != (interface.multus,):
                self._broken(4, f"pool {after.name} is for {spec.multus_name}, the policy says {interface.multus}")


def _others(stored: Json | None) -> Json:
    """Return a pool without what we write, and what the API server changes at each write."""
    document = stored or {}
    servers = ("resourceVersion", "managedFields", "generation", "labels", "annotations")
    metadata = {key: value for key, value in document["metadata"].items() if key not in servers}
    labels = {k: v for k, v in document["metadata"].get("labels", {}).items() if k not in IDENTITY}
    annotations = {k: v for k, v in document["metadata"].get("annotations", {}).items() if k != STATE_ANNOTATION}
    spec = {key: value for key, value in document["spec"].items() if key not in OWNED | {"disable"}}
    return {"metadata": metadata, "labels": labels, "annotations": annotations, "spec": spec,
            "status": document.get("status", {})}  # fmt: skip
