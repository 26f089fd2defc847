"""A second NIC, created and attached: the Reconciler with the product's EC2 adapter on the EC2 model."""

from collections import Counter
from typing import Any

import pytest

from spiderpool_aws.domain.cluster.node import Node
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.instance import INDEX_TAG
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import Outcome, ReconcileRequest, Status
from spiderpool_aws.local.ec2.calls import Fault
from spiderpool_aws.ports import Systems
from spiderpool_aws.reconciler import Reconciler
from tests.integration.ec2_world import ROLE, Ec2World
from tests.unit.world import SmallCluster, SmallControl, SmallReporter, SmallScaling

MUTATIONS = {"CreateNetworkInterface", "AttachNetworkInterface", "ModifyNetworkInterfaceAttribute"}
ASSIGNS = {"AssignPrivateIpAddresses", "AssignIpv6Addresses"}


def policy(**second: Any) -> Policy:
    """Return a policy of two dual-stack NICs, of which the second may be created."""
    interfaces = [
        {"deviceIndex": i, "host": f"ens{5 + i}", "multus": f"kube-system/ipvlan-ens{5 + i}"}
        | {"ipv4": {"addresses": 3}, "ipv6": {"addresses": 2}}
        for i in range(2)
    ]
    interfaces[1] |= {"subnets": {"tags": ROLE}} | second
    groups = [{"name": "workers", "interfaces": interfaces}]
    return Policy.model_validate({"version": 1, "cluster": "prod", "groups": groups})


class Scene:
    """One instance with one NIC, and a policy that wants two."""

    def __init__(self, policy: Policy, **options: Any) -> None:
        self.world = Ec2World(**options)
        self.instance = self.world.launch(nic={"Ipv6AddressCount": 1, "PrimaryIpv6": True})
        self.cluster = SmallCluster()
        launched = self.world.model.instances[self.instance]
        node = Node(
            launched.private_dns_name, "uid-1", self.world.clock.now(), internal_ips=(str(launched.private_ip),)
        )
        self.cluster.nodes[node.name] = node
        control = SmallControl(Control(policy))
        systems = Systems(self.world.ec2, self.cluster, SmallScaling())
        self._parts = (systems, control, self.world.clock, SmallReporter())
        self.reconciler = Reconciler(*self._parts)

    def nic(self, index: int) -> Any:
        """Return the instance's NIC at a device index, as EC2 has it."""
        enis = (self.world.model.enis[eni_id] for eni_id in self.world.model.instances[self.instance].eni_ids)
        return next(eni for eni in enis if eni.attachment and eni.attachment.device_index == index)

    def restart(self) -> None:
        """Begin anew with a process that remembers nothing."""
        self.reconciler = Reconciler(*self._parts)

    def run(self, event: str = "event-1") -> Outcome:
        return self.reconciler.reconcile([ReconcileRequest(self.instance, event, "test")])[self.instance]

    def settle(self) -> Outcome:
        """Run until nothing is waited for; each run is another message."""
        for number in range(6):
            outcome = self.run(f"event-{number}")
            if outcome.status in (Status.DONE, Status.REFUSED):
                return outcome
            self.world.clock.advance(outcome.delay_seconds or 30)
        pytest.fail(f"it never settles: {outcome.reason}")

    def mutations(self) -> Counter[str]:
        return Counter({name: n for name, n in self.world.calls.items() if name in MUTATIONS | ASSIGNS})

    def nics(self) -> int:
        return len(self.world.model.enis)


def test_a_launch_with_a_created_nic_costs_five_mutations_and_then_none() -> None:
    scene = Scene(policy())
    assert scene.settle().status is Status.DONE
    assert scene.mutations() == dict.fromkeys(MUTATIONS | ASSIGNS, 1)
    pools = [pool for pool in scene.cluster.pools.values() if pool.identity]
    assert sorted((pool.identity.family, pool.spec.ips.count()) for pool in pools if pool.identity) == [
        (4, 3),
        (4, 3),
        (6, 2),
        (6, 2),
    ]
    scene.world.calls.clear()
    assert (scene.run("later").writes, scene.mutations()) == (0, {})


@pytest.mark.parametrize("operation", sorted(MUTATIONS))
@pytest.mark.parametrize("lost", [Fault.lose_answer(), Fault.lose_request()], ids=["after", "before"])
def test_whatever_call_is_cut_short_the_next_pass_finishes_with_one_nic(operation: str, lost: Fault) -> None:
    scene = Scene(policy())
    scene.world.fail_once(operation, lost)
    assert scene.settle().status is Status.DONE
    assert scene.nics() == 2
    assert scene.world.model.enis[scene.world.eni(scene.instance, 1)].attachment.delete_on_termination  # type: ignore[union-attr]


@pytest.mark.parametrize("seed", range(4))
def test_stale_describes_and_lost_answers_never_make_a_second_nic(seed: int) -> None:
    scene = Scene(policy(), describe_lag_seconds=20, write_lag_seconds=5, lag_seed=seed)
    scene.world.fail_once("CreateNetworkInterface", Fault.lose_answer())
    assert scene.settle().status is Status.DONE
    assert scene.nics() == 2


def test_a_nic_that_cannot_be_attached_is_deleted_again() -> None:
    scene = Scene(policy())
    scene.world.fail("AttachNetworkInterface", Fault.refuse("AttachmentLimitExceeded", "Interface count 2 exceeds"))
    outcome = scene.settle()
    assert outcome.status is Status.REFUSED
    assert "larger instance type" in outcome.reason
    assert scene.nics() == 1


def test_a_subnet_that_is_full_after_all_has_a_sibling() -> None:
    scene = Scene(policy())
    full = Fault.refuse("InsufficientFreeAddressesInSubnet")
    scene.world.fail_once("CreateNetworkInterface", full)
    assert scene.settle().status is Status.DONE
    created = scene.world.model.enis[scene.world.eni(scene.instance, 1)]
    assert created.subnet_id == scene.world.subnets["tiny"]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_nic_that_is_deleted_while_its_message_waits_is_followed_by_another_one(restarted: bool) -> None:
    """The client token is made of the message: with the same one EC2 would answer with the NIC that is gone."""
    scene = Scene(policy())
    scene.cluster.nodes.clear()  # what the message waits for
    scene.run()
    first = scene.nic(1)
    scene.world.model.call("DetachNetworkInterface", {"AttachmentId": first.attachment.id})
    scene.world.clock.advance(30)
    scene.world.model.call("DeleteNetworkInterface", {"NetworkInterfaceId": first.id})
    if restarted:
        scene.restart()
    for _ in range(6):
        scene.world.clock.advance(scene.run().delay_seconds or 30)
    second = scene.nic(1)
    assert second.id != first.id
    assert [eni.id for eni in scene.world.model.enis.values() if eni.tags.get(INDEX_TAG)] == [second.id]
