"""The launch template of one availability zone, and the Auto Scaling group that launches from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import CfnAutoScalingScheduledAction, CfnTag, CfnUpdatePolicy, Fn
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from spiderpool_aws.domain.instance import CLUSTER_TAG
from stacks.acknowledgements import NODE_GROUP, acknowledge
from stacks.context.deployment import Deployment
from stacks.nodes.hooks import hooks
from stacks.nodes.template_nics import Nic

Template = ec2.CfnLaunchTemplate
VOLUME_GB = 30
ROOT_DEVICE = "/dev/xvda"
"""Amazon Linux's; the volume of another image keeps its own size, and this one comes beside it."""


@dataclass(frozen=True, slots=True)
class Zone:
    """One availability zone: the subnet of the nodes' first NIC, and the NICs of its launch template."""

    number: int
    subnet: ec2.ISubnet
    nics: Sequence[Nic]


@dataclass(frozen=True, slots=True)
class NodeImage:
    """What all nodes have in common."""

    instance_profile_arn: str
    user_data: str


def node_tags(deployment: Deployment) -> dict[str, str]:
    """Return what a node's instance carries: the cluster, and what makes it a match for the policy's first group."""
    cluster, group = deployment.policy.cluster, deployment.policy.groups[0]
    return {"Name": f"{cluster}-{group.name}"} | group.match.tags | {CLUSTER_TAG: cluster}


def add_zone(scope: Construct, zone: Zone, deployment: Deployment, image: NodeImage) -> autoscaling.CfnAutoScalingGroup:
    """Add a launch template, and return the group that uses its newest version."""
    context, tags = deployment.context, node_tags(deployment)
    template = Template(
        scope,
        f"Template{zone.number}",
        launch_template_data=_data(zone, deployment, image, tags),
        tag_specifications=[_template_tags(tags)],
    )
    specification = autoscaling.CfnAutoScalingGroup.LaunchTemplateSpecificationProperty(
        launch_template_id=template.ref, version=template.attr_latest_version_number
    )
    mixed = _mixed(specification, context.instance_types) if len(context.instance_types) > 1 else None
    group = autoscaling.CfnAutoScalingGroup(
        scope,
        f"Group{zone.number}",
        # No desired capacity: the group starts with its minimum, and no later deploy undoes what an autoscaler did.
        min_size=str(context.nodes_per_zone),
        max_size=str(max(context.nodes_per_zone, context.max_nodes_per_zone)),
        vpc_zone_identifier=[zone.subnet.subnet_id],
        launch_template=None if mixed else specification,
        mixed_instances_policy=mixed,
        lifecycle_hook_specification_list=hooks(),
        # The cluster's tag on the group itself, too: by it the worker may answer the hooks.
        tags=[
            autoscaling.CfnAutoScalingGroup.TagPropertyProperty(key=key, value=value, propagate_at_launch=True)
            for key, value in tags.items()
        ],
    )
    # A changed template is for the nodes that come: CloudFormation cannot drain a node, so it replaces none.
    group.cfn_options.update_policy = CfnUpdatePolicy(
        auto_scaling_scheduled_action=CfnAutoScalingScheduledAction(ignore_unmodified_group_size_properties=True)
    )
    acknowledge(group, NODE_GROUP)
    return group


def _data(
    zone: Zone, deployment: Deployment, image: NodeImage, tags: dict[str, str]
) -> Template.LaunchTemplateDataProperty:
    context = deployment.context
    kinds = {"instance": tags, "volume": tags, "network-interface": {CLUSTER_TAG: tags[CLUSTER_TAG]}}
    return Template.LaunchTemplateDataProperty(
        # EC2 looks the parameter up at each launch: a new node has the newest image without a deploy.
        image_id=f"resolve:ssm:{context.image_parameter}",
        instance_type=context.instance_types[0],
        iam_instance_profile=Template.IamInstanceProfileProperty(arn=image.instance_profile_arn),
        key_name=context.ssh_key_name or None,
        user_data=Fn.base64(image.user_data),
        network_interfaces=list(zone.nics),
        metadata_options=metadata_options(),
        block_device_mappings=[
            Template.BlockDeviceMappingProperty(
                device_name=ROOT_DEVICE,
                ebs=Template.EbsProperty(
                    volume_type="gp3", volume_size=VOLUME_GB, encrypted=True, delete_on_termination=True
                ),
            )
        ],
        tag_specifications=[
            Template.TagSpecificationProperty(resource_type=kind, tags=_tags(of_kind))
            for kind, of_kind in kinds.items()
        ],
    )


def metadata_options() -> Template.MetadataOptionsProperty:
    """Return IMDSv2 with one hop: a packet that the host routes, as Spiderpool's coordinator has it, is not answered.

    So the nodes' role is the host's. A pod that needs it (AWS Load Balancer Controller) runs with hostNetwork.
    """
    return Template.MetadataOptionsProperty(
        http_endpoint="enabled",
        http_tokens="required",
        http_put_response_hop_limit=1,
        instance_metadata_tags="disabled",
    )


def _mixed(
    specification: autoscaling.CfnAutoScalingGroup.LaunchTemplateSpecificationProperty, instance_types: Sequence[str]
) -> autoscaling.CfnAutoScalingGroup.MixedInstancesPolicyProperty:
    """Return a policy that takes the first type that the zone has, in the context's order."""
    group = autoscaling.CfnAutoScalingGroup
    return group.MixedInstancesPolicyProperty(
        instances_distribution=group.InstancesDistributionProperty(
            on_demand_allocation_strategy="prioritized", on_demand_percentage_above_base_capacity=100
        ),
        launch_template=group.LaunchTemplateProperty(
            launch_template_specification=specification,
            overrides=[group.LaunchTemplateOverridesProperty(instance_type=name) for name in instance_types],
        ),
    )


def _tags(tags: dict[str, str]) -> list[CfnTag]:
    return [CfnTag(key=key, value=value) for key, value in tags.items()]


def _template_tags(tags: dict[str, str]) -> Template.LaunchTemplateTagSpecificationProperty:
    return Template.LaunchTemplateTagSpecificationProperty(resource_type="launch-template", tags=_tags(tags))
