"""The main job, from EC2's events to the cluster's pools, with the invariants checked on the way."""

import pytest

from spiderpool_aws.deployment import BATCH_SIZE
from spiderpool_aws.local.ec2 import Ec2Options
from tests.integration.scene import TAGS, policy_text, scene

PREFIX = {"prefixes": 1}


def test_a_launch_becomes_pools_and_the_taint_goes() -> None:
    with scene(policy_text(ipv6={"addresses": 3})) as s:
        instance_id = s.launch()
        s.run(120)
        pools = s.pools(instance_id)
        assert sorted((pool.family, pool.spec.ips.count()) for pool in pools) == [(4, 5), (4, 5), (6, 3), (6, 3)]
        (node,) = s.stack.cluster.objects("nodes")
        assert not node["spec"].get("taints")
        assert node["spec"]["providerID"] == f"aws:///eu-west-1a/{instance_id}"
        assert all(pool.spec.node_name == (node["metadata"]["name"],) for pool in pools)


def test_addresses_are_assigned_before_the_node_has_joined_and_pools_are_written_when_it_has() -> None:
    with scene() as s:
        instance_id = s.launch()
        s.run(20)
        assert (len(s.addresses(instance_id)), s.pools()) == (10, [])
        s.run(60)
        assert len(s.pools(instance_id)) == 2


def test_a_converged_cluster_is_left_alone_by_events_and_by_the_schedule() -> None:
    with scene(policy_text(ipv6=PREFIX)) as s:
        instance_id = s.launch()
        s.run(300)
        running = next(event for event in s.stack.bus.events if event["detail"].get("state") == "running")
        s.stack.bus.deliver(running, times=10)
        s.checker.assert_idle(lambda: s.stack.bus.advance(900))
        assert len(s.pools(instance_id)) == 4


def test_a_batch_of_instances_makes_one_describe_of_instances_and_one_of_nics() -> None:
    with scene() as s:
        ids = [s.launch() for _ in range(BATCH_SIZE)]
        s.run(400)
        s.stack.bus.scheduled = False
        s.stack.model.calls.clear()
        s.stack.bus.invoke_resync({"instanceIds": ids})
        s.run(5)
        assert s.ec2_reads() == ["DescribeInstances", "DescribeNetworkInterfaces"]


def test_a_batch_with_one_instance_that_is_gone_does_the_other_nine() -> None:
    with scene() as s:
        s.stack.bus.scheduled = False
        ids = [s.launch() for _ in range(9)]
        s.stack.bus.invoke_resync({"instanceIds": [*ids, "i-00000000000000bad"]})
        s.run(180)
        assert {pool.identity.instance_id for pool in s.pools() if pool.identity} == set(ids)


def test_one_manual_resync_of_three_delivered_twice_makes_three_reconciles() -> None:
    with scene() as s:
        ids = [s.launch() for _ in range(3)]
        s.run(400)
        s.stack.bus.scheduled = False
        s.stack.functions["reconcile_nodes"].invocations.clear()
        for _ in range(2):
            s.stack.bus.invoke_resync({"instanceIds": ids}, request_id="11111111-2222-4333-8444-555555555555")
        s.run(5)
        records = [r for i in s.stack.functions["reconcile_nodes"].invocations for r in i.event["Records"]]
        assert sorted(record["attributes"]["MessageGroupId"] for record in records) == sorted(ids)


def test_an_address_taken_by_hand_leaves_its_pool_and_is_replaced() -> None:
    with scene(policy_text(nics=1)) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        (pool,) = s.pools(instance_id)
        assert pool.identity is not None
        lost = next(iter(pool.spec.ips))
        s.stack.model.call(
            "UnassignPrivateIpAddresses", {"NetworkInterfaceId": pool.identity.eni_id, "PrivateIpAddresses": [lost]}
        )
        s.run(180)
        (mended,) = s.pools(instance_id)
        assert set(mended.spec.ips) == s.addresses(instance_id)
        assert (mended.spec.ips.count(), mended.memory.missing) == (5, ())


def test_an_address_taken_by_hand_while_a_pod_uses_it_is_assigned_again() -> None:
    with scene(policy_text(nics=1)) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        (pool,) = s.pools(instance_id)
        assert pool.identity is not None
        s.stack.agent.run_pod("default", "web", pool.spec.node_name[0], "kube-system/ipvlan-ens5")
        (used,) = s.pools(instance_id)[0].allocated
        s.stack.model.call(
            "UnassignPrivateIpAddresses", {"NetworkInterfaceId": pool.identity.eni_id, "PrivateIpAddresses": [used]}
        )
        s.run(180)
        assert used in s.addresses(instance_id)
        assert s.pools(instance_id)[0].spec.ips == pool.spec.ips


def test_a_terminated_node_takes_its_node_pods_and_pools_with_it() -> None:
    with scene() as s:
        instance_id = s.launch()
        s.run(120)
        node = s.pools(instance_id)[0].spec.node_name[0]
        s.stack.agent.run_pod("default", "web", node, "kube-system/ipvlan-ens5")
        s.stack.model.call("TerminateInstances", {"InstanceIds": [instance_id]})
        s.run(60)
        assert (s.pools(), s.stack.cluster.objects("nodes"), s.stack.cluster.objects("pods")) == ([], [], [])


