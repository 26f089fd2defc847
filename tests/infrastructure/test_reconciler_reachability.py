"""The functions get to AWS and to the API server, and nobody gets to them."""

import pytest

from tests.infrastructure.contexts import alone, login
from tests.infrastructure.templates import Properties, Template, of_type, reconciler


def way_out(template: Template) -> set[tuple[str, int, int]]:
    """Return whereto and to which ports the functions' security group lets them."""
    [(group, properties)] = [
        (name, properties)
        for name, properties in of_type(template, "AWS::EC2::SecurityGroup").items()
        if properties.get("GroupName") == "spiderpool-aws-demo-functions"
    ]
    assert "SecurityGroupIngress" not in properties
    rules = list(properties["SecurityGroupEgress"])
    for rule in of_type(template, "AWS::EC2::SecurityGroupEgress").values():
        assert rule["GroupId"] == {"Fn::GetAtt": [group, "GroupId"]}
        rules.append(rule)
    return {(_whereto(rule), rule["FromPort"], rule["ToPort"]) for rule in rules}


def _whereto(rule: Properties) -> str:
    for key in ("CidrIp", "CidrIpv6", "DestinationSecurityGroupId"):
        if key in rule:
            value = rule[key]
            return value if isinstance(value, str) else "another stack's"
    raise AssertionError(rule)


AWS = {("0.0.0.0/0", 443, 443), ("::/0", 443, 443)}


def test_an_api_server_that_is_known_by_its_addresses_is_let_out_to() -> None:
    template = reconciler(**alone())
    assert way_out(template) == AWS | {("10.1.0.0/16", 6443, 6443)}
    assert of_type(template, "AWS::EC2::SecurityGroupIngress") == {}


def test_ipv6_addresses_of_an_api_server_and_another_port_are_taken() -> None:
    template = reconciler(**alone(apiServerCidr="2001:db8::/64", apiServerPort=7443))
    assert way_out(template) == AWS | {("2001:db8::/64", 7443, 7443)}


def test_without_ipv6_there_is_no_ipv6_rule() -> None:
    assert ("::/0", 443, 443) not in way_out(reconciler(**alone(ipv6=False)))


def test_an_api_server_that_is_known_by_its_security_group_lets_the_functions_in() -> None:
    template = reconciler(**alone(apiServerCidr="", apiServerSecurityGroup="sg-0123"))
    assert way_out(template) == AWS | {("sg-0123", 6443, 6443)}
    [ingress] = of_type(template, "AWS::EC2::SecurityGroupIngress").values()
    assert (ingress["GroupId"], ingress["IpProtocol"]) == ("sg-0123", "tcp")
    assert (ingress["FromPort"], ingress["ToPort"]) == (6443, 6443)
    [group] = of_type(template, "AWS::EC2::SecurityGroup")
    assert ingress["SourceSecurityGroupId"] == {"Fn::GetAtt": [group, "GroupId"]}


def test_beside_our_own_nodes_the_rule_of_their_group_is_in_this_stack() -> None:
    template = reconciler()
    assert way_out(template) == AWS | {("another stack's", 6443, 6443)}
    [ingress] = of_type(template, "AWS::EC2::SecurityGroupIngress").values()
    assert "spiderpool-aws-demo-nodes:" in ingress["GroupId"]["Fn::ImportValue"]


@pytest.mark.parametrize(
    ("way", "last"), [("kubeconfig", {"secretsmanager"}), ("web-identity", {"sts"}), ("iam-authenticator", set())]
)
def test_endpoints_are_made_for_the_services_that_the_functions_call(way: str, last: set[str]) -> None:
    template = reconciler(**alone(**login(way), vpcEndpoints=True))
    endpoints = of_type(template, "AWS::EC2::VPCEndpoint").values()
    services = {"".join(map(str, endpoint["ServiceName"]["Fn::Join"][1])).rsplit(".", 1)[1] for endpoint in endpoints}
    assert services == {"ec2", "sqs", "ssm", "autoscaling"} | last
    assert all(endpoint["SubnetIds"] == ["subnet-0a", "subnet-0b"] for endpoint in endpoints)


def test_whoever_in_the_vpc_calls_aws_is_let_in_to_the_endpoints_for_their_names_hold_for_all() -> None:
    template = reconciler(**alone(vpcEndpoints=True))
    used = {str(endpoint["SecurityGroupIds"]) for endpoint in of_type(template, "AWS::EC2::VPCEndpoint").values()}
    [group] = [name for name in of_type(template, "AWS::EC2::SecurityGroup") if "Endpoints" in name]
    assert used == {str([{"Fn::GetAtt": [group, "GroupId"]}])}
    [rule] = of_type(template, "AWS::EC2::SecurityGroup")[group]["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"]) == ("0.0.0.0/0", 443, 443)


def test_without_the_key_there_is_no_endpoint() -> None:
    assert of_type(reconciler(**alone()), "AWS::EC2::VPCEndpoint") == {}
