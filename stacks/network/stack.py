"""NetworkStack: the VPC that the Spiderpool guide has a person make in the console."""

from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import cast

from aws_cdk import CfnOutput, Fn, RemovalPolicy, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from spiderpool_aws.domain.instance import CLUSTER_TAG
from stacks.acknowledgements import VPC, acknowledge
from stacks.addressing import MAX_ZONES, Layout
from stacks.context.deployment import Context, Deployment
from stacks.context.policy_rules import SubnetUse
from stacks.network.endpoints import InterfaceEndpoints

PUBLIC, NODES, SECONDARY = "Public", "Nodes", "Secondary"
SUBNET_TAGS = {
    PUBLIC: ("kubernetes.io/role/elb", "1"),
    NODES: ("kubernetes.io/role/internal-elb", "1"),
    SECONDARY: ("spiderpool-aws/role", "secondary-nic"),
}
"""What others find the subnets by: the AWS Load Balancer Controller, and the policy's `subnets.tags`.

Internal load balancers go beside the nodes' first NIC only: the controller takes one subnet a zone, and the addresses
of the second NIC's are for pods.
"""


class NetworkStack(Stack):
    """A dual-stack VPC with three subnets an availability zone: public, the nodes' first NIC, their second NIC."""

    vpc: ec2.Vpc
    public_subnets: list[ec2.ISubnet]
    node_subnets: list[ec2.ISubnet]
    secondary_subnets: list[ec2.ISubnet]

    def __init__(self, scope: Construct, name: str, *, deployment: Deployment) -> None:
        super().__init__(scope, name, description=f"The network of {deployment.policy.cluster}")
        context = deployment.context
        self.vpc = _vpc(self, context)
        self.public_subnets, self.node_subnets, self.secondary_subnets = (
            self.vpc.select_subnets(subnet_group_name=group).subnets for group in (PUBLIC, NODES, SECONDARY)
        )
        if context.ipv6 and context.ipv6_route == "internet-gateway":
            self._route_ipv6_to_the_internet_gateway()
        self._tag(deployment.policy.cluster)
        for subnets, first_nic in ((self.node_subnets, True), (self.secondary_subnets, False)):
            _keep_for_prefixes(subnets, SubnetUse.of(deployment.policy.groups, first_nic=first_nic))
        if context.vpc_endpoints:
            self._add_endpoints(context)
        if context.flow_logs:
            self._add_flow_logs(context)
        else:
            acknowledge(self.vpc, VPC)
        CfnOutput(self, "VpcId", value=self.vpc.vpc_id)
        CfnOutput(self, "NodeSubnetIds", value=Fn.join(",", [subnet.subnet_id for subnet in self.node_subnets]))
        CfnOutput(self, "SecondarySubnetIds", value=Fn.join(",", [s.subnet_id for s in self.secondary_subnets]))

    def _route_ipv6_to_the_internet_gateway(self) -> None:
        """Replace CDK's egress-only gateway, as the guide has it."""
        self.vpc.node.try_remove_child("EIGW6")
        attachment = self.vpc.node.find_child("VPCGW")
        for subnet in (*self.node_subnets, *self.secondary_subnets):
            subnet.node.try_remove_child("DefaultRoute6")
            # The same construct id, so the same resource: a change of `ipv6Route` is an update, not a second route.
            route = ec2.CfnRoute(
                cast(Construct, subnet),
                "DefaultRoute6",
                route_table_id=subnet.route_table.route_table_id,
                destination_ipv6_cidr_block="::/0",
                gateway_id=self.vpc.internet_gateway_id,
            )
            route.node.add_dependency(attachment)

    def _tag(self, cluster: str) -> None:
        # Only what people look for by it: on a NIC, an instance or a group the tag has consequences.
        Tags.of(self).add(CLUSTER_TAG, cluster, include_resource_types=["AWS::EC2::VPC", "AWS::EC2::Subnet"])
        groups = ((PUBLIC, self.public_subnets), (NODES, self.node_subnets), (SECONDARY, self.secondary_subnets))
        for group, subnets in groups:
            for subnet in subnets:
                Tags.of(subnet).add(*SUBNET_TAGS[group], include_resource_types=["AWS::EC2::Subnet"])

    def _add_endpoints(self, context: Context) -> None:
        client = ec2.Peer.ipv4(context.vpc_cidr)
        InterfaceEndpoints(self, "Endpoints", vpc=self.vpc, subnets=self.node_subnets, client=client)
        # A gateway endpoint is a route, costs nothing, and serves every private subnet.
        private = ec2.SubnetSelection(subnets=[*self.node_subnets, *self.secondary_subnets])
        self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3, subnets=[private])

    def _add_flow_logs(self, context: Context) -> None:
        group = logs.LogGroup(self, "FlowLogs", removal_policy=RemovalPolicy.DESTROY)
        cast(logs.CfnLogGroup, group.node.default_child).retention_in_days = context.log_retention_days
        self.vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(group))


def _vpc(scope: Construct, context: Context) -> ec2.Vpc:
    zones = list(context.zone_names) or [Fn.select(n, Fn.get_azs()) for n in range(context.availability_zones)]
    layout = Layout(IPv4Network(context.vpc_cidr))
    dual = ec2.IpProtocol.DUAL_STACK if context.ipv6 else ec2.IpProtocol.IPV4_ONLY
    return ec2.Vpc(
        scope,
        "Vpc",
        availability_zones=zones,
        # The room of the zones that are not there yet.
        reserved_azs=MAX_ZONES - len(zones) or None,
        ip_addresses=ec2.IpAddresses.cidr(context.vpc_cidr),
        ip_protocol=dual,
        nat_gateways=1 if context.nat_gateways == "one" else len(zones),
        restrict_default_security_group=False,
        subnet_configuration=[
            _subnets(NODES, ec2.SubnetType.PRIVATE_WITH_EGRESS, layout.private_length, ipv6=context.ipv6),
            _subnets(SECONDARY, ec2.SubnetType.PRIVATE_WITH_EGRESS, layout.private_length, ipv6=context.ipv6),
            _subnets(PUBLIC, ec2.SubnetType.PUBLIC, layout.public_length, ipv6=context.ipv6),
        ],
    )


def _subnets(name: str, kind: ec2.SubnetType, length: int, *, ipv6: bool) -> ec2.SubnetConfiguration:
    """Return one kind of subnet; none gives an address by itself, because each NIC says what it takes.

    An IPv6 address that the subnet adds would be one that the policy did not ask for, and a slot of the NIC.
    """
    return ec2.SubnetConfiguration(
        name=name,
        subnet_type=kind,
        cidr_mask=length,
        map_public_ip_on_launch=False if kind is ec2.SubnetType.PUBLIC else None,
        ipv6_assign_address_on_creation=False if ipv6 else None,
    )


def _keep_for_prefixes(subnets: Sequence[ec2.ISubnet], use: SubnetUse) -> None:
    """Reserve a part of each subnet, so that single addresses do not break up the last free /28.

    There is no such reservation in IPv6: a /64 has 65,536 prefixes of /80, which single addresses cannot use up.
    """
    for subnet in subnets:
        for place, network in enumerate(use.kept(IPv4Network(subnet.ipv4_cidr_block))):
            ec2.CfnSubnetCidrReservation(
                cast(Construct, subnet),
                f"Prefixes{place}",
                cidr=str(network),
                reservation_type="prefix",
                subnet_id=subnet.subnet_id,
                description="Delegated prefixes: no single address is assigned from here",
            )