def test_stop_disables_the_pools_and_start_enables_them_with_the_same_addresses() -> None:
    with scene() as s:
        instance_id = s.launch()
        s.run(120)
        before = {pool.name: pool.spec.ips for pool in s.pools()}
        s.stack.model.call("StopInstances", {"InstanceIds": [instance_id]})
        s.run(60)
        assert all(pool.spec.disable for pool in s.pools())
        s.stack.model.call("StartInstances", {"InstanceIds": [instance_id]})
        s.run(120)
        assert {pool.name: pool.spec.ips for pool in s.pools()} == before
        assert not any(pool.spec.disable for pool in s.pools())


def test_a_successor_is_handed_the_addresses_of_a_dead_node_when_its_pool_is_gone() -> None:
    with scene(policy_text(nics=1, nodes={"deletePodsOfTerminated": False})) as s:
        dead = s.launch(nics=1)
        s.run(120)
        (old,) = s.pools(dead)
        s.stack.agent.run_pod("default", "web", old.spec.node_name[0], "kube-system/ipvlan-ens5")
        s.stack.model.call("TerminateInstances", {"InstanceIds": [dead]})
        s.run(30)
        assert s.pools(dead)[0].terminating, "its pod holds it"
        heir = s.launch(nics=1)
        s.run(60)
        given = s.addresses(heir)
        assert given & set(old.spec.ips), "EC2 reuses addresses at once"
        early = s.pools(heir)
        assert all(not set(pool.spec.ips) & set(old.spec.ips) for pool in early)
        s.stack.agent.delete_pod("default", "web")
        s.run(180)
        (pool,) = s.pools()
        assert (set(pool.spec.ips), pool.identity and pool.identity.instance_id) == (given, heir)


def test_a_detached_nic_has_its_pool_removed_though_the_event_names_no_instance() -> None:
    with scene() as s:
        instance_id = s.launch()
        s.run(320)
        s.stack.bus.scheduled = False
        second = next(e for e in s.stack.model.enis.values() if e.attachment and e.attachment.device_index == 1)
        assert second.attachment is not None
        s.stack.model.call("DetachNetworkInterface", {"AttachmentId": second.attachment.id})
        s.run(240)
        assert [pool.identity.eni_id == second.id for pool in s.pools(instance_id) if pool.identity] == [False]


def test_an_instance_of_another_cluster_is_left_alone() -> None:
    with scene() as s:
        s.launch(tags={"spiderpool-aws/cluster": "staging"})
        s.launch(tags={})
        s.run(120)
        assert (s.pools(), s.writes()) == ([], 0)


def test_an_instance_that_gets_the_tag_later_is_found_by_the_schedule() -> None:
    with scene() as s:
        instance_id = s.launch(tags={})
        s.run(60)
        s.stack.model.call(
            "CreateTags", {"Resources": [instance_id], "Tags": [{"Key": k, "Value": v} for k, v in TAGS.items()]}
        )
        s.run(400)
        assert len(s.pools(instance_id)) == 2


def test_a_lost_event_costs_time_until_the_schedule_and_no_more() -> None:
    with scene() as s:
        s.stack.bus.disable_rules()
        instance_id = s.launch()
        s.run(60)
        assert s.pools(instance_id) == []
        s.run(400)
        assert len(s.pools(instance_id)) == 2


@pytest.mark.parametrize("lag", [5.0, 25.0])
def test_stale_describes_never_assign_more_than_the_policy_asks_for(lag: float) -> None:
    with scene(options=Ec2Options(describe_lag_seconds=lag)) as s:
        instance_id = s.launch()
        s.run(600)
        assert len(s.addresses(instance_id)) == 10
        assert len(s.pools(instance_id)) == 2


@pytest.mark.parametrize("seed", range(4))
def test_reads_that_flap_and_new_nics_that_are_not_found_yet_end_in_the_same_state(seed: int) -> None:
    # The instance runs after ten seconds: its NICs are then still unknown to some of the product's calls.
    options = Ec2Options(describe_lag_seconds=15.0, write_lag_seconds=60.0, lag_seed=seed)
    with scene(options=options) as s:
        instance_id = s.launch()
        s.run(400)
        assert len(s.addresses(instance_id)) == 10
        assert sorted(pool.spec.ips.count() for pool in s.pools(instance_id)) == [5, 5]
        s.checker.assert_idle(lambda: s.run(320))
        calls = [c for c in s.stack.model.calls if c.operation == "AssignPrivateIpAddresses"]
        assert sum(c.took_effect for c in calls) == 2


def test_a_change_of_the_policy_reaches_every_node_without_a_deploy() -> None:
    with scene(policy_text(nics=1)) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        s.stack.bus.scheduled = False
        s.stack.put_policy(policy_text(nics=1).replace("addresses: 5", "addresses: 7"))
        s.run(60)
        assert s.pools(instance_id)[0].spec.ips.count() == 7


def test_an_invalid_policy_changes_nothing_and_the_last_valid_one_stays_in_force() -> None:
    with scene(policy_text(nics=1)) as s:
        s.stack.put_policy(policy_text(nics=1).replace("version: 1", "version: 2"))
        instance_id = s.launch(nics=1)
        s.run(120)
        assert s.pools(instance_id)[0].spec.ips.count() == 5
        assert s.stack.journal.counts["PolicyInvalid"] > 0
        assert any("version: write `version: 1`, not 2" in line for line in s.stack.journal.warnings)
