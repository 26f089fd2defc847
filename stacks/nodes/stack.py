"""NodesStack: jump host, node role, security group, and one Auto Scaling group an availability zone."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.context.deployment import Deployment
from stacks.network.stack import NetworkStack
from stacks.nodes.jump_host import SSH, JumpHost
from stacks.nodes.launch_template import NodeImage, Zone, add_zone
from stacks.nodes.node_role import node_role
from stacks.nodes.template_nics import template_nics
from stacks.nodes.user_data import render


class NodesStack(Stack):
    """The nodes; their launch template brings the NICs, so that a launch needs no EC2 call of ours.

    They are the nodes of the policy's first group, as the policy is at this deploy.
    """

    security_group: ec2.SecurityGroup

    def __init__(self, scope: Construct, name: str, *, deployment: Deployment, network: NetworkStack) -> None:
        super().__init__(scope, name, description=f"The nodes of {deployment.policy.cluster}")
        jump_host = JumpHost(self, "JumpHost", vpc=network.vpc, subnet=network.public_subnets[0], deployment=deployment)
        self.security_group = self._security_group(network.vpc, jump_host, ipv6=deployment.context.ipv6)
        self._add_nodes(deployment, network)
        CfnOutput(self, "JumpHostSession", value=f"aws ssm start-session --target {jump_host.instance.instance_id}")
        CfnOutput(
            self,
            "NextJoin",
            value=f"aws ssm put-parameter --type SecureString --name {deployment.join_parameter} --value file://join.sh",
            description="The script that joins a node to your cluster: until it is there the nodes wait for it",
        )

    def _security_group(self, vpc: ec2.IVpc, jump_host: JumpHost, *, ipv6: bool) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self, "Nodes", vpc=vpc, description="Nodes and pods", allow_all_outbound=True, allow_all_ipv6_outbound=ipv6
        )
        group.add_ingress_rule(group, ec2.Port.all_traffic(), "Nodes and pods among themselves")
        group.add_ingress_rule(jump_host.security_group, SSH, "SSH from the jump host")
        return group

    def _add_nodes(self, deployment: Deployment, network: NetworkStack) -> None:
        context, policy = deployment.context, deployment.policy
        group = deployment.group
        role = node_role(self, deployment.join_parameter)
        profile = iam.InstanceProfile(self, "Profile", role=role)
        user_data = render(group, policy.nodes.startup_taint, deployment.join_parameter)
        image = NodeImage(profile.instance_profile_arn, user_data)
        wanted = [i for i in group.interfaces if context.template_nics == "all" or i.device_index == 0]
        zones = zip(network.node_subnets, network.secondary_subnets, strict=True)
        for number, (first, secondary) in enumerate(zones, start=1):
            nics = template_nics(
                wanted,
                context.instance_types,
                subnets={True: first.subnet_id, False: secondary.subnet_id},
                security_group=self.security_group.security_group_id,
            )
            launched = add_zone(self, Zone(number, first, nics), deployment, image)
            # Not before the role may read the join script.
            launched.node.add_dependency(role)
