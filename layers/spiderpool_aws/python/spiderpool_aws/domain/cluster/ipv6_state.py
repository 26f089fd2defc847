"""Where the whole cluster stands with IPv6: what all pools of a listing say of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.cluster.pool import Pool


@dataclass(frozen=True, slots=True)
class Ipv6State:
    """One default IPv6 pool makes Spiderpool refuse every pod on a NIC without one (recorded behaviour)."""

    foreign_ipv4: tuple[Pool, ...]
    """The default IPv4 pools that serve and are not ours."""
    foreign_defaults: tuple[str, ...]
    """The names of the default IPv6 pools that are not ours."""
    has_default: bool
    """Whether an IPv6 pool is default, whosever it is: one that is disabled counts, too."""
    has_withheld: bool
    """Whether an IPv6 pool of ours serves and is not default."""
    is_there: bool
    """Whether an IPv6 pool of ours serves."""
    is_lacking: bool
    """Whether a NIC has an IPv4 pool that serves and no such IPv6 pool, or may have.

    Nothing says whose a hand-made pool is, so one that is default counts as that of a NIC without IPv6.
    """

    @classmethod
    def of(cls, pools: Sequence[Pool]) -> "Ipv6State":
        """Return what a listing shows. What is being deleted cannot be changed any more, and is passed over."""
        live = [pool for pool in pools if not pool.terminating]
        ipv4 = [pool for pool in live if pool.family is IPFamily.IPV4 and pool.serves]
        ipv6 = [pool for pool in live if pool.family is IPFamily.IPV6]
        serving = [pool for pool in ipv6 if pool.identity is not None and pool.serves]
        foreign = tuple(pool for pool in ipv4 if pool.identity is None and pool.spec.default)
        return cls(
            foreign_ipv4=foreign,
            foreign_defaults=tuple(sorted(pool.name for pool in ipv6 if pool.identity is None and pool.spec.default)),
            has_default=any(pool.spec.default for pool in ipv6),
            has_withheld=any(not pool.spec.default for pool in serving),
            is_there=bool(serving),
            is_lacking=bool(foreign) or not _nics(ipv4) <= _nics(serving),
        )


def _nics(pools: Iterable[Pool]) -> set[tuple[str, str]]:
    owners = (pool.identity for pool in pools)
    return {(owner.instance_id, owner.eni_id) for owner in owners if owner is not None}
