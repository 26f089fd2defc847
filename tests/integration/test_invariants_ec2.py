"""The checker of the invariants can fail: each rule about EC2 is broken once, by a product that has gone wrong."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from spiderpool_aws.local.ec2 import Ec2Call, Ec2Error, Ec2TimeoutError, Fault
from spiderpool_aws.local.invariants import InvariantError
from tests.integration.broken_product import apply, call, create_nic, manifest, nic, relabelled
from tests.integration.scene import Scene, policy_text, scene


def refused(s: Scene, operation: str, **params: Any) -> None:
    with pytest.raises(Ec2Error):
        call(s, operation, **params)


def unassign_what_is_listed(s: Scene) -> None:
    call(s, "UnassignPrivateIpAddresses", NetworkInterfaceId=nic(s), PrivateIpAddresses=["10.0.0.9"])


def unassign_what_is_used(s: Scene) -> None:
    call(s, "UnassignPrivateIpAddresses", NetworkInterfaceId=nic(s), PrivateIpAddresses=["10.0.0.5"])


def delete_a_nic_whose_addresses_are_listed(s: Scene) -> None:
    eni_id = create_nic(s, SecondaryPrivateIpAddressCount=2)
    ips = s.stack.model.enis[eni_id].secondary_ips
    apply(s, relabelled(manifest(s, ips=list(ips), subnet="10.0.1.0/24", gateway="10.0.1.1"), "new", eni=eni_id))
    call(s, "DeleteNetworkInterface", NetworkInterfaceId=eni_id)


def ask_for_more_than_the_type_allows(s: Scene) -> None:
    s.stack.bus.scheduled = False
    s.stack.bus.advance(60)
    refused(s, "AssignPrivateIpAddresses", NetworkInterfaceId=nic(s), SecondaryPrivateIpAddressCount=5)


def ask_for_more_ipv6_than_the_type_allows(s: Scene) -> None:
    s.stack.bus.scheduled = False
    s.stack.bus.advance(60)
    refused(s, "AssignIpv6Addresses", NetworkInterfaceId=nic(s), Ipv6AddressCount=10)


def assign_to_a_nic_that_is_over_full(s: Scene) -> None:
    """EC2 would refuse it: what is judged is the NIC as it is, so it is filled by hand and the call shown again."""
    eni = s.stack.model.enis[nic(s)]
    seen: list[Ec2Call] = []
    s.stack.model.observe(seen.append)
    call(s, "AssignPrivateIpAddresses", NetworkInterfaceId=eni.id, SecondaryPrivateIpAddressCount=1)
    s.checker.violations.clear()  # it is one more than the policy asks for, too
    eni.secondary_ips.extend(f"10.0.0.{number}" for number in range(100, 109))
    for observer in s.stack.model._observers:
        observer(seen[0])
    del eni.secondary_ips[-9:]


def unassign_what_its_own_pool_lists_and_excludes(s: Scene) -> None:
    s.stack.cluster.store.get("spiderippools", ("", manifest(s)["metadata"]["name"])).obj["spec"]["excludeIPs"] = [  # type: ignore[union-attr]
        "10.0.0.9"
    ]
    unassign_what_is_listed(s)


def assign_below_the_reserve(s: Scene) -> None:
    s.stack.model.subnets[s.network.subnets["nodes"]].ipv4.free_count = 10
    call(s, "AssignPrivateIpAddresses", NetworkInterfaceId=nic(s), SecondaryPrivateIpAddressCount=1)


def assign_below_the_reserve_of_another_interface(s: Scene) -> None:
    document = yaml.safe_load(with_reserve())
    document["groups"][0]["interfaces"][0]["subnets"] = {"reserve": 0}
    s.stack.put_policy(yaml.safe_dump(document))
    s.stack.model.subnets[s.network.subnets["nodes"]].tags["use"] = "pods"
    assign_below_the_reserve(s)


def create_below_the_reserve(s: Scene) -> None:
    subnet = s.stack.model.subnets[s.network.subnets["pods"]]
    subnet.tags["use"], subnet.ipv4.free_count = "pods", 10
    create_nic(s)


def create_a_nic_without_tags(s: Scene) -> None:
    call(s, "CreateNetworkInterface", SubnetId=s.network.subnets["pods"])


def create_a_nic_with_an_empty_list_of_tags(s: Scene) -> None:
    create_nic(s, "")


def create_a_nic_with_a_tag_that_says_nothing(s: Scene) -> None:
    create_nic(s, "Name=nic")


def create_a_nic_without_the_instances_tag(s: Scene) -> None:
    create_nic(s, "spiderpool-aws/cluster=prod")


def create_a_nic_for_another_cluster(s: Scene) -> None:
    create_nic(s, "spiderpool-aws/cluster=staging", "spiderpool-aws/instance=i-1")


def delete_somebodys_nic(s: Scene) -> None:
    answer = s.stack.model.call("CreateNetworkInterface", {"SubnetId": s.network.subnets["pods"]})
    call(s, "DeleteNetworkInterface", NetworkInterfaceId=answer["NetworkInterface"]["NetworkInterfaceId"])


def detach_somebodys_nic(s: Scene) -> None:
    attachment = s.stack.model.enis[nic(s, 1)].attachment
    assert attachment is not None
    call(s, "DetachNetworkInterface", AttachmentId=attachment.id)


def change_somebodys_nic(s: Scene) -> None:
    call(s, "ModifyNetworkInterfaceAttribute", NetworkInterfaceId=nic(s), SourceDestCheck={"Value": False})


def tag_an_instance(s: Scene) -> None:
    call(s, "CreateTags", Resources=list(s.stack.model.instances), Tags=[{"Key": "a", "Value": "b"}])


def terminate(s: Scene) -> None:
    call(s, "TerminateInstances", InstanceIds=list(s.stack.model.instances))


def try_to_terminate(s: Scene) -> None:
    refused(s, "TerminateInstances", InstanceIds=["i-00000000000000bad"])


def assign_to_an_instance_of_another_cluster(s: Scene) -> None:
    other = s.launch(nics=1, tags={"spiderpool-aws/cluster": "staging"})
    (eni,) = (e for e in s.stack.model.enis.values() if e.attachment and e.attachment.instance_id == other)
    call(s, "AssignPrivateIpAddresses", NetworkInterfaceId=eni.id, SecondaryPrivateIpAddressCount=1)


def take_an_address_from_another_nic(s: Scene) -> None:
    params = {"NetworkInterfaceId": nic(s), "PrivateIpAddresses": ["10.0.0.20"], "AllowReassignment": True}
    call(s, "AssignPrivateIpAddresses", **params)


def with_reserve() -> str:
    """Return a policy whose NICs leave 50 addresses of their subnets free."""
    document = yaml.safe_load(policy_text())
    for interface in document["groups"][0]["interfaces"]:
        interface["subnets"] = {"tags": {"use": "pods"}, "reserve": 50}
    return yaml.safe_dump(document)


@pytest.mark.parametrize(
    ("invariant", "break_it"),
    [
        (2, unassign_what_is_listed),
        (2, unassign_what_its_own_pool_lists_and_excludes),
        (3, unassign_what_is_used),
        (2, delete_a_nic_whose_addresses_are_listed),
        (5, ask_for_more_than_the_type_allows),
        (5, ask_for_more_ipv6_than_the_type_allows),
        (5, assign_to_a_nic_that_is_over_full),
        (5, assign_below_the_reserve),
        (5, assign_below_the_reserve_of_another_interface),
        (5, create_below_the_reserve),
        (6, create_a_nic_without_tags),
        (6, create_a_nic_with_an_empty_list_of_tags),
        (6, create_a_nic_with_a_tag_that_says_nothing),
        (6, create_a_nic_without_the_instances_tag),
        (6, create_a_nic_for_another_cluster),
        (7, delete_somebodys_nic),
        (7, detach_somebodys_nic),
        (7, change_somebodys_nic),
        (7, tag_an_instance),
        (7, terminate),
        (7, try_to_terminate),
        (7, assign_to_an_instance_of_another_cluster),
        (7, take_an_address_from_another_nic),
    ],
)
def test_a_product_that_breaks_an_invariant_in_ec2_is_caught(invariant: int, break_it: Callable[[Scene], None]) -> None:
    with scene(with_reserve()) as s:
        s.launch()
        s.run(120)
        (node,) = s.stack.cluster.objects("nodes")
        s.stack.agent.run_pod("default", "web", node["metadata"]["name"], "kube-system/ipvlan-ens5")
        s.checker.check()
        break_it(s)
        with pytest.raises(InvariantError, match=f"invariant {invariant}:"):
            s.checker.check()
        s.checker.violations.clear()


def test_a_refusal_for_too_many_addresses_is_counted_and_excused_while_the_picture_may_be_old() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        by_hand = {"NetworkInterfaceId": nic(s), "SecondaryPrivateIpAddressCount": 4}
        s.stack.model.call("AssignPrivateIpAddresses", by_hand)
        refused(s, "AssignPrivateIpAddresses", NetworkInterfaceId=nic(s), SecondaryPrivateIpAddressCount=1)
        s.checker.check()
        assert s.checker.refused == {"PrivateIpAddressLimitExceeded": 1}


def test_a_nic_that_the_system_created_may_be_attached_and_kept_only_if_it_goes_with_its_instance() -> None:
    with scene() as s:
        instance_id = s.launch(nics=1)
        s.stack.bus.advance(60)
        s.stack.bus.silence()
        eni_id = create_nic(s)
        s.checker.check()
        with pytest.raises(InvariantError, match=f"invariant 6: {eni_id}, .* is attached to nothing"):
            s.checker.assert_no_leaks()
        attached = call(s, "AttachNetworkInterface", NetworkInterfaceId=eni_id, InstanceId=instance_id, DeviceIndex=1)
        with pytest.raises(InvariantError, match=f"stays when {instance_id} is terminated"):
            s.checker.assert_no_leaks()
        change = {"AttachmentId": attached["AttachmentId"], "DeleteOnTermination": True}
        call(s, "ModifyNetworkInterfaceAttribute", NetworkInterfaceId=eni_id, Attachment=change)
        s.checker.assert_no_leaks()
        s.stack.model.call("TerminateInstances", {"InstanceIds": [instance_id]})
        s.stack.bus.advance(60)
        s.checker.assert_no_leaks()
        s.checker.check()


def test_a_nic_whose_creation_was_never_answered_is_the_systems_all_the_same() -> None:
    with scene() as s:
        s.launch(nics=1)
        end = s.stack.model.inject(lambda name, _: Fault.lose_answer() if name.startswith("Create") else None)
        with pytest.raises(Ec2TimeoutError):
            create_nic(s)
        end()
        with pytest.raises(InvariantError, match="is attached to nothing"):
            s.checker.assert_no_leaks()
        (eni_id,) = s.checker._ec2.created
        call(s, "DeleteNetworkInterface", NetworkInterfaceId=eni_id)
        s.checker.assert_no_leaks()
        s.checker.violations.clear()  # so soon, it might have been needed


def test_the_role_of_a_person_is_not_the_products() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.stack.model.call("TerminateInstances", {"InstanceIds": list(s.stack.model.instances)})
        s.checker.check()
        with pytest.raises(InvariantError, match="invariant 7: TerminateInstances is not a call of ours"):
            s.checker.assert_idle(lambda: call(s, "TerminateInstances", InstanceIds=list(s.stack.model.instances)))
        s.checker.violations.clear()


@pytest.mark.parametrize(("excluded", "broken"), [(["10.0.0.100-10.0.0.101"], False), (["10.0.0.100"], True)])
def test_what_a_foreign_pool_lists_and_excludes_is_listed_by_nobody(excluded: list[str], broken: bool) -> None:
    """Spiderpool takes the same for it: recorded answers, "an address excluded elsewhere may be used"."""
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        more = ["10.0.0.100", "10.0.0.101"]
        s.stack.bus.silence()
        s.stack.model.call("AssignPrivateIpAddresses", {"NetworkInterfaceId": nic(s), "PrivateIpAddresses": more})
        theirs = manifest(s, ips=more, excludeIPs=excluded)
        s.stack.cluster.put(theirs | {"metadata": {"name": "theirs"}})
        call(s, "UnassignPrivateIpAddresses", NetworkInterfaceId=nic(s), PrivateIpAddresses=more)
        messages = [violation.message for violation in s.checker.violations]
        assert any("10.0.0.101 was unassigned while pool theirs lists it" in message for message in messages) == broken
        s.checker.violations.clear()


def test_the_product_gives_back_what_a_foreign_pool_lists_and_excludes_and_the_checker_agrees() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        more = ["10.0.0.100", "10.0.0.101"]
        s.stack.cluster.put(manifest(s, ips=more, excludeIPs=more) | {"metadata": {"name": "theirs"}})
        s.stack.model.call("AssignPrivateIpAddresses", {"NetworkInterfaceId": nic(s), "PrivateIpAddresses": more})
        s.run(400)
        assert len(s.stack.model.enis[nic(s)].secondary_ips) == 5
