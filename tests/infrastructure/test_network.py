"""What the network gives its user: subnets, ways in and out, tags, and room for prefixes."""

from ipaddress import IPv4Network
from typing import Any

import pytest

from tests.infrastructure.contexts import POLICY
from tests.infrastructure.templates import Template, of_type, tags, template

SUBNET = "AWS::EC2::Subnet"
PREFIXES = POLICY.replace("ipv4: {addresses: 5}", "ipv4: {prefixes: 1}")
ELB, INTERNAL_ELB, ROLE = "kubernetes.io/role/elb", "kubernetes.io/role/internal-elb", "spiderpool-aws/role"


def subnets(network: Template, tag: str) -> dict[str, dict[str, Any]]:
    return {name: subnet for name, subnet in of_type(network, SUBNET).items() if tag in tags(subnet)}


def routes(network: Template, subnet: str) -> dict[str, str]:
    """Return destination -> type of the target, of the route table that a subnet has."""
    associations = of_type(network, "AWS::EC2::SubnetRouteTableAssociation").values()
    (table,) = [a["RouteTableId"] for a in associations if a["SubnetId"] == {"Ref": subnet}]
    found = {}
    for route in of_type(network, "AWS::EC2::Route").values():
        if route["RouteTableId"] == table:
            destination = route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"]
            (target,) = [route[key]["Ref"] for key in route if key.endswith("GatewayId")]
            found[destination] = network["Resources"][target]["Type"].removeprefix("AWS::EC2::")
    return found


def cidrs(network: Template) -> dict[str, str]:
    return {name: subnet["CidrBlock"] for name, subnet in of_type(network, SUBNET).items()}


@pytest.mark.parametrize("zones", [1, 2, 3])
def test_each_zone_has_a_public_a_node_and_a_secondary_subnet_that_do_not_overlap(zones: int) -> None:
    network = template("network", availabilityZones=zones)
    for tag in (ELB, INTERNAL_ELB, ROLE):
        found = [subnet["AvailabilityZone"] for subnet in subnets(network, tag).values()]
        assert found == [{"Fn::Select": [place, {"Fn::GetAZs": ""}]} for place in range(zones)]
    networks = [IPv4Network(cidr) for cidr in cidrs(network).values()]
    assert len(networks) == 3 * zones
    assert not any(a.overlaps(b) for a in networks for b in networks if a is not b)
    assert all(network.subnet_of(IPv4Network("10.0.0.0/16")) for network in networks)


def test_a_zone_that_is_added_later_moves_no_subnet() -> None:
    def places(zones: int) -> dict[str, Any]:
        found = of_type(template("network", availabilityZones=zones), SUBNET)
        return {name: (subnet["CidrBlock"], subnet["Ipv6CidrBlock"]) for name, subnet in found.items()}

    one, two, three = places(1), places(2), places(3)
    assert one.items() < two.items() < three.items()


def test_the_zones_can_be_named() -> None:
    network = template("network", zoneNames="eu-central-1b,eu-central-1c")
    zones = [subnet["AvailabilityZone"] for subnet in subnets(network, ROLE).values()]
    assert zones == ["eu-central-1b", "eu-central-1c"]


def test_the_smallest_vpc_has_public_subnets_that_a_load_balancer_takes() -> None:
    network = template("network", vpcCidr="10.9.0.0/23", availabilityZones=3)
    lengths = {
        tag: {IPv4Network(s["CidrBlock"]).prefixlen for s in subnets(network, tag).values()} for tag in (ELB, ROLE)
    }
    assert lengths == {ELB: {27}, ROLE: {26}}


def test_nothing_but_the_vpc_and_its_subnets_carries_the_cluster() -> None:
    network = template("network", vpcEndpoints=True)
    found = {r["Type"] for r in network["Resources"].values() if "spiderpool-aws/cluster" in str(r)}
    assert found == {"AWS::EC2::VPC", SUBNET}


