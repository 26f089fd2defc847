"""How the functions that talk to the cluster get there: VPC, subnets, security group, optional endpoints."""

from collections.abc import Sequence
from ipaddress import ip_network

from aws_cdk import Annotations
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from spiderpool_aws.deployment import Names
from stacks.acknowledgements import ENDPOINTS, acknowledge
from stacks.context.deployment import Context
from stacks.network.endpoints import SERVICES, InterfaceEndpoints
from stacks.placement import Placement

HTTPS = ec2.Port.tcp(443)


class Reachability(Construct):
    """Where those functions run, and the rules that let them out to AWS and to the API server, and into nothing else.

    The API server is known, in this order, by `apiServerCidr`, by `apiServerSecurityGroup`, or by the placement.
    """

    def __init__(
        self, scope: Construct, name: str, *, context: Context, names: Names, placement: Placement | None
    ) -> None:
        super().__init__(scope, name)
        self._context, self._cluster = context, names.cluster
        self.vpc, self.subnets = _existing(self, context) if placement is None else (placement.vpc, placement.subnets)
        self.security_group = ec2.SecurityGroup(
            self,
            "Functions",
            vpc=self.vpc,
            security_group_name=names.of("functions"),
            description=f"The functions of {names.cluster} that talk to its API server",
            allow_all_outbound=False,
        )
        self._let_out(ec2.Peer.any_ipv4(), HTTPS, "the AWS services")
        if context.ipv6:
            self._let_out(ec2.Peer.any_ipv6(), HTTPS, "the AWS services")
        self._to_api_server(placement)
        if context.alone and context.vpc_endpoints:
            self._endpoints()

    @property
    def selection(self) -> ec2.SubnetSelection:
        """Return the subnets as Lambda's construct takes them."""
        return ec2.SubnetSelection(subnets=list(self.subnets))

    def _let_out(self, peer: ec2.IPeer, port: ec2.Port, to: str) -> None:
        self.security_group.add_egress_rule(peer, port, f"To {to}")

    def _to_api_server(self, placement: Placement | None) -> None:
        port = ec2.Port.tcp(self._context.api_server_port)
        if self._context.api_server_cidr:
            self._let_out(_peer(self._context.api_server_cidr), port, "the API server")
            return
        group = self._api_server_group(placement)
        self._let_out(group, port, "the API server")
        # Here and not by the group's own method: that would put the rule into the nodes' stack, which then needs this.
        ec2.CfnSecurityGroupIngress(
            self,
            "ApiServer",
            group_id=group.security_group_id,
            source_security_group_id=self.security_group.security_group_id,
            ip_protocol="tcp",
            from_port=self._context.api_server_port,
            to_port=self._context.api_server_port,
            description=f"From the functions of {self._cluster}",
        )

    def _api_server_group(self, placement: Placement | None) -> ec2.ISecurityGroup:
        given = self._context.api_server_security_group
        if placement is None or given:
            return ec2.SecurityGroup.from_security_group_id(self, "Given", given, mutable=False)
        return placement.api_server

    def _endpoints(self) -> None:
        """Make a way to AWS's services inside a VPC that exists and has no NAT gateway.

        Their private names hold for the whole VPC, so of two clusters in one VPC one only may bring them.
        """
        wanted = {"Ec2", "Sqs", "Ssm", "AutoScaling"}
        match self._context.cluster_login:
            case "kubeconfig":
                wanted.add("SecretsManager")
            case "web-identity":
                wanted.add("Sts")
            case "iam-authenticator":
                pass  # Its token is signed here and sent to STS by the cluster.
        services = {label: service for label, service in SERVICES.items() if label in wanted}
        anybody = ec2.Peer.any_ipv4()
        made = InterfaceEndpoints(
            self, "Endpoints", vpc=self.vpc, subnets=self.subnets, client=anybody, services=services
        )
        acknowledge(made.security_group, ENDPOINTS)


def _existing(scope: Construct, context: Context) -> tuple[ec2.IVpc, Sequence[ec2.ISubnet]]:
    """Return the VPC and the subnets that the context names, without a look-up."""
    ids, zones = context.subnet_ids, context.subnet_zones
    vpc = ec2.Vpc.from_vpc_attributes(
        scope, "Vpc", vpc_id=context.vpc_id, availability_zones=list(dict.fromkeys(zones))
    )
    subnets = [
        ec2.Subnet.from_subnet_attributes(scope, f"Subnet{index}", subnet_id=subnet_id, availability_zone=zone)
        for index, (subnet_id, zone) in enumerate(zip(ids, zones, strict=True), 1)
    ]
    for subnet in subnets:
        # CDK warns of each; nothing here asks for the route table of a subnet that exists.
        Annotations.of(subnet).acknowledge_warning("@aws-cdk/aws-ec2:noSubnetRouteTableId")
    return vpc, subnets


def _peer(cidr: str) -> ec2.IPeer:
    return ec2.Peer.ipv4(cidr) if ip_network(cidr).version == 4 else ec2.Peer.ipv6(cidr)
