"""Three runs as the functions' roles: the main job, NICs that the worker creates, and life-cycle hooks.

All assert after every step that nothing was refused, so a permission that is missing fails them.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import yaml
from botocore.exceptions import ClientError

from spiderpool_aws.domain.instance import CLUSTER_TAG
from spiderpool_aws.domain.lifecycle import LAUNCH_HOOK
from spiderpool_aws.local.ec2 import Eni
from spiderpool_aws.local.ec2.fixtures import Network, tag_list
from spiderpool_aws.local.functions import FunctionError
from spiderpool_aws.local.iam import Guard
from spiderpool_aws.local.stack import LocalStack
from tests.integration.groups import group_scene
from tests.integration.iam.lambda_itself import act_as_lambda
from tests.integration.iam.roles import SECRET, Roles
from tests.integration.scene import TAGS, Scene, policy_text, scene

POLICY = policy_text(ipv6={"addresses": 3})
WORKER = "reconcile_nodes"
GROUP = "workers"


class RefusedError(AssertionError):
    """IAM refused what the run needs."""


RolesOf = Callable[[str], Roles]
"""The roles in a VPC, whose id is known when it is there."""


class Run:
    """A local stack behind IAM. `step` says what was done; it raises RefusedError if any call of it was refused."""

    def __init__(self, stack: LocalStack, network: Network) -> None:
        assert stack.guard is not None
        self.stack, self.network, self.guard = stack, network, stack.guard
        self.guard.group_tags[GROUP] = dict(TAGS)

    def step(self, name: str) -> None:
        if self.guard.refused:
            function, refusal = self.guard.refused[0]
            raise RefusedError(f"{name}: {refusal.action} of {function} on {refusal.arn}")

    def operator(self, operation: str, **params: Any) -> Any:
        """Call EC2 as a person with every permission."""
        return self.stack.model.call(operation, params)

    def resync(self, payload: dict[str, Any]) -> Any:
        """Invoke the resync as a person does."""
        try:
            return self.stack.bus.invoke_resync(payload)
        except FunctionError:
            self.step(f"resync {payload}")
            raise

    def nic(self, device_index: int) -> Eni:
        enis = self.stack.model.enis.values()
        return next(eni for eni in enis if eni.attachment and eni.attachment.device_index == device_index)

    def client(self, function: str, service: str) -> Any:
        """Return a boto3 client as the function's role."""
        session: Any = self.stack.application(function).session
        return session.client(service)


def main_job(roles_of: RolesOf, nic_tags: dict[str, str] | None = None) -> Guard:
    """Launch, heal, detach, take bad input, trip the fuse and terminate; return who was asked what."""
    policies: Roles = {}
    with scene(POLICY, policies=policies) as s:
        policies |= roles_of(s.network.vpc_id)
        run = Run(s.stack, s.network)
        act_as_lambda(run.guard, s.stack)
        run.step("Lambda itself: logs, NICs, queues")
        _log_in(run)
        instance_id = _launch(run, s, nic_tags)
        _heal_and_detach(run, s, instance_id)
        _take_bad_input(run, s)
        _trip_the_fuse(run, s, instance_id)
        return run.guard


def _log_in(run: Run) -> None:
    for function in (WORKER, "resync"):
        # Allowed, and then not found: nobody has put a kubeconfig there.
        with suppress(ClientError):
            run.client(function, "secretsmanager").get_secret_value(SecretId=SECRET)
        run.step("read the kubeconfig")


def _launch(run: Run, s: Scene, nic_tags: dict[str, str] | None) -> str:
    instance_id = s.launch(nic_tags=nic_tags)
    s.run(90)
    run.step("launch")
    # From here on a resync comes when it is called: one that meets the detached NIC half-way would trip the fuse.
    run.stack.bus.scheduled = False
    assert run.resync({})["converged"] == 1
    run.resync({"instanceIds": [instance_id]})
    s.run(10)
    run.step("resync")
    assert sorted(pool.spec.ips.count() for pool in s.pools(instance_id)) == [3, 3, 5, 5]
    return instance_id


