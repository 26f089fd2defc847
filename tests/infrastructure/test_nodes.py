"""The NodesStack's template: what a user gets."""

from base64 import b64encode
from dataclasses import replace

import pytest

from spiderpool_aws.deployment import HEARTBEAT
from spiderpool_aws.domain.lifecycle import LAUNCH_HOOK, TERMINATE_HOOK
from spiderpool_aws.domain.policy.model import parse_policy
from stacks.nodes.user_data import MOST_BYTES
from tests.infrastructure.contexts import Json, interface, policy_text
from tests.infrastructure.templates import NodesTemplate, nodes_template, plain, strings
from tests.unit import build

TWO_NICS = policy_text(interface(0), interface(1))


@pytest.fixture(scope="module")
def nodes() -> NodesTemplate:
    return nodes_template(TWO_NICS)


def groups(nodes: NodesTemplate) -> list[Json]:
    return nodes.of("AWS::AutoScaling::AutoScalingGroup")


def tags(listed: list[Json]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in listed}


def launch_tags(data: Json, kind: str) -> dict[str, str]:
    (found,) = [item["Tags"] for item in data["TagSpecifications"] if item["ResourceType"] == kind]
    return tags(found)


def test_each_zone_has_its_group_in_its_own_subnet(nodes: NodesTemplate) -> None:
    subnets = [str(plain(group["VPCZoneIdentifier"])) for group in groups(nodes)]
    assert ["NodesSubnet1" in subnets[0], "NodesSubnet2" in subnets[1], len(subnets)] == [True, True, 2]


def test_a_group_uses_the_newest_version_of_its_template(nodes: NodesTemplate) -> None:
    versions = [group["LaunchTemplate"]["Version"] for group in groups(nodes)]
    assert versions == [{"Fn::GetAtt": [f"Template{number}", "LatestVersionNumber"]} for number in (1, 2)]


def test_the_size_is_between_the_contexts_and_a_deploy_sets_none() -> None:
    for group in groups(nodes_template(TWO_NICS, nodesPerZone=3, maxNodesPerZone=7)):
        assert (group["MinSize"], group["MaxSize"], "DesiredCapacity" in group) == ("3", "7", False)


def test_a_deploy_replaces_no_node_and_undoes_no_autoscaler(nodes: NodesTemplate) -> None:
    for group in nodes.resources("AWS::AutoScaling::AutoScalingGroup"):
        assert group["UpdatePolicy"] == {"AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": True}}


def test_no_node_is_launched_before_its_role_may_read_the_join_script(nodes: NodesTemplate) -> None:
    for group in nodes.resources("AWS::AutoScaling::AutoScalingGroup"):
        assert any(name.startswith("NodeRoleDefaultPolicy") for name in group["DependsOn"])


def test_the_template_brings_each_nic_in_its_subnet_of_the_same_zone(nodes: NodesTemplate) -> None:
    for number, template in enumerate(nodes.of("AWS::EC2::LaunchTemplate"), start=1):
        first, second = template["LaunchTemplateData"]["NetworkInterfaces"]
        assert [nic["DeviceIndex"] for nic in (first, second)] == [0, 1]
        assert f"NodesSubnet{number}" in str(first["SubnetId"])
        assert f"SecondarySubnet{number}" in str(second["SubnetId"])


def test_the_nics_go_with_their_instance_and_have_no_public_address(nodes: NodesTemplate) -> None:
    for nic in nodes.nics():
        assert nic["DeleteOnTermination"] is True
        assert "AssociatePublicIpAddress" not in nic


def test_instance_volume_and_nics_carry_the_cluster_from_the_start(nodes: NodesTemplate) -> None:
    data = nodes.launch_data()
    for kind in ("instance", "volume", "network-interface"):
        assert launch_tags(data, kind)["spiderpool-aws/cluster"] == "prod"
    propagated = [tag for tag in groups(nodes)[0]["Tags"] if tag["PropagateAtLaunch"]]
    assert tags(propagated)["spiderpool-aws/cluster"] == "prod"


