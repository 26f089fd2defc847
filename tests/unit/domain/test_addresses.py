"""Canonical ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiderpool_aws.domain.addresses import (
    AddressError,
    AddressSet,
    IPFamily,
    parse_address,
    parse_network,
    vpc_gateway,
)
from tests.unit.build import v4

V4, V6 = IPFamily.IPV4, IPFamily.IPV6


@st.composite
def address_sets(draw: st.DrawFn) -> AddressSet:
    family = draw(st.sampled_from(IPFamily))
    base = int(parse_network("10.0.0.0/24" if family is V4 else "2001:db8::/64").network_address)
    spans = draw(st.lists(st.tuples(st.integers(0, 250), st.integers(0, 8)), max_size=12))
    ranges = [f"{family.address(base + a)}-{family.address(base + min(a + n, 255))}" for a, n in spans]
    return AddressSet.parse(family, ranges)


@given(address_sets())
def test_canonical_ranges_round_trip(addresses: AddressSet) -> None:
    assert AddressSet.parse(addresses.family, addresses.to_ranges()) == addresses
    assert AddressSet.of(addresses.family, list(addresses)) == addresses


@given(address_sets(), address_sets())
def test_set_operations_agree_with_sets_of_single_addresses(one: AddressSet, other: AddressSet) -> None:
    if one.family is not other.family:
        with pytest.raises(AddressError, match="cannot be combined"):
            one - other
        return
    assert set(one | other) == set(one) | set(other)
    assert set(one - other) == set(one) - set(other)
    assert set(one & other) == set(one) & set(other)
    assert (one <= other) == (set(one) <= set(other))
    assert one.count() == len(set(one))


@given(address_sets(), address_sets())
def test_results_are_canonical_whatever_the_way_to_them(one: AddressSet, other: AddressSet) -> None:
    if one.family is other.family:
        for result in (one | other, one - other, one & other):
            assert result == AddressSet.of(result.family, list(result))


@pytest.mark.parametrize(
    ("family", "ranges", "canonical"),
    [
        pytest.param(V4, ["10.0.1.13", "10.0.1.11", "10.0.1.12"], ["10.0.1.11-10.0.1.13"], id="neighbours are merged"),
        pytest.param(V4, ["10.0.1.11"], ["10.0.1.11"], id="a single address stays single"),
        pytest.param(V4, ["10.0.1.9", "10.0.1.10"], ["10.0.1.9-10.0.1.10"], id="order is numeric, not of text"),
        pytest.param(V4, ["10.0.1.1-10.0.1.5", "10.0.1.3-10.0.1.9"], ["10.0.1.1-10.0.1.9"], id="overlaps are merged"),
        pytest.param(V6, ["2001:DB8::A"], ["2001:db8::a"], id="IPv6 is compressed and lower-case"),
        pytest.param(V4, [], [], id="nothing stays nothing"),
    ],
)
def test_ranges_have_one_form(family: IPFamily, ranges: list[str], canonical: list[str]) -> None:
    assert AddressSet.parse(family, ranges).to_ranges() == canonical


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        (["10.0.1.x"], "'10.0.1.x' is not an IP address"),
        (["2001:db8::1"], "not an IPv4 address"),
        (["10.0.1.9-10.0.1.3"], "runs backwards"),
        (["10.0.1.0/28"], "not an IP address"),
    ],
)
def test_what_is_no_range_is_refused_by_name(ranges: list[str], message: str) -> None:
    with pytest.raises(AddressError, match=message):
        AddressSet.parse(V4, ranges)


def test_a_backward_range_of_somebody_else_covers_what_lies_between() -> None:
    assert AddressSet.parse(V4, ["10.0.1.9-10.0.1.3"], strict=False).count() == 7


def test_a_prefix_is_listed_whole_or_cut() -> None:
    v4, v6 = parse_network("10.0.1.16/28"), parse_network("2001:db8:0:1:2::/80")
    assert AddressSet.from_networks(V4, [v4]).to_ranges() == ["10.0.1.16-10.0.1.31"]
    assert AddressSet.from_networks(V6, [v6], limit_each=16).to_ranges() == ["2001:db8:0:1:2::-2001:db8:0:1:2::f"]
    assert AddressSet.from_networks(V6, [v6]).count() == 2**48


def test_a_subnet_with_host_bits_is_refused() -> None:
    with pytest.raises(AddressError, match="host bits"):
        parse_network("10.0.1.7/24")


def test_the_gateway_is_the_first_address_after_the_network() -> None:
    assert vpc_gateway(parse_network("172.31.16.0/20")) == "172.31.16.1"
    assert vpc_gateway(parse_network("2001:db8:0:1::/64")) == "2001:db8:0:1::1"


def test_membership_asks_for_the_address_and_not_for_its_text() -> None:
    addresses = AddressSet.parse(V6, ["2001:db8::a-2001:db8::c"])
    assert "2001:DB8:0::B" in addresses
    assert "2001:db8::d" not in addresses
    assert 5 not in addresses


def test_a_64_is_counted_and_cut_without_walking_through_it() -> None:
    whole = AddressSet.from_networks(V6, [parse_network("2001:db8::/64")])
    assert (whole.count(), bool(whole), whole.blocks(48)) == (2**64, True, 2**16)
    assert whole.highest(2).to_ranges() == ["2001:db8::ffff:ffff:ffff:fffe-2001:db8::ffff:ffff:ffff:ffff"]
    assert whole - whole.highest(1) <= whole


@given(address_sets(), st.integers(-1, 300))
def test_the_highest_are_the_last_ones(addresses: AddressSet, count: int) -> None:
    assert list(addresses.highest(count)) == (list(addresses)[-count:] if count > 0 else [])


@given(address_sets(), st.integers(0, 6))
def test_blocks_are_counted_as_single_addresses_lie_in_them(addresses: AddressSet, bits: int) -> None:
    numbers = [parse_address(text, addresses.family) for text in addresses]
    assert addresses.blocks(bits) == len({number >> bits for number in numbers})


@given(address_sets(), st.integers(0, 260))
def test_membership_agrees_with_the_list(addresses: AddressSet, number: int) -> None:
    base = int(parse_network("10.0.0.0/24" if addresses.family is V4 else "2001:db8::/64").network_address)
    text = str(addresses.family.address(base + number))
    assert (text in addresses) == (text in list(addresses))


def test_thousands_of_spans_are_combined_in_one_walk() -> None:
    """A pair of spans is looked at a few times, not each span with each of the others'."""
    some, other = (AddressSet(V4, tuple((4 * i + at, 4 * i + at + 1) for i in range(20_000))) for at in (0, 1))
    assert (some & other).count() == (some - other).count() == 20_000
    assert sum(str(V4.address(4 * i + 1)) in some for i in range(20_000)) == 20_000


def test_a_span_that_reaches_over_several_of_the_other_set_meets_each() -> None:
    parts, whole = v4("10.0.0.1-10.0.0.2", "10.0.0.5", "10.0.0.8-10.0.0.9"), v4("10.0.0.2-10.0.0.8")
    assert parts & whole == whole & parts == v4("10.0.0.2", "10.0.0.5", "10.0.0.8")
    assert parts - whole == v4("10.0.0.1", "10.0.0.9")
    assert whole - parts == v4("10.0.0.3-10.0.0.4", "10.0.0.6-10.0.0.7")
    assert v4("10.0.0.1-10.0.0.3") - v4("10.0.0.1-10.0.0.2") == v4("10.0.0.3")
