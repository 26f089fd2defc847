"""The demo cluster as a world: six nodes with pods, and two changes that somebody made by hand a moment ago.

Everything stands still: what the deployed functions would mend within minutes is there for the command to find.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration

from spiderpool_aws.adapters.account import Account, FunctionFacts, Identity, TrailFacts
from spiderpool_aws.adapters.cluster_facts import ClusterFacts
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.adapters.deployed import QUEUES, QueueDepth
from spiderpool_aws.cli.world import Beside, Core, Notes, World
from spiderpool_aws.deployment import Names
from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.errors import Refused
from spiderpool_aws.local.cluster import connect_in_process
from spiderpool_aws.local.demo import CLUSTER, POLICY, Demo
from spiderpool_aws.local.ec2 import connect_in_process as connect_ec2
from spiderpool_aws.local.functions import FunctionError
from spiderpool_aws.local.isolated import isolated_session
from spiderpool_aws.local.stack import LocalStack
from spiderpool_aws.permissions import Place
from spiderpool_aws.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from spiderpool_aws.adapters.simulator import Denied
    from spiderpool_aws.manifests.rbac import Rule
    from spiderpool_aws.permissions import Need

CALLER = "reconcile_nodes"
"""As whom the command calls EC2: a role of the product, whose calls wake no function."""


class DemoDeployment:
    """Implements `DeployedPort` with the handlers and queues of the local stack. The worker stands still."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack

    def resync(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke the resync."""
        try:
            answer: dict[str, Any] = self._stack.bus.invoke_resync(dict(payload))
        except FunctionError as error:
            raise Refused(f"resync failed: {error}") from error
        return answer

    def worker_runs(self) -> bool:
        """Return False: time stands still in the demo, so no worker is at work."""
        return False

    def policy_changed_at(self) -> datetime | None:
        """Return None: long ago."""
        return None

    def queues(self) -> Sequence[QueueDepth]:
        """Return how full each queue is."""
        stack = self._stack
        counts = (len(queue.messages) for queue in (stack.requests, stack.dead_requests, stack.lost_events))
        return [QueueDepth(what, count, dead=what != "requests") for what, count in zip(QUEUES, counts, strict=True)]

    def pause(self, seconds: float) -> None:
        """Move the demo's clock: the worker takes what is in the queue."""
        self._stack.bus.advance(seconds)


class DemoFacts(ClusterFacts):
    """What the double answers; it has no ConfigMaps and no reviews of access, so these are as they should be."""

    def spiderpool_config(self) -> dict[str, Any]:
        """Return the setting that AWS needs."""
        return {"enableStatefulSet": False}

    def allows(self, rule: Rule, verb: str, user: str = "") -> bool:  # noqa: ARG002 - as its base has it
        """Allow the product's own rules to everybody."""
        return verb in rule.verbs


class DemoAccount:
    """Implements `AccountPort` as an account in which everything is deployed."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack

    def identity(self) -> Identity:
        """Return nobody's role."""
        account = self._stack.model.account_id
        return Identity(f"arn:aws:iam::{account}:role/demo", account, self._stack.clock.now())

    def function(self, name: str) -> FunctionFacts:
        """Return a function that is ready."""
        place = Place(self._stack.functions[name].arn, login="web-identity")
        return FunctionFacts("Active", "Successful", self._stack.roles[name], place)

    def queue_is_read(self) -> bool:
        """Return True."""
        return True

    def rule_state(self, name: str) -> str:
        """Return the state of a row of the table of routes."""
        return "ENABLED" if name in {route.name for route in ROUTES} else ""

    def trails(self) -> Sequence[TrailFacts]:
        """Return the trail by which the model's calls become events."""
        return [TrailFacts("demo", is_logging=True, has_writes=True)]

    def federation_is_on(self) -> bool:
        """Return True."""
        return True

    def denied(self, role_arn: str, need: Need) -> Sequence[Denied]:  # noqa: ARG002 - as the port has it
        """Return nothing: the demo has no IAM that could deny."""
        return ()

    def try_write(self, operation: str, params: Mapping[str, Any]) -> None:
        """Make a dry run of the model's call."""
        session: Any = isolated_session(self._stack.model.region)
        connect_ec2(session, self._stack.model)
        Account(session.client, Names(CLUSTER)).try_write(operation, params)


@contextmanager
def demo_stack() -> Iterator[LocalStack]:
    """Give the demo's stack when its nodes are complete, before anything was changed by hand."""
    with LocalStack(policy=POLICY) as stack:
        Demo(stack, lambda _line, _at: None).prepare()
        yield stack


@contextmanager
def demo_world() -> Iterator[World]:
    """Give the demo's world after the two changes."""
    with demo_stack() as stack:
        assign_by_hand(stack)
        edit_by_hand(stack)
        yield world_of(stack)


def world_of(stack: LocalStack) -> World:
    """Return a command's world on a local stack."""
    application = stack.application(CALLER)
    core = Core(application.systems, application.control, stack.clock, Notes())
    beside = Beside(DemoDeployment(stack), DemoFacts(_credentials(stack)), DemoAccount(stack))
    return World(Names(CLUSTER), core, beside, "of the demo", application.control)


def _credentials(stack: LocalStack) -> FixedCredentials:
    api = ApiClient(Configuration(host="https://cluster.local"))
    connect_in_process(api, stack.cluster)
    return FixedCredentials(api)


def assign_by_hand(stack: LocalStack) -> str:
    """Assign two addresses more than the policy says to a NIC, as in the console; return the NIC's id."""
    eni_id = min(eni.id for eni in stack.model.enis.values() if eni.attachment is not None)
    params = {"NetworkInterfaceId": eni_id, "SecondaryPrivateIpAddressCount": 2}
    stack.model.call("AssignPrivateIpAddresses", params)
    return eni_id


def edit_by_hand(stack: LocalStack) -> tuple[str, str]:
    """Take an address that no pod uses out of a pool, as with kubectl edit; return the pool's name and the address."""
    pool = max(
        (p for p in stack.cluster.objects("spiderippools") if p["spec"]["ipVersion"] == 4),
        key=lambda stored: stored["metadata"]["name"],
    )
    listed = AddressSet.parse(IPFamily.IPV4, pool["spec"]["ips"])
    address = list(listed)[-1]
    rest = listed - AddressSet.of(IPFamily.IPV4, [address])
    stack.cluster.put({**pool, "spec": {**pool["spec"], "ips": rest.to_ranges()}})
    return pool["metadata"]["name"], address
