"""What is left alone is left alone by every rule: EFA, trunk and branch NICs, and whatever carries managed=false."""

from typing import Any

import pytest

from spiderpool_aws.local.cluster import ClusterWrite
from spiderpool_aws.local.cluster.double import PRODUCT
from spiderpool_aws.local.ec2 import Ec2Options
from spiderpool_aws.local.ec2.fixtures import tag_list
from tests.integration.capacity import (
    PLANS,
    V6,
    by_hand,
    calls,
    dual,
    events,
    held,
    indexes,
    interface,
    nic_of,
    node_name,
    policy_of,
)
from tests.integration.scene import Scene, scene
from tests.integration.test_clean_up import stray

KINDS = ["efa", "trunk", "branch", "managed=false"]
TWO, DUAL = policy_of(interface(0), interface(1)), policy_of(dual(0), dual(1))
MANAGED = "spiderpool-aws/managed"


def leave_alone(s: Scene, eni_id: str, kind: str) -> None:
    """Make a NIC one that is not to be touched."""
    if kind == "managed=false":
        by_hand(s, "CreateTags", Resources=[eni_id], Tags=tag_list({MANAGED: "false"}))
    else:
        s.stack.model.enis[eni_id].interface_type = kind


def pools_of(s: Scene, eni_id: str) -> dict[str, Any]:
    return {pool.name: pool.spec for pool in s.pools() if pool.identity and pool.identity.eni_id == eni_id}


def touching(s: Scene, eni_id: str) -> list[str]:
    """Return a list that fills with what the product does to a NIC and to its pools."""
    seen: list[str] = []
    names = pools_of(s, eni_id)

    def note(write: ClusterWrite) -> None:
        if write.user == PRODUCT and (write.name in names or eni_id[-8:] in write.name):
            seen.append(f"{write.verb} {write.name}")

    s.stack.cluster.observe(note)
    s.stack.model.observe(
        lambda call: (
            seen.append(call.operation)
            if call.caller in s.stack.role_arns
            and eni_id in (call.params.get("NetworkInterfaceId"), *call.params.get("Resources", []))
            and not call.operation.startswith("Describe")
            else None
        )
    )
    return seen


def test_a_nic_with_pools_that_is_to_be_left_alone_keeps_all_as_it_is() -> None:
    with scene(TWO, subnets=PLANS) as s:
        instance_id = s.launch(nics=2)
        s.run(120)
        eni = nic_of(s, instance_id, 1)
        leave_alone(s, eni.id, "managed=false")
        before, had, seen = pools_of(s, eni.id), held(eni), touching(s, eni.id)
        for size in ({"addresses": 8}, {"addresses": 2}):
            s.stack.put_policy(policy_of(interface(0), interface(1, ipv4=size)))
            s.run(400)
        by_hand(s, "StopInstances", InstanceIds=[instance_id])
        s.run(120)
        by_hand(s, "StartInstances", InstanceIds=[instance_id])
        s.run(400)
        assert (seen, pools_of(s, eni.id), held(eni)) == ([], before, had)
        pod = s.stack.agent.run_pod("default", "old", node_name(s, instance_id), "kube-system/ipvlan-ens6")
        assert not pod.error, "its pools serve as before"