def test_the_subnets_are_found_by_their_tags_and_all_carry_the_cluster() -> None:
    network = template("network")
    (vpc,) = of_type(network, "AWS::EC2::VPC").values()
    everything = [vpc, *of_type(network, SUBNET).values()]
    assert [tags(each)["spiderpool-aws/cluster"] for each in everything] == ["demo"] * 7
    roles = [
        {key: tags(subnet)[key] for key in (ELB, INTERNAL_ELB, ROLE) if key in tags(subnet)} for subnet in everything
    ]
    for expected in ({ELB: "1"}, {INTERNAL_ELB: "1"}, {ROLE: "secondary-nic"}):
        assert roles.count(expected) == 2


def test_private_subnets_go_out_by_nat_in_ipv4_and_by_the_internet_gateway_in_ipv6() -> None:
    network = template("network")
    for subnet in (*subnets(network, INTERNAL_ELB), *subnets(network, ROLE)):
        assert routes(network, subnet) == {"0.0.0.0/0": "NatGateway", "::/0": "InternetGateway"}
    for subnet in subnets(network, ELB):
        assert routes(network, subnet) == {"0.0.0.0/0": "InternetGateway", "::/0": "InternetGateway"}
    assert not of_type(network, "AWS::EC2::EgressOnlyInternetGateway")


def test_with_egress_only_nobody_from_the_internet_reaches_a_private_subnet() -> None:
    network = template("network", ipv6Route="egress-only")
    for subnet in (*subnets(network, INTERNAL_ELB), *subnets(network, ROLE)):
        assert routes(network, subnet) == {"0.0.0.0/0": "NatGateway", "::/0": "EgressOnlyInternetGateway"}


def test_the_ipv6_route_changes_in_place() -> None:
    # A second resource for the same destination would be refused by EC2 while the first one is still there.
    tables = []
    for route in ("internet-gateway", "egress-only"):
        found = of_type(template("network", ipv6Route=route), "AWS::EC2::Route").items()
        tables.append({name: properties.get("DestinationIpv6CidrBlock") for name, properties in found})
    assert tables[0] == tables[1]


def test_the_routes_to_the_internet_gateway_wait_until_it_is_attached() -> None:
    network = template("network")
    (attachment,) = of_type(network, "AWS::EC2::VPCGatewayAttachment")
    through = [
        r for r in network["Resources"].values() if r["Type"] == "AWS::EC2::Route" and "GatewayId" in r["Properties"]
    ]
    assert len(through) == 8
    assert all(attachment in route["DependsOn"] for route in through)


@pytest.mark.parametrize(("wish", "gateways"), [("one", 1), ("per-az", 2)])
def test_there_is_one_nat_gateway_or_one_in_each_zone(wish: str, gateways: int) -> None:
    network = template("network", natGateways=wish)
    public = [{"Ref": name} for name in subnets(network, ELB)]
    places = [gateway["SubnetId"] for gateway in of_type(network, "AWS::EC2::NatGateway").values()]
    assert places == public[:gateways]
    used = {
        str(route["NatGatewayId"]) for route in of_type(network, "AWS::EC2::Route").values() if "NatGatewayId" in route
    }
    assert len(used) == gateways


def test_without_ipv6_the_network_has_none() -> None:
    network = template("network", ipv6=False)
    assert not of_type(network, "AWS::EC2::VPCCidrBlock")
    assert not any("Ipv6CidrBlock" in subnet for subnet in of_type(network, SUBNET).values())
    for subnet in subnets(network, ROLE):
        assert routes(network, subnet) == {"0.0.0.0/0": "NatGateway"}


def test_no_subnet_gives_an_address_that_nobody_asked_for() -> None:
    for subnet in of_type(template("network"), SUBNET).values():
        assert subnet["AssignIpv6AddressOnCreation"] is False
        assert subnet["MapPublicIpOnLaunch"] is False


