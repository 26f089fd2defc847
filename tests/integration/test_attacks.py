"""What an attacker found, as tests: stale describes, a nearly full subnet, a NIC that has no room."""

import pytest
import yaml

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.local.cluster import Fault
from spiderpool_aws.local.ec2 import Ec2Options
from spiderpool_aws.local.ec2.fixtures import SubnetPlan
from tests.integration import scene as scenes
from tests.integration.scene import Scene, policy_text, scene


def small(**changes: object) -> str:
    """Three addresses a NIC: the type's limit would let a second assignment through, so the product must stop it."""
    return policy_text(**changes).replace("addresses: 5", "addresses: 3")  # type: ignore[arg-type]


@pytest.mark.parametrize("lag", [6.0, 12.0, 25.0])
def test_a_stale_describe_never_has_a_nic_assigned_twice_before_its_node_joins(lag: float) -> None:
    options = Ec2Options(describe_lag_seconds=lag, state_change_delay_seconds=lag + 3)
    with scene(small(), options=options) as s:
        instance_id = s.launch()
        s.run(900)
        assert len(s.addresses(instance_id)) == 6
        assert [pool.spec.ips.count() for pool in s.pools(instance_id)] == [3, 3]


def test_a_stale_describe_never_has_a_nic_assigned_twice_when_its_pool_could_not_be_written() -> None:
    options = Ec2Options(describe_lag_seconds=8, state_change_delay_seconds=10)
    with scene(small(nodeName="instance-id"), options=options) as s:
        refused: list[str] = []

        def fail_once(method: str, path: str) -> Fault | None:
            # Only the write: were the pools not even listed, nothing would be assigned and nothing shown.
            if method != "PATCH" or "spiderippools" not in path or refused:
                return None
            refused.append(path)
            return Fault.status(500)

        s.stack.cluster.inject(fail_once)
        instance_id = s.launch()
        s.run(640)
        assert len(refused) == 1
        assert len(s.addresses(instance_id)) == 6


def reserving(reserve: int) -> str:
    document = yaml.safe_load(policy_text(nics=1))
    document["groups"][0]["interfaces"][0]["subnets"] = {"reserve": reserve}
    text: str = yaml.safe_dump(document)
    return text


def free_in(s: Scene, subnet: str) -> int:
    answer = s.stack.model.call("DescribeSubnets", {"SubnetIds": [s.network.subnets[subnet]]})
    free: int = answer["Subnets"][0]["AvailableIpAddressCount"]
    return free


def test_nodes_of_one_batch_never_take_a_subnet_below_its_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scenes.SUBNETS, "nodes", SubnetPlan("10.0.0.0/27"))
    with scene(reserving(8)) as s:
        s.stack.bus.scheduled = False
        for _ in range(4):
            s.launch(nics=1)
        s.run(180)
        assert free_in(s, "nodes") == 8
        # A person makes no room, so what is missing is waited for and told, not asked for again and again.
        assert s.stack.journal.counts["CapacityLimited"] > 0


def test_an_address_in_use_that_no_longer_fits_is_told_and_keeps_nothing_else_from_being_done() -> None:
    with scene(policy_text(nics=2).replace("addresses: 5", "addresses: 9")) as s:
        instance_id = s.launch()
        s.run(120)
        one, other = sorted(s.pools(instance_id), key=lambda pool: pool.name)
        s.stack.agent.run_pod("default", "web", one.spec.node_name[0], "kube-system/ipvlan-ens5")
        [used] = [address for pool in s.pools(instance_id) for address in pool.allocated]
        assert one.identity is not None
        assert other.identity is not None
        full = {"NetworkInterfaceId": one.identity.eni_id}
        s.stack.model.call("UnassignPrivateIpAddresses", full | {"PrivateIpAddresses": [used]})
        s.stack.model.call("AssignPrivateIpAddresses", full | {"PrivateIpAddresses": ["10.0.0.200"]})
        s.run(60)
        taken = list(other.spec.ips)[:3]
        lost = {"NetworkInterfaceId": other.identity.eni_id, "PrivateIpAddresses": taken}
        s.stack.model.call("UnassignPrivateIpAddresses", lost)
        before = len(s.stack.model.calls)
        s.run(1800)
        assert len(s.stack.model.enis[other.identity.eni_id].secondary_ips) == 9
        ours = [call for call in s.stack.model.calls[before:] if call.caller in s.stack.role_arns]
        assert sum(call.operation == "AssignPrivateIpAddresses" for call in ours) == 1
        assert s.stack.journal.counts["AddressLost"] > 0


def test_fewer_addresses_of_a_prefix_shrink_the_pool_and_assign_nothing() -> None:
    with scene(policy_text(ipv6={"prefixes": 1, "perPrefix": 16})) as s:
        instance_id = s.launch()
        s.run(180)
        node = s.pools(instance_id)[0].spec.node_name[0]
        for number in range(3):
            assert not s.stack.agent.run_pod("default", f"web-{number}", node, "kube-system/ipvlan-ens5").error
        before = len(s.stack.model.calls)
        s.stack.put_policy(policy_text(ipv6={"prefixes": 1, "perPrefix": 2}))
        s.run(60)
        # That is more than a tenth of all addresses, so a person has to agree.
        digest = s.stack.bus.invoke_resync({"dryRun": True})["removals"]["digest"]
        s.stack.bus.invoke_resync({"confirm": digest})
        s.run(300)
        pools = [pool for pool in s.pools(instance_id) if pool.family is IPFamily.IPV6]
        # What a pod uses stays listed: it is assigned, only no longer wanted.
        assert sorted(pool.spec.ips.count() for pool in pools) == [2, 3]
        assert s.stack.journal.counts["AddressLost"] == 0
        ours = [call.operation for call in s.stack.model.calls[before:] if call.caller in s.stack.role_arns]
        assert not any(operation.startswith(("Assign", "Unassign")) for operation in ours)


def test_an_event_that_is_ahead_of_what_ec2_shows_is_looked_at_again() -> None:
    options = Ec2Options(describe_lag_seconds=15, pending_seconds=3)
    with scene(small(), options=options) as s:
        s.stack.bus.scheduled = False
        instance_id = s.launch()
        s.run(100)
        assert len(s.addresses(instance_id)) == 6


def test_one_pool_that_cannot_be_read_keeps_no_other_node_waiting() -> None:
    with scene(small()) as s:
        first, second = s.launch(), s.launch()
        s.run(120)
        victim, lost = s.pools(first)[0].name, s.pools(second)[0]
        [spoiled] = [p for p in s.stack.cluster.objects("spiderippools") if p["metadata"]["name"] == victim]
        s.stack.cluster.put({**spoiled, "status": {"allocatedIPs": "no json"}})
        assert lost.identity is not None
        gone = {"NetworkInterfaceId": lost.identity.eni_id, "PrivateIpAddresses": list(lost.spec.ips)[:1]}
        s.stack.model.call("UnassignPrivateIpAddresses", gone)
        s.stack.bus.advance(600)
        assert len(s.addresses(second)) == 6
        # The checker reads pools as the product does, so it looks again when somebody has mended this one.
        s.stack.cluster.put(spoiled)
        assert s.stack.failed_invocations == []