def test_a_node_is_an_instance_of_the_policys_first_group(nodes: NodesTemplate) -> None:
    data = nodes.launch_data()
    node = replace(build.instance(), tags=launch_tags(data, "instance"), instance_type=data["InstanceType"])
    group = parse_policy(TWO_NICS).group_of(node)
    assert group is not None
    assert group.name == "workers"
    assert parse_policy(TWO_NICS).group_of(replace(node, tags={})) is None


def test_with_the_first_nic_only_the_others_are_left_to_whoever_attaches_them() -> None:
    (nic,) = nodes_template(TWO_NICS, templateNics="first").nics()
    assert nic["DeviceIndex"] == 0


def test_a_policy_without_index_0_still_launches_an_instance_with_one() -> None:
    first, second = nodes_template(policy_text(interface(1))).nics()
    assert [first["DeviceIndex"], second["DeviceIndex"]] == [0, 1]
    assert "SecondaryPrivateIpAddressCount" not in first


def test_the_policys_security_groups_come_beside_the_nodes_own_at_index_0_and_instead_of_it_elsewhere() -> None:
    own = {"Fn::GetAtt": ["Nodes66C30434", "GroupId"]}
    text = policy_text(interface(0, securityGroups=["sg-0a"]), interface(1, securityGroups=["sg-0b"]), interface(2))
    assert [nic["Groups"] for nic in nodes_template(text).nics()] == [[own, "sg-0a"], ["sg-0b"], [own]]


def test_the_image_is_looked_up_at_each_launch(nodes: NodesTemplate) -> None:
    parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    assert nodes.launch_data()["ImageId"] == f"resolve:ssm:{parameter}"