def _heal_and_detach(run: Run, s: Scene, instance_id: str) -> None:
    first, second = run.nic(0), run.nic(1)
    taken = first.secondary_ips[:1]
    run.operator("UnassignPrivateIpAddresses", NetworkInterfaceId=first.id, PrivateIpAddresses=taken)
    s.run(150)
    run.step("heal")
    assert len(first.secondary_ips) == 5
    assert second.attachment is not None
    run.operator("DetachNetworkInterface", AttachmentId=second.attachment.id)
    s.run(240)
    run.step("detach")
    assert len(s.pools(instance_id)) == 2


def _take_bad_input(run: Run, s: Scene) -> None:
    run.stack.put_policy(POLICY.replace("version: 1", "version: 2"))
    run.stack.requests.send("not json", group="i-00000001", deduplication_id="poison")
    state = {"state": "running", "instance-id": "web-1"}
    detail_type = "EC2 Instance State-change Notification"
    run.stack.bus.put({"id": "malformed", "source": "aws.ec2", "detail-type": detail_type, "detail": state})
    s.run(20)
    run.step("bad input")
    assert (len(run.stack.dead_requests.messages), len(run.stack.lost_events.messages)) == (1, 1)
    run.stack.dead_requests.messages.clear()


def _trip_the_fuse(run: Run, s: Scene, instance_id: str) -> None:
    run.operator("DeleteTags", Resources=[instance_id], Tags=[{"Key": CLUSTER_TAG}])
    run.resync({})
    run.step("trip the fuse")
    assert run.stack.fuse()["state"] == "tripped"
    run.operator("CreateTags", Resources=[instance_id], Tags=tag_list(TAGS))
    run.operator("TerminateInstances", InstanceIds=[instance_id])
    s.run(60)
    run.step("terminate")
    assert s.pools() == []


def nics_of_its_own(roles_of: RolesOf) -> Guard:
    """Create a NIC, shrink it, note and delete it when nobody needs it, as the worker."""
    policies: Roles = {}
    with scene(POLICY, policies=policies) as s:
        policies |= roles_of(s.network.vpc_id)
        run = Run(s.stack, s.network)
        s.launch(nics=1, nic_tags=TAGS)
        run.stack.put_policy(_two_nics(run, addresses=3))
        s.run(120)
        run.step("create a NIC")
        created = run.nic(1)
        assert (len(created.secondary_ips), created.attachment is not None) == (3, True)
        # One less of each: more than five removals at once would trip the fuse.
        run.stack.put_policy(_two_nics(run, addresses=2))
        s.run(240)
        run.step("shrink")
        assert len(created.secondary_ips) == 2
        _leave_alone(run, s, created)
        return run.guard


def _two_nics(run: Run, *, addresses: int) -> str:
    document = yaml.safe_load(POLICY)
    first, second = document["groups"][0]["interfaces"]
    for nic in (first, second):
        nic |= {"ipv4": {"addresses": addresses}, "ipv6": {"addresses": addresses}}
    second["subnets"] = {"ids": [run.network.subnets["pods"]]}
    return yaml.safe_dump(document)


def _leave_alone(run: Run, s: Scene, created: Eni) -> None:
    document = yaml.safe_load(POLICY)
    del document["groups"][0]["interfaces"][1]
    run.stack.put_policy(yaml.safe_dump(document))
    s.run(60)
    assert created.attachment is not None
    run.operator("DetachNetworkInterface", AttachmentId=created.attachment.id)
    s.run(300)
    run.step("note that nobody needs it")
    assert "spiderpool-aws/orphan-since" in created.tags
    s.run(900)
    run.step("delete it")
    assert created.id not in run.stack.model.enis


def hooks(roles_of: RolesOf) -> Guard:
    """Hold up a group's launch until a node that is slow to join has its pools; then drain it."""
    policies: Roles = {}
    with group_scene(POLICY, policies=policies) as g:
        policies |= roles_of(g.scene.network.vpc_id)
        run = Run(g.scene.stack, g.scene.network)
        g.scene.kubelets.join_seconds = 400.0
        g.group.set_desired(1)
        g.scene.run(600)
        run.step("answer the hook of a launch")
        g.run_pod(*g.group.instance_ids)
        g.group.set_desired(0)
        g.scene.run(60)
        plans = run.resync({"dryRun": True})["plans"]
        run.step("look at a node that is drained")
        assert "pods still have" in plans[0]["plan"]
        assert g.hook_calls() == [(LAUNCH_HOOK, "CONTINUE")]
        return run.guard