def test_a_nic_with_pools_that_is_to_be_left_alone_holds_ipv6_up_and_gets_none() -> None:
    with scene(TWO, subnets=PLANS) as s:
        instance_id = s.launch(nics=2)
        s.run(120)
        eni = nic_of(s, instance_id, 1)
        leave_alone(s, eni.id, "managed=false")
        seen = touching(s, eni.id)
        s.stack.put_policy(DUAL)
        s.run(900)
        ipv6 = [pool for pool in s.pools() if pool.family is V6]
        assert (seen, [pool.spec.default for pool in ipv6]) == ([], [False])
        findings = s.stack.bus.invoke_resync({"dryRun": True})["findings"]
        assert [eni.id in text for text in findings if "holds IPv6 up" in text] == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_a_nic_without_pools_that_is_to_be_left_alone_gets_none_and_holds_no_ipv6_up(kind: str) -> None:
    with scene(TWO, subnets=PLANS) as s:
        s.stack.bus.scheduled = False
        made = by_hand(s, "CreateNetworkInterface", SubnetId=s.network.subnets["pods"])["NetworkInterface"]
        eni_id = made["NetworkInterfaceId"]
        leave_alone(s, eni_id, kind)
        instance_id = s.launch(nics=1)
        s.stack.clock.advance(10)
        by_hand(s, "AttachNetworkInterface", NetworkInterfaceId=eni_id, InstanceId=instance_id, DeviceIndex=1)
        s.stack.bus.scheduled = True
        seen = touching(s, eni_id)
        s.run(300)
        s.stack.put_policy(DUAL)
        s.run(600)
        assert (seen, pools_of(s, eni_id)) == ([], {})
        assert [pool.spec.default for pool in s.pools() if pool.family is V6] == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_a_spare_nic_of_ours_that_is_to_be_left_alone_is_neither_attached_nor_deleted_nor_replaced(kind: str) -> None:
    with scene(policy_of(interface(0)), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        spare = stray(s, instance_id)
        leave_alone(s, spare, kind)
        seen = touching(s, spare)
        s.stack.model.calls.clear()
        s.stack.put_policy(TWO)
        s.run(1800)
        assert (seen, indexes(s, instance_id), spare in s.stack.model.enis) == ([], [0], True)
        assert calls(s)["CreateNetworkInterface"] == 0, "there would be two for one index"
        assert [spare in event["message"] for event in events(s, "LeftAlone")] == [True]
        s.checker._ec2.created.clear()


@pytest.mark.parametrize("kind", KINDS)
def test_a_spare_nic_that_is_to_be_left_alone_outlives_its_instance(kind: str) -> None:
    with scene(policy_of(interface(0)), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        spare = stray(s, instance_id)
        leave_alone(s, spare, kind)
        seen = touching(s, spare)
        s.run(1200)
        by_hand(s, "TerminateInstances", InstanceIds=[instance_id])
        s.run(1800)
        assert (seen, spare in s.stack.model.enis) == ([], True)
        s.checker._ec2.created.clear()


def test_an_instance_that_is_to_be_left_alone_is_touched_by_nothing_but_its_end() -> None:
    with scene(TWO, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        by_hand(s, "CreateTags", Resources=[instance_id], Tags=tag_list({MANAGED: "false"}))
        spare = stray(s, instance_id, **{"device-index": "2"})
        before = {pool.name: pool.spec for pool in s.pools(instance_id)}
        s.run(10)
        s.stack.model.calls.clear()
        for policy in (policy_of(interface(0, ipv4={"addresses": 2})), DUAL, policy_of(interface(1))):
            s.stack.put_policy(policy)
            s.run(900)
        by_hand(s, "StopInstances", InstanceIds=[instance_id])
        s.run(120)
        by_hand(s, "StartInstances", InstanceIds=[instance_id])
        s.run(300)
        assert (calls(s), {pool.name: pool.spec for pool in s.pools(instance_id)}) == ({}, before)
        assert spare in s.stack.model.enis
        by_hand(s, "TerminateInstances", InstanceIds=[instance_id])
        s.run(300)
        assert s.pools(instance_id) == []
        assert [node["metadata"]["name"] for node in s.stack.cluster.objects("nodes")], "its Node is a person's"
        s.checker._ec2.created.clear()


@pytest.mark.parametrize("tagged", ["NIC", "instance"])
def test_what_a_describe_does_not_show_as_left_alone_yet_is_served_for_as_long_and_then_no_more(tagged: str) -> None:
    """No other look would know better; what is left alone keeps what it got (docs/policy.md)."""
    with scene(policy_of(interface(0)), options=Ec2Options(describe_lag_seconds=30.0)) as s:
        instance_id = s.launch(nics=1)
        s.run(600)
        nic = nic_of(s, instance_id)
        by_hand(
            s, "CreateTags", Resources=[nic.id if tagged == "NIC" else instance_id], Tags=tag_list({MANAGED: "false"})
        )
        s.stack.put_policy(policy_of(interface(0, ipv4={"addresses": 6})))
        s.run(20)
        assert held(nic).count() == 6
        s.run(60)
        seen = touching(s, nic.id)
        s.stack.put_policy(policy_of(interface(0, ipv4={"addresses": 8})))
        s.run(600)
        assert (seen, held(nic).count()) == ([], 6)
