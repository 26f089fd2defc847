"""An adoption in words: what differs afterwards, and what a person should know before. Pure."""

from collections.abc import Sequence

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.cluster.pool import Pool, PoolSpec
from spiderpool_aws.domain.rules.nic_family import NicFamily
from spiderpool_aws.domain.words import first_of

SHOWN = 3
"""How many of many a line names."""


def changes_of(pool: Pool, after: Pool, nic: NicFamily, host: AddressSet) -> tuple[str, ...]:
    """Return a line for each thing that differs; `host` is the host's own IPv6 address."""
    identity, eni_id, assigned = nic.identity, nic.eni.eni_id, nic.eni.assigned(nic.family)
    own = host if nic.family is IPFamily.IPV6 else AddressSet.of(nic.family, [nic.eni.primary_ipv4])
    dropped = pool.spec.ips - after.spec.ips
    reasons = (
        (dropped & own, "the host's own"),
        (dropped & (assigned - own), "the policy keeps it from pods"),
        (dropped - assigned - own, f"EC2 has not assigned it to {eni_id}"),
    )
    lines = [f"labels: {identity.instance_id}, {eni_id}, {identity.attachment_id}, {identity.family}"]
    lines += [f"ips: {gone} leaves: {why}" for gone, why in reasons if gone]
    if dropped:
        lines.append(f"ips: {after.spec.ips} stay")
    old, new = _fields(pool.spec), _fields(after.spec)
    return (*lines, *(f"{name}: {old[name]} -> {new[name]}" for name in old if old[name] != new[name]))


def notes_on(pool: Pool, after: Pool, nic: NicFamily, without_ipv6: Sequence[str]) -> tuple[str, ...]:
    """Return what follows for others: field managers, pods, nodes without IPv6."""
    notes = []
    old, new = _fields(pool.spec), _fields(after.spec)
    changed = {name for name in old if old[name] != new[name]} | ({"ips"} if pool.spec.ips != after.spec.ips else set())
    for owner in pool.owners:
        if lost := sorted(owner.fields & changed):
            notes.append(f"{owner.name} loses {', '.join(lost)} to spiderpool-aws")
        if owner.applies:
            notes.append(
                f"{owner.name} applies {', '.join(sorted(owner.fields))} server-side and will be in conflict: take the "
                "pool out of what it applies first"
            )
    if pool.spec.disable:
        notes.append("somebody has disabled it, and it stays so")
    if nic.family is IPFamily.IPV6 and nic.policy.pools.default and not after.spec.default:
        notes.append("it becomes default when every node has its IPv6 pools, all in one pass")
    if nic.family is IPFamily.IPV6 and after.spec.default and without_ipv6:
        some = first_of(without_ipv6, SHOWN)
        notes.append(f"it is default, so no pod gets an address on a NIC without an IPv6 pool: {some}")
    return tuple(notes)


def _fields(spec: PoolSpec) -> dict[str, str]:
    """Return the fields that an adoption takes over beside `ips`, as texts."""
    return {
        "gateway": spec.gateway or "none",
        "nodeName": ", ".join(spec.node_name) or "any",
        "multusName": ", ".join(spec.multus_name) or "any",
        "default": str(spec.default).lower(),
    }
