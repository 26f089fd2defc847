"""Each write to EC2 waits for its turn, under EC2's own name of the action, and is not sent when it has none."""

from collections.abc import Callable

import pytest

from spiderpool_aws.adapters.ec2 import Ec2Adapter
from spiderpool_aws.adapters.pacing import Pacer, Urgency
from spiderpool_aws.deployment import EC2_BUCKETS, BucketRate
from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Paced
from spiderpool_aws.domain.request import ReconcileRequest, Status
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.ec2 import connect_in_process
from spiderpool_aws.ports import Systems
from spiderpool_aws.reconciler import Reconciler
from tests.integration.ec2_world import Ec2World, session_of
from tests.integration.test_second_nic import policy
from tests.unit.world import SmallCluster, SmallControl, SmallReporter, SmallScaling

GONE = "eni-00000000000000bad"
V4, V6 = AddressSet.of(IPFamily.IPV4, ["10.0.0.99"]), AddressSet.of(IPFamily.IPV6, ["2001:db8::9"])
WRITES: dict[str, tuple[Urgency, Callable[[Ec2Adapter, Ec2World], object]]] = {
    "AssignPrivateIpAddresses": (Urgency.LAUNCH, lambda ec2, _: ec2.reassign("eni-0a", V4)),
    "AssignIpv6Addresses": (Urgency.LAUNCH, lambda ec2, _: ec2.assign("eni-0a", IPFamily.IPV6, 1, prefixes=True)),
    "UnassignPrivateIpAddresses": (Urgency.CLEAN_UP, lambda ec2, _: ec2.unassign("eni-0a", V4, ())),
    "UnassignIpv6Addresses": (Urgency.CLEAN_UP, lambda ec2, _: ec2.unassign("eni-0a", V6, ())),
    "CreateNetworkInterface": (Urgency.LAUNCH, lambda ec2, world: ec2.create_nic(world.wanted("i-0a"))),
    "AttachNetworkInterface": (Urgency.LAUNCH, lambda ec2, _: ec2.attach_nic("eni-0a", "i-0a", 1)),
    "ModifyNetworkInterfaceAttribute": (
        Urgency.LAUNCH,
        lambda ec2, _: ec2.keep_with_instance("eni-0a", "a-1"),
    ),
    "CreateTags": (Urgency.CLEAN_UP, lambda ec2, _: ec2.tag_nic("eni-0a", {"a": "b"})),
    "DeleteNetworkInterface": (Urgency.CLEAN_UP, lambda ec2, _: ec2.delete_nic("eni-0a")),
}


class NoTurn:
    """A pace that lets nothing through."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Urgency]] = []

    def take(self, action: str, urgency: Urgency) -> None:
        self.asked.append((action, urgency))
        raise Paced(f"ec2:{action} waits for its turn", 7)


def paced(world: Ec2World) -> tuple[Ec2Adapter, NoTurn]:
    session, pace = session_of(world.model), NoTurn()
    connect_in_process(session, world.model)
    return Ec2Adapter.from_session(session, pace), pace


@pytest.mark.parametrize("action", sorted(EC2_BUCKETS))
def test_a_write_is_not_sent_before_its_turn(action: str) -> None:
    world = Ec2World()
    ec2, pace = paced(world)
    world.model.calls.clear()
    urgency, write = WRITES[action]
    with pytest.raises(Paced):
        write(ec2, world)
    assert pace.asked == [(action, urgency)]
    assert world.model.calls == []


def test_a_nic_that_could_not_be_attached_is_deleted_as_part_of_the_launch() -> None:
    ec2, pace = paced(Ec2World())
    with pytest.raises(Paced):
        ec2.delete_nic("eni-0a", at_once=True)
    assert pace.asked == [("DeleteNetworkInterface", Urgency.LAUNCH)]


def test_of_an_emptied_bucket_clean_ups_take_half_and_what_a_launch_needs_goes_at_once() -> None:
    world, clock = Ec2World(), ManualClock()
    pace = Pacer({"DeleteNetworkInterface": BucketRate(10, 1)}, 1, clock, SmallReporter())
    session = session_of(world.model)
    connect_in_process(session, world.model)
    ec2, start = Ec2Adapter.from_session(session, pace), clock.now()
    world.model.calls.clear()
    for _ in range(5):
        ec2.delete_nic(GONE)
    with pytest.raises(Paced):
        ec2.delete_nic(GONE)
    for _ in range(5):
        ec2.delete_nic(GONE, at_once=True)
    assert (len(world.model.calls), clock.now()) == (10, start)
    # Empty: the launch waits for the next token, and gets it before any clean-up does.
    ec2.delete_nic(GONE, at_once=True)
    assert (clock.now() - start).total_seconds() == 1
    with pytest.raises(Paced):
        ec2.delete_nic(GONE)


def test_a_launch_that_has_to_wait_for_its_turn_is_no_failure_and_comes_back_at_that_moment() -> None:
    world = Ec2World()
    instance = world.launch(nic={"Ipv6AddressCount": 1, "PrimaryIpv6": True})
    ec2, _ = paced(world)
    systems = Systems(ec2, SmallCluster(), SmallScaling())
    reconciler = Reconciler(systems, SmallControl(Control(policy())), world.clock, SmallReporter())
    outcome = reconciler.reconcile([ReconcileRequest(instance, "event", "test")])[instance]
    assert (outcome.status, outcome.delay_seconds) == (Status.WAITING, 7)
    assert "waits for its turn" in outcome.reason
