"""Second NICs from events to pools: where they are created, what is left alone, and what no crash or lag can break."""

from typing import Any

import pytest

from spiderpool_aws.local.ec2 import Ec2Options, Fault
from spiderpool_aws.local.ec2.fixtures import SubnetPlan
from tests.integration.capacity import (
    PLANS,
    ROLE,
    by_hand,
    calls,
    dual,
    events,
    held,
    indexes,
    interface,
    listed,
    nic_of,
    policy_of,
)
from tests.integration.scene import Scene, scene
from tests.integration.stopping import Stopper

TWO = policy_of(dual(0), dual(1))
ONE_SMALL = {"nodes": PLANS["nodes"], "small": PLANS["small"]}
CREATE = "CreateNetworkInterface"


def created(s: Scene) -> int:
    """Return how many NICs the product's calls created, also those whose answer was lost."""
    return sum(c.took_effect for c in s.stack.model.calls if c.operation == CREATE and c.caller in s.stack.role_arns)


def fill(s: Scene, subnet: str, leave: int) -> list[str]:
    """Let others take all but so many addresses of a subnet; return their NICs, the largest first."""
    pool, nics = s.stack.model.subnets[s.network.subnets[subnet]].ipv4, []
    while (spare := pool.free_count - leave) > 0:
        params = {"SubnetId": s.network.subnets[subnet], "SecondaryPrivateIpAddressCount": min(spare - 1, 200)}
        nics.append(by_hand(s, CREATE, **params)["NetworkInterface"]["NetworkInterfaceId"])
    return nics


def test_of_the_tagged_subnets_in_the_instances_zone_the_one_with_the_most_room_is_taken() -> None:
    with scene(TWO, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        assert nic_of(s, instance_id, 1).subnet_id == s.network.subnets["pods"], "zone-b has more, and is elsewhere"
        fill(s, "pods", leave=10)
        other = s.launch(nics=1)
        s.run(120)
        assert nic_of(s, other, 1).subnet_id == s.network.subnets["small"]


def test_a_subnet_may_be_named_by_its_id() -> None:
    with scene(policy_of(dual(0)), subnets=PLANS | {"plain": SubnetPlan("10.0.6.0/24")}) as s:
        named = s.network.subnets["plain"]
        s.stack.put_policy(policy_of(dual(0), dual(1, subnets={"ids": [named]})))
        instance_id = s.launch(nics=1)
        s.run(120)
        assert nic_of(s, instance_id, 1).subnet_id == named


def test_the_reserve_counts_in_the_choice_and_a_created_nic_is_cut_to_what_is_above_it() -> None:
    with scene(policy_of(dual(0), dual(1, subnets={"tags": ROLE, "reserve": 20})), subnets=PLANS) as s:
        fill(s, "small", leave=22)
        fill(s, "pods", leave=24)
        instance_id = s.launch(nics=1)
        s.run(120)
        eni = nic_of(s, instance_id, 1)
        assert (eni.subnet_id, len(eni.secondary_ips)) == (s.network.subnets["pods"], 3)
        assert events(s, "CapacityLimited")


@pytest.mark.parametrize("reserves", [(8, 0), (0, 8), (8, 4)])
def test_nics_of_one_subnet_keep_the_largest_reserve_that_any_of_them_names(reserves: tuple[int, int]) -> None:
    four = {"ipv4": {"addresses": 4}}
    nics = [interface(i, subnets={"tags": ROLE, "reserve": kept}, **four) for i, kept in enumerate(reserves, start=1)]
    with scene(policy_of(interface(0), *nics), subnets=ONE_SMALL) as s:
        for _ in range(3):
            s.launch(nics=1, instance_type="m5.xlarge")
        s.run(300)
        assert s.stack.model.subnets[s.network.subnets["small"]].ipv4.free_count == 8
        assert events(s, "CapacityLimited") or events(s, "SubnetExhausted")
        s.checker.assert_idle(lambda: s.run(600))


@pytest.mark.parametrize("apart", [5, 10, 20, 29])
def test_what_was_taken_a_moment_ago_counts_also_where_a_describe_does_not_show_it_yet(apart: int) -> None:
    nic = interface(1, subnets={"tags": ROLE, "reserve": 8}, ipv4={"addresses": 9})
    lagging = Ec2Options(describe_lag_seconds=30)
    with scene(policy_of(interface(0), nic), options=lagging, subnets=ONE_SMALL) as s:
        for _ in range(3):
            s.launch(nics=1)
            s.run(apart)
            s.checker.check()
        s.run(900)
        assert s.stack.model.subnets[s.network.subnets["small"]].ipv4.free_count == 8
        s.checker.assert_idle(lambda: s.run(600))


def test_security_groups_are_those_of_the_policy_and_else_those_of_the_first_nic() -> None:
    with scene(TWO, subnets=PLANS) as s:
        first = s.launch(nics=1, Groups=[s.network.group_id])
        s.run(120)
        assert nic_of(s, first, 1).groups == [s.network.group_id]
        params = {"GroupName": "pods", "Description": "pods", "VpcId": s.network.vpc_id}
        group = by_hand(s, "CreateSecurityGroup", **params)["GroupId"]
        s.stack.put_policy(policy_of(dual(0), dual(1, securityGroups=[group])))
        second = s.launch(nics=1, Groups=[s.network.group_id])
        s.run(120)
        assert nic_of(s, second, 1).groups == [group]


def test_an_index_that_somebody_elses_nic_has_is_used_as_it_is_and_none_is_created() -> None:
    # A NIC is its device index: one that a person attached there, like one of the launch template, is the node's.
    with scene(TWO, subnets=PLANS) as s:
        s.stack.bus.scheduled = False
        nic = by_hand(s, CREATE, SubnetId=s.network.subnets["small"])["NetworkInterface"]["NetworkInterfaceId"]
        instance_id = s.launch(nics=1)
        s.stack.clock.advance(10)
        by_hand(s, "AttachNetworkInterface", NetworkInterfaceId=nic, InstanceId=instance_id, DeviceIndex=1)
        s.run(300)
        assert (created(s), indexes(s, instance_id)) == (0, [0, 1])


@pytest.mark.parametrize(
    "nic",
    [
        pytest.param({"InterfaceType": "efa"}, id="EFA"),
        pytest.param({"InterfaceType": "trunk"}, id="trunk"),
        pytest.param({"InterfaceType": "branch"}, id="branch"),
        pytest.param({"InterfaceType": "interface"}, id="tagged managed=false"),
    ],
)
def test_a_nic_of_another_kind_or_tagged_so_is_left_alone_and_told(nic: dict[str, Any]) -> None:
    with scene(TWO, subnets=PLANS) as s:
        s.stack.bus.scheduled = False
        tags = [{"Key": "spiderpool-aws/managed", "Value": "false"}] if nic["InterfaceType"] == "interface" else []
        made = by_hand(
            s,
            CREATE,
            SubnetId=s.network.subnets["pods"],
            TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags}] if tags else [],
        )
        eni_id = made["NetworkInterface"]["NetworkInterfaceId"]
        s.stack.model.enis[eni_id].interface_type = nic["InterfaceType"]
        instance_id = s.launch(nics=1)
        s.stack.clock.advance(10)
        by_hand(s, "AttachNetworkInterface", NetworkInterfaceId=eni_id, InstanceId=instance_id, DeviceIndex=1)
        s.run(300)
        eni = nic_of(s, instance_id, 1)
        assert (created(s), held(eni)) == (0, held(eni) & listed(s))
        assert (held(eni).count(), eni.ipv6_prefixes) == (0, [])
        assert events(s, "LeftAlone")
        (node,) = s.stack.cluster.objects("nodes")
        assert node["spec"]["taints"], "the node lacks pools that the policy asks for"


