"""How many calls to EC2 a launch costs: mutations are what AWS's buckets limit (docs/benchmarks.md#calls)."""

from collections import Counter
from typing import Any

import pytest

from spiderpool_aws.deployment import BATCH_SIZE
from spiderpool_aws.local.ec2.fixtures import launch
from tests.integration.capacity import PLANS, calls, dual, held, indexes, interface, nic_of, policy_of
from tests.integration.scene import TAGS, Scene, scene

EMPTY: dict[str, Any] = {"Ipv6AddressCount": 1, "PrimaryIpv6": True, "DeleteOnTermination": True}
FILLED: dict[str, Any] = EMPTY | {"Ipv6AddressCount": 6, "SecondaryPrivateIpAddressCount": 5}
CREATED = {"CreateNetworkInterface": 1, "AttachNetworkInterface": 1, "ModifyNetworkInterfaceAttribute": 1}
ASSIGNED = {"AssignPrivateIpAddresses": 1, "AssignIpv6Addresses": 1}


def launched(s: Scene, *nics: dict[str, Any], instance_type: str = "m5.large") -> str:
    subnets = [s.network.subnets[name] for name in ("nodes", "pods", "pods", "pods")]
    plans = [{"SubnetId": subnet, **nic} for subnet, nic in zip(subnets, nics, strict=False)]
    instance_id = launch(s.stack.model, plans, tags=TAGS, instance_type=instance_type)
    s.run(300)
    return instance_id


def assert_converged(s: Scene) -> None:
    s.stack.model.calls.clear()
    s.checker.assert_idle(lambda: s.run(600))


@pytest.mark.parametrize(
    ("nics", "mutations"),
    [
        pytest.param([EMPTY], CREATED | ASSIGNED, id="a NIC is created: 5"),
        pytest.param([FILLED], CREATED, id="NIC 0 comes filled: 3"),
        pytest.param([FILLED, FILLED], {}, id="the launch template pins both: 0"),
    ],
)
def test_a_dual_stack_launch_with_two_nics_costs_so_many_mutations(
    nics: list[dict[str, Any]], mutations: dict[str, int]
) -> None:
    with scene(policy_of(dual(0), dual(1)), subnets=PLANS) as s:
        instance_id = launched(s, *nics)
        assert calls(s) == mutations
        for index in range(2):
            eni = nic_of(s, instance_id, index)
            assert (len(eni.secondary_ips), len(eni.ipv6_addresses)) == (5, 6)
            assert eni.attachment is not None
            assert eni.attachment.delete_on_termination
        assert sorted(pool.spec.ips.count() for pool in s.pools(instance_id)) == [5, 5, 5, 5]
        assert_converged(s)


def test_max_on_a_type_with_fifteen_addresses_a_nic_costs_as_few_and_never_asks_beyond_the_type() -> None:
    most = {"ipv4": {"addresses": "max"}, "ipv6": {"addresses": "max"}}
    with scene(policy_of(interface(0, **most), interface(1, **most)), subnets=PLANS) as s:
        instance_id = launched(s, EMPTY, instance_type="m5.xlarge")
        assert calls(s) == CREATED | ASSIGNED
        for index in range(2):
            eni = nic_of(s, instance_id, index)
            assert (eni.ipv4_slots, eni.ipv6_slots) == (15, 15)
        assert s.checker.refused == {}
        assert_converged(s)


def test_four_nics_cost_three_mutations_each_beside_the_first_one() -> None:
    with scene(policy_of(*(dual(index) for index in range(4))), subnets=PLANS) as s:
        instance_id = launched(s, EMPTY, instance_type="m5.xlarge")
        assert indexes(s, instance_id) == [0, 1, 2, 3]
        assert calls(s) == dict.fromkeys(CREATED, 3) | ASSIGNED
        assert [held(nic_of(s, instance_id, index)).count() for index in range(4)] == [5, 5, 5, 5]
        assert_converged(s)


def test_max_on_four_nics_with_fifteen_addresses_each_costs_what_five_addresses_on_them_do() -> None:
    most = {"ipv4": {"addresses": "max"}, "ipv6": {"addresses": "max"}}
    with scene(policy_of(*(interface(index, **most) for index in range(4))), subnets=PLANS) as s:
        instance_id = launched(s, EMPTY, instance_type="m5.xlarge")
        assert calls(s) == dict.fromkeys(CREATED, 3) | ASSIGNED
        for index in range(4):
            eni = nic_of(s, instance_id, index)
            assert (eni.ipv4_slots, eni.ipv6_slots) == (15, 15)
        assert s.checker.refused == {}
        assert sorted(pool.spec.ips.count() for pool in s.pools(instance_id)) == [14] * 8
        assert_converged(s)


def test_max_on_four_nics_that_the_launch_template_fills_costs_no_mutation() -> None:
    most = {"ipv4": {"addresses": "max"}, "ipv6": {"addresses": "max"}}
    filled = EMPTY | {"Ipv6AddressCount": 15, "SecondaryPrivateIpAddressCount": 14}
    with scene(policy_of(*(interface(index, **most) for index in range(4))), subnets=PLANS) as s:
        instance_id = launched(s, *[filled] * 4, instance_type="m5.xlarge")
        assert calls(s) == {}
        assert sorted(pool.spec.ips.count() for pool in s.pools(instance_id)) == [14] * 8
        assert_converged(s)


def test_each_look_at_a_batch_is_two_reads_and_a_created_nic_adds_two_once() -> None:
    with scene(policy_of(dual(0), dual(1)), subnets=PLANS) as s:
        launched(s, EMPTY, EMPTY)  # types and subnets are remembered from here on
        s.stack.bus.scheduled = False
        s.stack.model.calls.clear()
        looks = s.stack.functions["reconcile_nodes"].invocations
        looks.clear()
        launched(s, EMPTY)
        # Beside them: which of the chosen subnets has how much room, and whether the NIC was created already.
        extra = {"DescribeSubnets": 1, "DescribeNetworkInterfaces": 1}
        assert len(looks) == 2
        assert calls(s, reads=True) == Counter(DescribeInstances=2, DescribeNetworkInterfaces=2) + Counter(extra)


def test_the_launches_of_one_batch_share_all_their_reads() -> None:
    with scene(policy_of(dual(0), dual(1)), subnets=PLANS) as s:
        launched(s, EMPTY, EMPTY)
        s.stack.bus.scheduled = False
        ids = [s.launch(nics=1, Ipv6AddressCount=6, SecondaryPrivateIpAddressCount=5) for _ in range(BATCH_SIZE)]
        s.stack.bus.disable_rules()  # their own events would bring them one by one
        s.run(60)
        s.stack.model.calls.clear()
        s.stack.functions["reconcile_nodes"].invocations.clear()
        s.stack.bus.invoke_resync({"instanceIds": ids})
        resync = calls(s, reads=True)
        s.run(5)
        assert len(s.stack.functions["reconcile_nodes"].invocations) == 1
        assert (calls(s, reads=True) - resync).total() == 4
        assert calls(s) == dict.fromkeys(CREATED, BATCH_SIZE)
