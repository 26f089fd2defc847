"""Where the whole cluster stands with IPv6: what all pools of a listing say of it."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.cluster.pool import Pool


@dataclass(frozen=True, slots=True)
class Ipv6State:
    """One default IPv6 pool makes Spiderpool refuse every pod on a NIC without one (recorded behaviour)."""

    foreign_ipv4: tuple[Pool, ...]
    """The default IPv4 pools that serve and are not ours, in order of their names."""
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
        return Ipv6Tally().changed((), pools).state


_DEFAULT, _WITHHELD, _SERVING = "default", "withheld", "serving"
_Nic = tuple[str, str]
"""Instance id and ENI id."""


@dataclass(frozen=True, slots=True)
class Ipv6Tally:
    """What the pools of a listing say, counted, so that a listing that differs a little costs a little."""

    counts: Mapping[Hashable, int] = field(default_factory=dict)
    """Fact -> how many pools say it."""
    foreign: Mapping[str, Pool] = field(default_factory=dict)
    """The default pools that are not ours: IPv4 pools that serve, and all IPv6 pools."""
    lacking: frozenset[_Nic] = frozenset()
    """The NICs that have an IPv4 pool of ours that serves and no such IPv6 pool."""

    def changed(self, gone: Sequence[Pool], come: Sequence[Pool]) -> "Ipv6Tally":
        """Return the tally without some pools, which are in it, and with others."""
        counts, foreign, lacking = Counter(self.counts), dict(self.foreign), set(self.lacking)
        touched: set[_Nic] = set()
        for pools, sign in ((gone, -1), (come, 1)):
            for pool in pools:
                for fact in _facts(pool):
                    counts[fact] += sign
                    if not counts[fact]:
                        del counts[fact]
                if (nic := _nic(pool)) is not None:
                    touched.add(nic)
        for pool in gone:
            foreign.pop(pool.name, None)
        foreign |= {pool.name: pool for pool in come if _is_foreign_default(pool)}
        for nic in touched:
            if counts[nic, IPFamily.IPV4] and not counts[nic, IPFamily.IPV6]:
                lacking.add(nic)
            else:
                lacking.discard(nic)
        return Ipv6Tally(counts, foreign, frozenset(lacking))

    @property
    def state(self) -> Ipv6State:
        """What it comes to."""
        foreign = [self.foreign[name] for name in sorted(self.foreign)]
        foreign_ipv4 = tuple(pool for pool in foreign if pool.family is IPFamily.IPV4)
        return Ipv6State(
            foreign_ipv4=foreign_ipv4,
            foreign_defaults=tuple(pool.name for pool in foreign if pool.family is IPFamily.IPV6),
            has_default=_DEFAULT in self.counts,
            has_withheld=_WITHHELD in self.counts,
            is_there=_SERVING in self.counts,
            is_lacking=bool(foreign_ipv4 or self.lacking),
        )


def _nic(pool: Pool) -> _Nic | None:
    """Return the NIC that a pool of ours serves."""
    owner = pool.identity
    return (owner.instance_id, owner.eni_id) if owner is not None and pool.serves else None


def _is_foreign_default(pool: Pool) -> bool:
    if pool.identity is not None or pool.terminating or not pool.spec.default:
        return False
    return pool.family is IPFamily.IPV6 or pool.serves


def _facts(pool: Pool) -> Iterator[Hashable]:
    nic = _nic(pool)
    if nic is not None:
        yield nic, pool.family
    if pool.family is IPFamily.IPV4 or pool.terminating:
        return
    if pool.spec.default:
        yield _DEFAULT
    if nic is not None:
        yield _SERVING
        if not pool.spec.default:
            yield _WITHHELD
