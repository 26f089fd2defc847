"""Who may have taken a dead node's name or address: only what is in the cluster's own VPCs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from types_boto3_ec2 import EC2Client

from spiderpool_aws.adapters.ec2 import Ec2Adapter
from spiderpool_aws.local.ec2.fixtures import SubnetPlan, create_network, launch
from tests.integration.ec2_world import Ec2World

PLANS = {"a": SubnetPlan("10.0.0.0/20")}


def test_a_stranger_in_another_vpc_with_the_same_name_and_address_is_left_out_and_one_in_ours_is_not() -> None:
    world = Ec2World()
    world.launch()
    neighbour = world.launch(tags={"team": "other"})
    known = world.model.instances[neighbour]
    elsewhere = create_network(world.model, PLANS)
    nic = {"SubnetId": elsewhere.subnets["a"], "PrivateIpAddress": str(known.private_ip)}
    stranger = launch(world.model, [nic], tags={"team": "other"})
    world.clock.advance(60)
    assert world.model.instances[stranger].private_dns_name == known.private_dns_name
    for names, addresses in (([known.private_dns_name], []), ([], [str(known.private_ip)])):
        found = world.ec2.namesakes(names, addresses, "prod")
        assert [instance.instance_id for instance in found] == [neighbour]


def test_where_the_cluster_has_no_instance_left_nobody_is_ruled_out() -> None:
    world = Ec2World()
    stranger = world.launch(tags={"team": "other"})
    name = world.model.instances[stranger].private_dns_name
    assert [i.instance_id for i in world.ec2.namesakes([name], [], "prod")] == [stranger]


class OneAnswer:
    """A client whose every describe has the same instances, as EC2's filter matches any NIC's primary address."""

    def __init__(self, instances: Sequence[Mapping[str, Any]]) -> None:
        self._pages = [{"Reservations": [{"Instances": instances}]}]

    def get_paginator(self, _: str) -> "OneAnswer":
        return self

    def paginate(self, **_: Any) -> Iterator[Mapping[str, Any]]:
        return iter(self._pages)


def test_an_instance_whose_second_nic_has_the_address_has_not_taken_it() -> None:
    common = {"State": {"Name": "running"}, "LaunchTime": "2026-03-01T12:00:00Z", "VpcId": "vpc-1"}
    answers = [
        {"InstanceId": "i-1", "PrivateIpAddress": "10.0.0.10"} | common,
        {"InstanceId": "i-2", "PrivateIpAddress": "10.0.0.20"} | common,
    ]
    client = cast("EC2Client", OneAnswer(answers))
    found = Ec2Adapter(client, client).namesakes([], ["10.0.0.10"], "prod")
    assert [instance.instance_id for instance in found] == ["i-1"]
