"""The index that follows the listings: whatever changed between two, it answers as a look at every pool does."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.cluster.ipv6_state import Ipv6State
from spiderpool_aws.domain.cluster.pool import Pool, PoolIdentity, PoolSpec

NAMES = tuple("abcdef")
NODES = ("n0", "n1", "n2")
ALL_IPV4, ALL_IPV6 = ("10.0.0.0-10.0.255.255",), ("2001:db8::-2001:db8::ffff:ffff:ffff:ffff",)


def ranges(family: IPFamily, spans: Sequence[tuple[int, int]]) -> AddressSet:
    base = "10.0.0.0" if family is IPFamily.IPV4 else "2001:db8::"
    start = AddressSet.of(family, [base]).spans[0][0]
    return AddressSet.parse(
        family, [f"{family.address(start + first)}-{family.address(start + first + size)}" for first, size in spans]
    )


FAMILIES = st.sampled_from(IPFamily)
SIZES = st.one_of(st.integers(0, 9), st.sampled_from([15, 16, 63, 255, 4095]))
SPANS = st.lists(st.tuples(st.integers(0, 300), SIZES), max_size=4)


@st.composite
def pools(draw: st.DrawFn, name: str) -> Pool:
    family = draw(FAMILIES)
    identity = PoolIdentity("prod", f"i-{draw(st.integers(1, 2))}", f"eni-{draw(st.integers(1, 2))}", "a", family)
    spec = PoolSpec(
        "any",
        ranges(family, draw(SPANS)),
        None,
        tuple(draw(st.lists(st.sampled_from(NODES), max_size=2))),
        ("a/b",),
        default=draw(st.booleans()),
        disable=draw(st.booleans()),
    )
    excluded = ranges(family, draw(SPANS))
    return Pool(
        name,
        identity if draw(st.booleans()) else None,
        spec,
        allocated=ranges(family, ()),
        excluded=excluded,
        terminating=draw(st.booleans()),
    )


@st.composite
def listings(draw: st.DrawFn) -> list[list[Pool]]:
    """Some listings in a row: each pool stays, changes, goes or comes."""
    known: dict[str, Pool] = {}
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        for name in draw(st.sets(st.sampled_from(NAMES))):
            if name in known and draw(st.booleans()):
                del known[name]
            else:
                known[name] = draw(pools(name))
        rows.append(draw(st.permutations(list(known.values()))))
    return rows


def plain_listed(everyone: Sequence[Pool], addresses: AddressSet, but: str) -> dict[str, tuple[Pool, AddressSet]]:
    of_family = [pool for pool in everyone if pool.family is addresses.family and pool.name != but]
    return {pool.name: (pool, both) for pool in of_family if (both := pool.offered & addresses)}


def plain_named(everyone: Sequence[Pool], node: str) -> set[str]:
    ours = [pool for pool in everyone if not pool.terminating and node in pool.spec.node_name]
    return {pool.identity.instance_id for pool in ours if pool.identity is not None}


def plain_ipv6(everyone: Sequence[Pool]) -> Ipv6State:
    live = [pool for pool in everyone if not pool.terminating]
    ipv4 = [pool for pool in live if pool.family is IPFamily.IPV4 and pool.serves]
    ipv6 = [pool for pool in live if pool.family is IPFamily.IPV6]
    serving = [pool for pool in ipv6 if pool.identity is not None and pool.serves]
    theirs = [pool for pool in ipv4 if pool.identity is None and pool.spec.default]
    nics = [
        {(pool.identity.instance_id, pool.identity.eni_id) for pool in some if pool.identity is not None}
        for some in (ipv4, serving)
    ]
    return Ipv6State(
        foreign_ipv4=tuple(sorted(theirs, key=lambda pool: pool.name)),
        foreign_defaults=tuple(sorted(pool.name for pool in ipv6 if pool.identity is None and pool.spec.default)),
        has_default=any(pool.spec.default for pool in ipv6),
        has_withheld=any(not pool.spec.default for pool in serving),
        is_there=bool(serving),
        is_lacking=bool(theirs) or not nics[0] <= nics[1],
    )


@given(listings(), FAMILIES, SPANS, st.sampled_from(["", *NAMES]))
def test_after_any_listings_it_answers_as_a_look_at_every_pool_does(
    rows: list[list[Pool]], family: IPFamily, asked: list[tuple[int, int]], but: str
) -> None:
    claims, addresses = Claims(), ranges(family, asked)
    for everyone in rows:
        claims = claims.updated(everyone)
        assert claims.listed(addresses, but) == plain_listed(everyone, addresses, but)
        assert {node: claims.instances_named(node) for node in NODES} == {n: plain_named(everyone, n) for n in NODES}
        assert claims.ipv6 == plain_ipv6(everyone)
        nobodys = {pool.name for pool in everyone if pool.identity is None}
        assert {name for name in NAMES if claims.is_foreign(name)} == nobodys


@given(listings(), SPANS)
def test_an_index_says_of_its_own_listing_whatever_comes_after_it(
    rows: list[list[Pool]], asked: list[tuple[int, int]]
) -> None:
    claims, made = Claims(), []
    for everyone in rows:
        claims = claims.updated(everyone)
        made.append(claims)
    for everyone, index in zip(rows, made, strict=True):
        for family in IPFamily:
            addresses = ranges(family, asked)
            assert index.listed(addresses) == plain_listed(everyone, addresses, "")
        assert {node: index.instances_named(node) for node in NODES} == {n: plain_named(everyone, n) for n in NODES}
        assert index.ipv6 == plain_ipv6(everyone)


def foreign(name: str, ips: AddressSet) -> Pool:
    nothing = EMPTY[ips.family]
    return Pool(name, None, PoolSpec("any", ips, None, (), (), default=False), allocated=nothing, excluded=nothing)


def test_a_whole_subnet_that_is_asked_for_or_listed_is_found() -> None:
    for family, everything in ((IPFamily.IPV4, ALL_IPV4), (IPFamily.IPV6, ALL_IPV6)):
        whole, few = AddressSet.parse(family, everything), ranges(family, [(20, 4)])
        one, wide = foreign("one", few), foreign("wide", whole)
        claims = Claims([one, wide])
        assert claims.listed(few) == {"one": (one, few), "wide": (wide, few)}
        assert claims.listed(whole) == {"one": (one, few), "wide": (wide, whole)}


def test_a_listing_in_which_nothing_changed_keeps_the_index() -> None:
    one = foreign("one", ranges(IPFamily.IPV4, [(1, 1)]))
    claims = Claims([one])
    assert claims.updated([one]) is claims
    assert claims.updated([replace(one)]) is not claims
