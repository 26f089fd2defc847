"""The jump host: a small instance in a public subnet, reached through Session Manager; by SSH where it is asked for."""

from ipaddress import IPv6Network, ip_network

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.acknowledgements import JUMP_HOST, acknowledge
from stacks.context.deployment import Deployment
from stacks.nodes.node_role import machine_role

SSH = ec2.Port.tcp(22)


class JumpHost(Construct):
    """It carries no cluster tag: the reconciler would take it for a node."""

    security_group: ec2.SecurityGroup

    def __init__(
        self, scope: Construct, name: str, *, vpc: ec2.IVpc, subnet: ec2.ISubnet, deployment: Deployment
    ) -> None:
        super().__init__(scope, name)
        context = deployment.context
        self.security_group = ec2.SecurityGroup(
            self,
            "Group",
            vpc=vpc,
            description="Jump host",
            allow_all_outbound=True,
            allow_all_ipv6_outbound=context.ipv6,
        )
        with_ssh = context.ssh_key_name and context.ssh_cidr
        if with_ssh:
            self.security_group.add_ingress_rule(_peer(context.ssh_cidr), SSH, "SSH from sshCidr")
        self.instance = ec2.Instance(
            self,
            "Instance",
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=[subnet]),
            associate_public_ip_address=True,
            instance_name=deployment.names.of("jump-host"),
            instance_type=ec2.InstanceType("t4g.nano"),
            machine_image=ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.ARM_64),
            security_group=self.security_group,
            role=machine_role(self, "Role", "Jump host: Session Manager"),
            key_pair=ec2.KeyPair.from_key_pair_name(self, "Key", context.ssh_key_name) if with_ssh else None,
            http_tokens=ec2.HttpTokens.REQUIRED,
            http_put_response_hop_limit=1,
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(8, volume_type=ec2.EbsDeviceVolumeType.GP3, encrypted=True),
                )
            ],
        )
        acknowledge(self.instance, JUMP_HOST)


def _peer(cidr: str) -> ec2.IPeer:
    return ec2.Peer.ipv6(cidr) if isinstance(ip_network(cidr), IPv6Network) else ec2.Peer.ipv4(cidr)
