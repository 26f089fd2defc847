"""The two fronts, each with a real boto3 client."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from spiderpool_aws.local.ec2 import Fault, connect_autoscaling_in_process, connect_in_process
from spiderpool_aws.local.ec2.autoscaling import AutoScaling, AutoScalingGroup
from spiderpool_aws.local.ec2.moto_server import AwsServer, serve_aws

from .scene import Scene

KEYS: dict[str, Any] = {
    "aws_access_key_id": "AKIAWORKER",
    "aws_secret_access_key": "secret",
    "region_name": "eu-west-1",
}
WORKER = "arn:aws:iam::123456789012:role/worker"


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def server(scene: Scene) -> Iterator[AwsServer]:
    served = serve_aws(0, scene.model, {"AKIAWORKER": WORKER})
    yield served
    served.stop()


@pytest.fixture(params=["in-process", "http"])
def ec2(request: pytest.FixtureRequest, scene: Scene) -> Iterator[Any]:
    if request.param == "in-process":
        client = boto3.client("ec2", region_name="eu-west-1")
        connect_in_process(client, scene.model, WORKER)
    else:
        url = request.getfixturevalue("server").url
        client = boto3.client("ec2", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}), **KEYS)
    yield client
    client.close()


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


@pytest.mark.parametrize(
    ("operation", "method"),
    [
        ("DescribeInstances", "describe_instances"),
        ("DescribeNetworkInterfaces", "describe_network_interfaces"),
        ("DescribeSubnets", "describe_subnets"),
        ("DescribeVpcs", "describe_vpcs"),
        ("DescribeSecurityGroups", "describe_security_groups"),
    ],
)
def test_a_client_gets_what_the_model_answers(scene: Scene, ec2: Any, operation: str, method: str) -> None:
    answer = getattr(ec2, method)()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert without_metadata(answer) == scene.call(operation)


def test_a_client_assigns_and_unassigns_in_both_families(scene: Scene, ec2: Any) -> None:
    assigned = ec2.assign_private_ip_addresses(NetworkInterfaceId=scene.nic0, SecondaryPrivateIpAddressCount=2)
    addresses = [new["PrivateIpAddress"] for new in assigned["AssignedPrivateIpAddresses"]]
    assert addresses == scene.addresses(scene.nic0)[1:]
    prefixes = ec2.assign_ipv6_addresses(NetworkInterfaceId=scene.nic0, Ipv6PrefixCount=1)["AssignedIpv6Prefixes"]
    assert prefixes == scene.model.enis[scene.nic0].ipv6_prefixes
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=scene.nic0, PrivateIpAddresses=addresses)
    ec2.unassign_ipv6_addresses(NetworkInterfaceId=scene.nic0, Ipv6Prefixes=prefixes)
    assert scene.addresses(scene.nic0) == ["10.0.0.4"]
    assert scene.model.calls[-1].caller == WORKER


def test_a_client_creates_attaches_and_modifies_a_nic(scene: Scene, ec2: Any) -> None:
    created = ec2.create_network_interface(
        SubnetId=scene.a2,
        Groups=[scene.network.group_id],
        SecondaryPrivateIpAddressCount=4,
        Ipv6AddressCount=2,
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": [{"Key": "k", "Value": "v"}]}],
        ClientToken="token",
    )["NetworkInterface"]
    eni = created["NetworkInterfaceId"]
    attached = ec2.attach_network_interface(
        NetworkInterfaceId=eni, InstanceId=scene.instance, DeviceIndex=1, NetworkCardIndex=0
    )
    ec2.modify_network_interface_attribute(
        NetworkInterfaceId=eni, Attachment={"AttachmentId": attached["AttachmentId"], "DeleteOnTermination": True}
    )
    kept = scene.model.enis[eni]
    assert kept.attachment is not None
    assert (kept.attachment.device_index, kept.attachment.delete_on_termination) == (1, True)
    assert (len(kept.secondary_ips), len(kept.ipv6_addresses), kept.tags) == (4, 2, {"k": "v"})


def test_a_refusal_comes_as_botocores_client_error(scene: Scene, ec2: Any) -> None:
    with pytest.raises(ClientError) as refused:
        ec2.assign_private_ip_addresses(NetworkInterfaceId=scene.nic0, SecondaryPrivateIpAddressCount=50)
    assert refused.value.response["Error"]["Code"] == "PrivateIpAddressLimitExceeded"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert refused.value.response["ResponseMetadata"]["RequestId"]


def test_throttling_comes_with_503(scene: Scene, ec2: Any) -> None:
    scene.model.inject(lambda *_: Fault.refuse("RequestLimitExceeded", "Request limit exceeded.", 503))
    with pytest.raises(ClientError) as refused:
        ec2.describe_instances()
    assert refused.value.response["Error"]["Code"] == "RequestLimitExceeded"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_botocore_still_validates_parameters(scene: Scene, ec2: Any) -> None:
    scene.model.calls.clear()
    with pytest.raises(ParamValidationError):
        ec2.describe_instances(InstanceIds="i-1", Colour="red")
    assert scene.model.calls == []


def test_botocores_paginator_walks_real_pages(scene: Scene, ec2: Any) -> None:
    launched = {scene.instance, *(scene.launch() for _ in range(7))}
    pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    found = [instance["InstanceId"] for page in pages for r in page["Reservations"] for instance in r["Instances"]]
    assert (len(pages), len(found), set(found)) == (2, 8, launched)


def test_an_operation_that_the_model_lacks_is_refused_in_the_models_name(ec2: Any) -> None:
    with pytest.raises(ClientError, match=r"InvalidAction.*The local EC2 model does not have the action CreateNat"):
        ec2.create_nat_gateway(SubnetId="subnet-1")


def test_in_process_a_lost_answer_is_a_read_timeout(scene: Scene) -> None:
    session = boto3.Session(region_name="eu-west-1")
    connect_in_process(session, scene.model)
    client = session.client("ec2")
    remove = scene.model.inject(lambda *_: Fault.lose_answer())
    with pytest.raises(ReadTimeoutError):
        client.assign_private_ip_addresses(NetworkInterfaceId=scene.nic0, SecondaryPrivateIpAddressCount=1)
    remove()
    assert len(scene.addresses(scene.nic0)) == 2
    client.close()


def test_a_listener_may_call_the_model_over_http(scene: Scene, server: AwsServer) -> None:
    client = boto3.client("ec2", endpoint_url=server.url, **KEYS)
    seen: list[int] = []
    scene.model.subscribe(lambda _: seen.append(len(client.describe_vpcs()["Vpcs"])))
    client.stop_instances(InstanceIds=[scene.instance])
    client.close()
    assert seen == [1]


def test_over_http_a_lost_answer_is_an_error_of_a_gateway(scene: Scene, server: AwsServer) -> None:
    scene.model.inject(lambda *_: Fault.lose_answer())
    client = boto3.client("ec2", endpoint_url=server.url, config=Config(retries={"total_max_attempts": 1}), **KEYS)
    with pytest.raises(ClientError) as lost:
        client.assign_private_ip_addresses(NetworkInterfaceId=scene.nic0, SecondaryPrivateIpAddressCount=1)
    client.close()
    assert lost.value.response["ResponseMetadata"]["HTTPStatusCode"] == 504
    assert len(scene.addresses(scene.nic0)) == 2


def test_every_request_over_http_lets_the_clock_run_first(scene: Scene, server: AwsServer) -> None:
    client = boto3.client("ec2", endpoint_url=server.url, **KEYS)
    happened: list[str] = []
    scene.clock.call_later(0, lambda: happened.append("due"))
    client.describe_vpcs()
    client.close()
    assert happened == ["due"]
    scene.clock.call_later(0, lambda: happened.append("ticked"))
    scene.model.tick()
    assert happened == ["due", "ticked"]


def test_moto_answers_the_other_services_on_the_same_port(server: AwsServer) -> None:
    sqs = boto3.client("sqs", endpoint_url=server.url, **KEYS)
    attributes: dict[Any, str] = {"FifoQueue": "true", "DeduplicationScope": "messageGroup"}
    queue = sqs.create_queue(QueueName="nodes.fifo", Attributes=attributes)["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="look", MessageGroupId="i-1", MessageDeduplicationId="1")
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "look"
    ssm = boto3.client("ssm", endpoint_url=server.url, **KEYS)
    ssm.put_parameter(Name="/policy", Value="version: 1", Type="String", Tier="Advanced")
    assert ssm.get_parameter(Name="/policy")["Parameter"]["Value"] == "version: 1"
    sts = boto3.client("sts", endpoint_url=server.url, **KEYS)
    assert sts.get_caller_identity()["Account"] == "123456789012"
    for client in (sqs, ssm, sts):
        client.close()


@pytest.mark.parametrize("front", ["in-process", "http"])
def test_an_auto_scaling_client_gets_what_the_groups_answer(scene: Scene, front: str) -> None:
    data = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "m5.large"}
    scene.call("CreateLaunchTemplate", LaunchTemplateName="nodes", LaunchTemplateData=data)
    group = AutoScalingGroup(scene.model, "workers", [scene.a], {"LaunchTemplateName": "nodes"})
    group.set_desired(1)
    served = serve_aws(0, scene.model, autoscaling=AutoScaling(scene.model, [group]))
    client = boto3.client("autoscaling", endpoint_url=served.url, **KEYS)
    if front == "in-process":
        connect_autoscaling_in_process(client, AutoScaling(scene.model, [group]))
    (described,) = client.describe_auto_scaling_instances(InstanceIds=group.instance_ids)["AutoScalingInstances"]
    assert (described["InstanceId"], described["LifecycleState"]) == (group.instance_ids[0], "Pending")
    with pytest.raises(ClientError, match="The local Auto Scaling model does not have the action DescribePolicies"):
        client.describe_policies()
    client.close()
    served.stop()


def test_a_stopped_server_frees_its_port_and_forgets_motos_queues(scene: Scene) -> None:
    first = serve_aws(0, scene.model)
    sqs = boto3.client("sqs", endpoint_url=first.url, **KEYS)
    sqs.create_queue(QueueName="old")
    sqs.close()
    first.stop()
    second = serve_aws(int(first.url.rpartition(":")[2]), scene.model)
    sqs = boto3.client("sqs", endpoint_url=second.url, **KEYS)
    assert "QueueUrls" not in sqs.list_queues()
    sqs.close()
    second.stop()