def test_the_metadata_need_a_token_and_answer_the_host_only(nodes: NodesTemplate) -> None:
    options = nodes.launch_data()["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 1)
    assert options["InstanceMetadataTags"] == "disabled"


def test_the_volumes_are_encrypted(nodes: NodesTemplate) -> None:
    (jump_host,) = nodes.of("AWS::EC2::Instance")
    for volume in (*jump_host["BlockDeviceMappings"], *nodes.launch_data()["BlockDeviceMappings"]):
        assert (volume["Ebs"]["Encrypted"], volume["Ebs"]["VolumeType"]) == (True, "gp3")


def hooks(policy: str) -> dict[str, Json]:
    """Return the hooks of the first zone's group, by name; all zones have the same."""
    first, second = (group["LifecycleHookSpecificationList"] for group in groups(nodes_template(policy)))
    assert first == second
    return {hook["LifecycleHookName"]: hook for hook in first}


def test_a_launch_and_a_termination_wait_for_us_from_the_groups_first_instance_on() -> None:
    transitions = {name: hook["LifecycleTransition"] for name, hook in hooks(TWO_NICS).items()}
    assert transitions == {
        LAUNCH_HOOK: "autoscaling:EC2_INSTANCE_LAUNCHING",
        TERMINATE_HOOK: "autoscaling:EC2_INSTANCE_TERMINATING",
    }


def test_where_nobody_answers_the_group_goes_on_and_no_node_is_thrown_away() -> None:
    assert {hook["DefaultResult"] for hook in hooks(TWO_NICS).values()} == {"CONTINUE"}


def test_a_hook_outlives_a_heartbeat_that_is_lost_and_the_usual_drain() -> None:
    assert {hook["HeartbeatTimeout"] for hook in hooks(TWO_NICS).values()} == {600}
    # A longer drain, as a longer launch, is kept alive by heartbeats.
    assert parse_policy(TWO_NICS).nodes.drain_seconds < 600
    assert HEARTBEAT.total_seconds() <= 600 / 2


def test_the_group_has_the_tag_by_which_the_worker_may_answer_its_hooks(nodes: NodesTemplate) -> None:
    for group in groups(nodes):
        assert tags(group["Tags"])["spiderpool-aws/cluster"] == "prod"


def test_the_user_data_is_the_rendered_parts_and_fits(nodes: NodesTemplate) -> None:
    text = nodes.launch_data()["UserData"]["Fn::Base64"]
    assert "NICS='0=ens5 1=ens6'" in text
    assert "PARAMETER='/spiderpool-aws/prod/join'" in text
    assert len(b64encode(text.encode())) <= MOST_BYTES * 4 / 3 + 3


def test_several_types_make_a_group_that_takes_the_first_one_it_can_get() -> None:
    (group, _) = groups(nodes_template(TWO_NICS, instanceTypes=("m7g.large", "m6g.large")))
    policy = group["MixedInstancesPolicy"]
    assert "LifecycleHookSpecificationList" in group
    assert [o["InstanceType"] for o in policy["LaunchTemplate"]["Overrides"]] == ["m7g.large", "m6g.large"]
    assert policy["InstancesDistribution"]["OnDemandAllocationStrategy"] == "prioritized"
    assert policy["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] == 100
    assert "LaunchTemplate" not in group


def test_the_nodes_talk_among_themselves_and_take_ssh_from_the_jump_host_only(nodes: NodesTemplate) -> None:
    rules = nodes.of("AWS::EC2::SecurityGroupIngress")
    assert {str(rule["GroupId"]["Fn::GetAtt"][0]) for rule in rules} == {"Nodes66C30434"}
    sources = {
        (rule["SourceSecurityGroupId"]["Fn::GetAtt"][0], rule["IpProtocol"], rule.get("FromPort")) for rule in rules
    }
    assert sources == {("Nodes66C30434", "-1", None), ("JumpHostGroupB27163DE", "tcp", 22)}
    assert [group for group in nodes.of("AWS::EC2::SecurityGroup") if "SecurityGroupIngress" in group] == []


def test_the_jump_host_is_a_small_instance_in_a_public_subnet_that_asks_for_a_token(nodes: NodesTemplate) -> None:
    (host,) = nodes.of("AWS::EC2::Instance")
    (nic,) = host["NetworkInterfaces"]
    assert host["InstanceType"] == "t4g.nano"
    assert "PublicSubnet1" in str(nic["SubnetId"])
    assert nic["AssociatePublicIpAddress"] is True
    assert host["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert "KeyName" not in host


def test_the_jump_host_is_not_taken_for_a_node(nodes: NodesTemplate) -> None:
    (host,) = nodes.of("AWS::EC2::Instance")
    assert tags(host["Tags"]) == {"Name": "spiderpool-aws-prod-jump-host"}


@pytest.mark.parametrize(("cidr", "key"), [("203.0.113.0/24", "CidrIp"), ("2001:db8::/48", "CidrIpv6")])
def test_a_key_and_a_cidr_open_ssh_for_that_cidr(cidr: str, key: str) -> None:
    nodes = nodes_template(TWO_NICS, sshKeyName="mine", sshCidr=cidr)
    (host,) = nodes.of("AWS::EC2::Instance")
    opened = [rule for group in nodes.of("AWS::EC2::SecurityGroup") for rule in group.get("SecurityGroupIngress", ())]
    assert [(rule[key], rule["FromPort"], rule["ToPort"]) for rule in opened] == [(cidr, 22, 22)]
    assert (host["KeyName"], nodes.launch_data()["KeyName"]) == ("mine", "mine")


@pytest.mark.parametrize("role", ["NodeRole", "JumpHostRole"])
def test_session_manager_reaches_nodes_and_jump_host_without_an_aws_managed_policy(
    nodes: NodesTemplate, role: str
) -> None:
    (allowed,) = [s["Action"] for s in nodes.statements(role) if s["Sid"] == "SessionManager"]
    assert {"ssm:UpdateInstanceInformation", "ssmmessages:OpenDataChannel"} < set(allowed)
    assert all("ManagedPolicyArns" not in found for found in nodes.of("AWS::IAM::Role"))


@pytest.mark.parametrize(
    ("given", "name"), [("", "/spiderpool-aws/prod/join"), ("/mine/join", "/mine/join"), ("mine", "/mine")]
)
def test_a_node_reads_the_join_parameter_and_no_other(given: str, name: str) -> None:
    statements = nodes_template(TWO_NICS, joinParameter=given).statements("NodeRole")
    reads = [plain(s["Resource"]) for s in statements if "ssm:GetParameter" in s["Action"]]
    assert reads == [f"arn:aws:ssm:eu-west-1:111122223333:parameter{name}"]


def test_no_arn_names_a_partition(nodes: NodesTemplate) -> None:
    assert [text for text in strings(nodes.json) if "arn:aws" in text] == []
