from datetime import UTC, datetime
from typing import Any

import pytest

from spiderpool_aws.adapters.ec2_parse import (
    parse_eni,
    parse_instance,
    parse_limits,
    parse_spare,
    parse_subnet,
    parse_unattached,
    with_described_enis,
)
from spiderpool_aws.domain.addresses import parse_network
from spiderpool_aws.domain.instance import CLUSTER_TAG, INDEX_TAG, INSTANCE_TAG

FIRST_LAUNCH = datetime(2026, 3, 1, tzinfo=UTC)
RESTART = datetime(2026, 3, 5, tzinfo=UTC)


def nic(index: int = 0, **changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "NetworkInterfaceId": f"eni-{index}",
        "SubnetId": "subnet-1",
        "InterfaceType": "interface",
        "Attachment": {
            "AttachmentId": f"eni-attach-{index}",
            "DeviceIndex": index,
            "Status": "attached",
            "AttachTime": FIRST_LAUNCH,
            "NetworkCardIndex": 0,
        },
        "PrivateIpAddresses": [
            {"Primary": True, "PrivateIpAddress": f"10.0.{index}.10"},
            {"Primary": False, "PrivateIpAddress": f"10.0.{index}.11"},
        ],
    }
    return document | changes


def instance(*nics: dict[str, Any], **changes: Any) -> Any:
    document: dict[str, Any] = {
        "InstanceId": "i-1",
        "InstanceType": "m5.large",
        "State": {"Name": "running"},
        "Placement": {"AvailabilityZone": "eu-west-1a"},
        "LaunchTime": RESTART,
        "NetworkInterfaces": list(nics),
    }
    return document | changes


def test_the_primary_address_is_not_among_the_secondary_ones() -> None:
    eni = parse_eni(nic())  # type: ignore[arg-type]
    assert eni is not None
    assert (eni.primary_ipv4, list(eni.ipv4)) == ("10.0.0.10", ["10.0.0.11"])


def test_prefixes_and_the_marked_ipv6_address_are_read() -> None:
    document: Any = nic(
        Ipv4Prefixes=[{"Ipv4Prefix": "10.0.0.16/28"}],
        Ipv6Prefixes=[{"Ipv6Prefix": "2001:db8::/80"}],
        Ipv6Addresses=[
            {"Ipv6Address": "2001:db8::1:a", "IsPrimaryIpv6": False},
            {"Ipv6Address": "2001:db8::1:b", "IsPrimaryIpv6": True},
        ],
    )
    eni = parse_eni(document)
    assert eni is not None
    assert eni.ipv4_prefixes == (parse_network("10.0.0.16/28"),)
    assert eni.ipv6_prefixes == (parse_network("2001:db8::/80"),)
    assert (eni.ipv6.count(), eni.primary_ipv6) == (2, "2001:db8::1:b")


def test_a_nic_that_is_attached_to_nothing_is_no_nic_of_an_instance() -> None:
    document: Any = nic()
    del document["Attachment"]
    assert parse_eni(document) is None


@pytest.mark.parametrize("kept", [True, False])
def test_groups_and_delete_on_termination_are_read(kept: bool) -> None:
    document: Any = nic(Groups=[{"GroupId": "sg-2"}, {"GroupId": "sg-1"}])
    document["Attachment"]["DeleteOnTermination"] = kept
    eni = parse_eni(document)
    assert eni is not None
    assert (eni.groups, eni.delete_on_termination) == (("sg-2", "sg-1"), kept)


OURS = {CLUSTER_TAG: "prod", INSTANCE_TAG: "i-1", INDEX_TAG: "2"}


def spare(tags: dict[str, str], **changes: Any) -> Any:
    document: Any = nic(TagSet=[{"Key": key, "Value": value} for key, value in tags.items()], Status="available")
    del document["Attachment"]
    return document | changes


def test_a_spare_nic_belongs_at_the_index_of_its_tag() -> None:
    eni = parse_spare(spare(OURS), "prod")
    assert eni is not None
    assert (eni.device_index, eni.attachment_id, eni.attached, dict(eni.tags)) == (2, "", False, OURS)