def reserved(network: Template) -> dict[str, set[str]]:
    """Return subnet CIDR -> what of it is kept for prefixes."""
    found: dict[str, set[str]] = {}
    for reservation in of_type(network, "AWS::EC2::SubnetCidrReservation").values():
        assert reservation["ReservationType"] == "prefix"
        subnet = network["Resources"][reservation["SubnetId"]["Ref"]]["Properties"]["CidrBlock"]
        found.setdefault(subnet, set()).add(reservation["Cidr"])
    return found


def test_single_addresses_need_no_reservation() -> None:
    assert reserved(template("network")) == {}


def test_where_the_policy_has_prefixes_three_quarters_of_the_subnet_are_kept_for_them() -> None:
    kept = reserved(template("network", policy=PREFIXES))
    assert kept["10.0.0.0/19"] == {"10.0.8.0/21", "10.0.16.0/20"}
    assert set(kept) == {"10.0.0.0/19", "10.0.32.0/19", "10.0.96.0/19", "10.0.128.0/19"}


def test_only_the_subnets_of_the_nic_with_prefixes_are_reserved() -> None:
    first, second = POLICY.split("      - deviceIndex: 1\n")
    policy = f"{first}      - deviceIndex: 1\n{second.replace('ipv4: {addresses: 5}', 'ipv4: {prefixes: 1}')}"
    assert set(reserved(template("network", policy=policy))) == {"10.0.96.0/19", "10.0.128.0/19"}


def test_nics_with_single_addresses_beside_those_with_prefixes_get_half_of_the_subnet() -> None:
    other = PREFIXES[PREFIXES.index("  - name: workers") :].replace("{prefixes: 1}", "{addresses: 5}")
    policy = PREFIXES + other.replace("workers", "others").replace("role: worker", "role: other")
    assert reserved(template("network", policy=policy))["10.0.0.0/19"] == {"10.0.16.0/20"}


def test_there_are_no_endpoints_by_default() -> None:
    assert not of_type(template("network"), "AWS::EC2::VPCEndpoint")


def test_the_endpoints_are_in_the_nodes_subnets_and_let_the_vpc_in() -> None:
    network = template("network", vpcEndpoints=True)
    endpoints = of_type(network, "AWS::EC2::VPCEndpoint").values()
    interfaces = [endpoint for endpoint in endpoints if endpoint.get("VpcEndpointType") == "Interface"]
    services = {endpoint["ServiceName"]["Fn::Join"][1][-1].lstrip(".") for endpoint in interfaces}
    assert services == {"ec2", "sqs", "ssm", "sts", "secretsmanager", "autoscaling", "logs"}
    for endpoint in interfaces:
        assert endpoint["SubnetIds"] == [{"Ref": name} for name in subnets(network, INTERNAL_ELB)]
        assert endpoint["PrivateDnsEnabled"] is True
    (group,) = of_type(network, "AWS::EC2::SecurityGroup").values()
    (rule,) = group["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("10.0.0.0/16", "tcp", 443, 443)
    (gateway,) = [endpoint for endpoint in endpoints if endpoint not in interfaces]
    assert len(gateway["RouteTableIds"]) == 4


def test_flow_logs_tell_of_all_traffic_and_are_kept_as_long_as_other_logs() -> None:
    network = template("network", logRetentionDays="7")
    (flow_log,) = of_type(network, "AWS::EC2::FlowLog").values()
    (group,) = of_type(network, "AWS::Logs::LogGroup")
    assert flow_log["TrafficType"] == "ALL"
    assert flow_log["LogGroupName"] == {"Ref": group}
    assert of_type(network, "AWS::Logs::LogGroup")[group]["RetentionInDays"] == 7


def test_flow_logs_can_be_left_out() -> None:
    network = template("network", flowLogs=False)
    assert not of_type(network, "AWS::EC2::FlowLog")
    assert not of_type(network, "AWS::Logs::LogGroup")


def test_the_template_fits_every_account_region_and_partition() -> None:
    written = str(template("network", vpcEndpoints=True))
    assert "arn:aws" not in written
    assert "us-east-1" not in written
