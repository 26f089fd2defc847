"""Somebody moves a NIC to another node: the old pool empties first, then the new one fills."""

from dataclasses import dataclass

import pytest

from spiderpool_aws.domain.cluster.pool import Pool
from tests.integration.scene import Scene, scene


@dataclass
class Move:
    """A node with two NICs and a pod on the second, and a node with a free place for it."""

    s: Scene
    giver: str
    taker: str
    eni_id: str

    @classmethod
    def begin(cls, s: Scene) -> "Move":
        giver, taker = s.launch(), s.launch(nics=1)
        s.run(360)  # a resync has judged the policy: from then on a worker may remove
        nics = s.stack.model.enis.values()
        (eni_id,) = (eni.id for eni in nics if eni.attachment and eni.attachment.device_index == 1)
        move = cls(s, giver, taker, eni_id)
        (pool,) = move.pools()
        s.stack.agent.run_pod("default", "web", pool.spec.node_name[0], "kube-system/ipvlan-ens6")
        assert move.pools()[0].allocated.count() == 1
        s.stack.model.calls.clear()
        return move

    def pools(self) -> list[Pool]:
        return [pool for pool in self.s.pools() if pool.identity and pool.identity.eni_id == self.eni_id]

    def owners(self) -> list[str]:
        return [pool.identity.instance_id for pool in self.pools() if pool.identity]

    def to(self, instance_id: str) -> None:
        attachment = self.s.stack.model.enis[self.eni_id].attachment
        assert attachment is not None
        self.s.stack.model.call("DetachNetworkInterface", {"AttachmentId": attachment.id})
        self.s.run(10)
        self.s.stack.model.call(
            "AttachNetworkInterface",
            {"NetworkInterfaceId": self.eni_id, "InstanceId": instance_id, "DeviceIndex": 1},
        )

    def ec2_writes(self) -> list[str]:
        """Return what the product changed in EC2."""
        roles = self.s.stack.role_arns
        calls = (call for call in self.s.stack.model.calls if call.caller in roles)
        return [call.operation for call in calls if not call.operation.startswith("Describe")]


@pytest.mark.parametrize("scheduled", [True, False], ids=["with the schedule", "by events alone"])
def test_the_old_pool_empties_before_the_new_one_fills(*, scheduled: bool) -> None:
    with scene() as s:
        move = Move.begin(s)
        s.stack.bus.scheduled = scheduled
        before = move.pools()[0]
        move.to(move.taker)
        s.run(180)
        (old,) = move.pools()
        assert (old.uid, old.terminating, old.allocated) == (before.uid, True, before.allocated), "its pod holds it"
        s.stack.agent.delete_pod("default", "web")
        s.run(180)
        (new,) = move.pools()
        assert (move.owners(), new.spec.ips) == ([move.taker], before.spec.ips)
        assert move.ec2_writes() == []
        s.checker.assert_idle(lambda: s.run(900))


def test_the_other_pools_and_pods_of_both_nodes_are_left_as_they_were() -> None:
    with scene() as s:
        move = Move.begin(s)
        (own,) = (pool for pool in s.pools(move.giver) if pool not in move.pools())
        s.stack.agent.run_pod("default", "stays", own.spec.node_name[0], "kube-system/ipvlan-ens5")
        others = {p.name: (p.uid, p.spec) for p in s.pools() if p not in move.pools()}
        move.to(move.taker)
        s.run(400)
        s.stack.agent.delete_pod("default", "web")
        s.run(400)
        assert {p.name: (p.uid, p.spec) for p in s.pools() if p.name in others} == others
        assert [pod["metadata"]["name"] for pod in s.stack.cluster.objects("pods")] == ["stays"]
        assert len(s.stack.cluster.objects("nodes")) == 2


def test_a_nic_that_comes_back_at_once_has_its_pool_enabled_again_and_no_pod_notices() -> None:
    with scene() as s:
        move = Move.begin(s)
        before = move.pools()[0]
        move.to(move.giver)
        s.run(120)
        (pool,) = move.pools()
        assert (pool.uid, pool.spec, pool.allocated) == (before.uid, before.spec, before.allocated)
        attachment = s.stack.model.enis[move.eni_id].attachment
        assert (pool.identity and pool.identity.attachment_id) == (attachment and attachment.id)
        assert pool.identity != before.identity
        s.checker.assert_idle(lambda: s.run(900))


def test_a_nic_that_comes_back_while_its_old_pool_is_dying_gets_a_new_one_when_that_is_gone() -> None:
    with scene() as s:
        move = Move.begin(s)
        before = move.pools()[0]
        move.to(move.taker)
        s.run(120)
        move.to(move.giver)
        s.run(120)
        assert [pool.uid for pool in move.pools()] == [before.uid]
        s.stack.agent.delete_pod("default", "web")
        s.run(180)
        (pool,) = move.pools()
        assert (move.owners(), pool.spec.ips) == ([move.giver], before.spec.ips)
        assert pool.uid != before.uid
        assert move.ec2_writes() == []
        s.checker.assert_idle(lambda: s.run(900))