def test_beyond_what_the_type_carries_is_refused_before_the_create() -> None:
    with scene(policy_of(*(dual(index) for index in range(4))), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)  # m5.large carries three
        s.run(300)
        assert (indexes(s, instance_id), created(s), s.checker.refused) == ([0, 1, 2], 2, {})
        (told,) = events(s, "NicLimited")
        assert "m5.large carries 3" in told["message"]


def test_an_attach_that_fails_deletes_what_was_created_and_it_is_not_tried_again_for_half_an_hour() -> None:
    with scene(TWO, subnets=PLANS) as s:
        refusal = Fault.refuse("AttachmentLimitExceeded", "Interface count 2 exceeds the limit for m5.large")
        end = s.stack.model.inject(lambda name, _: refusal if name == "AttachNetworkInterface" else None)
        instance_id = s.launch(nics=1)
        s.run(900)
        assert (created(s), indexes(s, instance_id)) == (1, [0])
        assert len(s.stack.model.enis) == 1
        s.checker.assert_no_leaks()
        end()
        s.run(1800)
        assert indexes(s, instance_id) == [0, 1]
        s.checker.assert_no_leaks()


def end_of(s: Scene) -> Any:
    """Return what counts at the end, without ids that differ from run to run."""
    nodes = [(n["spec"].get("taints"), n["spec"]["providerID"]) for n in s.stack.cluster.objects("nodes")]
    nics = sorted(
        (e.attachment.device_index, e.attachment.delete_on_termination, len(e.secondary_ips), len(e.ipv6_addresses))
        for e in s.stack.model.enis.values()
        if e.attachment
    )
    pools = sorted((p.name.rsplit("-", 1)[0], p.spec.ips.count(), p.spec.multus_name) for p in s.pools())
    return nodes, nics, pools, len(s.stack.model.enis)


def life(stop_after: int | None) -> tuple[list[str], Any]:
    """Launch a node with a worker that is stopped once; return what was written, and the end."""
    with scene(TWO, subnets=PLANS) as s:
        stopper = Stopper(s, stop_after)
        s.launch(nics=1)
        s.run(840)
        assert (created(s), len(s.stack.failed_invocations)) == (1, int(stop_after is not None))
        s.checker.assert_idle(lambda: s.run(360))
        return stopper.writes, end_of(s)


