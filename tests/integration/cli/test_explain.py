"""`spiderpool-aws explain`: a node's policy, sizes, limits, room, waits, memory and Events."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from spiderpool_aws.cli.explain import remembered
from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.memory import Absence, PoolMemory, Surplus
from spiderpool_aws.local.ec2.state import Instance
from spiderpool_aws.local.stack import LocalStack
from tests.integration.cli.conftest import Run

On = Callable[[LocalStack], Run]
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
ONE = AddressSet.of(IPFamily.IPV4, ["10.0.0.9"])


@pytest.fixture
def instance(stack: LocalStack) -> Instance:
    return next(iter(stack.model.instances.values()))


def test_a_node_is_found_by_its_name_its_short_name_and_its_instance(
    stack: LocalStack, on: On, instance: Instance
) -> None:
    names = (instance.private_dns_name, instance.private_dns_name.partition(".")[0], instance.id)
    said = [on(stack)("explain", name) for name in names]
    assert [ran.code for ran in said] == [0, 0, 0]
    assert len({ran.out for ran in said}) == 1
    assert f"{instance.id}, m5.large in {instance.availability_zone}, running" in said[0].out


def test_it_says_group_sizes_limits_room_and_who_uses_what(stack: LocalStack, on: On, instance: Instance) -> None:
    out = on(stack)("explain", instance.id).out
    assert "group workers of the policy, the first that matches (role=worker)" in out
    assert "a m5.large carries 3 NICs with 10 IPv4 and 10 IPv6 slots each; prefixes are possible" in out
    assert "IPv4: 7 addresses, by the policy" in out
    assert "IPv6: 1 prefix, by the policy" in out
    assert "IPv4: EC2 has assigned 7; its pool lists 7, pods use 2, 5 are free; 8 of 10 slots are taken" in out
    assert "is used by default/web-" in out
    assert "3 free IPv4 addresses, 0 are kept free" in out
    assert "PoolsReady: the pools of" in out


def test_a_tag_that_overrides_the_policy_and_what_follows_are_told(
    stack: LocalStack, on: On, instance: Instance
) -> None:
    tag = {"Key": "spiderpool-aws/0/ipv4", "Value": "9"}
    stack.model.call("CreateTags", {"Resources": [instance.id], "Tags": [tag]})
    document = on(stack)("explain", instance.id, "-o", "json").document
    (nic,) = [lines for title, lines in document.items() if title.startswith("NIC 0 ")]
    assert "IPv4: 9 addresses, by the instance's tag spiderpool-aws/0/ipv4=9" in nic
    (todo,) = document["to do"]
    assert todo.startswith("+ 2 IPv4 addresses for eni-")


def test_what_it_waits_for_and_what_the_annotation_remembers_are_told(
    stack: LocalStack, on: On, instance: Instance
) -> None:
    eni = next(e for e in stack.model.enis.values() if e.attachment and e.attachment.instance_id == instance.id)
    lost = max(eni.secondary_ips)
    stack.model.call("UnassignPrivateIpAddresses", {"NetworkInterfaceId": eni.id, "PrivateIpAddresses": [lost]})
    on(stack)("apply", "--instance", instance.id, "--yes")
    document = on(stack)("explain", instance.id, "-o", "json").document
    assert any("EC2 does not show all its addresses" in reason for reason in document["waits for"])
    lines = [line for topic in document.values() for line in topic]
    assert any(f"remembers: EC2 has not shown {lost} since" in line for line in lines)


def test_an_instance_that_no_group_matches_is_explained(stack: LocalStack, on: On, instance: Instance) -> None:
    stack.model.call("CreateTags", {"Resources": [instance.id], "Tags": [{"Key": "role", "Value": "database"}]})
    document = on(stack)("explain", instance.id, "-o", "json").document
    assert any("no group of the policy matches its type and its tags" in line for line in document["instance"])
    assert any("role=database" in line for line in document["instance"])
    assert any(finding.startswith("LeftAlone: ") for finding in document["findings"])


def test_a_name_that_nobody_has_is_one_line(stack: LocalStack, on: On) -> None:
    ran = on(stack)("explain", "web-1")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (1, "", 1)
    assert "no instance of the cluster demo has a Node web-1" in ran.err
    assert on(stack)("explain").code == 1


@pytest.mark.parametrize(
    ("memory", "words"),
    [
        (PoolMemory(missing=((AT, ONE),)), "EC2 has not shown 10.0.0.9 since 12:00:00 UTC"),
        (PoolMemory(released=((AT, ONE),)), "10.0.0.9 left the pool at 12:00:00 UTC"),
        (PoolMemory(surplus=Surplus(AT, "min=2")), "larger than its elastic size (min=2) since 12:00:00"),
        (PoolMemory(absent=Absence(AT, AT)), "lacks the instance since 2026-01-01 12:00:00 UTC, and again at"),
        (PoolMemory(disabled=True), "we disabled it"),
        (PoolMemory(interrupted=AT), "at 12:00:00 UTC that it takes the Spot instance back"),
        (PoolMemory(leaving=AT), "waits to terminate the instance since 12:00:00 UTC"),
        (PoolMemory(node_uid="u"), "proved to be the one of uid u"),
    ],
)
def test_everything_that_a_pool_remembers_has_words(memory: PoolMemory, words: str) -> None:
    (line,) = remembered(memory)
    assert words in line


def test_what_others_wrote_into_a_tag_moves_no_cursor(stack: LocalStack, on: On, instance: Instance) -> None:
    tag = {"Key": "spiderpool-aws/0/ipv4", "Value": "\x1b[2J"}
    stack.model.call("CreateTags", {"Resources": [instance.id], "Tags": [tag]})
    for command in (("explain", instance.id), ("plan",), ("status",)):
        out = on(stack)(*command).out
        assert "TagInvalid" in out
        assert "\x1b" not in out
