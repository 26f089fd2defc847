"""What a launch template pins of each NIC, and that a launch from it leaves the reconciler nothing to assign."""

from typing import Any

import pytest

from spiderpool_aws.local.ec2.fixtures import launch
from tests.infrastructure.contexts import Json, interface, policy_text
from tests.infrastructure.templates import nodes_template
from tests.integration.scene import SUBNETS, scene

TEN = "m7g.large"  # 3 NICs, 10 addresses each
THIRTY = "m7g.4xlarge"  # 8 NICs, 30 addresses each
UNKNOWN = "m99g.large"

COUNTS = [
    pytest.param({"addresses": 5}, (TEN,), {"SecondaryPrivateIpAddressCount": 5}, id="so many addresses"),
    pytest.param({"prefixes": 2}, (TEN,), {"Ipv4PrefixCount": 2}, id="so many prefixes"),
    pytest.param({"addresses": "max"}, (TEN,), {"SecondaryPrivateIpAddressCount": 9}, id="all but the primary"),
    pytest.param({"addresses": "max"}, (THIRTY, TEN), {"SecondaryPrivateIpAddressCount": 9}, id="the smallest type's"),
    pytest.param({"addresses": "max"}, (TEN, UNKNOWN), {}, id="max of an unknown type is left to the reconciler"),
    pytest.param(
        {"addresses": {"min": 2, "warm": 4, "max": 8}},
        (TEN,),
        {"SecondaryPrivateIpAddressCount": 4},
        id="elastic: warm",
    ),
    pytest.param(
        {"addresses": {"min": 6, "warm": 2, "max": 8}}, (TEN,), {"SecondaryPrivateIpAddressCount": 6}, id="elastic: min"
    ),
]


def counts(nic: Json) -> Json:
    """Return what a NIC gets beside its primary IPv4 address."""
    return {key: value for key, value in nic.items() if "Count" in key or "Prim" in key}


@pytest.mark.parametrize(("ipv4", "types", "expected"), COUNTS)
def test_ipv4_is_pinned_as_the_policy_has_it(ipv4: Json, types: tuple[str, ...], expected: Json) -> None:
    template = nodes_template(policy_text(interface(0, ipv4=ipv4)), instanceTypes=types, imageParameter="/image")
    assert counts(template.nics()[0]) == expected


def test_single_ipv6_addresses_come_with_one_for_the_host_that_is_marked() -> None:
    nics = nodes_template(policy_text(*(interface(i, ipv6={"addresses": 4}) for i in (0, 1)))).nics()
    assert [(nic["Ipv6AddressCount"], nic["PrimaryIpv6"]) for nic in nics] == [(5, True), (5, True)]


def test_max_in_ipv6_is_all_addresses_with_the_hosts_among_them() -> None:
    (nic,) = nodes_template(policy_text(interface(0, ipv6={"addresses": "max"})), instanceTypes=(TEN,)).nics()
    assert (nic["Ipv6AddressCount"], nic["PrimaryIpv6"]) == (10, True)


def test_ipv6_prefixes_leave_the_first_nic_the_hosts_address_and_fill_the_second() -> None:
    nics = nodes_template(policy_text(*(interface(i, ipv6={"prefixes": 1}) for i in (0, 1)))).nics()
    ipv6 = [{key: value for key, value in counts(nic).items() if "pv6" in key} for nic in nics]
    assert ipv6 == [{"Ipv6AddressCount": 1, "PrimaryIpv6": True}, {"Ipv6PrefixCount": 1}]


FILLED = [
    pytest.param({"addresses": 5}, None, id="IPv4"),
    pytest.param({"addresses": 5}, {"addresses": 5}, id="dual stack"),
    pytest.param({"addresses": "max"}, {"addresses": "max"}, id="max"),
    pytest.param({"prefixes": 2}, None, id="prefixes"),
    pytest.param(
        {"addresses": {"min": 2, "warm": 4, "max": 8}}, {"addresses": {"min": 3, "warm": 1, "max": 8}}, id="elastic"
    ),
]


def assigning_calls(ipv4: Json, ipv6: Json | None) -> list[str]:
    """Launch a node as the template has it, let its pools come, and return the product's mutations of EC2."""
    text = policy_text(*(interface(i, ipv4, ipv6) for i in (0, 1)))
    template = nodes_template(text, instanceTypes=(TEN,))
    with scene(text) as world:
        subnets = [world.network.subnets[name] for name in SUBNETS]
        nics: list[dict[str, Any]] = [
            nic | {"SubnetId": subnet, "Groups": [world.network.group_id]}
            for nic, subnet in zip(template.nics(), subnets, strict=True)
        ]
        tags = {tag["Key"]: tag["Value"] for tag in instance_tags(template.launch_data())}
        instance = launch(world.stack.model, nics, instance_type=TEN, tags=tags)
        world.run(120)
        pools = world.pools(instance)
        assert len(pools) == (2 if ipv6 is None else 4)
        roles = world.stack.role_arns
        return [
            c.operation for c in world.stack.model.calls if c.caller in roles and not c.operation.startswith("Desc")
        ]


def instance_tags(data: Json) -> list[Json]:
    """Return the tags of the instances of a launch template."""
    (found,) = [item["Tags"] for item in data["TagSpecifications"] if item["ResourceType"] == "instance"]
    tags: list[Json] = found
    return tags


@pytest.mark.parametrize(("ipv4", "ipv6"), FILLED)
def test_a_node_of_the_template_gets_its_pools_without_a_mutation_of_ec2(ipv4: Json, ipv6: Json | None) -> None:
    assert assigning_calls(ipv4, ipv6) == []


def test_ipv6_prefixes_cost_a_launch_one_assignment_at_the_first_nic() -> None:
    assert assigning_calls({"addresses": 5}, {"prefixes": 1}) == ["AssignIpv6Addresses"]