def test_a_worker_that_is_stopped_after_any_write_leaves_what_the_next_one_finishes() -> None:
    writes, end = life(None)
    assert len(writes) >= 12
    assert [(n, what) for n, what in enumerate(["", *writes]) if life(n)[1] != end] == []


@pytest.mark.parametrize("fault", [Fault.lose_answer(), Fault.lose_request()], ids=["answer", "request"])
@pytest.mark.parametrize(
    "operation",
    [
        "AssignPrivateIpAddresses",
        "AssignIpv6Addresses",
        CREATE,
        "AttachNetworkInterface",
        "ModifyNetworkInterfaceAttribute",
    ],
)
def test_a_call_whose_request_or_answer_is_lost_is_neither_repeated_blindly_nor_forgotten(
    operation: str, fault: Fault
) -> None:
    with scene(TWO, subnets=PLANS) as s:
        faults = iter([fault])
        s.stack.model.inject(lambda name, _: next(faults, None) if name == operation else None)
        instance_id = s.launch(nics=1)
        s.run(420)
        done = [c.operation for c in s.stack.model.calls if c.took_effect and c.caller in s.stack.role_arns]
        assert done.count(operation) == 1
        assert [held(nic_of(s, instance_id, index)).count() for index in range(2)] == [5, 5]
        s.checker.assert_idle(lambda: s.run(360))


@pytest.mark.parametrize(
    "first", [{}, {"Ipv6AddressCount": 6, "SecondaryPrivateIpAddressCount": 5}], ids=["empty", "filled"]
)
@pytest.mark.parametrize("seed", [None, 0, 1, 2, 3])
def test_describes_of_up_to_thirty_seconds_ago_never_cause_a_second_nic_a_double_assignment_or_a_release(
    seed: int | None, first: dict[str, Any]
) -> None:
    options = Ec2Options(describe_lag_seconds=30.0, write_lag_seconds=5.0 if seed is not None else 0.0, lag_seed=seed)
    with scene(TWO, subnets=PLANS, options=options) as s:
        ids = [s.launch(nics=1, **first), s.launch(nics=1, **first)]
        s.run(10)
        running = [event for event in s.stack.bus.events if event["detail"].get("state") == "running"]
        for number in range(30):  # every few seconds something else has them looked at
            s.run(5)
            for event in running:
                s.stack.bus.put(event | {"id": f"{number:08x}{event['id'][8:]}"})
        s.run(900)
        took = calls(s)
        assert (created(s), {n for n in took if n.startswith("Unassign")}) == (2, set())
        for instance_id in ids:
            assert [held(nic_of(s, instance_id, index)).count() for index in range(2)] == [5, 5]
            assert [len(nic_of(s, instance_id, index).ipv6_addresses) for index in range(2)] == [6, 6]
            assert listed(s, instance_id).count() == 10
        s.checker.assert_idle(lambda: s.run(360))


@pytest.mark.parametrize("seed", range(4))
def test_a_nic_that_a_person_detaches_is_attached_again_whatever_stale_looks_say_of_it(seed: int) -> None:
    """The instance is seen without it and the NIC still at the instance: neither attached nor loose, and yet there."""
    with scene(TWO, subnets=PLANS, options=Ec2Options(describe_lag_seconds=30.0, lag_seed=seed)) as s:
        instance_id = s.launch(nics=1)
        s.run(900)
        nic = nic_of(s, instance_id, 1)
        running = [event for event in s.stack.bus.events if event["detail"].get("state") == "running"]
        for number in range(3):
            assert nic.attachment
            by_hand(s, "DetachNetworkInterface", AttachmentId=nic.attachment.id, Force=True)
            for look in range(6):  # every few seconds something else has the instance looked at
                s.run(5)
                for event in running:
                    s.stack.bus.put(event | {"id": f"{number:04x}{look:04x}{event['id'][8:]}"})
            s.run(600)
            assert (created(s), nic_of(s, instance_id, 1)) == (1, nic)
        s.checker.assert_idle(lambda: s.run(360))


def test_without_a_choice_of_subnets_a_missing_nic_is_told_and_nothing_is_created() -> None:
    with scene(policy_of(dual(0), dual(1, subnets={})), subnets=PLANS) as s:
        s.launch(nics=1)
        s.run(300)
        assert created(s) == 0
        assert events(s, "NicMissing")


def test_no_subnet_in_the_zone_is_told_with_the_zone() -> None:
    zone_b = {name: plan for name, plan in PLANS.items() if name in ("nodes", "zone-b")}
    with scene(policy_of(interface(0), interface(1)), subnets=zone_b) as s:
        s.launch(nics=1)
        s.run(300)
        (told,) = events(s, "NoSubnet")
        assert (created(s), "eu-west-1a" in told["message"]) == (0, True)
