"""A full subnet, in each of EC2's ways of saying so, leads to the same state: less, elsewhere, cool-down, told."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from spiderpool_aws.local.ec2 import Fault
from tests.integration.capacity import (
    PLANS,
    by_hand,
    calls,
    dual,
    events,
    held,
    interface,
    listed,
    nic_of,
    policy_of,
    run_pods,
)
from tests.integration.scene import Scene, scene

MESSAGE = "There aren't sufficient free Ipv4 addresses or prefixes in subnet subnet-1 to fulfill the request."
CODES = [
    pytest.param(("InsufficientFreeAddressesInSubnet", "The subnet has not enough free addresses."), id="free"),
    pytest.param(("InsufficientCidrBlocks", "The subnet has not enough free cidr blocks."), id="blocks"),
    pytest.param(("InvalidParameterValue", MESSAGE), id="value"),
]
ASSIGN, CREATE, ATTACH = "AssignPrivateIpAddresses", "CreateNetworkInterface", "AttachNetworkInterface"
Said = tuple[str, str]


def say(s: Scene, said: Said) -> None:
    """Let EC2 refuse in these words what a subnet has no room for."""

    def hook(operation: str, params: Mapping[str, Any]) -> Fault | None:
        count = params.get("SecondaryPrivateIpAddressCount", 0)
        if operation == ASSIGN:
            subnet_id = s.stack.model.enis[params["NetworkInterfaceId"]].subnet_id
        elif operation == CREATE and "ClientToken" in params:
            subnet_id, count = params["SubnetId"], count + 1
        else:
            return None
        free = s.stack.model.subnets[subnet_id].ipv4.free_count
        return Fault.refuse(*said) if free < count else None

    s.stack.model.inject(hook)


def leave(s: Scene, subnet: str, free: int) -> str:
    """Let somebody take all but so many addresses of a subnet; return the NIC."""
    found = s.stack.model.subnets[s.network.subnets[subnet]]
    params = {"SubnetId": found.id, "SecondaryPrivateIpAddressCount": found.ipv4.free_count - free - 1}
    return str(by_hand(s, CREATE, **params)["NetworkInterface"]["NetworkInterfaceId"])


def refusals(s: Scene, operation: str) -> int:
    ours = (c for c in s.stack.model.calls if c.operation == operation and c.caller in s.stack.role_arns)
    return sum(not c.took_effect for c in ours)


@pytest.mark.parametrize("said", CODES)
def test_a_nic_gets_what_is_left_and_the_rest_when_there_is_room_again(said: Said) -> None:
    with scene(policy_of(interface(0)), subnets=PLANS) as s:
        say(s, said)
        taker = leave(s, "nodes", free=3)  # one is the primary address
        instance_id = s.launch(nics=1)
        s.run(120)
        assert (held(nic_of(s, instance_id)).count(), listed(s, instance_id).count()) == (2, 2)
        assert events(s, "CapacityLimited")
        assert s.stack.journal.counts["SubnetExhausted"] > 0
        before = refusals(s, ASSIGN)
        s.checker.assert_idle(lambda: s.run(600))
        assert refusals(s, ASSIGN) == before, "nothing is asked of a subnet that says itself that it is full"
        (node,) = s.stack.cluster.objects("nodes")
        assert not node["spec"].get("taints"), "two addresses serve two pods"
        by_hand(s, "DeleteNetworkInterface", NetworkInterfaceId=taker)
        s.run(400)
        assert listed(s, instance_id).count() == 5
        s.checker.assert_idle(lambda: s.run(600))


@pytest.mark.parametrize("said", CODES)
def test_nodes_of_a_full_subnet_ask_once_and_are_then_left_in_peace(said: Said) -> None:
    with scene(policy_of(interface(0)), subnets=PLANS) as s:
        say(s, said)
        leave(s, "nodes", free=4)
        for _ in range(4):
            s.launch(nics=1)
        s.run(600)
        assert s.pools() == []
        assert refusals(s, ASSIGN) <= 4
        assert all(node["spec"]["taints"] for node in s.stack.cluster.objects("nodes"))


@pytest.mark.parametrize("said", CODES)
def test_a_nic_is_created_in_a_sibling_and_the_full_subnet_is_not_asked_again_for_a_minute(said: Said) -> None:
    with scene(policy_of(dual(0)), subnets=PLANS) as s:
        refuse = Fault.refuse(*said)
        full = s.network.subnets["pods"]
        end = s.stack.model.inject(lambda name, p: refuse if name == CREATE and p["SubnetId"] == full else None)
        ids = [s.launch(nics=1) for _ in range(2)]
        s.run(120)
        s.stack.put_policy(policy_of(dual(0), dual(1)))
        s.run(55)
        for instance_id in ids:
            assert nic_of(s, instance_id, 1).subnet_id == s.network.subnets["small"]
        assert calls(s)[CREATE] == 3, "one refusal for two nodes"
        assert events(s, "SubnetExhausted")
        assert s.stack.journal.counts["SubnetExhausted"] > 0
        end()
        s.run(120)
        third = s.launch(nics=1)
        s.run(60)
        assert nic_of(s, third, 1).subnet_id == full
        s.run(200)
        s.checker.assert_idle(lambda: s.run(600))


@pytest.mark.parametrize("said", CODES)
def test_a_nic_that_fits_nowhere_is_waited_for_and_comes_when_there_is_room(said: Said) -> None:
    with scene(policy_of(dual(0), dual(1)), subnets=PLANS) as s:
        refuse = Fault.refuse(*said)
        end = s.stack.model.inject(lambda name, _: refuse if name == CREATE else None)
        instance_id = s.launch(nics=1)
        s.run(600)
        # In two subnets, after 0, 1, 3 and 7 minutes.
        assert refusals(s, CREATE) <= 2 * 4
        assert listed(s, instance_id).count() == 5, "the first NIC is served"
        (node,) = s.stack.cluster.objects("nodes")
        assert node["spec"]["taints"]
        assert events(s, "SubnetExhausted")
        end()
        # No count tells of it, so it is asked when the pause of eight minutes is over and a resync looks.
        s.run(720)
        assert listed(s, instance_id).count() == 10
        s.run(60)
        s.checker.assert_idle(lambda: s.run(600))


@pytest.mark.parametrize("said", CODES)
def test_a_prefix_of_either_kind_of_call_falls_back_or_waits_in_the_same_way(said: Said) -> None:
    sizes = {"ipv4": {"prefixes": 1, "fallback": "addresses"}}
    with scene(policy_of(interface(0, **sizes), interface(1, **sizes)), subnets=PLANS) as s:
        refuse = Fault.refuse(*said)
        s.stack.model.inject(lambda _, p: refuse if "Ipv4PrefixCount" in p else None)
        instance_id = s.launch(nics=1)
        s.run(200)
        assert [held(nic_of(s, instance_id, index)).count() for index in range(2)] == [8, 8]
        assert listed(s, instance_id).count() == 16
        assert events(s, "SubnetExhausted")
        assert events(s, "PrefixFallback")


TWO = policy_of(interface(0), interface(1))


def lacking_addresses(s: Scene) -> str:
    return s.launch(nics=2)


def lacking_a_nic(s: Scene) -> str:
    s.stack.put_policy(policy_of(interface(0)))
    instance_id = s.launch(nics=1)
    s.run(120)
    s.stack.put_policy(TWO)
    return instance_id


def having_lost_two_addresses_in_use(s: Scene) -> str:
    instance_id = s.launch(nics=2)
    s.run(120)
    used = run_pods(s, instance_id, 2)
    nic = nic_of(s, instance_id).id
    by_hand(s, "UnassignPrivateIpAddresses", NetworkInterfaceId=nic, PrivateIpAddresses=used)
    return instance_id


def refuse_one_nic(s: Scene, instance_id: str, call: str, said: Said) -> Callable[[], None]:
    """Refuse a call: what is assigned for the first NIC, what makes the second; return what ends it."""
    first, refuse = nic_of(s, instance_id).id, Fault.refuse(*said)

    def hook(operation: str, params: Mapping[str, Any]) -> Fault | None:
        return refuse if operation == call and (call != ASSIGN or params["NetworkInterfaceId"] == first) else None

    return s.stack.model.inject(hook)


@pytest.mark.parametrize("said", CODES)
@pytest.mark.parametrize(
    ("set_up", "call", "most"),
    [
        pytest.param(lacking_addresses, ASSIGN, 4, id="Assign"),
        pytest.param(lacking_a_nic, CREATE, 2 * 4, id="Create"),
        pytest.param(lacking_a_nic, ATTACH, 1, id="Attach"),
        pytest.param(having_lost_two_addresses_in_use, ASSIGN, 3 * 4, id="Reassign"),
    ],
)
def test_each_code_of_each_call_ends_in_the_same_state(
    set_up: Callable[[Scene], str], call: str, most: int, said: Said
) -> None:
    with scene(TWO, subnets=PLANS) as s:
        instance_id = set_up(s)
        s.stack.model.calls.clear()
        end = refuse_one_nic(s, instance_id, call, said)
        s.run(600)
        assert 1 <= refusals(s, call) <= most, "it cools down: after 0, 1, 3 and 7 minutes"
        assert listed(s, instance_id).count() >= 5, "the other NIC is served"
        assert events(s, "SubnetExhausted")
        assert s.stack.journal.counts["SubnetExhausted"] > 0
        assert s.stack.dead_requests.messages == []
        end()
        # The pause after the fourth refusal lasts eight minutes, that after an attach half an hour.
        s.run(1900)
        assert [held(nic_of(s, instance_id, index)).count() for index in range(2)] == [5, 5]
        assert listed(s, instance_id).count() == 10
        s.checker.assert_idle(lambda: s.run(600))


def test_an_address_in_use_that_somebody_takes_while_it_is_not_asked_for_is_quarantined() -> None:
    with scene(TWO, subnets=PLANS) as s:
        instance_id = having_lost_two_addresses_in_use(s)
        refuse_one_nic(s, instance_id, ASSIGN, ("InsufficientFreeAddressesInSubnet", "The subnet has not enough."))
        s.run(240)
        before = refusals(s, ASSIGN)
        [used, *_] = [address for pool in s.pools(instance_id) for address in pool.allocated]
        by_hand(s, CREATE, SubnetId=s.network.subnets["nodes"], PrivateIpAddress=used)
        s.run(400)
        (kept,) = s.stack.cluster.objects("spiderreservedips")
        assert kept["spec"]["ips"] == [used]
        assert refusals(s, ASSIGN) > before, "the other one is still asked for"


def test_a_limit_that_somebody_elses_change_has_reached_is_looked_at_again_and_not_repeated() -> None:
    """`PrivateIpAddressLimitExceeded` means that the picture was old."""
    with scene(policy_of(interface(0)), subnets=PLANS) as s:
        faults = iter([Fault.refuse("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.")])
        s.stack.model.inject(lambda name, _: next(faults, None) if name == ASSIGN else None)
        instance_id = s.launch(nics=1)
        s.run(120)
        assert (listed(s, instance_id).count(), calls(s)[ASSIGN]) == (5, 2)