@pytest.mark.parametrize("index", ["", "two", "-1", "²"])
def test_a_spare_nic_whose_index_is_not_readable_belongs_nowhere(index: str) -> None:
    eni = parse_spare(spare(OURS | {INDEX_TAG: index}), "prod")
    assert eni is not None
    assert eni.device_index == -1


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(spare({CLUSTER_TAG: "prod"}), id="not created for an instance"),
        pytest.param(spare(OURS | {CLUSTER_TAG: "test"}), id="of another cluster"),
        pytest.param(spare(OURS | {INSTANCE_TAG: "i-*"}), id="created for what is no instance"),
        pytest.param(spare(OURS, Attachment={"AttachmentId": "eni-attach-1", "Status": "detaching"}), id="detaching"),
    ],
)
def test_what_is_attached_or_not_ours_is_no_spare_nic(document: Any) -> None:
    assert parse_spare(document, "prod") is None


def test_an_ipv6_address_that_is_not_marked_is_not_taken_for_the_hosts_own() -> None:
    document: Any = spare(OURS, Ipv6Addresses=[{"Ipv6Address": "2001:db8::a"}, {"Ipv6Address": "2001:db8::b"}])
    assert parse_unattached(document, OURS).primary_ipv6 is None


def test_the_launch_time_survives_a_stop_and_a_start() -> None:
    assert parse_instance(instance(nic(1), nic(0))).launch_time == FIRST_LAUNCH


def test_an_instance_without_nics_has_only_its_launch_time() -> None:
    gone = parse_instance(
        instance(State={"Name": "terminated"}, StateTransitionReason="User initiated (2026-03-06 01:02:03 GMT)")
    )
    assert (gone.launch_time, gone.private_ipv4, gone.enis) == (RESTART, "", ())


def test_a_nic_whose_tags_are_not_known_yet_counts_as_not_attached() -> None:
    known: Any = nic(0, TagSet=[{"Key": "spiderpool-aws/managed", "Value": "false"}])
    described = parse_eni(known, known["TagSet"])
    assert described is not None
    seen = with_described_enis(parse_instance(instance(nic(0), nic(1))), {described.eni_id: described})
    assert [(eni.device_index, eni.attached, dict(eni.tags)) for eni in seen.enis] == [
        (0, True, {"spiderpool-aws/managed": "false"}),
        (1, False, {}),
    ]


@pytest.mark.parametrize(
    ("document", "nitro", "enis"),
    [
        pytest.param({"Hypervisor": "nitro", "BareMetal": False}, True, 2, id="nitro"),
        pytest.param({"BareMetal": True}, True, 2, id="bare metal has no hypervisor"),
        pytest.param({"Hypervisor": "xen", "BareMetal": False}, False, 2, id="xen"),
    ],
)
def test_limits_are_those_of_card_0(document: dict[str, Any], nitro: bool, enis: int) -> None:
    cards = [
        {"NetworkCardIndex": 1, "MaximumNetworkInterfaces": 13},
        {"NetworkCardIndex": 0, "MaximumNetworkInterfaces": 2},
    ]
    info: Any = document | {
        "InstanceType": "t",
        "NetworkInfo": {
            "MaximumNetworkInterfaces": 15,
            "NetworkCards": cards,
            "Ipv4AddressesPerInterface": 10,
            "Ipv6AddressesPerInterface": 12,
        },
    }
    limits = parse_limits(info)
    assert (limits.enis, limits.ipv4_per_eni, limits.ipv6_per_eni, limits.nitro) == (enis, 10, 12, nitro)


def test_an_ipv6_block_that_is_going_away_is_not_the_subnets() -> None:
    document: Any = {
        "SubnetId": "subnet-1",
        "CidrBlock": "10.0.0.0/24",
        "AvailableIpAddressCount": 7,
        "Ipv6CidrBlockAssociationSet": [
            {"Ipv6CidrBlock": "2001:db8:1::/64", "Ipv6CidrBlockState": {"State": "disassociated"}},
            {"Ipv6CidrBlock": "2001:db8:2::/64", "Ipv6CidrBlockState": {"State": "associated"}},
        ],
    }
    subnet = parse_subnet(document)
    assert (subnet.ipv6, subnet.available_ipv4) == (parse_network("2001:db8:2::/64"), 7)


def test_an_ipv6_only_subnet_has_no_ipv4_block() -> None:
    assert parse_subnet({"SubnetId": "subnet-1"}).ipv4 is None
