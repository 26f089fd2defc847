"""A scene whose nodes come from an Auto Scaling group that has our hooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from spiderpool_aws.deployment import HOOK_TIMEOUT
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.lifecycle import LAUNCH_HOOK, TERMINATE_HOOK
from spiderpool_aws.local.ec2.autoscaling import AutoScalingGroup, LifecycleHook, Result, Transition
from spiderpool_aws.local.ec2.fixtures import tag_list
from spiderpool_aws.local.iam import Policies
from tests.integration.scene import TAGS, Scene, scene

HEARTBEAT_SECONDS = int(HOOK_TIMEOUT.total_seconds())
HOOKS = (
    LifecycleHook(LAUNCH_HOOK, Transition.LAUNCHING, HEARTBEAT_SECONDS, Result.CONTINUE),
    LifecycleHook(TERMINATE_HOOK, Transition.TERMINATING, HEARTBEAT_SECONDS, Result.CONTINUE),
)
LAUNCHED = "EC2 Instance Launch Successful"


@dataclass
class GroupScene:
    scene: Scene
    group: AutoScalingGroup
    served: dict[str, list[Pool]] = field(default_factory=dict)
    """Instance id -> its pools at the moment when it entered service."""

    def watch(self, event: dict[str, Any]) -> None:
        if event["detail-type"] == LAUNCHED and event["detail"]["Destination"] == "AutoScalingGroup":
            instance_id = event["detail"]["EC2InstanceId"]
            self.served[instance_id] = self.scene.pools(instance_id)

    def grow(self, desired: int) -> list[str]:
        """Have so many instances in service; return them."""
        self.group.set_desired(desired)
        self.scene.run(120)
        assert [self.group.state_of(i) for i in self.group.instance_ids] == ["InService"] * desired
        return self.group.instance_ids

    def run_pod(self, instance_id: str) -> None:
        node = self.scene.pools(instance_id)[0].spec.node_name[0]
        self.scene.stack.agent.run_pod("default", "web", node, "kube-system/ipvlan-ens5")

    def hook_calls(self) -> list[tuple[str, str]]:
        """Return the product's calls of hooks: which, and with what result or error."""
        return [
            (call.params["LifecycleHookName"], call.error.code if call.error else call.params["LifecycleActionResult"])  # type: ignore[union-attr]
            for call in self.scene.stack.autoscaling.calls
            if call.operation == "CompleteLifecycleAction"
        ]

    def disabled(self, instance_id: str) -> list[bool]:
        return [pool.spec.disable for pool in self.scene.pools(instance_id)]


@contextmanager
def group_scene(policy: str | None = None, *, policies: Policies | None = None) -> Iterator[GroupScene]:
    """Return a scene with the group `workers`; with `policies`, behind IAM."""
    with scene(policy, policies=policies) as s:
        nics = [
            {"DeviceIndex": index, "SubnetId": s.network.subnets[name], "Groups": [s.network.group_id]}
            | {"Ipv6AddressCount": 1, "PrimaryIpv6": True, "DeleteOnTermination": True}
            for index, name in enumerate(("nodes", "pods"))
        ]
        data = {
            "ImageId": "ami-0123456789abcdef0",
            "InstanceType": "m5.large",
            "NetworkInterfaces": nics,
            "TagSpecifications": [
                {"ResourceType": kind, "Tags": tag_list(TAGS)} for kind in ("instance", "network-interface")
            ],
        }
        s.stack.model.call("CreateLaunchTemplate", {"LaunchTemplateName": "workers", "LaunchTemplateData": data})
        subnets = [s.network.subnets["nodes"]]
        group = AutoScalingGroup(s.stack.model, "workers", subnets, {"LaunchTemplateName": "workers"})
        for hook in HOOKS:
            group.put_hook(hook)
        s.stack.autoscaling.groups.append(group)
        built = GroupScene(s, group)
        s.stack.model.subscribe(built.watch)
        yield built
