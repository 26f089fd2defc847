"""What belongs to nobody goes, when that is sure; what is somebody's stays, and what nobody lets go is told."""

import pytest

from spiderpool_aws.local.ec2.fixtures import tag_list
from tests.integration.capacity import PLANS, by_hand, dual, events, indexes, interface, nic_of, node_name, policy_of
from tests.integration.capacity import run_pods as run_pods_on
from tests.integration.scene import Scene, scene

NETWORK = "kube-system/ipvlan-ens5"
ONE = policy_of(interface(0))


def stray(s: Scene, instance_id: str, cluster: str = "prod", **tags: str) -> str:
    """Create a NIC with the tags of one that we made for an instance; return its id."""
    known = {"cluster": cluster, "instance": instance_id, "device-index": "1"} | tags
    given = tag_list({f"spiderpool-aws/{key}": value for key, value in known.items()})
    made = by_hand(
        s,
        "CreateNetworkInterface",
        SubnetId=s.network.subnets["pods"],
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": given}],
    )
    eni_id = str(made["NetworkInterface"]["NetworkInterfaceId"])
    s.checker._ec2.created.add(eni_id)  # as the checker would know it from a worker that died after the create
    return eni_id


@pytest.mark.parametrize("whose", ["a live instance that needs none", "an instance that never was", "a dead instance"])
def test_a_nic_of_ours_that_nobody_needs_is_noted_and_deleted_ten_minutes_later(whose: str) -> None:
    with scene(ONE, subnets=PLANS) as s:
        alive = s.launch(nics=1)
        s.run(120)
        eni_id = stray(s, alive if "live" in whose else "i-00000000000000bad")
        if "dead" in whose:
            by_hand(s, "CreateTags", Resources=[eni_id], Tags=tag_list({"spiderpool-aws/instance": alive}))
            by_hand(s, "TerminateInstances", InstanceIds=[alive])
        s.run(330)
        dead = "dead" in whose
        noted = s.stack.model.enis[eni_id].tags if eni_id in s.stack.model.enis else {}
        assert dead or "spiderpool-aws/orphan-since" in noted
        s.run(240)
        assert dead or eni_id in s.stack.model.enis, "not yet ten minutes"
        s.run(600)
        assert eni_id not in s.stack.model.enis
        s.checker.assert_idle(lambda: s.run(600))


def test_nics_of_others_and_those_that_a_person_keeps_stay() -> None:
    with scene(ONE, subnets=PLANS) as s:
        s.launch(nics=1)
        s.run(120)
        kept = [
            stray(s, "i-00000000000000bad", "staging"),
            stray(s, "i-00000000000000bad", managed="false"),
            str(
                by_hand(s, "CreateNetworkInterface", SubnetId=s.network.subnets["pods"])["NetworkInterface"][
                    "NetworkInterfaceId"
                ]
            ),
        ]
        s.run(1800)
        assert set(kept) <= s.stack.model.enis.keys()
        s.checker._ec2.created.clear()


def test_a_nic_of_ours_that_a_person_attached_to_another_instance_is_left_alone() -> None:
    with scene(ONE, subnets=PLANS) as s:
        s.launch(nics=1)
        other = s.launch(nics=1, tags={})
        s.run(120)
        eni_id = stray(s, "i-00000000000000bad")
        by_hand(s, "AttachNetworkInterface", NetworkInterfaceId=eni_id, InstanceId=other, DeviceIndex=1)
        s.run(1800)
        attachment = s.stack.model.enis[eni_id].attachment
        assert attachment is not None
        assert (attachment.instance_id, attachment.delete_on_termination) == (other, False)
        assert "spiderpool-aws/orphan-since" not in s.stack.model.enis[eni_id].tags
        s.checker._ec2.created.clear()


def test_a_noted_nic_that_is_needed_again_is_attached_and_not_deleted() -> None:
    with scene(ONE, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        eni_id = stray(s, instance_id)
        s.run(420)
        assert "spiderpool-aws/orphan-since" in s.stack.model.enis[eni_id].tags
        s.stack.put_policy(policy_of(interface(0), interface(1)))
        s.run(180)
        assert nic_of(s, instance_id, 1).id == eni_id
        assert len(s.pools(instance_id)) == 2
        s.run(900)
        assert indexes(s, instance_id) == [0, 1]
        s.checker.assert_idle(lambda: s.run(600))


def test_a_pool_whose_nic_was_detached_and_deleted_goes_and_the_nic_is_made_anew() -> None:
    with scene(policy_of(dual(0), dual(1)), subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(360)  # a resync has judged the policy: from then on a worker may remove
        old = nic_of(s, instance_id, 1)
        assert old.attachment is not None
        by_hand(s, "DetachNetworkInterface", AttachmentId=old.attachment.id)
        s.run(10)
        if old.id in s.stack.model.enis and s.stack.model.enis[old.id].attachment is None:
            by_hand(s, "DeleteNetworkInterface", NetworkInterfaceId=old.id)
        s.run(600)
        new = nic_of(s, instance_id, 1)
        assert new.id != old.id
        assert sorted({p.identity.eni_id for p in s.pools() if p.identity}) == sorted(
            {nic_of(s, instance_id).id, new.id}
        )
        s.checker.assert_idle(lambda: s.run(600))


def test_a_pool_that_a_pod_of_a_living_node_keeps_from_going_is_told_after_ten_minutes() -> None:
    two = policy_of(interface(0), interface(1, subnets={}))
    with scene(two, subnets=PLANS) as s:
        instance_id = s.launch(nics=2)
        s.run(120)
        s.stack.agent.run_pod("default", "web", node_name(s, instance_id), "kube-system/ipvlan-ens6")
        second = nic_of(s, instance_id, 1)
        assert second.attachment is not None
        by_hand(s, "DetachNetworkInterface", AttachmentId=second.attachment.id)
        s.run(420)
        assert events(s, "PoolStuck") == []
        s.run(900)
        (told,) = events(s, "PoolStuck")
        assert "default/web" in told["message"]
        assert s.stack.journal.counts["PoolStuck"] > 0
        s.stack.agent.delete_pod("default", "web")
        s.run(60)
        assert [p.identity and p.identity.eni_id for p in s.pools()] == [nic_of(s, instance_id).id]


def test_a_finalizer_that_only_pods_of_a_dead_node_hold_goes_with_those_pods() -> None:
    with scene(ONE, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        run_pods_on(s, instance_id, 3)
        by_hand(s, "TerminateInstances", InstanceIds=[instance_id])
        s.run(90)
        assert (s.pools(), s.stack.cluster.objects("pods")) == ([], [])
        assert s.stack.journal.counts["PoolStuck"] == 0


def test_a_finalizer_that_nobody_frees_because_spiderpools_controller_is_down_is_told() -> None:
    with scene(ONE, subnets=PLANS) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        run_pods_on(s, instance_id, 1)
        by_hand(s, "TerminateInstances", InstanceIds=[instance_id])
        s.run(20)
        s.stack.cluster.controller_up = False
        s.run(1500)
        assert len(s.pools()) == 1
        assert s.stack.journal.counts["PoolStuck"] > 0
        assert any("is deleted since" in line and "default/pod-0" in line for line in s.stack.journal.warnings)
        s.stack.cluster.controller_up = True
        s.run(900)
        assert s.pools() == []
        s.checker.assert_idle(lambda: s.run(600))
